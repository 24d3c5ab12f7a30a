//! One INSERT INTO at work: from a record's value to output records.

use std::cell::RefCell;

use forebay_storage::batch::Record;
use forebay_storage::ids::Timestamp;

use super::downstream::Downstream;
use super::entry::{Entry, OwnedRow};
use super::error::RowError;
use super::fuse;
use super::graph::{Entrance, Graph, Segment};
use super::keeper::Keeper;
use super::lane::Lane;
use super::local::{LocalKeeper, PutPartial};
use super::look::{self, Look, LookPlace, Looked, LookedRow, Spot, Walk, Wanted};
use super::rendered::RenderedRows;
use super::sink::{RecordSink, Spread};
use super::source::{BatchOrigin, RecordOrigin, RowSource};
use super::stages::{self, Scratch};
use super::window::emit_key;
use crate::commit::RecordBuffer;
use crate::expr::{EvalError, Value};
use crate::plan::{self, ChangelogMode, RowKind, Stage};
use crate::state::changelog::Record as Gathered;
use crate::state::{StageState, Tardy, TaskState};
use crate::time::Frontier;

/// By how many ms the watermark of processing time is behind the clock: rows of this very millisecond are to come, and those of
/// sessions would have to wait unless they are a millisecond beyond that.
pub const CLOCK_BEHIND_MS: i64 = 2;

/// How many pieces of work one call of [`Pipeline::close_windows`] does in one stage: what it does is in memory until it is committed.
const MOST_PIECES: usize = 64;

/// What time it is for rows. The clock may go back, time does not: no row falls into a window that is closed.
fn clock_after(now: Timestamp, closed: i64) -> i64 {
    now.0.max(closed.saturating_add(CLOCK_BEHIND_MS))
}

/// The operators of a pipeline.
#[derive(Debug)]
pub struct Pipeline {
    /// One for each source.
    entrances: Vec<Entrance>,
    /// Of each topic, the entrances of its records.
    readers: Vec<Vec<usize>>,
    /// Where rows are gathered for another task; then there are no segments.
    local: Option<LocalKeeper>,
    segments: Vec<Segment>,
    state: Option<TaskState>,
    sink: RecordSink,
    scratch: Scratch,
    /// In which segment the last row waits that had to.
    waiting: usize,
    /// The short way in, if there is one.
    lane: Option<Lane>,
    /// The short way out of the last segment, if there is one.
    rendered: Option<RenderedRows>,
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The watermark that it stands for.
    pub watermark: Option<i64>,
    /// The stage in which a row of it waits until it is known whether it is late: see [`Pipeline::attach_origin`].
    pub waits: Option<usize>,
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
    /// Its partition, as [`Place::number`].
    pub partition: i32,
    /// For what it was late.
    pub row: LateRow,
    /// What [`Pipeline::attach_origin`] has kept with it.
    pub origin: Option<Vec<u8>>,
}

/// What came of closing windows.
#[derive(Debug)]
pub struct Closed {
    /// The rows that have turned out to be late, beside those that [`Pipeline::process`] told of.
    pub late: Vec<LateTardy>,
    /// Whether all is done: else time stands still, and windows are to be closed again with the same times.
    pub is_all: bool,
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
    /// Number of its topic, see [`plan::Pipeline::topics`].
    pub topic: usize,
    /// Input partition.
    pub partition: i32,
    /// Number of the input partition among those of all topics.
    pub number: i32,
    /// The record's offset there.
    pub offset: i64,
    /// The record's time, in ms since 1970.
    pub timestamp_ms: i64,
    /// What its batch says of it.
    pub batch: BatchOrigin,
    /// Watermark of that partition before this record.
    pub watermark: i64,
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Wall clock, for output records.
    pub now: Timestamp,
    /// What the record says of rows before it.
    pub kind: RowKind,
}

