//! Whether what is taken back is what was put out. A function of the clock or of chance gives another value each time, so that a row
//! that changes could not be found again by it (Flink: the non-deterministic update problem).

use crate::expr::Expr;
use crate::plan::{ChangelogMode, Stage};

/// Where the last row of changing rows goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    /// Into a table by these columns.
    ByKey(&'a [usize]),
    /// To somebody who finds rows by all their columns, or to another stage.
    ByRow,
}

/// Rows between two stages.
#[derive(Default)]
struct Rows {
    /// Whether they are replaced or taken back.
    changing: bool,
    /// Their columns that depend on when they are computed; none where it is shorter than the row.
    volatile: Vec<bool>,
}

impl Rows {
    fn is_volatile(&self, expr: &Expr) -> bool {
        let mut reads = false;
        expr.for_each_column(&mut |at| reads |= self.volatile.get(at).is_some_and(|volatile| *volatile));
        reads || expr.is_volatile()
    }

    /// Whether one of them cannot be found again by all its columns.
    fn is_lost(&self) -> bool {
        self.changing && self.volatile.contains(&true)
    }
}

/// Where such a function stands in the way, if one does.
pub(super) fn unsteady(stages: &[Stage], end: End<'_>) -> Option<&'static str> {
    let rows = match follow(stages) {
        Ok(rows) => rows,
        Err(place) => return Some(place),
    };
    let volatile = |at: &usize| rows.volatile.get(*at).is_some_and(|volatile| *volatile);
    let lost = match end {
        End::ByKey(columns) => rows.changing && columns.iter().any(volatile),
        End::ByRow => rows.is_lost(),
    };
    lost.then_some("in a key of rows that change, or in a column of rows that are found again by all their columns")
}

fn follow(stages: &[Stage]) -> Result<Rows, &'static str> {
    let mut rows = Rows::default();
    for stage in stages {
        let branches = stage.branches().iter().map(|branch| follow(&branch.stages)).collect::<Result<Vec<_>, _>>()?;
        if rows.changing || branches.iter().any(|branch| branch.changing) {
            check(stage, &rows)?;
        }
        let meets_others = stage.keeps_rows() || matches!(stage, Stage::Union(_));
        if meets_others && (rows.is_lost() || branches.iter().any(Rows::is_lost)) {
            return Err("in a column of rows that change and are read on");
        }
        let mode = if rows.changing { ChangelogMode::Retract } else { ChangelogMode::InsertOnly };
        let changing = stage.changelog(mode).is_ok_and(|mode| mode != ChangelogMode::InsertOnly);
        let volatile = match stage {
            Stage::Project(exprs) => exprs.iter().map(|expr| rows.is_volatile(expr)).collect(),
            // What they add comes behind the row.
            Stage::Filter(_) | Stage::Unnest(_) => rows.volatile,
            _ => Vec::new(),
        };
        rows = Rows { changing, volatile };
    }
    Ok(rows)
}

/// What a stage computes over rows that change.
fn check(stage: &Stage, rows: &Rows) -> Result<(), &'static str> {
    let any = |exprs: &[Expr]| exprs.iter().any(|expr| rows.is_volatile(expr));
    let found = match stage {
        Stage::Filter(condition) => rows.is_volatile(condition).then_some("in a condition over rows that change"),
        Stage::Join(join) => {
            let parts = join.condition.iter().chain(&join.left.keys).chain(&join.right.keys);
            parts.into_iter().any(Expr::is_volatile).then_some("in the condition of a join of rows that change")
        }
        Stage::GroupAggregate(group) => {
            let mut parts = group.aggregates.iter().flat_map(|call| call.argument.iter().chain(&call.filter));
            let unsteady = any(&group.keys) || parts.any(|part| rows.is_volatile(part));
            unsteady.then_some("in a GROUP BY or an aggregate over rows that change")
        }
        Stage::Rank(rank) => {
            let unsteady = any(&rank.keys) || rank.top.order.iter().any(|key| rows.is_volatile(&key.expr));
            unsteady.then_some("in what rows that change are ranked by")
        }
        _ => None,
    };
    found.map_or(Ok(()), Err)
}
