//! Pipelines of several inputs: branches that a pipeline takes in on its way, and the sources that are read in all.

use super::{Pipeline, Source, Stage};

/// Rows of another source that meet those of a pipeline in one of its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Where they come from.
    pub source: Source,
    /// What is done with them before they meet the others.
    pub stages: Vec<Stage>,
}

/// Calls `visit` with the sources of all branches of `stages`, in the order in which they are met.
fn each_source<'p>(stages: &'p [Stage], visit: &mut dyn FnMut(&'p Source)) {
    for branch in stages.iter().flat_map(Stage::branches) {
        visit(&branch.source);
        each_source(&branch.stages, visit);
    }
}

fn each_source_mut(stages: &mut [Stage], visit: &mut dyn FnMut(&mut Source)) {
    for branch in stages.iter_mut().flat_map(Stage::branches_mut) {
        visit(&mut branch.source);
        each_source_mut(&mut branch.stages, visit);
    }
}

impl Pipeline {
    /// All sources, the pipeline's own first. A topic may be there several times: its records then go to each of these.
    #[must_use]
    pub fn sources(&self) -> Vec<&Source> {
        let mut sources = vec![&self.source];
        each_source(&self.stages, &mut |source| sources.push(source));
        sources
    }

    /// Calls `visit` with each of [`Pipeline::sources`].
    pub fn for_each_source(&mut self, visit: &mut dyn FnMut(&mut Source)) {
        visit(&mut self.source);
        each_source_mut(&mut self.stages, visit);
    }

    /// Each topic that is read, once: its first source. Others of the same topic start, end and pass over records as that does, and have the
    /// same watermarks.
    #[must_use]
    pub fn topics(&self) -> Vec<&Source> {
        let mut topics: Vec<&Source> = Vec::new();
        for source in self.sources() {
            if topics.iter().all(|known| known.topic != source.topic) {
                topics.push(source);
            }
        }
        topics
    }

    /// Whether rows of several sources meet in it.
    #[must_use]
    pub fn has_branches(&self) -> bool {
        self.stages.iter().any(|stage| !stage.branches().is_empty())
    }

    /// Whether windows close by the host's clock.
    #[must_use]
    pub fn is_processing_time(&self) -> bool {
        self.sources().into_iter().any(Source::is_processing_time)
    }
}