/// A record stands for so many rows at most (UNNEST), as it is taken whole or not at all.
const MOST_ROWS_OF_RECORD: usize = 1_000_000;
/// They take so much memory at most.
const MOST_BYTES_OF_RECORD: usize = 256 << 20;
const TOO_MANY_ROWS: EvalError = EvalError::ManyRows { rows: MOST_ROWS_OF_RECORD, bytes: MOST_BYTES_OF_RECORD };

impl Pipeline {
    /// For `plan`, writing to a topic of `sink_partitions` partitions; `snapshot_floor` as in [`TaskState::new`].
    #[must_use]
    pub fn new(plan: &plan::Pipeline, sink_partitions: i32, snapshot_floor: u64) -> Pipeline {
        let Graph { entrances, mut segments, layout } = Graph::new(plan);
        // The planner lets only a pipeline of one step of windows have it.
        if let [segment] = &mut segments[..] {
            segment.keeper.allow_lateness(plan.source.policies.allowed_lateness_ms);
        }
        // What other stages feed gets rows when windows close, which is not to be put off.
        segments.iter_mut().filter(|segment| !segment.is_fed).for_each(|segment| segment.keeper.hold_rows());
        let windows: Vec<_> = segments.iter().map(|segment| segment.keeper.new_state()).collect();
        let state = (!windows.is_empty()).then(|| TaskState::new(layout, windows, snapshot_floor));
        let mut sink = RecordSink::new(&plan.sink, sink_partitions);
        if plan.changelog() != Ok(ChangelogMode::InsertOnly) {
            sink.collect_changes();
        }
        let (readers, scratch) = (readers(plan), Scratch::new());
        let lane = match (&entrances[..], &segments[..]) {
            ([entrance], [segment, ..]) => Lane::new(entrance, segment),
            _ => None,
        };
        let rendered = segments.last().and_then(|segment| RenderedRows::new(segment, &sink));
        Pipeline { entrances, readers, local: None, segments, state, sink, scratch, waiting: 0, lane, rendered }
    }

    /// Of `plan` only what comes before the first stage that keeps rows, and what that gathers for another task, see
    /// [`Pipeline::flush`]; `None` if no stage keeps rows.
    #[must_use]
    pub fn local(plan: &plan::Pipeline) -> Option<Pipeline> {
        let mut before = fuse::fuse(plan.stages.clone());
        before.truncate(before.iter().position(Stage::keeps_rows)? + 1);
        let stage = before.pop()?;
        let mut local = LocalKeeper::new(Keeper::new(&stage)?, stage.keys().len(), plan::exchange_keys(&plan.stages)?)?;
        local.allow_lateness(plan.source.policies.allowed_lateness_ms);
        let (source, sink) = (RowSource::new(&plan.source), RecordSink::new(&plan.sink, 1));
        let entrances = vec![Entrance { source, before, to: None }];
        let (segments, scratch, readers) = (Vec::new(), Scratch::new(), readers(plan));
        let (local, state) = (Some(local), None);
        let (lane, rendered) = (None, None);
        Some(Pipeline { entrances, readers, local, segments, state, sink, scratch, waiting: 0, lane, rendered })
    }

    /// The same without short ways. Returns whether there was one in, and one out.
    #[cfg(test)]
    pub(super) fn take_long_ways(&mut self) -> (bool, bool) {
        (self.lane.take().is_some(), self.rendered.take().is_some())
    }

    /// Whether undecodable records of a topic are skipped instead of failing the job.
    #[must_use]
    pub fn ignores_parse_errors(&self, topic: usize) -> bool {
        self.readers[topic].first().is_some_and(|reader| self.entrances[*reader].source.ignores_parse_errors())
    }

