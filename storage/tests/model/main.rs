//! Random histories of a log on a disk that fails in every way it can, against a plain list of records.
//!
//! Each sequence comes from a seed of its own. `cargo test` runs a fixed range of seeds; for more, or for others:
//!
//! ```text
//! FOREBAY_MODEL_SEED=7 FOREBAY_MODEL_CASES=100000 cargo test --release -p forebay-storage --test model
//! ```
//!
//! A failure prints its seed, the shortest sequence found that still fails, and the command that runs it alone.
#![allow(missing_docs, clippy::unwrap_used)]

mod append;
mod check;
mod history;
mod keep;
mod machine;
mod restart;
mod steps;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use machine::Machine;
use steps::{Step, steps};

const CASES: u64 = 2000;
const SEED: u64 = 1;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs the sequence of one seed; the error is the shortest sequence that fails, and how.
fn run(seed: u64) -> Result<(), TestError<(bool, Vec<Step>)>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, rng).run(&steps(), |(compact, steps)| {
        let mut machine = Machine::new(compact);
        steps.into_iter().for_each(|step| machine.run(step));
        machine.finish();
        Ok(())
    })
}

/// Where the last panic came from, and what it said. Shrinking causes thousands, which nobody wants to read.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap() = panic.to_string();
    }));
}

#[test]
fn a_log_is_a_list_whatever_the_disk_does() {
    let (first, cases) = (setting("FOREBAY_MODEL_SEED", SEED), setting("FOREBAY_MODEL_CASES", CASES));
    note_panics();
    let begun = Instant::now();
    let mut told = Duration::ZERO;
    for seed in first..first.saturating_add(cases) {
        if let Err(failure) = run(seed) {
            let _ = std::panic::take_hook();
            eprintln!("{}", describe(&failure));
            panic!(
                "seed {seed} fails; alone: FOREBAY_MODEL_SEED={seed} FOREBAY_MODEL_CASES=1 \
                 cargo test -p forebay-storage --test model"
            );
        }
        if begun.elapsed() > told + Duration::from_secs(30) {
            told = begun.elapsed();
            println!("{} sequences in {} s", seed - first + 1, told.as_secs());
        }
    }
}

fn describe(failure: &TestError<(bool, Vec<Step>)>) -> String {
    match failure {
        TestError::Abort(reason) => format!("no sequence could be made: {reason}"),
        TestError::Fail(reason, (compact, steps)) => {
            let steps: String = steps.iter().map(|step| format!("    {step:?},\n")).collect();
            format!(
                "{reason}\n(last panic met while shrinking: {})\ncompacted: {compact}, steps:\n{steps}",
                LAST_PANIC.lock().unwrap()
            )
        }
    }
}
