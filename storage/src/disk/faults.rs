//! Which faults a disk can have, and when they strike: always, in a window, or by a plan.

use std::collections::VecDeque;
use std::io;

/// What goes wrong at or below a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO on reading, listing and opening.
    ReadFails,
    /// EIO on whatever changes something. Of an append the first half is written before.
    WriteFails,
    /// EIO on syncing a file or a folder, and on what includes that.
    SyncFails,
    /// EIO on every operation.
    EverythingFails,
    /// ENOSPC on whatever takes space: creating and writing. (For a limit in bytes: [`super::FaultyDisk::set_space`].)
    Full,
}

/// What can be done with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    Create,
    Read,
    List,
    WriteAtomic,
    Append,
    Truncate,
    Rename,
    Remove,
    Sync,
    SyncDir,
}

impl Operation {
    /// As it stands in an error.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Operation::Open => "open",
            Operation::Create => "create",
            Operation::Read => "read",
            Operation::List => "list",
            Operation::WriteAtomic => "write",
            Operation::Append => "write to",
            Operation::Truncate => "truncate",
            Operation::Rename => "rename",
            Operation::Remove => "remove",
            Operation::Sync => "sync",
            Operation::SyncDir => "sync folder",
        }
    }
}

impl Fault {
    /// Whether an operation of this kind can meet the fault.
    pub(super) fn touches(self, operation: Operation) -> bool {
        use Operation::{Append, Create, List, Open, Read, Remove, Rename, Sync, SyncDir, Truncate, WriteAtomic};
        match self {
            Fault::ReadFails => matches!(operation, Open | Read | List),
            Fault::WriteFails => matches!(operation, Create | WriteAtomic | Append | Truncate | Rename | Remove),
            Fault::SyncFails => matches!(operation, Sync | SyncDir),
            Fault::EverythingFails => true,
            Fault::Full => matches!(operation, Create | WriteAtomic | Append),
        }
    }

    /// The system's answer.
    pub(super) fn error(self) -> io::Error {
        match self {
            Fault::Full => no_space(),
            _ => input_output(),
        }
    }
}

#[cfg(unix)]
fn no_space() -> io::Error {
    // ENOSPC, the same number on all Unix systems.
    io::Error::from_raw_os_error(28)
}

#[cfg(not(unix))]
fn no_space() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

#[cfg(unix)]
fn input_output() -> io::Error {
    // EIO, the same number on all Unix systems.
    io::Error::from_raw_os_error(5)
}

#[cfg(not(unix))]
fn input_output() -> io::Error {
    io::Error::other("the disk failed")
}

/// A fault and when it strikes.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) fault: Fault,
    pub(super) when: When,
}

#[derive(Debug)]
pub(super) enum When {
    Always,
    Window { skip: u64, count: u64 },
    Chance { one_in: u64, plan: FaultPlan },
}

impl Rule {
    /// The fault, if it meets this operation.
    pub(super) fn meets(&mut self, operation: Operation) -> Option<Fault> {
        if !self.fault.touches(operation) {
            return None;
        }
        let strikes = match &mut self.when {
            When::Always => true,
            When::Window { skip, .. } if *skip > 0 => {
                *skip -= 1;
                false
            }
            When::Window { count, .. } => {
                let strikes = *count > 0;
                *count = count.saturating_sub(1);
                strikes
            }
            When::Chance { one_in, plan } => plan.below((*one_in).max(1)) == *one_in - 1,
        };
        strikes.then_some(self.fault)
    }
}

/// Where decisions about faults come from: the same plan gives the same faults.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Taken first.
    listed: VecDeque<u64>,
    /// State of the generator after them; `None` answers 0, which is always the plainest choice.
    seeded: Option<u64>,
}

impl FaultPlan {
    /// Decisions that look random, the same for the same seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> FaultPlan {
        FaultPlan { listed: VecDeque::new(), seeded: Some(seed) }
    }

    /// These decisions in this order, then always the plainest one, 0: operations succeed, a crash loses all that was not synced.
    #[must_use]
    pub fn from_list(decisions: impl IntoIterator<Item = u64>) -> FaultPlan {
        FaultPlan { listed: decisions.into_iter().collect(), seeded: None }
    }

    /// The next decision: a number below `limit`, which must not be zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        if let Some(next) = self.listed.pop_front() {
            return next % limit;
        }
        // SplitMix64: short, and good enough to scatter faults.
        let Some(state) = &mut self.seeded else { return 0 };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
