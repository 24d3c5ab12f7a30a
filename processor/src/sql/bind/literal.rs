//! Constants: numbers, texts, dates and times, intervals.

use sqlparser::ast::{self, DateTimeField};
use sqlparser::tokenizer::Span;

use super::super::error::SqlError;
use super::super::position;
use crate::expr::{DataType, Expr, Value, calendar, decimal};

/// A number, a text, TRUE, FALSE or NULL.
pub(super) fn value(value: &ast::ValueWithSpan) -> Result<Expr, SqlError> {
    Ok(match &value.value {
        ast::Value::Number(digits, _) => number(digits, value.span)?,
        ast::Value::SingleQuotedString(text) => text_literal(text),
        ast::Value::Boolean(b) => Expr::literal(Value::Boolean(*b), DataType::Boolean),
        ast::Value::Null => Expr::literal(Value::Null, DataType::Null),
        ast::Value::DoubleQuotedString(text) => {
            return Err(SqlError::new(value.span, "double quotes mean nothing in Flink SQL")
                .hint(format!("a text is '{text}', a name is `{text}`")));
        }
        ast::Value::HexStringLiteral(digits) => bytes(digits, value.span)?,
        _ => return Err(SqlError::new(value.span, "this kind of constant is not supported")),
    })
}

/// A text, of type CHAR(n).
fn text_literal(text: &str) -> Expr {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    Expr::literal(Value::String(text.to_owned().into()), DataType::Char(length))
}

fn bytes(digits: &str, span: Span) -> Result<Expr, SqlError> {
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> =
        if digits.len().is_multiple_of(2) { digits.as_bytes().chunks(2).map(byte).collect() } else { None };
    match bytes {
        Some(bytes) => {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            Ok(Expr::literal(Value::Bytes(bytes.into()), DataType::VarBinary(length)))
        }
        None => Err(SqlError::new(span, "bytes are written as pairs of hexadecimal digits")),
    }
}

/// INT if it fits, else BIGINT; DECIMAL with a point; DOUBLE with an exponent.
fn number(digits: &str, span: Span) -> Result<Expr, SqlError> {
    let wrong = |what: &str| SqlError::new(span, format!("{digits} {what}"));
    if digits.contains(['e', 'E']) {
        let value: f64 = digits.parse().map_err(|_| wrong("is no number"))?;
        return Ok(Expr::literal(Value::Double(value), DataType::Double));
    }
    if digits.contains('.') {
        let (unscaled, scale) = decimal::parse(digits).ok_or_else(|| wrong("has more than 38 digits"))?;
        let precision = (unscaled.unsigned_abs().max(1).ilog10() + 1).max(u32::from(scale)) as u8;
        return Ok(Expr::literal(Value::Decimal(unscaled), DataType::Decimal { precision, scale }));
    }
    if let Ok(value) = digits.parse::<i64>() {
        let data_type = if i32::try_from(value).is_ok() { DataType::Int } else { DataType::BigInt };
        return Ok(Expr::literal(Value::Integer(value), data_type));
    }
    match decimal::parse(digits) {
        Some((unscaled, 0)) => {
            let precision = (unscaled.unsigned_abs().max(1).ilog10() + 1) as u8;
            Ok(Expr::literal(Value::Decimal(unscaled), DataType::Decimal { precision, scale: 0 }))
        }
        _ => Err(wrong("is too large a number")),
    }
}

/// DATE '..', TIME '..', TIMESTAMP '..'.
pub(super) fn typed_string(typed: &ast::TypedString) -> Result<Expr, SqlError> {
    let span = typed.value.span;
    let Some(text) = typed.value.value.clone().into_string() else {
        return Err(SqlError::new(span, "expected a text in single quotes"));
    };
    let (literal, form) = match typed.data_type {
        ast::DataType::Date => {
            (calendar::parse_date(&text).map(|day| (Value::Date(day), DataType::Date)), "DATE '2024-12-31'")
        }
        ast::DataType::Time(..) => {
            (calendar::parse_time(&text).map(|time| (Value::Time(time), DataType::Time)), "TIME '23:59:59'")
        }
        ast::DataType::Timestamp(..) => {
            let digits = text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.trim().len().min(9));
            let ts = calendar::parse_timestamp(&text);
            (
                ts.map(|ts| (Value::Timestamp(ts), DataType::Timestamp(digits as u8))),
                "TIMESTAMP '2024-12-31 23:59:59.999'",
            )
        }
        _ => return Err(SqlError::new(span, format!("constants of type {} are not supported", typed.data_type))),
    };
    match literal {
        Some((value, data_type)) => Ok(Expr::literal(value, data_type)),
        None => Err(SqlError::new(span, format!("'{text}' is no {}", typed.data_type)).hint(format!("write {form}"))),
    }
}

