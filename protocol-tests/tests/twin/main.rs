//! The twin: the same requests, built by hand, go to Apache Kafka 4.3.1 and to Forebay, and the answers are compared field by field.
//! Where memory and the twin disagree, the twin is right.
//!
//! A scenario is a function that asks; it runs once against each broker, and what each answered is its transcript. The two must
//! be equal but for what `allowed.rs` lists with its reason. Four runs, on one pair of brokers: the scenarios; those that go on
//! after both brokers were killed and started again, and those for brokers with little room (`restart.rs`); and whether the API table
//! was covered (`coverage.rs`).

#![allow(clippy::unwrap_used)]

mod allowed;
mod compare;
mod coverage;
mod records;
mod restart;
mod scenarios;
mod side;

use libtest_mimic::{Arguments, Failed, Trial};
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::Language;
use protocol_tests::workspace;
use scenarios::Scenario;
use side::{Side, Transcript};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// More than the common settings: what the scenarios are about.
const SETTINGS: &[(&str, &str)] = &[
    ("group.min.session.timeout.ms", "10"),
    ("auto.create.topics.enable", "true"),
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200"),
    ("group.consumer.min.session.timeout.ms", "500"),
    ("group.consumer.min.heartbeat.interval.ms", "100"),
];

/// Both brokers, started when the first scenario asks for them.
#[derive(Default)]
pub struct Twins(OnceLock<Result<[Mutex<Node>; 2], String>>);

impl Twins {
    /// The brokers, Apache Kafka first.
    pub fn nodes(&self) -> Result<&[Mutex<Node>; 2], String> {
        self.0.get_or_init(start).as_ref().map_err(Clone::clone)
    }

    /// A place to ask from, at each broker.
    pub fn sides(&self, name: &'static str) -> Result<[Side; 2], String> {
        Ok(self.nodes()?.each_ref().map(|node| Side::new(lock(node).port(), name)))
    }
}

/// A node; what panicked while it held one has not changed it.
pub fn lock(node: &Mutex<Node>) -> MutexGuard<'_, Node> {
    node.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One side's answers as far as they go, and how its scenario ended.
pub type Told = (Transcript, Result<(), String>);

fn main() -> ExitCode {
    let missing = Language::Java.missing();
    let ignored = !missing.is_empty() && std::env::var_os("CI").is_none();
    if !missing.is_empty() {
        eprintln!("twin: Apache Kafka cannot run here, it needs: {}", missing.join(", "));
    }
    let twins = Arc::new(Twins::default());
    let arguments = Arguments::from_args();
    let trial = |(name, scenario)| {
        let twins = Arc::clone(&twins);
        Trial::test(name, move || run(&twins, name, scenario)).with_ignored_flag(ignored)
    };
    let mut failed = libtest_mimic::run(&arguments, scenarios::all().into_iter().map(trial).collect()).has_failed();
    let after = restart::trials(&twins).into_iter().map(|trial| trial.with_ignored_flag(ignored)).collect();
    failed |= libtest_mimic::run(&arguments, after).has_failed();
    let third = restart::third_life(&twins).into_iter().map(|trial| trial.with_ignored_flag(ignored)).collect();
    failed |= libtest_mimic::run(&arguments, third).has_failed();
    let whole = arguments.filter.is_none() && arguments.skip.is_empty();
    if whole && !ignored {
        let covered = Trial::test("coverage::every_version_of_every_api", move || {
            Ok(coverage::check(lock(&twins.nodes()?[1]).port())?)
        });
        failed |= libtest_mimic::run(&arguments, vec![covered]).has_failed();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(twins: &Twins, name: &'static str, scenario: Scenario) -> Result<(), Failed> {
    let both = std::thread::scope(|scope| {
        let started = twins.sides(name)?.map(|mut side| {
            scope.spawn(move || {
                let end = scenario(&mut side);
                (side.finish(), end)
            })
        });
        let [kafka, forebay] = started.map(|one| one.join().map_err(|_| PANICKED.to_owned()));
        Ok::<_, String>([kafka?, forebay?])
    })?;
    judge(name, both)
}

/// What is said of a scenario whose thread panicked.
pub const PANICKED: &str = "the scenario panicked; its message is above";

/// Compares what both have told, and leaves the transcripts beside the brokers' logs, for a person to read.
pub fn judge(name: &'static str, [kafka, forebay]: [Told; 2]) -> Result<(), Failed> {
    for (broker, told) in [(Broker::ApacheKafka, &kafka), (Broker::Forebay, &forebay)] {
        let file = format!("twin-{}-{broker:?}.txt", name.replace("::", "-"));
        // A test that passes does not need it.
        let _ = std::fs::write(workspace::logs().join(file), told.0.to_string());
    }
    let compared = compare::compare(name, &kafka.0, &forebay.0);
    kafka.1.map_err(|error| format!("Apache Kafka: {error}"))?;
    match forebay.1 {
        Ok(()) => compared.map_err(Failed::from),
        Err(error) => Err(format!("Forebay: {error}\n{}", compared.err().unwrap_or_default()).into()),
    }
}

fn start() -> Result<[Mutex<Node>; 2], String> {
    std::thread::scope(|scope| {
        let both = [Broker::ApacheKafka, Broker::Forebay]
            .map(|broker| scope.spawn(move || broker.start_with("twin", SETTINGS)));
        let [kafka, forebay] = both.map(|one| one.join().unwrap_or_else(|_| Err("a broker's start panicked".into())));
        Ok([Mutex::new(kafka?), Mutex::new(forebay?)])
    })
}
