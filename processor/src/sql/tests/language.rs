//! Statements and calls: which there are, and that what is written shortly means what it is short for.

use super::super::{functions, missing};
use super::{mistake, over_tables, plan};

/// An example for each function; their results are compared with Flink's in the corpus.
const EXAMPLES: &[(&str, &str)] = &[
    ("BTRIM", "BTRIM(u, 'x')"),
    ("CAST", "CAST(n AS STRING)"),
    ("TRY_CAST", "TRY_CAST(u AS INT)"),
    ("COALESCE", "COALESCE(u, 'x')"),
    ("GREATEST", "GREATEST(n, 1)"),
    ("IF", "IF(n > 1, u, 'x')"),
    ("IFNULL", "IFNULL(u, 'x')"),
    ("LEAST", "LEAST(n, 1)"),
    ("NULLIF", "NULLIF(n, 1)"),
    ("CHAR_LENGTH", "CHAR_LENGTH(u)"),
    ("CONCAT", "CONCAT(u, 'x')"),
    ("LTRIM", "LTRIM(u)"),
    ("POSITION", "POSITION('x' IN u)"),
    ("REPLACE", "REPLACE(u, 'x', 'y')"),
    ("RTRIM", "RTRIM(u)"),
    ("SPLIT_INDEX", "SPLIT_INDEX(u, ',', 1)"),
    ("SUBSTRING", "SUBSTRING(u FROM 2 FOR 3)"),
    ("TRIM", "TRIM(BOTH 'x' FROM u)"),
    ("OVERLAY", "OVERLAY(u PLACING 'x' FROM 2)"),
    ("MOD", "MOD(n, 2)"),
    ("POWER", "POWER(d, 2)"),
    ("ROUND", "ROUND(dec, 1)"),
    ("E", "E()"),
    ("PI", "PI()"),
    ("ATAN2", "ATAN2(d, 1)"),
    ("LOG", "LOG(2, d)"),
    ("CEIL", "CEIL(ts TO MONTH)"),
    ("FLOOR", "FLOOR(`at` TO WEEK)"),
    ("CONVERT_TZ", "CONVERT_TZ(u, 'UTC', 'Europe/Berlin')"),
    ("DATE_FORMAT", "DATE_FORMAT(`at`, 'HH:mm')"),
    ("EXTRACT", "EXTRACT(CENTURY FROM `day`)"),
    ("FROM_UNIXTIME", "FROM_UNIXTIME(n)"),
    ("TIMESTAMPADD", "TIMESTAMPADD(DAY, 1, `at`)"),
    ("TIMESTAMPDIFF", "TIMESTAMPDIFF(DAY, `at`, `at`)"),
    ("TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_LTZ(u, 'yyyy', 'Asia/Kolkata')"),
    ("JSON_ARRAY", "JSON_ARRAY(u, n ABSENT ON NULL)"),
    ("JSON_EXISTS", "JSON_EXISTS(u, 'lax $.a' UNKNOWN ON ERROR)"),
    ("JSON_OBJECT", "JSON_OBJECT(KEY 'a' VALUE n, 'b' : u NULL ON NULL)"),
    ("JSON_QUERY", "JSON_QUERY(u, '$.a' WITH CONDITIONAL ARRAY WRAPPER EMPTY ARRAY ON EMPTY ERROR ON ERROR)"),
    ("JSON_VALUE", "JSON_VALUE(u, '$.a' RETURNING INT DEFAULT 1 ON EMPTY NULL ON ERROR)"),
    ("CHR", "CHR(n)"),
    ("CONCAT_WS", "CONCAT_WS(',', u, u)"),
    ("ELT", "ELT(1, u, u)"),
    ("ENDSWITH", "ENDSWITH(u, 'x')"),
    ("INSTR", "INSTR(u, 'x')"),
    ("LEFT", "LEFT(u, 1)"),
    ("RIGHT", "RIGHT(u, 1)"),
    ("LOCATE", "LOCATE('x', u, 2)"),
    ("LPAD", "LPAD(u, 5, 'x')"),
    ("RPAD", "RPAD(u, 5, 'x')"),
    ("REPEAT", "REPEAT(u, 2)"),
    ("STARTSWITH", "STARTSWITH(u, 'x')"),
    ("TRANSLATE", "TRANSLATE(u, 'ab', 'cd')"),
    ("REGEXP", "REGEXP(u, 'x+')"),
    ("REGEXP_COUNT", "REGEXP_COUNT(u, 'x')"),
    ("REGEXP_EXTRACT", "REGEXP_EXTRACT(u, '(x)', 1)"),
    ("REGEXP_INSTR", "REGEXP_INSTR(u, 'x')"),
    ("REGEXP_REPLACE", "REGEXP_REPLACE(u, 'x', 'y')"),
    ("REGEXP_SUBSTR", "REGEXP_SUBSTR(u, 'x')"),
    ("DECODE", "DECODE(x'41', 'UTF-8')"),
    ("ENCODE", "ENCODE(u, 'UTF-16LE')"),
    ("SHA2", "SHA2(u, 256)"),
    ("JSON", "JSON(u)"),
    ("ARRAY", "ARRAY[n, 1]"),
    ("ARRAY_APPEND", "ARRAY_APPEND(ARRAY[n], 1)"),
    ("ARRAY_CONCAT", "ARRAY_CONCAT(ARRAY[n], ARRAY[1])"),
    ("ARRAY_CONTAINS", "ARRAY_CONTAINS(ARRAY[n], 1)"),
    ("ARRAY_DISTINCT", "ARRAY_DISTINCT(ARRAY[n])"),
    ("ARRAY_EXCEPT", "ARRAY_EXCEPT(ARRAY[n], ARRAY[1])"),
    ("ARRAY_INTERSECT", "ARRAY_INTERSECT(ARRAY[n], ARRAY[1])"),
    ("ARRAY_JOIN", "ARRAY_JOIN(ARRAY[u], ',')"),
    ("ARRAY_MAX", "ARRAY_MAX(ARRAY[n])"),
    ("ARRAY_MIN", "ARRAY_MIN(ARRAY[n])"),
    ("ARRAY_POSITION", "ARRAY_POSITION(ARRAY[n], 1)"),
    ("ARRAY_PREPEND", "ARRAY_PREPEND(ARRAY[n], 1)"),
    ("ARRAY_REMOVE", "ARRAY_REMOVE(ARRAY[n], 1)"),
    ("ARRAY_REVERSE", "ARRAY_REVERSE(ARRAY[n])"),
    ("ARRAY_SLICE", "ARRAY_SLICE(ARRAY[n], 1)"),
    ("ARRAY_SORT", "ARRAY_SORT(ARRAY[n])"),
    ("ARRAY_UNION", "ARRAY_UNION(ARRAY[n], ARRAY[1])"),
    ("CARDINALITY", "CARDINALITY(ARRAY[n])"),
    ("ELEMENT", "ELEMENT(ARRAY[n])"),
    ("MAP", "MAP[u, n]"),
    ("MAP_ENTRIES", "MAP_ENTRIES(MAP[u, n])"),
    ("MAP_FROM_ARRAYS", "MAP_FROM_ARRAYS(ARRAY[u], ARRAY[n])"),
    ("MAP_KEYS", "MAP_KEYS(MAP[u, n])"),
    ("MAP_UNION", "MAP_UNION(MAP[u, n])"),
    ("MAP_VALUES", "MAP_VALUES(MAP[u, n])"),
    ("ROW", "ROW(u, n)"),
    ("SPLIT", "SPLIT(u, ',')"),
    ("STR_TO_MAP", "STR_TO_MAP(u)"),
    ("BIN", "BIN(n)"),
    ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
    ("NOW", "NOW()"),
    ("CURRENT_ROW_TIMESTAMP", "CURRENT_ROW_TIMESTAMP()"),
    ("LOCALTIMESTAMP", "LOCALTIMESTAMP"),
    ("CURRENT_DATE", "CURRENT_DATE"),
    ("CURRENT_TIME", "CURRENT_TIME"),
    ("LOCALTIME", "LOCALTIME"),
    ("PARSE_URL", "PARSE_URL(u, 'HOST')"),
    ("RAND", "RAND()"),
    ("RAND_INTEGER", "RAND_INTEGER(n)"),
    ("UUID", "UUID()"),
    ("HEX", "HEX(n)"),
];

