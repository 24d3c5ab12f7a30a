//! The tasks of a pipeline in a world where they are killed, moved to other owners, and the broker crashes.

use std::sync::Arc;

use forebay_processor::job::{Subtask, SubtaskId, TaskError, TaskOptions, TaskStatus, subtasks};
use forebay_processor::plan::JobPlan;
use proptest::prelude::*;

use super::host::{Crash, MemoryHost};

/// What happens next; to the task whose turn it is, if it happens to one.
#[derive(Clone, Debug)]
pub enum Action<E> {
    /// Events come in.
    Produce(Vec<E>),
    /// The task does some work.
    Step,
    /// The process dies between two steps.
    Kill,
    /// Another owner opens the task while the first one still runs it, and does some work before the first one notices, or does not.
    Move(bool),
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
        1 => any::<bool>().prop_map(Action::Move),
        2 => (0..3u32, crash).prop_map(|(after, crash)| Action::CrashAt(after, crash)),
        2 => (1..2_000i64).prop_map(Action::Advance),
    ]
}

/// Bytes of memory for state: enough for all of it, or so few that everything is on disk, or some.
pub fn state_memory() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(TaskOptions::default().state_memory_bytes), 1 => Just(1), 1 => 500..5_000u64]
}

/// Tasks that are opened again whenever they have stopped.
pub struct World {
    pub host: MemoryHost,
    pub plan: Arc<JobPlan>,
    pub options: TaskOptions,
    name: &'static str,
    tasks: Vec<(SubtaskId, Option<Subtask>)>,
    turn: usize,
}

impl World {
    pub fn new(host: MemoryHost, plan: Arc<JobPlan>, options: TaskOptions) -> World {
        World::named("job", host, plan, options)
    }

    /// The tasks of the job `name`.
    pub fn named(name: &'static str, host: MemoryHost, plan: Arc<JobPlan>, options: TaskOptions) -> World {
        let tasks = subtasks(&plan).into_iter().map(|id| (id, None)).collect();
        World { host, plan, options, name, tasks, turn: 0 }
    }

    /// Lets something happen; events are for the caller to produce.
    pub fn act<E>(&mut self, action: &Action<E>) {
        match action {
            Action::Produce(_) => {}
            Action::Step => {
                let task = self.next();
                self.attempt(task, |task, host| task.step(host).map(drop));
            }
            Action::Kill => {
                let task = self.next();
                self.tasks[task].1 = None;
            }
            Action::Move(at_once) => {
                let task = self.next();
                self.move_task(task, *at_once);
            }
            Action::CrashAt(after, crash) => self.host.crash_at_commit(*after, *crash),
            Action::Advance(ms) => self.host.advance(*ms),
        }
    }

    /// Whose turn it is.
    fn next(&mut self) -> usize {
        self.turn = (self.turn + 1) % self.tasks.len();
        self.turn
    }

    /// A second owner takes a task over; what the first one does after that is without effect.
    fn move_task(&mut self, task: usize, at_once: bool) {
        self.open(task);
        let mut first = self.tasks[task].1.take().unwrap();
        self.host.other_disk();
        self.open(task);
        if at_once {
            self.attempt(task, |task, host| task.step(host).map(drop));
        }
        let commits = self.host.commits();
        let outcome = first.step(&self.host).and_then(|_| first.finish(&self.host));
        // If it had something to commit, it is told so; or the crash comes first.
        assert!(
            matches!(outcome, Ok(()) | Err(TaskError::Fenced(_) | TaskError::Retry(_))),
            "the first owner ends with {outcome:?}"
        );
        assert_eq!(self.host.commits(), commits, "the first owner has committed");
    }

    /// Steps until everything is read and committed, each task after those that it reads from.
    pub fn finish(&mut self) {
        for task in 0..self.tasks.len() {
            while !self.attempt(task, |task, host| super::run_and_finish(task, host)) {}
        }
    }

    /// What all tasks show together: inputs, late and undecodable records.
    pub fn status(&mut self) -> TaskStatus {
        let mut whole = TaskStatus::default();
        for task in 0..self.tasks.len() {
            self.open(task);
            let status = self.tasks[task].1.as_ref().unwrap().status();
            whole.late += status.late;
            whole.undecodable += status.undecodable;
            whole.inputs.extend(status.inputs);
        }
        whole
    }

    /// Opens a task if it is not.
    fn open(&mut self, task: usize) {
        let (id, running) = &mut self.tasks[task];
        if running.is_none() {
            *running = Some(Subtask::open(&self.plan, self.name, *id, &self.host, self.options).unwrap());
        }
    }

    /// Does some work; false if the task has stopped.
    fn attempt(&mut self, task: usize, work: impl Fn(&mut Subtask, &MemoryHost) -> Result<(), TaskError>) -> bool {
        self.open(task);
        let running = &mut self.tasks[task].1;
        match work(running.as_mut().unwrap(), &self.host) {
            Ok(()) => true,
            Err(TaskError::Retry(_) | TaskError::Reopen(_)) => {
                *running = None;
                false
            }
            Err(error) => panic!("{error}"),
        }
    }
}
