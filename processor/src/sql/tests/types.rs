//! Types and values of expressions, from text to result.

use super::*;
use crate::expr::{DataType, EvalError, Expr, Value};

/// The bound expression and its value over a fixed row of table t; the table takes any type.
fn bound(expression: &str) -> (Expr, Vec<Value<'static>>) {
    let text = format!("{TABLES}INSERT INTO o SELECT u, 1 FROM t WHERE ({expression}) IS NOT NULL");
    let pipeline = plan(&text).unwrap_or_else(|error| panic!("{error}")).pipelines.remove(0);
    let Stage::Filter(filter) = &pipeline.stages[0] else { panic!("{pipeline}") };
    let expr = match filter.node() {
        crate::expr::Node::Is { input, .. } => (**input).clone(),
        // A constant condition was computed away.
        _ => panic!("{expression} is constant"),
    };
    let value = |name: &str| match name {
        "u" => Value::text("Ada"),
        "n" => Value::Integer(7_000_000_000),
        "i" => Value::Integer(7),
        "s" => Value::Integer(300),
        "b" => Value::Integer(100),
        "d" => Value::Double(2.5),
        "f" => Value::Double(0.5),
        "ms" => Value::Integer(1_700_000_000_123),
        "dec" => Value::Decimal(1234),
        "flag" => Value::Null,
        "day" => Value::Date(19_675),
        "clock" => Value::Time(3_723_000),
        "at" => Value::timestamp(1_700_000_000_123),
        other => panic!("{other}"),
    };
    let mut row: Vec<Value<'static>> = pipeline.source.columns.iter().map(|column| value(&column.name)).collect();
    let computed: Vec<Value<'static>> =
        pipeline.source.computed.iter().map(|column| column.expr.eval(&row).unwrap().into_owned()).collect();
    row.extend(computed);
    (expr, row)
}

fn value(expression: &str) -> Value<'static> {
    let (expr, row) = bound(expression);
    expr.eval(&row).unwrap().into_owned()
}

fn data_type(expression: &str) -> String {
    bound(expression).0.data_type().to_string()
}

