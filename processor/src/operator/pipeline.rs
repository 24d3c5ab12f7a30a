//! One INSERT INTO at work: from a record's value to output records.

use forebay_storage::ids::Timestamp;

use super::entry::Entry;
use super::error::RowError;
use super::fuse;
use super::keeper::{self, Keeper};
use super::local::{LocalKeeper, PutPartial};
use super::sink::{RecordSink, Spread};
use super::source::{RecordOrigin, RowSource};
use super::stages::{self, Scratch};
use super::window::{RowPlace, TakeRow};
use crate::commit::RecordBuffer;
use crate::plan::{self, Stage};
use crate::state::changelog::Record;
use crate::state::{StageState, Tardy, TaskState};
use crate::time::Frontier;

/// By how many ms the watermark of processing time is behind the clock: rows of this very millisecond are to come, and those of
/// sessions would have to wait unless they are a millisecond beyond that.
pub const CLOCK_BEHIND_MS: i64 = 2;

/// The operators of a pipeline, in a row.
#[derive(Debug)]
pub struct Pipeline {
    source: RowSource,
    before: Vec<Stage>,
    /// Where rows are gathered for another task; then there are no segments.
    local: Option<LocalKeeper>,
    segments: Vec<Segment>,
    state: Option<TaskState>,
    sink: RecordSink,
    scratch: Scratch,
    /// Whether a record can make several rows.
    expands: bool,
}

/// A stage that keeps rows, and those after it that do not.
#[derive(Debug)]
pub struct Segment {
    /// The stage that keeps rows.
    pub keeper: Keeper,
    /// Those after it.
    pub after: Vec<Stage>,
    /// By how many ms its time is behind the pipeline's.
    ///
    /// Sessions over the windows of another stage wait for one ms more: rows come in at the very moment at which the watermark passes
    /// their time, and a session that ends exactly there would have merged with them or not, depending on how the watermark moved.
    pub behind: i64,
}

impl Segment {
    /// Hands the corrected rows that the last row makes necessary to `take`, with their group keys.
    pub fn correct(
        &mut self,
        state: &mut TaskState,
        closed: i64,
        scratch: &mut Scratch,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let Segment { keeper, after, .. } = self;
        keeper.correct(state.first(), closed, &mut |row, group| {
            stages::run(after, row, scratch, &mut |row| take(row, group))
        })
    }
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The watermark that it stands for.
    pub watermark: Option<i64>,
    /// Whether a row of it waits until it is known whether it is late: see [`Pipeline::attach_origin`].
    pub waits: bool,
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

/// A row that had to wait until it was known that it is late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateTardy {
    /// Its partition.
    pub partition: i32,
    /// For what it was late.
    pub row: LateRow,
    /// What [`Pipeline::attach_origin`] has kept with it.
    pub origin: Option<Vec<u8>>,
}

/// What of a gathered record was late.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedLate {
    /// How many rows.
    pub rows: u64,
    /// The one row, if it was one that may have to wait.
    pub tardy: Option<LateTardy>,
}

/// Where in time and space a record is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Input partition.
    pub partition: i32,
    /// The record's offset there.
    pub offset: i64,
    /// The record's time, in ms since 1970.
    pub timestamp_ms: i64,
    /// Watermark of that partition before this record.
    pub watermark: i64,
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Wall clock, for output records.
    pub now: Timestamp,
}

