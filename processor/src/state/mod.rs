//! State of windows and of other stages that keep rows: a map in memory, a store on disk for what memory has no room for, and the changelog that both are a cache of.

mod accumulator;
pub mod changelog;
mod codec;
mod disk;
mod distinct;
mod error;
mod gather;
pub mod keyed;
mod ranked;
mod restore;
mod rewrite;
mod rows;
pub mod sessions;
mod shelf;
mod slice;
mod sorted;
mod stage;
pub mod store;
mod task;
mod windows;

pub use accumulator::Accumulator;
pub use changelog::{from_sortable as from_sortable_time, sortable as sortable_time};
pub use codec::{decode_value, encode_value};
pub use distinct::DistinctValues;
pub use error::StateError;
pub use keyed::{DueEntry, KeyedState};
pub use ranked::RankedRows;
pub use restore::RestoreError;
pub use rows::KeptRows;
pub use sessions::{Ended, Session, SessionState, Stamp, Tardy, WaitingRow};
pub use slice::{KeyList, Slice, SliceFull};
pub use sorted::encode_sorted;
pub use stage::StageState;
pub use task::{PutRecord, Superfluous, TaskState};
pub use windows::{EmitKey, Merge, WindowState};
