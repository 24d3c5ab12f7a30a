//! A task in a world where it is killed and the broker crashes.

use std::sync::Arc;

use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::JobPlan;
use proptest::prelude::*;

use super::host::{Crash, MemoryHost};

/// What happens next.
#[derive(Clone, Debug)]
pub enum Action<E> {
    /// Events come in.
    Produce(Vec<E>),
    /// The task does some work.
    Step,
    /// The process dies between two steps.
    Kill,
    /// The process dies in a commit.
    CrashAt(u32, Crash),
    /// Time passes, in ms.
    Advance(i64),
}

/// Anything of it; `events` are what comes in.
pub fn action<E: Clone + std::fmt::Debug + 'static>(
    events: impl Strategy<Value = Vec<E>> + 'static,
) -> impl Strategy<Value = Action<E>> {
    let crash = prop_oneof![Just(Crash::Before), Just(Crash::Undecided), Just(Crash::After)];
    prop_oneof![
        4 => events.prop_map(Action::Produce),
        4 => Just(Action::Step),
        1 => Just(Action::Kill),
        2 => (0..3u32, crash).prop_map(|(after, crash)| Action::CrashAt(after, crash)),
        2 => (1..2_000i64).prop_map(Action::Advance),
    ]
}

/// A task that is opened again whenever it has stopped.
pub struct World {
    pub host: MemoryHost,
    pub plan: Arc<JobPlan>,
    pub options: TaskOptions,
    pub task: Option<Task>,
}

impl World {
    pub fn new(host: MemoryHost, plan: Arc<JobPlan>, options: TaskOptions) -> World {
        World { host, plan, options, task: None }
    }

    /// Lets something happen; events are for the caller to produce.
    pub fn act<E>(&mut self, action: &Action<E>) {
        match action {
            Action::Produce(_) => {}
            Action::Step => {
                self.attempt(|task, host| task.step(host).map(drop));
            }
            Action::Kill => self.task = None,
            Action::CrashAt(after, crash) => self.host.crash_at_commit(*after, *crash),
            Action::Advance(ms) => self.host.advance(*ms),
        }
    }

    /// Steps until everything is read and committed.
    pub fn finish(&mut self) {
        while !self.attempt(|task, host| super::run_and_finish(task, host)) {}
    }

    /// The task, which is opened if there is none.
    pub fn task(&mut self) -> &mut Task {
        if self.task.is_none() {
            self.task = Some(Task::open(&self.plan, "job", 0, &self.host, self.options).unwrap());
        }
        self.task.as_mut().unwrap()
    }

    /// Does some work; false if the task has stopped.
    pub fn attempt(&mut self, work: impl Fn(&mut Task, &MemoryHost) -> Result<(), TaskError>) -> bool {
        self.task();
        let World { task, host, .. } = self;
        let result = work(task.as_mut().unwrap(), host);
        match result {
            Ok(()) => true,
            Err(TaskError::Retry(_)) => {
                self.task = None;
                false
            }
            Err(error) => panic!("{error}"),
        }
    }
}
