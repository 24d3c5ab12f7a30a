//! ShareAcknowledge, versions 1 and 2. Version 2 has `IsRenewAck` in the request, and in the answer how long locks hold.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ShareAcknowledgeRequest, ShareAcknowledgeResponse};
use kafka_protocol::protocol::Decodable;

use super::{compact_text_length, cut};
use crate::api::call::{Call, Hangup, Reply};
use crate::api::wire::Request;

/// First version with `IsRenewAck` and `AcquisitionLockTimeoutMs`.
const RENEW_FROM: i16 = 2;

/// The request.
#[derive(Clone, Debug)]
pub struct ShareAcknowledge {
    /// The fields of version 1.
    pub request: ShareAcknowledgeRequest,
    /// `IsRenewAck`: the acknowledgements may renew locks (KIP-1222).
    pub is_renew_ack: bool,
}

impl Request for ShareAcknowledge {
    const FIRST: i16 = 1;
    const LAST: i16 = 2;

    fn read(body: &mut Bytes, version: i16) -> Result<ShareAcknowledge, String> {
        let mut renew = Bytes::from_static(&[0]);
        if version >= RENEW_FROM {
            renew = cut_renew(body).ok_or("it ends before IsRenewAck")?;
        }
        let request = ShareAcknowledgeRequest::decode(body, 1).map_err(|error| error.to_string())?;
        Ok(ShareAcknowledge { request, is_renew_ack: renew[0] != 0 })
    }
}

/// Before the byte are the group, the member and the session's epoch.
fn cut_renew(body: &mut Bytes) -> Option<Bytes> {
    let group = compact_text_length(body, 0)?;
    let member = compact_text_length(body, group)?;
    cut(body, group + member + 4, 1)
}

/// Frames an answer. `lock_duration_ms` goes out from version 2 on.
pub fn encode(call: &Call, response: &ShareAcknowledgeResponse, lock_duration_ms: i32) -> Result<Reply, Hangup> {
    let first = Call { version: 1, ..call.clone() };
    let reply = first.encode(response)?;
    match reply {
        Reply::Pieces(pieces) if call.version >= RENEW_FROM => {
            let frame: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes().iter().copied()).collect();
            put_lock_duration(&frame, lock_duration_ms).ok_or_else(|| Hangup("our answer ends too early".into()))
        }
        reply => Ok(reply),
    }
}

/// Before it in the frame are its length, the correlation id, the tags of the header, the throttle time, the error and its message.
fn put_lock_duration(frame: &[u8], lock_duration_ms: i32) -> Option<Reply> {
    let head = 4 + 4 + 1 + 4 + 2;
    let at = head + compact_text_length(frame, head)?;
    let mut out = BytesMut::with_capacity(frame.len() + 4);
    out.put_u32(u32::try_from(frame.len()).ok()?);
    out.extend_from_slice(frame.get(4..at)?);
    out.put_i32(lock_duration_ms);
    out.extend_from_slice(frame.get(at..)?);
    Some(Reply::Pieces(vec![out.freeze().into()]))
}
