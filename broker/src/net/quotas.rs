//! Who may connect: places for connections, counted by listener and by address, and how fast they are given away.
//!
//! Kafka: `SocketServer.ConnectionQuotas`. An address with too many connections is turned away. Where the broker or a listener has too
//! many, or too many come at once, its next client waits to be accepted, and those behind it in the queue of the system. The
//! listener of the brokers, if it is not the only one, is let in all the same, and whoever has been silent for longest elsewhere goes.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use forebay_storage::ids::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::limits::ConnectionLimits;
use super::seldom::Seldom;

/// The longest that a client is kept waiting for coming too fast, in milliseconds (Kafka: one `quota.window.size.seconds`).
const MAX_DELAY_MS: f64 = 1000.0;
/// So many seconds' worth of connections may come at once (Kafka: `quota.window.num`, less the window that is being filled).
const BURST_SECONDS: f64 = 10.0;

/// The places of all listeners.
#[derive(Debug)]
pub struct ConnectionQuotas {
    /// The listener of the brokers, if there are others.
    protected: Option<usize>,
    state: Mutex<State>,
    /// Told when a place becomes free.
    freed: Notify,
    /// Lines about connections that were turned away or wait, and about peers that speak another protocol.
    pub notices: Notices,
}

/// What is said of connections, each seldom.
#[derive(Debug, Default)]
pub struct Notices {
    /// An address has too many.
    pub per_ip: Seldom,
    /// There are too many in all, or on a listener.
    pub full: Seldom,
    /// They come too fast.
    pub fast: Seldom,
    /// A peer speaks TLS.
    pub tls: Seldom,
    /// A peer speaks HTTP.
    pub http: Seldom,
}

#[derive(Debug)]
struct State {
    /// The limits of single addresses.
    overrides: HashMap<IpAddr, usize>,
    by_ip: HashMap<IpAddr, usize>,
    by_listener: Vec<usize>,
    pace: Pace,
    listener_pace: Vec<Pace>,
    places: BTreeMap<u64, Arc<Taken>>,
    next: u64,
}

/// A place that is taken.
#[derive(Debug)]
struct Taken {
    listener: usize,
    ip: IpAddr,
    heard_ms: AtomicI64,
    leave: Notify,
    /// It was told to leave, and has not yet.
    leaves: AtomicBool,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its address has as many as it may, which is so many: it is turned away.
    Address(usize),
    /// All places are taken: it waits.
    Full,
}

/// A connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    quotas: Arc<ConnectionQuotas>,
    number: u64,
    taken: Arc<Taken>,
}

impl ConnectionQuotas {
    /// No connections yet on so many listeners. `inter_broker` is the number of the one that brokers use.
    #[must_use]
    pub fn new(listeners: usize, inter_broker: Option<usize>, overrides: HashMap<IpAddr, usize>) -> ConnectionQuotas {
        let state = State {
            overrides,
            by_ip: HashMap::new(),
            by_listener: vec![0; listeners],
            pace: Pace::default(),
            listener_pace: vec![Pace::default(); listeners],
            places: BTreeMap::new(),
            next: 0,
        };
        ConnectionQuotas {
            protected: inter_broker.filter(|_| listeners > 1),
            state: Mutex::new(state),
            freed: Notify::new(),
            notices: Notices::default(),
        }
    }

    /// Other limits of single addresses, for connections that are yet to come.
    pub fn set_overrides(&self, overrides: HashMap<IpAddr, usize>) {
        self.state.lock().overrides = overrides;
    }

    /// A connection has come: for how many milliseconds it has to wait because others came so fast before it.
    pub fn delay_ms(&self, listener: usize, limits: &ConnectionLimits, now: Timestamp) -> i64 {
        let mut state = self.state.lock();
        let of_all = state.pace.delay_ms(limits.rate, now);
        let of_listener = state.listener_pace[listener].delay_ms(limits.listeners[listener].rate, now);
        // Less than ten seconds, and not negative.
        of_all.max(of_listener).ceil() as i64
    }

