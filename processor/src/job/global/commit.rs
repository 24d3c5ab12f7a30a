//! Commits of a merging task: outputs, the changelog of state and times, and the position in the repartition topic.

use forebay_storage::ids::{Offset, Timestamp};

use super::GlobalTask;
use crate::commit::{InputProgress, RecordBuffer, times_key};
use crate::host::{CommitSet, CommittedOffset, Host};
use crate::job::error::TaskError;
use crate::job::pending::Pending;
use crate::job::spill;
use crate::state::TaskState;

impl GlobalTask {
    pub(super) fn commit(&mut self, host: &dyn Host, started: Timestamp) -> Result<(), TaskError> {
        let mut output = std::mem::take(&mut self.output);
        let (aside, bytes) = (output.side_len(), output.size_in_bytes());
        let rows = output.len() - aside;
        let snapshot_at = self.write_changelog(host, started, &mut output)?;
        let offsets = vec![(self.input[0].clone(), self.offset())];
        let set = CommitSet { group: self.names.group.clone(), records: output.into_batches(), offsets };
        host.commit(&mut self.session, set).map_err(|error| TaskError::from_host("committing", error))?;
        self.pending = Pending::default();
        self.catch_up.committed(self.counters.bytes_in);
        self.counters.records_out += rows;
        self.counters.records_aside += aside;
        self.counters.bytes_out += bytes;
        let now = self.counters.committed(host, started, self.step_began);
        // If one of these fails the log is longer than it need be until the next time; that is all.
        if let Some(before) = snapshot_at {
            let _ = host.trim(&self.changelog, before);
        }
        if now >= self.purge_at {
            self.purge_at = now.plus_ms(self.options.purge_ms);
            let _ = host.trim(&self.input[0], self.reader.position());
        }
        match self.pipeline.state_mut() {
            Some(state) => spill::settle_committed(host, &self.changelog, state, &self.times),
            None => Ok(()),
        }
    }

    fn offset(&self) -> CommittedOffset {
        let has_state = self.pipeline.state().is_some_and(TaskState::is_in_changelog);
        let (combined, late) = (self.clock.closed(), self.late);
        let waiting = self.pipeline.state().map_or(0, TaskState::waiting_bytes);
        let progress = InputProgress { combined, has_state, late, waiting, topic: self.topic, ..InputProgress::NEW };
        CommittedOffset {
            offset: self.reader.position(),
            leader_epoch: self.reader.leader_epoch(),
            metadata: progress.to_text(&self.id.owner(&self.names)),
        }
    }

    /// Adds the changes of state and times to `output`. Returns the offset before which the changelog is superfluous after the commit.
    fn write_changelog(
        &mut self,
        host: &dyn Host,
        now: Timestamp,
        output: &mut RecordBuffer,
    ) -> Result<Option<Offset>, TaskError> {
        let GlobalTask { pipeline, times, changelog, .. } = self;
        let Some(state) = pipeline.state_mut() else { return Ok(None) };
        if !state.is_dirty() && times.fresh.is_empty() {
            return Ok(None);
        }
        let rewriting = state.is_rewriting();
        let written = state.write_changes(&mut |key, value| output.push(changelog, now, Some(key), value));
        let superfluous = written.map_err(|error| spill::state_error(&error))?;
        let whole = rewriting || superfluous.is_some();
        let value = times.encode(whole);
        output.push(changelog, now, Some(times_key()), Some(&value));
        state.add_changelog_bytes(value.len() as u64);
        times.fresh.clear();
        spill::trim_offset(host, changelog, superfluous)
    }
}
