//! Answers through narrow pipes and plain sockets: from memory and from files the same bytes arrive.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use forebay_storage::disk::{Disk, DiskFile, RealDisk};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

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

fn outbox(from_files: bool, pieces: Vec<Piece>) -> Outbox {
    let mut outbox = Outbox::new(from_files, Gauge::default());
    outbox.push(pieces);
    outbox
}

#[tokio::test]
async fn pieces_arrive_whole_and_in_order_through_a_narrow_pipe() {
    let (mut near, mut far) = tokio::io::duplex(7);
    let pieces: Vec<Bytes> = (0..200u8).map(|n| Bytes::from(vec![n; usize::from(n) % 13])).collect();
    let expected: Vec<u8> = pieces.iter().flatten().copied().collect();
    let mut outbox = outbox(false, pieces.into_iter().map(Piece::from).collect());
    let writer = tokio::spawn(async move { outbox.flush(&mut near).await });
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(got, expected);
}

/// A file of this many bytes, no two stretches of which are alike.
fn file(folder: &tempfile::TempDir, length: usize) -> Arc<dyn DiskFile> {
    let file = RealDisk.create(&folder.path().join("00000000000000000000.log")).unwrap();
    let content: Vec<u8> = (0..length as u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    file.append(&mut [IoSlice::new(&content[..length])]).unwrap();
    file
}

fn stretch(file: &Arc<dyn DiskFile>, from: usize, length: usize) -> Piece {
    let region = file.region(from as u64, length);
    assert_eq!(region.is_some(), cfg!(target_os = "linux"), "the real disk gives regions");
    Piece::of_log(file.read_at(from as u64, length).unwrap(), region)
}

/// A head, two stretches of a file, and what stands between them.
fn answer(file: &Arc<dyn DiskFile>) -> Vec<Piece> {
    let memory = |bytes: &'static [u8]| Piece::from(Bytes::from_static(bytes));
    let last = stretch(file, 1, 3_000_000);
    vec![memory(b"head"), stretch(file, 70_001, 900_000), memory(b"between"), last, memory(b"end")]
}

fn bytes_of(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes()).copied().collect()
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// Sends `pieces` twice over one socket, in the background.
fn send(mut near: TcpStream, from_files: bool, pieces: Vec<Piece>) -> tokio::task::JoinHandle<io::Result<()>> {
    tokio::spawn(async move {
        let mut outbox = outbox(from_files, pieces.clone());
        outbox.push(pieces);
        let (_, mut writer) = near.split();
        outbox.flush(&mut writer).await
    })
}

#[tokio::test]
async fn the_same_bytes_arrive_from_files_and_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = answer(&file(&folder, 4_000_000));
    let expected = bytes_of(&pieces).repeat(2);
    for from_files in [true, false] {
        let (near, mut far) = sockets().await;
        let sender = send(near, from_files, pieces.clone());
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.unwrap();
        sender.await.unwrap().unwrap();
        assert!(got == expected, "from files: {from_files}");
    }
}

/// What is on its way stays as it was read, whatever becomes of the log.
#[tokio::test]
async fn a_file_that_is_cut_and_removed_is_sent_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 4_000_000);
    let pieces = answer(&file);
    let expected = bytes_of(&pieces).repeat(2);
    let (near, mut far) = sockets().await;
    let mut got = vec![0; 1000];
    let sender = send(near, true, pieces);
    far.read_exact(&mut got).await.unwrap();
    file.truncate(80_000).unwrap();
    file.append(&mut [IoSlice::new(&[7; 500_000])]).unwrap();
    RealDisk.remove_file(&folder.path().join("00000000000000000000.log")).unwrap();
    far.read_to_end(&mut got).await.unwrap();
    sender.await.unwrap().unwrap();
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_others_cut_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = answer(&file(&folder, 4_000_000));
    let path = folder.path().join("00000000000000000000.log");
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(500_000).unwrap();
    let (near, mut far) = sockets().await;
    let sender = send(near, true, pieces);
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.unwrap();
    assert_eq!(sender.await.unwrap().unwrap_err().to_string(), "the file became shorter while it was sent");
    assert_eq!(got.len(), 4 + (500_000 - 70_001), "what there was, and then the end instead of silence");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_may_leave() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<Piece> = std::iter::repeat_with(|| answer(&file(&folder, 4_000_000))).take(5).flatten().collect();
    for from_files in [true, false] {
        let (near, far) = sockets().await;
        let mut stuck = send(near, from_files, many.clone());
        let waited = tokio::time::timeout(Duration::from_millis(50), &mut stuck).await;
        assert!(waited.is_err(), "nobody took 40 MB");
        let (near, mut other) = sockets().await;
        let served = send(near, from_files, vec![Piece::from(Bytes::from_static(b"hello"))]);
        let mut got = Vec::new();
        other.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"hellohello");
        served.await.unwrap().unwrap();
        drop(far);
        let error = stuck.await.unwrap().unwrap_err();
        assert!([io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe].contains(&error.kind()), "{error}");
    }
}
