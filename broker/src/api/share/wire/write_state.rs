//! WriteShareGroupState, versions 0 and 1. Version 1 has `DeliveryCompleteCount` in each partition (KIP-1226).

use bytes::{Buf, Bytes};
use forebay_control::share::partition::StateBatch;
use forebay_control::share::state::WriteState;
use uuid::Uuid;

use crate::api::wire::Request;
use crate::api::wire::reader::{Reader, Short};

/// First version with `DeliveryCompleteCount`.
const COUNT_FROM: i16 = 1;

/// The request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteShareGroupState {
    /// The group.
    pub group_id: String,
    /// By topic.
    pub topics: Vec<WriteTopic>,
}

/// The partitions of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteTopic {
    /// The topic.
    pub topic_id: Uuid,
    /// Its partitions, each with what is to be kept.
    pub partitions: Vec<(i32, WriteState)>,
}

impl Request for WriteShareGroupState {
    const FIRST: i16 = 0;
    const LAST: i16 = 1;

    fn read(body: &mut Bytes, version: i16) -> Result<WriteShareGroupState, String> {
        let mut reader = Reader(body);
        let read = request(&mut reader, version).map_err(|Short| "it ends before its last field".to_owned())?;
        body.advance(body.len());
        Ok(read)
    }
}

fn request(reader: &mut Reader<'_>, version: i16) -> Result<WriteShareGroupState, Short> {
    let group_id = reader.compact_text()?;
    let topics = reader.compact_array(|reader| topic(reader, version))?;
    reader.tags()?;
    Ok(WriteShareGroupState { group_id, topics })
}

fn topic(reader: &mut Reader<'_>, version: i16) -> Result<WriteTopic, Short> {
    let topic_id = Uuid::from_u128(reader.u128()?);
    let partitions = reader.compact_array(|reader| partition(reader, version))?;
    reader.tags()?;
    Ok(WriteTopic { topic_id, partitions })
}

fn partition(reader: &mut Reader<'_>, version: i16) -> Result<(i32, WriteState), Short> {
    let partition = reader.i32()?;
    let write = WriteState {
        state_epoch: reader.i32()?,
        leader_epoch: reader.i32()?,
        start_offset: reader.i64()?,
        delivery_complete_count: if version >= COUNT_FROM { reader.i32()? } else { -1 },
        batches: reader.compact_array(batch)?,
    };
    reader.tags()?;
    Ok((partition, write))
}

fn batch(reader: &mut Reader<'_>) -> Result<StateBatch, Short> {
    let batch = StateBatch {
        first_offset: reader.i64()?,
        last_offset: reader.i64()?,
        delivery_state: reader.i8()?,
        delivery_count: reader.i16()?,
    };
    reader.tags()?;
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::WriteShareGroupStateRequest;
    use kafka_protocol::messages::write_share_group_state_request::{
        PartitionData, StateBatch as Batch, WriteStateData,
    };
    use kafka_protocol::protocol::{Encodable, StrBytes};

    use super::*;

    fn expected(delivery_complete_count: i32) -> WriteShareGroupState {
        let batch = StateBatch { first_offset: 5, last_offset: 9, delivery_state: 2, delivery_count: 3 };
        let write = WriteState {
            state_epoch: 1,
            leader_epoch: 2,
            start_offset: 4,
            delivery_complete_count,
            batches: vec![batch],
        };
        let topic = WriteTopic { topic_id: Uuid::from_u128(7), partitions: vec![(3, write)] };
        WriteShareGroupState { group_id: "g".into(), topics: vec![topic] }
    }

    fn encoded() -> Bytes {
        let batch =
            Batch::default().with_first_offset(5).with_last_offset(9).with_delivery_state(2).with_delivery_count(3);
        let partition = PartitionData::default()
            .with_partition(3)
            .with_state_epoch(1)
            .with_leader_epoch(2)
            .with_start_offset(4)
            .with_state_batches(vec![batch]);
        let topic = WriteStateData::default().with_topic_id(Uuid::from_u128(7)).with_partitions(vec![partition]);
        let request = WriteShareGroupStateRequest::default()
            .with_group_id(StrBytes::from_static_str("g"))
            .with_topics(vec![topic]);
        let mut body = BytesMut::new();
        request.encode(&mut body, 0).unwrap();
        body.freeze()
    }

    #[test]
    fn version_0_is_what_kafka_protocol_writes() {
        assert_eq!(WriteShareGroupState::read(&mut encoded(), 0), Ok(expected(-1)));
    }

    #[test]
    fn version_1_has_the_count_before_the_batches() {
        // Group, topics, topic id, partitions, partition, two epochs, start offset.
        let at = 2 + 1 + 16 + 1 + 4 + 4 + 4 + 8;
        let body = encoded();
        let mut later = BytesMut::from(&body[..at]);
        later.put_i32(11);
        later.extend_from_slice(&body[at..]);
        assert_eq!(WriteShareGroupState::read(&mut later.clone().freeze(), 1), Ok(expected(11)));
        for length in 0..later.len() {
            assert!(
                WriteShareGroupState::read(&mut later.clone().freeze().slice(..length), 1).is_err(),
                "{length} bytes"
            );
        }
    }
}
