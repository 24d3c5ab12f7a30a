//! Binding and accepting.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Listener;
use crate::config::Listener as Wanted;
use crate::connection;
use crate::node::Rooms;

/// How long requests in flight may take to be answered once the broker stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
/// A pause after a failed accept (no descriptors left, for example), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// Accepts until `stop` turns true, then waits for the requests in flight.
pub async fn accept_loop(
    socket: TcpListener,
    listener: Arc<Listener>,
    rooms: Arc<Rooms>,
    limit: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while !*stop.borrow() {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stop.changed() => continue,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(permit) = limit.clone().try_acquire_owned() else {
                    rooms.metrics.connections_refused.inc();
                    tracing::warn!(%peer, "connection refused: max.connections is reached");
                    continue;
                };
                let (rooms, listener, stop) = (rooms.clone(), listener.clone(), stop.clone());
                connections.spawn(async move {
                    let _permit = permit;
                    connection::serve(stream, peer, listener, rooms, stop).await;
                });
            }
            Err(e) => {
                tracing::warn!(listener = listener.name, "cannot accept a connection: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    let drained = tokio::time::timeout(DRAIN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("{} connections did not finish in time and were cut", connections.len());
    }
}
