//! The embedded protocol of classic consumers (Kafka: ConsumerProtocol), which a group reads and writes while members of both
//! protocols are in it: `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`, versions 0 to 3.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::codec::{Reader, RecordError, put_string};

/// The newest version written; a client with a newer one is answered with this.
const NEWEST_VERSION: i16 = 3;

/// Topics by name, each with partitions.
type TopicPartitions = Vec<(Arc<str>, Vec<i32>)>;

/// A member's subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Version of the bytes; the assignment is answered in it.
    pub(crate) version: i16,
    /// What the member reads.
    pub(crate) topics: Vec<Arc<str>>,
    /// What the member has (version 1 on).
    pub(crate) owned: TopicPartitions,
    /// `client.rack` (version 3 on); empty counts as none.
    pub(crate) rack_id: Option<Arc<str>>,
}

fn topics(reader: &mut Reader<'_>, field: &'static str) -> Result<TopicPartitions, RecordError> {
    let mut topics = Vec::new();
    for _ in 0..reader.count(field, false)? {
        let topic = reader.string(field, false)?;
        let count = reader.count(field, false)?;
        topics.push((topic, (0..count).map(|_| reader.int32(field)).collect::<Result<_, _>>()?));
    }
    Ok(topics)
}

/// Reads nullable bytes of a version that is not flexible.
fn user_data<'a>(reader: &mut Reader<'a>) -> Result<usize, RecordError> {
    let rest: &'a [u8] = reader.rest();
    if rest.starts_with(&[0xff; 4]) {
        return reader.int32("userData").map(|_| 0);
    }
    reader.bytes("userData", false).map(|bytes| bytes.len())
}

impl Subscription {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Subscription, RecordError> {
        let mut reader = Reader::new("ConsumerProtocolSubscription", bytes);
        let version = reader.int16("version")?;
        if version < 0 {
            return Err(reader.invalid("version", version.to_string()));
        }
        let count = reader.count("topics", false)?;
        let names = (0..count).map(|_| reader.string("topics", false)).collect::<Result<_, _>>()?;
        user_data(&mut reader)?;
        let owned = if version >= 1 { topics(&mut reader, "ownedPartitions")? } else { Vec::new() };
        if version >= 2 {
            reader.int32("generationId")?;
        }
        let rack_id = if version >= 3 { reader.nullable_string("rackId", false)? } else { None };
        let rack_id = rack_id.filter(|rack| !rack.is_empty());
        Ok(Subscription { version, topics: names, owned, rack_id })
    }
}

/// The partitions of an assignment by topic, and whether it has data of an assignor of the client's.
pub(crate) fn decode_assignment(bytes: &[u8]) -> Result<(TopicPartitions, bool), RecordError> {
    let mut reader = Reader::new("ConsumerProtocolAssignment", bytes);
    let version = reader.int16("version")?;
    if version < 0 {
        return Err(reader.invalid("version", version.to_string()));
    }
    let assigned = topics(&mut reader, "assignedPartitions")?;
    let has_data = user_data(&mut reader)? > 0;
    Ok((assigned, has_data))
}

/// An assignment without data, in the version of the member's subscription.
pub(crate) fn encode_assignment<'a>(version: i16, topics: impl Iterator<Item = (&'a str, Vec<i32>)>) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(version.min(NEWEST_VERSION));
    let mut count = 0;
    let mut body = BytesMut::new();
    for (topic, partitions) in topics {
        count += 1;
        put_string(&mut body, topic);
        body.put_i32(i32::try_from(partitions.len()).expect("memory bounds the partitions of a topic"));
        partitions.iter().for_each(|p| body.put_i32(*p));
    }
    out.put_i32(count);
    out.put_slice(&body);
    out.put_i32(-1);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subscription_of_version_3_has_owned_partitions_and_a_rack() {
        let bytes =
            b"\0\x03\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x05\0\0\0\x07\0\x01r";
        let expected = Subscription {
            version: 3,
            topics: vec!["t".into()],
            owned: vec![("t".into(), vec![0, 5])],
            rack_id: Some("r".into()),
        };
        assert_eq!(Subscription::decode(bytes), Ok(expected));
        let version_0 = Subscription::decode(b"\0\0\0\0\0\x01\0\x01t\0\0\0\x01x").unwrap();
        assert_eq!((version_0.topics.len(), version_0.owned.len()), (1, 0));
    }

    #[test]
    fn an_assignment_reads_back() {
        let bytes = encode_assignment(9, [("t", vec![1, 2])].into_iter());
        assert_eq!(bytes.as_ref(), b"\0\x03\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x01\0\0\0\x02\xff\xff\xff\xff");
        assert_eq!(decode_assignment(&bytes), Ok((vec![("t".into(), vec![1, 2])], false)));
        assert_eq!(decode_assignment(b"\0\0\0\0\0\0\0\0\0\x01u"), Ok((vec![], true)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Subscription::decode(&bytes);
            let _ = decode_assignment(&bytes);
        }
    }
}
