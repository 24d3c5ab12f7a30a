//! Mistakes: what is said, where, and what is advised.

use super::*;

/// Marked text (after the tables), message, hint.
type Case = (&'static str, &'static str, &'static str);

#[track_caller]
fn check(cases: &[Case]) {
    for (marked, message, hint) in cases {
        let error = mistake_over_tables(marked);
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or("")), (*message, *hint), "{error}");
    }
}

#[test]
fn rendering_shows_the_line_and_a_caret() {
    let error = plan(&format!("{TABLES}INSERT INTO o\n\tSELECT uu, n FROM t")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error: there is no column uu in table t\n --> line 8, column 9\n  |\n8 | \tSELECT uu, n FROM t\n  | \t       ^^\n  = did you mean u?\n"
    );
    assert_eq!(error.one_line(), "line 8, column 9: there is no column uu in table t; did you mean u?");
    assert!(error.render(Some("job.sql")).contains("--> job.sql:8:9\n"));
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let long = format!("{TABLES}INSERT INTO o SELECT {} nope, n FROM t", " ".repeat(1000));
    let shown = plan(&long).unwrap_err().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() < 160), "{shown}");
    let caret = lines[4].find('^').unwrap();
    assert_eq!(&lines[3][caret..caret + 4], "nope");
}

#[test]
fn statements() {
    check(&[
        ("«SELECT» 1", "a query alone goes nowhere in a job", "write INSERT INTO a table before it"),
        ("«INSRT» INTO o SELECT u, n FROM t", "INSRT is no statement of a job", "did you mean INSERT?"),
        ("CREATE «TABEL» x", "expected TABLE or VIEW after CREATE, found TABEL", "did you mean TABLE?"),
        (
            "«DELETE» FROM t",
            "DELETE is no statement of a job",
            "a job is made of CREATE TABLE, CREATE VIEW, SET and INSERT INTO",
        ),
        ("INSERT «OVERWRITE» o SELECT u, n FROM t", "a topic cannot be overwritten", "write INSERT INTO"),
        ("INSERT INTO o SELECT u, n FORM «t»", "expected ; or the end, found t", "did you mean FROM instead of FORM?"),
        (
            "INSERT INTO o SELECT u, n, «FROM» t",
            "expected an expression, found FROM",
            "there is a comma too many before FROM",
        ),
        (
            "INSERT INTO «o» VALUES ('a', 1)",
            "VALUES is not supported: a job reads a topic",
            "in `forebay sql`, INSERT INTO a table VALUES (..) writes rows once",
        ),
        ("SET «a» = 'b'", "expected the key in single quotes, found a", "write 'a'"),
        (
            "«EXECUTE» STATEMENT SET BEGIN INSERT INTO o SELECT u, n FROM t",
            "the statement set is not closed",
            "write END; after its last INSERT",
        ),
        (
            "INSERT INTO o SELECT u, n FROM t «/*+ OPTIONS('a'='b') */»",
            "hints are not supported",
            "put the option into the table's WITH (..)",
        ),
        (
            "INSERT INTO o SELECT «'»u, n FROM t",
            "unterminated string literal",
            "a text ends with the quote it began with; a quote inside is written ''",
        ),
    ]);
}

#[test]
fn the_end_of_the_text_is_a_place() {
    let error = plan("INSERT INTO").unwrap_err();
    assert_eq!(error.one_line(), "line 1, column 12: expected the table's name, found the end of the text");
    let error = over_tables("INSERT INTO o SELECT u, n FROM t WHERE (n > 1\n\n").unwrap_err();
    assert_eq!((error.line, error.column), (TABLE_LINES + 1, 46), "{error}");
    assert_eq!(error.message, "expected ), found the end of the text");
    assert_eq!(plan("").unwrap_err().message, "the job writes nothing");
    assert_eq!(over_tables("").unwrap_err().hint.as_deref(), Some("add INSERT INTO table SELECT .."));
}

