//! Commits: outputs, the state's changelog and the input offsets in one transaction.

use forebay_storage::ids::{Offset, Timestamp};

use super::Task;
use crate::commit::RecordBuffer;
use crate::host::{CommitSet, Host};
use crate::job::error::TaskError;
use crate::job::exchange::Exchange;
use crate::job::input::Input;
use crate::job::pending::Pending;
use crate::job::spill::{self, NothingBeside};
use crate::state::TaskState;

impl Task {
    /// When what is pending is to be committed: output and much state at once, the rest a little later.
    pub(super) fn commit_due(&self) -> Option<Timestamp> {
        let results = !self.output.is_empty() || (self.exchange.is_some() && self.pending.records);
        let changed = self.pipeline.state().map_or(0, TaskState::changed_bytes);
        self.pending.due(results || changed > self.options.commit_state_bytes, &self.options)
    }

    pub(super) fn commit(&mut self, host: &dyn Host, started: Timestamp) -> Result<(), TaskError> {
        let mut output = std::mem::take(&mut self.output);
        let (aside, bytes) = (output.side_len(), output.size_in_bytes());
        let rows = output.len() - aside;
        let snapshot_at = self.write_changelog(host, started, &mut output)?;
        let after = self.close_after_idle_ms();
        let Task { exchange, pipeline, inputs, .. } = self;
        if let Some(exchange) = exchange {
            exchange.write(pipeline, inputs, after, started, &mut output)?;
        }
        let combined = self.clock.closed();
        let dirty = self.partitions.iter().zip(&self.inputs).filter(|(_, input)| input.is_dirty());
        let has_state = self.pipeline.state().is_some_and(TaskState::is_in_changelog);
        let owner = &self.owner;
        let offset = |input: &Input| input.offset(owner, combined, has_state);
        let offsets = dirty.map(|(partition, input)| (partition.clone(), offset(input))).collect();
        // What was read before this is of the topic that the positions belong to.
        self.check_topics(host)?;
        let set = CommitSet { group: self.names.group.clone(), records: output.into_batches(), offsets };
        host.commit(&mut self.session, set).map_err(|error| TaskError::from_host("committing", error))?;
        self.inputs.iter_mut().for_each(Input::mark_clean);
        self.exchange.iter_mut().for_each(Exchange::committed);
        self.pending = Pending::default();
        self.catch_up.committed(self.counters.bytes_in);
        self.counters.records_out += rows;
        self.counters.records_aside += aside;
        self.counters.bytes_out += bytes;
        self.counters.committed(host, started, self.step_began);
        if let (Some(changelog), Some(before)) = (&self.changelog, snapshot_at) {
            // If it fails the log is longer than it need be until the next snapshot; that is all.
            let _ = host.trim(changelog, before);
        }
        self.settle(host)
    }

    /// Adds the state's changes to `output`. Returns the offset before which the changelog is superfluous after the commit.
    fn write_changelog(
        &mut self,
        host: &dyn Host,
        now: Timestamp,
        output: &mut RecordBuffer,
    ) -> Result<Option<Offset>, TaskError> {
        let (Some(changelog), Some(state)) = (&self.changelog, self.pipeline.state_mut()) else { return Ok(None) };
        if !state.is_dirty() {
            return Ok(None);
        }
        let written = state.write_changes(&mut |key, value| output.push(changelog, now, Some(key), value));
        let superfluous = written.map_err(|error| spill::state_error(&error))?;
        spill::trim_offset(host, changelog, superfluous)
    }

    /// Everything is committed: the moment at which state can go to disk.
    fn settle(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        let (Some(changelog), Some(state)) = (&self.changelog, self.pipeline.state_mut()) else { return Ok(()) };
        spill::settle_committed(host, changelog, state, &NothingBeside)
    }
}
