//! Fields of flexible versions (KIP-482) for answers that `kafka-protocol` cannot write.

use bytes::{BufMut, BytesMut};

fn put_unsigned_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// The number of elements of an array, before them. An answer has fewer than four billion of anything.
pub fn put_compact_count(out: &mut BytesMut, count: usize) {
    put_unsigned_varint(out, u32::try_from(count + 1).expect("an answer is smaller than 4 GiB"));
}

/// A text that may be null.
pub fn put_compact_nullable_text(out: &mut BytesMut, text: Option<&str>) {
    match text {
        None => out.put_u8(0),
        Some(text) => {
            put_compact_count(out, text.len());
            out.extend_from_slice(text.as_bytes());
        }
    }
}
