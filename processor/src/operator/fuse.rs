//! Projections that only choose columns need no row of their own: whoever comes next looks where the column was.

use crate::expr::Expr;
use crate::plan::Stage;

/// The same stages, without projections that only choose columns before the next stage that makes a new row, or after an
/// aggregation.
pub fn fuse(mut stages: Vec<Stage>) -> Vec<Stage> {
    let mut at = 0;
    while at < stages.len() {
        let chosen = match &stages[at] {
            Stage::Project(expressions) => expressions.iter().map(Expr::as_column).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        match chosen {
            Some(columns) if fuse_with_neighbours(&mut stages, at, &columns) => drop(stages.remove(at)),
            _ => at += 1,
        }
    }
    stages
}

fn fuse_with_neighbours(stages: &mut [Stage], at: usize, columns: &[usize]) -> bool {
    let (before, after) = stages.split_at_mut(at);
    if let Some(Stage::WindowAggregate(window)) = before.last_mut() {
        window.output = columns.iter().map(|column| window.output[*column]).collect();
        return true;
    }
    if let Some(Stage::GroupAggregate(group)) = before.last_mut() {
        group.output = columns.iter().map(|column| group.output[*column]).collect();
        return true;
    }
    let after = &mut after[1..];
    // The sink needs a row that is as it wants it.
    let Some(next) = after.iter().position(Stage::makes_rows) else { return false };
    // Rows of all branches look the same.
    if matches!(after[next], Stage::Union(_)) {
        return false;
    }
    after[..=next].iter_mut().for_each(|stage| stage.map_columns(&|column| columns[column]));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::DataType;
    use crate::plan::{Aggregate, AggregateFunction, OutputField, Window, WindowAggregate};

    fn column(at: usize) -> Expr {
        Expr::column(at, DataType::BigInt)
    }

    fn window(time_column: usize, key: usize, argument: usize, output: Vec<OutputField>) -> Stage {
        let sum = Aggregate {
            function: AggregateFunction::Sum,
            distinct: false,
            argument: Some(column(argument)),
            filter: Some(column(key)),
            result: DataType::BigInt,
            top: None,
        };
        Stage::WindowAggregate(WindowAggregate {
            window: Window::Tumble { size_ms: 1, offset_ms: 0 },
            time_column,
            keys: vec![column(key)],
            aggregates: vec![sum],
            output,
        })
    }

    fn choose(columns: &[usize]) -> Stage {
        Stage::Project(columns.iter().map(|at| column(*at)).collect())
    }

    #[test]
    fn choices_of_columns_go_into_the_stages_around_them() {
        use OutputField::{Aggregate, Key, WindowEnd};
        let stages = vec![
            choose(&[5, 6, 7]),
            Stage::Filter(column(1)),
            window(2, 0, 1, vec![Key(0), WindowEnd, Aggregate(0)]),
            choose(&[2, 0, 2]),
        ];
        let expected = vec![Stage::Filter(column(6)), window(7, 5, 6, vec![Aggregate(0), Key(0), Aggregate(0)])];
        assert_eq!(fuse(stages), expected);
        assert_eq!(fuse(vec![choose(&[3, 1]), choose(&[1, 0])]), [choose(&[1, 3])]);
    }

    #[test]
    fn other_projections_stay() {
        use crate::expr::Value;
        let constant = Stage::Project(vec![Expr::literal(Value::Integer(1), DataType::BigInt)]);
        let stages =
            vec![constant, window(0, 0, 0, vec![OutputField::Key(0)]), Stage::Filter(column(0)), choose(&[0, 0])];
        assert_eq!(fuse(stages.clone()), stages);
    }
}
