//! Replays the corpora of the fuzz targets, `fuzz/corpus`, so that what the fuzzers once reached is reached by every `cargo test`.

#![allow(clippy::unwrap_used)]

mod seeds;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

fn replay(target: &str) {
    let dir = corpus(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 5, "{} has only {} inputs", dir.display(), paths.len());
    for path in paths {
        let input = fs::read(&path).unwrap();
        let run = || targets::run(target, &input);
        assert!(std::panic::catch_unwind(run).is_ok(), "{target} breaks on {}", path.display());
    }
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($target)),*];
            let targets: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(targets, replayed);
        }
    };
}

replays!(batch records indexes snapshot checkpoints folder inspect);

#[test]
fn a_folder_of_garbage_is_what_its_bytes_say() {
    let tree = seeds::folders().remove(0);
    let again = targets::tree::Tree::decode(&tree.encode()).unwrap();
    assert_eq!((again.clean, again.files), (tree.clean, tree.files));
}

/// `cargo test -p forebay-storage --test corpus -- --ignored seeds` writes the inputs that fuzzing begins with, made from real files.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn seeds() {
    for (target, name, bytes) in seeds::all() {
        let dir = corpus(target);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("seed-{name}")), bytes).unwrap();
    }
}
