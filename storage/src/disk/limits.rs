//! How many files this process may hold open and mapped at a time, by what the system allows it.

use std::io;

/// The part of the descriptors that files of logs may have; the other half is for sockets.
const SHARE_OF_DESCRIPTORS: u64 = 2;
/// The part of the mappings that files of logs may have; slices that are on their way to consumers keep older ones alive, and the
/// allocator has its own.
const SHARE_OF_MAPPINGS: u64 = 4;
/// Never fewer than this, in files.
const FEWEST: u64 = 32;
/// Mappings of a process where the system does not say (Linux: `vm.max_map_count`).
const USUAL_MAPPINGS: u64 = 65_530;
/// Descriptors of a process where the system does not say.
#[cfg(any(test, not(unix)))]
const USUAL_DESCRIPTORS: u64 = 1024;

/// Bounds of what a disk holds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// Files that have a descriptor, a mapping or both at a time; at least 1. Files that are just being written, and slices that are
    /// still in somebody's hands, can come on top.
    pub open_files: usize,
}

impl FileLimits {
    /// What this process may have: half of its descriptors (RLIMIT_NOFILE), and at most a quarter of its mappings.
    #[must_use]
    pub fn of_process() -> FileLimits {
        FileLimits::within(descriptors(), mappings())
    }

    fn within(descriptors: u64, mappings: u64) -> FileLimits {
        let files = (descriptors / SHARE_OF_DESCRIPTORS).min(mappings / SHARE_OF_MAPPINGS).max(FEWEST);
        FileLimits { open_files: usize::try_from(files).unwrap_or(usize::MAX) }
    }
}

/// Allows this process as many descriptors as the system lets it have without more rights: the soft limit becomes the hard one.
/// The limit in force. To be called before the first file is opened.
///
/// # Errors
/// The system refused; what was in force still is.
pub fn raise_open_file_limit() -> io::Result<u64> {
    raise()?;
    Ok(descriptors())
}

#[cfg(unix)]
fn raise() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return Ok(());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

#[cfg(unix)]
fn descriptors() -> u64 {
    use rustix::process::{Resource, getrlimit};
    // No value is no limit.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn raise() -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn descriptors() -> u64 {
    USUAL_DESCRIPTORS
}

fn mappings() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL_MAPPINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_leave_room_for_sockets_and_mappings() {
        assert_eq!(FileLimits::within(USUAL_DESCRIPTORS, USUAL_MAPPINGS).open_files, 512);
        assert_eq!(FileLimits::within(1_048_576, USUAL_MAPPINGS).open_files, 16_382);
        assert_eq!(FileLimits::within(16, USUAL_MAPPINGS).open_files, 32);
        assert!(FileLimits::of_process().open_files >= 32);
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let raised = raise_open_file_limit().unwrap();
        let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        assert_eq!(raised, hard.unwrap_or(u64::MAX));
    }
}
