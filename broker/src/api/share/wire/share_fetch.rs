//! ShareFetch, versions 1 and 2. Version 2 has two bytes more, in the middle: `ShareAcquireMode` and `IsRenewAck`.

use bytes::Bytes;
use kafka_protocol::messages::ShareFetchRequest;
use kafka_protocol::protocol::Decodable;

use super::{compact_text_length, cut};
use crate::api::wire::Request;

/// First version with `ShareAcquireMode` and `IsRenewAck`.
const MODE_FROM: i16 = 2;

/// The request.
#[derive(Clone, Debug)]
pub struct ShareFetch {
    /// The fields of version 1.
    pub request: ShareFetchRequest,
    /// `ShareAcquireMode`: 0 whole batches, 1 no more than `MaxRecords` (KIP-1206).
    pub acquire_mode: i8,
    /// `IsRenewAck`: the acknowledgements may renew locks, and nothing is fetched (KIP-1222).
    pub is_renew_ack: bool,
}

impl Request for ShareFetch {
    const FIRST: i16 = 1;
    const LAST: i16 = 2;

    fn read(body: &mut Bytes, version: i16) -> Result<ShareFetch, String> {
        let mut mode = Bytes::from_static(&[0, 0]);
        if version >= MODE_FROM {
            mode = cut_mode(body).ok_or("it ends before ShareAcquireMode")?;
        }
        let request = ShareFetchRequest::decode(body, 1).map_err(|error| error.to_string())?;
        Ok(ShareFetch { request, acquire_mode: mode[0] as i8, is_renew_ack: mode[1] != 0 })
    }
}

/// Before the two bytes are the group, the member, and six numbers from the session's epoch to the batch size.
fn cut_mode(body: &mut Bytes) -> Option<Bytes> {
    let group = compact_text_length(body, 0)?;
    let member = compact_text_length(body, group)?;
    cut(body, group + member + 6 * 4, 2)
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::GroupId;
    use kafka_protocol::messages::share_fetch_request::FetchTopic;
    use kafka_protocol::protocol::{Encodable, StrBytes};

    use super::*;

    fn request() -> ShareFetchRequest {
        ShareFetchRequest::default()
            .with_group_id(Some(GroupId(StrBytes::from_static_str("a group"))))
            .with_member_id(Some(StrBytes::from_string("m".repeat(200))))
            .with_share_session_epoch(7)
            .with_batch_size(500)
            .with_topics(vec![FetchTopic::default().with_topic_id(uuid::Uuid::from_u128(9))])
    }

    #[test]
    fn version_2_is_version_1_with_two_bytes_behind_the_batch_size() {
        let mut before = BytesMut::new();
        request().encode(&mut before, 1).unwrap();
        let head = 1 + 7 + 2 + 200 + 6 * 4;
        assert_eq!(before[head - 4..head], 500_i32.to_be_bytes());
        let mut body = BytesMut::from(&before[..head]);
        body.put_i8(1);
        body.put_u8(1);
        body.extend_from_slice(&before[head..]);
        let mut body = body.freeze();
        let read = ShareFetch::read(&mut body, 2).unwrap();
        assert_eq!((read.request, read.acquire_mode, read.is_renew_ack), (request(), 1, true));
        assert!(body.is_empty());

        let read = ShareFetch::read(&mut before.clone().freeze(), 1).unwrap();
        assert_eq!((read.request, read.acquire_mode, read.is_renew_ack), (request(), 0, false));
    }

    #[test]
    fn a_version_2_that_ends_early_is_refused() {
        let mut before = BytesMut::new();
        request().encode(&mut before, 1).unwrap();
        for length in 0..before.len().min(240) {
            assert!(ShareFetch::read(&mut before.clone().freeze().slice(..length), 2).is_err(), "{length} bytes");
        }
    }
}
