//! Which fields of ROW columns a pipeline looks at: the others are not decoded.

use std::collections::BTreeMap;

use super::prune::row_stages;
use crate::expr::{DataType, Expr, Node};
use crate::plan::{Source, Stage};

/// The narrower types of the columns of `source` of which `stages` need some fields only, by their positions. What is not needed has the
/// type of NULL, so that the others stay where they are.
pub(super) fn narrowed(source: &Source, stages: &[Stage]) -> Vec<(usize, DataType)> {
    // A row that nothing makes anew goes out as it is.
    if !stages.iter().any(Stage::makes_rows) {
        return Vec::new();
    }
    let narrow = |(at, column): (usize, &crate::plan::Column)| {
        let fields = column.data_type.fields()?;
        let (all, by_field) = uses(source, row_stages(stages), at);
        if by_field.len() == fields.len() || by_field.values().sum::<usize>() < all {
            return None;
        }
        let left = |(at, (name, data_type)): (usize, &(String, DataType))| {
            (name.clone(), if by_field.contains_key(&at) { *data_type } else { DataType::Null })
        };
        // One type too many is no reason to refuse the query.
        Some((at, DataType::row(fields.iter().enumerate().map(left).collect()).ok()?))
    };
    source.columns.iter().enumerate().filter_map(narrow).collect()
}

/// How often the column is read, and how often each field of it alone.
fn uses(source: &Source, stages: &[Stage], column: usize) -> (usize, BTreeMap<usize, usize>) {
    let mut all = 0;
    let mut count = |at: usize| all += usize::from(at == column);
    let mut fields = BTreeMap::new();
    for stage in stages {
        stage.for_each_column(&mut count);
        match stage {
            Stage::Filter(condition) => fields_of(condition, column, &mut fields),
            Stage::Project(exprs) => exprs.iter().for_each(|expr| fields_of(expr, column, &mut fields)),
            _ => {}
        }
    }
    let watermark = source.event_time.iter().map(|time| &time.watermark);
    for expr in source.computed.iter().map(|column| &column.expr).chain(watermark) {
        expr.for_each_column(&mut count);
        fields_of(expr, column, &mut fields);
    }
    (all, fields)
}

fn fields_of(expr: &Expr, column: usize, fields: &mut BTreeMap<usize, usize>) {
    if let Node::Field(row, at) = expr.node()
        && row.as_column() == Some(column)
    {
        *fields.entry(*at).or_default() += 1;
        return;
    }
    expr.children().into_iter().for_each(|part| fields_of(part, column, fields));
}
