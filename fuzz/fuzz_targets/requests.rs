//! Fuzzes the way from a frame to a request: header, guard, decoder, for every API key and version. The guard is included by its path:
//! the broker is large, and this needs nothing else of it.
#![no_main]

#[path = "../../broker/src/connection"]
mod connection {
    #[path = "guard/mod.rs"]
    #[allow(dead_code, unused_imports)]
    pub mod guard;
}
#[path = "../../broker/src/connection/guard/tests/target.rs"]
mod target;

use bytes::Bytes;
use connection::guard;
use kafka_protocol::messages::{ApiKey, RequestKind};

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data, &|key, version, mut body: Bytes| {
    let key = ApiKey::try_from(key).expect("the guard knows it");
    let _ = RequestKind::decode(key, &mut body, version);
}));
