//! Whether the PRIMARY KEY of a table tells the rows that a query changes apart.

use std::collections::BTreeSet;

use crate::plan::{Join, JoinKind, JoinTime, OutputField, Stage};

/// What tells rows apart that may change: for each of its parts the columns that it is in.
type Keys = Vec<BTreeSet<usize>>;

/// Whether some part of what tells rows apart is in none of the sink's key columns, at the positions `key` of the row in the end: then
/// different rows of the query may be one row of the table, where the last one written counts.
pub(super) fn may_mix_rows(stages: &[Stage], key: &[usize]) -> bool {
    let held = keys_of(stages).unwrap_or_default();
    held.iter().any(|columns| !key.iter().any(|column| columns.contains(column)))
}

/// What tells the rows apart that leave these stages; none if they do not change, or nothing is known.
fn keys_of(stages: &[Stage]) -> Option<Keys> {
    stages.iter().fold(None, |held, stage| match stage {
        Stage::GroupAggregate(_) | Stage::Normalize(_) | Stage::Deduplicate(_) | Stage::Rank(_) => {
            Some(columns_of_keys(stage))
        }
        Stage::Join(join) if matches!(join.time, JoinTime::Regular { .. }) => of_join(join, held),
        Stage::Project(values) => held.map(|held| {
            let made_of = |columns| (0..values.len()).filter(|at| reads_one_of(&values[*at], columns)).collect();
            held.iter().map(made_of).collect()
        }),
        _ => held,
    })
}

/// What tells the rows of a join apart: what does so on both sides, unless a row of one side meets one row of the other at most (Flink:
/// `UpsertKeyUtil`, `FlinkRelMdUniqueKeys` of joins).
fn of_join(join: &Join, left: Option<Keys>) -> Option<Keys> {
    let right = keys_of(&join.branch.stages);
    let is_one = |keys: &Option<Keys>, side: &[crate::expr::Expr]| {
        let is_joined = |columns: &BTreeSet<usize>| {
            side.iter().any(|key| key.as_column().is_some_and(|column| columns.contains(&column)))
        };
        keys.as_ref().is_some_and(|keys| keys.iter().all(is_joined))
    };
    let (one_right, one_left) = (is_one(&right, &join.right.keys), is_one(&left, &join.left.keys));
    let width = join.left.columns.len();
    let placed = |keys: Option<Keys>, columns: &[(usize, crate::expr::DataType)], from: usize| {
        keys.map(|keys| {
            let place = |held: &BTreeSet<usize>| {
                positions(columns, |(column, _)| held.contains(column)).into_iter().map(|at| from + at).collect()
            };
            keys.iter().map(place).collect::<Keys>()
        })
    };
    let (left, right) = (placed(left, &join.left.columns, 0), placed(right, &join.right.columns, width));
    match join.kind {
        JoinKind::Semi | JoinKind::Anti => left,
        JoinKind::Inner | JoinKind::Left if one_right => left,
        JoinKind::Inner | JoinKind::Right if one_left => right,
        // Nothing tells the rows of a side apart that are only added: a part of the key that is nowhere.
        kind if left.is_some() || right.is_some() || kind != JoinKind::Inner => {
            let unknown = || vec![BTreeSet::new()];
            Some([left.unwrap_or_else(unknown), right.unwrap_or_else(unknown)].concat())
        }
        _ => None,
    }
}

/// For each key of a stage the columns that it is in, of the row that leaves the stage.
fn columns_of_keys(stage: &Stage) -> Keys {
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
