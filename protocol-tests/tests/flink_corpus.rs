//! A sample of the engine's corpus and of the examples against live Apache Flink: what is written down is what Flink puts out.
//!
//! All of it: `processor/tests/corpus/record.py --check`. Ignored, unless CI is set, on a machine without Java or without a Python that
//! apache-flink takes, and where no package registry answers the first time.

use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use protocol_tests::language::{self, Language};
use protocol_tests::{process, suite, workspace};

/// Each kind of window, late rows, windows over windows, and an example; each with one partition, so that nothing depends on Flink's
/// timing.
const CASES: [&str; 9] = [
    "tumble_late",
    "hop",
    "cumulate",
    "session_merge",
    "tumble_over_tumble",
    "rows_session",
    "top_desc",
    "csv_written",
    "docs/examples/card-fraud",
];
const LIMIT: Duration = Duration::from_secs(1200);
/// How `clients/flink/flink.py` ends where there is no Python or no registry for it.
const NOT_HERE: &str = "exit status: 77";

fn main() -> ExitCode {
    suite::main(|| vec![Trial::ignorable_test("flink_puts_out_what_is_written_down", compare_or_ignore)])
}

fn compare_or_ignore() -> Result<Completion, Failed> {
    match missing()? {
        Some(why) if std::env::var_os("CI").is_none() => Ok(Completion::ignored_with(why)),
        Some(why) => Err(why.into()),
        None => Ok(compare().map(|()| Completion::Completed)?),
    }
}

/// What this machine lacks; an error is anything else that keeps Flink from being installed.
fn missing() -> Result<Option<String>, String> {
    let missing = [Language::Java, Language::Python].map(Language::missing).concat();
    if !missing.is_empty() {
        return Ok(Some(format!("Flink needs {} on this machine", missing.join(", "))));
    }
    let mut install = Command::new("python3");
    install.arg(language::sources("flink").join("flink.py"));
    match process::run(install, "", LIMIT) {
        Ok(_) => Ok(None),
        Err(why) if why.contains(NOT_HERE) => Ok(Some(why)),
        Err(why) => Err(why),
    }
}

fn compare() -> Result<(), String> {
    let mut record = Command::new("python3");
    record.arg("processor/tests/corpus/record.py").arg("--check").args(CASES).current_dir(workspace::root());
    let said = process::run(record, "", LIMIT)?;
    for case in CASES {
        let name = case.rsplit('/').next().unwrap_or(case);
        if !said.lines().any(|line| line.starts_with(&format!("{name}: "))) {
            return Err(format!("{case} was not run: {said}"));
        }
    }
    Ok(())
}
