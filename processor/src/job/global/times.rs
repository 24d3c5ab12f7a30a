//! How far each input partition has come, as the tasks that read them tell it.

use std::collections::{BTreeMap, BTreeSet};

use crate::commit::{PartitionTime, decode_times, encode_times, is_times};
use crate::host::Host;
use crate::job::spill::Beside;
use crate::state::RestoreError;
use crate::state::changelog::ChangelogError;
use crate::time::InputTime;

/// How far each input partition has come.
#[derive(Debug, Default)]
pub struct Times {
    /// Of each partition the last that was told.
    pub all: BTreeMap<i32, PartitionTime>,
    /// The partitions of which somebody has told.
    told: BTreeSet<i32>,
    /// What the changelog does not have yet.
    pub fresh: BTreeSet<i32>,
}

impl Times {
    /// Takes a record of times in; false if it is none.
    pub fn learn(&mut self, value: Option<&[u8]>, fresh: bool) -> bool {
        let Some(told) = value.and_then(decode_times) else { return false };
        for (partition, time) in told {
            self.told.insert(partition);
            let before = self.all.insert(partition, time);
            if fresh && before != Some(time) {
                self.fresh.insert(partition);
            }
        }
        true
    }

    /// Nothing is known any more, as the topic is another one, which has `count` partitions.
    pub fn begin_anew(&mut self, count: i32) {
        for (partition, time) in &mut self.all {
            *time = PartitionTime { ended: *partition >= count, ..PartitionTime::NEW };
            self.fresh.insert(*partition);
        }
    }

    /// Whether each partition of `topic` has been told of.
    pub fn are_of_all(&self, host: &dyn Host, topic: &str) -> bool {
        (0..host.partitions(topic).unwrap_or(0)).all(|partition| self.told.contains(&partition))
    }

    /// What was told of each, in the form of the changelog; of those that it does not have yet alone, unless it is to have the `whole`.
    pub fn encode(&self, whole: bool) -> Vec<u8> {
        let told = self.all.iter().filter(|(partition, _)| self.told.contains(*partition));
        let told = told.filter(|(partition, _)| whole || self.fresh.contains(*partition));
        encode_times(told.map(|(partition, time)| (*partition, *time)))
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
        self.encode(true)
    }

    fn take_whole(&mut self, whole: &[u8]) -> bool {
        self.learn(Some(whole), false)
    }
}
