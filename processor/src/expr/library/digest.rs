//! Hashes of texts, in hexadecimal.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Function, Kind, MISSHAPEN, PLAIN, string};
use crate::expr::{EvalError, Expr, Value};

/// The hash functions.
pub(crate) const HASHES: &[Function] = &[
    Function {
        name: "MD5",
        form: "MD5(text)",
        about: "the MD5 hash, 32 hexadecimal digits",
        compute: |values, _| hashed(values, md5),
        ..PLAIN
    },
    Function {
        name: "SHA1",
        form: "SHA1(text)",
        about: "the SHA-1 hash, 40 hexadecimal digits",
        compute: |values, _| hashed(values, sha1),
        ..PLAIN
    },
    Function {
        name: "SHA224",
        form: "SHA224(text)",
        about: "the SHA-224 hash",
        compute: |values, _| hashed(values, |b| Sha224::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA256",
        form: "SHA256(text)",
        about: "the SHA-256 hash",
        compute: |values, _| hashed(values, |b| Sha256::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA384",
        form: "SHA384(text)",
        about: "the SHA-384 hash",
        compute: |values, _| hashed(values, |b| Sha384::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA512",
        form: "SHA512(text)",
        about: "the SHA-512 hash",
        compute: |values, _| hashed(values, |b| Sha512::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA2",
        form: "SHA2(text, bits)",
        about: "the hash of the SHA-2 family with so many bits: 224, 256, 384 or 512",
        arguments: &[Kind::Text, Kind::Integer],
        compute: |values, _| match values {
            [text, Value::Integer(bits)] => hashed(
                std::slice::from_ref(text),
                match bits {
                    224 => |b| Sha224::digest(b).to_vec(),
                    256 => |b| Sha256::digest(b).to_vec(),
                    384 => |b| Sha384::digest(b).to_vec(),
                    512 => |b| Sha512::digest(b).to_vec(),
                    _ => return Ok(Value::Null),
                },
            ),
            _ => Err(MISSHAPEN),
        },
        check: known_bits,
        ..PLAIN
    },
];

fn known_bits(arguments: &[Expr]) -> Result<(), (usize, String)> {
    match arguments.get(1).and_then(Expr::as_literal) {
        Some(Value::Integer(224 | 256 | 384 | 512) | Value::Null) | None => Ok(()),
        Some(_) => Err((1, "SHA2 has 224, 256, 384 or 512 bits".to_owned())),
    }
}

fn hashed(values: &[Value<'_>], hash: fn(&[u8]) -> Vec<u8>) -> Result<Value<'static>, EvalError> {
    match values {
        [Value::String(text)] => Ok(string(hexadecimal(&hash(text.as_bytes())))),
        _ => Err(MISSHAPEN),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message with a one bit, zeros and its length in bits after it, in blocks of 64 bytes (RFC 1321, RFC 3174).
fn padded(message: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let at = padded.len() - 8;
    padded[at..].copy_from_slice(&length);
    padded
}

/// RFC 1321.
fn md5(message: &[u8]) -> Vec<u8> {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let bits = (message.len() as u64).wrapping_mul(8);
    for block in padded(message, bits.to_le_bytes()).chunks_exact(64) {
        let word =
            |at: usize| u32::from_le_bytes([block[at * 4], block[at * 4 + 1], block[at * 4 + 2], block[at * 4 + 3]]);
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64 {
            let (mixed, at) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), 7 * step % 16),
            };
            let sine = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(sine).wrapping_add(word(at));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
        }
        state =
            [state[0].wrapping_add(a), state[1].wrapping_add(b), state[2].wrapping_add(c), state[3].wrapping_add(d)];
    }
    state.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// RFC 3174.
fn sha1(message: &[u8]) -> Vec<u8> {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let bits = (message.len() as u64).wrapping_mul(8);
    for block in padded(message, bits.to_be_bytes()).chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (step, word) in words.iter().enumerate() {
            let (mixed, constant) = match step / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc_u32),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *word = word.wrapping_add(add);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test suites of RFC 1321 and RFC 3174 (FIPS 180-1), the lengths on both sides of a block's end among them.
    #[test]
    fn hashes_are_those_of_the_standards() {
        let twenty = "12345678901234567890".repeat(4);
        let alphabet = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        for (message, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (&twenty, "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(hexadecimal(&md5(message.as_bytes())), expected);
        }
        assert_eq!(hexadecimal(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hexadecimal(&sha1(alphabet.as_bytes())), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hexadecimal(&sha1("a".repeat(1_000_000).as_bytes())), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }
}
