//! Frames: a length of four bytes, then that many bytes. Memory grows with what has arrived, never with what was announced.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

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
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A frame up to this size is given its memory at once; a larger one grows as its bytes arrive.
const EAGER_BYTES: usize = 256 * 1024;

/// Reads one frame, without its length.
pub async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S, max: usize) -> Result<Bytes, FrameError> {
    let length = read_length(stream).await?;
    if length < 0 {
        return Err(FrameError::Negative(length));
    }
    let want = length.unsigned_abs() as usize;
    if want > max {
        return Err(FrameError::TooLarge { length, max });
    }
    let mut body = BytesMut::with_capacity(want.min(EAGER_BYTES));
    while body.len() < want {
        if body.len() == body.capacity() {
            body.reserve(body.len().min(want - body.len()));
        }
        let left = want - body.len();
        if (&mut *stream).take(left as u64).read_buf(&mut body).await? == 0 {
            return Err(FrameError::Truncated { have: body.len(), want });
        }
    }
    Ok(body.freeze())
}

async fn read_length<S: AsyncRead + Unpin>(stream: &mut S) -> Result<i32, FrameError> {
    let mut length = [0u8; 4];
    let mut have = 0;
    while have < length.len() {
        match stream.read(&mut length[have..]).await? {
            0 if have == 0 => return Err(FrameError::Closed),
            0 => return Err(FrameError::Truncated { have, want: length.len() }),
            n => have += n,
        }
    }
    Ok(i32::from_be_bytes(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> Result<Bytes, FrameError> {
        read_frame(&mut bytes, 1_000_000).await
    }

    #[tokio::test]
    async fn a_whole_frame_is_read_without_its_length() {
        let mut bytes = 600_000i32.to_be_bytes().to_vec();
        bytes.extend(std::iter::repeat_n(7u8, 600_000));
        assert_eq!(read(&bytes).await.unwrap(), Bytes::from(vec![7u8; 600_000]));
    }

    #[tokio::test]
    async fn bad_lengths_and_early_ends_are_told_apart() {
        assert!(matches!(read(&[]).await, Err(FrameError::Closed)));
        assert!(matches!(read(&[0, 0]).await, Err(FrameError::Truncated { have: 2, want: 4 })));
        assert!(matches!(read(&(-5i32).to_be_bytes()).await, Err(FrameError::Negative(-5))));
        assert!(matches!(read(&i32::MAX.to_be_bytes()).await, Err(FrameError::TooLarge { .. })));
        assert!(matches!(read(&[0, 0, 0, 9, 1]).await, Err(FrameError::Truncated { have: 1, want: 9 })));
    }
}
