//! Leaves out of the sources, and of rows that are kept, what the pipeline does not need.

use std::collections::BTreeSet;

use super::narrow;
use super::table::Table;
use crate::expr::Expr;
use crate::plan::{Branch, Join, JoinSide, OutputField, Policies, Source, SourceKey, Stage, Top, Unnest, WindowRows};

/// A table as a source, before columns that are not needed are left out, and without what the job's settings say.
pub(super) fn whole_source(table: &Table) -> Source {
    // What is in the value too is read there, as Flink's value has the last word.
    let of_key = || {
        table.options.key.as_ref().map(|key| SourceKey {
            format: key.format.clone(),
            columns: key.fields.clone(),
            prefix: key.prefix.clone(),
        })
    };
    let key = of_key().filter(|_| table.options.value_without_key);
    Source {
        table: table.name.clone(),
        topic: table.options.topic.clone(),
        group_id: table.options.group_id.clone(),
        startup: table.options.startup.clone(),
        reset: table.options.reset,
        format: table.options.format.clone(),
        value_fields: table.value_columns().map(|at| table.physical[at].name.clone()).collect(),
        key,
        upsert: of_key().filter(|_| table.options.upsert),
        columns: table.physical.clone(),
        narrowed: Vec::new(),
        computed: table.computed.clone(),
        event_time: table.event_time.clone(),
        idle_timeout_ms: table.options.idle_timeout_ms,
        policies: Policies::default(),
    }
}

/// Leaves out of `source`, and of the branches, the columns that the stages do not need; their expressions are changed to the new positions.
pub(super) fn prune(source: &mut Source, stages: &mut [Stage]) {
    kept_rows(stages);
    // Without a window nobody looks at the watermark, but it is shown to people; it is kept either way.
    let mut needed = needed_by(row_stages(stages));
    if let Some(event_time) = &source.event_time {
        needed.insert(event_time.column);
        event_time.watermark.for_each_column(&mut |index| {
            needed.insert(index);
        });
    }
    let physical = source.columns.len();
    let computed: Vec<usize> = needed.range(physical..).copied().collect();
    for index in &computed {
        source.computed[index - physical].expr.for_each_column(&mut |index| {
            needed.insert(index);
        });
    }
    let kept: Vec<usize> = needed.into_iter().collect();
    let map = |old: usize| kept.iter().position(|index| *index == old).unwrap_or(old);
    apply(source, stages, &kept, &map);
    source.narrowed = narrow::narrowed(source, stages);
    for branch in stages.iter_mut().flat_map(Stage::branches_mut) {
        prune(&mut branch.source, &mut branch.stages);
    }
}

/// The stages that see the first one's row: all up to and including the first that makes a new one.
pub(super) fn row_stages(stages: &[Stage]) -> &[Stage] {
    let end = stages.iter().position(Stage::makes_rows).map_or(stages.len(), |index| index + 1);
    &stages[..end]
}

/// The columns that these stages look at.
fn needed_by(stages: &[Stage]) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    for stage in stages {
        stage.for_each_column(&mut |index| {
            needed.insert(index);
        });
    }
    needed
}

/// Rows with their windows, the first rows of a key, and what rows of branches meet, keep only the columns that later stages need.
fn kept_rows(stages: &mut [Stage]) {
    for at in (0..stages.len()).rev() {
        let (before, after) = stages.split_at_mut(at + 1);
        let needed = needed_by(row_stages(after));
        let Some((stage, earlier)) = before.split_last_mut() else { continue };
        let kept = match stage {
            Stage::WindowRows(rows) => window_rows(rows, &needed),
            Stage::Normalize(plan) => {
                let columns: Vec<usize> = needed.into_iter().collect();
                plan.columns = columns.iter().map(|index| plan.columns[*index]).collect();
                columns
            }
            Stage::Deduplicate(plan) => {
                let columns: Vec<usize> = needed.into_iter().collect();
                plan.columns = columns.iter().map(|index| plan.columns[*index]).collect();
                columns
            }
            Stage::Over(plan) => {
                let width = plan.columns.len();
                let columns: Vec<usize> = needed.range(..width).copied().collect();
                plan.columns = columns.iter().map(|index| plan.columns[*index]).collect();
                // Behind them are the results.
                columns.into_iter().chain(width..width + plan.calls.len()).collect()
            }
            Stage::Rank(plan) => top_columns(&mut plan.output, &mut plan.top, &needed),
            Stage::WindowAggregate(plan) => {
                match plan.aggregates.first_mut().and_then(|call| call.top.as_deref_mut()) {
                    Some(top) => top_columns(&mut plan.output, top, &needed),
                    None => continue,
                }
            }
            Stage::Union(branches) => match earlier.last_mut() {
                Some(Stage::Project(own)) => union_columns(own, branches, &needed),
                _ => continue,
            },
            Stage::Join(join) => narrow_join(join, earlier.last_mut(), needed),
            Stage::Unnest(plan) => unnested(plan, &needed),
            Stage::Filter(_) | Stage::Project(_) | Stage::GroupAggregate(_) | Stage::Materialize(_) => continue,
        };
        let map = |old: usize| kept.iter().position(|index| *index == old).unwrap_or(old);
        let end = row_stages(after).len();
        after[..end].iter_mut().for_each(|stage| stage.map_columns(&map));
    }
}

