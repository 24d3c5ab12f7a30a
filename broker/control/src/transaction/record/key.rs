//! TransactionLogKey version 0: the transactional id.

use bytes::Bytes;

use crate::metadata::wire::{DecodeError, Reader, Writer};

const VERSION: i16 = 0;

/// The key of `transactional_id`'s records, version prefix included.
#[must_use]
pub fn encode(transactional_id: &str) -> Bytes {
    let mut w = Writer::default();
    w.i16(VERSION);
    w.string(transactional_id);
    w.finish()
}

/// The transactional id in a key.
pub fn decode(key: &[u8]) -> Result<String, DecodeError> {
    let mut r = Reader::new(key);
    match r.i16("key version")? {
        VERSION => Ok(r.string("transactional id")?.to_owned()),
        version => Err(DecodeError::UnknownVersion { kind: "transaction log key", version: i64::from(version) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_kafkas() {
        // Kafka 4.3.1: TransactionLog.keyToBytes("tx").
        assert_eq!(&encode("tx")[..], [0, 0, 0, 2, b't', b'x']);
    }

    proptest! {
        #[test]
        fn reads_back(id in ".{0,60}") {
            prop_assert_eq!(decode(&encode(&id)), Ok(id));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
