//! A client's connection: frames in, requests through the API table, answers out, one at a time in the order of arrival.

mod frame;
pub mod guard;
mod memory;
mod outbox;
mod quiet;
mod request;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::sync::watch;

use crate::api;
use crate::api::call::{Hangup, Reply};
use crate::clock;
use crate::net::{Foreign, Listener, Place};
use crate::node::Rooms;
use crate::share::sessions::ConnectionId;
use frame::{Arrival, FrameError, Inbox};
pub use memory::RequestMemory;
use outbox::{Outbox, Peer};
use quiet::{Quiet, Since};

/// While something of a client is unread, it is looked at this often whether the connection is cut.
const GONE_CHECK: Duration = Duration::from_secs(1);

/// Serves a client until it leaves, errs, idles for too long or the broker stops. A bad packet costs this connection, nothing else.
pub async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    listener: Arc<Listener>,
    place: Place,
    memory: Arc<RequestMemory>,
    rooms: Arc<Rooms>,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and latency matters; a failure only costs speed.
    let _ = stream.set_nodelay(true);
    rooms.metrics.connections_accepted.inc();
    let _open = Open::new(&rooms, (peer, listener.local));
    let (reader, writer) = stream.split();
    let connection = Connection {
        reader,
        writer,
        inbox: Inbox::new(rooms.limits.max_frame_bytes),
        outbox: Outbox::new(!peer.ip().to_canonical().is_loopback(), rooms.metrics.unsent_bytes.clone()),
        quiet: Quiet::new(Duration::from_millis(rooms.limits.max_idle_ms)),
        memory,
        client: Client { peer, listener: &listener, place: &place, rooms: &rooms },
    };
    match connection.serve(stop).await {
        Ok(()) | Err(End::Ordinary) => {}
        Err(End::Needed) => {
            rooms.metrics.connections_evicted.inc();
            tracing::info!(%peer, listener = listener.name, "connection closed: silent for longest, and its place is needed");
        }
        Err(End::Foreign(foreign)) => {
            rooms.metrics.malformed_requests.inc();
            let seldom = match foreign {
                Foreign::Tls => &place.notices().tls,
                Foreign::Http => &place.notices().http,
            };
            if let Some(withheld) = seldom.pass(clock::instant()) {
                tracing::warn!(%peer, listener = listener.name, withheld, "connection closed: {foreign}; said once a minute at most");
            }
        }
        Err(End::Reason(reason)) => {
            rooms.metrics.malformed_requests.inc();
            tracing::warn!(%peer, listener = listener.name, "connection closed: {reason}");
        }
    }
}

/// An open connection. When this is dropped, by whatever end (a panic and the broker's stop are ends, too), nothing of it is left.
struct Open<'a> {
    rooms: &'a Rooms,
    id: ConnectionId,
}

impl<'a> Open<'a> {
    fn new(rooms: &'a Rooms, id: ConnectionId) -> Open<'a> {
        rooms.metrics.connections.inc();
        Open { rooms, id }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.rooms.metrics.connections.dec();
        // What members give back is written by tasks of the runtime; without one the broker stops, and nobody has anything then.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.rooms.share_groups.disconnected(self.id);
        }
    }
}

/// Why a connection ends before the broker does.
#[derive(Debug)]
enum End {
    /// The client left, or was silent for too long.
    Ordinary,
    /// The place is needed for a broker.
    Needed,
    /// The peer speaks another protocol.
    Foreign(Foreign),
    /// The client erred.
    Reason(String),
}

impl From<Hangup> for End {
    fn from(hangup: Hangup) -> End {
        End::Reason(hangup.0)
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> End {
        match error {
            FrameError::Closed => End::Ordinary,
            FrameError::Io(error) => error.into(),
            FrameError::Foreign(foreign) => End::Foreign(foreign),
            other => End::Reason(other.to_string()),
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => End::Ordinary,
            _ => End::Reason(error.to_string()),
        }
    }
}

/// Who is served, with what.
#[derive(Clone, Copy)]
struct Client<'a> {
    peer: SocketAddr,
    listener: &'a Arc<Listener>,
    place: &'a Place,
    rooms: &'a Arc<Rooms>,
}

struct Connection<'a, R, W> {
    reader: R,
    writer: W,
    inbox: Inbox,
    outbox: Outbox,
    quiet: Quiet,
    memory: Arc<RequestMemory>,
    client: Client<'a>,
}

/// Where requests come from.
trait Source: AsyncRead + Unpin {
    /// Waits until the client has left, as far as that can be told without reading. What it sent before it left counts: where some of that
    /// is unread, or `untaken`, it has left only when the connection is cut.
    async fn gone(&mut self, untaken: bool);
}

impl Source for ReadHalf<'_> {
    async fn gone(&mut self, untaken: bool) {
        loop {
            match self.peek(&mut [0]).await {
                Ok(0) if !untaken => return,
                Err(_) => return,
                Ok(_) => {}
            }
            // Both ways are closed by a reset, not by a client that has no more to say.
            if self.ready(Interest::WRITABLE).await.is_ok_and(|ready| ready.is_write_closed()) {
                return;
            }
            tokio::time::sleep(GONE_CHECK).await;
        }
    }
}

