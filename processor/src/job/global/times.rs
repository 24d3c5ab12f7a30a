//! How far each input partition has come, as the tasks that read them tell it.

use std::collections::{BTreeMap, BTreeSet};

use crate::commit::{PartitionTime, decode_times, encode_times, is_times};
use crate::job::spill::Beside;
use crate::state::RestoreError;
use crate::state::changelog::ChangelogError;
use crate::time::InputTime;

/// How far each input partition has come.
#[derive(Debug, Default)]
pub struct Times {
    /// Of each partition the last that was told.
    pub all: BTreeMap<i32, PartitionTime>,
    /// What the changelog does not have yet.
    pub fresh: BTreeSet<i32>,
}

impl Times {
    /// Takes a record of times in; false if it is none.
    pub fn learn(&mut self, value: Option<&[u8]>, fresh: bool) -> bool {
        let Some(told) = value.and_then(decode_times) else { return false };
        for (partition, time) in told {
            let before = self.all.insert(partition, time);
            if fresh && before != Some(time) {
                self.fresh.insert(partition);
            }
        }
        true
    }

    /// What the watermark is to know of each.
    pub fn counted(&self) -> impl Iterator<Item = (i32, InputTime)> {
        self.all.iter().map(|(partition, time)| (*partition, time.counted()))
    }
}

impl Beside for Times {
    fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<Result<(), RestoreError>> {
        let wrong = || RestoreError::Record(ChangelogError::WRONG_TIMES);
        is_times(key).then(|| self.learn(value, false).then_some(()).ok_or_else(wrong))
    }

    fn whole(&self) -> Vec<u8> {
        encode_times(self.all.iter().map(|(partition, time)| (*partition, *time)))
    }

    fn take_whole(&mut self, whole: &[u8]) -> bool {
        self.learn(Some(whole), false)
    }
}
