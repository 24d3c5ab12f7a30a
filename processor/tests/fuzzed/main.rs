//! Replays the corpora of the processor's fuzz targets, `fuzz/corpus`, each input also with random damage.
//!
//! `FOREBAY_CASES=100000 cargo test --release -p forebay-processor --test fuzzed` for more damage.

#![allow(clippy::unwrap_used)]

mod seeds;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path())
}

/// The inputs of a target, in the order of their names. Of statements also those that are compared with Flink.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpus(target);
    let mut paths: Vec<PathBuf> = files(&folder).collect();
    if target == "sql" {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        paths.extend(files(&cases).map(|case| case.join("query.sql")).filter(|query| query.exists()));
    }
    paths.sort();
    let inputs: Vec<_> = paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(inputs.len() >= 5, "{} has only {} inputs", folder.display(), inputs.len());
    inputs
}

fn replay(target: &str) {
    for (path, input) in inputs(target) {
        let run = || targets::run(target, &input);
        assert!(std::panic::catch_unwind(run).is_ok(), "{target} breaks on {}", path.display());
    }
}

/// A few bytes are others, or gone, or there twice, or those of another input follow.
fn damage(target: &str) {
    let inputs = inputs(target);
    let cases = std::env::var("FOREBAY_CASES").map_or(200, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let which = || prop::sample::select(inputs.clone());
    let wound = (0..6u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    let strategy = (which(), which(), prop::collection::vec(wound, 1..4));
    let outcome = runner.run(&strategy, |((_, mut input), (_, other), wounds)| {
        for (kind, at, to, byte) in wounds {
            let at = at.index(input.len() + 1);
            let end = (at + to.index(12)).min(input.len());
            match kind {
                0 => input.insert(at, byte),
                1 => drop(input.drain(at..end)),
                2 => input.extend_from_within(at..end),
                3 => input.truncate(at),
                4 => input.splice(at.., other.iter().copied().skip(to.index(other.len() + 1))).for_each(drop),
                _ => input.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
        targets::run(target, &input);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{target}: {error}"));
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(mod $target {
            #[test]
            fn corpus() {
                super::replay(stringify!($target));
            }

            #[test]
            fn damaged() {
                super::damage(stringify!($target));
            }
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($target)),*];
            let targets: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(targets, replayed);
        }
    };
}

replays!(sql formats changelog);

/// `cargo test -p forebay-processor --test fuzzed -- --ignored seeds` writes the inputs that fuzzing begins with.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn seeds() {
    for (target, name, bytes) in seeds::all() {
        let folder = corpus(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
    }
}
