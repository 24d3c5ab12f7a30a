//! Named checks that share one broker: each counts as a test of its own.

use crate::broker::{Broker, Node};
use crate::language::Language;
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};

/// What became of each check that ran, by its name.
pub type Report = BTreeMap<String, Result<(), String>>;

/// Checks that one program makes in one run, with a broker for it alone, whose clean stop is one more check.
pub fn program(
    prefix: &str,
    language: Language,
    names: &[&str],
    run: impl Fn(&Node) -> Result<Report, String> + Send + Sync + 'static,
) -> Vec<Trial> {
    let mut names: Vec<&str> = names.to_vec();
    names.push("clean-stop");
    let label = prefix.to_owned();
    story(prefix, language, &names, move || {
        let mut node = Broker::under_test().start(&label)?;
        let mut report = run(&node).map_err(|error| format!("{error}\n{}", node.tail()))?;
        if report.values().any(Result::is_err) {
            eprintln!("{}", node.tail());
        }
        report.insert("clean-stop".into(), node.check_running().and_then(|()| node.stop()));
        Ok(report)
    })
}

/// Checks that are made together, when the first of them is asked for. A language that the machine lacks makes them
/// ignored, or failed where the variable CI is set.
pub fn story(
    prefix: &str,
    language: Language,
    names: &[&str],
    run: impl Fn() -> Result<Report, String> + Send + Sync + 'static,
) -> Vec<Trial> {
    let missing = language.missing();
    let ignored = !missing.is_empty() && std::env::var_os("CI").is_none();
    if !missing.is_empty() {
        eprintln!("{prefix}: the language {} is not usable here, it needs: {}", language.name(), missing.join(", "));
    }
    let once: Arc<OnceLock<Result<Report, String>>> = Arc::default();
    let run = Arc::new(run);
    let trial = |name: &&str| {
        let (once, run, check) = (Arc::clone(&once), Arc::clone(&run), (*name).to_owned());
        Trial::test(format!("{prefix}::{name}"), move || match once.get_or_init(|| run()) {
            Ok(report) => report
                .get(&check)
                .cloned()
                .unwrap_or_else(|| Err("this check was not made".into()))
                .map_err(Failed::from),
            Err(error) => Err(Failed::from(error)),
        })
        .with_ignored_flag(ignored)
    };
    names.iter().map(trial).collect()
}

/// What a program of checks has printed: `ok NAME MILLIS` and `failed NAME: reason`; everything else is the client's own talk.
pub fn read_report(printed: &str) -> Report {
    let mut report = Report::new();
    for line in printed.lines() {
        if let Some(ok) = line.strip_prefix("ok ") {
            report.insert(ok.split(' ').next().unwrap_or(ok).to_owned(), Ok(()));
        } else if let Some((name, reason)) = line.strip_prefix("failed ").and_then(|failed| failed.split_once(": ")) {
            report.insert(name.to_owned(), Err(reason.to_owned()));
        }
    }
    report
}

/// A broker that several tests of one file share; started when the first asks, gone with the last.
#[derive(Debug, Clone)]
pub struct SharedNode {
    name: &'static str,
    node: Arc<OnceLock<Result<Mutex<Node>, String>>>,
}

impl SharedNode {
    /// Not started yet; `name` is part of its log's name.
    pub fn new(name: &'static str) -> Self {
        Self { name, node: Arc::default() }
    }

    /// Calls `test` with the broker's bootstrap servers; its failure carries the end of the broker's log.
    ///
    /// # Errors
    /// What `test` says, and when the broker does not start or has ended.
    pub fn with(&self, test: impl FnOnce(&str) -> Result<(), String>) -> Result<(), Failed> {
        let node = self.node.get_or_init(|| Broker::under_test().start(self.name).map(Mutex::new));
        let node = node.as_ref().map_err(Clone::clone)?;
        let lock = || node.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bootstrap = lock().bootstrap();
        test(&bootstrap).map_err(|error| format!("{error}\n{}", lock().tail()))?;
        Ok(lock().check_running()?)
    }

    /// A test with this broker.
    pub fn trial(&self, name: &str, test: fn(&str) -> Result<(), String>) -> Trial {
        let node = self.clone();
        Trial::test(name, move || node.with(test))
    }
}

/// Runs the tests as `cargo test` asks for them.
pub fn main(trials: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials()).exit_code()
}
