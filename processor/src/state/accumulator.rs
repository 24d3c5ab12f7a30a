//! What an aggregate function keeps for one key of one window, and its form in the changelog.

use super::codec::{decode_value, encode_value, take};
use super::counter::Counter;
use super::distinct::DistinctValues;
use super::ranked::RankedRows;
use super::rows::KeptRows;
use crate::expr::Value;

/// The state of one aggregate function call. 16 bytes, so that a key of a few aggregates stays within a cache line or two.
#[derive(Clone, Debug, PartialEq)]
pub enum Accumulator {
    /// COUNT.
    Count(i64),
    /// SUM, MIN, MAX over integers before the first value.
    NoInteger,
    /// The same from the first value on.
    Integer(i64),
    /// SUM, MIN, MAX over FLOAT and DOUBLE before the first value.
    NoDouble,
    /// The same from the first value on.
    Double(f64),
    /// SUM, MIN, MAX over everything else; NULL before the first value. Boxed, as it is the rare and large case.
    Value(Box<Value<'static>>),
    /// AVG over integers.
    IntegerMean {
        /// Sum of the values, wrapping around.
        sum: i64,
        /// Number of values.
        count: Counter,
    },
    /// AVG over FLOAT and DOUBLE.
    DoubleMean {
        /// Sum of the values.
        sum: f64,
        /// Number of values.
        count: Counter,
    },
    /// AVG over DECIMAL: sum (`None` once it has left the range) and number of values. Boxed as an `i128` is large.
    DecimalMean(Box<(Option<i128>, i64)>),
    /// COUNT, SUM, AVG with DISTINCT: the values. Boxed as it is rare and large.
    Distinct(Box<DistinctValues>),
    /// The rows themselves, of a windowing function without an aggregation.
    Rows(Box<KeptRows>),
    /// The first rows by an order.
    Ranked(Box<RankedRows>),
    /// What a changelog has of [`Accumulator::Distinct`] after so many values that came before; only while it is read.
    MoreDistinct(u32, Box<DistinctValues>),
}

const COUNT: u8 = 0;
const NO_INTEGER: u8 = 1;
const INTEGER: u8 = 2;
const NO_DOUBLE: u8 = 3;
const DOUBLE: u8 = 4;
const VALUE: u8 = 5;
const INTEGER_MEAN: u8 = 6;
const DOUBLE_MEAN: u8 = 7;
const NO_DECIMAL_MEAN: u8 = 8;
const DECIMAL_MEAN: u8 = 9;
const DISTINCT: u8 = 10;
const ROWS: u8 = 11;
const RANKED: u8 = 12;

impl Accumulator {
    /// Appends its form in the changelog: a tag byte, then its numbers big-endian. Unless it is to be `whole`, what may be large has only
    /// what came after the last [`Accumulator::mark_clean`].
    pub fn encode(&self, whole: bool, out: &mut Vec<u8>) {
        let mut put = |tag: u8, parts: &[&[u8]]| {
            out.push(tag);
            parts.iter().for_each(|part| out.extend_from_slice(part));
        };
        match self {
            Self::Count(n) => put(COUNT, &[&n.to_be_bytes()]),
            Self::NoInteger => put(NO_INTEGER, &[]),
            Self::Integer(v) => put(INTEGER, &[&v.to_be_bytes()]),
            Self::NoDouble => put(NO_DOUBLE, &[]),
            Self::Double(v) => put(DOUBLE, &[&v.to_bits().to_be_bytes()]),
            Self::Value(value) => {
                put(VALUE, &[]);
                encode_value(value, out);
            }
            Self::IntegerMean { sum, count } => put(INTEGER_MEAN, &[&sum.to_be_bytes(), &count.get().to_be_bytes()]),
            Self::DoubleMean { sum, count } => {
                put(DOUBLE_MEAN, &[&sum.to_bits().to_be_bytes(), &count.get().to_be_bytes()]);
            }
            Self::DecimalMean(mean) => match **mean {
                (None, count) => put(NO_DECIMAL_MEAN, &[&count.to_be_bytes()]),
                (Some(sum), count) => put(DECIMAL_MEAN, &[&sum.to_be_bytes(), &count.to_be_bytes()]),
            },
            Self::Distinct(values) => {
                put(DISTINCT, &[]);
                values.encode(whole, out);
            }
            Self::Rows(rows) => {
                let bytes = rows.bytes();
                put(ROWS, &[&(bytes.len() as u32).to_be_bytes(), bytes]);
            }
            Self::Ranked(rows) => {
                put(RANKED, &[]);
                rows.encode(out);
            }
            // Never kept: it becomes what it adds to.
            Self::MoreDistinct(_, values) => {
                put(DISTINCT, &[]);
                values.encode(true, out);
            }
        }
    }