    /// A place for a connection that came to `listener` from `ip`.
    ///
    /// # Errors
    /// There is none.
    pub fn take(
        self: &Arc<Self>,
        listener: usize,
        ip: IpAddr,
        limits: &ConnectionLimits,
        now: Timestamp,
    ) -> Result<Place, Refused> {
        let ip = ip.to_canonical();
        let mut state = self.state.lock();
        let is_protected = self.protected == Some(listener);
        let is_full = state.places.len() >= limits.total && !is_protected;
        if is_full || state.by_listener[listener] >= limits.listeners[listener].total {
            return Err(Refused::Full);
        }
        let most = state.overrides.get(&ip).copied().unwrap_or(limits.per_ip);
        let have = state.by_ip.entry(ip).or_default();
        if *have >= most {
            if most == 0 {
                state.by_ip.remove(&ip);
            }
            return Err(Refused::Address(most));
        }
        *have += 1;
        state.by_listener[listener] += 1;
        let number = state.next;
        state.next += 1;
        let taken = Arc::new(Taken {
            listener,
            ip,
            heard_ms: AtomicI64::new(now.0),
            leave: Notify::new(),
            leaves: AtomicBool::new(false),
        });
        state.places.insert(number, taken.clone());
        if state.places.len() > limits.total {
            // Those that leave make room for brokers that came before.
            let leave = state.places.values().filter(|place| place.leaves.load(Ordering::Relaxed)).count();
            if state.places.len() - leave > limits.total
                && let Some(silent) = self.most_silent(&state)
            {
                silent.leaves.store(true, Ordering::Relaxed);
                silent.leave.notify_one();
            }
        }
        Ok(Place { quotas: self.clone(), number, taken })
    }

    /// The connection, not of the brokers and not told already, that has said nothing for longest.
    fn most_silent<'a>(&self, state: &'a State) -> Option<&'a Arc<Taken>> {
        let may_stay = |place: &&Arc<Taken>| !place.leaves.load(Ordering::Relaxed);
        let others = state.places.values().filter(may_stay).filter(|place| self.protected != Some(place.listener));
        others.min_by_key(|place| place.heard_ms.load(Ordering::Relaxed))
    }

    /// Told whenever a place becomes free.
    pub fn freed(&self) -> &Notify {
        &self.freed
    }

    /// Connections that have a place.
    #[must_use]
    pub fn open(&self) -> usize {
        self.state.lock().places.len()
    }
}

impl Place {
    /// The client said something.
    pub fn heard(&self, now: impl FnOnce() -> Timestamp) {
        if self.quotas.protected.is_some() {
            self.taken.heard_ms.store(now().0, Ordering::Relaxed);
        }
    }

    /// Waits until the place is needed for a broker. May be dropped and called again.
    pub async fn needed(&self) {
        self.taken.leave.notified().await;
    }

    /// What is said of connections.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.quotas.notices
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.quotas.state.lock();
        state.places.remove(&self.number);
        state.by_listener[self.taken.listener] -= 1;
        if let Some(have) = state.by_ip.get_mut(&self.taken.ip) {
            *have -= 1;
            if *have == 0 {
                state.by_ip.remove(&self.taken.ip);
            }
        }
        drop(state);
        self.quotas.freed.notify_waiters();
    }
}

/// How fast connections have come: what may still come at once, below zero what came too early.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// When the last one came, and what was left then.
    last: Option<(Timestamp, f64)>,
}

