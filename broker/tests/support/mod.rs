//! A broker in this process, and what the tests against it share.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used)]

pub mod client;
pub mod consumer_groups;
pub mod groups;
pub mod records;
pub mod requests;
pub mod share;
pub mod share_groups;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay::api::fetch_session::FetchSessions;
use forebay::config::{Sources, load};
use forebay::metrics::{CleanerMetrics, Metrics};
use forebay::node::{Running, start};
use forebay::partition::Partition;
use forebay_storage::ids::TopicPartition;
use kafka_protocol::messages::{GroupId, ProducerId, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use client::Client;

/// A running broker with a folder of its own; both are gone when it is dropped.
pub struct Broker {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    dir: tempfile::TempDir,
    extra: Vec<String>,
}

impl Broker {
    /// Starts one on a free port, with few internal partitions and groups that do not wait for more members.
    pub fn start() -> Broker {
        Broker::start_with(&[])
    }

    /// The same with more settings, each `key=value`.
    pub fn start_with(extra: &[&str]) -> Broker {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let extra = extra.iter().map(|&setting| setting.to_owned()).collect();
        let mut broker = Broker { runtime, running: None, dir: tempfile::tempdir().unwrap(), extra };
        broker.run();
        broker
    }

    /// Starts it on its data, after [`Broker::stop`].
    pub fn run(&mut self) {
        let overrides = [
            "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
            "http.listeners=".to_owned(),
            format!("log.dirs={}", self.dir.path().display()),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            "group.min.session.timeout.ms=10".to_owned(),
            "offsets.topic.num.partitions=3".to_owned(),
            "transaction.state.log.num.partitions=3".to_owned(),
            "share.coordinator.state.topic.num.partitions=3".to_owned(),
        ];
        let overrides = overrides.into_iter().chain(self.extra.clone()).collect();
        let config = load(Sources { overrides, ..Sources::default() }).unwrap().config;
        self.running = Some(self.runtime.block_on(start(config)).unwrap());
    }

    /// Stops it in order and starts it again on its data, on another port; connections are lost.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }

    /// A setting, `key=value`, from the next start on.
    pub fn set(&mut self, setting: &str) {
        self.extra.push(setting.to_owned());
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        self.runtime.block_on(running.stop()).unwrap();
    }

    /// Does `send` and returns when the broker has read the frame that this sent.
    pub fn until_received<R>(&self, send: impl FnOnce() -> R) -> R {
        until_received(self.metrics(), send)
    }

    /// One of its partitions.
    pub fn partition(&self, topic: &str, number: i32) -> Arc<Partition> {
        self.running.as_ref().expect("it runs").rooms.partitions.get(topic, number).expect("it is there")
    }

    /// Whether it has a partition.
    pub fn has_partition(&self, topic: &str, number: i32) -> bool {
        self.running.as_ref().expect("it runs").rooms.partitions.exists(topic, number)
    }

    /// Does the upkeep of share state that it does every five minutes.
    pub fn keep_share_state_short(&self) {
        self.running.as_ref().expect("it runs").rooms.share_states.keep_short();
    }

    /// Forgets its fetch sessions, and has so many places for them, each for another session once unused for that long.
    pub fn replace_fetch_sessions(&self, slots: usize, eviction_ms: i64) {
        let sessions = FetchSessions::evicting_after(slots, eviction_ms);
        *self.running.as_ref().expect("it runs").rooms.fetch_sessions.lock() = sessions;
    }

    /// How many fetch sessions were pushed out by others.
    pub fn evicted_fetch_sessions(&self) -> u64 {
        self.running.as_ref().expect("it runs").rooms.fetch_sessions.lock().evictions()
    }

    /// How many share-partitions it has in use.
    pub fn share_partitions_held(&self) -> usize {
        self.running.as_ref().expect("it runs").rooms.share_groups.held()
    }

    /// Whether a partition is being compacted.
    pub fn is_busy(&self, topic: &str, number: i32) -> bool {
        let partitions = &self.running.as_ref().expect("it runs").rooms.partitions;
        partitions.busy().is_taken(&TopicPartition::new(topic, number))
    }

    /// The numbers of its cleaner.
    pub fn cleaner(&self) -> &CleanerMetrics {
        &self.running.as_ref().expect("it runs").rooms.metrics.cleaner
    }

    /// Where its data lies.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").listeners[0].local
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// A new connection to one of its listeners, by their order in the configuration.
    pub fn client_at(&self, listener: usize) -> Client {
        Client::connect(self.running.as_ref().expect("it runs").listeners[listener].local)
    }

    /// What is left of the memory for requests, in bytes; there must be a limit.
    pub fn request_memory_left(&self) -> i64 {
        self.running.as_ref().expect("it runs").request_memory.left().expect("queued.max.request.bytes is set")
    }

    /// What it has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.running.as_ref().expect("it runs").rooms.metrics
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address().port()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let stopped = self.runtime.block_on(running.stop());
        if !std::thread::panicking() {
            stopped.unwrap();
        }
    }
}

/// Does `send` and returns when the broker of these numbers has read the frame that this sent.
pub fn until_received<R>(metrics: &Metrics, send: impl FnOnce() -> R) -> R {
    let before = metrics.received_bytes.get();
    let sent = send();
    eventually("the broker has read it", || metrics.received_bytes.get() > before);
    sent
}

/// Looks until something holds that only the broker's own threads bring about.
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_in(Duration::from_secs(30), what, holds);
}

/// The same for what takes its time, or waits for a limit of the broker.
pub fn eventually_in(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A string for the wire.
pub fn text(s: &str) -> StrBytes {
    StrBytes::from_string(s.to_owned())
}

/// A topic's name for the wire.
pub fn topic(s: &str) -> TopicName {
    TopicName(text(s))
}

/// A group's id for the wire.
pub fn group(s: &str) -> GroupId {
    GroupId(text(s))
}

/// A transactional id for the wire.
pub fn transactional(s: &str) -> TransactionalId {
    TransactionalId(text(s))
}

/// A producer id for the wire.
pub fn producer(id: i64) -> ProducerId {
    ProducerId(id)
}
