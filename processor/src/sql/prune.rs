//! Leaves out of the source what the pipeline does not need.

use std::collections::BTreeSet;

use super::insert::whole_source;
use super::settings::Settings;
use super::table::Table;
use crate::expr::Expr;
use crate::plan::{Source, Stage};

/// The table as a source with only the columns that the stages need; their expressions are changed to the new positions.
pub(crate) fn source(table: &Table, stages: &mut [Stage], settings: &Settings) -> Source {
    let mut source = whole_source(table, settings);
    // Without a window nobody looks at the watermark, but it is shown to people; it is kept either way.
    let mut needed = BTreeSet::new();
    for stage in source_stages(stages) {
        for_each_expr(stage, &mut |expr| {
            expr.for_each_column(&mut |index| {
                needed.insert(index);
            })
        });
        if let Stage::WindowAggregate(window) = stage {
            needed.insert(window.time_column);
        }
    }
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
    apply(&mut source, stages, &kept, &map);
    source
}

/// The stages that see the source's row: all up to and including the first that makes a new one.
fn source_stages(stages: &[Stage]) -> &[Stage] {
    let end =
        stages.iter().position(|stage| !matches!(stage, Stage::Filter(_))).map_or(stages.len(), |index| index + 1);
    &stages[..end]
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
    let end = source_stages(stages).len();
    for stage in &mut stages[..end] {
        match stage {
            Stage::Filter(condition) => condition.map_columns(map),
            Stage::Project(exprs) => exprs.iter_mut().for_each(|expr| expr.map_columns(map)),
            Stage::WindowAggregate(window) => {
                window.time_column = map(window.time_column);
                window.keys.iter_mut().for_each(|key| key.map_columns(map));
                for aggregate in &mut window.aggregates {
                    let parts = aggregate.argument.iter_mut().chain(aggregate.filter.iter_mut());
                    parts.for_each(|part| part.map_columns(map));
                }
            }
        }
    }
}

fn for_each_expr(stage: &Stage, visit: &mut impl FnMut(&Expr)) {
    match stage {
        Stage::Filter(condition) => visit(condition),
        Stage::Project(exprs) => exprs.iter().for_each(visit),
        Stage::WindowAggregate(window) => {
            window.keys.iter().for_each(&mut *visit);
            for aggregate in &window.aggregates {
                aggregate.argument.iter().chain(&aggregate.filter).for_each(&mut *visit);
            }
        }
    }
}