impl<R: Source, W: Peer> Connection<'_, R, W> {
    async fn serve(mut self, mut stop: watch::Receiver<bool>) -> Result<(), End> {
        if *stop.borrow() {
            return Ok(());
        }
        let mut stopped = pin!(stop.wait_for(|stop| *stop));
        // What a large request has taken that is on its way.
        let mut taken = None;
        loop {
            let arrival = match self.inbox.take()? {
                Some(frame) => Arrival::Frame(frame),
                None => {
                    self.flush().await?;
                    tokio::select! {
                        biased;
                        arrival = self.inbox.next(&mut self.reader) => arrival?,
                        _ = &mut stopped => return Ok(()),
                        since = self.quiet.passed() => match since {
                            Since::Awhile => {
                                self.inbox.release();
                                continue;
                            }
                            Since::TooLong => return Err(End::Ordinary),
                        },
                        () = self.client.place.needed() => return Err(End::Needed),
                    }
                }
            };
            if taken.is_none() {
                let bytes = arrival.bytes();
                tokio::select! {
                    biased;
                    memory = self.memory.take(bytes) => taken = memory,
                    _ = &mut stopped => return Ok(()),
                    () = self.client.place.needed() => return Err(End::Needed),
                }
                // The client was kept waiting, it was not silent.
                self.quiet.heard();
            }
            let Arrival::Frame(frame) = arrival else { continue };
            let may_be_given_up = request::may_be_given_up(&frame);
            // Kafka: Processor releases the buffer of all requests but those that keep bytes of it.
            let held = taken.take().filter(|_| !request::is_let_go_of(&frame));
            self.quiet.heard();
            self.client.place.heard(clock::now);
            self.client.rooms.metrics.received_bytes.inc_by(frame.len() as u64 + 4);
            let client = self.client;
            let call = async move {
                let answer = client.call(frame).await;
                // The request is gone; its answer may wait for a client that reads slowly.
                drop(held);
                answer
            };
            let (reply, throttle_ms) = self.answer(pin!(call), may_be_given_up).await?;
            if let Reply::Pieces(pieces) = reply {
                client.rooms.metrics.sent_bytes.inc_by(pieces.iter().map(|piece| piece.len() as u64).sum());
                self.outbox.push(pieces);
            }
            if self.outbox.is_full() || throttle_ms > 0 {
                self.flush().await?;
            }
            if throttle_ms > 0 {
                // KIP-219: the answer is out, and nothing more is heard of the client until its time is over.
                tokio::select! {
                    () = tokio::time::sleep_until(clock::deadline(throttle_ms)) => self.quiet.heard(),
                    () = self.reader.gone(!self.inbox.is_empty()) => return Ok(()),
                    _ = &mut stopped => return Ok(()),
                    () = client.place.needed() => return Err(End::Needed),
                }
            }
        }
    }

    /// The answer to a request. If it takes time, the answers before it do not wait for it, and it goes on meanwhile: a client that does
    /// not read must not hold up what others wait for. One that may be is given up when its client leaves.
    async fn answer<T>(
        &mut self,
        mut call: Pin<&mut impl Future<Output = Result<T, End>>>,
        may_be_given_up: bool,
    ) -> Result<T, End> {
        let at_once = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        if let Poll::Ready(reply) = at_once {
            return reply;
        }
        let (reader, inbox) = (&mut self.reader, &self.inbox);
        let both = async {
            let (flushed, reply) =
                tokio::join!(flush(&mut self.outbox, &mut self.writer, &mut self.quiet, self.client.place), call);
            flushed?;
            reply
        };
        tokio::select! {
            biased;
            reply = both => reply,
            () = reader.gone(!inbox.is_empty()), if may_be_given_up => Err(End::Ordinary),
        }
    }

    /// Writes all answers.
    async fn flush(&mut self) -> Result<(), End> {
        flush(&mut self.outbox, &mut self.writer, &mut self.quiet, self.client.place).await
    }
}

/// Writes all answers. Nothing is read meanwhile, so what waits for a client that does not read is bounded; and it may not wait for longer
/// than a client may be silent.
async fn flush<W: Peer>(outbox: &mut Outbox, writer: &mut W, quiet: &mut Quiet, place: &Place) -> Result<(), End> {
    let mut waiting = outbox.bytes();
    while !outbox.is_empty() {
        tokio::select! {
            biased;
            flushed = outbox.flush(writer) => return Ok(flushed?),
            since = quiet.passed() => match since {
                Since::TooLong if outbox.bytes() == waiting => return Err(End::Ordinary),
                Since::TooLong => quiet.heard(),
                Since::Awhile => {}
            },
            () = place.needed() => return Err(End::Needed),
        }
        waiting = outbox.bytes();
    }
    Ok(())
}

impl Client<'_> {
    /// The answer, and for how many milliseconds the client is held up.
    async fn call(self, frame: bytes::Bytes) -> Result<(Reply, i64), End> {
        Ok(match request::parse(frame, self.peer, self.listener)? {
            request::Parsed::Request(call, body) => {
                let reply = api::dispatch(&call, body, self.rooms).await?;
                (reply, call.charge.throttle_ms())
            }
            request::Parsed::UnsupportedApiVersions(call) => (api::unsupported_api_versions(&call)?, 0),
        })
    }
}
