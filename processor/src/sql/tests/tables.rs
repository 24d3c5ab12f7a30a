//! CREATE TABLE: columns, watermark, options.

use super::*;
use crate::expr::DataType;
use crate::plan::{
    CsvFormat, Format, JsonFormat, OffsetReset, RawFormat, SinkKey, SourceKey, StartupMode, TimestampFormat,
};

/// A table that is read and written by the identity, with these options besides connector, topic and format.
fn with_options(options: &str) -> Result<JobPlan, SqlError> {
    let table = |name: &str, options: &str| {
        format!(
            "CREATE TABLE {name} (a STRING, n BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at)
             WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json'{options});\n"
        )
    };
    plan(&format!("{}{}INSERT INTO y SELECT * FROM x", table("x", options), table("y", options)))
}

#[test]
fn mistakes_in_columns() {
    let with = "WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json')";
    let cases = [
        ("(a «STRNG»)", "there is no type STRNG", "did you mean STRING?"),
        ("(a STRING, «a» INT)", "column a is there twice", "the first one is in line 1"),
        ("(a STRING «b» INT)", "expected , or ) after the column, found b", ""),
        ("(a «VARIANT»)", "the type VARIANT is not supported yet", ""),
        ("(a «DECIMAL»(50, 2))", "DECIMAL(50, 2): the precision is 1 to 38, the scale 0 to the precision", ""),
        (
            "(a STRING, m INT METADATA FROM «'timestam'»)",
            "records have no metadata 'timestam' here",
            "did you mean timestamp?",
        ),
        (
            "(a STRING, «m» BIGINT METADATA FROM 'timestamp')",
            "metadata 'timestamp' is TIMESTAMP_LTZ(3), not BIGINT",
            "",
        ),
        (
            "(a STRING, «PRIMARY» KEY (a) NOT ENFORCED)",
            "table x cannot have a PRIMARY KEY: rows are only appended to its topic",
            "leave it out, or write by key with 'connector' = 'upsert-kafka'; Flink refuses it for this one too",
        ),
        (
            "(a BIGINT, WATERMARK FOR «a» AS a)",
            "event time must be a TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3; a is BIGINT",
            "add a column ts AS TO_TIMESTAMP_LTZ(a, 3) and take ts",
        ),
        (
            "(a TIMESTAMP(6), WATERMARK FOR «a» AS a)",
            "event time must be a TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3; a is TIMESTAMP(6)",
            "a precision of 3 is milliseconds, and the most there is for event time",
        ),
        (
            "(a TIMESTAMP(3), WATERMARK FOR a AS «5»)",
            "the watermark of a must be a TIMESTAMP(3) too, found INT",
            "write a - INTERVAL '5' SECOND",
        ),
        ("(aa TIMESTAMP(3), WATERMARK FOR «ab» AS aa)", "there is no column ab in table x", "did you mean aa?"),
        (
            "(a STRING, b AS UPPER(a), c AS LOWER(«b»))",
            "there is no column b in table x",
            "a computed column can use the record's own columns, not other computed ones",
        ),
    ];
    for (columns, message, hint) in cases {
        let error = mistake(&format!("CREATE TABLE x {columns} {with}"));
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or("")), (message, hint));
    }
}

