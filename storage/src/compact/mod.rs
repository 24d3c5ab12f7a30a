//! Compaction: of each key only the last record is kept (Kafka: Cleaner, LogCleanerManager).
//!
//! A [`CleanTask`] knows all it needs and holds no lock; it reads segments that do not change any more and writes `.cleaned`
//! files beside them. `Log` plans the task and puts its result in place.

mod config;
mod filter;
mod groups;
mod hash;
mod offset_map;
mod plan;
mod task;
mod transactions;

pub use config::CompactionConfig;
pub(crate) use filter::LastOfProducers;
pub use plan::CleanPlan;
pub use task::{Cancellation, CleanStats, CleanTask, Cleaned};
pub(crate) use task::{CleanInput, Source};
