//! Joins: where rows of a branch meet those of the pipeline by equal keys and by time.

use super::Branch;
use crate::expr::{DataType, Expr};

/// A join. The outgoing row is `left.columns` followed by `right.columns`; of a semi or anti join only the former.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// Which rows come out.
    pub kind: JoinKind,
    /// Which rows meet by their time.
    pub time: JoinTime,
    /// The pipeline's own rows.
    pub left: JoinSide,
    /// The branch's rows.
    pub right: JoinSide,
    /// Which of the keys are equal where both are NULL (IS NOT DISTINCT FROM); others never are.
    pub null_safe: Vec<bool>,
    /// What must be TRUE besides, over `left.columns` and `right.columns`.
    pub condition: Option<Expr>,
    /// Where the right rows come from.
    pub branch: Branch,
}

/// Which rows come out of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows without a match.
    Left,
    /// Pairs, and right rows without a match.
    Right,
    /// Pairs, and rows of both sides without a match.
    Full,
    /// Left rows with a match, each once (IN, EXISTS).
    Semi,
    /// Left rows without a match (NOT IN, NOT EXISTS).
    Anti,
}

impl JoinKind {
    /// Whether left rows without a match come out, and whether right ones do.
    #[must_use]
    pub fn keeps_unmatched(self) -> [bool; 2] {
        match self {
            JoinKind::Inner | JoinKind::Semi => [false, false],
            JoinKind::Left | JoinKind::Anti => [true, false],
            JoinKind::Right => [false, true],
            JoinKind::Full => [true, true],
        }
    }

    /// Whether only left rows come out.
    #[must_use]
    pub fn is_of_left_rows(self) -> bool {
        matches!(self, JoinKind::Semi | JoinKind::Anti)
    }
}

/// Which rows meet by their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinTime {
    /// Those of the same window, when that closes. The time column is window_end, the first key window_start.
    Window,
    /// Those of which the left one's time is at least by `lower_ms` and at most by `upper_ms` after the right one's (Flink: interval join).
    Interval {
        /// May be negative.
        lower_ms: i64,
        /// Not less than `lower_ms`.
        upper_ms: i64,
    },
    /// All that there are, whenever they come (Flink: regular join).
    Regular {
        /// `table.exec.state.ttl`: a row that was not written for so many ms is forgotten; `None`: never.
        ttl_ms: Option<i64>,
    },
    /// A left row meets the right row of its keys that was there at its time; right rows change, each having the time from which on it is
    /// there (Flink: event-time temporal join). Only INNER and LEFT.
    Temporal,
}

/// What a join looks at in the rows of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinSide {
    /// Position of the column by which time goes; none in a regular join.
    pub time_column: Option<usize>,
    /// The keys, as many on both sides and of the same types.
    pub keys: Vec<Expr>,
    /// The columns that are kept, with their types.
    pub columns: Vec<(usize, DataType)>,
}

impl JoinSide {
    /// Calls `visit` with the position of every column that is read.
    pub(crate) fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        self.time_column.into_iter().for_each(&mut *visit);
        self.keys.iter().for_each(|key| key.for_each_column(visit));
        self.columns.iter().for_each(|(column, _)| visit(*column));
    }

    /// Gives every column a new position.
    pub(crate) fn map_columns(&mut self, map: &impl Fn(usize) -> usize) {
        self.time_column = self.time_column.map(map);
        self.keys.iter_mut().for_each(|key| key.map_columns(map));
        self.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
    }
}