#[test]
fn mistakes_in_options() {
    let cases = [
        (
            "CREATE TABLE «x» (a STRING)",
            "table x has no connector",
            "add WITH ('connector' = 'kafka', 'topic' = '..', 'format' = 'json')",
        ),
        (
            "CREATE TABLE «x» (a STRING) WITH ('connector' = 'kafka', 'topic' = 'x')",
            "table x has no format",
            "add 'format' = 'json' to its WITH (..)",
        ),
        (
            "CREATE TABLE «x» (a STRING) WITH ('connector' = 'kafka', 'format' = 'json')",
            "table x has no topic",
            "add 'topic' = '..' to its WITH (..)",
        ),
        (
            "CREATE TABLE x (a STRING) WITH ('connector' = «'filesystem'»)",
            "there is no connector 'filesystem' here",
            "the connector is 'kafka', or 'upsert-kafka' for a table that is written by key",
        ),
        (
            "CREATE TABLE x (a STRING) WITH («\"connector\"» = 'kafka')",
            "expected an option's key in single quotes, found \"connector\"",
            "write 'connector'",
        ),
        (
            "CREATE TABLE x (a STRING) WITH ('connector' = 'kafka' «'topic'» = 'x')",
            "expected , or ) after the option, found 'topic'",
            "",
        ),
    ];
    for (marked, message, hint) in cases {
        let error = mistake(marked);
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or("")), (message, hint));
    }
    let cases = [
        ("«'scan.startup.mod'» = 'x'", "there is no option 'scan.startup.mod'", "did you mean 'scan.startup.mode'?"),
        (
            "'scan.startup.mode' = «'earliest'»",
            "'scan.startup.mode' cannot be 'earliest'",
            "there is group-offsets, earliest-offset, latest-offset, timestamp, specific-offsets",
        ),
        (
            "'scan.startup.mode' = «'timestamp'»",
            "'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp-millis'",
            "",
        ),
        (
            "'scan.watermark.idle-timeout' = «'soon'»",
            "'soon' is no duration",
            "a duration is a number and a unit: '500 ms', '30 s', '5 min', '1 h'",
        ),
        (
            "«'json.ignore-parse-error'» = 'true'",
            "the JSON format has no option 'ignore-parse-error'",
            "did you mean ignore-parse-errors?",
        ),
        (
            "'json.ignore-parse-errors' = 'true', 'json.fail-on-missing-field' = «'true'»",
            "'ignore-parse-errors' and 'fail-on-missing-field' exclude each other",
            "",
        ),
        (
            "'key.format' = «'raw'»",
            "'key.format' needs 'key.fields'",
            "add 'key.fields' = 'column' to say what the key is made of",
        ),
        ("'key.format' = 'raw', 'key.fields' = «'b'»", "'key.fields' names b, which is no column of x", "there is a"),
        (
            "'properties.bootstrap.servers' = «'other:9092'»",
            "'other:9092' is another Kafka cluster; a job reads and writes its own broker",
            "leave out 'properties.bootstrap.servers'",
        ),
        ("«'topic-pattern'» = 'x.*'", "option 'topic-pattern' is not supported yet", ""),
        ("«'topic'» = 'y'", "option 'topic' is there twice", ""),
    ];
    for (options, message, hint) in cases {
        let error = mistake(&format!(
            "CREATE TABLE x (a STRING) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json', {options})"
        ));
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or("")), (message, hint));
    }
}

#[test]
fn startup_modes() {
    let startup = |options: &str| with_options(options).unwrap().pipelines[0].source.startup.clone();
    assert_eq!(startup(""), StartupMode::GroupOffsets { reset: OffsetReset::Earliest });
    assert_eq!(
        startup(", 'properties.auto.offset.reset' = 'latest'"),
        StartupMode::GroupOffsets { reset: OffsetReset::Latest }
    );
    assert_eq!(startup(", 'scan.startup.mode' = 'earliest-offset'"), StartupMode::EarliestOffset);
    assert_eq!(
        startup(", 'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '1700000000000'"),
        StartupMode::Timestamp(1_700_000_000_000)
    );
    assert_eq!(
        startup(
            ", 'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:42;partition:1,offset:300'"
        ),
        StartupMode::SpecificOffsets([(0, 42), (1, 300)].into())
    );
}

#[test]
fn formats_and_keys() {
    let plan = with_options(
        ", 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601',
           'key.format' = 'raw', 'key.fields' = 'a', 'value.fields-include' = 'EXCEPT_KEY', 'properties.group.id' = 'g'",
    );
    let pipeline = plan.unwrap().pipelines.remove(0);
    let json =
        JsonFormat { ignore_parse_errors: true, timestamp_format: TimestampFormat::Iso8601, ..JsonFormat::default() };
    assert_eq!(pipeline.source.format, Format::Json(json));
    assert_eq!(pipeline.source.group_id.as_deref(), Some("g"));
    let key = pipeline.sink.key.unwrap();
    assert_eq!((key.format, key.columns), (Format::Raw(RawFormat::default()), vec![0]));
    assert_eq!(pipeline.sink.value_columns, [1, 2]);
}

