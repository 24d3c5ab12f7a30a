//! Moves to another folder, interrupted at every step.

use std::path::Path;

use super::*;
use crate::disk::{Disk, Fault, FaultyDisk};

const PARENTS: [&str; 2] = ["/data", "/other"];

fn open_at(disk: &FaultyDisk, dir: &Path) -> Log {
    let options = options(&MemoryDisk::new(), small_segments());
    Log::open(LogOptions { disk: Arc::new(disk.clone()), dir: dir.to_owned(), topic_id: Some(ID), ..options }).unwrap()
}

const ID: TopicId = TopicId(uuid::Uuid::from_u128(7));

/// What a broker does: copies, then completes.
fn move_log(disk: &FaultyDisk, log: &mut Log) -> Result<PathBuf, crate::error::StorageError> {
    let future = Path::new(PARENTS[1]).join(future_dir_name(log.partition(), Some(ID)).unwrap());
    disk.create_dir_all(&future)?;
    log.copy_source().copy_to(disk, &future, |_| true)?;
    log.append(plain(&["between"]), as_client()).map_err(|error| match error {
        AppendError::Storage(error) => error,
        other => panic!("{other}"),
    })?;
    let gone = log.move_to(&future, Path::new(PARENTS[1]), NOW)?;
    disk.remove_dir_all(&gone)?;
    Ok(gone)
}

/// What a broker does at its start: settles what is left, and finds the one folder of the log.
fn find(disk: &FaultyDisk) -> PathBuf {
    let log = |parent: &str| Path::new(parent).join("t-0");
    for parent in PARENTS {
        for entry in disk.list(Path::new(parent)).unwrap_or_default() {
            let has_log = PARENTS.iter().any(|parent| disk.exists(&log(parent)).unwrap());
            if future_of(&entry.name).is_some() {
                settle_future(disk, Path::new(parent), &entry.name, has_log).unwrap();
            }
        }
    }
    let found: Vec<PathBuf> = PARENTS.iter().map(|p| log(p)).filter(|log| disk.exists(log).unwrap()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn filled(disk: &FaultyDisk) -> Log {
    disk.create_dir_all(Path::new(PARENTS[1])).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let mut log = open_at(disk, &Path::new(PARENTS[0]).join("t-0"));
    for value in ["a", "b", "c", "d", "e", "f"] {
        append(&mut log, plain(&[value]), as_client());
    }
    log.flush().unwrap();
    log
}

fn texts(log: &Log) -> Vec<String> {
    values(log, Offset(0)).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn a_log_is_the_same_in_its_new_folder() {
    let disk = FaultyDisk::over_memory(MemoryDisk::new());
    let mut log = filled(&disk);
    let before = log.segment_count();
    move_log(&disk, &mut log).unwrap();
    assert_eq!(log.dir(), Path::new("/other/t-0"));
    assert!(before > 1 && log.segment_count() == before);
    assert_eq!(texts(&log), ["a", "b", "c", "d", "e", "f", "between"]);
    assert_eq!((log.durable_offset(), log.recovery_point()), (Offset(7), Offset(7)));
    append(&mut log, plain(&["after"]), as_client());
    assert_eq!(texts(&log).last().unwrap(), "after");
    assert!(!disk.exists(Path::new("/data/t-0")).unwrap());
    assert_eq!(find(&disk), Path::new("/other/t-0"));
}

#[test]
fn a_power_loss_at_any_step_leaves_one_whole_log() {
    let steps = {
        let disk = FaultyDisk::over_memory(MemoryDisk::new());
        let mut log = filled(&disk);
        disk.forget_counts();
        move_log(&disk, &mut log).unwrap();
        disk.operations()
    };
    assert!(steps > 50, "{steps}");
    for step in 0..steps {
        let memory = MemoryDisk::new();
        let disk = FaultyDisk::over_memory(memory.clone());
        let mut log = filled(&disk);
        disk.inject_window(Path::new("/"), Fault::EverythingFails, step, u64::MAX);
        let moved = move_log(&disk, &mut log);
        drop(log);
        disk.heal_all();
        memory.crash(|_, _| 0);
        let log = open_at(&disk, &find(&disk));
        let mut expected = vec!["a", "b", "c", "d", "e", "f"];
        if moved.is_ok() || log.log_end_offset() > Offset(6) {
            expected.push("between");
        }
        assert_eq!(texts(&log), expected, "step {step}");
    }
}

#[test]
fn one_failing_step_leaves_a_log_that_works_or_knows_that_it_does_not() {
    for step in 0..200 {
        let disk = FaultyDisk::over_memory(MemoryDisk::new());
        let mut log = filled(&disk);
        disk.inject_window(Path::new(PARENTS[1]), Fault::WriteFails, step, 1);
        if move_log(&disk, &mut log).is_ok() {
            assert!(step > 10, "{step}");
            return;
        }
        disk.heal_all();
        if !log.is_broken() {
            log.append(plain(&["after"]), as_client()).unwrap();
            assert_eq!(texts(&log).last().unwrap(), "after");
        }
        drop(log);
        let log = open_at(&disk, &find(&disk));
        assert_eq!(texts(&log)[..6], ["a", "b", "c", "d", "e", "f"]);
    }
    panic!("it never succeeds");
}
