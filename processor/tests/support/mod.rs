//! What the engine's tests share: a broker in memory that commits all or nothing and can be made to crash, and plans.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod host;
pub mod plans;
pub mod world;

use forebay_processor::host::Host;
use forebay_processor::job::{Progress, Task, TaskError};

/// Steps until the task waits.
pub fn run(task: &mut Task, host: &dyn Host) -> Result<(), TaskError> {
    while task.step(host)? == Progress::Busy {}
    Ok(())
}

/// Steps until the task waits, and commits what waits for its time.
pub fn run_and_finish(task: &mut Task, host: &dyn Host) -> Result<(), TaskError> {
    run(task, host)?;
    task.finish(host)
}
