//! The operators of a pipeline as they are connected: where the rows of each source go in, and where those of each stage that keeps rows
//! go on. What comes later in the list never feeds what comes before.

use super::fuse;
use super::keeper::{self, Keeper};
use super::source::RowSource;
use crate::plan::{Pipeline, Source, Stage};

/// By which of its two inputs a row comes to a stage; all but joins have the left one only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The pipeline's own.
    #[default]
    Left,
    /// The branch's.
    Right,
}

/// Where rows go into a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub segment: usize,
    /// By which of its inputs.
    pub side: Side,
}

/// The way in of the rows of one source.
#[derive(Debug)]
pub struct Entrance {
    /// Makes the rows.
    pub source: RowSource,
    /// What is done with them first.
    pub before: Vec<Stage>,
    /// Where they go then; none for the sink.
    pub to: Option<Port>,
}

impl Entrance {
    /// Whether a record can make several rows.
    #[must_use]
    pub fn expands(&self) -> bool {
        self.before.iter().any(|stage| matches!(stage, Stage::WindowRows(_) | Stage::Unnest(_)))
    }
}

/// A stage that keeps rows, and those after it that do not.
#[derive(Debug)]
pub struct Segment {
    /// The stage that keeps rows.
    pub keeper: Keeper,
    /// Those after it.
    pub after: Vec<Stage>,
    /// The segment that takes its rows; none for the sink.
    pub to: Option<Port>,
    /// By how many ms its time is behind the pipeline's: as much as what feeds it is, and by how much that puts its rows off.
    ///
    /// Sessions over the windows of another stage wait for one ms more: rows come in at the very moment at which the watermark passes
    /// their time, and a session that ends exactly there would have merged with them or not, depending on how the watermark moved.
    pub behind: i64,
    /// Whether rows of another segment come in.
    pub is_fed: bool,
    /// Rows of another segment that came too late for it, since they were last asked for.
    pub late: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Graph {
    /// One for each of [`Pipeline::sources`].
    pub entrances: Vec<Entrance>,
    /// The stages that keep rows, each behind those that feed it.
    pub segments: Vec<Segment>,
    /// What their state is built like.
    pub layout: String,
}

/// Where rows come out that go on with the next stage.
#[derive(Clone, Copy, Debug)]
enum End {
    Entrance(usize),
    Segment(usize),
}

impl Graph {
    /// Of a whole pipeline.
    #[must_use]
    pub fn new(plan: &Pipeline) -> Graph {
        let mut graph = Graph::default();
        graph.chain(&plan.source, &plan.stages);
        graph
    }

    /// Adds a source and its stages. Returns where rows leave the last one.
    fn chain(&mut self, source: &Source, stages: &[Stage]) -> Vec<End> {
        self.entrances.push(Entrance { source: RowSource::new(source), before: Vec::new(), to: None });
        let mut ends = vec![End::Entrance(self.entrances.len() - 1)];
        for stage in fuse::fuse(stages.to_vec()) {
            match (Keeper::new(&stage), &stage) {
                (_, Stage::Union(branches)) => {
                    for branch in branches {
                        ends.extend(self.chain(&branch.source, &branch.stages));
                    }
                }
                (Some(keeper), Stage::Join(join)) => {
                    let right = self.chain(&join.branch.source, &join.branch.stages);
                    ends = vec![self.keep(keeper, &stage, [&ends, &right])];
                }
                (Some(keeper), _) => ends = vec![self.keep(keeper, &stage, [&ends, &[]])],
                (None, _) => ends.iter().for_each(|end| self.after(*end).push(stage.clone())),
            }
        }
        ends
    }

    /// Adds a stage that keeps the rows of these ends, on its left and its right side.
    fn keep(&mut self, keeper: Keeper, stage: &Stage, [left, right]: [&[End]; 2]) -> End {
        let number = self.segments.len();
        let (mut behind, mut is_fed) = (0, false);
        let sides = [(left, Side::Left), (right, Side::Right)];
        for (end, side) in sides.into_iter().flat_map(|(ends, side)| ends.iter().map(move |end| (end, side))) {
            let port = Some(Port { segment: number, side });
            match *end {
                End::Entrance(at) => self.entrances[at].to = port,
                End::Segment(at) => {
                    let feeding = &mut self.segments[at];
                    feeding.to = port;
                    behind = behind.max(feeding.behind.saturating_add(feeding.keeper.delay()));
                    is_fed = true;
                }
            }
        }
        behind += i64::from(is_fed && matches!(keeper, Keeper::Session(_)));
        if number > 0 {
            self.layout.push_str(" > ");
        }
        self.layout.push_str(&keeper::layout(stage));
        self.segments.push(Segment { keeper, after: Vec::new(), to: None, behind, is_fed, late: 0 });
        End::Segment(number)
    }

    fn after(&mut self, end: End) -> &mut Vec<Stage> {
        match end {
            End::Entrance(at) => &mut self.entrances[at].before,
            End::Segment(at) => &mut self.segments[at].after,
        }
    }
}
