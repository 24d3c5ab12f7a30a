//! What statements are planned into.

use super::*;
use crate::expr::{DataType, Expr, Value};
use crate::plan::{AggregateFunction, OutputField, Window};

#[test]
fn the_example_is_planned() {
    let text = include_str!("../../../../docs/examples/user-metrics.sql");
    let plan = plan(text).unwrap();
    assert_eq!(
        plan.explain(),
        "  source     website_clicks <- topic website-clicks (json, from the earliest offset): user_id STRING, bytes BIGINT, event_time BIGINT
  computed   ts = TO_TIMESTAMP_LTZ(event_time)
  watermark  of ts: (ts - INTERVAL 2 s)
  window     TUMBLE of 5 s over ts, by user_id: COUNT(*), SUM(bytes), MAX(bytes)
  project    user_id, window_start, window_end, COUNT(*), SUM(bytes), MAX(bytes)
  sink       user_metrics -> topic user-metrics (json): user_id STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), clicks BIGINT, bytes BIGINT, max_bytes BIGINT
"
    );
}

#[test]
fn only_needed_columns_are_read() {
    let pipeline = pipeline("INSERT INTO o SELECT u, 1 FROM plain");
    assert_eq!(pipeline.source.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["u"]);
    // The event time is needed for the watermark, and so is what it is computed from.
    let pipeline = super::pipeline(
        "INSERT INTO o SELECT u, d > 1 OR flag IS NULL FROM t".replace("d > 1 OR flag IS NULL", "i + n").as_str(),
    );
    assert_eq!(
        pipeline.source.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["u", "n", "i", "ms"]
    );
    assert_eq!(pipeline.source.event_time.as_ref().unwrap().column, 4);
    assert_eq!(pipeline.source.computed[0].expr.to_string(), "TO_TIMESTAMP_LTZ($3)");
}

#[test]
fn a_filter_and_a_projection() {
    let pipeline =
        pipeline("INSERT INTO o SELECT UPPER(u) || '!', n * 2 FROM plain WHERE n BETWEEN 1 AND 9 AND u LIKE 'a%'");
    let [Stage::Filter(filter), Stage::Project(exprs)] = pipeline.stages.as_slice() else { panic!("{pipeline}") };
    let row = |u: &'static str, n: i64| [Value::text(u), Value::Integer(n)];
    assert!(filter.eval_condition(&row("abc", 9)).unwrap());
    assert!(!filter.eval_condition(&row("abc", 10)).unwrap());
    assert!(!filter.eval_condition(&row("bca", 5)).unwrap());
    assert_eq!(exprs[0].eval(&row("abc", 9)).unwrap(), Value::text("ABC!"));
    assert_eq!(exprs[1].eval(&row("abc", 9)).unwrap(), Value::Integer(18));
}

#[test]
fn window_spellings() {
    let forms = [
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
        "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECONDS)",
        "TABLE(TUMBLE(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '5' SECOND))",
        "TABLE(tumble(SIZE => INTERVAL '5' SECOND, DATA => TABLE t, TIMECOL => DESCRIPTOR(ts)))",
        "TABLE(TUMBLE((SELECT * FROM t), DESCRIPTOR(ts), INTERVAL '0:05' MINUTE TO SECOND))",
        "TABLE(TUMBLE(TABLE `t`, DESCRIPTOR(`ts`), INTERVAL '5' SECOND)) AS w",
    ];
    for form in forms {
        let pipeline =
            pipeline(&format!("INSERT INTO o SELECT u, COUNT(*) FROM {form} GROUP BY window_end, u, window_start"));
        let aggregate = aggregation(&pipeline);
        assert_eq!(aggregate.window, Window::Tumble { size_ms: 5000, offset_ms: 0 }, "{form}");
        assert_eq!(pipeline.source.columns[aggregate.keys[0].as_column().unwrap()].name, "u");
    }
}

