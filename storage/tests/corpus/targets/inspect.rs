//! `forebay log verify` over a folder of garbage: it ends, and where it finds nothing wrong, opening the log takes all that it saw.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use forebay_storage::checkpoint::{RECOVERY_POINT_FILE, write_clean_shutdown, write_offset_checkpoint};
use forebay_storage::disk::RealDisk;
use forebay_storage::ids::Offset;
use forebay_storage::inspect::{Files, Recovery, Severity, check};
use forebay_storage::log::{Log, LogConfig, LogOptions};

use super::logs::{append_and_read, ask, options, partition};
use super::tree::Tree;

/// Files of the operating system.
struct Plain;

impl Files for Plain {
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        Ok((Box::new(file), length))
    }

    fn is_locked(&self, _: &Path) -> bool {
        false
    }
}

/// See [`Tree`] for what the bytes mean.
pub fn run(data: &[u8]) {
    let Some(tree) = Tree::decode(data) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("t-0");
    fs::create_dir(&dir).expect("a temporary folder");
    for (name, content) in &tree.files {
        fs::write(dir.join(name), content).expect("a temporary folder");
    }
    let point = [(partition(), Offset(tree.recovery_point))].into();
    write_offset_checkpoint(&RealDisk, &folder.path().join(RECOVERY_POINT_FILE), &point).expect("a temporary folder");
    if tree.clean {
        write_clean_shutdown(&RealDisk, folder.path(), -1).expect("a temporary folder");
    }
    let Ok(report) = check(&Plain, folder.path(), &mut |_, _| ()) else { return };
    let found = &report.partitions[0];
    let wrong = found.findings.iter().chain(&report.findings).any(|finding| finding.severity != Severity::Note);
    let cut = found.findings.iter().any(|finding| finding.recovery == Some(Recovery::Cut));
    // Compactions that were interrupted are completed by opening, which a check does not do.
    let left_over = tree.files.iter().any(|(name, _)| name.ends_with(".swap"));
    let config = LogConfig { compact: tree.compact, delete: !tree.compact, ..LogConfig::default() };
    let opened = Log::open(LogOptions {
        clean: tree.clean,
        recovery_point: Offset(tree.recovery_point),
        ..options(Arc::new(RealDisk), dir, config)
    });
    match opened {
        Ok(mut log) => {
            if !wrong && !cut && !left_over && found.segments > 0 {
                assert_eq!(log.log_end_offset(), found.end_offset, "{report:?}");
            }
            ask(&log);
            if !tree.clean {
                append_and_read(&mut log);
            }
        }
        Err(error) => assert!(wrong || left_over, "nothing wrong was found, but opening says: {error}\n{report:?}"),
    }
}
