//! Stages without state: filters, projections, and windows for each row.

use super::error::RowError;
use super::unnest;
use super::window::time_of;
use crate::expr::Value;
use crate::format::recycle;
use crate::plan::Stage;
use crate::time::Grid;

/// Rows to be used again, one for each projection in flight.
pub type Scratch = Vec<Vec<Value<'static>>>;

/// Sends `row` through `stages`, none of which keeps rows, and hands what comes out to `then`.
pub fn run(
    stages: &[Stage],
    row: &[Value<'_>],
    scratch: &mut Scratch,
    then: &mut dyn FnMut(&[Value<'_>]) -> Result<(), RowError>,
) -> Result<(), RowError> {
    match stages.split_first() {
        None => then(row),
        Some((Stage::Filter(condition), rest)) => {
            if condition.eval_condition(row)? {
                run(rest, row, scratch, then)?;
            }
            Ok(())
        }
        Some((Stage::Project(expressions), rest)) => {
            let mut projected = recycle(scratch.pop().unwrap_or_default());
            for expression in expressions {
                projected.push(expression.eval(row)?);
            }
            run(rest, &projected, scratch, then)?;
            scratch.push(recycle(projected));
            Ok(())
        }
        Some((Stage::WindowRows(rows), rest)) if let Some(grid) = Grid::new(&rows.window) => {
            let time = time_of(row, rows.time_column)?;
            for (start, end) in grid.windows(time) {
                let mut assigned = recycle(scratch.pop().unwrap_or_default());
                assigned.extend(rows.columns.iter().map(|(column, _)| row[*column].borrowed()));
                assigned.extend([start, end, end.saturating_sub(1)].map(Value::timestamp));
                run(rest, &assigned, scratch, then)?;
                scratch.push(recycle(assigned));
            }
            Ok(())
        }
        Some((Stage::Unnest(plan), rest)) => {
            let value = plan.of.eval(row)?;
            unnest::each(plan, &value, |part| {
                let mut made = recycle(scratch.pop().unwrap_or_default());
                made.extend(plan.columns.iter().map(|(column, _)| row[*column].borrowed()));
                made.extend(part.iter().map(Value::borrowed));
                run(rest, &made, scratch, then)?;
                scratch.push(recycle(made));
                Ok(())
            })
        }
        Some((
            Stage::WindowAggregate(_)
            | Stage::GroupAggregate(_)
            | Stage::Normalize(_)
            | Stage::Deduplicate(_)
            | Stage::Rank(_)
            | Stage::Over(_)
            | Stage::Materialize(_)
            | Stage::WindowRows(_)
            | Stage::Union(_)
            | Stage::Join(_),
            _,
        )) => {
            unreachable!("a pipeline is cut at stages that keep rows, and at those where several inputs meet")
        }
    }
}