    /// Whether windows close by the host's clock.
    #[must_use]
    pub fn is_processing_time(&self) -> bool {
        self.entrances.iter().any(|entrance| entrance.source.is_processing_time())
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

    /// Takes key and value of one record in; output of pipelines without windows goes to `out`. Its row may not be in its window before
    /// [`Pipeline::settle`].
    pub fn process(&mut self, record: &Record<'_>, place: Place, out: &mut RecordBuffer) -> Result<Taken, RowError> {
        let Pipeline { entrances, readers, local, segments, state, sink, scratch, waiting, lane, .. } = self;
        let windows = state.as_mut().map_or(&mut [][..], TaskState::windows_mut);
        if let (Some(lane), Some(value)) = (lane, record.value)
            && let ([entrance], [segment, ..], [windows, ..]) = (&mut entrances[..], &mut segments[..], &mut *windows)
            && let Some(taken) = lane.take(entrance, (segment, windows), value, &place)?
        {
            return Ok(taken);
        }
        let rest = Downstream { segments, windows, first: 0, sink, out, closed: place.closed, now: place.now };
        let mut entry = Entry { local: local.as_mut(), rest, place, taken: false, waits: None, late: None };
        let now = clock_after(place.now, place.closed);
        let origin = RecordOrigin {
            partition: place.partition,
            offset: place.offset,
            timestamp_ms: place.timestamp_ms,
            batch: place.batch,
            headers: record.headers,
        };
        let record = (record.key, record.value);
        let taken = match &readers[place.topic][..] {
            [only] if !entrances[*only].expands() => {
                let Entrance { source, before, to } = &mut entrances[*only];
                let watermark = source.read(record, now, origin, &mut |row| {
                    stages::run(before, row, scratch, &mut |row| entry.add(*to, row))
                })?;
                entry.outcome(watermark)
            }
            several => {
                let (mut rows, mut watermark, mut bytes) = (Vec::<OwnedRow>::new(), None, 0);
                for reader in several {
                    let Entrance { source, before, to } = &mut entrances[*reader];
                    watermark = source.read(record, now, origin, &mut |row| {
                        stages::run(before, row, scratch, &mut |row| {
                            bytes += row.iter().map(Value::size_in_bytes).sum::<usize>();
                            if rows.len() == MOST_ROWS_OF_RECORD || bytes > MOST_BYTES_OF_RECORD {
                                return Err(TOO_MANY_ROWS.into());
                            }
                            rows.push((*to, row.iter().map(|value| value.clone().into_owned()).collect()));
                            Ok(())
                        })
                    })?;
                }
                entry.add_all(&rows)?;
                entry.outcome(watermark)
            }
        };
        *waiting = taken.waits.unwrap_or(*waiting);
        Ok(taken)
    }

    /// Keeps the record itself with the row that was the last to wait, to be told with it if it is late.
    pub fn attach_origin(&mut self, origin: Vec<u8>) {
        match (&mut self.local, &mut self.state) {
            (Some(local), _) => local.attach_origin(origin),
            (None, Some(state)) => match &mut state.windows_mut()[self.waiting] {
                StageState::Sessions(sessions) => sessions.attach_origin(origin),
                StageState::Grid(_) | StageState::Keyed(_) => {}
            },
            (None, None) => {}
        }
    }

    /// Takes in what has come and is not in the windows yet, and puts out what has changed where results change with rows; windows are
    /// closed up to the watermark `closed`. To be called after records were taken in, before anything else is done.
    pub fn settle(&mut self, closed: i64, now: Timestamp, out: &mut RecordBuffer) -> Result<(), RowError> {
        let windows = self.state.as_mut().map_or(&mut [][..], TaskState::windows_mut);
        let mut both = self.segments.iter_mut().zip(windows);
        both.try_for_each(|(segment, windows)| segment.keeper.settle(windows))?;
        // The rows count already: this is not to be taken for an error of the last record.
        self.flush_changes(closed, now, out).map_err(|error| RowError::Change(Box::new(error)))
    }

    /// Puts out what has changed where results change with rows.
    fn flush_changes(&mut self, closed: i64, now: Timestamp, out: &mut RecordBuffer) -> Result<(), RowError> {
        let Pipeline { segments, state, sink, scratch, .. } = self;
        let windows = state.as_mut().map_or(&mut [][..], TaskState::windows_mut);
        for at in 0..segments.len() {
            let Some((own, windows)) = windows[at..].split_first_mut() else { break };
            let Some((segment, segments)) = segments[at..].split_first_mut() else { break };
            let Segment { keeper, after, to, .. } = segment;
            let mut next = Downstream { segments, windows, first: at + 1, sink, out, closed, now };
            keeper.flush(own, &mut |row, kind, group| {
                stages::run(after, row, scratch, &mut |row| next.take(*to, row, kind, group))
            })?;
        }
        sink.flush(now, out)
    }

    /// How many rows that stages made came too late for the stages after them since this was last asked: no record is late by itself.
    pub fn take_late(&mut self) -> u64 {
        self.segments.iter_mut().map(|segment| std::mem::take(&mut segment.late)).sum()
    }

    /// Hands all that is gathered for another task to `put`, and forgets it.
    pub fn flush(&mut self, put: &mut PutPartial<'_>) -> Result<(), RowError> {
        self.local.as_mut().map_or(Ok(()), |local| local.flush(put))
    }

    /// Takes in what another task has gathered, windows being closed up to the watermark `closed`. Returns which of its rows are late.
    pub fn merge(
        &mut self,
        gathered: Gathered<'_>,
        closed: i64,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<MergedLate, RowError> {
        let clock = self.is_processing_time().then(|| clock_after(now, closed));
        let Pipeline { segments, state, sink, scratch, .. } = self;
        let (Some(segment), Some(state)) = (segments.first_mut(), state.as_mut()) else {
            return Ok(MergedLate::default());
        };
        let Segment { keeper, after, .. } = segment;
        let late = keeper.merge(state.first(), gathered, (closed, clock))?;
        // Only the last stage that keeps rows has corrections.
        keeper.correct(state.first(), closed, &mut |row, kind, group| {
            stages::run(after, row, scratch, &mut |row| sink.write(row, kind, Spread::Group(group), now, out))
        })?;
        Ok(late)
    }

    /// End of the first window with rows that has not closed when windows are closed up to `closed`, in the time of the input.
    #[must_use]
    pub fn next_close(&self, closed: i64) -> Option<i64> {
        self.next_of(closed, |_| true)
    }

    /// The same of those stages for which time has to stop there.
    #[must_use]
    pub fn next_stop(&self, closed: i64) -> Option<i64> {
        self.next_of(closed, Keeper::is_windowed)
    }

    fn next_of(&self, closed: i64, counts: impl Fn(&Keeper) -> bool) -> Option<i64> {
        let windows = self.state.as_ref().map_or(&[][..], TaskState::windows_in_order);
        let next = |(segment, windows): (&Segment, _)| {
            let end = segment.keeper.next_close(windows, closed.saturating_sub(segment.behind));
            end.map(|end| end.saturating_add(segment.behind))
        };
        let both = self.segments.iter().zip(windows).filter(|(segment, _)| counts(&segment.keeper));
        both.filter_map(next).min()
    }

    /// What the last stages that keep rows have, see [`Look`]; `closed` is the watermark up to which windows have closed, `now` the clock.
    ///
    /// # Errors
    /// A row cannot be computed, or the store cannot be read.
    pub fn look(&mut self, closed: i64, now: Timestamp, look: &Look) -> Result<Looked, RowError> {
        let Pipeline { segments, state, sink, scratch, .. } = self;
        let windows = state.as_mut().map_or(&mut [][..], TaskState::windows_mut);
        let mut encoder = sink.whole_rows();
        let LookPlace { segment: first, spot } =
            look.from.clone().unwrap_or(LookPlace { segment: 0, spot: Spot::default() });
        let rows = RefCell::new(Vec::new());
        let push = |json, is_count| {
            let mut rows = rows.borrow_mut();
            if rows.len() >= look.limit {
                return Err(RowError::from(look::ENOUGH));
            }
            rows.push(LookedRow { json, is_count });
            Ok(())
        };
        let mut walk = Walk { spot, budget: look::MOST_KEYS, now: now.0 };
        let (mut next, mut more) = (None, false);
        for (number, (segment, own)) in segments.iter_mut().zip(windows).enumerate().skip(first) {
            let Segment { keeper, after, behind, .. } = segment;
            if segment.to.is_some() {
                continue;
            }
            let wanted = Wanted::new(keeper.keys(), look.key.as_deref());
            let mut take = |row: &[Value<'_>], _: RowKind, _: &[u8]| {
                stages::run(after, row, scratch, &mut |row| {
                    let mut json = Vec::new();
                    encoder.encode(row, &mut json).map_err(|error| sink.encode_error(error))?;
                    push(json, false)
                })
            };
            let mut count = |json| push(json, true);
            let closed = closed.saturating_sub(*behind);
            match keeper.look(own, closed, (&wanted, &mut walk), (&mut take, &mut count)) {
                Ok(true) => walk.spot = Spot::default(),
                Ok(false) => next = Some(LookPlace { segment: number, spot: std::mem::take(&mut walk.spot) }),
                Err(error) if look::is_enough(&error) => more = true,
                Err(error) => return Err(error),
            }
            if next.is_some() || more {
                break;
            }
        }
        Ok(Looked { rows: rows.into_inner(), next, more })
    }

    /// Closes the windows that the watermark of `frontier` has passed since `closed`, the one of the last call; their rows go to `out`. What
    /// goes in pieces stops when there are more than `most` bytes.
    pub fn close_windows(
        &mut self,
        closed: i64,
        frontier: Frontier,
        now: Timestamp,
        (out, most): (&mut RecordBuffer, u64),
    ) -> Result<Closed, RowError> {
        let Pipeline { segments, state, sink, scratch, rendered, .. } = self;
        let (mut late, mut is_all) = (Vec::new(), true);
        let windows = state.as_mut().map_or(&mut [][..], TaskState::windows_mut);
        for at in 0..segments.len() {
            let Some((own, windows)) = windows[at..].split_first_mut() else { break };
            let Some((segment, segments)) = segments[at..].split_first_mut() else { break };
            let Segment { keeper, after, to, behind, .. } = segment;
            let watermark = frontier.watermark.saturating_sub(*behind);
            let times = (closed.saturating_sub(*behind), Frontier { watermark, ..frontier });
            if let (true, Some(rendered), Keeper::Grid(operator), StageState::Grid(state)) =
                (segments.is_empty(), rendered.as_mut(), &mut *keeper, &mut *own)
            {
                let mut next = Downstream { segments, windows, first: at + 1, sink, out, closed, now };
                operator.close_each(state, times.0, watermark, &mut |plan, window, key, states, row| {
                    if rendered.write(window, key, states, next.sink, (now, &mut *next.out)) {
                        return Ok(());
                    }
                    let take = &mut |row: &[Value<'_>], kind, group: &[u8]| next.take(None, row, kind, group);
                    emit_key(plan, window, key, states, row, take)
                })?;
                continue;
            }
            let mut note_late = |tardy: Tardy, row| {
                late.push(LateTardy { partition: tardy.stamp.partition, row, origin: tardy.row.origin });
            };
            for _ in 0..MOST_PIECES {
                let mut next = Downstream { segments, windows, first: at + 1, sink, out, closed, now };
                is_all = keeper.close(own, (times.0, times.1, now.0), &mut note_late, &mut |row, kind, group| {
                    stages::run(after, row, scratch, &mut |row| next.take(*to, row, kind, group))
                })?;
                if is_all || out.size_in_bytes() > most {
                    break;
                }
            }
            if !is_all {
                break;
            }
        }
        self.flush_changes(closed, now, out)?;
        Ok(Closed { late, is_all })
    }
}

/// Of each topic that is read, which sources are of it.
fn readers(plan: &plan::Pipeline) -> Vec<Vec<usize>> {
    let sources = plan.sources();
    let of = |topic: &plan::Source| {
        sources.iter().enumerate().filter(|(_, source)| source.topic == topic.topic).map(|(at, _)| at).collect()
    };
    plan.topics().into_iter().map(of).collect()
}
