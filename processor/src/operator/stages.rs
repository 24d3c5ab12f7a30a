//! Filters and projections: one row in, at most one row out.

use super::error::RowError;
use crate::expr::Value;
use crate::format::recycle;
use crate::plan::Stage;

/// Rows to be used again, one for each projection in flight.
pub type Scratch = Vec<Vec<Value<'static>>>;

/// Sends `row` through `stages`, none of which is an aggregation, and hands what comes out to `then`.
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
        Some((Stage::WindowAggregate(_), _)) => unreachable!("a pipeline is cut at its aggregation"),
    }
}