#[test]
fn windows_that_overlap() {
    let hop = Window::Hop { slide_ms: 5_000, size_ms: 10_000, offset_ms: 0 };
    let shifted = Window::Hop { slide_ms: 5_000, size_ms: 10_000, offset_ms: -16_000 };
    let cumulate = Window::Cumulate { step_ms: 5_000, size_ms: 10_000, offset_ms: 0 };
    let later = Window::Cumulate { step_ms: 5_000, size_ms: 10_000, offset_ms: 1_000 };
    let (data, five, ten) = ("TABLE t, DESCRIPTOR(ts)", "INTERVAL '5' SECOND", "INTERVAL '10' SECOND");
    let forms = [
        (format!("HOP({data}, {five}, {ten})"), &hop),
        (format!("HOP({data}, {five}, {ten}, INTERVAL '-16' SECOND)"), &shifted),
        (format!("HOP(SIZE => {ten}, SLIDE => {five}, TIMECOL => DESCRIPTOR(ts), DATA => TABLE t)"), &hop),
        (format!("TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => {five}, SIZE => {ten}))"), &hop),
        (format!("TABLE(CUMULATE({data}, {five}, {ten}))"), &cumulate),
        (format!("TABLE(cumulate({data}, SIZE => {ten}, STEP => {five}))"), &cumulate),
        (format!("TABLE(CUMULATE({data}, {five}, {ten}, `OFFSET` => INTERVAL '1' SECOND))"), &later),
    ];
    for (form, window) in forms {
        let pipeline = pipeline(&format!(
            "INSERT INTO o SELECT u, COUNT(*) FROM {form} GROUP BY u, window_start, window_end, window_time HAVING window_end > window_start"
        ));
        assert_eq!(aggregation(&pipeline).window, *window, "{form}");
    }
}

/// The smallest of the different values is the smallest of all; equal calls are computed once.
#[test]
fn distinct_is_kept_where_it_matters() {
    let plan = over_tables(
        "INSERT INTO o SELECT u, COUNT(DISTINCT n) + COUNT(DISTINCT n) + COUNT(n) + MIN(DISTINCT n) + MIN(n) + SUM(DISTINCT n) FILTER (WHERE flag)
         FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND, INTERVAL '1' SECOND) GROUP BY u, window_start, window_end",
    );
    let text = plan.unwrap().explain();
    let line = text.lines().find(|line| line.starts_with("  window")).unwrap();
    assert_eq!(
        line,
        "  window     HOP of 10 s every 5 s shifted by 1 s over ts, by u: COUNT(DISTINCT n), COUNT(n), MIN(n), \
         SUM(DISTINCT n) FILTER (WHERE flag)"
    );
}

#[test]
fn window_offset() {
    let with = |offset: &str| {
        let pipeline = pipeline(&format!(
            "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE, {offset}))
             GROUP BY u, window_start, window_end"
        ));
        aggregation(&pipeline).window.clone()
    };
    assert_eq!(with("INTERVAL '1' MINUTE"), Window::Tumble { size_ms: 600_000, offset_ms: 60_000 });
    assert_eq!(with("INTERVAL '-9' MINUTE"), Window::Tumble { size_ms: 600_000, offset_ms: -540_000 });
    assert_eq!(with("OFFSET => INTERVAL '1' SECOND"), Window::Tumble { size_ms: 600_000, offset_ms: 1000 });
}

#[test]
fn aggregates_are_computed_once_and_placed() {
    let pipeline = pipeline(
        "INSERT INTO o SELECT UPPER(u), SUM(n) + SUM(n) FILTER (WHERE i > 0) + COUNT(*)
         FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE n > 0
         GROUP BY u, window_start, window_end HAVING SUM(n) > 10 AND window_start < window_end",
    );
    let aggregate = aggregation(&pipeline);
    let functions: Vec<_> = aggregate.aggregates.iter().map(|call| (call.function, call.filter.is_some())).collect();
    assert_eq!(
        functions,
        [(AggregateFunction::Sum, false), (AggregateFunction::Sum, true), (AggregateFunction::CountStar, false)]
    );
    assert_eq!(
        aggregate.output,
        [
            OutputField::Key(0),
            OutputField::Aggregate(0),
            OutputField::Aggregate(1),
            OutputField::Aggregate(2),
            OutputField::WindowStart,
            OutputField::WindowEnd
        ]
    );
    let [Stage::Filter(_), Stage::WindowAggregate(_), Stage::Filter(having), Stage::Project(exprs)] =
        pipeline.stages.as_slice()
    else {
        panic!("{pipeline}")
    };
    let row = |sum: i64| {
        [
            Value::text("x"),
            Value::Integer(sum),
            Value::Integer(5),
            Value::Integer(3),
            Value::timestamp(0),
            Value::timestamp(5),
        ]
    };
    assert!(having.eval_condition(&row(11)).unwrap());
    assert!(!having.eval_condition(&row(10)).unwrap());
    assert_eq!(exprs[0].eval(&row(11)).unwrap(), Value::text("X"));
    assert_eq!(exprs[1].eval(&row(11)).unwrap(), Value::Integer(19));
}

