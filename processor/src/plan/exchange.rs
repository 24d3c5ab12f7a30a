//! Where the rows of a parallel pipeline change tasks: by which of their keys they are spread.

use std::collections::BTreeSet;

use super::{Deduplicate, Materialize, Normalize, OutputField, Stage, Window};
use crate::expr::Expr;

/// The most tasks of one stage of a pipeline (`parallelism.default`).
pub const MAX_PARALLELISM: usize = 64;

/// Positions, among the keys of the first stage that keeps rows, of those by which its groups are spread over tasks; `None` if no stage
/// keeps rows.
///
/// All rows that are ever to meet must come to one task. So a key counts only if every later stage that keeps rows groups by it too.
/// Without any such key all rows go to one task. The start of a window is no such key: the windows of a key stay in order.
#[must_use]
pub fn exchange_keys(stages: &[Stage]) -> Option<Vec<usize>> {
    let mut of_stages = state_keys(stages).into_iter();
    of_stages.next()
}

/// For each stage that keeps rows, the positions among its keys of those of [`exchange_keys`], in the order of the first stage's keys.
#[must_use]
pub fn state_keys(stages: &[Stage]) -> Vec<Vec<usize>> {
    let Some(first) = stages.iter().position(Stage::keeps_rows) else { return Vec::new() };
    let Some(mut lineage) = Lineage::of(&stages[first]) else { return Vec::new() };
    // Of each later stage: which of the first one's keys each of its own is.
    let mut later = Vec::new();
    for stage in &stages[first + 1..] {
        if stage.keeps_rows() {
            later.push(stage.keys().iter().map(|key| lineage.key(key)).collect::<Vec<_>>());
        }
        lineage.pass(stage);
    }
    let common: Vec<usize> = lineage.common.into_iter().collect();
    let place = |keys: Vec<Option<usize>>| {
        common.iter().filter_map(|key| keys.iter().position(|own| *own == Some(*key))).collect()
    };
    let later: Vec<Vec<usize>> = later.into_iter().map(place).collect();
    std::iter::once(common.clone()).chain(later).collect()
}

/// Which columns of a row are still keys of the first stage.
struct Lineage {
    common: BTreeSet<usize>,
    columns: Vec<Option<usize>>,
}