/// The argument of a function that is not among the examples: it has one.
fn only_argument(name: &str) -> &'static str {
    let of_times = ["DAY", "HOUR", "MINUTE", "MONTH", "QUARTER", "SECOND", "WEEK", "YEAR"];
    let form = functions::form(name).unwrap();
    if of_times.iter().any(|time| name.starts_with(time)) {
        "`at`"
    } else if form.contains("number") {
        "d"
    } else {
        "u"
    }
}

#[test]
fn every_function_of_the_reference_page_can_be_called() {
    let aggregates: Vec<&str> = functions::BOUND
        .iter()
        .filter(|bound| bound.family == functions::Family::Aggregate)
        .flat_map(|bound| bound.names.iter().copied())
        .collect();
    for name in functions::names().filter(|name| !aggregates.contains(name)) {
        let call = match EXAMPLES.iter().find(|(known, _)| *known == name) {
            Some((_, example)) => (*example).to_owned(),
            None if functions::form(name).unwrap().contains(',') => continue,
            None => format!("{name}({})", only_argument(name)),
        };
        let text = format!("INSERT INTO o SELECT JSON_STRING({call}), n FROM t");
        assert!(over_tables(&text).is_ok(), "{name}: {:?}", over_tables(&text).map(drop));
    }
}

#[test]
fn every_function_that_is_missing_is_refused_by_name() {
    let missing = missing::MISSING.iter().flat_map(|(_, names)| *names);
    for name in missing.filter(|name| !["ARRAY", "MAP", "ROW"].contains(name)) {
        let error = over_tables(&format!("INSERT INTO o SELECT {name}(), n FROM t")).expect_err(name);
        assert!(error.message.contains("not supported"), "{name}: {error}");
    }
}