#[test]
fn an_expression_can_be_a_key() {
    let pipeline = pipeline(
        "INSERT INTO o SELECT UPPER(u) || '-', COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))
         GROUP BY UPPER(u), window_start, window_end",
    );
    let keys: Vec<String> = aggregation(&pipeline).keys.iter().map(Expr::to_string).collect();
    assert_eq!(keys, ["UPPER($0)"]);
    let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
    assert_eq!(exprs[0].to_string(), "CONCAT($0, '-')");
}

#[test]
fn windows_without_keys() {
    let pipeline = pipeline(
        "INSERT INTO o SELECT 'all', COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))
         GROUP BY window_start, window_end",
    );
    assert_eq!(aggregation(&pipeline).keys, []);
}

/// Flink's result types: COUNT is BIGINT, SUM and AVG keep the argument's type, but for decimals.
#[test]
fn types_of_aggregates() {
    let pipeline = pipeline(
        "INSERT INTO o SELECT u, COUNT(u) + SUM(n) + SUM(i) + SUM(s) + AVG(i) + AVG(n) + MAX(b)
           + CAST(SUM(d) + AVG(f) + SUM(dec) + AVG(dec) AS BIGINT)
         FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY u, window_start, window_end",
    );
    let results: Vec<DataType> = aggregation(&pipeline).aggregates.iter().map(|call| call.result).collect();
    assert_eq!(
        results,
        [
            DataType::BigInt,
            DataType::BigInt,
            DataType::Int,
            DataType::SmallInt,
            DataType::Int,
            DataType::BigInt,
            DataType::TinyInt,
            DataType::Double,
            DataType::Float,
            DataType::Decimal { precision: 38, scale: 2 },
            DataType::Decimal { precision: 38, scale: 6 },
        ]
    );
}

/// Flink: window_start and window_end are TIMESTAMP(3) even over TIMESTAMP_LTZ; window_time keeps the event time's type.
#[test]
fn types_of_window_columns() {
    let text = "CREATE TABLE w (s TIMESTAMP(3), e TIMESTAMP(3), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 'w', 'format' = 'json');
        INSERT INTO w SELECT window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
    let pipeline = pipeline(text);
    let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
    let types: Vec<DataType> = exprs.iter().map(Expr::data_type).collect();
    assert_eq!(types, [DataType::Timestamp(3), DataType::Timestamp(3), DataType::TimestampLtz(3)]);
}

/// Flink 2.2.1: -1 ms and -5000 ms are in [-5 s, 0), -5001 ms in [-10 s, -5 s).
#[test]
fn windows_before_1970() {
    let text = "CREATE TABLE w (s TIMESTAMP(3), e TIMESTAMP(3), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 'w', 'format' = 'json');
        INSERT INTO w SELECT window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
    let pipeline = pipeline(text);
    let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
    let window = |ms: i64| {
        let row = [Value::Integer(ms), Value::timestamp(ms)];
        exprs.iter().map(|expr| expr.eval(&row).unwrap().into_owned()).collect::<Vec<_>>()
    };
    let bounds = |start: i64, end: i64| vec![Value::timestamp(start), Value::timestamp(end), Value::timestamp(end - 1)];
    assert_eq!(window(-1), bounds(-5000, 0));
    assert_eq!(window(-5000), bounds(-5000, 0));
    assert_eq!(window(-5001), bounds(-10_000, -5000));
    assert_eq!(window(0), bounds(0, 5000));
    assert_eq!(window(4999), bounds(0, 5000));
}

