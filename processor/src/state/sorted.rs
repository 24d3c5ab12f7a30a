//! Values as bytes that sort as the values do: for MIN and MAX over rows that are taken back, and for ORDER BY.
//!
//! One byte that tells NULL, which comes first, from the rest; then fixed lengths, big-endian, with the sign's bit flipped; texts and bytes
//! with each 0 as 0 255 and at their end 0 0, so that a shorter one comes before what it begins. Descending, all bits are flipped.

use crate::expr::Value;

/// Appends `value`, so that of two values of one type the smaller one's bytes come first, or the larger one's if `descending`.
pub fn encode_sorted(value: &Value<'_>, descending: bool, out: &mut Vec<u8>) {
    let begin = out.len();
    out.push(u8::from(!value.is_null()));
    match value {
        Value::Null => {}
        Value::Boolean(v) => out.push(u8::from(*v)),
        Value::Integer(v) => out.extend_from_slice(&flipped(*v)),
        Value::Double(v) => out.extend_from_slice(&double(*v)),
        Value::Decimal(v) => out.extend_from_slice(&((*v as u128) ^ (1 << 127)).to_be_bytes()),
        // Flink compares texts by their UTF-8 bytes (BinaryStringData).
        Value::String(v) => text(v.as_bytes(), out),
        Value::Bytes(v) => text(v, out),
        Value::Date(v) | Value::Time(v) => out.extend_from_slice(&((*v as u32) ^ (1 << 31)).to_be_bytes()),
        Value::Timestamp(v) => {
            out.extend_from_slice(&flipped(v.millis));
            out.extend_from_slice(&v.nanos.to_be_bytes());
        }
        // They have no order in SQL; equal ones have equal bytes.
        Value::Nested(_) => super::encode_value(value, out),
    }
    if descending {
        out[begin..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

fn flipped(v: i64) -> [u8; 8] {
    ((v as u64) ^ (1 << 63)).to_be_bytes()
}

/// The order of `f64::total_cmp`, with one NaN after all numbers and one zero.
fn double(v: f64) -> [u8; 8] {
    let v = if v.is_nan() { f64::NAN.abs() } else { v + 0.0 };
    let bits = v.to_bits();
    let sorted = if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) };
    sorted.to_be_bytes()
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(255);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::expr::Timestamp;

    fn bytes(value: &Value<'_>, descending: bool) -> Vec<u8> {
        let mut out = Vec::new();
        encode_sorted(value, descending, &mut out);
        out
    }

    /// Two values in an order must be in it as bytes, whatever follows; the other way round descending.
    fn check(a: &Value<'_>, b: &Value<'_>, order: std::cmp::Ordering) {
        for descending in [false, true] {
            let with = |value, last| [bytes(value, descending), vec![last]].concat();
            let expected = if descending { order.reverse() } else { order };
            let (a, b) = if expected.is_lt() { (with(a, 255), with(b, 0)) } else { (with(a, 0), with(b, 255)) };
            let expected = if expected.is_eq() { std::cmp::Ordering::Less } else { expected };
            assert_eq!(a.cmp(&b), expected);
        }
    }

    proptest! {
        #[test]
        fn bytes_are_in_the_order_of_values(
            (a, b) in any::<(i64, i64)>(), (c, d) in any::<(i128, i128)>(), (e, f) in any::<(i32, i32)>(),
            (s, t) in ("[\0ab]{0,4}", "[\0ab]{0,4}"), (n, m) in (0..1_000_000u32, 0..1_000_000u32), (x, y) in any::<(f64, f64)>(),
        ) {
            check(&Value::Integer(a), &Value::Integer(b), a.cmp(&b));
            check(&Value::Decimal(c), &Value::Decimal(d), c.cmp(&d));
            check(&Value::Date(e), &Value::Date(f), e.cmp(&f));
            check(&Value::text(&s), &Value::text(&t), s.as_bytes().cmp(t.as_bytes()));
            let at = |millis, nanos| Value::Timestamp(Timestamp { millis, nanos });
            check(&at(a, n), &at(a, m), n.cmp(&m));
            check(&at(a, n), &at(b, m), (a, n).cmp(&(b, m)));
            if let Some(order) = x.partial_cmp(&y) {
                check(&Value::Double(x), &Value::Double(y), order);
            }
            check(&Value::Null, &Value::Integer(a), std::cmp::Ordering::Less);
            check(&Value::Double(0.0), &Value::Double(-0.0), std::cmp::Ordering::Equal);
        }
    }
}
