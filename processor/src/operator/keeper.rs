//! A stage that keeps rows until their windows close, of either kind, and what its state depends on.

use super::deduplicate::DeduplicateOperator;
use super::error::RowError;
use super::graph::Side;
use super::group::GroupOperator;
use super::join::JoinOperator;
use super::local::split_rows;
use super::look::{self, TakeCount, Walk, Wanted};
use super::materialize::MaterializeOperator;
use super::normalize::NormalizeOperator;
use super::over::OverOperator;
use super::pipeline::{LateRow, LateTardy, MergedLate};
use super::rank::RankOperator;
use super::session::{Added, SessionOperator};
use super::window::{RowPlace, TakeRow, WindowOperator};
use crate::expr::{DataType, EvalError, Expr, Value};
use crate::plan::{
    Aggregate, AggregateFunction, Frame, GroupAggregate, Join, JoinSide, JoinTime, Over, OverCall, RowKind, Stage, Top,
    Window, WindowAggregate, WindowRows,
};
use crate::state::changelog::Record;
use crate::state::{Session, SessionState, StageState, Tardy, WindowState};
use crate::time::{Frontier, Grid};

/// The operator; its state is kept by the task.
#[derive(Debug)]
pub enum Keeper {
    /// Windows on a grid of time.
    Grid(WindowOperator),
    /// Sessions.
    Session(SessionOperator),
    /// Groups without windows.
    Group(GroupOperator),
    /// A join.
    Join(JoinOperator),
    /// The last row of each key.
    Normalize(NormalizeOperator),
    /// The first or the last row of each key.
    Deduplicate(DeduplicateOperator),
    /// The first rows of each key.
    Rank(RankOperator),
    /// Rows with what is computed over those before them.
    Over(OverOperator),
    /// Rows by the key of the sink.
    Materialize(MaterializeOperator),
}

/// Operator and state were not made together: our bug.
const MIXED_UP: EvalError = EvalError::Shape("a window's state is that of another kind of window");