/// Returns which of the columns of the outgoing row are left.
fn unnested(plan: &mut Unnest, needed: &BTreeSet<usize>) -> Vec<usize> {
    let width = plan.columns.len();
    let columns: Vec<usize> = needed.range(..width).copied().collect();
    plan.columns = columns.iter().map(|index| plan.columns[*index]).collect();
    // Behind them are those of an element.
    columns.into_iter().chain(width..width + plan.width()).collect()
}

/// Returns which of the columns of the outgoing row are left.
fn window_rows(rows: &mut WindowRows, needed: &BTreeSet<usize>) -> Vec<usize> {
    let width = rows.columns.len();
    let columns: Vec<usize> = needed.range(..width).copied().collect();
    rows.columns = columns.iter().map(|index| rows.columns[*index]).collect();
    // Behind them are the three of the window.
    columns.into_iter().chain(width..width + 3).collect()
}

/// Returns which of the columns of the outgoing row are left.
fn top_columns(output: &mut Vec<OutputField>, top: &mut Top, needed: &BTreeSet<usize>) -> Vec<usize> {
    let mut columns = Vec::new();
    *output = needed.iter().filter_map(|index| output.get(*index).copied()).collect();
    for field in output.iter_mut() {
        if let OutputField::TopColumn(column) = field {
            columns.push(top.columns[*column]);
            *column = columns.len() - 1;
        }
    }
    top.columns = columns;
    needed.iter().copied().collect()
}

/// Returns which of the columns of the united rows are left, of which `own` and the last stages of the branches make the rows.
fn union_columns(own: &mut Vec<Expr>, branches: &mut [Branch], needed: &BTreeSet<usize>) -> Vec<usize> {
    let kept: Vec<usize> = needed.iter().copied().filter(|index| *index < own.len()).collect();
    let others = branches.iter_mut().filter_map(|branch| match branch.stages.last_mut() {
        Some(Stage::Project(exprs)) => Some(exprs),
        _ => None,
    });
    for exprs in others.chain([own]) {
        *exprs = kept.iter().map(|index| exprs[*index].clone()).collect();
    }
    kept
}

/// A join keeps only the columns that its condition and later stages need, and the projections `before` it and at the end of its branch
/// make only what it looks at. Returns, for each column of the row that goes out, where it was before.
fn narrow_join(join: &mut Join, before: Option<&mut Stage>, mut needed: BTreeSet<usize>) -> Vec<usize> {
    if let Some(condition) = &join.condition {
        condition.for_each_column(&mut |column| {
            needed.insert(column);
        });
    }
    let width = join.left.columns.len();
    let Join { left, right, condition, branch, .. } = join;
    let mut place = Vec::new();
    for (side, from) in [(&mut *left, 0), (&mut *right, width)] {
        let all = std::mem::take(&mut side.columns).into_iter().enumerate();
        for (at, column) in all.filter(|(at, _)| needed.contains(&(from + at))) {
            place.push(from + at);
            side.columns.push(column);
        }
    }
    if let Some(condition) = condition {
        condition.map_columns(&|old| place.iter().position(|kept| *kept == old).unwrap_or(old));
    }
    narrow_side(left, before);
    narrow_side(right, branch.stages.last_mut());
    place
}

fn narrow_side(side: &mut JoinSide, before: Option<&mut Stage>) {
    let Some(Stage::Project(exprs)) = before else { return };
    let mut used = BTreeSet::new();
    side.for_each_column(&mut |column| {
        used.insert(column);
    });
    let kept: Vec<usize> = used.into_iter().filter(|column| *column < exprs.len()).collect();
    *exprs = kept.iter().map(|column| exprs[*column].clone()).collect();
    side.map_columns(&|old| kept.iter().position(|column| *column == old).unwrap_or(old));
}

fn apply(source: &mut Source, stages: &mut [Stage], kept: &[usize], map: &impl Fn(usize) -> usize) {
    let physical = source.columns.len();
    let columns = kept.iter().filter(|index| **index < physical).map(|index| source.columns[*index].clone()).collect();
    let computed = kept
        .iter()
        .filter(|index| **index >= physical)
        .map(|index| source.computed[*index - physical].clone())
        .collect();
    source.columns = columns;
    source.computed = computed;
    source.computed.iter_mut().for_each(|column| column.expr.map_columns(map));
    if let Some(event_time) = &mut source.event_time {
        event_time.column = map(event_time.column);
        event_time.watermark.map_columns(map);
    }
    let end = row_stages(stages).len();
    stages[..end].iter_mut().for_each(|stage| stage.map_columns(map));
}
