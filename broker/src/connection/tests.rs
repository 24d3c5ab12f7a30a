//! Answers through narrow pipes and plain sockets.

use std::io::{self, IoSlice};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::outbox::{Outbox, Peer};
use crate::api::piece::Piece;

/// Takes bytes only, as a socket with encryption does.
impl Peer for DuplexStream {
    async fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(slices).await
    }

    async fn send(&mut self, piece: &Piece) -> io::Result<usize> {
        AsyncWriteExt::write(self, piece.bytes()).await
    }
}

#[tokio::test]
async fn pieces_arrive_whole_and_in_order_through_a_narrow_pipe() {
    let (mut near, mut far) = tokio::io::duplex(7);
    let pieces: Vec<Bytes> = (0..200u8).map(|n| Bytes::from(vec![n; usize::from(n) % 13])).collect();
    let expected: Vec<u8> = pieces.iter().flatten().copied().collect();
    let writer = tokio::spawn(async move {
        let mut outbox = Outbox::default();
        outbox.push(pieces.into_iter().map(Piece::from).collect());
        outbox.flush(&mut near).await
    });
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(got, expected);
}
