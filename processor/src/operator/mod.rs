//! What is done with rows: decode, compute, gather by window, write.

mod aggregate;
mod deduplicate;
mod downstream;
mod entry;
mod error;
mod fuse;
mod graph;
mod group;
mod held;
mod join;
mod keeper;
mod kept;
mod local;
mod local_grid;
mod look;
mod materialize;
mod normalize;
mod over;
mod pipeline;
mod rank;
mod retract;
mod session;
mod sink;
mod source;
mod source_key;
mod spread;
mod stages;
mod top;
mod unnest;
mod window;

pub use error::RowError;
pub use look::{COUNT_FIELDS, Look, LookPlace, Looked, LookedRow};
pub use pipeline::{CLOCK_BEHIND_MS, Closed, LateRow, LateTardy, MergedLate, Pipeline, Place, Taken};
pub use sink::RecordSink;
pub use source::BatchOrigin;
pub use spread::StateSpread;
