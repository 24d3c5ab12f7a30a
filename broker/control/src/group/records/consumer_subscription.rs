//! The topics in a consumer's metadata, the only thing that the coordinator reads there (Kafka: ClassicGroup.computeSubscribedTopics).

use std::sync::Arc;

use super::codec::{Reader, RecordError};

/// The topics of a `ConsumerProtocolSubscription`, read as version 0, which every version starts with.
///
/// # Errors
/// When the bytes are not such metadata; clients that are not Kafka's consumer may send anything.
pub fn subscribed_topics(metadata: &[u8]) -> Result<Vec<Arc<str>>, RecordError> {
    let mut reader = Reader::new("ConsumerProtocolSubscription", metadata);
    let version = reader.int16("version")?;
    if version < 0 {
        return Err(reader.invalid("version", version.to_string()));
    }
    let count = reader.count("topics", false)?;
    (0..count).map(|_| reader.string("topics", false)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_are_found_in_any_version() {
        // Version 1 with user data and owned partitions behind the topics.
        let metadata = b"\0\x01\0\0\0\x02\0\x01a\0\x02bc\xff\xff\xff\xff\0\0\0\0";
        assert_eq!(subscribed_topics(metadata), Ok(vec!["a".into(), "bc".into()]));
        assert!(subscribed_topics(b"").is_err());
        assert!(subscribed_topics(b"\xff\xff\0\0\0\0").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = subscribed_topics(&bytes);
        }
    }
}
