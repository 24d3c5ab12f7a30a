//! Leaves out of the source what the pipeline does not need.

use std::collections::BTreeSet;

use super::insert::whole_source;
use super::settings::Settings;
use super::table::Table;
use crate::plan::{Source, Stage};

/// The table as a source with only the columns that the stages need; their expressions are changed to the new positions.
pub(crate) fn source(table: &Table, stages: &mut [Stage], settings: &Settings) -> Source {
    window_rows(stages);
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

/// Rows with their windows keep only the columns that later stages need.
fn window_rows(stages: &mut [Stage]) {
    for at in (0..stages.len()).rev() {
        let (before, after) = stages.split_at_mut(at + 1);
        let Stage::WindowRows(rows) = &mut before[at] else { continue };
        let width = rows.columns.len();
        let mut needed = BTreeSet::new();
        for stage in row_stages(after) {
            stage.for_each_column(&mut |index| {
                needed.insert(index);
            });
        }
        let kept: Vec<usize> = needed.into_iter().filter(|index| *index < width).collect();
        rows.columns = kept.iter().map(|index| rows.columns[*index]).collect();
        let map = |old: usize| match kept.iter().position(|index| *index == old) {
            Some(new) => new,
            None => kept.len() + old.saturating_sub(width),
        };
        let end = row_stages(after).len();
        after[..end].iter_mut().for_each(|stage| stage.map_columns(&map));
    }
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
