//! A request's envelope: who asks, which API in which version; and how its answer is framed.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::{ApiKey, ResponseHeader};
use kafka_protocol::protocol::{Encodable, HeaderVersion};

use crate::api::piece::Piece;
use crate::api::throttle::Charge;
use crate::net::Listener;

/// One request without its body.
#[derive(Clone, Debug)]
pub struct Call {
    /// The API.
    pub key: ApiKey,
    /// The version of the API in which the body came and the answer goes.
    pub version: i16,
    /// Number by which the client knows its answer.
    pub correlation_id: i32,
    /// What the client calls itself; empty if it does not say.
    pub client_id: Arc<str>,
    /// The client's address.
    pub peer: SocketAddr,
    /// The listener it came in by.
    pub listener: Arc<Listener>,
    /// Bytes of the request, its header included.
    pub request_bytes: usize,
    /// What it costs its client.
    pub charge: Charge,
}

/// What goes back to the client.
#[derive(Debug)]
pub enum Reply {
    /// Nothing: the client asked for no answer (`acks=0`).
    Nothing,
    /// A whole frame, its length included, in pieces to be written one after the other.
    Pieces(Vec<Piece>),
}

/// Why a request ends its connection instead of being answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Hangup(pub String);

impl Call {
    /// Frames `response` as the answer to this call.
    pub fn encode<R: Encodable + HeaderVersion>(&self, response: &R) -> Result<Reply, Hangup> {
        let mut frame = BytesMut::with_capacity(256);
        frame.put_u32(0);
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        header
            .encode(&mut frame, R::header_version(self.version))
            .and_then(|()| response.encode(&mut frame, self.version))
            .map_err(|e| Hangup(format!("our answer cannot be encoded in version {}: {e}", self.version)))?;
        let length = u32::try_from(frame.len() - 4).map_err(|_| Hangup("our answer is larger than 4 GiB".into()))?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        Ok(Reply::Pieces(vec![frame.freeze().into()]))
    }
}

impl Call {
    /// Frames the body of an answer in a flexible version, which `kafka-protocol` cannot write.
    pub fn frame_flexible(&self, body: &[u8]) -> Result<Reply, Hangup> {
        let length = u32::try_from(body.len() + 5).map_err(|_| Hangup("our answer is larger than 4 GiB".into()))?;
        let mut frame = BytesMut::with_capacity(body.len() + 9);
        frame.put_u32(length);
        frame.put_i32(self.correlation_id);
        // The header has no tagged fields.
        frame.put_u8(0);
        frame.extend_from_slice(body);
        Ok(Reply::Pieces(vec![frame.freeze().into()]))
    }
}

/// What a handler returns that frames its answer itself, or ends the connection.
#[derive(Debug)]
pub struct Outcome(pub Result<Reply, Hangup>);

/// Anything a handler may return.
pub trait IntoReply {
    /// The answer's bytes.
    fn into_reply(self, call: &Call) -> Result<Reply, Hangup>;
}

impl<R: Encodable + HeaderVersion> IntoReply for R {
    fn into_reply(self, call: &Call) -> Result<Reply, Hangup> {
        call.encode(&self)
    }
}

impl IntoReply for Outcome {
    fn into_reply(self, _: &Call) -> Result<Reply, Hangup> {
        self.0
    }
}