#[test]
fn names() {
    check(&[
        ("INSERT INTO o SELECT u, n FROM «plaim»", "there is no table plaim", "did you mean plain?"),
        ("INSERT INTO o SELECT u, n FROM «T»", "there is no table T", "names are case-sensitive: did you mean t?"),
        ("INSERT INTO «oo» SELECT u, n FROM t", "there is no table oo", "did you mean o?"),
        (
            "INSERT INTO o SELECT «U», n FROM t",
            "there is no column U in table t",
            "names are case-sensitive: did you mean u?",
        ),
        ("INSERT INTO o SELECT u, «cnt» FROM plain", "there is no column cnt in table plain", "there is u, n"),
        ("INSERT INTO o SELECT t.u, «x.n» FROM t", "there is no table x in FROM", "there is t"),
        ("INSERT INTO o SELECT u, «UPER»(u) FROM t", "there is no function UPER", "did you mean UPPER?"),
        (
            "INSERT INTO o SELECT u, n FROM t WHERE u = «\"x\"»",
            "double quotes mean nothing in Flink SQL",
            "a text is 'x', a name is `x`",
        ),
        (
            "INSERT INTO o SELECT u, «window_start» FROM t",
            "there is no column window_start in table t",
            "a window comes from TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
        ),
        ("INSERT INTO o (k, «nn») SELECT u, n FROM t", "there is no column nn in table o", "did you mean n?"),
        ("INSERT INTO o (k, «k») SELECT u, n FROM t", "column k is there twice", ""),
    ]);
}

#[test]
fn types() {
    check(&[
        (
            "INSERT INTO o SELECT «n», u FROM t",
            "column k of o is STRING, the query gives BIGINT",
            "write CAST(.. AS STRING)",
        ),
        (
            "INSERT INTO o SELECT u, «d» FROM t",
            "column n of o is BIGINT, the query gives DOUBLE",
            "write CAST(.. AS BIGINT)",
        ),
        ("INSERT INTO «o» SELECT u FROM t", "o takes 2 columns, the query gives 1 column", "o: k, n; the query: u"),
        (
            "INSERT INTO o SELECT u, «u» + n FROM t",
            "STRING + BIGINT: there is no such operation",
            "CAST the text to a number",
        ),
        (
            "INSERT INTO o SELECT «u» + u, n FROM t",
            "STRING + STRING: there is no such operation",
            "texts are joined with ||",
        ),
        (
            "INSERT INTO o SELECT u, «ts» + 1 FROM t",
            "TIMESTAMP_LTZ(3) + INT: there is no such operation",
            "add an interval: + INTERVAL '1' SECOND",
        ),
        (
            "INSERT INTO o SELECT u, n FROM t WHERE «n» > 'x'",
            "BIGINT > STRING: these types cannot be compared",
            "CAST one side to the type of the other",
        ),
        ("INSERT INTO o SELECT u, n FROM t WHERE ts > «'noon'»", "'noon' is no TIMESTAMP_LTZ(3)", ""),
        ("INSERT INTO o SELECT u, n FROM t WHERE «n»", "expected a condition in WHERE, found BIGINT", ""),
        ("INSERT INTO o SELECT UPPER(«n»), n FROM t", "UPPER needs a STRING, found BIGINT", "CAST it AS STRING"),
        ("INSERT INTO o SELECT «UPPER»(u, u), n FROM t", "UPPER does not take 2 arguments", "write UPPER(text)"),
        ("INSERT INTO o SELECT u, CAST(n AS «STRNG») FROM t", "there is no type STRNG", "did you mean STRING?"),
        (
            "INSERT INTO o SELECT u, CAST(«'x'» AS INT) FROM t",
            "cannot cast 'x' to INT; TRY_CAST gives NULL instead",
            "",
        ),
        ("INSERT INTO o SELECT u, CAST(ts AS «INT») FROM t", "TIMESTAMP_LTZ(3) cannot be cast to INT", ""),
        (
            "INSERT INTO o SELECT u, CASE WHEN n > 1 THEN 1 ELSE «'x'» END FROM t",
            "the results of CASE are INT and STRING, which have no common type",
            "CAST one of them",
        ),
        (
            "INSERT INTO o SELECT u, INTERVAL «5» SECOND FROM t",
            "the number of an interval must be quoted",
            "write INTERVAL '5' SECOND",
        ),
        ("INSERT INTO o SELECT u, INTERVAL «'x'» SECOND FROM t", "'x' is no interval of SECOND", ""),
        (
            "INSERT INTO o SELECT u, TO_TIMESTAMP_LTZ(n, «6») FROM t",
            "the precision of TO_TIMESTAMP_LTZ must be 0 or 3",
            "0 if the number counts seconds, 3 if it counts milliseconds",
        ),
        ("INSERT INTO o SELECT u, «n»::INT FROM t", "Flink SQL has no ::", "write CAST(n AS ..)"),
        (
            "INSERT INTO o SELECT u, «PROCTIME»() FROM t",
            "PROCTIME() is a column of a table",
            "add a column pt AS PROCTIME() to the CREATE TABLE",
        ),
    ]);
}

