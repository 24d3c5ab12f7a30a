//! Whether the PRIMARY KEY of a table tells the rows that a query changes apart.

use std::collections::BTreeSet;

use crate::plan::{OutputField, Stage};

/// Whether some key of the last stage whose rows change is in none of the sink's key columns, at the positions `key` of the row in the end:
/// then different rows of the query may be one row of the table, where the last one written counts.
pub(super) fn may_mix_rows(stages: &[Stage], key: &[usize]) -> bool {
    let is_changing = |stage: &Stage| {
        matches!(stage, Stage::GroupAggregate(_) | Stage::Normalize(_) | Stage::Deduplicate(_) | Stage::Rank(_))
    };
    let Some(last) = stages.iter().rposition(is_changing) else { return false };
    let mut held = columns_of_keys(&stages[last]);
    for stage in &stages[last + 1..] {
        if let Stage::Project(values) = stage {
            for columns in &mut held {
                *columns = (0..values.len()).filter(|at| reads_one_of(&values[*at], columns)).collect();
            }
        }
    }
    held.iter().any(|columns| !key.iter().any(|column| columns.contains(column)))
}

/// For each key of a stage the columns that it is in, of the row that leaves the stage.
fn columns_of_keys(stage: &Stage) -> Vec<BTreeSet<usize>> {
    match stage {
        Stage::GroupAggregate(plan) => {
            let is = |number: usize| move |field: &OutputField| *field == OutputField::Key(number);
            let columns = |number| positions(&plan.output, is(number));
            plan.keys.iter().enumerate().filter(|(_, key)| !key.is_constant()).map(|(at, _)| columns(at)).collect()
        }
        Stage::Rank(plan) => {
            let is = |number: usize| move |field: &OutputField| *field == OutputField::Key(number);
            let mut columns: Vec<_> = (0..plan.keys.len()).map(|number| positions(&plan.output, is(number))).collect();
            if plan.top.from != plan.top.most {
                columns.push(positions(&plan.output, |field| *field == OutputField::Rank));
            }
            columns
        }
        Stage::Deduplicate(plan) => {
            let columns = |key: Option<usize>| positions(&plan.columns, move |(column, _)| Some(*column) == key);
            plan.keys.iter().map(|key| columns(key.as_column())).collect()
        }
        Stage::Normalize(plan) => {
            let columns = |key: Option<usize>| positions(&plan.columns, move |(column, _)| Some(*column) == key);
            plan.keys.iter().map(|key| columns(key.as_column())).collect()
        }
        _ => Vec::new(),
    }
}

fn positions<T>(list: &[T], is: impl Fn(&T) -> bool) -> BTreeSet<usize> {
    list.iter().enumerate().filter(|(_, item)| is(item)).map(|(at, _)| at).collect()
}

fn reads_one_of(value: &crate::expr::Expr, columns: &BTreeSet<usize>) -> bool {
    let mut reads = false;
    value.for_each_column(&mut |column| reads |= columns.contains(&column));
    reads
}
