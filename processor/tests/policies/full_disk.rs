//! A disk that is really full beneath the store: a file system of its own, as small as it can be.
//!
//! Mounting one takes a namespace of the test's own, in which it may: the test runs itself again in one. Where the machine has none for it, it
//! says so and that is all.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use forebay_processor::job::TaskError;

use crate::disk::{Job, ROUNDS, WINDOWS, expected};
use crate::support::run_and_finish;

/// Set where the test may mount what it likes.
const OWN_MOUNTS: &str = "FOREBAY_TEST_OWN_MOUNTS";

/// What gives a program mounts of its own.
const UNSHARE: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];

/// A file system in memory; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> SmallDisk {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(at).status().unwrap();
        assert!(mounted.success());
        SmallDisk(at.to_owned())
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = std::fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        for size in [64 * 1024, 4096, 1] {
            let piece = vec![1; size];
            let refused = loop {
                if let Err(error) = file.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(refused.kind(), std::io::ErrorKind::StorageFull);
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_job_waits_for_room_on_a_full_disk_and_loses_nothing() {
    let own = || {
        let mut command = Command::new(UNSHARE[0]);
        command.args(&UNSHARE[1..]);
        command
    };
    if !own().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("not tested: this machine gives nobody mounts of its own");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let inside = ["--exact", "full_disk::inside_of_its_own_mounts", "--ignored", "--nocapture"];
    let ran = own().arg(test).args(inside).env(OWN_MOUNTS, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let why = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}\n{why}");
}

#[test]
#[ignore = "what the test above runs in a namespace"]
fn inside_of_its_own_mounts() {
    assert!(std::env::var_os(OWN_MOUNTS).is_some(), "it mounts file systems");
    for window in WINDOWS {
        let expected = expected(window);
        // Before there is a store, and when there is one.
        for full_at in [0, 6] {
            let mut job = Job::new(window, 1);
            let disk = SmallDisk::mount(job.store().parent().unwrap());
            for round in 0..ROUNDS {
                if round != full_at {
                    assert_eq!(job.round(round), 0, "{window}, full at {full_at}, round {round}");
                    continue;
                }
                job.send(round);
                for attempt in 0..3 {
                    disk.fill();
                    let again = job.task.take().map_or_else(|| job.open(), Ok);
                    match again.and_then(|mut task| run_and_finish(&mut task, &job.host)) {
                        Err(TaskError::Retry(why)) => assert!(why.contains("No space left"), "{window}: {why}"),
                        // What was read is committed, and the store is behind: the changelog has it all.
                        Ok(()) if attempt > 0 => {}
                        other => panic!("{window}, full at {full_at}: {other:?}"),
                    }
                }
                disk.empty();
                assert_eq!(job.run(), 0, "there is room again");
            }
            assert_eq!(job.rows(), expected, "{window}, full at {full_at}");
        }
    }
}
