//! A 128-bit hash of keys: SipHash-2-4 with the long output (Aumasson and Bernstein), under a secret of the process, so that nobody
//! can write two keys that are taken for one.

use std::hash::{BuildHasher, RandomState};

/// The secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct HashKey(pub(super) u64, pub(super) u64);

impl HashKey {
    /// A secret that no one knows. It decides about places in a map in memory and about nothing that is written.
    pub(super) fn secret() -> HashKey {
        HashKey(RandomState::new().hash_one(0), RandomState::new().hash_one(1))
    }

    pub(super) fn hash(self, bytes: &[u8]) -> (u64, u64) {
        let mut state = State([
            self.0 ^ 0x736f_6d65_7073_6575,
            self.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            self.0 ^ 0x6c79_6765_6e65_7261,
            self.1 ^ 0x7465_6462_7974_6573,
        ]);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            state.absorb(u64::from_le_bytes(word.try_into().expect("chunks have 8 bytes")));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        last[7] = bytes.len() as u8;
        state.absorb(u64::from_le_bytes(last));
        state.0[2] ^= 0xee;
        let first = state.squeeze();
        state.0[1] ^= 0xdd;
        (first, state.squeeze())
    }
}

struct State([u64; 4]);

impl State {
    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn squeeze(&mut self) -> u64 {
        (0..4).for_each(|_| self.round());
        self.0.iter().fold(0, |all, word| all ^ word)
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_vectors() {
        // vectors_sip128 of the reference implementation: key 00..0f, input the first n of 00 01 02 ...
        let key = HashKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let expected: [[u8; 16]; 3] = [
            [0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93],
            [0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45],
            [0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff, 0xe4],
        ];
        for (length, expected) in expected.iter().enumerate() {
            let input: Vec<u8> = (0..length as u8).collect();
            let (first, second) = key.hash(&input);
            assert_eq!([first.to_le_bytes(), second.to_le_bytes()].concat(), expected, "{length}");
        }
    }
}