    /// Takes one off the front; `None` if the bytes are not one.
    #[must_use]
    pub fn decode(input: &mut &[u8]) -> Option<Accumulator> {
        let [tag] = *take(input)?;
        let long = |input: &mut &[u8]| take(input).map(|bytes| i64::from_be_bytes(*bytes));
        let double = |input: &mut &[u8]| take(input).map(|bytes| f64::from_bits(u64::from_be_bytes(*bytes)));
        let counter = |input: &mut &[u8]| Counter::new(long(input)?);
        Some(match tag {
            COUNT => Self::Count(long(input)?),
            NO_INTEGER => Self::NoInteger,
            INTEGER => Self::Integer(long(input)?),
            NO_DOUBLE => Self::NoDouble,
            DOUBLE => Self::Double(double(input)?),
            VALUE => Self::Value(Box::new(decode_value(input)?.into_owned())),
            INTEGER_MEAN => Self::IntegerMean { sum: long(input)?, count: counter(input)? },
            DOUBLE_MEAN => Self::DoubleMean { sum: double(input)?, count: counter(input)? },
            NO_DECIMAL_MEAN => Self::DecimalMean(Box::new((None, long(input)?))),
            DECIMAL_MEAN => {
                let sum = i128::from_be_bytes(*take(input)?);
                Self::DecimalMean(Box::new((Some(sum), long(input)?)))
            }
            ROWS => {
                let length = u32::from_be_bytes(*take(input)?) as usize;
                let (bytes, rest) = input.split_at_checked(length)?;
                *input = rest;
                Self::Rows(Box::new(KeptRows::from_bytes(bytes)))
            }
            RANKED => Self::Ranked(Box::new(RankedRows::decode(input)?)),
            DISTINCT => match DistinctValues::decode(input)? {
                (0, mut values) => {
                    values.mark_clean();
                    Self::Distinct(Box::new(values))
                }
                (known, values) => Self::MoreDistinct(known, Box::new(values)),
            },
            _ => return None,
        })
    }

    /// It is in the changelog now as it is.
    pub fn mark_clean(&mut self) {
        if let Self::Distinct(values) = self {
            values.mark_clean();
        }
    }

    /// Becomes what the changelog says; false if that does not go with what it was.
    #[must_use]
    pub fn restore(&mut self, read: Accumulator) -> bool {
        match (&mut *self, read) {
            (Self::Distinct(values), Self::MoreDistinct(known, more)) => {
                // It may have more already, where a store that knows it all is rolled forward; those are the same values.
                let fits = known as usize <= values.len() && values.merge(&more);
                values.mark_clean();
                fits
            }
            (before, read) if before.is_like(&read) => {
                *before = read;
                true
            }
            _ => false,
        }
    }

