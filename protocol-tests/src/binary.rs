//! The binary under test, built and current.

use crate::lock::FileLock;
use crate::{process, workspace};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A build from nothing on two slow cores.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);

/// The path of `forebay`: the one that FOREBAY_BIN names, or else the workspace's own in the profile of the running test,
/// which is built first when it is not there or older than its sources.
///
/// # Panics
/// When it does not compile; with the compiler's messages.
pub fn forebay() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| std::env::var_os("FOREBAY_BIN").map_or_else(build, PathBuf::from)).clone()
}

/// Cargo knows best what is current. It may be called from a test: the outer cargo has let its lock go by then.
fn build() -> PathBuf {
    let profile_dir = workspace::profile_dir();
    let (target, profile) = (profile_dir.parent(), profile_dir.file_name());
    let (Some(target), Some(profile)) = (target, profile.and_then(|name| name.to_str())) else {
        panic!("{} is not a profile's directory", profile_dir.display());
    };
    // Cargo calls the directory of the profile `dev` "debug".
    let profile = if profile == "debug" { "dev" } else { profile };
    let _one_at_a_time = FileLock::acquire(&profile_dir.join(".forebay-build.lock"));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root()).args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "forebay",
        "--profile",
        profile,
    ]);
    // A test among the targets makes cargo choose the features of `cargo test --workspace`, which has built nearly all then.
    cargo.args(["--test", "tidy"]);
    cargo.arg("--target-dir").arg(target);
    process::run(cargo, "", BUILD_LIMIT).unwrap_or_else(|error| panic!("forebay does not build:\n{error}"));
    profile_dir.join("forebay")
}