#[test]
fn idle_timeout_of_the_table_goes_before_that_of_the_session() {
    let timeout = |set: &str, option: &str| {
        let text = format!(
            "{set}CREATE TABLE x (at TIMESTAMP(3), WATERMARK FOR at AS at)
             WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json'{option});
             CREATE TABLE y (at TIMESTAMP(3)) WITH ('connector' = 'kafka', 'topic' = 'y', 'format' = 'json');
             INSERT INTO y SELECT at FROM x"
        );
        plan(&text).unwrap().pipelines[0].source.idle_timeout_ms
    };
    let set = "SET 'table.exec.source.idle-timeout' = '30 s';\n";
    let option = ", 'scan.watermark.idle-timeout' = '5 min'";
    assert_eq!(timeout("", ""), None);
    assert_eq!(timeout(set, ""), Some(30_000));
    assert_eq!(timeout("", option), Some(300_000));
    assert_eq!(timeout(set, option), Some(300_000));
}

#[test]
fn this_brokers_address_is_accepted() {
    let text = "CREATE TABLE x (a STRING) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json',
        'properties.bootstrap.servers' = 'localhost:9092');
        CREATE TABLE y (a STRING) WITH ('connector' = 'kafka', 'topic' = 'y', 'format' = 'json');
        INSERT INTO y SELECT a FROM x";
    assert!(plan(text).is_err());
    let here = PlanContext { is_this_broker: &|servers| servers == "localhost:9092", ..PlanContext::nowhere() };
    assert_eq!(plan_job(text, &here).unwrap().warnings, [] as [&str; 0]);
}

#[test]
fn what_has_no_effect_or_does_not_run_in_flink_is_said() {
    let text = "CREATE TABLE x (bytes BIGINT, `method` STRING) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json',
        'properties.fetch.min.bytes' = '1', 'scan.parallelism' = '4');
        CREATE TABLE y (a BIGINT) WITH ('connector' = 'kafka', 'topic' = 'y', 'format' = 'json', 'sink.delivery-guarantee' = 'at-least-once');
        INSERT INTO y SELECT bytes FROM x";
    assert_eq!(
        plan(text).unwrap().warnings,
        [
            "x: 'properties.fetch.min.bytes' has no effect, the job runs inside of the broker",
            "x: 'scan.parallelism' has no effect here",
            "line 1: in Flink the name bytes needs backticks: `bytes`",
            "y: rows are written exactly once in any case",
        ]
    );
}

#[test]
fn names_of_types() {
    let cases = [
        ("BOOLEAN", DataType::Boolean),
        ("tinyint", DataType::TinyInt),
        ("SMALLINT", DataType::SmallInt),
        ("INTEGER", DataType::Int),
        ("BIGINT", DataType::BigInt),
        ("FLOAT", DataType::Float),
        ("DOUBLE PRECISION", DataType::Double),
        ("DECIMAL", DataType::Decimal { precision: 10, scale: 0 }),
        ("NUMERIC(20, 4)", DataType::Decimal { precision: 20, scale: 4 }),
        ("STRING", DataType::STRING),
        ("VARCHAR(2147483647)", DataType::STRING),
        ("CHAR(3)", DataType::Char(3)),
        ("BYTES", DataType::BYTES),
        ("VARBINARY(8)", DataType::VarBinary(8)),
        ("DATE", DataType::Date),
        ("TIME(0)", DataType::Time),
        ("TIMESTAMP", DataType::Timestamp(6)),
        ("TIMESTAMP(3) WITHOUT TIME ZONE", DataType::Timestamp(3)),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", DataType::TimestampLtz(3)),
        ("TIMESTAMP_LTZ", DataType::TimestampLtz(6)),
    ];
    for (name, data_type) in cases {
        let text = format!(
            "CREATE TABLE x (a {name} NOT NULL COMMENT 'c') COMMENT 'c' WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json');
             CREATE TABLE y (a {name}) WITH ('connector' = 'kafka', 'topic' = 'y', 'format' = 'json');
             INSERT INTO y SELECT a FROM x"
        );
        let column = plan(&text).unwrap().pipelines[0].source.columns[0].clone();
        assert_eq!((column.data_type, column.nullable), (data_type, false), "{name}");
    }
}

