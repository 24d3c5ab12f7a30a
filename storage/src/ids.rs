//! Identifiers that cross the doors between rooms; no bare integer does.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id! {
    /// Position of a record in its partition, counted from 0.
    Offset(i64)
}
integer_id! {
    /// Milliseconds since 1970-01-01T00:00:00Z; may be negative. -1 means "no timestamp" in Kafka's formats.
    Timestamp(i64)
}
integer_id! {
    /// Term of a partition's leader (KIP-101); -1 means unknown.
    LeaderEpoch(i32)
}
integer_id! {
    /// Identity of an idempotent producer (KIP-98); -1 means none.
    ProducerId(i64)
}
integer_id! {
    /// Generation of a producer id that fences older ones (KIP-98); -1 means none.
    ProducerEpoch(i16)
}
integer_id! {
    /// Number of a record among those of one producer in one partition; wraps from `i32::MAX` to 0.
    Sequence(i32)
}
integer_id! {
    /// Number of a broker in its cluster, Kafka's `node.id`.
    BrokerId(i32)
}

impl Offset {
    /// The first offset of every partition.
    pub const ZERO: Offset = Offset(0);

    /// The offset `count` records further on. Panics on overflow, which no real log can reach.
    #[must_use]
    pub fn plus(self, count: i64) -> Offset {
        Offset(self.0.checked_add(count).expect("offset overflow"))
    }
}

impl Timestamp {
    /// "No timestamp" in Kafka's formats.
    pub const NONE: Timestamp = Timestamp(-1);

    /// This time moved by `ms` milliseconds; stops at the ends of the range instead of wrapping.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}

impl LeaderEpoch {
    /// "Not known", as clients send it.
    pub const UNKNOWN: LeaderEpoch = LeaderEpoch(-1);
}

impl ProducerId {
    /// "No producer": the batch is neither idempotent nor transactional.
    pub const NONE: ProducerId = ProducerId(-1);
}

impl ProducerEpoch {
    /// "No producer epoch".
    pub const NONE: ProducerEpoch = ProducerEpoch(-1);
}

impl Sequence {
    /// "No sequence": the batch is not idempotent.
    pub const NONE: Sequence = Sequence(-1);

    /// The sequence `count` records further on, wrapping from `i32::MAX` to 0 as Kafka's `DefaultRecordBatch.incrementSequence` does.
    /// `count` must not be negative.
    #[must_use]
    pub fn plus(self, count: i32) -> Sequence {
        debug_assert!(count >= 0 && self.0 >= 0);
        let sum = i64::from(self.0) + i64::from(count);
        Sequence((sum % (i64::from(i32::MAX) + 1)) as i32)
    }
}

/// A topic's partition, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, counted from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Identity of a topic that survives deletion and re-creation under the same name (KIP-516).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub Uuid);

impl TopicId {
    /// "No topic id".
    pub const ZERO: TopicId = TopicId(Uuid::nil());
}

impl fmt::Display for TopicId {
    /// URL-safe base64 without padding, as Kafka prints its `Uuid`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits = self.0.as_u128();
        // 128 bits are 22 digits of 6 bits, the last one padded with 4 zero bits.
        for digit in 0..22u32 {
            let shift = 122i32 - 6 * digit as i32;
            let value = if shift >= 0 { bits >> shift } else { bits << -shift };
            write!(f, "{}", ALPHABET[(value & 63) as usize] as char)?;
        }
        Ok(())
    }
}

impl std::str::FromStr for TopicId {
    type Err = String;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<TopicId, String> {
        if text.len() != 22 {
            return Err(format!("a topic id has 22 characters, this has {}: {text:?}", text.len()));
        }
        let mut bits: u128 = 0;
        for (at, c) in text.bytes().enumerate() {
            let value = match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return Err(format!("not a base64 digit at {at} in topic id {text:?}")),
            };
            bits = if at < 21 { (bits << 6) | u128::from(value) } else { (bits << 2) | u128::from(value >> 4) };
        }
        Ok(TopicId(Uuid::from_u128(bits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_wraps_to_zero_after_the_largest() {
        assert_eq!(Sequence(i32::MAX).plus(1), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 1).plus(3), Sequence(1));
        assert_eq!(Sequence(5).plus(0), Sequence(5));
    }

    #[test]
    fn topic_id_reads_back_what_it_prints() {
        // Kafka's Uuid.METADATA_TOPIC_ID is new Uuid(0, 1) and prints so.
        assert_eq!(TopicId(Uuid::from_u128(1)).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        for bits in [0u128, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = TopicId(Uuid::from_u128(bits));
            assert_eq!(id.to_string().parse::<TopicId>(), Ok(id));
        }
        assert!("short".parse::<TopicId>().is_err());
    }
}
