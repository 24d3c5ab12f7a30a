//! The records of a consumer group (KIP-848), one file for each type; written as Kafka 4.3 does
//! (GroupCoordinatorRecordHelpers): value version 0, with the tagged fields that 4.3 knows.

mod current;
mod epoch;
mod key;
mod member;
mod partitions;
mod regex;
mod target;

pub use current::CurrentAssignmentValue;
pub use epoch::{GroupEpochValue, TargetEpochValue};
pub use key::ConsumerGroupKey;
pub use member::{ClassicProtocols, MemberValue};
pub use partitions::{Assignment, EpochAssignment};
pub(crate) use partitions::{put_assignment, read_assignment};
pub use regex::ResolvedRegex;
pub use target::TargetAssignmentValue;
