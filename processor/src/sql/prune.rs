//! Leaves out of the source, and of rows that are kept, what the pipeline does not need.

use std::collections::BTreeSet;

use super::insert::whole_source;
use super::settings::Settings;
use super::table::Table;
use crate::plan::{OutputField, Source, Stage, Top, WindowRows};

/// The table as a source with only the columns that the stages need; their expressions are changed to the new positions.
pub(crate) fn source(table: &Table, stages: &mut [Stage], settings: &Settings) -> Source {
    kept_rows(stages);
    let mut source = whole_source(table, settings);
    // Without a window nobody looks at the watermark, but it is shown to people; it is kept either way.
    let mut needed = BTreeSet::new();
    for stage in row_stages(stages) {
        stage.for_each_column(&mut |index| {
            needed.insert(index);
        });
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

/// The stages that see the first one's row: all up to and including the first that makes a new one.
fn row_stages(stages: &[Stage]) -> &[Stage] {
    let end = stages.iter().position(Stage::makes_rows).map_or(stages.len(), |index| index + 1);
    &stages[..end]
}

/// Rows with their windows, and the first rows of a key, keep only the columns that later stages need.
fn kept_rows(stages: &mut [Stage]) {
    for at in (0..stages.len()).rev() {
        let (before, after) = stages.split_at_mut(at + 1);
        let mut needed = BTreeSet::new();
        for stage in row_stages(after) {
            stage.for_each_column(&mut |index| {
                needed.insert(index);
            });
        }
        let kept = match &mut before[at] {
            Stage::WindowRows(rows) => window_rows(rows, &needed),
            Stage::WindowAggregate(plan) => {
                match plan.aggregates.first_mut().and_then(|call| call.top.as_deref_mut()) {
                    Some(top) => top_columns(&mut plan.output, top, &needed),
                    None => continue,
                }
            }
            Stage::Filter(_) | Stage::Project(_) => continue,
        };
        let map = |old: usize| kept.iter().position(|index| *index == old).unwrap_or(old);
        let end = row_stages(after).len();
        after[..end].iter_mut().for_each(|stage| stage.map_columns(&map));
    }
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
