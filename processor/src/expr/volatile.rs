//! Functions whose value depends on when they are called: the clock of the step that computes them, and chance.
//!
//! The clock is the host's, read once a step, so that it is what the host says, and all rows of a step have the same time.

use std::cell::Cell;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use super::{EvalError, Expr, Value};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Volatile {
    /// (): the moment at which the step began.
    Now,
    /// (): a random UUID, version 4 (RFC 9562).
    Uuid,
    /// (): a DOUBLE from 0 up to, not including, 1.
    Rand,
    /// (bound): an INT from 0 up to, not including, the bound.
    RandInteger,
}

thread_local! {
    /// Milliseconds since 1970.
    static NOW: Cell<i64> = const { Cell::new(0) };
    static KEYS: (RandomState, Cell<u64>) = (RandomState::new(), Cell::new(0));
}

/// A step of a task begins on this thread at `now`, in ms since 1970.
pub(crate) fn step_begins(now: i64) {
    NOW.set(now);
}

impl Volatile {
    /// Flink's name of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Now => "CURRENT_TIMESTAMP",
            Self::Uuid => "UUID",
            Self::Rand => "RAND",
            Self::RandInteger => "RAND_INTEGER",
        }
    }

    /// Calls it.
    pub(super) fn call<'r>(self, arguments: &'r [Expr], row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        Ok(match self {
            Self::Now => Value::timestamp(NOW.get()),
            Self::Uuid => Value::String(uuid().into()),
            // As many bits as a DOUBLE has room for.
            Self::Rand => Value::Double((random() >> 11) as f64 / (1_u64 << 53) as f64),
            Self::RandInteger => match arguments.first().map(|bound| bound.eval(row)).transpose()? {
                Some(Value::Integer(bound @ 1..)) => {
                    Value::Integer(((u128::from(random()) * bound as u128) >> 64) as i64)
                }
                Some(Value::Integer(_)) => {
                    return Err(EvalError::Function {
                        name: self.name().to_owned(),
                        why: "its bound must be above 0".to_owned(),
                    });
                }
                _ => Value::Null,
            },
        })
    }
}

/// A keyed hash of a counter; the key is the operating system's.
fn random() -> u64 {
    KEYS.with(|(key, counter)| {
        counter.set(counter.get().wrapping_add(1));
        key.hash_one(counter.get())
    })
}

fn uuid() -> String {
    let bits = u128::from(random()) << 64 | u128::from(random());
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (at, length) in [(0, 8), (8, 4), (12, 4), (16, 4), (20, 12)] {
        let dash = if at == 0 { "" } else { "-" };
        let _ = write!(text, "{dash}{}", &digits[at..at + length]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_is_another_each_time() {
        let made: std::collections::BTreeSet<String> = (0..1000).map(|_| uuid()).collect();
        assert_eq!(made.len(), 1000);
        for uuid in made {
            let places: Vec<usize> = uuid.match_indices('-').map(|(at, _)| at).collect();
            assert_eq!((uuid.len(), places), (36, vec![8, 13, 18, 23]), "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }

    #[test]
    fn chance_stays_in_its_bounds_and_reaches_them() {
        let rand = || match Volatile::Rand.call(&[], &[]) {
            Ok(Value::Double(value)) => value,
            other => panic!("{other:?}"),
        };
        assert!((0..1000).map(|_| rand()).all(|value| (0.0..1.0).contains(&value)));
        let bound = [Expr::literal(Value::Integer(3), super::super::DataType::Int)];
        let drawn = (0..1000).map(|_| match Volatile::RandInteger.call(&bound, &[]) {
            Ok(Value::Integer(value)) => value,
            other => panic!("{other:?}"),
        });
        assert_eq!(drawn.collect::<std::collections::BTreeSet<_>>(), (0..3).collect());
        let zero = [Expr::literal(Value::Integer(0), super::super::DataType::Int)];
        assert!(Volatile::RandInteger.call(&zero, &[]).is_err());
    }
}