const HOP_USAGE: &str =
    "write HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND), the slide first, then the size";

const WINDOW: &str = "FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))";

#[test]
fn aggregation_without_a_whole_window() {
    let made = "rows are only appended to its topic";
    let message = format!(
        "table sink o doesn't support consuming update and delete changes, which are made by GROUP BY without a whole window: {made}"
    );
    let upsert = "write into a table with 'connector' = 'upsert-kafka' and a PRIMARY KEY (..) NOT ENFORCED";
    let table = "read FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(..), INTERVAL '5' SECOND)) and GROUP BY window_start, window_end too";
    let whole = "add window_start and window_end to GROUP BY";
    let cases = [
        ("INSERT INTO o SELECT u, COUNT(*) FROM t GROUP BY «u»".to_owned(), table),
        ("INSERT INTO o «SELECT» 'all', COUNT(*) FROM t".to_owned(), table),
        (format!("INSERT INTO o SELECT u, COUNT(*) {WINDOW} GROUP BY «u», window_start"), whole),
        (format!("INSERT INTO o SELECT u, COUNT(*) {WINDOW} GROUP BY «u»"), whole),
        (format!("INSERT INTO o «SELECT» 'all', COUNT(*) {WINDOW}"), whole),
    ];
    let cases = cases.map(|(marked, instead)| (marked, message.clone(), format!("{upsert}; or {instead}")));
    for (marked, message, hint) in cases {
        let error = mistake_over_tables(&marked);
        assert_eq!((error.message.as_str(), error.hint.as_deref()), (message.as_str(), Some(hint.as_str())));
    }
}

#[test]
fn windows() {
    check(&[
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE plain, DESCRIPTOR(«n»), INTERVAL '5' SECOND)) GROUP BY u, window_start, window_end",
            "table plain has no event time, so it has no windows",
            "add WATERMARK FOR ts AS ts - INTERVAL '5' SECOND to its CREATE TABLE, with the column ts AS TO_TIMESTAMP_LTZ(n, 3)",
        ),
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(«ms»), INTERVAL '5' SECOND)) GROUP BY u, window_start, window_end",
            "ms is not the event-time column",
            "the WATERMARK of t is for ts",
        ),
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM TABLE(TUMBLE(«t», DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY u, window_start, window_end",
            "expected TABLE before t",
            "write TUMBLE(TABLE t, DESCRIPTOR(..), ..)",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(TUMBLE(TABLE t, «ts», INTERVAL '5' SECOND))",
            "expected DESCRIPTOR and the event-time column",
            "write TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(«TUMBLE»(TABLE t, DESCRIPTOR(ts)))",
            "TUMBLE misses its argument SIZE",
            "write TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL «'0'» SECOND))",
            "a window's size must be more than 0",
            "",
        ),
        // Flink 2.2.1: abs(offset) < size, though its documentation shows an offset as large as the size.
        (
            "INSERT INTO o SELECT u, n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL «'-16'» SECOND))",
            "the offset must be less than the window's size",
            "an offset moves the windows' start within one size",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(«TUMBEL»(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
            "there is no table function TUMBEL",
            "did you mean TUMBLE?",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(«HOP»(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
            "HOP misses its argument SIZE",
            HOP_USAGE,
        ),
        // Flink 2.2.1: SliceAssigners.
        (
            "INSERT INTO o SELECT u, n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL «'10'» SECOND))",
            "a window's size must be a multiple of its slide, 10 s is none of 4 s",
            HOP_USAGE,
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL «'5'» SECOND))",
            "a window's size must be a multiple of its slide, 5 s is none of 10 s",
            HOP_USAGE,
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), SLIDE => INTERVAL «'0'» SECOND, SIZE => INTERVAL '5' SECOND))",
            "a window's slide must be more than 0",
            "",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL «'10'» SECOND))",
            "a window's size must be a multiple of its step, 10 s is none of 4 s",
            "write CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR), the step first, then the size",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), «SLIDE» => INTERVAL '4' SECOND, SIZE => INTERVAL '10' SECOND))",
            "CUMULATE has no argument SLIDE",
            "there is DATA, TIMECOL, STEP, SIZE, OFFSET",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL «'1'» SECOND, INTERVAL '2' DAY))",
            "a row would be in more than 100000 windows",
            "take a larger slide",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL «'0'» SECOND))",
            "a window's gap must be more than 0",
            "",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(SESSION(TABLE t PARTITION BY «user», DESCRIPTOR(ts), INTERVAL '5' SECOND))",
            "there is no column user in table t",
            "",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(«SESSION»(TABLE t PARTITION BY (u, n), DESCRIPTOR(ts)))",
            "SESSION misses its argument GAP",
            "write SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE)",
        ),
        (
            "INSERT INTO o SELECT u, n FROM TABLE(TUMBLE(TABLE t PARTITION BY «u», DESCRIPTOR(ts), INTERVAL '5' SECOND))",
            "TUMBLE takes no PARTITION BY",
            "its windows are the same for all keys: write the key in GROUP BY",
        ),
    ]);
}

