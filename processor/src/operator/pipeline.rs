//! One INSERT INTO at work: from a record's value to output records.

use forebay_storage::ids::Timestamp;

use super::error::RowError;
use super::fuse;
use super::sink::{RecordSink, Spread};
use super::source::RowSource;
use super::stages::{self, Scratch};
use super::window::WindowOperator;
use crate::commit::RecordBuffer;
use crate::plan::{self, Stage};
use crate::state::WindowState;
use crate::time::Grid;

/// The operators of a pipeline, in a row.
#[derive(Debug)]
pub struct Pipeline {
    source: RowSource,
    before: Vec<Stage>,
    window: Option<WindowOperator>,
    after: Vec<Stage>,
    sink: RecordSink,
    scratch: Scratch,
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The watermark that it stands for.
    pub watermark: Option<i64>,
    /// Whether its row came too late for its window and was dropped.
    pub late: Option<LateRow>,
}

/// A row that came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateRow {
    /// End of the last window that it could have been in, in ms.
    pub window_end: i64,
    /// The watermark that had passed it.
    pub watermark: i64,
}

/// Where in time and space a record is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Input partition.
    pub partition: i32,
    /// Watermark of that partition before this record.
    pub watermark: i64,
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Wall clock, for output records.
    pub now: Timestamp,
}

impl Pipeline {
    /// For `plan`, writing to a topic of `sink_partitions` partitions; `snapshot_floor` as in [`WindowState::new`].
    #[must_use]
    pub fn new(plan: &plan::Pipeline, sink_partitions: i32, snapshot_floor: u64) -> Pipeline {
        let mut before = fuse::fuse(plan.stages.clone());
        let cut = before.iter().position(|stage| matches!(stage, Stage::WindowAggregate(_)));
        let mut after = before.split_off(cut.unwrap_or(before.len()));
        let window = match after.first() {
            Some(Stage::WindowAggregate(window)) => {
                Grid::new(&window.window).map(|grid| WindowOperator::new(window, grid, snapshot_floor))
            }
            _ => None,
        };
        if window.is_some() {
            after.remove(0);
        }
        let sink = RecordSink::new(&plan.sink, sink_partitions);
        Pipeline { source: RowSource::new(&plan.source), before, window, after, sink, scratch: Scratch::new() }
    }

    /// Whether undecodable records are skipped instead of failing the job.
    #[must_use]
    pub fn ignores_parse_errors(&self) -> bool {
        self.source.ignores_parse_errors()
    }

    /// The windows, if there are any.
    #[must_use]
    pub fn state(&self) -> Option<&WindowState> {
        self.window.as_ref().map(WindowOperator::state)
    }

    /// The windows, to be restored or written to the changelog.
    pub fn state_mut(&mut self) -> Option<&mut WindowState> {
        self.window.as_mut().map(WindowOperator::state_mut)
    }

    /// Takes the value of one record in; output of pipelines without windows goes to `out`.
    pub fn process(&mut self, value: &[u8], place: Place, out: &mut RecordBuffer) -> Result<Taken, RowError> {
        let Pipeline { source, before, window, sink, scratch, .. } = self;
        let mut late = None;
        let watermark = source.read(value, &mut |row| {
            stages::run(before, row, scratch, &mut |row| match window {
                Some(window) => {
                    if !window.add(row, place.watermark, place.closed)? {
                        let watermark = place.watermark.max(place.closed);
                        late = Some(LateRow { window_end: window.last_end(row), watermark });
                    }
                    Ok(())
                }
                None => sink.write(row, Spread::Input(place.partition), place.now, out),
            })
        })?;
        Ok(Taken { watermark, late })
    }

    /// End of the first window with rows that `closed`, the watermark of the last call of [`Pipeline::close_windows`], has left open.
    #[must_use]
    pub fn next_close(&self, closed: i64) -> Option<i64> {
        self.window.as_ref()?.next_close(closed)
    }

    /// Closes the windows that `watermark` has passed since `closed`, the watermark of the last call; their rows go to `out`.
    pub fn close_windows(
        &mut self,
        closed: i64,
        watermark: i64,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<(), RowError> {
        let Pipeline { window, after, sink, scratch, .. } = self;
        let Some(window) = window else { return Ok(()) };
        window.close(closed, watermark, &mut |row, group| {
            stages::run(after, row, scratch, &mut |row| sink.write(row, Spread::Group(group), now, out))
        })
    }
}
