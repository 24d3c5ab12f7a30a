//! XXH3 with 64 bits and seed 0, the hash behind a group's metadata hash (Kafka: Utils.computeTopicHash, through hash4j).
//!
//! Source: the XXH3 specification of the xxHash project. Inputs of fewer than 4 bytes do not occur and are not known here.

const SECRET: [u8; 192] = [
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d,
    0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0,
    0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0,
    0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b,
    0x1b, 0x53, 0x2e, 0xa3, 0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac,
    0xd8, 0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51,
    0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34,
    0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49,
    0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e, 0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8,
    0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b,
    0x40, 0x7e,
];

const PRIME32_1: u64 = 0x9E37_79B1;
const PRIME32_2: u64 = 0x85EB_CA77;
const PRIME32_3: u64 = 0xC2B2_AE3D;
const PRIME64_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME64_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME64_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME64_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME64_5: u64 = 0x27D4_EB2F_1656_67C5;
const PRIME_MX1: u64 = 0x1656_6791_9E37_79F9;
const PRIME_MX2: u64 = 0x9FB2_1C65_1E98_DF25;

const STRIPE: usize = 64;
const STRIPES_PER_BLOCK: usize = (SECRET.len() - STRIPE) / 8;
const BLOCK: usize = STRIPE * STRIPES_PER_BLOCK;