#[test]
fn views_with_queries_and_subqueries_are_one_pipeline() {
    let direct = over_tables("INSERT INTO o SELECT UPPER(u), n + 1 FROM plain WHERE n > 0").unwrap();
    let forms = [
        "CREATE VIEW v AS SELECT UPPER(u) AS big, n + 1 AS m FROM plain WHERE n > 0; INSERT INTO o SELECT big, m FROM v",
        "CREATE TEMPORARY VIEW v (big, m) AS SELECT UPPER(u), n + 1 FROM plain WHERE n > 0; INSERT INTO o SELECT v.big, m FROM v",
        "INSERT INTO o WITH v AS (SELECT UPPER(u) AS big, n + 1 AS m FROM plain WHERE n > 0) SELECT * FROM v",
        "INSERT INTO o SELECT x.big, x.m FROM (SELECT UPPER(u) AS big, n + 1 AS m FROM plain WHERE n > 0) AS x",
        "INSERT INTO o SELECT UPPER(p.u), n + 1 FROM plain p WHERE p.n > 0",
        "INSERT INTO o (n, k) SELECT n + 1, UPPER(u) FROM plain WHERE n > 0",
    ];
    for form in forms {
        assert_eq!(over_tables(form).unwrap().pipelines, direct.pipelines, "{form}");
    }
}

#[test]
fn a_window_over_a_query_keeps_its_event_time() {
    let pipeline = pipeline(
        "INSERT INTO o SELECT big, COUNT(*) FROM
           TABLE(TUMBLE((SELECT UPPER(u) AS big, ts AS happened FROM t WHERE n > 0), DESCRIPTOR(happened), INTERVAL '1' HOUR))
         GROUP BY big, window_start, window_end",
    );
    let aggregate = aggregation(&pipeline);
    assert_eq!(aggregate.time_column, pipeline.source.event_time.as_ref().unwrap().column);
    assert!(matches!(pipeline.stages[0], Stage::Filter(_)));
}

#[test]
fn several_inserts_are_one_job() {
    for text in [
        "INSERT INTO o SELECT u, n FROM plain; INSERT INTO o SELECT u, ms FROM t;",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO o SELECT u, n FROM plain; INSERT INTO o SELECT u, ms FROM t; END;",
        "BEGIN STATEMENT SET; INSERT INTO o SELECT u, n FROM plain; INSERT INTO o SELECT u, ms FROM t; END",
    ] {
        assert_eq!(over_tables(text).unwrap().pipelines.len(), 2, "{text}");
    }
}

#[test]
fn columns_that_get_no_value_are_null() {
    let pipeline = pipeline("INSERT INTO o (n) SELECT n FROM plain");
    let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
    assert_eq!(exprs[0].as_literal(), Some(&Value::Null));
}

/// LogicalTypeCasts' implicit casts: integers widen, never narrow.
#[test]
fn the_query_is_widened_to_the_table() {
    let pipeline = pipeline("INSERT INTO o SELECT u, b FROM t");
    let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
    assert!(exprs[1].as_column().is_some(), "a TINYINT is a BIGINT as it is");
    let narrow = "CREATE TABLE small (n INT) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = 'json'); INSERT INTO small SELECT n FROM t";
    assert!(over_tables(narrow).unwrap_err().message.starts_with("column n of small is INT, the query gives BIGINT"));
}

#[test]
fn a_job_that_reads_what_it_writes_is_told() {
    let plan = over_tables("INSERT INTO o SELECT k, n FROM o").unwrap();
    assert_eq!(plan.warnings, ["the job reads and writes topic o: it will see its own rows"]);
}

/// Calcite gives the leading field of an interval two digits.
#[test]
fn an_interval_that_flink_refuses_is_told() {
    let window = |size: &str| {
        over_tables(&format!(
            "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '100' {size}))
             GROUP BY u, window_start, window_end"
        ))
        .unwrap()
        .warnings
    };
    assert_eq!(window("SECOND"), ["line 7: Flink takes INTERVAL '100' SECOND only as SECOND(3)"]);
    assert_eq!(window("SECOND(3)"), [] as [&str; 0]);
}

