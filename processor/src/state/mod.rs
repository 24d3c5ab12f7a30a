//! State of windows: a hash map in memory, and the changelog that it is a cache of.

mod accumulator;
pub mod changelog;
mod codec;
mod distinct;
mod rows;
pub mod sessions;
mod slice;
mod task;
mod windows;

pub use accumulator::Accumulator;
pub use codec::{decode_value, encode_value};
pub use distinct::DistinctValues;
pub use rows::KeptRows;
pub use sessions::{Ended, Session, SessionState, Stamp, Tardy};
pub use slice::{Slice, SliceFull};
pub use task::{PutRecord, RestoreError, TaskState, Windows};
pub use windows::{Merge, WindowState};
