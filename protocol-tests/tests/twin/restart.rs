//! Scenarios in two parts: what is asked of the brokers, and, after both were killed and started again, what has become of it. And those
//! of the brokers' third life, in which they have little room and a short memory.

use crate::scenarios::{features, limits, restarts};
use crate::side::Side;
use crate::{PANICKED, Told, Twins, judge, lock, run};
use libtest_mimic::Trial;
use protocol_tests::broker::Broker;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is asked after the restart.
pub type Then = Box<dyn FnOnce(&mut Side) -> Result<(), String> + Send>;

/// Asks one broker, and says what is to be asked once it was killed and started again.
pub type Story = fn(&mut Side) -> Result<Then, String>;

/// What differs in the brokers' second life.
const SETTINGS: &[(&str, &str)] = &[
    ("group.max.size", "2"),
    ("group.initial.rebalance.delay.ms", "400"),
    ("offsets.retention.check.interval.ms", "500"),
    ("broker.rack", "a-rack"),
];

/// What differs in their third.
const LITTLE_ROOM: &[(&str, &str)] = &[
    ("producer.id.expiration.ms", "1500"),
    // A key of Kafka's own tests; we look at least once in that time.
    ("producer.id.expiration.check.interval.ms", "200"),
    ("max.incremental.fetch.session.cache.slots", "8"),
];

/// A side between its two parts.
type Paused = (Side, Result<Then, String>);
type Between = Mutex<BTreeMap<&'static str, [Paused; 2]>>;

/// A test for each story. The first of them makes the first part of all, and restarts both brokers.
pub fn trials(twins: &Arc<Twins>) -> Vec<Trial> {
    let between: Arc<OnceLock<Result<Between, String>>> = Arc::default();
    let trial = |(name, _): (&'static str, Story)| {
        let (twins, between) = (Arc::clone(twins), Arc::clone(&between));
        Trial::test(name, move || {
            let paused = between.get_or_init(|| first_parts(&twins)).as_ref().map_err(Clone::clone)?;
            let both = paused.lock().unwrap_or_else(PoisonError::into_inner).remove(name).ok_or("told already")?;
            judge(name, second_parts(both)?)
        })
    };
    restarts().into_iter().map(trial).collect()
}

fn first_parts(twins: &Twins) -> Result<Between, String> {
    let mut between = BTreeMap::new();
    for (name, story) in restarts() {
        let both = each(twins.sides(name)?, |mut side| {
            let then = story(&mut side);
            (side, then)
        })?;
        between.insert(name, both);
    }
    start_again(twins, SETTINGS)?;
    Ok(Mutex::new(between))
}

/// A test for each scenario of the brokers' third life. The first of them restarts both.
pub fn third_life(twins: &Arc<Twins>) -> Vec<Trial> {
    let begun: Arc<OnceLock<Result<(), String>>> = Arc::default();
    let trial = |(name, scenario): &(&'static str, crate::scenarios::Scenario)| {
        let (twins, begun, name, scenario) = (Arc::clone(twins), Arc::clone(&begun), *name, *scenario);
        Trial::test(name, move || {
            begun.get_or_init(|| start_again(&twins, LITTLE_ROOM)).clone()?;
            run(&twins, name, scenario)
        })
    };
    [limits::SCENARIOS, features::SCENARIOS].concat().iter().map(trial).collect()
}

/// Kills both and starts them with more settings.
fn start_again(twins: &Twins, settings: &[(&str, &str)]) -> Result<(), String> {
    let [kafka, forebay] = each(twins.nodes()?.each_ref(), |node| {
        let mut node = lock(node);
        settings.iter().for_each(|(key, value)| node.set(key, value));
        // Apache Kafka is stopped in good order: it would check every log, which takes a minute on a busy machine.
        match node.broker() {
            Broker::ApacheKafka => node.stop()?,
            Broker::Forebay => node.kill(),
        }
        // A busy machine may need longer than one start is given.
        node.start().or_else(|_| node.start())
    })?;
    kafka.and(forebay)
}

fn second_parts(both: [Paused; 2]) -> Result<[Told; 2], String> {
    each(both, |(mut side, then)| {
        side.reconnect();
        let end = then.and_then(|then| then(&mut side));
        (side.finish(), end)
    })
}

/// Does the same for both, at the same time.
fn each<T: Send, R: Send>(both: [T; 2], act: impl Fn(T) -> R + Sync) -> Result<[R; 2], String> {
    std::thread::scope(|scope| {
        let started = both.map(|one| scope.spawn(|| act(one)));
        let [kafka, forebay] = started.map(|one| one.join().map_err(|_| PANICKED.to_owned()));
        Ok([kafka?, forebay?])
    })
}
