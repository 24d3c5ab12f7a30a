//! Numbers as texts, the way Java reads and writes them.

use std::io::Write as _;

use crate::expr::MAX_DECIMAL_PRECISION;
use crate::expr::cast::{double_text, float_text};
use crate::expr::decimal::{fits, text};

/// Java's `Double.parseDouble`, without its hexadecimal forms and type suffixes.
pub fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let known = matches!(unsigned, "NaN" | "Infinity")
        || unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if known { text.parse().ok() } else { None }
}

/// A decimal number's digits and the power of ten they are multiplied with.
fn digits_and_exponent(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
    Some((negative, digits, i64::from(exponent) - fraction.len() as i64))
}

/// A DECIMAL(precision, scale): Java's `new BigDecimal(text)` rounded half up to `scale`.
///
/// `None` if the text is no number, `Some(None)` (NULL) if it has more than `precision` digits then.
pub fn parse_decimal(text: &str, precision: u8, scale: u8) -> Option<Option<i128>> {
    let (negative, mut digits, exponent) = digits_and_exponent(text)?;
    if digits.is_empty() {
        return Some(Some(0));
    }
    let shift = exponent + i64::from(scale);
    let length = digits.len() as i64 + shift;
    if length > i64::from(MAX_DECIMAL_PRECISION) {
        return Some(None);
    }
    if length < 0 {
        return Some(Some(0));
    }
    let round_up = shift < 0 && digits[length as usize] >= b'5';
    digits.resize(length as usize, b'0');
    let magnitude = digits.iter().fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let magnitude = magnitude + i128::from(round_up);
    Some(fits(magnitude, precision).then_some(if negative { -magnitude } else { magnitude }))
}

/// Appends a DECIMAL as Java's `BigDecimal.toString` does without trailing zeros, or with `plain` as `toPlainString` with them.
///
/// Flink: `RowDataToJsonConverters.createDecimalConverter`; Jackson strips the zeros.
pub fn write_decimal(unscaled: i128, scale: u8, plain: bool, out: &mut Vec<u8>) {
    let (mut stripped, mut places) = (unscaled, i64::from(scale));
    if unscaled == 0 {
        places = 0;
    }
    while stripped != 0 && stripped % 10 == 0 {
        (stripped, places) = (stripped / 10, places - 1);
    }
    let digits = stripped.unsigned_abs().to_string();
    let exponent = digits.len() as i64 - 1 - places;
    if plain {
        out.extend_from_slice(text(unscaled, scale).as_bytes());
        return;
    }
    if exponent >= -6
        && let Ok(places) = u8::try_from(places)
    {
        out.extend_from_slice(text(stripped, places).as_bytes());
        return;
    }
    let (sign, (first, rest)) = (if unscaled < 0 { "-" } else { "" }, digits.split_at(1));
    let point = if rest.is_empty() { "" } else { "." };
    write!(out, "{sign}{first}{point}{rest}E{exponent:+}").expect("writing to memory cannot fail");
}

/// Appends a DOUBLE as Java's `Double.toString` does (shortest digits, as since JDK 19).
pub fn write_double(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(double_text(value).as_bytes());
}

/// Appends a FLOAT as Java's `Float.toString` does.
pub fn write_float(value: f32, out: &mut Vec<u8>) {
    out.extend_from_slice(float_text(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Texts that Java prints.
    #[test]
    fn doubles_look_as_in_java() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-12.5, "-12.5"),
            (100.0, "100.0"),
            (5e-324, "4.9E-324"),
            (-1e-323, "-9.9E-324"),
            (2e-323, "2.0E-323"),
            (5e-323, "4.9E-323"),
            (1e23, "1.0E23"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.25e10, "1.25E10"),
            (0.001, "0.001"),
            (0.012, "0.012"),
            (0.00012, "1.2E-4"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::MAX, "1.7976931348623157E308"),
        ] {
            assert_eq!(written(|out| write_double(value, out)), expected);
        }
        assert_eq!(written(|out| write_float(0.1, out)), "0.1");
    }

    /// Texts of Java's BigDecimal.
    #[test]
    fn decimals_look_as_in_java() {
        for (unscaled, scale, expected) in [
            (12345, 2, "123.45"),
            (-5, 2, "-0.05"),
            (100, 0, "1E+2"),
            (12_300, 2, "123"),
            (0, 2, "0"),
            (1, 8, "1E-8"),
            (-12, 9, "-1.2E-8"),
        ] {
            assert_eq!(written(|out| write_decimal(unscaled, scale, false, out)), expected);
        }
        assert_eq!(written(|out| write_decimal(1, 8, true, out)), "0.00000001");
    }

    #[test]
    fn decimals_are_rounded_half_up_and_too_large_ones_are_null() {
        assert_eq!(parse_decimal("1.005", 10, 2), Some(Some(101)));
        assert_eq!(parse_decimal("-1.005", 10, 2), Some(Some(-101)));
        assert_eq!(parse_decimal("1.004", 10, 2), Some(Some(100)));
        assert_eq!(parse_decimal("12e3", 10, 2), Some(Some(1_200_000)));
        assert_eq!(parse_decimal("0.5", 10, 0), Some(Some(1)));
        assert_eq!(parse_decimal("0.05", 10, 0), Some(Some(0)));
        assert_eq!(parse_decimal(".5", 10, 1), Some(Some(5)));
        assert_eq!(parse_decimal("99.99", 3, 1), Some(None));
        assert_eq!(parse_decimal("1e2000000000", 38, 1), Some(None));
        assert_eq!(parse_decimal("1e-2000000000", 38, 1), Some(Some(0)));
        for bad in ["", "-", ".", "1.2.3", "1e", "abc", "1 "] {
            assert_eq!(parse_decimal(bad, 10, 2), None, "{bad}");
        }
    }

    #[test]
    fn doubles_are_read_as_java_reads_them() {
        assert_eq!(parse_double("1e3"), Some(1000.0));
        assert_eq!(parse_double("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(parse_double("inf").is_none() && parse_double("nan").is_none() && parse_double("").is_none());
    }

    proptest! {
        #[test]
        fn written_doubles_read_back(value: f64) {
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_double(&written(|out| write_double(value, out))), Some(value));
        }

        #[test]
        fn written_decimals_read_back(value in -10i128.pow(30)..10i128.pow(30), scale in 0..30u8, plain: bool) {
            let decimal = written(|out| write_decimal(value, scale, plain, out));
            prop_assert_eq!(parse_decimal(&decimal, 38, scale), Some(Some(value)));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: String, precision in 1..39u8, scale in 0..39u8) {
            let _ = (parse_double(&text), parse_decimal(&text, precision, scale));
        }
    }
}
