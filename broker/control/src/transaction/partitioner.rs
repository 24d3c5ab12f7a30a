//! Which partition of an internal topic holds a group or a transactional id (Kafka: `Utils.abs(id.hashCode()) % partitions`).

/// The partition of `__consumer_offsets` or `__transaction_state` that holds `id`, out of `partitions` (at least 1).
#[must_use]
pub fn partition_for(id: &str, partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    let hash = java_hash_code(id);
    // Utils.abs: the smallest integer has no positive twin and counts as 0.
    let positive = if hash == i32::MIN { 0 } else { hash.abs() };
    positive % partitions
}

/// Java's `String.hashCode`: over UTF-16 units, wrapping.
#[must_use]
pub fn java_hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_javas() {
        // Values a JVM prints for "hello".hashCode() and the well-known string whose hash is Integer.MIN_VALUE.
        assert_eq!(java_hash_code("hello"), 99_162_322);
        assert_eq!(java_hash_code("polygenelubricants"), i32::MIN);
        assert_eq!(java_hash_code(""), 0);
    }

    #[test]
    fn partition_is_kafkas() {
        assert_eq!(partition_for("hello", 50), 22);
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        // Computed by Kafka's Utils.abs; the last one has letters outside ASCII and a surrogate pair.
        assert_eq!(partition_for("my-transactional-id", 50), 46);
        assert_eq!(partition_for("grüße-\u{1F600}", 50), 27);
    }
}
