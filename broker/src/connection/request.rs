//! From a frame to a call: the header is parsed, the body proved well-formed before anything reserves memory for it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, RequestHeader};
use kafka_protocol::protocol::Decodable;

use super::guard;
use crate::api;
use crate::api::call::{Call, Hangup};
use crate::api::throttle::Charge;
use crate::net::Listener;

/// What a frame turned out to be.
pub enum Parsed {
    /// A request with its body, in a version that we serve.
    Request(Call, Bytes),
    /// ApiVersions in a version that we do not know: answered in version 0 (KIP-511).
    UnsupportedApiVersions(Call),
}

/// APIs whose handlers drop the request before they wait for anything: its memory is free at once.
const LET_GO_OF: [ApiKey; 2] = [ApiKey::Fetch, ApiKey::ShareFetch];
/// APIs whose handlers may be dropped wherever they wait: nothing is half done there that goes on only with them. An API of long waits
/// without that promise must not be here: what it has begun would stay so.
const MAY_BE_GIVEN_UP: [ApiKey; 2] = [ApiKey::Fetch, ApiKey::ShareFetch];

/// Whether nothing of the frame is kept while its request waits.
pub fn is_let_go_of(frame: &[u8]) -> bool {
    is_one_of(frame, &LET_GO_OF)
}

/// Whether nobody needs the request to be done when its client has left.
pub fn may_be_given_up(frame: &[u8]) -> bool {
    is_one_of(frame, &MAY_BE_GIVEN_UP)
}

fn is_one_of(frame: &[u8], apis: &[ApiKey]) -> bool {
    let key = frame.first_chunk().map(|key| i16::from_be_bytes(*key));
    key.is_some_and(|key| apis.iter().any(|api| *api as i16 == key))
}

/// Parses the header of `frame`. Errors as Kafka's `SocketServer` acts: an unknown API or version ends the connection.
pub fn parse(mut frame: Bytes, peer: SocketAddr, listener: &Arc<Listener>) -> Result<Parsed, Hangup> {
    let [k0, k1, v0, v1, c0, c1, c2, c3, ..] = *frame else {
        return Err(Hangup(format!("a request of {} bytes is too short for a header", frame.len())));
    };
    let request_bytes = frame.len();
    let (key, version) = (i16::from_be_bytes([k0, k1]), i16::from_be_bytes([v0, v1]));
    let correlation_id = i32::from_be_bytes([c0, c1, c2, c3]);
    let api_key = ApiKey::try_from(key).map_err(|()| Hangup(format!("API key {key} is not known")))?;
    let call = |client_id: Arc<str>| Call {
        key: api_key,
        version,
        correlation_id,
        client_id,
        peer,
        listener: listener.clone(),
        request_bytes,
        charge: Charge::default(),
    };
    if !api::is_served(api_key, version) {
        if api_key == ApiKey::ApiVersions {
            return Ok(Parsed::UnsupportedApiVersions(call("".into())));
        }
        return Err(Hangup(format!("{api_key:?} is not served in version {version}")));
    }
    let header_version = api_key.request_header_version(version);
    guard::check_header(header_version, &frame).map_err(|e| Hangup(format!("malformed request header: {e}")))?;
    let header = RequestHeader::decode(&mut frame, header_version)
        .map_err(|e| Hangup(format!("malformed request header: {e}")))?;
    guard::check(key, version, &frame)
        .map_err(|e| Hangup(format!("malformed {api_key:?} request, version {version}: {e}")))?;
    let client_id = header.client_id.as_deref().unwrap_or("").into();
    Ok(Parsed::Request(call(client_id), frame))
}
