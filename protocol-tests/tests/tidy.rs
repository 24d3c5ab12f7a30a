//! The house rules that are simple to look for: who may use what, how a file begins, how long it may be.

#![allow(clippy::unwrap_used)]

use protocol_tests::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer files need a reason here, so that no room becomes the one where everything ends up.
const LONG_FILES: &[(&str, &str)] = &[];
const MAX_LINES: usize = 600;

/// A file's path from the root, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

/// All files that git tracks or would track, with any of the endings.
fn files(endings: &[&str]) -> Vec<File> {
    let root = workspace::root();
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    let paths: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect()
        }
        // A source archive without git: everything but what is built.
        _ => walk(&root, Path::new("")),
    };
    let wanted = |path: &PathBuf| path.to_str().is_some_and(|path| endings.iter().any(|ending| path.ends_with(ending)));
    let read = |path: PathBuf| {
        // A file that is tracked may have been removed since.
        let text = fs::read_to_string(root.join(&path)).ok()?;
        Some(File { path: path.to_str()?.replace('\\', "/"), text })
    };
    let mut found: Vec<File> = paths.into_iter().filter(wanted).filter_map(read).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends with any of {endings:?}");
    found
}

fn walk(root: &Path, below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below)).unwrap().flatten() {
        let path = below.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !["target", ".git"].iter().any(|skipped| path.ends_with(skipped)) {
                found.extend(walk(root, &path));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// Every line of the files (comments aside) in which one of the words stands: `path:line: text`.
fn lines_with<'a>(files: impl IntoIterator<Item = &'a File>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
    }
    found
}

fn none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}\n{}", broken.join("\n"));
}

/// The code that the rules are about: what is shipped, not the tests beside it.
fn in_the_house(file: &&File) -> bool {
    ["storage/src/", "processor/src/", "broker/src/", "broker/control/src/"]
        .iter()
        .any(|room| file.path.starts_with(room))
}

#[test]
fn only_the_broker_lists_tokio() {
    let manifests = files(&["Cargo.toml"]);
    let others = manifests.iter().filter(|file| !["Cargo.toml", "broker/Cargo.toml"].contains(&file.path.as_str()));
    let listed = others.flat_map(|file| {
        file.text.lines().filter(|line| line.starts_with("tokio")).map(move |line| format!("{}: {line}", file.path))
    });
    none("only broker/Cargo.toml may list tokio", listed.collect());
}

#[test]
fn dependencies_point_one_way() {
    let may = [
        ("storage/Cargo.toml", &["forebay-processor", "forebay-control", "forebay ="][..]),
        ("processor/Cargo.toml", &["forebay-control", "forebay ="]),
        ("broker/control/Cargo.toml", &["forebay-processor", "forebay ="]),
    ];
    let manifests = files(&["Cargo.toml"]);
    for (path, forbidden) in may {
        let manifest = manifests.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is not there"));
        let listed: Vec<String> = manifest
            .text
            .lines()
            .filter(|line| forbidden.iter().any(|name| line.starts_with(name)))
            .map(str::to_owned)
            .collect();
        none(&format!("{path} points the wrong way"), listed);
    }
}

#[test]
fn only_the_disk_is_unsafe_or_touches_files() {
    let sources = files(&[".rs"]);
    let outside = |file: &&File| in_the_house(file) && !file.path.starts_with("storage/src/disk");
    let is_unsafe = lines_with(sources.iter().filter(outside), &["unsafe {", "unsafe fn", "unsafe impl"]);
    none("only storage/src/disk may hold unsafe code", is_unsafe);
    // The command line reads the files that a person names and makes temporary folders; tests make their own input.
    let allowed =
        |file: &&File| outside(file) && !file.path.starts_with("broker/src/cli/") && !file.path.contains("/tests");
    let mut touched = Vec::new();
    for file in sources.iter().filter(allowed) {
        let production = File { path: file.path.clone(), text: before_tests(&file.text).to_owned() };
        touched.extend(lines_with([&production], &["std::fs", "fs::File", "OpenOptions", "tokio::fs"]));
    }
    none("only storage/src/disk may touch files", touched);
}

/// The text of a file up to its unit tests.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn one_place_reads_the_clock() {
    let sources = files(&[".rs"]);
    let others = sources.iter().filter(in_the_house).filter(|file| file.path != "broker/src/clock.rs");
    none(
        "time comes in as a value; only broker/src/clock.rs reads it",
        lines_with(others, &["SystemTime::now", "Instant::now", "Utc::now", "Timestamp::now", "Zoned::now"]),
    );
}

#[test]
fn wire_structs_stop_at_the_door() {
    let sources = files(&[".rs"]);
    let doors = ["broker/src/api/", "broker/src/connection/", "broker/src/peer/"];
    let beyond =
        sources.iter().filter(in_the_house).filter(|file| !doors.iter().any(|door| file.path.starts_with(door)));
    none("kafka_protocol belongs to broker/src/{api,connection,peer}", lines_with(beyond, &["kafka_protocol::"]));
}

#[test]
fn production_code_does_not_know_of_simulation() {
    let sources = files(&[".rs"]);
    none(
        "no cfg for simulation",
        lines_with(sources.iter().filter(in_the_house), &["cfg(sim", "cfg(madsim", "feature = \"sim"]),
    );
}

#[test]
fn every_file_opens_with_its_job() {
    let lacking = files(&[".rs"]).into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path);
    none("the first line of a file says its one job (`//! ...`)", lacking.collect());
}

#[test]
fn files_stay_short() {
    let sources = files(&[".rs"]);
    let long = sources
        .iter()
        .filter(|file| file.text.lines().count() > MAX_LINES && !LONG_FILES.iter().any(|(path, _)| *path == file.path));
    none(
        &format!("more than {MAX_LINES} lines: split it, or give a reason in LONG_FILES"),
        long.map(|file| file.path.clone()).collect(),
    );
    let gone = LONG_FILES
        .iter()
        .filter(|(path, _)| !sources.iter().any(|file| file.path == *path && file.text.lines().count() > MAX_LINES));
    none("no longer long: take it out of LONG_FILES", gone.map(|(path, _)| (*path).to_owned()).collect());
}

#[test]
fn no_path_of_one_machine() {
    // Put together, so that this file does not name them itself.
    let words = [["/ro", "ot/"].concat(), ["/wo", "rk/"].concat(), ["/tmp", "/t-"].concat(), ["/ho", "me/"].concat()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tracked = files(&[
        ".rs", ".toml", ".md", ".sql", ".py", ".java", ".js", ".go", ".json", ".xml", ".sh", ".txt", ".lock", ".yml",
        "/run",
    ]);
    let mut found = Vec::new();
    for file in &tracked {
        for (at, line) in file.text.lines().enumerate().filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        {
            found.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
        }
    }
    none("a path that exists on one machine only", found);
}