#[test]
fn a_table_like_another_is_that_table_written_out() {
    let base = "CREATE TABLE base (a STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
        WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
        CREATE TABLE o (a STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');";
    let insert = "INSERT INTO o SELECT a FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY a, window_start, window_end;";
    for (like, written) in [
        (
            "CREATE TABLE c LIKE base;",
            "CREATE TABLE c (a STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
             WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');",
        ),
        (
            "CREATE TABLE c (x INT, WATERMARK FOR ts AS ts - INTERVAL '9' SECOND) WITH ('topic' = 'c') LIKE base (OVERWRITING WATERMARKS);",
            "CREATE TABLE c (a STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), x INT, WATERMARK FOR ts AS ts - INTERVAL '9' SECOND)
             WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');",
        ),
        (
            "CREATE TABLE c (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json')
             LIKE base (EXCLUDING ALL);",
            "CREATE TABLE c (a STRING, ms BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
             WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');",
        ),
    ] {
        let short = plan(&format!("{base}{like}{insert}")).unwrap_or_else(|error| panic!("{like}: {error}"));
        let long = plan(&format!("{base}{written}{insert}")).unwrap();
        assert_eq!(short.pipelines, long.pipelines, "{like}");
    }
}

#[test]
fn what_a_like_cannot_take_over_is_said() {
    let base = "CREATE TABLE base (a STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');\n";
    for (like, message) in [
        ("CREATE TABLE c («a» INT) LIKE base;", "column a is there already, from base"),
        ("CREATE TABLE c (WATERMARK FOR «ts» AS ts) LIKE base;", "base has a WATERMARK already"),
        (
            "CREATE TABLE c WITH («'topic'» = 'x') LIKE base (INCLUDING OPTIONS);",
            "option 'topic' is there already, from base",
        ),
        ("CREATE TABLE c LIKE «bose»;", "there is no table bose"),
    ] {
        assert_eq!(mistake(&format!("{base}{like}")).message, message);
    }
}

#[test]
fn grouping_sets_and_unions_are_pipelines_of_their_own() {
    let text = "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))
        GROUP BY window_start, window_end, CUBE (u, i) UNION ALL SELECT u, n FROM plain";
    let plan = over_tables(text).unwrap_or_else(|error| panic!("{error}"));
    let keys: Vec<usize> = plan
        .pipelines
        .iter()
        .map(|pipeline| match &pipeline.stages[0] {
            crate::plan::Stage::WindowAggregate(aggregate) => aggregate.keys.len(),
            _ => 99,
        })
        .collect();
    assert_eq!(keys, [2, 1, 1, 0, 99]);
    let inner = "INSERT INTO o SELECT u, n FROM («SELECT» u, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))
        GROUP BY window_start, window_end, ROLLUP (u))";
    let message = "GROUPING SETS, ROLLUP and CUBE are for the outermost query of INSERT INTO";
    assert_eq!(super::mistake_over_tables(inner).message, message);
}

#[test]
fn constant_arguments_are_checked_when_planning() {
    for (call, message) in [
        ("REGEXP(u, «'(a'»)", "'(a' is no regular expression here"),
        ("REGEXP_EXTRACT(u, «'(?=a)'»)", "'(?=a)' is no regular expression here"),
        ("CONVERT_TZ(u, 'UTC', «'Europe/Berlim'»)", "there is no time zone 'Europe/Berlim'"),
        ("SHA2(u, «255»)", "SHA2 has 224, 256, 384 or 512 bits"),
        ("JSON_VALUE(u, «'a.b'»)", "the path 'a.b' does not begin with $"),
        ("ENCODE(u, «'UTF-7'»)", "there is no character set 'UTF-7'"),
        ("LPAD(u, «'5'», 'x')", "LPAD needs an integer here, found STRING"),
        ("«LPAD»(u)", "LPAD does not take 1 argument"),
        ("TIMESTAMPADD(«FORTNIGHT», 1, ts)", "expected a unit of time"),
    ] {
        let error = super::mistake_over_tables(&format!("INSERT INTO o SELECT JSON_STRING({call}), n FROM t"));
        assert!(error.message.starts_with(message), "{call}: {error}");
    }
}

#[test]
fn explain_shows_calls_as_they_are_written() {
    let text = "INSERT INTO o SELECT LPAD(JSON_VALUE(u, 'lax $.a'), 5, '0'), n FROM t";
    let shown = over_tables(text).unwrap().to_string();
    assert!(shown.contains("LPAD(JSON_VALUE(u, 'lax $.a' NULL ON EMPTY NULL ON ERROR), 5, '0')"), "{shown}");
}