impl Pace {
    /// One more has come; milliseconds for which it waits.
    fn delay_ms(&mut self, rate: f64, now: Timestamp) -> f64 {
        let most = rate * BURST_SECONDS;
        let left = self.last.map_or(most, |(at, left)| {
            let seconds = (now.0 - at.0).max(0) as f64 / 1000.0;
            (left + seconds * rate).min(most)
        });
        let left = left - 1.0;
        if left >= 0.0 {
            self.last = Some((now, left));
            return 0.0;
        }
        let delay_ms = (-left / rate * 1000.0).min(MAX_DELAY_MS);
        // Who has waited for the longest time is in, whatever the rate is.
        self.last = Some((now, left.max(-rate * MAX_DELAY_MS / 1000.0)));
        delay_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::limits::ListenerLimits;

    const MANY: usize = usize::MAX;
    const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn limits(total: usize, per_ip: usize, listeners: &[usize]) -> ConnectionLimits {
        let listener = |total: &usize| ListenerLimits { total: *total, rate: 1e9 };
        ConnectionLimits { total, per_ip, rate: 1e9, listeners: listeners.iter().map(listener).collect() }
    }

    fn quotas(listeners: usize, overrides: &[(IpAddr, usize)]) -> Arc<ConnectionQuotas> {
        Arc::new(ConnectionQuotas::new(listeners, Some(0), overrides.iter().copied().collect()))
    }

    #[test]
    fn an_address_has_its_own_limit() {
        let quotas = quotas(1, &[(FAR, 2)]);
        let limits = limits(MANY, 1, &[MANY]);
        let take = |ip| quotas.take(0, ip, &limits, Timestamp(0));
        let (near, far) = (take(NEAR).unwrap(), [take(FAR).unwrap(), take(FAR).unwrap()]);
        assert_eq!(take(NEAR).unwrap_err(), Refused::Address(1));
        assert_eq!(take("::ffff:127.0.0.1".parse().unwrap()).unwrap_err(), Refused::Address(1), "the same address");
        assert_eq!(take(FAR).unwrap_err(), Refused::Address(2));
        drop(near);
        let _again = take(NEAR).unwrap();
        drop(far);
        assert_eq!(quotas.state.lock().by_ip.len(), 1, "addresses that have left are forgotten");
    }

    #[test]
    fn one_listener_waits_for_a_place() {
        let quotas = quotas(1, &[]);
        let limits = limits(1, MANY, &[MANY]);
        let place = quotas.take(0, NEAR, &limits, Timestamp(0)).unwrap();
        assert_eq!(quotas.take(0, FAR, &limits, Timestamp(0)).unwrap_err(), Refused::Full, "alone it is not protected");
        drop(place);
        assert!(quotas.take(0, FAR, &limits, Timestamp(0)).is_ok());
    }

    #[tokio::test]
    async fn for_a_broker_the_most_silent_client_leaves() {
        let quotas = quotas(2, &[]);
        let limits = limits(3, MANY, &[MANY, 2]);
        let take = |listener, ms| quotas.take(listener, NEAR, &limits, Timestamp(ms));
        let (broker, first, second) = (take(0, 0).unwrap(), take(1, 1).unwrap(), take(1, 2).unwrap());
        first.heard(|| Timestamp(3));
        assert_eq!(take(1, 4).unwrap_err(), Refused::Full);
        let _more = take(0, 4).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(9), second.needed()).await.unwrap();
        let kept =
            [broker.needed(), first.needed()].map(|needed| tokio::time::timeout(std::time::Duration::ZERO, needed));
        for kept in kept {
            assert!(kept.await.is_err());
        }
        drop(second);
        assert_eq!((quotas.open(), take(1, 5).unwrap_err()), (3, Refused::Full), "the broker has the place now");
    }

    #[tokio::test]
    async fn for_each_broker_another_client_leaves() {
        let quotas = quotas(2, &[]);
        let limits = limits(2, MANY, &[MANY, MANY]);
        let take = |listener, ms| quotas.take(listener, NEAR, &limits, Timestamp(ms)).unwrap();
        let clients = [take(1, 1), take(1, 2)];
        // Both come before the first one has left.
        let _brokers = [take(0, 3), take(0, 4)];
        for client in &clients {
            tokio::time::timeout(std::time::Duration::from_secs(9), client.needed()).await.unwrap();
        }
    }

    #[test]
    fn a_listener_may_be_full_before_the_broker_is() {
        let quotas = quotas(2, &[]);
        let limits = limits(9, MANY, &[1, 1]);
        let _places = [0, 1].map(|listener| quotas.take(listener, NEAR, &limits, Timestamp(0)).unwrap());
        for listener in [0, 1] {
            assert_eq!(quotas.take(listener, NEAR, &limits, Timestamp(0)).unwrap_err(), Refused::Full);
        }
    }

    #[test]
    fn after_a_burst_connections_keep_to_the_rate() {
        let mut pace = Pace::default();
        let burst = (0..40).take_while(|_| pace.delay_ms(4.0, Timestamp(0)) == 0.0).count();
        assert_eq!(burst, 40, "ten seconds' worth");
        assert_eq!(pace.delay_ms(4.0, Timestamp(0)), 250.0);
        // It waited for that long, then the next one came.
        assert_eq!(pace.delay_ms(4.0, Timestamp(250)), 250.0);
        assert_eq!(pace.delay_ms(4.0, Timestamp(1000)), 0.0, "250 ms each for the two, 500 ms in which nobody came");
        let mut none = Pace::default();
        assert_eq!([none.delay_ms(0.0, Timestamp(0)), none.delay_ms(0.0, Timestamp(5))], [1000.0, 1000.0]);
    }
}
