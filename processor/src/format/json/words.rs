//! Looking at several bytes of a text at a time.

/// Sixteen bytes as two words, the first byte lowest.
#[inline]
pub(super) fn two_words(bytes: &[u8; 16]) -> [u64; 2] {
    let word = u128::from_le_bytes(*bytes);
    [word as u64, (word >> 64) as u64]
}

/// The powers of ten, by how many digits they stand for.
pub(super) const POWERS: [i64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The digits that come next, up to eight of them, found without looking at one after the other.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    /// Eight bytes, the first one lowest.
    bytes: u64,
    /// How many of them are digits before anything else comes.
    pub(super) count: usize,
}

impl Digits {
    /// Those from `at` on.
    #[inline]
    pub(super) fn at(json: &[u8], at: usize) -> Digits {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        let bytes = eight_from(json, at);
        let values = bytes ^ (ONES * u64::from(b'0'));
        // A byte's high bit is set if its value is above nine; what it may carry over is behind the first one that counts.
        let others = (values | values.wrapping_add(ONES * 0x76)) & (ONES * 0x80);
        Digits { bytes, count: others.trailing_zeros() as usize / 8 }
    }

    /// The number that they are: pairs of neighbours are put together three times.
    #[inline]
    pub(super) fn number(self) -> i64 {
        // Zeros go in front of what is less than eight digits; of none at all nothing is left.
        let digits = self.bytes.checked_shl(64 - 8 * self.count as u32).unwrap_or(0);
        let ones = digits & 0x0f0f_0f0f_0f0f_0f0f;
        let twos = ones.wrapping_mul(10).wrapping_add(ones >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = twos.wrapping_mul(100).wrapping_add(twos >> 16) & 0x0000_ffff_0000_ffff;
        (fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff) as i64
    }
}

/// The eight bytes from `at` on; zeros where the text has ended.
#[inline]
fn eight_from(json: &[u8], at: usize) -> u64 {
    let rest = &json[at..];
    if let Some(bytes) = rest.first_chunk::<8>() {
        return u64::from_le_bytes(*bytes);
    }
    match json.last_chunk::<8>() {
        // The last eight bytes, without those before.
        Some(bytes) => u64::from_le_bytes(*bytes).checked_shr(64 - 8 * rest.len() as u32).unwrap_or(0),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// How many bytes there are before the first quote, backslash or control character.
#[inline]
pub(super) fn plain_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(bytes) = text[at..].first_chunk::<16>() {
        let found = special_of(bytes);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    plain_length_of_rest(text, at)
}

/// Of sixteen bytes, which are a quote, a backslash or a control character: all bits of these are set, the first byte's are lowest. In a form of
/// which compilers make one step.
#[inline]
fn special_of(bytes: &[u8; 16]) -> u128 {
    let special = |byte| (byte == b'"') | (byte == b'\\') | (byte < 0x20);
    u128::from_le_bytes(bytes.map(|byte| if special(byte) { 0xff } else { 0 }))
}

/// As [`plain_length`], from `at` on, behind which there are less than sixteen bytes.
fn plain_length_of_rest(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    if let Some(bytes) = text[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*bytes);
        let (quote, backslash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        // A byte's high bit is set where subtracting borrowed from it; the lowest one set is never a false one.
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
        let found = (below(quote, 1) | below(backslash, 1) | below(word, 0x20)) & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(*byte, b'"' | b'\\' | 0..0x20);
    text[at..].iter().position(special).map_or(text.len(), |more| at + more)
}
