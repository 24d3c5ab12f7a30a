//! Zig-zag variable-length integers as Kafka's records use them (Kafka: ByteUtils).

/// Appends `value` in zig-zag form, 1 to 5 bytes for values of 32 bits.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: i32) {
    put_varlong(out, i64::from(value));
}

/// Appends `value` in zig-zag form, 1 to 10 bytes.
#[inline]
pub(crate) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// The same to the bytes from `at` on, of which there must be ten. Returns where it ends.
#[inline]
pub(crate) fn set_varlong(out: &mut [u8], mut at: usize, value: i64) -> usize {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    while bits >= 0x80 {
        out[at] = bits as u8 | 0x80;
        (at, bits) = (at + 1, bits >> 7);
    }
    out[at] = bits as u8;
    at + 1
}

/// Number of bytes that [`put_varlong`] writes for `value`.
#[inline]
pub(crate) fn varlong_size(value: i64) -> usize {
    let bits = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (bits | 1).leading_zeros() as usize).div_ceil(7)
}

/// Takes a zig-zag integer of at most 32 bits off the front; `None` if it is cut off or longer than 5 bytes.
#[inline]
pub(crate) fn take_varint(input: &mut &[u8]) -> Option<i32> {
    let bits = take_unsigned(input, 5)? as u32;
    Some((bits >> 1) as i32 ^ -((bits & 1) as i32))
}

/// Takes a zig-zag integer of at most 64 bits off the front; `None` if it is cut off or longer than 10 bytes.
#[inline]
pub(crate) fn take_varlong(input: &mut &[u8]) -> Option<i64> {
    let bits = take_unsigned(input, 10)?;
    Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
}

#[inline]
fn take_unsigned(input: &mut &[u8], max_bytes: usize) -> Option<u64> {
    // Most are of one byte.
    match input.split_first() {
        Some((byte, rest)) if *byte < 0x80 => {
            *input = rest;
            Some(u64::from(*byte))
        }
        _ => take_long(input, max_bytes),
    }
}

fn take_long(input: &mut &[u8], max_bytes: usize) -> Option<u64> {
    let mut bits = 0u64;
    for at in 0..max_bytes {
        let byte = *input.get(at)?;
        bits |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *input = &input[at + 1..];
            return Some(bits);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_encodings() {
        // From Kafka's ByteUtilsTest.
        for (value, bytes) in [
            (0i64, &[0x00u8][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = Vec::new();
            put_varlong(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(varlong_size(value), bytes.len());
            let mut set = [7; 12];
            assert_eq!(set_varlong(&mut set, 1, value), 1 + bytes.len());
            assert_eq!(&set[1..=bytes.len()], bytes);
        }
        assert_eq!(take_varint(&mut &[0xff; 5][..]), None);
        assert_eq!(take_varlong(&mut &[0x80][..]), None);
    }

    proptest! {
        #[test]
        fn reads_back(long: i64, int: i32) {
            let mut out = Vec::new();
            put_varlong(&mut out, long);
            prop_assert_eq!(out.len(), varlong_size(long));
            put_varint(&mut out, int);
            let mut rest = &out[..];
            prop_assert_eq!(take_varlong(&mut rest), Some(long));
            prop_assert_eq!(take_varint(&mut rest), Some(int));
            prop_assert!(rest.is_empty());
        }
    }
}