/// INTERVAL '5' SECOND and the like, with a warning if Flink refuses the form.
pub(super) fn interval(interval: &ast::Interval, here: Span) -> Result<(Expr, Option<String>), SqlError> {
    let span = match position::of(&interval.value) {
        span if span.start.line == 0 => here,
        span => span,
    };
    let text = match &*interval.value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            ast::Value::Number(digits, _) => {
                return Err(SqlError::new(span, "the number of an interval must be quoted")
                    .hint(format!("write INTERVAL '{digits}' SECOND")));
            }
            _ => return Err(SqlError::new(span, "expected a number in single quotes after INTERVAL")),
        },
        _ => return Err(SqlError::new(span, "expected a number in single quotes after INTERVAL")),
    };
    let Some(leading) = &interval.leading_field else {
        return Err(SqlError::new(span, "an interval needs a unit").hint(format!("write INTERVAL '{text}' SECOND")));
    };
    let Some(first) = unit(leading) else {
        return Err(SqlError::new(span, format!("an interval has no unit {leading}"))
            .hint("there is YEAR, MONTH, DAY, HOUR, MINUTE and SECOND"));
    };
    let last = match &interval.last_field {
        Some(field) => unit(field).filter(|last| *last > first),
        None => Some(first),
    };
    let parsed = last.and_then(|last| amount(&text, first, last));
    let Some((amount, leading_digits)) = parsed else {
        let fields = match &interval.last_field {
            Some(last) => format!("{leading} TO {last}"),
            None => leading.to_string(),
        };
        return Err(SqlError::new(span, format!("'{text}' is no interval of {fields}")));
    };
    // Flink takes two digits unless told otherwise.
    let allowed = interval.leading_precision.unwrap_or(2);
    let warning = (leading_digits as u64 > allowed).then(|| {
        format!("line {}: Flink takes INTERVAL '{text}' {leading} only as {leading}({leading_digits})", span.start.line)
    });
    let data_type = if first <= Unit::Month { DataType::IntervalYearMonth } else { DataType::IntervalDayTime };
    Ok((Expr::literal(Value::Integer(amount), data_type), warning))
}

/// Units from the largest to the smallest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

fn unit(field: &DateTimeField) -> Option<Unit> {
    Some(match field {
        DateTimeField::Year | DateTimeField::Years => Unit::Year,
        DateTimeField::Month | DateTimeField::Months => Unit::Month,
        DateTimeField::Day | DateTimeField::Days => Unit::Day,
        DateTimeField::Hour | DateTimeField::Hours => Unit::Hour,
        DateTimeField::Minute | DateTimeField::Minutes => Unit::Minute,
        DateTimeField::Second | DateTimeField::Seconds => Unit::Second,
        _ => return None,
    })
}

/// Months or milliseconds of `[+-]a[-b]`, `[+-]d h:m:s.f` and their parts, and how many digits the first number has.
fn amount(text: &str, first: Unit, last: Unit) -> Option<(i64, usize)> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let leading_digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number = |part: &str| if part.bytes().all(|b| b.is_ascii_digit()) { part.parse::<i64>().ok() } else { None };
    let magnitude = match (first, last) {
        (Unit::Year, Unit::Year) => number(digits)?.checked_mul(12)?,
        (Unit::Month, Unit::Month) => number(digits)?,
        (Unit::Year, Unit::Month) => {
            let (years, months) = digits.split_once('-')?;
            let months = number(months).filter(|months| *months < 12)?;
            number(years)?.checked_mul(12)?.checked_add(months)?
        }
        (first, last) if first >= Unit::Day => day_time(digits, first, last)?,
        _ => return None,
    };
    Some((sign * magnitude, leading_digits))
}

fn day_time(text: &str, first: Unit, last: Unit) -> Option<i64> {
    let units = [Unit::Day, Unit::Hour, Unit::Minute, Unit::Second];
    let wanted: Vec<Unit> = units.into_iter().filter(|unit| (first..=last).contains(unit)).collect();
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = text;
    for unit in &wanted[..wanted.len() - 1] {
        let (part, after) = rest.split_once(if *unit == Unit::Day { ' ' } else { ':' })?;
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    let mut total: i64 = 0;
    for (index, (unit, part)) in wanted.iter().zip(&parts).enumerate() {
        let (whole, fraction) = match part.split_once('.') {
            Some((whole, fraction)) if *unit == Unit::Second => (whole, fraction),
            Some(_) => return None,
            None => (*part, ""),
        };
        let digits_only = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
            return None;
        }
        let number: i64 = whole.parse().ok()?;
        let (length, limit) = match unit {
            Unit::Hour => (3_600_000, 24),
            Unit::Minute => (60_000, 60),
            Unit::Second => (1000, 60),
            _ => (86_400_000, i64::MAX),
        };
        if index > 0 && number >= limit {
            return None;
        }
        total = total.checked_add(number.checked_mul(length)?)?;
        let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
        total = total.checked_add(millis.parse().ok()?)?;
    }
    Some(total)
}
