//! Binding and accepting.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Listener;
use super::limits::ConnectionLimits;
use super::quotas::{ConnectionQuotas, Place, Refused};
use super::seldom::Seldom;
use crate::clock;
use crate::config::Listener as Wanted;
use crate::connection::{self, RequestMemory};
use crate::node::Rooms;

/// How long requests in flight may take to be answered once the broker stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
/// A pause after a failed accept (no descriptors left, for example), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// While a client waits for a place, the limits are looked at this often.
const LIMITS_CHECK: Duration = Duration::from_secs(1);

/// Most connections beyond their address's rate that are kept waiting; beyond, they are closed at once.
const MAX_THROTTLED: usize = 1000;

/// Binds a listener; every interface where it names none. The error says what was asked for and what to do.
pub async fn bind(wanted: &Wanted) -> Result<TcpListener, String> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for candidate in wanted.bind_candidates() {
        match TcpListener::bind(&candidate).await {
            Ok(listener) => return Ok(listener),
            // A port that is taken stays the reason, whatever the next candidate says.
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
                last = e;
                break;
            }
            Err(e) => last = e,
        }
    }
    let what = if last.kind() == io::ErrorKind::AddrInUse {
        format!(
            "port {} is taken by another process; stop it, or choose another port with --override listeners={}://{}:PORT",
            wanted.port, wanted.name, wanted.host
        )
    } else {
        last.to_string()
    };
    Err(format!("cannot listen on {wanted}: {what}"))
}

/// What the listeners share: the places, the limits in force, and memory.
#[derive(Clone)]
pub struct Door {
    /// Places for connections.
    pub quotas: Arc<ConnectionQuotas>,
    /// The limits, as they are now.
    pub limits: Arc<dyn Fn() -> ConnectionLimits + Send + Sync>,
    /// Memory for requests.
    pub memory: Arc<RequestMemory>,
}

/// Accepts until `stop` turns true, then waits for the requests in flight. `number` is the listener's among all.
pub async fn accept_loop(
    socket: TcpListener,
    number: usize,
    listener: Arc<Listener>,
    rooms: Arc<Rooms>,
    door: Door,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let throttled = Arc::new(Semaphore::new(MAX_THROTTLED));
    let entrance = Entrance { number, listener, rooms, door, throttled };
    while !*stop.borrow() {
        let admitted = tokio::select! {
            admitted = entrance.next(&socket) => admitted,
            _ = stop.changed() => continue,
        };
        if let Some((stream, peer, place)) = admitted {
            let (rooms, listener, stop) = (entrance.rooms.clone(), entrance.listener.clone(), stop.clone());
            let memory = entrance.door.memory.clone();
            connections.spawn(connection::serve(stream, peer, listener, place, memory, rooms, stop));
        }
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    let drained = tokio::time::timeout(DRAIN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("{} connections did not finish in time and were cut", connections.len());
    }
}

/// Where clients of one listener come in.
struct Entrance {
    number: usize,
    listener: Arc<Listener>,
    rooms: Arc<Rooms>,
    door: Door,
    /// Places for connections that are kept waiting to be closed.
    throttled: Arc<Semaphore>,
}

impl Entrance {
    /// The next client that is let in; `None` if one was turned away. Who comes too fast or finds no place is accepted by the
    /// system and waits here, and all behind it wait in the system's queue.
    async fn next(&self, socket: &TcpListener) -> Option<(TcpStream, SocketAddr, Place)> {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!(listener = self.listener.name, "cannot accept a connection: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let throttle_ms = self.rooms.quotas.connected(peer.ip(), clock::now().0);
        if throttle_ms > 0 {
            self.rooms.metrics.connections_refused.inc();
            self.close_later(stream, throttle_ms);
            return None;
        }
        let delay_ms = self.door.quotas.delay_ms(self.number, &(self.door.limits)(), clock::now());
        if delay_ms > 0 {
            self.rooms.metrics.connections_delayed.inc();
            self.say(&self.door.quotas.notices.fast, peer, "waits: max.connection.creation.rate is exceeded");
            tokio::time::sleep_until(clock::deadline(delay_ms)).await;
        }
        let place = self.place(peer).await?;
        Some((stream, peer, place))
    }

    /// Keeps a connection waiting that came too soon, and closes it: a client that is closed at once comes back at once (KIP-612).
    fn close_later(&self, stream: TcpStream, throttle_ms: i64) {
        if let Ok(permit) = self.throttled.clone().try_acquire_owned() {
            tokio::spawn(async move {
                tokio::time::sleep_until(clock::deadline(throttle_ms)).await;
                drop((stream, permit));
            });
        }
    }

    /// A place for a client, as soon as there is one; `None` if it is turned away.
    async fn place(&self, peer: SocketAddr) -> Option<Place> {
        let mut waited = false;
        loop {
            let mut freed = pin!(self.door.quotas.freed().notified());
            freed.as_mut().enable();
            match self.door.quotas.take(self.number, peer.ip(), &(self.door.limits)(), clock::now()) {
                Ok(place) => return Some(place),
                Err(Refused::Address(most)) => {
                    self.rooms.metrics.connections_refused.inc();
                    let why = format!("refused: its address has {most} already (max.connections.per.ip)");
                    self.say(&self.door.quotas.notices.per_ip, peer, &why);
                    return None;
                }
                Err(Refused::Full) => {
                    if !waited {
                        self.rooms.metrics.connections_delayed.inc();
                        let why = "waits until another one is closed: max.connections is reached";
                        self.say(&self.door.quotas.notices.full, peer, why);
                    }
                    waited = true;
                    // The limit itself may rise.
                    let _ = tokio::time::timeout(LIMITS_CHECK, freed).await;
                }
            }
        }
    }

    fn say(&self, seldom: &Seldom, peer: SocketAddr, what: &str) {
        if let Some(withheld) = seldom.pass(clock::instant()) {
            let name = &self.listener.name;
            tracing::warn!(%peer, listener = name, withheld, "a connection {what}; said once a minute at most");
        }
    }
}
