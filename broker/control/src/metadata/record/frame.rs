//! The frame around every record of `__cluster_metadata` (Kafka: MetadataRecordSerde, AbstractApiMessageSerde): frame version, api key and
//! record version as unsigned varints, then the message. Records have no key: the runtime writes the empty key of our
//! [`crate::machine::LogRecord`] as null.

use bytes::Bytes;

use crate::metadata::wire::{DecodeError, Reader, Writer};

const FRAME_VERSION: u32 = 1;

/// Frames a message.
pub(super) fn encode(api_key: u32, version: u32, body: impl FnOnce(&mut Writer)) -> Bytes {
    let mut w = Writer::default();
    w.varint(FRAME_VERSION);
    w.varint(api_key);
    w.varint(version);
    body(&mut w);
    w.finish()
}

/// The api key, the version and the rest.
pub(super) fn decode(bytes: &[u8]) -> Result<(u32, u32, Reader<'_>), DecodeError> {
    let mut r = Reader::new(bytes);
    match r.varint("frame version")? {
        FRAME_VERSION => {
            let api_key = r.varint("api key")?;
            let version = r.varint("record version")?;
            Ok((api_key, version, r))
        }
        version => Err(DecodeError::UnknownVersion { kind: "metadata record frame", version: i64::from(version) }),
    }
}
