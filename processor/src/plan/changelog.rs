//! How rows of a stream may change: what a stage takes and what it makes.

use super::{JoinKind, JoinTime, Stage};

/// What a row says of the rows before it (Flink: `RowKind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// `+I`: a new row.
    #[default]
    Insert,
    /// `-U`: a row as it was, which the next one replaces.
    UpdateBefore,
    /// `+U`: a row as it is now.
    UpdateAfter,
    /// `-D`: a row that is gone.
    Delete,
}

impl RowKind {
    /// As it is written: `+I`, `-U`, `+U`, `-D`.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            RowKind::Insert => "+I",
            RowKind::UpdateBefore => "-U",
            RowKind::UpdateAfter => "+U",
            RowKind::Delete => "-D",
        }
    }

    /// Whether it takes a row back.
    #[must_use]
    pub fn is_retraction(self) -> bool {
        matches!(self, RowKind::UpdateBefore | RowKind::Delete)
    }
}

/// Which kinds of rows a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangelogMode {
    /// `+I` only.
    InsertOnly,
    /// All kinds; what is taken back is told with all its columns.
    Retract,
    /// No `-U`, and of a row that is gone only the key is told.
    Upsert,
}

impl Stage {
    /// What it makes of a stream in the mode `input`.
    ///
    /// # Errors
    /// It cannot take rows back: what it is called.
    pub fn changelog(&self, input: ChangelogMode) -> Result<ChangelogMode, &'static str> {
        match self {
            // A condition that the old row met and the new one does not takes the old one back (Flink: Calc).
            Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) => Ok(input),
            Stage::Union(branches) => branches.iter().try_fold(input, |mode, branch| {
                let own =
                    branch.stages.iter().try_fold(ChangelogMode::InsertOnly, |mode, stage| stage.changelog(mode))?;
                Ok(if own == ChangelogMode::InsertOnly { mode } else { own })
            }),
            Stage::Deduplicate(_) if input != ChangelogMode::InsertOnly => Err("a deduplication"),
            // The first row of a key stays the first.
            Stage::Deduplicate(plan) if !plan.last => Ok(ChangelogMode::InsertOnly),
            Stage::GroupAggregate(_) | Stage::Normalize(_) | Stage::Deduplicate(_) | Stage::Rank(_) => {
                Ok(ChangelogMode::Retract)
            }
            Stage::WindowAggregate(_) if input != ChangelogMode::InsertOnly => Err("a window aggregation"),
            Stage::Materialize(_) => Ok(ChangelogMode::Upsert),
            Stage::Over(_) if input != ChangelogMode::InsertOnly => Err("an OVER window"),
            Stage::WindowRows(_) if input != ChangelogMode::InsertOnly => Err("a windowing function"),
            Stage::Join(join) => {
                let right = join
                    .branch
                    .stages
                    .iter()
                    .try_fold(ChangelogMode::InsertOnly, |mode, stage| stage.changelog(mode))?;
                let only_left = input == ChangelogMode::InsertOnly;
                let both = only_left && right == ChangelogMode::InsertOnly;
                // What has no match may have one later.
                let can_wait = matches!(join.kind, JoinKind::Inner | JoinKind::Semi);
                match join.time {
                    JoinTime::Regular { .. } if both && can_wait => Ok(ChangelogMode::InsertOnly),
                    JoinTime::Regular { .. } => Ok(ChangelogMode::Retract),
                    JoinTime::Temporal if only_left => Ok(ChangelogMode::InsertOnly),
                    JoinTime::Window | JoinTime::Interval { .. } if both => Ok(ChangelogMode::InsertOnly),
                    _ => Err("a join"),
                }
            }
            Stage::WindowAggregate(_) | Stage::WindowRows(_) | Stage::Over(_) => Ok(ChangelogMode::InsertOnly),
        }
    }
}
