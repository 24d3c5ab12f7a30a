//! Quotas in force: how much each client sends, is sent, works and changes, and for how long one that exceeds its quota is held up.
//!
//! Kafka: ClientQuotaManager, ClientRequestQuotaManager, ControllerMutationQuotaManager, ConnectionQuotas; KIP-13, 124, 219, 599, 612.
//! Where nobody has a quota of a kind, asking costs one relaxed load. Time comes in as a value.

pub mod limits;
pub mod meter;
mod mutations;
pub mod rate;
pub mod sensors;
mod token_bucket;

pub use limits::{Client, Kind};
pub use meter::Meter;
pub use mutations::Mutations;
pub use rate::Windows;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use forebay_control::metadata::client_quotas::ClientQuotas;
use parking_lot::{Mutex, RwLock};

use limits::{Group, Limits};
use rate::Rate;
use sensors::Sensors;
use token_bucket::TokenBucket;

/// Percents of one thread that a nanosecond within a second is.
const PERCENT_OF_NANOSECOND: f64 = 100.0 / 1e9;

/// All quotas and what is counted against them.
pub struct Quotas {
    /// One bit a [`Kind`] that somebody has a quota of.
    active: AtomicU8,
    limits: RwLock<Arc<Limits>>,
    of_clients: Windows,
    of_mutations: Windows,
    fetch_max_bytes: usize,
    produced: Mutex<Sensors<Group, Rate>>,
    fetched: Mutex<Sensors<Group, Rate>>,
    requested: Mutex<Sensors<Group, Rate>>,
    mutated: Mutex<Sensors<Group, TokenBucket>>,
    connected: Mutex<Sensors<IpAddr, Rate>>,
}

impl Quotas {
    /// None are set. `of_clients` are `quota.window.*`, `of_mutations` are `controller.quota.window.*`; `fetch.max.bytes` is everybody's.
    #[must_use]
    pub fn new(of_clients: Windows, of_mutations: Windows, fetch_max_bytes: usize) -> Quotas {
        Quotas {
            active: AtomicU8::new(0),
            limits: RwLock::default(),
            of_clients,
            of_mutations,
            fetch_max_bytes,
            produced: Mutex::default(),
            fetched: Mutex::default(),
            requested: Mutex::default(),
            mutated: Mutex::default(),
            connected: Mutex::default(),
        }
    }

    /// Takes over what is set now.
    pub fn update(&self, quotas: &ClientQuotas) {
        let limits = Limits::new(quotas);
        let bits = Kind::ALL.into_iter().filter(|kind| limits.has(*kind)).fold(0, |bits, kind| bits | bit(kind));
        *self.limits.write() = Arc::new(limits);
        self.active.store(bits, Ordering::Release);
    }

    /// Whether anybody has a quota of that kind.
    #[must_use]
    pub fn is_active(&self, kind: Kind) -> bool {
        self.active.load(Ordering::Relaxed) & bit(kind) != 0
    }

    /// Counts a produce request; for how many milliseconds its client is held up.
    #[must_use]
    pub fn produced(&self, client: Client<'_>, bytes: usize, now_ms: i64) -> i64 {
        self.count(Kind::Produce, client, bytes as f64, now_ms)
    }

    /// Counts a fetch answer, but one that holds its client up: that goes out empty. For how many milliseconds.
    #[must_use]
    pub fn fetched(&self, client: Client<'_>, bytes: usize, now_ms: i64) -> i64 {
        let throttle_ms = self.count(Kind::Fetch, client, bytes as f64, now_ms);
        if throttle_ms > 0 {
            self.take_back_fetched(client, bytes, now_ms);
        }
        throttle_ms
    }

    /// Counts a fetch answer that goes out whatever it holds up; for how many milliseconds its client is held up.
    #[must_use]
    pub fn sent(&self, client: Client<'_>, bytes: usize, now_ms: i64) -> i64 {
        self.count(Kind::Fetch, client, bytes as f64, now_ms)
    }

    /// Takes back a fetch answer that goes out empty for another reason.
    pub fn take_back_fetched(&self, client: Client<'_>, bytes: usize, now_ms: i64) {
        if let Some((_, group)) = self.limit(Kind::Fetch, client) {
            let mut sensors = self.fetched.lock();
            sensors.of(group, now_ms, Rate::default).record(-(bytes as f64), now_ms, self.of_clients);
        }
    }

    /// The most bytes of one fetch answer: `fetch.max.bytes`, and no more than exceed the client's quota by themselves.
    #[must_use]
    pub fn most_fetched_at_once(&self, client: Client<'_>) -> usize {
        let limit = self.limit(Kind::Fetch, client).map(|(limit, _)| limit);
        // Saturates. Kafka's controller takes what has no end, and what is no number: they limit nobody, however few windows there are.
        let limit = limit.filter(|limit| limit.is_finite());
        let quota = limit.map_or(usize::MAX, |limit| (limit * self.of_clients.full_seconds()) as usize);
        quota.min(self.fetch_max_bytes)
    }

    /// Counts the time spent on a request; for how many milliseconds its client is held up, one window at the most.
    #[must_use]
    pub fn requested(&self, client: Client<'_>, spent_ns: u64, now_ms: i64) -> i64 {
        let percents = spent_ns as f64 * PERCENT_OF_NANOSECOND;
        self.count(Kind::Request, client, percents, now_ms).min(self.of_clients.length_ms)
    }

    /// What a request may make and delete of partitions. A `strict` one is refused what exceeds the quota, another one held up.
    #[must_use]
    pub fn mutations(&self, client: Client<'_>, strict: bool, now_ms: i64) -> Mutations<'_> {
        let limit = self.limit(Kind::Mutation, client);
        Mutations::new(&self.mutated, limit, self.of_mutations, strict, now_ms)
    }

    /// Counts a connection, but one that is refused; for how many milliseconds it is kept waiting and then closed, one window at most.
    #[must_use]
    pub fn connected(&self, address: IpAddr, now_ms: i64) -> i64 {
        if !self.is_active(Kind::Connection) {
            return 0;
        }
        let address = address.to_canonical();
        let Some(limit) = self.limits.read().of_address(address) else { return 0 };
        let mut sensors = self.connected.lock();
        let rate = sensors.of(address, now_ms, Rate::default);
        rate.record(1.0, now_ms, self.of_clients);
        let throttle_ms = rate.measure(now_ms, self.of_clients).throttle_ms(limit).min(self.of_clients.length_ms);
        if throttle_ms > 0 {
            rate.record(-1.0, now_ms, self.of_clients);
        }
        throttle_ms
    }

    fn limit(&self, kind: Kind, client: Client<'_>) -> Option<(f64, Group)> {
        if !self.is_active(kind) {
            return None;
        }
        let limits = self.limits.read().clone();
        limits.of_client(kind, client)
    }

    fn count(&self, kind: Kind, client: Client<'_>, value: f64, now_ms: i64) -> i64 {
        let Some((limit, group)) = self.limit(kind, client) else { return 0 };
        let sensors = match kind {
            Kind::Produce => &self.produced,
            Kind::Fetch => &self.fetched,
            _ => &self.requested,
        };
        let mut sensors = sensors.lock();
        let rate = sensors.of(group, now_ms, Rate::default);
        rate.record(value, now_ms, self.of_clients);
        rate.measure(now_ms, self.of_clients).throttle_ms(limit)
    }
}

fn bit(kind: Kind) -> u8 {
    1 << kind as u8
}

#[cfg(test)]
mod tests;