impl Lineage {
    /// Of the row that leaves the first stage that keeps rows.
    fn of(stage: &Stage) -> Option<Lineage> {
        match stage {
            Stage::WindowAggregate(plan) => {
                let begin = usize::from(plan.window == Window::Attached);
                let columns = plan.output.iter().map(|field| match *field {
                    OutputField::Key(at) => Some(at),
                    _ => None,
                });
                Some(Lineage { common: (begin..plan.keys.len()).collect(), columns: columns.collect() })
            }
            Stage::Normalize(Normalize { keys, columns, .. })
            | Stage::Deduplicate(Deduplicate { keys, columns, .. })
            | Stage::Materialize(Materialize { keys, columns, .. }) => {
                let key_of = |column: usize| keys.iter().position(|key| key.as_column() == Some(column));
                let columns = columns.iter().map(|(column, _)| key_of(*column)).collect();
                Some(Lineage { common: (0..keys.len()).collect(), columns })
            }
            Stage::Over(plan) => {
                let key_of = |column: usize| plan.keys.iter().position(|key| key.as_column() == Some(column));
                let columns = plan.columns.iter().map(|(column, _)| key_of(*column));
                let columns = columns.chain(plan.calls.iter().map(|_| None)).collect();
                Some(Lineage { common: (0..plan.keys.len()).collect(), columns })
            }
            Stage::Rank(plan) => {
                let columns = plan.output.iter().map(OutputField::key).collect();
                Some(Lineage { common: (0..plan.keys.len()).collect(), columns })
            }
            Stage::GroupAggregate(plan) => {
                let columns = plan.output.iter().map(OutputField::key).collect();
                Some(Lineage { common: (0..plan.keys.len()).collect(), columns })
            }
            Stage::WindowRows(plan) => {
                let key_of = |column: usize| plan.keys.iter().position(|key| key.as_column() == Some(column));
                let mut columns: Vec<_> = plan.columns.iter().map(|(column, _)| key_of(*column)).collect();
                columns.extend([None; 3]);
                Some(Lineage { common: (0..plan.keys.len()).collect(), columns })
            }
            Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) | Stage::Union(_) | Stage::Join(_) => None,
        }
    }

    fn key(&self, expr: &Expr) -> Option<usize> {
        expr.as_column().and_then(|column| self.columns.get(column).copied().flatten())
    }

    fn keep(&mut self, keys: &[Option<usize>]) {
        self.common.retain(|key| keys.contains(&Some(*key)));
    }

    /// The row goes through another stage.
    fn pass(&mut self, stage: &Stage) {
        match stage {
            // Where inputs meet, there is one task.
            Stage::Filter(_) | Stage::Union(_) | Stage::Join(_) => {}
            Stage::Project(exprs) => self.columns = exprs.iter().map(|expr| self.key(expr)).collect(),
            Stage::Unnest(plan) => {
                let kept = plan.columns.iter().map(|(column, _)| self.columns.get(*column).copied().flatten());
                self.columns = kept.chain(std::iter::repeat_n(None, plan.width())).collect();
            }
            Stage::WindowAggregate(plan) => {
                let keys: Vec<_> = plan.keys.iter().map(|key| self.key(key)).collect();
                self.keep(&keys);
                let column = |field: &OutputField| match *field {
                    OutputField::Key(at) => keys[at],
                    _ => None,
                };
                self.columns = plan.output.iter().map(column).collect();
            }
            Stage::Over(plan) => {
                let keys: Vec<_> = plan.keys.iter().map(|key| self.key(key)).collect();
                self.keep(&keys);
                let kept = plan.columns.iter().map(|(column, _)| self.columns.get(*column).copied().flatten());
                self.columns = kept.chain(plan.calls.iter().map(|_| None)).collect();
            }
            Stage::Rank(plan) => {
                let keys: Vec<_> = plan.keys.iter().map(|key| self.key(key)).collect();
                self.keep(&keys);
                self.columns = plan.output.iter().map(|field| field.key().and_then(|at| keys[at])).collect();
            }
            Stage::Normalize(Normalize { keys, columns, .. })
            | Stage::Deduplicate(Deduplicate { keys, columns, .. })
            | Stage::Materialize(Materialize { keys, columns, .. }) => {
                let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
                self.keep(&keys);
                let kept = columns.iter().map(|(column, _)| self.columns.get(*column).copied().flatten());
                self.columns = kept.collect();
            }
            Stage::GroupAggregate(plan) => {
                let keys: Vec<_> = plan.keys.iter().map(|key| self.key(key)).collect();
                self.keep(&keys);
                self.columns = plan.output.iter().map(|field| field.key().and_then(|at| keys[at])).collect();
            }
            Stage::WindowRows(plan) => {
                if stage.keeps_rows() {
                    let keys: Vec<_> = plan.keys.iter().map(|key| self.key(key)).collect();
                    self.keep(&keys);
                }
                let kept = plan.columns.iter().map(|(column, _)| self.columns.get(*column).copied().flatten());
                self.columns = kept.chain([None; 3]).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::{PlanContext, plan_job};

    fn keys(query: &str) -> Option<Vec<usize>> {
        let text = format!(
            "CREATE TABLE t (u STRING, v STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
               WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
             CREATE TABLE o (a STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
             INSERT INTO o {query};"
        );
        let plan = plan_job(&text, &PlanContext::nowhere()).unwrap_or_else(|error| panic!("{error}"));
        super::exchange_keys(&plan.pipelines[0].stages)
    }

    const TUMBLE: &str = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))";

    #[test]
    fn all_keys_of_one_aggregation_and_none_without_state() {
        assert_eq!(keys("SELECT u FROM t"), None);
        assert_eq!(keys(&format!("SELECT u FROM {TUMBLE} GROUP BY v, u, window_start, window_end")), Some(vec![0, 1]));
        assert_eq!(
            keys(&format!("SELECT CAST(COUNT(*) AS STRING) FROM {TUMBLE} GROUP BY window_start, window_end")),
            Some(vec![])
        );
    }

    /// The inner groups that one outer group is made of must be in one task, so only what both group by can spread them.
    #[test]
    fn only_keys_that_later_windows_group_by_too() {
        let over = |outer: &str| {
            keys(&format!(
                "SELECT 'x' FROM TABLE(TUMBLE((SELECT v AS w, u, window_time AS wt FROM {TUMBLE}
                   GROUP BY u, v, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '10' SECOND))
                 GROUP BY {outer}, window_start, window_end"
            ))
        };
        assert_eq!(over("u"), Some(vec![0]));
        assert_eq!(over("w"), Some(vec![1]), "w is v under another name");
        assert_eq!(over("u || 'x'"), Some(vec![]), "what is computed from a key is none");
        assert_eq!(over("u, w"), Some(vec![0, 1]));
    }

    /// What is ranked in a window meets what is ranked by the same keys only.
    #[test]
    fn ranks_spread_by_their_keys() {
        let ranked = |by: &str| {
            keys(&format!(
                "SELECT u FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end{by} ORDER BY n) AS r FROM {TUMBLE})
                 WHERE r <= 3"
            ))
        };
        assert_eq!(ranked(", v, u"), Some(vec![0, 1]));
        assert_eq!(ranked(""), Some(vec![]));
        let over = "SELECT u, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, v ORDER BY c) AS r
            FROM (SELECT u, v, COUNT(*) AS c, window_start, window_end";
        let text =
            format!("SELECT u FROM ({over} FROM {TUMBLE} GROUP BY u, v, window_start, window_end)) WHERE r <= 3");
        assert_eq!(keys(&text), Some(vec![1]), "groups of all u of one v are ranked together");
    }

    #[test]
    fn sessions_go_by_what_they_are_partitioned_by() {
        let session = "TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
        assert_eq!(keys(&format!("SELECT u FROM {session} GROUP BY u, window_start, window_end")), Some(vec![0]));
        assert_eq!(keys(&format!("SELECT v FROM {session}")), Some(vec![0]));
    }
}
