//! The small text files beside the logs, in Kafka's formats. All are replaced as a whole.

mod clean_shutdown;
mod lines;
mod meta_properties;
mod offsets;
mod partition_metadata;

pub use clean_shutdown::{CLEAN_SHUTDOWN_FILE, clean_shutdown_exists, remove_clean_shutdown, write_clean_shutdown};
pub(crate) use lines::{field, read_entries, write_entries};
pub use meta_properties::{META_PROPERTIES_FILE, MetaProperties};
pub use offsets::{
    CLEANER_OFFSET_FILE, LOG_START_OFFSET_FILE, RECOVERY_POINT_FILE, REPLICATION_OFFSET_FILE, read_offset_checkpoint,
    write_offset_checkpoint,
};
pub use partition_metadata::{PARTITION_METADATA_FILE, read_partition_metadata, write_partition_metadata};

#[cfg(test)]
mod tests;
