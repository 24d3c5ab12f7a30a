//! Exact decimals: an unscaled 128-bit integer and a scale from the type; products and quotients in 256 bits.
//!
//! Result types are Flink's (LogicalTypeMerging); a result that needs more digits than its type has is NULL.

use super::node::Arithmetic;
use super::{DataType, EvalError, Value};

/// The most digits a DECIMAL has.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// The scale of a DECIMAL type, 0 of any other.
pub(crate) fn scale_of(data_type: DataType) -> u8 {
    match data_type {
        DataType::Decimal { scale, .. } => scale,
        _ => 0,
    }
}

/// The DECIMAL that holds every value of an exact numeric type (Calcite: TINYINT 3, SMALLINT 5, INT 10, BIGINT 19
/// digits).
pub(crate) fn holding(data_type: DataType) -> Option<(u8, u8)> {
    match data_type {
        DataType::TinyInt => Some((3, 0)),
        DataType::SmallInt => Some((5, 0)),
        DataType::Int => Some((10, 0)),
        DataType::BigInt => Some((19, 0)),
        DataType::Decimal { precision, scale } => Some((precision, scale)),
        _ => None,
    }
}

/// The type of `left op right`, both DECIMALs (precision, scale).
pub(crate) fn result_type(op: Arithmetic, left: (u8, u8), right: (u8, u8)) -> DataType {
    let (p1, s1) = (i32::from(left.0), i32::from(left.1));
    let (p2, s2) = (i32::from(right.0), i32::from(right.1));
    let (precision, scale) = match op {
        Arithmetic::Plus | Arithmetic::Minus => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Arithmetic::Times => (p1 + p2 + 1, s1 + s2),
        Arithmetic::Divide => {
            let scale = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + scale, scale)
        }
        Arithmetic::Modulo => {
            let scale = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + scale, scale)
        }
    };
    fit(precision, scale)
}

/// A DECIMAL of at most 38 digits: digits after the point, beyond six, give way to those before it.
pub(crate) fn fit(precision: i32, scale: i32) -> DataType {
    const MAX: i32 = MAX_DECIMAL_PRECISION as i32;
    let (precision, scale) =
        if precision <= MAX { (precision, scale) } else { (MAX, (MAX - (precision - scale)).max(scale.min(6))) };
    DataType::Decimal { precision: precision.clamp(1, MAX) as u8, scale: scale.clamp(0, MAX) as u8 }
}

/// 10^n for n up to 38.
pub(crate) fn power_of_ten(n: u8) -> i128 {
    10_i128.pow(u32::from(n.min(38)))
}

/// Whether an unscaled value has at most `precision` digits.
pub(crate) fn fits(unscaled: i128, precision: u8) -> bool {
    unscaled.unsigned_abs() < power_of_ten(precision.min(MAX_DECIMAL_PRECISION)).unsigned_abs()
}

/// The same number with another scale, rounded half up (away from zero); `None` if it leaves 128 bits.
pub(crate) fn rescale(unscaled: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return unscaled.checked_mul(power_of_ten(to - from));
    }
    let unit = power_of_ten(from - to);
    let (quotient, rest) = (unscaled / unit, unscaled % unit);
    let up = rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2);
    Some(if up { quotient + unscaled.signum() } else { quotient })
}

/// A value of this type: rescaled, and NULL if it has too many digits.
pub(crate) fn to_type(unscaled: i128, scale: u8, target: DataType) -> Value<'static> {
    let DataType::Decimal { precision, scale: target_scale } = target else { return Value::Null };
    match rescale(unscaled, scale, target_scale) {
        Some(value) if fits(value, precision) => Value::Decimal(value),
        _ => Value::Null,
    }
}

/// `left op right`, each with its scale.
pub(super) fn binary(
    op: Arithmetic,
    left: (i128, u8),
    right: (i128, u8),
    result: DataType,
) -> Result<Value<'static>, EvalError> {
    let (a, s1) = left;
    let (b, s2) = right;
    if matches!(op, Arithmetic::Divide | Arithmetic::Modulo) && b == 0 {
        return Err(EvalError::DivisionByZero);
    }
    let DataType::Decimal { precision, scale } = result else {
        return Err(EvalError::Shape("decimals give no decimal"));
    };
    Ok(match op {
        Arithmetic::Times => {
            bounded(wide_times_divided(a, b, power_of_ten(drop_of(s1 + s2, scale)).unsigned_abs()), precision)
        }
        Arithmetic::Divide => {
            // a / 10^s1 / (b / 10^s2) * 10^scale
            let exponent = i32::from(scale) + i32::from(s2) - i32::from(s1);
            bounded(quotient(a, b, exponent), precision)
        }
        Arithmetic::Plus | Arithmetic::Minus | Arithmetic::Modulo => {
            let common = s1.max(s2);
            let (Some(a), Some(b)) = (rescale(a, s1, common), rescale(b, s2, common)) else { return Ok(Value::Null) };
            let value = match op {
                Arithmetic::Plus => a.checked_add(b),
                Arithmetic::Minus => a.checked_sub(b),
                _ => a.checked_rem(b),
            };
            value.map_or(Value::Null, |value| to_type(value, common, result))
        }
    })
}