/// Flink: `UpsertKafkaDynamicTableFactory`.
#[test]
fn a_table_that_is_written_by_key() {
    let with = "'connector' = 'upsert-kafka', 'topic' = 'x'";
    let formats = "'key.format' = 'json', 'value.format' = 'json'";
    for key in ["a STRING PRIMARY KEY NOT ENFORCED, b INT", "a STRING, b INT, PRIMARY KEY (a) NOT ENFORCED"] {
        let plan = over_tables(&format!(
            "CREATE TABLE x ({key}) WITH ({with}, {formats}); INSERT INTO x SELECT u, CAST(n AS INT) FROM plain;"
        ));
        let sink = plan.unwrap().pipelines.remove(0).sink;
        assert_eq!(sink.key.as_ref().unwrap().columns, [0]);
        assert_eq!(sink.columns.iter().map(|column| column.nullable).collect::<Vec<_>>(), [false, true]);
        assert_eq!(sink.value_columns, [0, 1]);
    }
    let cases = [
        (
            format!("CREATE TABLE «x» (a STRING) WITH ({with}, {formats})"),
            "table x has no PRIMARY KEY, by which 'upsert-kafka' writes its rows",
        ),
        (
            format!("CREATE TABLE «x» (a STRING PRIMARY KEY NOT ENFORCED) WITH ({with}, 'value.format' = 'json')"),
            "table x has no key.format",
        ),
        (
            format!("CREATE TABLE «x» (a STRING PRIMARY KEY NOT ENFORCED) WITH ({with}, 'key.format' = 'json')"),
            "table x has no value.format",
        ),
        (
            format!("CREATE TABLE x (a STRING, «PRIMARY» KEY (b) NOT ENFORCED) WITH ({with}, {formats})"),
            "PRIMARY KEY names b, which is no column of x",
        ),
        (
            format!(
                "CREATE TABLE x (a STRING PRIMARY KEY NOT ENFORCED, «PRIMARY» KEY (a) NOT ENFORCED) WITH ({with}, {formats})"
            ),
            "a table has one PRIMARY KEY",
        ),
        (
            format!("CREATE TABLE x (a STRING PRIMARY KEY NOT ENFORCED) WITH ({with}, {formats}, «'format'» = 'json')"),
            "the connector 'upsert-kafka' has no option 'format'",
        ),
        (
            format!(
                "CREATE TABLE x (a STRING PRIMARY KEY NOT ENFORCED) WITH ({with}, {formats}, «'scan.startup.mode'» = 'earliest-offset')"
            ),
            "the connector 'upsert-kafka' has no option 'scan.startup.mode'",
        ),
        (
            format!(
                "{TABLES}CREATE TABLE x (a STRING PRIMARY KEY NOT ENFORCED) WITH ({with}, {formats}); INSERT INTO o SELECT a, 1 FROM «x»"
            ),
            "table sink o doesn't support consuming update and delete changes, which are made by a table of 'upsert-kafka', whose rows \
             are replaced and removed: rows are only appended to its topic",
        ),
    ];
    for (marked, message) in cases {
        assert_eq!(mistake(&marked).message, message);
    }
}

/// A table of these options and columns that is read, and one of the same that is written.
fn of_format(columns: &str, options: &str) -> Result<JobPlan, SqlError> {
    plan(&format!(
        "CREATE TABLE a ({columns}) WITH ('connector' = 'kafka', 'topic' = 'a', {options});
         CREATE TABLE b ({columns}) WITH ('connector' = 'kafka', 'topic' = 'b', {options});
         INSERT INTO b SELECT * FROM a;"
    ))
}

#[test]
fn the_options_of_formats() {
    let csv = "'format' = 'csv', 'csv.field-delimiter' = '\\t', 'csv.disable-quote-character' = 'true', 'csv.null-literal' = ''";
    let pipeline = of_format("k STRING, n INT", csv).unwrap().pipelines.remove(0);
    let format = CsvFormat { delimiter: '\t', quote: None, null_literal: Some(String::new()), ..CsvFormat::default() };
    assert_eq!((&pipeline.source.format, &pipeline.sink.format), (&Format::Csv(format.clone()), &Format::Csv(format)));
    let raw = "'format' = 'raw', 'raw.endianness' = 'little-endian', 'raw.charset' = 'UTF-8'";
    let pipeline = of_format("n INT", raw).unwrap().pipelines.remove(0);
    assert_eq!(pipeline.source.format, Format::Raw(RawFormat { little_endian: true }));
    for (columns, options, message) in [
        ("n INT, m INT", "'format' = 'raw'", "'format' = 'raw' takes one column, there are 2"),
        ("n DATE", "'format' = 'raw'", "the 'raw' format has no form for n, which is DATE"),
        ("n INT", "'format' = 'raw', 'raw.charset' = 'UTF-16'", "'raw.charset' cannot be 'UTF-16'"),
        ("t ARRAY<INT>", "'format' = 'csv'", "the 'csv' format has no form for t, which is ARRAY<INT>"),
        (
            "n INT",
            "'format' = 'csv', 'csv.field-delimiter' = 'ab'",
            "'csv.field-delimiter' takes one character, not 'ab'",
        ),
        ("n INT", "'format' = 'csv', 'csv.quotes' = 'x'", "the CSV format has no option 'quotes'"),
        (
            "n INT",
            "'format' = 'csv', 'csv.quote-character' = '|', 'csv.disable-quote-character' = 'true'",
            "'quote-character' and 'disable-quote-character' exclude each other",
        ),
    ] {
        assert_eq!(of_format(columns, options).unwrap_err().message, message);
    }
}

