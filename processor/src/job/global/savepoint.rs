//! A merging task's part of a savepoint.

use forebay_storage::ids::TopicPartition;

use super::GlobalTask;
use crate::host::Host;
use crate::job::error::TaskError;
use crate::job::savepoint::Pieces;
use crate::job::task::Progress;
use crate::state::TaskState;

impl GlobalTask {
    /// Merges and commits all that has been gathered.
    pub(in crate::job) fn drain(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        while self.step(host)? == Progress::Busy {}
        self.finish(host)
    }

    /// Watermark up to which windows are closed.
    pub(in crate::job) fn closed(&self) -> i64 {
        self.clock.closed()
    }

    /// Rows that it has found to be late.
    pub(in crate::job) fn late(&self) -> u64 {
        self.late
    }

    /// Writes a part of a savepoint; everything must be committed.
    pub(in crate::job) fn write_pieces(
        &mut self,
        host: &dyn Host,
        to: &TopicPartition,
        write: impl FnOnce(&mut Pieces<'_>, Option<&TaskState>) -> Result<(), TaskError>,
    ) -> Result<(), TaskError> {
        let GlobalTask { session, names, pipeline, options, .. } = self;
        let mut pieces = Pieces::new(host, (session, &names.group), to, options.output_bytes);
        write(&mut pieces, pipeline.state())?;
        pieces.finish()
    }
}
