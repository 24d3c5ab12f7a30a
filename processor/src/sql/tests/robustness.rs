//! No text makes the planner panic, hang or run out of stack.

use proptest::prelude::*;

use super::*;

/// Words that get a random text past the first checks.
const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "INSERT INTO",
    "o",
    "t",
    "plain",
    "u",
    "n",
    "ts",
    "(",
    ")",
    ",",
    ";",
    "'x'",
    "1",
    "1.5",
    "1e3",
    "*",
    "+",
    "-",
    "/",
    "%",
    "=",
    "<",
    ">",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "AS",
    "BIGINT",
    "STRING",
    "TABLE",
    "TUMBLE",
    "DESCRIPTOR",
    "INTERVAL '5' SECOND",
    "window_start",
    "window_end",
    "COUNT",
    "SUM",
    "CREATE TABLE",
    "WITH",
    "WATERMARK FOR",
    "LIKE",
    "IN",
    "BETWEEN",
    "||",
    "SET",
    "VIEW",
    "UNION ALL",
    "EXISTS",
    "INTERVAL",
    "DATE",
    "`",
    "'",
    "\"",
    ".",
    "=>",
    "::",
    "/*",
    "--",
    "\n",
    "TRIM",
    "SUBSTRING",
    "EXTRACT",
    "YEAR",
    "FLOOR",
    "TO",
    "DAY",
    "OVER",
    "FILTER",
    "DISTINCT",
    "JOIN",
    "ON",
    "VALUES",
    "TIMESTAMP",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        let _ = plan(&text).map_err(|error| error.to_string());
    }

    #[test]
    fn any_words(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let _ = plan(&words.join(" ")).map_err(|error| error.to_string());
        let _ = over_tables(&format!("INSERT INTO o SELECT u, {} FROM t", words.join(" "))).map_err(|error| error.to_string());
    }

    /// The example with some of it cut out or doubled: an error has a place inside of the text.
    #[test]
    fn a_damaged_example(from in 0_usize..1500, length in 0_usize..60, doubled: bool) {
        let example = include_str!("../../../../docs/examples/user-metrics.sql");
        let (from, to) = (from.min(example.len()), (from + length).min(example.len()));
        let text = if doubled {
            format!("{}{}", &example[..to], &example[from..])
        } else {
            format!("{}{}", &example[..from], &example[to..])
        };
        if let Err(error) = plan(&text) {
            let lines = text.lines().count().max(1) as u64;
            prop_assert!((1..=lines).contains(&error.line), "{error}");
            prop_assert!(error.column >= 1 && error.column <= error.source_line.chars().count() as u64 + 1, "{error}");
        }
    }
}

#[test]
fn deep_and_long_expressions() {
    for depth in [10, 49, 51, 300, 3000] {
        let nest = |open: &str, close: &str| format!("{}n{}", open.repeat(depth), close.repeat(depth));
        let expressions = [
            nest("(", ")"),
            nest("ABS(", ")"),
            nest("CASE WHEN TRUE THEN ", " END"),
            nest("CAST(", " AS BIGINT)"),
            nest("- ", ""),
            nest("NOT ", ""),
            nest("INTERVAL (", ")"),
            nest("IF(CURRENT_TIME(", "))"),
            nest("", " + n"),
            nest("", " IS NULL"),
            nest("", " || u"),
            nest("n > 1 AND ", " > 1"),
        ];
        for expression in expressions {
            let _ = over_tables(&format!("INSERT INTO o SELECT u, {expression} FROM t"));
        }
        let _ =
            over_tables(&format!("INSERT INTO o {}SELECT u, n FROM t", "SELECT u, n FROM t UNION ALL ".repeat(depth)));
        let _ = over_tables(&format!(
            "INSERT INTO o SELECT * FROM {}t{}",
            "(SELECT * FROM ".repeat(depth),
            ")".repeat(depth)
        ));
    }
}

#[test]
fn many_conditions_are_fine() {
    let conditions: Vec<String> = (0..400).map(|n| format!("n = {n}")).collect();
    pipeline(&format!("INSERT INTO o SELECT u, n FROM t WHERE {}", conditions.join(" OR ")));
}

/// Each view doubles what the one before stands for.
#[test]
fn views_that_multiply_are_refused() {
    let mut text = "CREATE VIEW v0 AS SELECT u, n FROM plain;\n".to_owned();
    for index in 1..60 {
        text.push_str(&format!("CREATE VIEW v{index} AS SELECT u, n + n AS n FROM v{};\n", index - 1));
    }
    let error = over_tables(&format!("{text}INSERT INTO o SELECT u, n FROM v59")).unwrap_err();
    assert_eq!(error.message, "with what n stands for, the expression is too large");
}

#[test]
fn a_text_that_is_too_long() {
    let error = plan(&" ".repeat(crate::sql::MAX_TEXT_BYTES + 1)).unwrap_err();
    assert_eq!(error.message, "the text has 1048577 bytes; at most 1048576 are read");
}
