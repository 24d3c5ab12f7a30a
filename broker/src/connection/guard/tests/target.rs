//! The body of the fuzz target `requests`, which the replay of its corpus calls too: any bytes as a frame.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiKey, RequestHeader};
use kafka_protocol::protocol::Decodable;

use super::guard;

/// As `connection::request` goes about it: what passes the guard is given to `decode` with its key and version, and that must
/// come back, with whatever answer.
pub fn run(frame: &[u8], decode: &dyn Fn(i16, i16, Bytes)) {
    let [k0, k1, v0, v1, ..] = *frame else { return };
    let (key, version) = (i16::from_be_bytes([k0, k1]), i16::from_be_bytes([v0, v1]));
    let Ok(api_key) = ApiKey::try_from(key) else { return };
    if !guard::is_known(key, version) {
        return;
    }
    let header_version = api_key.request_header_version(version);
    let Ok(length) = guard::check_header(header_version, frame) else { return };
    let mut body = Bytes::copy_from_slice(frame);
    if RequestHeader::decode(&mut body, header_version).is_err() {
        return;
    }
    assert_eq!(body.remaining(), frame.len() - length, "guard and decoder agree where the body begins");
    if guard::check(key, version, &body).is_ok() {
        decode(key, version, body);
    }
}