/// `a / b` at `scale` digits after the point, rounded half up; for averages. `b` is not 0.
pub(crate) fn divide_by_count(a: i128, from: u8, b: i64, result: DataType) -> Value<'static> {
    let DataType::Decimal { precision, scale } = result else { return Value::Null };
    bounded(quotient(a, i128::from(b), i32::from(scale) - i32::from(from)), precision)
}

fn drop_of(have: u8, want: u8) -> u8 {
    have.saturating_sub(want)
}

fn bounded(value: Option<i128>, precision: u8) -> Value<'static> {
    match value {
        Some(value) if fits(value, precision) => Value::Decimal(value),
        _ => Value::Null,
    }
}

/// a * 10^exponent / b, rounded half up.
fn quotient(a: i128, b: i128, exponent: i32) -> Option<i128> {
    if exponent >= 0 {
        if exponent > 76 {
            return None;
        }
        let first = exponent.min(38) as u8;
        let rest = exponent as u8 - first;
        let wide = U256::product(a.unsigned_abs(), power_of_ten(first).unsigned_abs());
        let wide = wide.times(power_of_ten(rest).unsigned_abs())?;
        signed(wide.divided_half_up(b.unsigned_abs())?, (a < 0) != (b < 0))
    } else {
        let divisor = b.unsigned_abs().checked_mul(power_of_ten((-exponent) as u8).unsigned_abs())?;
        signed(U256::product(a.unsigned_abs(), 1).divided_half_up(divisor)?, (a < 0) != (b < 0))
    }
}

/// a * b / divisor, rounded half up.
fn wide_times_divided(a: i128, b: i128, divisor: u128) -> Option<i128> {
    let product = U256::product(a.unsigned_abs(), b.unsigned_abs());
    signed(product.divided_half_up(divisor)?, (a < 0) != (b < 0))
}

fn signed(magnitude: u128, negative: bool) -> Option<i128> {
    let value = i128::try_from(magnitude).ok()?;
    Some(if negative { -value } else { value })
}

/// An unsigned number of 256 bits.
#[derive(Clone, Copy)]
struct U256 {
    high: u128,
    low: u128,
}

impl U256 {
    fn product(a: u128, b: u128) -> Self {
        const MASK: u128 = u64::MAX as u128;
        let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
        let low = a0 * b0;
        let (middle, carry) = (a1 * b0).overflowing_add(a0 * b1);
        let (low, overflow) = low.overflowing_add(middle << 64);
        let high = a1 * b1 + (middle >> 64) + (u128::from(carry) << 64) + u128::from(overflow);
        Self { high, low }
    }

    fn times(self, factor: u128) -> Option<Self> {
        let low = Self::product(self.low, factor);
        let high = self.high.checked_mul(factor)?.checked_add(low.high)?;
        Some(Self { high, low: low.low })
    }

    /// The quotient rounded half up; `None` if it does not fit 128 bits.
    fn divided_half_up(self, divisor: u128) -> Option<u128> {
        if self.high == 0 {
            let (quotient, rest) = (self.low / divisor, self.low % divisor);
            return quotient.checked_add(u128::from(rest >= divisor - rest));
        }
        if self.high >= divisor {
            return None;
        }
        // Long division, bit by bit; the rest stays below the divisor.
        let (mut rest, mut quotient) = (self.high, 0_u128);
        for bit in (0..128).rev() {
            let carry = rest >> 127 == 1;
            rest = (rest << 1) | (self.low >> bit & 1);
            quotient <<= 1;
            if carry || rest >= divisor {
                rest = rest.wrapping_sub(divisor);
                quotient |= 1;
            }
        }
        quotient.checked_add(u128::from(rest >= divisor - rest))
    }
}

/// The decimal as plain digits, with as many after the point as the scale says.
pub(crate) fn text(unscaled: i128, scale: u8) -> String {
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// Reads `[+-]digits[.digits][e[+-]digits]` into an unscaled value and its scale; `None` if it is none or has more than 38
/// digits.
pub(crate) fn parse(text: &str) -> Option<(i128, u8)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut unscaled = 0_i128;
    for digit in digits() {
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    while scale < 0 {
        unscaled = unscaled.checked_mul(10)?;
        scale += 1;
        if unscaled == 0 {
            scale = 0;
        }
    }
    while scale > i32::from(MAX_DECIMAL_PRECISION) {
        if unscaled == 0 {
            scale = i32::from(MAX_DECIMAL_PRECISION);
            break;
        }
        unscaled /= 10;
        scale -= 1;
    }
    let unscaled = if negative { -unscaled } else { unscaled };
    if fits(unscaled, MAX_DECIMAL_PRECISION) { Some((unscaled, scale as u8)) } else { None }
}

/// The type of a number with so many digits after the point; of a DECIMAL(p, s) with d: DECIMAL(p - s + 1 + d, d) (Flink:
/// `findRoundDecimalType`).
pub(crate) fn rounded_type(number: DataType, digits: i64) -> DataType {
    match number {
        DataType::Decimal { precision, scale } if digits < i64::from(scale) => {
            let kept = digits.clamp(0, i64::from(scale)) as u8;
            let precision = (i32::from(precision) - i32::from(scale) + 1 + i32::from(kept)).clamp(1, 38) as u8;
            DataType::Decimal { precision, scale: kept.min(precision) }
        }
        other => other,
    }
}
