//! What a job does, step by step. The SQL planner makes it, the engine runs it, EXPLAIN prints it.

mod branch;
mod changelog;
mod describe;
mod exchange;
mod explain;
mod format;
mod join;
mod materialize;
mod over;
mod policy;
mod rank;
mod replace;
mod sink;
mod source;
mod stage;
mod top;
mod unnest;

pub use branch::Branch;
pub use changelog::{ChangelogMode, RowKind};
pub use exchange::{MAX_PARALLELISM, exchange_keys, state_keys};
pub use format::{CsvFormat, Format, JsonFormat, MapNullKey, RawFormat, TimestampFormat};
pub use join::{Join, JoinKind, JoinSide, JoinTime};
pub use materialize::Materialize;
pub use over::{Frame, Over, OverCall};
pub use policy::{Bounded, OnError, OnLate, Policies};
pub use rank::{Deduplicate, Rank};
pub use replace::{check_replacement, check_state};
pub use sink::{Sink, SinkKey};
pub use source::{Column, Computed, EventTime, OffsetReset, Source, SourceKey, StartupMode};
pub use stage::{
    Aggregate, AggregateFunction, GroupAggregate, Normalize, OutputField, Stage, Window, WindowAggregate, WindowRows,
};
pub use top::{SortKey, Top};
pub use unnest::Unnest;

/// A whole job: every INSERT INTO of the text, to be run as one job with one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPlan {
    /// The statements as they were written.
    pub text: String,
    /// One for each INSERT INTO, in the order of the text; at least one.
    pub pipelines: Vec<Pipeline>,
    /// What a person should know although the job can run, one sentence each.
    pub warnings: Vec<String>,
}

/// One INSERT INTO: rows flow from the source through the stages into the sink. Rows of other sources may join them on the way: see
/// [`Branch`].
///
/// The row that leaves the source is `source.columns` followed by `source.computed`; each stage says how it changes the row;
/// the row that leaves the last stage has exactly the sink's columns, in order and of their types.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Where rows come from.
    pub source: Source,
    /// What is done with them, in order.
    pub stages: Vec<Stage>,
    /// Where rows go.
    pub sink: Sink,
    /// Into how many tasks each stage of it is divided (`parallelism.default`), 1 to [`MAX_PARALLELISM`]. With 1 a single task does
    /// everything. With more, tasks share the input partitions, and if it keeps rows, as many others share the keys.
    pub parallelism: usize,
}

impl Pipeline {
    /// How the rows that come to its sink may change.
    ///
    /// # Errors
    /// As [`Stage::changelog`].
    pub fn changelog(&self) -> Result<ChangelogMode, &'static str> {
        self.stages.iter().try_fold(ChangelogMode::InsertOnly, |mode, stage| stage.changelog(mode))
    }

    /// Whether it keeps rows.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        self.stages.iter().any(Stage::keeps_rows)
    }
}