fn text(expression: &str) -> String {
    match value(expression) {
        Value::String(text) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

/// Calcite's and Flink's (LogicalTypeMerging) result types.
#[test]
fn types_of_arithmetic() {
    let cases = [
        ("i + i", "INT"),
        ("i + n", "BIGINT"),
        ("b + b", "TINYINT"),
        ("b + 1", "INT"),
        ("s * b", "SMALLINT"),
        ("n / i", "BIGINT"),
        ("n % i", "INT"),
        ("MOD(i, n)", "BIGINT"),
        ("i + f", "FLOAT"),
        ("f + d", "DOUBLE"),
        ("dec + d", "DOUBLE"),
        ("dec + dec", "DECIMAL(11, 2)"),
        ("dec + i", "DECIMAL(13, 2)"),
        ("dec * dec", "DECIMAL(21, 4)"),
        ("dec / dec", "DECIMAL(23, 13)"),
        ("dec + 1.5", "DECIMAL(11, 2)"),
        ("i + 3000000000", "BIGINT"),
        ("d + 1e3", "DOUBLE"),
        ("ts - INTERVAL '1' DAY", "TIMESTAMP_LTZ(3)"),
        ("COALESCE(i, n)", "BIGINT"),
        ("CASE WHEN flag THEN i ELSE dec END", "DECIMAL(12, 2)"),
        ("CHAR_LENGTH(u)", "INT"),
        ("FLOOR(dec)", "DECIMAL(10, 0)"),
        ("TO_TIMESTAMP(u)", "TIMESTAMP(3)"),
        ("EXTRACT(HOUR FROM at)", "BIGINT"),
        ("u || 'x'", "STRING"),
    ];
    for (expression, expected) in cases {
        assert_eq!(data_type(expression), expected, "{expression}");
    }
}

/// LogicalTypeMergingTest of Apache Flink.
#[test]
fn types_of_decimals_that_are_too_wide() {
    use crate::expr::{Arithmetic, decimal::result_type};
    let cases = [
        (Arithmetic::Divide, (32, 8), (38, 8), (38, 6)),
        (Arithmetic::Divide, (30, 20), (30, 20), (38, 8)),
        (Arithmetic::Times, (30, 10), (30, 10), (38, 6)),
        (Arithmetic::Times, (30, 20), (30, 20), (38, 17)),
        (Arithmetic::Times, (38, 2), (38, 3), (38, 5)),
        (Arithmetic::Modulo, (30, 10), (30, 10), (30, 10)),
    ];
    for (op, left, right, (precision, scale)) in cases {
        assert_eq!(result_type(op, left, right), DataType::Decimal { precision, scale }, "{left:?} {op:?} {right:?}");
    }
}

#[test]
fn arithmetic_overflows_as_java() {
    assert_eq!(value("b + b"), Value::Integer(-56));
    assert_eq!(value("s * s"), Value::Integer(i64::from(90_000_i32 as i16)));
    assert_eq!(value("CAST(n AS INT)"), Value::Integer(i64::from(7_000_000_000_i64 as i32)));
    assert_eq!(value("i + 2147483647"), Value::Integer(-2_147_483_642));
    assert_eq!(value("(0 - i) / 2"), Value::Integer(-3));
    assert_eq!(value("(0 - i) % 2"), Value::Integer(-1));
    let (expr, row) = bound("i / (i - 7)");
    assert_eq!(expr.eval(&row), Err(EvalError::DivisionByZero));
    assert_eq!(value("d / (d - 2.5E0)"), Value::Double(f64::INFINITY));
}

#[test]
fn decimals_are_exact() {
    assert_eq!(value("dec + dec"), Value::Decimal(2468));
    assert_eq!(value("dec * dec"), Value::Decimal(1234 * 1234));
    assert_eq!(
        value("dec / 3.00"),
        Value::Decimal(41_133_333_333 / 10_000),
        "4.113333 with the scale of DECIMAL(10,2) / DECIMAL(3,2)"
    );
    assert_eq!(text("CAST(dec AS STRING)"), "12.34");
    assert_eq!(value("CAST(dec AS INT)"), Value::Integer(12));
    assert_eq!(value("CAST(dec AS DECIMAL(3, 1))"), Value::Decimal(123));
    assert_eq!(value("CAST(dec AS DECIMAL(2, 1))"), Value::Null, "two digits do not hold 12.3");
    assert_eq!(value("ROUND(dec, 1)"), Value::Decimal(123));
}

#[test]
fn times() {
    assert_eq!(text("CAST(ts AS STRING)"), "2023-11-14 22:13:20.123");
    assert_eq!(text("CAST(day AS STRING)"), "2023-11-14");
    assert_eq!(text("CAST(clock AS STRING)"), "01:02:03");
    assert_eq!(text("CAST(at + INTERVAL '1 02:03:04.5' DAY TO SECOND AS STRING)"), "2023-11-16 00:16:24.623");
    assert_eq!(text("CAST(at + INTERVAL '3' MONTH AS STRING)"), "2024-02-14 22:13:20.123");
    assert_eq!(text("CAST(DATE '2024-01-31' + INTERVAL '1' MONTH AS STRING) || u"), "2024-02-29Ada");
    assert_eq!(text("DATE_FORMAT(at, 'yyyy/MM/dd HH:mm')"), "2023/11/14 22:13");
    assert_eq!(text("FROM_UNIXTIME(ms / 1000)"), "2023-11-14 22:13:20");
    assert_eq!(value("EXTRACT(YEAR FROM at) + HOUR(at) + DAYOFWEEK(at)"), Value::Integer(2023 + 22 + 3));
    assert_eq!(
        value("TO_TIMESTAMP_LTZ(ms / 1000, 0) = CAST(FLOOR(at TO SECOND) AS TIMESTAMP_LTZ(3))"),
        Value::Boolean(true)
    );
    assert_eq!(value("TO_TIMESTAMP_LTZ(n * n, 3)"), Value::Null, "beyond the year 9999");
    assert_eq!(value("at > '2023-11-14 22:13:20' AND i > 0"), Value::Boolean(true));
    assert_eq!(value("TO_TIMESTAMP(REPLACE(u, 'Ada', '2023-11-14 22:13:20')) < at"), Value::Boolean(true));
    assert_eq!(value("TO_TIMESTAMP(u)"), Value::Null);
}

#[test]
fn texts() {
    assert_eq!(text("SUBSTRING(u FROM 2)"), "da");
    assert_eq!(text("SUBSTRING(u, -2, 1)"), "d");
    assert_eq!(text("SUBSTR(u, 0, 2)"), "Ad");
    assert_eq!(text("TRIM(LEADING 'A' FROM u)"), "da");
    assert_eq!(text("TRIM('  ' || u || ' ')"), "Ada");
    assert_eq!(text("SPLIT_INDEX(u || ',x', ',', 1)"), "x");
    assert_eq!(value("SPLIT_INDEX(u, ',', 1)"), Value::Null);
    assert_eq!(value("POSITION('d' IN u)"), Value::Integer(2));
    assert_eq!(value("u || CAST(NULL AS STRING)"), Value::Null);
    assert_eq!(text("CAST(d AS STRING)"), "2.5");
    assert_eq!(text("CAST(d * 1e10 AS STRING)"), "2.5E10");
    assert_eq!(text("CAST(i > 3 AS STRING)"), "TRUE");
    assert_eq!(text("CAST(u AS CHAR(5)) || '|'"), "Ada  |");
    assert_eq!(text("CAST(u AS VARCHAR(2))"), "Ad");
    assert_eq!(value("CAST('1.9' || CAST(i AS STRING) AS INT)"), Value::Integer(1));
    assert_eq!(value("TRY_CAST(u AS INT)"), Value::Null);
    let (expr, row) = bound("CAST(u AS INT)");
    assert_eq!(expr.eval(&row).unwrap_err().to_string(), "cannot cast 'Ada' to INT; TRY_CAST gives NULL instead");
}

#[test]
fn conditions_and_nulls() {
    // flag is NULL.
    let cases = [
        ("flag AND i > 100", Value::Boolean(false)),
        ("flag AND i > 0", Value::Null),
        ("flag OR i > 0", Value::Boolean(true)),
        ("flag OR i > 100", Value::Null),
        ("NOT flag", Value::Null),
        ("flag IS NULL", Value::Boolean(true)),
        ("flag IS NOT TRUE", Value::Boolean(true)),
        ("flag IS DISTINCT FROM NULL", Value::Boolean(false)),
        ("i IN (1, 7)", Value::Boolean(true)),
        ("i IN (1, NULL)", Value::Null),
        ("i NOT IN (1, 2)", Value::Boolean(true)),
        ("i BETWEEN 7 AND 8", Value::Boolean(true)),
        ("i NOT BETWEEN 7 AND 8", Value::Boolean(false)),
        ("u LIKE '_d%'", Value::Boolean(true)),
        ("u NOT LIKE 'x%'", Value::Boolean(true)),
        ("u LIKE 'A!%a' ESCAPE '!'", Value::Boolean(false)),
        ("CASE i WHEN 7 THEN 'seven' ELSE 'other' END = 'seven'", Value::Boolean(true)),
        ("CASE WHEN flag THEN 1 END", Value::Null),
        ("COALESCE(flag, i > 3)", Value::Boolean(true)),
        ("NULLIF(i, 7)", Value::Null),
        ("IF(flag, 1, 2) + i", Value::Integer(9)),
        ("GREATEST(i, 9)", Value::Integer(9)),
        ("LEAST(i, CAST(NULL AS INT))", Value::Null),
        ("dec = 12.340", Value::Boolean(true)),
        ("i < d", Value::Boolean(false)),
    ];
    for (expression, expected) in cases {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn rounding() {
    assert_eq!(value("ROUND(d)"), Value::Double(3.0));
    assert_eq!(value("ROUND(0 - d)"), Value::Double(-3.0));
    assert_eq!(value("FLOOR(0 - d)"), Value::Double(-3.0));
    assert_eq!(value("CEIL(dec)"), Value::Decimal(13));
    assert_eq!(value("ROUND(i + 8, -1)"), Value::Integer(20));
    assert_eq!(value("ABS(0 - i)"), Value::Integer(7));
    assert_eq!(value("CAST(d AS INT)"), Value::Integer(2));
}
