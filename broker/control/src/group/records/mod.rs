//! The records of `__consumer_offsets`, byte for byte as Kafka writes them, one file for each type.
//!
//! A key starts with the number of its type (Kafka: CoordinatorRecordType), a value with its version.

mod codec;
mod consumer_group;
mod consumer_protocol;
mod consumer_subscription;
mod group_metadata;
mod offset_commit;

pub use codec::RecordError;
pub use consumer_group::*;
pub use consumer_subscription::subscribed_topics;
pub use group_metadata::{GroupMetadataKey, GroupMetadataValue, SavedMember};
pub use offset_commit::{OffsetCommitKey, OffsetCommitValue};

pub(crate) use codec::{
    MAX_STRING_BYTES, Reader, put_compact_count, put_compact_nullable_string, put_compact_string, put_no_tags,
    put_string, put_unsigned_varint,
};
pub(crate) use consumer_group::{put_assignment, read_assignment};
pub(crate) use consumer_protocol::{Subscription, decode_assignment, encode_assignment};
