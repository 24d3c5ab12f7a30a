//! What keeps logs small in the background: the removal of deleted files, and the cleaner of compacted logs (Kafka: LogCleaner).

mod removals;

pub use removals::Removals;