impl Pipeline {
    /// For `plan`, writing to a topic of `sink_partitions` partitions; `snapshot_floor` as in [`TaskState::new`].
    #[must_use]
    pub fn new(plan: &plan::Pipeline, sink_partitions: i32, snapshot_floor: u64) -> Pipeline {
        let stages = fuse::fuse(plan.stages.clone());
        let layout = keeper::layout(&stages);
        let (mut before, mut segments, mut behind) = (Vec::new(), Vec::<Segment>::new(), 0);
        for stage in stages {
            match (Keeper::new(&stage), segments.last_mut()) {
                (Some(keeper), last) => {
                    behind += i64::from(last.is_some() && matches!(keeper, Keeper::Session(_)));
                    segments.push(Segment { keeper, after: Vec::new(), behind });
                }
                (None, Some(segment)) => segment.after.push(stage),
                (None, None) => before.push(stage),
            }
        }
        // The planner lets only a pipeline of one step of windows have it.
        if let [segment] = &mut segments[..] {
            segment.keeper.allow_lateness(plan.source.policies.allowed_lateness_ms);
        }
        // After the first stage that keeps rows, rows come when windows close, which is not to be put off.
        segments.first_mut().into_iter().for_each(|first| first.keeper.hold_rows());
        let windows: Vec<_> = segments.iter().map(|segment| segment.keeper.new_state()).collect();
        let state = (!windows.is_empty()).then(|| TaskState::new(layout, windows, snapshot_floor));
        let sink = RecordSink::new(&plan.sink, sink_partitions);
        let expands = before.iter().any(|stage| matches!(stage, Stage::WindowRows(_)));
        let source = RowSource::new(&plan.source);
        Pipeline { source, before, local: None, segments, state, sink, scratch: Scratch::new(), expands }
    }

    /// Of `plan` only what comes before the first stage that keeps rows, and what that gathers for another task, see
    /// [`Pipeline::flush`]; `None` if no stage keeps rows.
    #[must_use]
    pub fn local(plan: &plan::Pipeline) -> Option<Pipeline> {
        let mut before = fuse::fuse(plan.stages.clone());
        before.truncate(before.iter().position(Stage::keeps_rows)? + 1);
        let stage = before.pop()?;
        let keys = match &stage {
            Stage::WindowAggregate(plan) => plan.keys.len(),
            Stage::WindowRows(plan) => plan.keys.len(),
            Stage::Filter(_) | Stage::Project(_) => 0,
        };
        let mut local = LocalKeeper::new(Keeper::new(&stage)?, keys, plan::exchange_keys(&plan.stages)?);
        local.allow_lateness(plan.source.policies.allowed_lateness_ms);
        let (source, sink) = (RowSource::new(&plan.source), RecordSink::new(&plan.sink, 1));
        let expands = before.iter().any(|stage| matches!(stage, Stage::WindowRows(_)));
        let (segments, scratch) = (Vec::new(), Scratch::new());
        Some(Pipeline { source, before, local: Some(local), segments, state: None, sink, scratch, expands })
    }

    /// Whether undecodable records are skipped instead of failing the job.
    #[must_use]
    pub fn ignores_parse_errors(&self) -> bool {
        self.source.ignores_parse_errors()
    }

    /// The windows, if there are any.
    #[must_use]
    pub fn state(&self) -> Option<&TaskState> {
        self.state.as_ref()
    }

    /// The windows, to be restored or written to the changelog.
    pub fn state_mut(&mut self) -> Option<&mut TaskState> {
        self.state.as_mut()
    }

    /// Takes the value of one record in; output of pipelines without windows goes to `out`. Its row may not be in its window before
    /// [`Pipeline::settle`].
    pub fn process(&mut self, value: &[u8], place: Place, out: &mut RecordBuffer) -> Result<Taken, RowError> {
        let Pipeline { source, before, local, segments, state, sink, scratch, expands } = self;
        let windows = segments.first_mut().zip(state.as_mut());
        let mut entry =
            Entry { local: local.as_mut(), windows, sink, out, place, taken: false, waits: false, late: None };
        // The clock may go back, time does not: no row falls into a window that is closed.
        let now = place.now.0.max(place.closed.saturating_add(CLOCK_BEHIND_MS));
        let origin =
            RecordOrigin { partition: place.partition, offset: place.offset, timestamp_ms: place.timestamp_ms };
        let watermark = source.read(value, now, origin, &mut |row| {
            if !*expands {
                return stages::run(before, row, scratch, &mut |row| entry.add(row));
            }
            let mut rows = Vec::new();
            stages::run(before, row, scratch, &mut |row| {
                rows.push(row.iter().map(|value| value.clone().into_owned()).collect());
                Ok(())
            })?;
            entry.add_all(&rows)
        })?;
        Ok(entry.outcome(watermark))
    }

