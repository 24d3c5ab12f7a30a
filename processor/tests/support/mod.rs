//! What the engine's tests share: a broker in memory that commits all or nothing and can be made to crash, and plans.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod host;
pub mod log;
pub mod plans;
pub mod world;

use forebay_processor::host::Host;
use forebay_processor::job::{Progress, Subtask, Task, TaskError};

/// A task of any kind.
pub trait Steps {
    fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError>;
    fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError>;
}

impl Steps for Task {
    fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        Task::step(self, host)
    }

    fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        Task::finish(self, host)
    }
}

impl Steps for Subtask {
    fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        Subtask::step(self, host)
    }

    fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        Subtask::finish(self, host)
    }
}

/// Steps until the task waits.
pub fn run(task: &mut impl Steps, host: &dyn Host) -> Result<(), TaskError> {
    while task.step(host)? == Progress::Busy {}
    Ok(())
}

/// Steps until the task waits, and commits what waits for its time.
pub fn run_and_finish(task: &mut impl Steps, host: &dyn Host) -> Result<(), TaskError> {
    run(task, host)?;
    task.finish(host)
}