/// The hash of `input`, which has at least 4 bytes.
pub(super) fn hash(input: &[u8]) -> u64 {
    match input.len() {
        0..=8 => hash_4_to_8(input),
        9..=16 => hash_9_to_16(input),
        17..=128 => hash_17_to_128(input),
        129..=240 => hash_129_to_240(input),
        _ => hash_long(input),
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes")))
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

fn avalanche(mut hash: u64) -> u64 {
    hash ^= hash >> 37;
    hash = hash.wrapping_mul(PRIME_MX1);
    hash ^ (hash >> 32)
}

fn mix_16(input: &[u8], at: usize, secret: usize) -> u64 {
    fold(u64_at(input, at) ^ u64_at(&SECRET, secret), u64_at(input, at + 8) ^ u64_at(&SECRET, secret + 8))
}

fn hash_4_to_8(input: &[u8]) -> u64 {
    let length = input.len() as u64;
    let both = u32_at(input, input.len() - 4).wrapping_add(u32_at(input, 0) << 32);
    let mut hash = both ^ u64_at(&SECRET, 8) ^ u64_at(&SECRET, 16);
    hash ^= hash.rotate_left(49) ^ hash.rotate_left(24);
    hash = hash.wrapping_mul(PRIME_MX2);
    hash ^= (hash >> 35).wrapping_add(length);
    hash = hash.wrapping_mul(PRIME_MX2);
    hash ^ (hash >> 28)
}

fn hash_9_to_16(input: &[u8]) -> u64 {
    let low = u64_at(input, 0) ^ u64_at(&SECRET, 24) ^ u64_at(&SECRET, 32);
    let high = u64_at(input, input.len() - 8) ^ u64_at(&SECRET, 40) ^ u64_at(&SECRET, 48);
    let sum = (input.len() as u64).wrapping_add(low.swap_bytes()).wrapping_add(high).wrapping_add(fold(low, high));
    avalanche(sum)
}

fn hash_17_to_128(input: &[u8]) -> u64 {
    let mut sum = (input.len() as u64).wrapping_mul(PRIME64_1);
    for pair in (0..(input.len() - 1) / 32 + 1).rev() {
        sum = sum.wrapping_add(mix_16(input, 16 * pair, 32 * pair));
        sum = sum.wrapping_add(mix_16(input, input.len() - 16 * (pair + 1), 32 * pair + 16));
    }
    avalanche(sum)
}

fn hash_129_to_240(input: &[u8]) -> u64 {
    let mut sum = (input.len() as u64).wrapping_mul(PRIME64_1);
    for round in 0..8 {
        sum = sum.wrapping_add(mix_16(input, 16 * round, 16 * round));
    }
    sum = avalanche(sum);
    for round in 8..input.len() / 16 {
        sum = sum.wrapping_add(mix_16(input, 16 * round, 16 * (round - 8) + 3));
    }
    avalanche(sum.wrapping_add(mix_16(input, input.len() - 16, 136 - 17)))
}

fn accumulate(sums: &mut [u64; 8], input: &[u8], at: usize, secret: usize) {
    for lane in 0..8 {
        let value = u64_at(input, at + 8 * lane);
        let keyed = value ^ u64_at(&SECRET, secret + 8 * lane);
        sums[lane ^ 1] = sums[lane ^ 1].wrapping_add(value);
        sums[lane] = sums[lane].wrapping_add((keyed & 0xffff_ffff).wrapping_mul(keyed >> 32));
    }
}

fn scramble(sums: &mut [u64; 8]) {
    for (lane, sum) in sums.iter_mut().enumerate() {
        *sum = (*sum ^ (*sum >> 47) ^ u64_at(&SECRET, SECRET.len() - STRIPE + 8 * lane)).wrapping_mul(PRIME32_1);
    }
}

fn hash_long(input: &[u8]) -> u64 {
    let mut sums = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];
    let blocks = (input.len() - 1) / BLOCK;
    for block in 0..blocks {
        for stripe in 0..STRIPES_PER_BLOCK {
            accumulate(&mut sums, input, block * BLOCK + stripe * STRIPE, 8 * stripe);
        }
        scramble(&mut sums);
    }
    for stripe in 0..(input.len() - 1 - blocks * BLOCK) / STRIPE {
        accumulate(&mut sums, input, blocks * BLOCK + stripe * STRIPE, 8 * stripe);
    }
    accumulate(&mut sums, input, input.len() - STRIPE, SECRET.len() - STRIPE - 7);
    let mut hash = (input.len() as u64).wrapping_mul(PRIME64_1);
    for pair in 0..4 {
        let (a, b) = (u64_at(&SECRET, 11 + 16 * pair), u64_at(&SECRET, 19 + 16 * pair));
        hash = hash.wrapping_add(fold(sums[2 * pair] ^ a, sums[2 * pair + 1] ^ b));
    }
    avalanche(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by hash4j 0.22, the library that Kafka 4.3 uses.
    const HASHES: &[(usize, u64)] = &[
        (4, 0x6d92_53b1_6c8b_1ed3),
        (5, 0x9986_20e1_0e3a_4b37),
        (8, 0x6053_9db6_3047_1163),
        (9, 0xfeff_6683_61d7_23a8),
        (16, 0xb8c8_59b0_f030_b585),
        (17, 0x714a_0440_8e79_b80f),
        (32, 0x19ff_4ee1_d6ba_1a55),
        (33, 0x3e44_983a_d216_79c8),
        (48, 0xacfd_dc85_e065_9691),
        (64, 0x287e_b1fa_9e4b_e2c1),
        (65, 0x8292_18de_4d79_8646),
        (96, 0xf084_e7cf_bc62_4743),
        (97, 0x1daa_8327_1a8e_7b7c),
        (128, 0x6742_5a03_6502_61bf),
        (129, 0xc664_bf33_11c6_abc4),
        (144, 0x606a_17fa_700b_b932),
        (200, 0x746c_d002_5327_bf5b),
        (240, 0x6455_6dc6_b462_a6cf),
        (241, 0x8bea_dd3a_8874_fe17),
        (256, 0x3c38_817f_6d79_c0da),
        (1024, 0x9b81_661c_641c_72b1),
        (1025, 0x806c_2072_ed71_3576),
        (1088, 0x2f87_81e0_1841_f0da),
        (3000, 0xc891_78bb_873c_6b3d),
    ];

    #[test]
    fn hashes_are_those_of_hash4j() {
        for (length, expected) in HASHES {
            let input: Vec<u8> = (0..*length).map(|i| (i * 7 + 3) as u8).collect();
            assert_eq!(hash(&input), *expected, "{length} bytes");
        }
    }
}
