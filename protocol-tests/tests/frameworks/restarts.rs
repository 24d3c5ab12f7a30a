//! Apache Kafka's own client through kills of the broker: transactions that are open, offsets in them, groups and their members.

use crate::client::{Feeder, LIMIT, text};
use libtest_mimic::Trial;
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::{self, Language};
use protocol_tests::process::{Process, until};
use protocol_tests::suite::{self, Report};
use protocol_tests::workspace;
use std::fs;
use std::time::Duration;

/// All checks together; each has its own limit of half a minute for each thing it waits for.
const PROGRAM_LIMIT: Duration = Duration::from_secs(400);

const NAMES: &[&str] = &[
    "open-transaction",
    "read-process-write-classic",
    "read-process-write-consumer",
    "group-goes-on-classic",
    "group-goes-on-consumer",
    "zombie",
    "transaction-timeout",
];

/// The checks of `clients/java/RestartChecks.java`, with a broker that is killed whenever they ask for it.
pub fn trials() -> Vec<Trial> {
    suite::story("restarts", Language::Java, NAMES, run)
}

fn run() -> Result<Report, String> {
    language::set_up(Language::Java)?;
    let mut node = Broker::under_test().start("restarts")?;
    let log = workspace::logs().join(format!("restarts-checks-{}.log", std::process::id()));
    // Another process may have had this number.
    let _ = fs::remove_file(&log);
    let checks = language::checks(Language::Java, Language::Java.name(), "RestartChecks", &node.bootstrap());
    let mut program = Process::spawn(checks, &log)?;
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let mut restarts = 0;
    let ended = until("the end of the checks", PROGRAM_LIMIT, || {
        if program.exited().is_some() {
            return Some(Ok(()));
        }
        let asked = said().lines().filter(|line| line.starts_with("restart ")).count();
        if asked == restarts {
            return None;
        }
        restarts += 1;
        restart(&mut node, restarts).err().map(Err)
    });
    ended.and_then(|ended| ended).map_err(|error| format!("{error}\n{}\n{}", program.tail(), node.tail()))?;
    let report = suite::read_report(&said());
    program.wait(LIMIT)?;
    node.stop()?;
    Ok(report)
}

/// Kills the broker, starts it again, and says so.
fn restart(node: &mut Node, number: usize) -> Result<(), String> {
    node.kill();
    node.start()?;
    let teller = Feeder::new(&node.bootstrap())?;
    teller.send("told", "restart", &number.to_string()).map_err(text)?;
    teller.flush()
}
