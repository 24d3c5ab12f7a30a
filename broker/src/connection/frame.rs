//! Frames: a length of four bytes, then that many bytes. Memory grows with what has arrived, never with what was announced.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::net::Foreign;

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed between two frames: the ordinary end.
    #[error("closed by the peer")]
    Closed,
    /// The peer closed in the middle of a frame.
    #[error("closed by the peer in the middle of a frame ({have} of {want} bytes)")]
    Truncated {
        /// Bytes that arrived.
        have: usize,
        /// Bytes announced.
        want: usize,
    },
    /// The length is negative.
    #[error("a frame announced a length of {0} bytes")]
    Negative(i32),
    /// The length is above `socket.request.max.bytes`.
    #[error("a frame announced {length} bytes, more than socket.request.max.bytes={max} allows")]
    TooLarge {
        /// What was announced.
        length: i32,
        /// What is allowed.
        max: usize,
    },
    /// What stands where a length should is the start of another protocol.
    #[error("{0}")]
    Foreign(Foreign),
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 4;
/// A read of the next frame's start has room for this much, in bytes.
const LEAST_ROOM: usize = 1024;
/// Room for small requests, several at a time, in bytes.
const SMALL_ROOM: usize = 16 * 1024;
/// Room for a peer that has sent a large frame: some producer's batches at a time, and little enough to stay in the cache, in bytes.
const LARGE_ROOM: usize = 256 * 1024;
/// A frame of this size makes a peer one that sends large frames, in bytes.
const LARGE_FRAME: usize = 32 * 1024;

/// What is there to go on with.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A frame without its length.
    Frame(Bytes),
    /// The length of a frame larger than [`LARGE_ROOM`], of which there is little yet.
    Large(usize),
}

impl Arrival {
    /// Bytes of the frame.
    pub fn bytes(&self) -> usize {
        match self {
            Arrival::Frame(frame) => frame.len(),
            Arrival::Large(bytes) => *bytes,
        }
    }
}

/// What has arrived of a peer's frames. The frames are slices of one buffer, which is used again when they are gone.
#[derive(Debug)]
pub struct Inbox {
    buffer: BytesMut,
    max: usize,
    room: usize,
    /// It was said that a large frame comes.
    announced: bool,
}

impl Inbox {
    /// Refuses frames of more than `max` bytes.
    pub fn new(max: usize) -> Inbox {
        Inbox { buffer: BytesMut::new(), max, room: SMALL_ROOM, announced: false }
    }

    /// The next frame without its length, if it is here whole.
    pub fn take(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(want) = self.announced()? else { return Ok(None) };
        if self.buffer.len() < LENGTH_BYTES + want {
            return Ok(None);
        }
        if want >= LARGE_FRAME {
            self.room = LARGE_ROOM;
        }
        self.announced = false;
        self.buffer.advance(LENGTH_BYTES);
        Ok(Some(self.buffer.split_to(want).freeze()))
    }

