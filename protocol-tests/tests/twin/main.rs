//! The twin: the same requests, built by hand, go to Apache Kafka 4.3.1 and to Forebay, and the answers are compared field by field.
//! Where memory and the twin disagree, the twin is right.
//!
//! A scenario is a function that asks; it runs once against each broker, and what each answered is its transcript. The two must
//! be equal but for what `allowed.rs` lists with its reason.

#![allow(clippy::unwrap_used)]

mod allowed;
mod compare;
mod records;
mod scenarios;
mod side;

use libtest_mimic::{Failed, Trial};
use protocol_tests::broker::{Broker, Node};
use protocol_tests::language::Language;
use protocol_tests::{suite, workspace};
use scenarios::Scenario;
use side::{Side, Transcript};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// More than the common settings: what the scenarios are about.
const SETTINGS: &[(&str, &str)] = &[("group.min.session.timeout.ms", "10"), ("auto.create.topics.enable", "true")];

/// Both brokers, started when the first scenario asks for them.
type Twins = Arc<OnceLock<Result<[Node; 2], String>>>;

fn main() -> ExitCode {
    let missing = Language::Java.missing();
    let ignored = !missing.is_empty() && std::env::var_os("CI").is_none();
    if !missing.is_empty() {
        eprintln!("twin: Apache Kafka cannot run here, it needs: {}", missing.join(", "));
    }
    let twins = Twins::default();
    suite::main(|| {
        scenarios::all()
            .into_iter()
            .map(|(name, scenario)| {
                let twins = Arc::clone(&twins);
                Trial::test(name, move || run(&twins, name, scenario)).with_ignored_flag(ignored)
            })
            .collect()
    })
}

fn run(twins: &Twins, name: &'static str, scenario: Scenario) -> Result<(), Failed> {
    let nodes = twins.get_or_init(start).as_ref().map_err(Clone::clone)?;
    let told = std::thread::scope(|scope| {
        let both = nodes.each_ref().map(|node| scope.spawn(|| tell(node, name, scenario)));
        both.map(|one| one.join().map_err(|_| "the scenario panicked; its message is above".to_owned()))
    });
    let [kafka, forebay] = told;
    let ((kafka, kafka_end), (forebay, forebay_end)) = (kafka?, forebay?);
    kafka_end.map_err(|error| format!("Apache Kafka: {error}"))?;
    let compared = compare::compare(name, &kafka, &forebay);
    match forebay_end {
        Ok(()) => compared.map_err(Failed::from),
        Err(error) => Err(format!("Forebay: {error}\n{}", compared.err().unwrap_or_default()).into()),
    }
}

fn start() -> Result<[Node; 2], String> {
    std::thread::scope(|scope| {
        let both = [Broker::ApacheKafka, Broker::Forebay]
            .map(|broker| scope.spawn(move || broker.start_with("twin", SETTINGS)));
        let [kafka, forebay] = both.map(|one| one.join().unwrap_or_else(|_| Err("a broker's start panicked".into())));
        Ok([kafka?, forebay?])
    })
}

/// The transcript as far as it goes, and how the scenario ended. The transcript is left beside the brokers' logs.
fn tell(node: &Node, name: &'static str, scenario: Scenario) -> (Transcript, Result<(), String>) {
    let mut side = Side::new(node.port(), name);
    let end = scenario(&mut side);
    let transcript = side.finish();
    let file = format!("twin-{}-{:?}.txt", name.replace("::", "-"), node.broker());
    // For a person to read; a test that passes does not need it.
    let _ = std::fs::write(workspace::logs().join(file), transcript.to_string());
    (transcript, end)
}
