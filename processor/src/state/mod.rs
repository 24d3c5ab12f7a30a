//! State of windows: a hash map in memory, and the changelog that it is a cache of.

mod accumulator;
pub mod changelog;
mod codec;
mod distinct;
mod slice;
mod windows;

pub use accumulator::Accumulator;
pub use codec::{decode_value, encode_value};
pub use distinct::DistinctValues;
pub use slice::{Slice, SliceFull};
pub use windows::{Merge, PutRecord, RestoreError, WindowState};
