//! A sample of the engine's corpus against live Apache Flink: what is written down is what Flink puts out.
//!
//! All of it: `processor/tests/corpus/record.py --check`. Without Java, or where PyPI cannot be reached for the first time, this says so
//! and checks nothing.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};
use std::time::Duration;

use protocol_tests::language::{self, Language};
use protocol_tests::{process, workspace};

/// Each kind of window, late rows, and windows over windows; each with one partition, so that nothing depends on Flink's timing.
const CASES: [&str; 6] = ["tumble_late", "hop", "cumulate", "session_merge", "tumble_over_tumble", "rows_session"];
const LIMIT: Duration = Duration::from_secs(600);

#[test]
fn flink_puts_out_what_is_written_down() {
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !java.is_ok_and(|status| status.success()) {
        eprintln!("flink_corpus: not run, as there is no java here");
        return;
    }
    let home = match language::set_up_folder(Language::Python, "flink") {
        Ok(home) => home,
        Err(why) => {
            eprintln!("flink_corpus: not run, as apache-flink cannot be installed here: {why}");
            return;
        }
    };
    let mut command = Command::new(home.join("bin").join("python"));
    command.arg(workspace::root().join("processor/tests/corpus/record.py")).arg("--check").args(CASES);
    let said = process::run(command, "", LIMIT).unwrap_or_else(|error| panic!("{error}"));
    for case in CASES {
        assert!(said.lines().any(|line| line.starts_with(&format!("{case}: "))), "{case} was not run: {said}");
    }
}
