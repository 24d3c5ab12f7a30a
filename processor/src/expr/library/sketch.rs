//! What the states of aggregate functions that are kept as bytes say: different values counted approximately, and percentiles.
//!
//! These functions stand over an aggregate's result in a plan; nobody calls them by name.

use super::{Function, Kind, MISSHAPEN, PLAIN, Returns};
use crate::expr::{DataType, EvalError, Value};

/// `APPROX_COUNT_DISTINCT` of its sketch.
pub(crate) const ESTIMATE: &Function = &Function {
    name: "ESTIMATE",
    arguments: &[Kind::Bytes],
    takes_null: true,
    result: Returns::Is(DataType::BigInt),
    compute: |values, _| match values {
        [Value::Bytes(sketch)] => Ok(Value::Integer(estimate(sketch))),
        _ => Ok(Value::Integer(0)),
    },
    ..PLAIN
};

/// `PERCENTILE` of its values, and the fraction.
pub(crate) const PERCENTILE: &Function = &Function {
    name: "PERCENTILE",
    arguments: &[Kind::Bytes, Kind::Double],
    result: Returns::Is(DataType::Double),
    compute: percentile,
    ..PLAIN
};

/// A sketch is 2^12 registers: counts are 1.6 % wrong in the middle (1.04 / sqrt(4096)).
const BITS: u32 = 12;
/// A sketch of few values is a list of their hashes, in order; with more it is registers.
const MOST_LISTED: usize = 256;
const REGISTERS: usize = 1 << BITS;

/// Takes one more value, given by its bytes, into a sketch.
pub(crate) fn add(sketch: &mut Vec<u8>, value: &[u8]) {
    let hash = hash(value);
    if sketch.len() == REGISTERS {
        return count(sketch, hash);
    }
    let (listed, _) = sketch.as_chunks::<8>();
    // Written with the largest byte first, they are in the order of their bytes.
    let Err(place) = listed.binary_search(&hash.to_be_bytes()) else { return };
    if listed.len() + 1 < MOST_LISTED {
        sketch.splice(place * 8..place * 8, hash.to_be_bytes());
    } else {
        *sketch = registers(hashes(sketch));
        count(sketch, hash);
    }
}

/// The sketch of what two have seen.
pub(crate) fn merged(a: &[u8], b: &[u8]) -> Vec<u8> {
    if a.len() != REGISTERS && b.len() != REGISTERS {
        let mut hashes: Vec<u64> = hashes(a).chain(hashes(b)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        if hashes.len() < MOST_LISTED {
            return hashes.into_iter().flat_map(u64::to_be_bytes).collect();
        }
        return registers(hashes.into_iter());
    }
    let expanded = |sketch: &[u8]| if sketch.len() == REGISTERS { sketch.to_vec() } else { registers(hashes(sketch)) };
    expanded(a).into_iter().zip(expanded(b)).map(|(a, b)| a.max(b)).collect()
}

fn hashes(list: &[u8]) -> impl Iterator<Item = u64> {
    list.chunks_exact(8).map(|hash| hash.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn registers(hashes: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut registers = vec![0_u8; REGISTERS];
    hashes.for_each(|hash| count(&mut registers, hash));
    registers
}

/// Takes a hash into registers.
fn count(registers: &mut [u8], hash: u64) {
    let register = &mut registers[(hash >> (64 - BITS)) as usize];
    *register = (*register).max((hash << BITS | 1 << (BITS - 1)).leading_zeros() as u8 + 1);
}

/// Flajolet and others, HyperLogLog, 2007; with linear counting while registers are empty.
fn estimate(sketch: &[u8]) -> i64 {
    if sketch.len() != REGISTERS {
        return (sketch.len() / 8) as i64;
    }
    let count = REGISTERS as f64;
    let sum: f64 = sketch.iter().map(|register| (-f64::from(*register)).exp2()).sum();
    let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
    let empty = sketch.iter().filter(|register| **register == 0).count();
    let better = if raw <= 2.5 * count && empty > 0 { count * (count / empty as f64).ln() } else { raw };
    better.round() as i64
}

/// FNV-1a with the finalizer of SplitMix64: the same in every process, as sketches are kept.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// Between the two values whose ranks are next to `fraction * (n - 1)`, in proportion (Flink's PercentileAggFunction).
fn percentile(values: &[Value<'_>], _: &super::Call<'_>) -> Result<Value<'static>, EvalError> {
    let [Value::Bytes(kept), Value::Double(fraction)] = values else { return Err(MISSHAPEN) };
    let mut numbers: Vec<f64> = hashes(kept).map(f64::from_bits).collect();
    numbers.sort_by(f64::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else { return Ok(Value::Null) };
    let rank = fraction.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
    let value = if low == high { low } else { (rank.ceil() - rank) * low + (rank - rank.floor()) * high };
    Ok(Value::Double(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_counts_exactly_while_there_are_few_and_nearly_when_there_are_many() {
        for (count, tolerance) in [(1_i64, 0.0), (200, 0.0), (1000, 0.05), (20_000, 0.05), (100_000, 0.05)] {
            let mut sketch = Vec::new();
            // Each value twice, and halves put together.
            let mut other = Vec::new();
            for number in 0..count {
                let half = if number % 2 == 0 { &mut sketch } else { &mut other };
                add(half, &number.to_be_bytes());
                if count < 2000 {
                    add(&mut sketch, &number.to_be_bytes());
                }
            }
            let found = estimate(&merged(&sketch, &other));
            assert!((found - count).abs() as f64 <= tolerance * count as f64, "{found} instead of {count}");
        }
    }

    #[test]
    fn the_order_does_not_matter() {
        let values: Vec<[u8; 8]> = (0..500_u64).map(u64::to_be_bytes).collect();
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        for (at, (first, last)) in values.iter().zip(values.iter().rev()).enumerate() {
            add(&mut forth, first);
            add(&mut back, last);
            // One by one, or put together from sketches of one value.
            let alone =
                values[..=at].iter().fold(Vec::new(), |sketch, value| merged(&sketch, &hash(value).to_be_bytes()));
            assert_eq!(forth, alone, "{at}");
        }
        assert_eq!(forth, back);
    }
}
