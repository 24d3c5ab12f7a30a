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

/// Where such a function stands in the way, if one does.
pub(super) fn unsteady(stages: &[Stage], end: End<'_>) -> Option<&'static str> {
    let mut changing = false;
    let mut last: &[Expr] = &[];
    let any = |exprs: &[Expr]| exprs.iter().any(Expr::is_volatile);
    for stage in stages {
        for branch in stage.branches() {
            if let Some(found) = unsteady(&branch.stages, End::ByRow) {
                return Some(found);
            }
        }
        if changing {
            match stage {
                Stage::Filter(condition) if condition.is_volatile() => {
                    return Some("in a condition over rows that change");
                }
                Stage::GroupAggregate(group) => {
                    let parts = group.aggregates.iter().flat_map(|call| call.argument.iter().chain(&call.filter));
                    if any(&group.keys) || parts.into_iter().any(Expr::is_volatile) {
                        return Some("in a GROUP BY or an aggregate over rows that change");
                    }
                }
                _ => {}
            }
            if stage.keeps_rows() && any(last) {
                return Some("in a column of rows that change and are read on");
            }
        }
        last = match stage {
            Stage::Project(exprs) => exprs,
            Stage::Filter(_) => last,
            _ => &[],
        };
        let mode = if changing { ChangelogMode::Retract } else { ChangelogMode::InsertOnly };
        changing = stage.changelog(mode).is_ok_and(|mode| mode != ChangelogMode::InsertOnly);
    }
    let unsteady = changing
        && match end {
            End::ByKey(columns) => columns.iter().filter_map(|at| last.get(*at)).any(Expr::is_volatile),
            End::ByRow => any(last),
        };
    unsteady.then_some("in a key of rows that change, or in a column of rows that are found again by all their columns")
}