#[test]
fn aggregates() {
    let w = |marked: &str| format!("INSERT INTO o SELECT u, {marked} {WINDOW} GROUP BY u, window_start, window_end");
    let cases = [
        ("«n»", "n is neither in GROUP BY nor inside of an aggregate function"),
        ("COUNT(*) + «n»", "n is neither in GROUP BY nor inside of an aggregate function"),
        ("«SUM»(u)", "SUM needs a number, found STRING"),
        ("«COUNT»(DISTINCT *)", "COUNT(DISTINCT *) means nothing"),
        ("SUM(«SUM»(n))", "SUM inside of an aggregate function"),
        ("«SUM»(*)", "SUM(*) means nothing, only COUNT(*) does"),
        ("«SUM»(n, n)", "SUM takes one argument, there are 2"),
        ("«*»", "* is not possible with GROUP BY"),
        ("«TYPEOF»(n)", "the function TYPEOF is not supported yet"),
        ("«JSON_ARRAYAGG»(n, n)", "JSON_ARRAYAGG takes other arguments"),
        ("JSON_OBJECTAGG(u VALUE «SUM»(n))", "SUM inside of an aggregate function"),
        ("«COUNT»(*) OVER (PARTITION BY u ORDER BY ts)", "OVER is not supported yet"),
    ];
    for (marked, message) in cases {
        assert_eq!(mistake_over_tables(&w(marked)).message, message);
    }
    check(&[
        (
            "INSERT INTO o SELECT u, n FROM t WHERE «COUNT»(*) > 1",
            "COUNT is an aggregate function, there is none in WHERE",
            "conditions on aggregates go into HAVING",
        ),
        ("INSERT INTO o SELECT u, n FROM t HAVING «n» > 1", "HAVING without GROUP BY", "write WHERE"),
        (
            "INSERT INTO o SELECT UPPER(u) AS big, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY «big», window_start, window_end",
            "there is no column big in table t",
            "an alias of SELECT cannot be used in GROUP BY: repeat its expression",
        ),
    ]);
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let cases = [
        ("INSERT INTO o «SELECT» u, n FROM t ORDER BY n", "ORDER BY is not supported: a stream has no end"),
        ("INSERT INTO o «SELECT» u, n FROM t LIMIT 3", "LIMIT is not supported: a stream has no end"),
        ("INSERT INTO o «SELECT» u, n FROM t INTERSECT SELECT u, n FROM plain", "INTERSECT is not supported yet"),
        (
            "INSERT INTO o «SELECT» DISTINCT u, COUNT(*) FROM t GROUP BY u",
            "SELECT DISTINCT of groups is not supported yet",
        ),
        (
            "INSERT INTO o «SELECT» DISTINCT plain.* FROM plain",
            "SELECT DISTINCT with t.*, or with * beside columns, is not supported yet",
        ),
        ("INSERT INTO o SELECT u, n FROM «other.t»", "there is one catalog with one database"),
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM t GROUP BY u, TUMBLE(ts, INTERVAL '1' DAY), «HOP»(ts, INTERVAL '1' DAY, INTERVAL '2' DAY)",
            "a query has one window in GROUP BY",
        ),
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM t GROUP BY u, «TUMBLE»(ts)",
            "a window in GROUP BY is of a column and lengths of time",
        ),
        (
            "INSERT INTO o SELECT u, COUNT(*) FROM t GROUP BY «UPPER»(u), SESSION(ts, INTERVAL '1' DAY)",
            "beside SESSION in GROUP BY there are columns only",
        ),
        (
            "INSERT INTO o SELECT «TUMBLE_START»(ts, INTERVAL '2' DAY), COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' DAY)",
            "TUMBLE_START is of another window than the one in GROUP BY",
        ),
        (
            "INSERT INTO o SELECT u, «TUMBLE_START»(ts, INTERVAL '1' DAY) FROM t",
            "TUMBLE_START is for queries with a window in GROUP BY",
        ),
        ("INSERT INTO o SELECT u, («SELECT» 1) FROM t", "a subquery in an expression is not supported yet"),
    ];
    for (marked, message) in cases {
        assert_eq!(mistake_over_tables(marked).message, message);
    }
}