/// The steps of a query as EXPLAIN prints them, without source and sink.
fn steps(query: &str) -> Vec<String> {
    let text = pipeline(&format!("INSERT INTO o {query}")).to_string();
    let is_step = |line: &&str| ["filter", "project", "window"].iter().any(|word| line.trim_start().starts_with(word));
    text.lines().filter(is_step).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn sessions_by_their_keys_and_by_others() {
    let session = "FROM TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL '5' SECOND))";
    let direct = ["window SESSION with gaps of 5 s over ts, by u: COUNT(*)", "project u, COUNT(*)"];
    assert_eq!(steps(&format!("SELECT u, COUNT(*) {session} GROUP BY u, window_start, window_end")), direct);
    let rows = "windows SESSION with gaps of 5 s over ts, by u: each row with its windows";
    let all = [rows, "window that rows have over window_end, by window_start: COUNT(*)", "project 'all', COUNT(*)"];
    assert_eq!(steps(&format!("SELECT 'all', COUNT(*) {session} GROUP BY window_start, window_end")), all);
    // Flink 2.2.1 looks at rows of whole sessions here, but makes sessions of some rows where they are aggregated.
    let rows = "windows SESSION with gaps of 5 s over ts, by u: each row (u, n) with its windows";
    let some = [rows, "filter (n > 1)", "project u, n"];
    assert_eq!(steps(&format!("SELECT u, n {session} WHERE n > 1")), some);
    let direct = ["filter (n > 1)", direct[0], direct[1]];
    assert_eq!(
        steps(&format!("SELECT u, COUNT(*) {session} WHERE n > 1 GROUP BY u, window_start, window_end")),
        direct
    );
}

#[test]
fn windows_over_windows() {
    let query = "SELECT u, SUM(c) FROM TABLE(TUMBLE(
        (SELECT u, window_time AS wt, COUNT(*) AS c FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
          GROUP BY u, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '1' MINUTE))
      GROUP BY u, window_start, window_end";
    let expected = [
        "window HOP of 10 s every 5 s over ts, by u: COUNT(*)",
        "window TUMBLE of 1 min over window_time, by u: SUM(COUNT(*))",
        "project u, SUM(COUNT(*))",
    ];
    assert_eq!(steps(query), expected);
}

#[test]
fn rows_under_a_primary_key_that_mixes_them_are_kept_or_warned_of() {
    let table = |name: &str, key: &str| {
        format!(
            "CREATE TABLE {name} (a STRING NOT NULL, b STRING NOT NULL, n BIGINT, PRIMARY KEY ({key}) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = '{name}', 'key.format' = 'json', 'value.format' = 'json');"
        )
    };
    let warned = |key: &str, query: &str| {
        let planned = |mode: &str| {
            let set = format!("SET 'table.exec.sink.upsert-materialize' = '{mode}';");
            let text = format!("{set} {} {} INSERT INTO o2 {query}", table("i2", "a"), table("o2", key));
            let plan = super::plan(&text).unwrap();
            let warns = plan.warnings.iter().any(|warning| warning.contains("one PRIMARY KEY of o2"));
            (warns, plan.explain().lines().any(|line| line.starts_with("  keyed ")))
        };
        let (warns, keeps) = planned("none");
        assert!(!keeps);
        // Where they are kept there is nothing to be warned of.
        assert_eq!(planned("AUTO"), (false, warns));
        assert_eq!(planned("FORCE"), (false, true));
        warns
    };
    assert!(!warned("a", "SELECT a, b, n FROM i2"));
    assert!(!warned("a, b", "SELECT a, b, n FROM i2"), "more than tells rows apart");
    assert!(warned("b", "SELECT a, b, n FROM i2"));
    assert!(!warned("a, b", "SELECT a, UPPER(b), COUNT(*) FROM i2 GROUP BY a, b"));
    assert!(warned("a", "SELECT a, b, COUNT(*) FROM i2 GROUP BY a, b"));
    assert!(warned("a", "SELECT 'x', b, COUNT(*) FROM i2 GROUP BY b"));
}