impl Keeper {
    /// The operator for `stage`, if that keeps rows.
    #[must_use]
    pub fn new(stage: &Stage) -> Option<Keeper> {
        match stage {
            Stage::WindowAggregate(plan) => Some(match (&plan.window, Grid::new(&plan.window)) {
                (Window::Session { gap_ms }, _) => Keeper::Session(SessionOperator::aggregates(plan, *gap_ms)),
                (_, grid) => Keeper::Grid(WindowOperator::new(plan, grid?)),
            }),
            Stage::WindowRows(plan) => match plan.window {
                Window::Session { gap_ms } => Some(Keeper::Session(SessionOperator::rows(plan, gap_ms))),
                _ => None,
            },
            Stage::GroupAggregate(plan) => Some(Keeper::Group(GroupOperator::new(plan))),
            Stage::Join(plan) => Some(Keeper::Join(JoinOperator::new(plan))),
            Stage::Normalize(plan) => Some(Keeper::Normalize(NormalizeOperator::new(plan))),
            Stage::Deduplicate(plan) => Some(Keeper::Deduplicate(DeduplicateOperator::new(plan))),
            Stage::Rank(plan) => Some(Keeper::Rank(RankOperator::new(plan))),
            Stage::Over(plan) => Some(Keeper::Over(OverOperator::new(plan))),
            Stage::Materialize(plan) => Some(Keeper::Materialize(MaterializeOperator::new(plan))),
            Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) | Stage::Union(_) => None,
        }
    }

    /// Its state without rows.
    #[must_use]
    pub fn new_state(&self) -> StageState {
        match self {
            Keeper::Grid(operator) => StageState::Grid(WindowState::new(operator.initial())),
            Keeper::Session(operator) => StageState::Sessions(SessionState::new(operator.initial())),
            Keeper::Group(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Join(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Normalize(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Deduplicate(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Rank(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Over(operator) => StageState::Keyed(operator.new_state()),
            Keeper::Materialize(operator) => StageState::Keyed(operator.new_state()),
        }
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>], side: Side) -> Result<(), RowError> {
        match self {
            Keeper::Grid(operator) => operator.check(row),
            Keeper::Session(operator) => operator.check(row),
            Keeper::Group(operator) => operator.check(row),
            Keeper::Join(operator) => operator.check(row, side),
            Keeper::Normalize(operator) => operator.check(row),
            Keeper::Deduplicate(operator) => operator.check(row),
            Keeper::Rank(operator) => operator.check(row),
            Keeper::Over(operator) => operator.check(row),
            Keeper::Materialize(operator) => operator.check(row),
        }
    }

    /// Takes `row` in. Rows that come out at once go to `take` with their group keys.
    #[inline]
    pub fn add(
        &mut self,
        state: &mut StageState,
        row: &[Value<'_>],
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<Added, RowError> {
        match (self, state) {
            (Keeper::Grid(operator), StageState::Grid(state)) => operator.add(state, row, place),
            (Keeper::Session(operator), StageState::Sessions(state)) => operator.add(state, row, place),
            (Keeper::Group(operator), StageState::Keyed(state)) => {
                operator.add(state, row, place.kind, place.now)?;
                Ok(Added::Taken)
            }
            (Keeper::Join(operator), StageState::Keyed(state)) => operator.add(state, row, place, take),
            (Keeper::Normalize(operator), StageState::Keyed(state)) => {
                operator.add(state, row, (place.kind, place.now), take)?;
                Ok(Added::Taken)
            }
            (Keeper::Deduplicate(operator), StageState::Keyed(state)) => operator.add(state, row, place, take),
            (Keeper::Over(operator), StageState::Keyed(state)) => operator.add(state, row, place, take),
            (Keeper::Materialize(operator), StageState::Keyed(state)) => {
                operator.add(state, row, (place.kind, place.now), take)?;
                Ok(Added::Taken)
            }
            (Keeper::Rank(operator), StageState::Keyed(state)) => {
                operator.add(state, row, place.kind, place.now)?;
                Ok(Added::Taken)
            }
            _ => Err(MIXED_UP.into()),
        }
    }

    /// By how many ms what comes out is behind the rows that come in, at most; what waits for windows to close is not.
    #[must_use]
    pub fn delay(&self) -> i64 {
        match self {
            Keeper::Join(operator) => operator.delay(),
            _ => 0,
        }
    }

    /// Whether time has to stop at each of [`Keeper::next_close`].
    #[must_use]
    pub fn is_windowed(&self) -> bool {
        match self {
            Keeper::Join(operator) => operator.is_windowed(),
            // Rows come out one by one, in their order.
            Keeper::Deduplicate(_) | Keeper::Over(_) => false,
            _ => true,
        }
    }

    /// Lets rows wait for some more before they are counted, where that is quicker.
    pub fn hold_rows(&mut self) {
        if let Keeper::Grid(operator) = self {
            operator.hold_rows();
        }
    }

    /// Counts the rows that have waited; nothing else may be done with the state before.
    pub fn settle(&mut self, state: &mut StageState) -> Result<(), RowError> {
        match (self, state) {
            (Keeper::Grid(operator), StageState::Grid(state)) => operator.settle(state),
            _ => Ok(()),
        }
    }

    /// Hands what has changed since the last call to `take`, where results change with rows and not with time.
    pub fn flush(&mut self, state: &mut StageState, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        match (self, state) {
            (Keeper::Group(operator), StageState::Keyed(state)) => operator.flush(state, take),
            (Keeper::Rank(operator), StageState::Keyed(state)) => operator.flush(state, take),
            (Keeper::Over(operator), _) => {
                operator.settle();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes in what another task has gathered, windows being closed up to the watermark `closed`; where time is the host's clock, also what time
    /// that is. Returns which of its rows are late.
    pub fn merge(
        &mut self,
        state: &mut StageState,
        gathered: Record<'_>,
        (closed, clock): (i64, Option<i64>),
    ) -> Result<MergedLate, RowError> {
        let counted = |rows| MergedLate { rows, tardy: None };
        match (self, state, gathered) {
            (Keeper::Grid(operator), StageState::Grid(state), Record::Put { span, key, mut accumulators }) => {
                let (_, rows) = split_rows(&accumulators)?;
                accumulators.pop();
                let own = (key, accumulators);
                Ok(counted(if operator.add_partial(state, span, own, (closed, clock))? { 0 } else { rows }))
            }
            (Keeper::Session(operator), StageState::Sessions(state), Record::Sessions { key, sessions }) => {
                let mut late = 0;
                for Session { start, end, states } in sessions {
                    let (own, rows) = split_rows(&states)?;
                    let taken = operator.add_partial(state, (key, start, end), own, (closed, clock))?;
                    late += if taken { 0 } else { rows };
                }
                Ok(counted(late))
            }
            (Keeper::Session(operator), StageState::Sessions(state), Record::Tardy { stamp, key, row: Some(row) }) => {
                let (watermark, partition) = (stamp.watermark, stamp.partition);
                let place =
                    RowPlace { watermark, closed, partition, side: Side::Left, kind: RowKind::Insert, now: i64::MIN };
                let origin = row.origin.clone();
                Ok(match operator.add_tardy(state, key, row, place)? {
                    Added::Taken | Added::Waits => counted(0),
                    Added::Late(row) => {
                        MergedLate { rows: 1, tardy: Some(LateTardy { partition: stamp.partition, row, origin }) }
                    }
                })
            }
            _ => Err(MIXED_UP.into()),
        }
    }

    /// Takes rows for so many ms after their windows have fired; only for windows on a grid.
    pub fn allow_lateness(&mut self, ms: i64) {
        if let Keeper::Grid(operator) = self {
            operator.allow_lateness(ms);
        }
    }

    /// Hands the corrected rows that the last row makes necessary to `take`: see [`WindowOperator::correct`].
    #[inline]
    pub fn correct(&mut self, state: &StageState, closed: i64, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        match (self, state) {
            (Keeper::Grid(operator), StageState::Grid(state)) => operator.correct(state, closed, take),
            _ => Ok(()),
        }
    }

    /// What groups are made by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        match self {
            Keeper::Grid(operator) => operator.keys(),
            Keeper::Session(operator) => operator.keys(),
            Keeper::Group(operator) => operator.keys(),
            Keeper::Join(operator) => operator.keys(),
            Keeper::Normalize(operator) => operator.keys(),
            Keeper::Deduplicate(operator) => operator.keys(),
            Keeper::Rank(operator) => operator.keys(),
            Keeper::Over(operator) => operator.keys(),
            Keeper::Materialize(operator) => operator.keys(),
        }
    }

    /// Hands rows that it would put out now to `take`, or, where it only has entries, how many there are of each key to `count`, and keeps
    /// everything; true if it has come to the last one. `closed` is the watermark up to which windows have closed.
    pub fn look(
        &mut self,
        state: &mut StageState,
        closed: i64,
        (wanted, walk): (&Wanted, &mut Walk),
        (take, count): (&mut TakeRow<'_>, &mut TakeCount<'_>),
    ) -> Result<bool, RowError> {
        match (self, state) {
            (Keeper::Grid(operator), StageState::Grid(state)) => operator.look(state, closed, (wanted, walk), take),
            (Keeper::Session(operator), StageState::Sessions(state)) => operator.look(state, (wanted, walk), take),
            (Keeper::Group(operator), StageState::Keyed(state)) => operator.look(state, (wanted, walk), take),
            (Keeper::Normalize(operator), StageState::Keyed(state)) => operator.look(state, (wanted, walk), take),
            (keeper, StageState::Keyed(state)) => {
                // Its entries are over in event time.
                walk.now = i64::MIN;
                look::count_entries(state, (keeper.keys(), wanted), walk, count)
            }
            _ => Err(MIXED_UP.into()),
        }
    }

    /// When something is to be done next: the end of the first window with rows that `fired`, the watermark up to which windows have
    /// fired, has not fired. Sessions may turn out to have become longer by then.
    #[must_use]
    pub fn next_close(&self, state: &StageState, fired: i64) -> Option<i64> {
        match (self, state) {
            (Keeper::Grid(operator), StageState::Grid(state)) => operator.next_close(state, fired),
            (_, StageState::Sessions(state)) => state.next_end(),
            (Keeper::Join(operator), StageState::Keyed(state)) => operator.next_close(state),
            (Keeper::Deduplicate(_) | Keeper::Over(_), StageState::Keyed(state)) => {
                state.next_time().map(|time| time.saturating_add(1))
            }
            _ => None,
        }
    }

    /// Closes the windows that the watermark of `frontier` has passed since `closed`, the one of the last call, and hands each row with its
    /// group key to `take`; calls `late` with the rows that had to wait and turned out to be late. Returns whether that is all: else it is to
    /// be called again with the same times.
    pub fn close(
        &mut self,
        state: &mut StageState,
        (closed, frontier, now): (i64, Frontier, i64),
        late: &mut dyn FnMut(Tardy, LateRow),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        match (self, state) {
            (Keeper::Join(operator), StageState::Keyed(state)) => {
                return operator.close(state, frontier.watermark, take);
            }
            (Keeper::Grid(operator), StageState::Grid(state)) => {
                operator.close(state, closed, frontier.watermark, take)?;
            }
            (Keeper::Session(operator), StageState::Sessions(state)) => operator.close(state, frontier, late, take)?,
            (Keeper::Over(operator), StageState::Keyed(state)) => {
                return operator.close(state, (frontier.watermark, now), take);
            }
            (Keeper::Deduplicate(operator), StageState::Keyed(state)) => {
                return operator.close(state, (frontier.watermark, now), take);
            }
            (
                Keeper::Group(_) | Keeper::Normalize(_) | Keeper::Rank(_) | Keeper::Materialize(_),
                StageState::Keyed(_),
            ) => {}
            _ => return Err(MIXED_UP.into()),
        }
        Ok(true)
    }
}

/// What the bytes of a stage's state depend on; the texts of all stages make up the layout of
/// [`Record::Begin`](crate::state::changelog::Record::Begin). It is compared with what an earlier version wrote, so it is made of names
/// that stay as they are.
#[must_use]
pub fn layout(stage: &Stage) -> String {
    match stage {
        Stage::WindowAggregate(plan) => aggregate_layout(plan),
        Stage::WindowRows(plan) => rows_layout(plan),
        Stage::GroupAggregate(plan) => group_layout(plan),
        Stage::Join(plan) => join_layout(plan),
        Stage::Deduplicate(plan) => {
            let which = if plan.last { "LAST" } else { "FIRST" };
            let order = if plan.time_column.is_some() { "event time" } else { "coming" };
            let (keys, types) = (key_types(&plan.keys), column_types(&plan.columns));
            format!("1; DEDUPLICATE {which} by {order}; by {keys}; rows of {types}")
        }
        Stage::Over(plan) => over_layout(plan),
        Stage::Materialize(plan) => {
            format!("1; KEYED; by {}; rows of {}", key_types(&plan.keys), column_types(&plan.columns))
        }
        Stage::Rank(plan) => {
            let retracts = if plan.retracts { "; of rows that change" } else { "" };
            format!("1; RANK; by {}; {}{retracts}", key_types(&plan.keys), top_layout(&plan.top))
        }
        Stage::Normalize(plan) => {
            format!("1; NORMALIZE; by {}; rows of {}", key_types(&plan.keys), column_types(&plan.columns))
        }
        Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) | Stage::Union(_) => String::new(),
    }
}

fn window_text(window: &Window) -> String {
    match window {
        Window::Tumble { size_ms, offset_ms } => format!("TUMBLE {size_ms} ms offset {offset_ms} ms"),
        Window::Hop { slide_ms, size_ms, offset_ms } => {
            format!("HOP {size_ms} ms by {slide_ms} ms offset {offset_ms} ms")
        }
        Window::Cumulate { step_ms, size_ms, offset_ms } => {
            format!("CUMULATE {size_ms} ms by {step_ms} ms offset {offset_ms} ms")
        }
        Window::Session { gap_ms } => format!("SESSION gap {gap_ms} ms"),
        Window::Attached => "ATTACHED".to_owned(),
    }
}

fn key_types(keys: &[Expr]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.data_type().to_string()).collect();
    keys.join(", ")
}

fn over_layout(plan: &Over) -> String {
    let frame = match plan.frame {
        Frame::AllRows => "ROWS".to_owned(),
        Frame::Rows(rows) => format!("ROWS {rows}"),
        Frame::AllTime => "RANGE".to_owned(),
        Frame::Time(ms) => format!("RANGE {ms} ms"),
    };
    let order = if plan.time_column.is_some() { "event time" } else { "coming" };
    let call = |call: &OverCall| match call {
        OverCall::Aggregate(call) => calls_layout(std::slice::from_ref(call)),
        OverCall::Lag { argument, offset, .. } => format!("LAG {offset} of {}", argument.data_type()),
    };
    let calls: Vec<String> = plan.calls.iter().map(call).collect();
    let (keys, types) = (key_types(&plan.keys), column_types(&plan.columns));
    format!("1; OVER {frame} by {order}; by {keys}; {}; rows of {types}", calls.join(", "))
}

fn column_types(columns: &[(usize, DataType)]) -> String {
    let types: Vec<String> = columns.iter().map(|(_, data_type)| data_type.to_string()).collect();
    types.join(", ")
}

fn rows_layout(plan: &WindowRows) -> String {
    let types: Vec<String> =
        plan.columns.iter().map(|(_, data_type): &(usize, DataType)| data_type.to_string()).collect();
    format!("1; {}; by {}; rows of {}", window_text(&plan.window), key_types(&plan.keys), types.join(", "))
}

fn join_layout(plan: &Join) -> String {
    let time = match plan.time {
        JoinTime::Window => "window".to_owned(),
        JoinTime::Interval { lower_ms, upper_ms } => format!("{lower_ms} to {upper_ms} ms"),
        JoinTime::Regular { .. } => "of all rows".to_owned(),
        JoinTime::Temporal => "with versions".to_owned(),
    };
    let types = |side: &JoinSide| {
        let types: Vec<String> = side.columns.iter().map(|(_, data_type)| data_type.to_string()).collect();
        types.join(", ")
    };
    let keys = key_types(&plan.left.keys);
    format!("1; JOIN {time}; by {keys}; rows of {}; and of {}", types(&plan.left), types(&plan.right))
}

fn aggregate_layout(plan: &WindowAggregate) -> String {
    let calls = calls_layout(&plan.aggregates);
    format!("1; {}; by {}; {calls}", window_text(&plan.window), key_types(&plan.keys))
}

fn group_layout(plan: &GroupAggregate) -> String {
    use AggregateFunction::{Concat, First, Last};
    let in_order = plan.aggregates.iter().any(|call| matches!(call.function, Concat | First | Last));
    let retracts = match (plan.retracts, in_order) {
        (true, true) => "; of rows that change, found by their values",
        (true, false) => "; of rows that change",
        (false, _) => "",
    };
    format!("1; GROUP; by {}; {}{retracts}", key_types(&plan.keys), calls_layout(&plan.aggregates))
}

fn calls_layout(calls: &[Aggregate]) -> String {
    let call = |call: &Aggregate| {
        if let Some(top) = &call.top {
            return top_layout(top);
        }
        let argument = call.argument.as_ref().map_or_else(|| "*".to_owned(), |a| a.data_type().to_string());
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        format!("{}({distinct}{argument})", name(call.function))
    };
    calls.iter().map(call).collect::<Vec<_>>().join(", ")
}

/// Rows are kept as what orders them and their columns.
fn top_layout(top: &Top) -> String {
    let order: Vec<String> = top.order.iter().map(|key| key.text(key.expr.data_type())).collect();
    let types: Vec<String> = top.columns.iter().map(|(_, data_type)| data_type.to_string()).collect();
    let latest = if top.latest_first { " latest first" } else { "" };
    format!("TOP {} BY {}{latest} of {}", top.most, order.join(", "), types.join(", "))
}

fn name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::CountStar | AggregateFunction::Count => "COUNT",
        AggregateFunction::Sum => "SUM",
        AggregateFunction::Min => "MIN",
        AggregateFunction::Max => "MAX",
        AggregateFunction::Avg => "AVG",
        AggregateFunction::First => "FIRST_VALUE",
        AggregateFunction::Last => "LAST_VALUE",
        AggregateFunction::Concat => "LISTAGG",
        AggregateFunction::Sketch => "SKETCH",
        AggregateFunction::Top => "TOP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text is in changelogs: a change makes every running job refuse its state.
    #[test]
    fn the_layout_stays_as_it_is() {
        let call = |function, argument: Option<DataType>| Aggregate {
            function,
            distinct: false,
            argument: argument.map(|data_type| Expr::column(0, data_type)),
            filter: None,
            result: DataType::BigInt,
            top: None,
        };
        let plan = WindowAggregate {
            window: Window::Tumble { size_ms: 5_000, offset_ms: -1 },
            time_column: 0,
            keys: vec![Expr::column(0, DataType::STRING), Expr::column(1, DataType::Int)],
            aggregates: vec![
                call(AggregateFunction::CountStar, None),
                call(AggregateFunction::Sum, Some(DataType::BigInt)),
                call(AggregateFunction::Avg, Some(DataType::Decimal { precision: 10, scale: 2 })),
            ],
            output: Vec::new(),
        };
        let tumble = "1; TUMBLE 5000 ms offset -1 ms; by STRING, INT; COUNT(*), SUM(BIGINT), AVG(DECIMAL(10, 2))";
        assert_eq!(layout(&Stage::WindowAggregate(plan)), tumble);
        let session = WindowRows {
            window: Window::Session { gap_ms: 7 },
            time_column: 0,
            keys: vec![Expr::column(0, DataType::STRING)],
            columns: vec![(0, DataType::STRING), (1, DataType::Int)],
        };
        assert_eq!(layout(&Stage::WindowRows(session)), "1; SESSION gap 7 ms; by STRING; rows of STRING, INT");
    }
}