    /// Keeps the record itself with the row that was the last to wait, to be told with it if it is late.
    pub fn attach_origin(&mut self, origin: Vec<u8>) {
        match (&mut self.local, &mut self.state) {
            (Some(local), _) => local.attach_origin(origin),
            (None, Some(state)) => match state.first() {
                StageState::Sessions(sessions) => sessions.attach_origin(origin),
                StageState::Grid(_) | StageState::Keyed(_) => {}
            },
            (None, None) => {}
        }
    }

    /// Takes in what has come and is not in the windows yet. To be called after records were taken in, before anything else is done.
    pub fn settle(&mut self) -> Result<(), RowError> {
        let Pipeline { segments, state, .. } = self;
        match (segments.first_mut(), state) {
            (Some(segment), Some(state)) => segment.keeper.settle(state.first()),
            _ => Ok(()),
        }
    }

    /// Hands all that is gathered for another task to `put`, and forgets it.
    pub fn flush(&mut self, put: &mut PutPartial<'_>) -> Result<(), RowError> {
        self.local.as_mut().map_or(Ok(()), |local| local.flush(put))
    }

    /// Takes in what another task has gathered, windows being closed up to the watermark `closed`. Returns which of its rows are late.
    pub fn merge(
        &mut self,
        gathered: Record<'_>,
        closed: i64,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<MergedLate, RowError> {
        let Pipeline { segments, state, sink, scratch, .. } = self;
        let (Some(segment), Some(state)) = (segments.first_mut(), state.as_mut()) else {
            return Ok(MergedLate::default());
        };
        let late = segment.keeper.merge(state.first(), gathered, closed)?;
        segment.correct(state, closed, scratch, &mut |row, group| sink.write(row, Spread::Group(group), now, out))?;
        Ok(late)
    }

    /// End of the first window with rows that has not closed when windows are closed up to `closed`, in the time of the input.
    #[must_use]
    pub fn next_close(&self, closed: i64) -> Option<i64> {
        let windows = self.state.as_ref().map_or(&[][..], TaskState::windows_in_order);
        let next = |(segment, windows): (&Segment, _)| {
            let end = segment.keeper.next_close(windows, closed.saturating_sub(segment.behind));
            end.map(|end| end.saturating_add(segment.behind))
        };
        self.segments.iter().zip(windows).filter_map(next).min()
    }

    /// Closes the windows that the watermark of `frontier` has passed since `closed`, the one of the last call; their rows go to `out`. Returns
    /// the rows that have turned out to be late, beside those that [`Pipeline::process`] told of.
    pub fn close_windows(
        &mut self,
        closed: i64,
        frontier: Frontier,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<Vec<LateTardy>, RowError> {
        let Pipeline { segments, state, sink, scratch, .. } = self;
        let mut late = Vec::new();
        let Some(state) = state else { return Ok(late) };
        let mut windows = state.windows_mut();
        let mut segments = &mut segments[..];
        while let Some((Segment { keeper, after, behind }, rest)) = segments.split_first_mut() {
            let Some((own, others)) = windows.split_first_mut() else { break };
            let watermark = frontier.watermark.saturating_sub(*behind);
            let times = (closed.saturating_sub(*behind), Frontier { watermark, ..frontier });
            let mut note_late = |tardy: Tardy, row| {
                late.push(LateTardy { partition: tardy.stamp.partition, row, origin: tardy.row.origin });
            };
            keeper.close(own, times, &mut note_late, &mut |row, group| {
                stages::run(after, row, scratch, &mut |row| match (rest.first_mut(), others.first_mut()) {
                    (Some(next), Some(windows)) => {
                        let closed = closed.saturating_sub(next.behind);
                        let place = RowPlace { watermark: closed, closed, partition: 0 };
                        next.keeper.add(windows, row, place).map(|_| ())
                    }
                    _ => sink.write(row, Spread::Group(group), now, out),
                })
            })?;
            (segments, windows) = (rest, others);
        }
        Ok(late)
    }
}