    /// Whether both are of the same aggregate function over values of the same kind.
    fn is_like(&self, other: &Accumulator) -> bool {
        match (self, other) {
            (Self::NoInteger | Self::Integer(_), Self::NoInteger | Self::Integer(_))
            | (Self::NoDouble | Self::Double(_), Self::NoDouble | Self::Double(_)) => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// About how much memory it takes beside its own size, in bytes.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Distinct(values) | Self::MoreDistinct(_, values) => {
                size_of::<DistinctValues>() + values.memory_in_bytes()
            }
            Self::Rows(rows) => size_of::<KeptRows>() + rows.capacity(),
            Self::Ranked(rows) => size_of::<RankedRows>() + rows.capacity(),
            Self::Value(value) => {
                let text = match &**value {
                    Value::String(text) => text.len(),
                    Value::Bytes(bytes) => bytes.len(),
                    _ => 0,
                };
                size_of::<Value<'_>>() + text
            }
            Self::DecimalMean(_) => size_of::<(Option<i128>, i64)>(),
            Self::Count(_)
            | Self::NoInteger
            | Self::Integer(_)
            | Self::NoDouble
            | Self::Double(_)
            | Self::IntegerMean { .. }
            | Self::DoubleMean { .. } => 0,
        }
    }

    /// Whether it takes memory beside its own size.
    #[must_use]
    pub fn has_heap(&self) -> bool {
        self.heap_bytes() > 0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::codec::tests::any_value;
    use super::super::counter::tests::any_counter;
    use super::*;

    pub(crate) fn any_accumulator() -> impl Strategy<Value = Accumulator> {
        let number = || any::<f64>().prop_filter("NaN is not equal to itself", |v| !v.is_nan());
        prop_oneof![
            any::<i64>().prop_map(Accumulator::Count),
            Just(Accumulator::NoInteger),
            any::<i64>().prop_map(Accumulator::Integer),
            Just(Accumulator::NoDouble),
            number().prop_map(Accumulator::Double),
            any_value().prop_map(|value| Accumulator::Value(Box::new(value))),
            (any::<i64>(), any_counter()).prop_map(|(sum, count)| Accumulator::IntegerMean { sum, count }),
            (number(), any_counter()).prop_map(|(sum, count)| Accumulator::DoubleMean { sum, count }),
            any::<(Option<i128>, i64)>().prop_map(|mean| Accumulator::DecimalMean(Box::new(mean))),
            prop::collection::vec(any_value(), 0..4).prop_map(|values| {
                let mut set = DistinctValues::default();
                values.iter().for_each(|value| assert!(set.add(value)));
                Accumulator::Distinct(Box::new(set))
            }),
            prop::collection::vec(any::<Vec<u8>>(), 0..4).prop_map(|rows| {
                let mut ranked = RankedRows::default();
                rows.iter().for_each(|row| assert!(ranked.insert(0, row, 3)));
                Accumulator::Ranked(Box::new(ranked))
            }),
            any::<Vec<u8>>().prop_map(|bytes| Accumulator::Rows(Box::new(KeptRows::from_bytes(&bytes)))),
        ]
    }

    #[test]
    fn stays_small() {
        assert_eq!(size_of::<Accumulator>(), 16);
    }

    /// A changelog has a key's sum with and without a value, one after the other.
    #[test]
    fn is_restored_to_what_goes_with_it() {
        for (mut before, read, fits) in [
            (Accumulator::NoInteger, Accumulator::Integer(1), true),
            (Accumulator::Integer(1), Accumulator::NoInteger, true),
            (Accumulator::NoDouble, Accumulator::Double(0.5), true),
            (Accumulator::NoInteger, Accumulator::Double(0.5), false),
            (Accumulator::Count(1), Accumulator::Integer(1), false),
        ] {
            assert_eq!(before.restore(read.clone()), fits, "{read:?}");
            assert_eq!(before == read, fits, "{read:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(accumulator in any_accumulator()) {
            let mut bytes = Vec::new();
            accumulator.encode(true, &mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(Accumulator::decode(&mut rest), Some(accumulator));
            prop_assert!(rest.is_empty());
        }
    }
}