/// Columns that are in the key only are read from there, without their prefix.
#[test]
fn columns_of_the_key() {
    let key =
        "'value.format' = 'json', 'key.format' = 'csv', 'key.csv.field-delimiter' = '|', 'key.fields' = 'k_a;k_b',
        'key.fields-prefix' = 'k_'";
    let columns = "k_a STRING, v INT, k_b INT";
    let without = format!("{key}, 'value.fields-include' = 'EXCEPT_KEY'");
    let pipeline = of_format(columns, &without).unwrap().pipelines.remove(0);
    let format = Format::Csv(CsvFormat { delimiter: '|', ..CsvFormat::default() });
    let names = vec!["k_a".to_owned(), "k_b".to_owned()];
    assert_eq!(
        pipeline.source.key,
        Some(SourceKey { format: format.clone(), columns: names, prefix: "k_".to_owned() })
    );
    assert_eq!(pipeline.source.value_fields, ["v"]);
    assert_eq!(pipeline.sink.key, Some(SinkKey { format, columns: vec![0, 2], prefix: "k_".to_owned() }));
    assert_eq!(pipeline.sink.value_columns, [1]);
    let error = of_format(columns, key).unwrap_err();
    assert_eq!(error.message, "'key.fields-prefix' is for columns that are in the key only");
    let error = of_format(columns, &without.replace("k_a;", "v;")).unwrap_err();
    assert_eq!(error.message, "v does not begin with 'k_', as 'key.fields-prefix' says");
}

/// Flink's file as it is: its names with catalog and database, and settings of how Flink runs.
#[test]
fn what_says_how_flink_runs_is_told_and_passed_over() {
    let text = "SET 'table.exec.mini-batch.enabled' = 'true';
        SET 'state.backend.type' = 'rocksdb';
        CREATE TABLE default_catalog.default_database.a (u STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
        CREATE TABLE default_database.b (u STRING) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
        INSERT INTO `default_catalog`.`default_database`.`b` SELECT u FROM default_catalog.default_database.a;";
    let plan = plan_job(text, &PlanContext::nowhere()).unwrap();
    assert_eq!(plan.pipelines[0].sink.topic, "b");
    assert_eq!(
        plan.warnings,
        ["'table.exec.mini-batch.enabled' has no effect here", "'state.backend.type' has no effect here"]
    );
}

/// Equal names, and more queries than may be nested.
#[test]
fn distinct_rows_of_any_columns_and_many_queries() {
    let tables = "CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        CREATE TABLE o (x STRING, y STRING, PRIMARY KEY (x, y) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');";
    let plan = |query: &str| plan_job(&format!("{tables} INSERT INTO o {query};"), &PlanContext::nowhere());
    let groups = |query: &str| {
        let plan = plan(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        plan.pipelines[0].stages.iter().filter(|stage| matches!(stage, Stage::GroupAggregate(_))).count()
    };
    assert_eq!(groups("SELECT a, a FROM t UNION SELECT b, a FROM t"), 1);
    assert_eq!(groups("SELECT DISTINCT * FROM (SELECT l.a, l.b FROM t AS l)"), 1);
    assert_eq!(groups(&["SELECT a, b FROM t"; 12].join(" UNION ")), 1);
    assert_eq!(groups("SELECT a, b FROM t UNION ALL SELECT b, a FROM t UNION SELECT a, b FROM t"), 1);
}
