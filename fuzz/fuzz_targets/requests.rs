//! Fuzzes the way from a frame to a request: header, guard, decoder, for every API key and version: with the decoder that the broker's API
//! table names where it serves that version, and with `kafka-protocol`'s for every request that the guard knows.
#![no_main]

#[path = "../../broker/src/connection/guard/tests/target.rs"]
mod target;

use bytes::Bytes;
use forebay::api;
use forebay::connection::guard;
use kafka_protocol::messages::{ApiKey, RequestKind};

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data, &|key, version, mut body: Bytes| {
    let key = ApiKey::try_from(key).expect("the guard knows it");
    let _ = api::read(key, version, body.clone());
    let _ = RequestKind::decode(key, &mut body, version);
}));