    /// The next frame, or once that a large one comes. May be dropped while it waits and called again.
    pub async fn next<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> Result<Arrival, FrameError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Arrival::Frame(frame));
            }
            if let Some(bytes) = self.announced()?
                && bytes > LARGE_ROOM
                && !self.announced
            {
                self.announced = true;
                return Ok(Arrival::Large(bytes));
            }
            self.make_room()?;
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(self.ended()?);
            }
        }
    }

    /// Whether nothing has arrived that was not taken.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Lets go of memory that a quiet peer does not need.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            (self.buffer, self.room) = (BytesMut::new(), SMALL_ROOM);
        }
    }

    /// Length of the frame that comes next, once its length has arrived.
    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(length) = self.buffer.first_chunk() else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        match usize::try_from(length) {
            Err(_) => Err(FrameError::Negative(length)),
            Ok(want) if want > self.max => Err(match Foreign::of(length.to_be_bytes()) {
                Some(foreign) => FrameError::Foreign(foreign),
                None => FrameError::TooLarge { length, max: self.max },
            }),
            Ok(want) => Ok(Some(want)),
        }
    }

    /// Room for the rest of the frame; for one larger than [`LARGE_ROOM`] only as much again as is here already.
    fn make_room(&mut self) -> Result<(), FrameError> {
        let have = self.buffer.len();
        // Without a length there may come anything: reads of a few bytes do not pay.
        let whole = self.announced()?.map_or(have + LEAST_ROOM, |want| LENGTH_BYTES + want);
        if self.buffer.capacity() > have && self.buffer.capacity() >= whole.min(LARGE_ROOM) {
            return Ok(());
        }
        let wanted = whole.max(self.room).min(LARGE_ROOM.max(2 * have));
        self.buffer.reserve(wanted - have);
        Ok(())
    }

    fn ended(&self) -> Result<FrameError, FrameError> {
        Ok(match (self.buffer.len(), self.announced()?) {
            (0, _) => FrameError::Closed,
            (have, None) => FrameError::Truncated { have, want: LENGTH_BYTES },
            (have, Some(want)) => FrameError::Truncated { have: have - LENGTH_BYTES, want },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    const MAX: usize = 1_000_000;

    async fn read(mut bytes: &[u8]) -> Result<Bytes, FrameError> {
        next(&mut Inbox::new(MAX), &mut bytes).await
    }

    /// The next frame, large or not.
    async fn next<S: AsyncRead + Unpin>(inbox: &mut Inbox, stream: &mut S) -> Result<Bytes, FrameError> {
        loop {
            if let Arrival::Frame(frame) = inbox.next(stream).await? {
                return Ok(frame);
            }
        }
    }

    /// A frame of `length` bytes that differs from others of that length by `seed`.
    fn body(seed: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + seed * 7) as u8).collect()
    }

    fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
        bodies.iter().flat_map(|body| [&(body.len() as i32).to_be_bytes(), body.as_slice()].concat()).collect()
    }

    #[tokio::test]
    async fn a_whole_frame_is_read_without_its_length() {
        let frame = body(1, 600_000);
        assert_eq!(read(&framed(std::slice::from_ref(&frame))).await.unwrap(), frame);
        assert_eq!(read(&[0, 0, 0, 0]).await.unwrap(), Bytes::new());
    }

    #[tokio::test]
    async fn a_large_frame_is_announced_once_before_it_is_read() {
        let bytes = framed(&[body(1, LARGE_ROOM), body(2, LARGE_ROOM + 1), body(3, 5)]);
        let (mut inbox, mut stream) = (Inbox::new(MAX), &bytes[..]);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            let arrival = inbox.next(&mut stream).await.unwrap();
            sizes.push((matches!(arrival, Arrival::Large(_)), arrival.bytes()));
        }
        let large = LARGE_ROOM + 1;
        assert_eq!(sizes, [(false, LARGE_ROOM), (true, large), (false, large), (false, 5)]);
    }

    #[tokio::test]
    async fn bad_lengths_and_early_ends_are_told_apart() {
        assert!(matches!(read(&[]).await, Err(FrameError::Closed)));
        assert!(matches!(read(&[0, 0]).await, Err(FrameError::Truncated { have: 2, want: 4 })));
        assert!(matches!(read(&(-5i32).to_be_bytes()).await, Err(FrameError::Negative(-5))));
        assert!(matches!(read(&i32::MAX.to_be_bytes()).await, Err(FrameError::TooLarge { .. })));
        assert!(matches!(read(&[0, 0, 0, 9, 1]).await, Err(FrameError::Truncated { have: 1, want: 9 })));
    }

    /// Small and large frames back to back, through pipes of many widths, so that they are cut at every place; some are kept
    /// while later ones are read, so that the buffer may not be used again below them.
    #[tokio::test]
    async fn frames_may_be_cut_anywhere_and_stand_back_to_back() {
        let lengths = [5, 0, 70_000, 1, 40_000, 40_000, 300_000, 3, 65_600, 65_600, 65_600, 65_600, 9, 262_140, 17];
        let bodies: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(seed, length)| body(seed, *length)).collect();
        let bytes = framed(&bodies);
        for width in [7usize, 61, 4096, 65_537, 1_000_000] {
            let (mut near, mut far) = tokio::io::duplex(width);
            let bytes = bytes.clone();
            let writer = tokio::spawn(async move { near.write_all(&bytes).await });
            let mut inbox = Inbox::new(MAX);
            let mut kept = Vec::new();
            for (at, expected) in bodies.iter().enumerate() {
                let frame = next(&mut inbox, &mut far).await.unwrap();
                assert_eq!(frame, expected, "frame {at} through a pipe of {width}");
                if at % 3 == 0 {
                    kept.push((at, frame));
                }
            }
            writer.await.unwrap().unwrap();
            assert!(kept.iter().all(|(at, frame)| frame == &bodies[*at]));
            assert!(matches!(next(&mut inbox, &mut far).await, Err(FrameError::Closed)));
        }
    }

    #[tokio::test]
    async fn every_cut_of_two_small_frames_is_read() {
        let bodies = [body(1, 11), body(2, 6)];
        let bytes = framed(&bodies);
        for cut in 0..bytes.len() {
            let mut stream = AsyncReadExt::chain(&bytes[..cut], &bytes[cut..]);
            let mut inbox = Inbox::new(MAX);
            for expected in &bodies {
                assert_eq!(next(&mut inbox, &mut stream).await.unwrap(), expected, "cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn memory_grows_with_what_arrives_and_is_let_go() {
        let mut inbox = Inbox::new(MAX);
        let mut start = 900_000i32.to_be_bytes().to_vec();
        start.extend(body(1, 1000));
        let mut stream = start.as_slice();
        assert!(matches!(
            next(&mut inbox, &mut stream).await,
            Err(FrameError::Truncated { have: 1000, want: 900_000 })
        ));
        assert!(inbox.buffer.capacity() <= 2 * LARGE_ROOM, "{}", inbox.buffer.capacity());
        let bytes = framed(&[body(1, 65_000), body(2, 65_000)]);
        let mut inbox = Inbox::new(MAX);
        let mut stream = bytes.as_slice();
        next(&mut inbox, &mut stream).await.unwrap();
        inbox.release();
        assert_eq!(next(&mut inbox, &mut stream).await.unwrap(), body(2, 65_000), "what has arrived is kept");
        inbox.release();
        assert_eq!(inbox.buffer.capacity(), 0);
    }
}
