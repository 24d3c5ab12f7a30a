//! Properties of evaluation, against the rules computed in another way.

use proptest::prelude::*;

use super::*;

fn truth() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![Just(None), Just(Some(true)), Just(Some(false))]
}

fn literal(value: Option<bool>) -> Expr {
    Expr::literal(value.map_or(Value::Null, Value::Boolean), DataType::Boolean)
}

fn outcome(expr: &Expr) -> Option<bool> {
    match expr.eval(&[]).unwrap() {
        Value::Boolean(value) => Some(value),
        Value::Null => None,
        other => panic!("{other:?}"),
    }
}

/// FALSE < NULL < TRUE: AND is the minimum, OR the maximum.
fn rank(value: Option<bool>) -> i32 {
    value.map_or(0, |value| if value { 1 } else { -1 })
}

fn unrank(rank: i32) -> Option<bool> {
    [Some(false), None, Some(true)][(rank + 1) as usize]
}

fn integer_type() -> impl Strategy<Value = (DataType, u32)> {
    prop_oneof![
        Just((DataType::TinyInt, 8)),
        Just((DataType::SmallInt, 16)),
        Just((DataType::Int, 32)),
        Just((DataType::BigInt, 64))
    ]
}

fn arithmetic(op: Arithmetic, a: Expr, b: Expr, result: DataType) -> Expr {
    Expr::new(Node::Arithmetic(op, Box::new(a), Box::new(b)), result)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn and_or_not_are_three_valued(values in prop::collection::vec(truth(), 2..6)) {
        let list: Vec<Expr> = values.iter().copied().map(literal).collect();
        let lowest = values.iter().copied().map(rank).min().unwrap();
        let highest = values.iter().copied().map(rank).max().unwrap();
        prop_assert_eq!(outcome(&Expr::new(Node::And(list.clone()), DataType::Boolean)), unrank(lowest));
        prop_assert_eq!(outcome(&Expr::new(Node::Or(list), DataType::Boolean)), unrank(highest));
        let not = Expr::new(Node::Not(Box::new(literal(values[0]))), DataType::Boolean);
        prop_assert_eq!(outcome(&not), unrank(-rank(values[0])));
    }

    /// Two's complement: the result modulo 2^bits, as Java has it. Division overflows only for MIN / -1, to MIN.
    #[test]
    fn integers_wrap((data_type, bits) in integer_type(), a: i64, b: i64) {
        let (a, b) = (data_type.wrap(a), data_type.wrap(b));
        let exact = |value: i128| {
            let modulus = 1_i128 << bits;
            let low = value.rem_euclid(modulus);
            if low >= modulus / 2 { low - modulus } else { low }
        };
        let sides = || (Expr::literal(Value::Integer(a), data_type), Expr::literal(Value::Integer(b), data_type));
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let mut cases = vec![
            (Arithmetic::Plus, wide_a + wide_b),
            (Arithmetic::Minus, wide_a - wide_b),
            (Arithmetic::Times, wide_a * wide_b),
        ];
        if b != 0 {
            cases.push((Arithmetic::Divide, wide_a / wide_b));
            cases.push((Arithmetic::Modulo, wide_a % wide_b));
        }
        for (op, expected) in cases {
            let (left, right) = sides();
            let expr = arithmetic(op, left, right, data_type);
            prop_assert_eq!(expr.eval(&[]).unwrap(), Value::Integer(exact(expected) as i64));
        }
    }

    /// A product of decimals is the exact product, rounded half up to the result's scale.
    #[test]
    fn decimals_multiply_exactly(a in -10_i128.pow(17)..10_i128.pow(17), b in -10_i128.pow(17)..10_i128.pow(17), s1 in 0_u8..10, s2 in 0_u8..10) {
        let side = |value, scale| Expr::literal(Value::Decimal(value), DataType::Decimal { precision: 17, scale });
        let result = decimal::result_type(Arithmetic::Times, (17, s1), (17, s2));
        prop_assert_eq!(result, DataType::Decimal { precision: 35, scale: s1 + s2 });
        let expr = arithmetic(Arithmetic::Times, side(a, s1), side(b, s2), result);
        prop_assert_eq!(expr.eval(&[]).unwrap(), Value::Decimal(a * b));
    }

    /// q = a / b rounded half up: |a| * 10^k - |q| * |b| lies in (-|b|/2, |b|/2].
    #[test]
    fn decimals_divide_to_the_nearest(a in -10_i128.pow(12)..10_i128.pow(12), b in 1_i128..10_i128.pow(6), negative: bool) {
        let b = if negative { -b } else { b };
        let side = |value, precision| Expr::literal(Value::Decimal(value), DataType::Decimal { precision, scale: 2 });
        let result = decimal::result_type(Arithmetic::Divide, (12, 2), (6, 2));
        let scale = decimal::scale_of(result);
        let Value::Decimal(quotient) = arithmetic(Arithmetic::Divide, side(a, 12), side(b, 6), result).eval(&[]).unwrap() else {
            return Err(TestCaseError::fail("no decimal"));
        };
        let rest = a.abs() * 10_i128.pow(u32::from(scale)) - quotient.abs() * b.abs();
        prop_assert!(2 * rest >= -b.abs() && 2 * rest < b.abs(), "{} / {} = {} at {}", a, b, quotient, scale);
        prop_assert!(quotient == 0 || (quotient < 0) == ((a < 0) != (b < 0)));
    }

    #[test]
    fn dates_round_trip(days in -719_528_i64..2_932_896) {
        let text = calendar::date_text(days);
        prop_assert_eq!(calendar::parse_date(&text).map(i64::from), Some(days));
        let (year, month, day) = calendar::civil_from_days(days);
        prop_assert_eq!(calendar::days_from_civil(year, month, day), days);
    }

    #[test]
    fn timestamps_round_trip(millis in -62_167_219_200_000_i64..253_402_300_799_999, nanos in 0_u32..1_000_000) {
        let ts = Timestamp { millis, nanos };
        prop_assert_eq!(calendar::parse_timestamp(&calendar::timestamp_text(ts, 9)), Some(ts));
    }

    #[test]
    fn times_of_any_text_do_not_panic(text in any::<String>()) {
        let _ = (calendar::parse_timestamp(&text), calendar::parse_time(&text), decimal::parse(&text));
    }

    /// LIKE against a matcher that tries every split.
    #[test]
    fn like_matches_as_the_definition(text in "[ab]{0,8}", pattern in "[ab%_]{0,6}") {
        fn matches(text: &[u8], pattern: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'%', rest)) => (0..=text.len()).any(|from| matches(&text[from..], rest)),
                Some((b'_', rest)) => !text.is_empty() && matches(&text[1..], rest),
                Some((byte, rest)) => text.first() == Some(byte) && matches(&text[1..], rest),
            }
        }
        let compiled = LikePattern::new(&pattern, None).unwrap();
        prop_assert_eq!(compiled.matches(&text), matches(text.as_bytes(), pattern.as_bytes()));
    }

    #[test]
    fn doubles_read_back_from_their_text(value in any::<f64>().prop_filter("a number", |value| value.is_finite())) {
        prop_assert_eq!(cast::double_text(value).parse::<f64>().unwrap(), value);
    }
}

