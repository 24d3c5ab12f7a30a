//! Where things lie: the workspace's root, its target directory, and the real input beside it.

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member lies inside the workspace").to_path_buf()
}

/// The directory with the programs of the profile that is under test, for example `target/debug`.
///
/// # Panics
/// When the running test does not lie in `<target>/<profile>/deps`, where cargo puts it.
pub fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("a program lies in a directory");
    assert!(deps.ends_with("deps"), "{} is not where cargo puts tests", test.display());
    deps.parent().expect("deps lies in the profile's directory").to_path_buf()
}

/// A directory under `target/` (always the workspace's own), made when it is not there.
pub fn target_subdir(name: &str) -> PathBuf {
    let dir = root().join("target").join(name);
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("cannot make {}: {error}", dir.display()));
    dir
}

/// Where the captured output of brokers and client programs goes.
pub fn logs() -> PathBuf {
    target_subdir("protocol-tests/logs")
}

/// The folder of real input beside the workspace, when it is there.
pub fn shared_data() -> Option<PathBuf> {
    let dir = root().parent()?.join("shared").join("data");
    dir.join("clicks.jsonl").is_file().then_some(dir)
}
