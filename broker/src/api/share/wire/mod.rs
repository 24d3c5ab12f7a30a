//! Versions of share groups' APIs that `kafka-protocol` does not know: those of Kafka 4.2 and 4.3 (KIP-1206, KIP-1222, KIP-1226).
//!
//! They differ from the version before by a field or two, so each is read or written as that one, and the fields are taken out or
//! put in.

pub mod describe_offsets;
pub mod read_state_summary;
pub mod share_acknowledge;
pub mod share_fetch;
pub mod write_state;

use bytes::{Buf, Bytes, BytesMut};

/// The version that answers have whose form has not changed since.
pub const FIRST_ENCODED: i16 = 0;

/// The bytes of a text with a compact length at `at`, length included; 1 byte is null or empty.
fn compact_text_length(body: &[u8], at: usize) -> Option<usize> {
    let mut length: usize = 0;
    for (index, byte) in body.get(at..)?.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(index + 1 + length.saturating_sub(1));
        }
    }
    None
}

/// Takes `length` bytes at `at` out of `body`, which is left to be read as if they had never been there.
fn cut(body: &mut Bytes, at: usize, length: usize) -> Option<Bytes> {
    if body.remaining() < at + length {
        return None;
    }
    let mut joined = BytesMut::with_capacity(body.len() - length);
    joined.extend_from_slice(&body[..at]);
    joined.extend_from_slice(&body[at + length..]);
    let taken = body.slice(at..at + length);
    *body = joined.freeze();
    Some(taken)
}