/// From the documentation of java.lang.Double.toString.
#[test]
fn doubles_as_java_writes_them() {
    let cases = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (1.234_567_89e8, "1.23456789E8"),
        (-2.5, "-2.5"),
        (12.345, "12.345"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (value, text) in cases {
        assert_eq!(cast::double_text(value), text);
    }
    assert_eq!(cast::float_text(0.1), "0.1");
}

#[test]
fn a_column_is_borrowed() {
    let row = [Value::String("owned".to_owned().into())];
    let expr = Expr::column(0, DataType::STRING);
    assert!(matches!(expr.eval(&row).unwrap(), Value::String(std::borrow::Cow::Borrowed("owned"))));
    assert!(matches!(expr.eval(&[]), Err(EvalError::Shape(_))));
}

#[test]
fn a_condition_that_is_null_is_not_true() {
    assert!(!literal(None).eval_condition(&[]).unwrap());
    assert!(literal(Some(true)).eval_condition(&[]).unwrap());
}

/// 10^20 times 10^20 does not fit 128 bits before it is brought to the scale of the result.
#[test]
fn wide_decimals() {
    let side = || Expr::literal(Value::Decimal(10_i128.pow(30)), DataType::Decimal { precision: 38, scale: 20 });
    let result = decimal::result_type(Arithmetic::Times, (38, 20), (38, 20));
    assert_eq!(result, DataType::Decimal { precision: 38, scale: 6 });
    let product = arithmetic(Arithmetic::Times, side(), side(), result);
    assert_eq!(product.eval(&[]).unwrap(), Value::Decimal(10_i128.pow(26)));
    let huge = || Expr::literal(Value::Decimal(10_i128.pow(37)), DataType::Decimal { precision: 38, scale: 0 });
    let sum = arithmetic(Arithmetic::Times, huge(), huge(), DataType::Decimal { precision: 38, scale: 0 });
    assert_eq!(sum.eval(&[]).unwrap(), Value::Null);
}