#[test]
fn records_are_not_put_aside_into_the_topic_they_come_from() {
    let table = |options: &str| {
        format!(
            "CREATE TABLE c (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json', {options});
             INSERT INTO o SELECT k, n FROM c"
        )
    };
    for (key, options) in [
        ("forebay.dead-letter.topic", "'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = «'c'»"),
        ("forebay.late.topic", "'forebay.on-late' = 'topic', 'forebay.late.topic' = «'c'»"),
    ] {
        let error = mistake_over_tables(&table(options));
        assert_eq!(error.message, format!("'{key}' is the topic that the table reads, 'c'"));
        assert!(error.hint.is_some_and(|hint| hint.contains("name another topic")));
    }
}

/// What is taken back must be what was put out.
#[test]
fn the_clock_and_chance_where_rows_change() {
    let tables = "CREATE TABLE t (u STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        CREATE TABLE k (u STRING, x STRING, n BIGINT, at TIMESTAMP_LTZ(3), PRIMARY KEY (u, x) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'k', 'key.format' = 'json', 'value.format' = 'json');";
    let plan = |insert: &str| plan_job(&format!("{tables} {insert}"), &PlanContext::nowhere());
    let group = "(SELECT u, COUNT(*) AS n FROM t GROUP BY u)";
    for fine in [
        format!("INSERT INTO k SELECT u, 'x', n, NOW() FROM {group}"),
        "INSERT INTO k SELECT u, x, COUNT(*), MAX(at) FROM (SELECT u, UUID() AS x, NOW() AS at FROM t) GROUP BY u, x"
            .to_owned(),
    ] {
        assert!(plan(&fine).is_ok(), "{fine}: {:?}", plan(&fine));
    }
    for (wrong, place) in [
        (format!("INSERT INTO k SELECT u, UUID(), n, NOW() FROM {group}"), "in a key"),
        (format!("INSERT INTO k SELECT u, 'x', n, NOW() FROM {group} WHERE RAND() < 0.5"), "in a condition"),
        (
            format!(
                "INSERT INTO k SELECT x, x, COUNT(*), MAX(at) FROM (SELECT UUID() AS x, n, NOW() AS at FROM {group}) GROUP BY x"
            ),
            "in a GROUP BY",
        ),
        (
            format!(
                "INSERT INTO k SELECT u, 'x', COUNT(DISTINCT x), NOW() FROM (SELECT u, UUID() AS x FROM {group} UNION ALL SELECT u, u FROM t) GROUP BY u"
            ),
            "in a column",
        ),
        (
            format!(
                "INSERT INTO k SELECT u, 'x', n, NOW() FROM (SELECT u, n, ROW_NUMBER() OVER (PARTITION BY u ORDER BY RAND()) AS r FROM {group}) WHERE r = 1"
            ),
            "in what rows that change are ranked by",
        ),
        (
            format!(
                "INSERT INTO k SELECT g.u, 'x', g.n, NOW() FROM {group} AS g LEFT JOIN t ON g.u = t.u AND g.n > RAND()"
            ),
            "in the condition of a join",
        ),
    ] {
        let message = plan(&wrong).unwrap_err().to_string();
        assert!(message.contains(place), "{wrong}: {message}");
    }
}

#[test]
fn a_name_of_two_joined_tables_is_ambiguous_in_where_whichever_join_comes_first() {
    let hint = "write the table's name or alias before it";
    let from = "INSERT INTO o SELECT t.u, t.n FROM t JOIN plain ON t.u = plain.u JOIN t AS later ON later.u = t.u";
    let error = mistake_over_tables(&format!("{from} WHERE t.i = 1 AND «i» = 1"));
    assert_eq!((error.message.as_str(), error.hint.as_deref()), ("column i is ambiguous", Some(hint)));
    over_tables(&format!("{from} WHERE t.i = 1 AND later.i = 2")).unwrap_or_else(|error| panic!("{error}"));
}
