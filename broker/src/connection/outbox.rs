//! Answers on their way out: collected while more requests are at hand, then written with few system calls.
//!
//! Pieces that lie in a file go from the page cache to the socket without passing through this process, if the client is on another
//! machine. On this one a copy is no dearer: sendfile hands over 64 KiB at a time, one write megabytes (docs/decisions/fetch-path.md).

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::tcp::WriteHalf;

use crate::api::piece::Piece;

/// Slices that one system call takes.
const MAX_SLICES: usize = 64;
/// Answers wait for company up to this many bytes.
const WAITING_BYTES: usize = 16 * 1024;
/// What one system call sends of a file at most, so that one reader does not keep a thread to itself, in bytes.
const MAX_SENT: usize = 1024 * 1024;

/// Answers in the order of their requests.
#[derive(Debug)]
pub struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: usize,
    from_files: bool,
    /// Bytes that wait in all outboxes.
    unsent: Gauge,
}

/// Where answers go.
pub trait Peer {
    /// Writes of the slices what can be taken now, at least one byte.
    async fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Sends the start of a piece that lies in a file, at least one byte.
    async fn send(&mut self, piece: &Piece) -> io::Result<usize>;
}

impl Outbox {
    /// Nothing yet. `from_files` says whether pieces that lie in files are sent from there; `unsent` counts what waits in all outboxes.
    pub fn new(from_files: bool, unsent: Gauge) -> Outbox {
        Outbox { pieces: VecDeque::new(), bytes: 0, from_files, unsent }
    }

    /// Adds an answer.
    pub fn push(&mut self, pieces: Vec<Piece>) {
        for mut piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            if !self.from_files {
                piece.forget_region();
            }
            self.bytes += piece.len();
            self.unsent.inc_by(gauged(piece.len()));
            self.pieces.push_back(piece);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether too much waits for waiting longer.
    pub fn is_full(&self) -> bool {
        self.bytes >= WAITING_BYTES || self.pieces.len() >= MAX_SLICES
    }

    /// Writes everything. May be dropped between two writes and called again.
    pub async fn flush<P: Peer>(&mut self, peer: &mut P) -> io::Result<()> {
        while let Some(front) = self.pieces.front() {
            let written = if front.region().is_some() {
                peer.send(front).await?
            } else {
                let in_memory = self.pieces.iter().take_while(|piece| piece.region().is_none());
                let slices: Vec<IoSlice<'_>> =
                    in_memory.take(MAX_SLICES).map(|piece| IoSlice::new(piece.bytes())).collect();
                peer.write(&slices).await?
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(written);
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        self.unsent.dec_by(gauged(written));
        while written > 0 {
            let front = self.pieces.front_mut().expect("no more is written than was given");
            let step = written.min(front.len());
            front.advance(step);
            written -= step;
            if front.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.unsent.dec_by(gauged(self.bytes));
    }
}

fn gauged(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A socket without encryption.
impl Peer for WriteHalf<'_> {
    async fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(slices).await
    }

    async fn send(&mut self, piece: &Piece) -> io::Result<usize> {
        let Some(region) = piece.region() else { return AsyncWriteExt::write(self, piece.bytes()).await };
        let socket: &tokio::net::TcpStream = self.as_ref();
        socket.async_io(Interest::WRITABLE, || region.send_to(socket, MAX_SENT)).await
    }
}
