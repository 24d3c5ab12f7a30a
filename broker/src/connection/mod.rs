//! A client's connection: frames in, requests through the API table, answers out, one at a time in the order of arrival.

mod frame;
pub mod guard;
mod request;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api;
use crate::api::call::{Hangup, Reply};
use crate::net::Listener;
use crate::node::Rooms;
use frame::FrameError;

/// Small requests are read several at a time; the body of a large one goes past this buffer.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Serves a client until it leaves, errs, idles for too long or the broker stops. A bad packet costs this connection, nothing else.
pub async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    listener: Arc<Listener>,
    rooms: Arc<Rooms>,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and latency matters; a failure only costs speed.
    let _ = stream.set_nodelay(true);
    rooms.metrics.connections_accepted.inc();
    rooms.metrics.connections.inc();
    if let Err(reason) = serve_until(&mut stream, peer, &listener, &rooms, stop).await {
        rooms.metrics.malformed_requests.inc();
        tracing::warn!(%peer, listener = listener.name, "connection closed: {reason}");
    }
    rooms.metrics.connections.dec();
}

async fn serve_until(
    stream: &mut TcpStream,
    peer: SocketAddr,
    listener: &Arc<Listener>,
    rooms: &Arc<Rooms>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Hangup> {
    let max = rooms.limits.max_frame_bytes;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
    let idle = Duration::from_millis(rooms.limits.max_idle_ms);
    while !*stop.borrow() {
        let frame = tokio::select! {
            biased;
            frame = tokio::time::timeout(idle, frame::read_frame(&mut reader, max)) => frame,
            _ = stop.changed() => break,
        };
        let frame = match frame {
            Ok(Ok(frame)) => frame,
            Ok(Err(FrameError::Closed)) | Err(_) => break,
            Ok(Err(FrameError::Io(e))) if is_ordinary_end(&e) => break,
            Ok(Err(error)) => return Err(Hangup(error.to_string())),
        };
        rooms.metrics.received_bytes.inc_by(frame.len() as u64 + 4);
        let reply = match request::parse(frame, peer, listener)? {
            request::Parsed::Request(call, body) => api::dispatch(&call, body, rooms).await?,
            request::Parsed::UnsupportedApiVersions(call) => api::unsupported_api_versions(&call)?,
        };
        if let Reply::Chunks(chunks) = reply {
            rooms.metrics.sent_bytes.inc_by(chunks.iter().map(|c| c.len() as u64).sum());
            match write_chunks(&mut writer, chunks).await {
                Err(e) if is_ordinary_end(&e) => break,
                other => other.map_err(|e| Hangup(format!("cannot write: {e}")))?,
            }
        }
    }
    Ok(())
}

fn is_ordinary_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
}

/// Writes all chunks with as few system calls as the kernel allows, without joining them.
async fn write_chunks<S: AsyncWrite + Unpin>(stream: &mut S, chunks: Vec<Bytes>) -> io::Result<()> {
    const MAX_SLICES: usize = 64;
    let mut chunks: VecDeque<Bytes> = chunks.into_iter().filter(|c| !c.is_empty()).collect();
    while !chunks.is_empty() {
        let slices: Vec<IoSlice<'_>> = chunks.iter().take(MAX_SLICES).map(|c| IoSlice::new(c)).collect();
        let mut written = stream.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while written > 0 {
            let front = chunks.front_mut().expect("no more is written than was given");
            let step = written.min(front.len());
            front.advance(step);
            written -= step;
            if front.is_empty() {
                chunks.pop_front();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn chunks_arrive_whole_and_in_order_through_a_narrow_pipe() {
        let (mut near, mut far) = tokio::io::duplex(7);
        let chunks: Vec<Bytes> = (0..200u8).map(|n| Bytes::from(vec![n; usize::from(n) % 13])).collect();
        let expected: Vec<u8> = chunks.iter().flatten().copied().collect();
        let writer = tokio::spawn(async move { write_chunks(&mut near, chunks).await });
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        writer.await.unwrap().unwrap();
        assert_eq!(got, expected);
    }
}
