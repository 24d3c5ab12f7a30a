//! What a log knows of the producers that write to it (Kafka: ProducerStateManager; KIP-98, KIP-360, KIP-890).

mod append_info;
mod entry;
mod error;
mod snapshot;
mod state;

pub(crate) use append_info::{CompletedTransaction, ProducerAppend, ProducerOrigin};
pub(crate) use entry::{BatchMetadata, ProducerEntry};
pub(crate) use error::ProducerError;
pub(crate) use snapshot::{read_snapshot, write_snapshot};
pub(crate) use state::{ProducerState, marker_of};

#[cfg(test)]
mod tests;
