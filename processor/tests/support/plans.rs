//! A plan made by hand: clicks with their event time and watermark in the record, counted by user in tumbling windows.

use std::sync::Arc;

use forebay_processor::expr::{DataType, Expr};
use forebay_processor::plan::{
    Aggregate, AggregateFunction, Column, EventTime, Format, JobPlan, JsonFormat, OffsetReset, OutputField, Pipeline,
    Sink, Source, Stage, StartupMode, TimestampFormat, Window, WindowAggregate,
};

use super::host::MemoryHost;

pub const INPUT: &str = "clicks";
pub const OUTPUT: &str = "metrics";

/// A broker with the input topic.
pub fn host(partitions: i32) -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic(INPUT, partitions);
    host
}

/// Clicks of a user at these times, one byte each, in one batch.
pub fn clicks(host: &MemoryHost, partition: i32, user: &str, times: &[i64], delay: i64) {
    let values: Vec<_> = times.iter().map(|ts| Some(click(user, Some(1), *ts, ts - delay))).collect();
    host.produce(INPUT, partition, &values);
}

/// All output rows, sorted.
pub fn rows(host: &MemoryHost) -> Vec<String> {
    let mut rows: Vec<String> = host.consume(OUTPUT).into_iter().flatten().collect();
    rows.sort();
    rows
}

fn column(name: &str, data_type: DataType) -> Column {
    Column { name: name.to_owned(), data_type, nullable: true }
}

pub fn source(idle_timeout_ms: Option<i64>, ignore_parse_errors: bool) -> Source {
    Source {
        narrowed: Vec::new(),
        table: "clicks".to_owned(),
        topic: INPUT.to_owned(),
        group_id: None,
        startup: StartupMode::GroupOffsets { reset: OffsetReset::Earliest },
        reset: None,
        format: Format::Json(JsonFormat { ignore_parse_errors, ..JsonFormat::default() }),
        value_fields: Vec::new(),
        key: None,
        columns: vec![
            column("user", DataType::STRING),
            column("bytes", DataType::BigInt),
            column("ts", DataType::Timestamp(3)),
            column("wm", DataType::Timestamp(3)),
        ],
        computed: Vec::new(),
        event_time: Some(EventTime { column: 2, watermark: Expr::column(3, DataType::Timestamp(3)) }),
        idle_timeout_ms,
        policies: forebay_processor::plan::Policies::default(),
        upsert: None,
    }
}

pub fn window(size_ms: i64) -> WindowAggregate {
    let bytes = || Some(Expr::column(1, DataType::BigInt));
    let call = |function, argument| Aggregate {
        function,
        distinct: false,
        argument,
        filter: None,
        result: DataType::BigInt,
        top: None,
    };
    WindowAggregate {
        window: Window::Tumble { size_ms, offset_ms: 0 },
        time_column: 2,
        keys: vec![Expr::column(0, DataType::STRING)],
        aggregates: vec![
            call(AggregateFunction::CountStar, None),
            call(AggregateFunction::Sum, bytes()),
            call(AggregateFunction::Max, bytes()),
        ],
        output: vec![
            OutputField::Key(0),
            OutputField::WindowStart,
            OutputField::WindowEnd,
            OutputField::Aggregate(0),
            OutputField::Aggregate(1),
            OutputField::Aggregate(2),
        ],
    }
}

pub fn sink(columns: Vec<Column>) -> Sink {
    Sink {
        table: "metrics".to_owned(),
        topic: OUTPUT.to_owned(),
        format: Format::Json(JsonFormat::default()),
        value_columns: (0..columns.len()).collect(),
        columns,
        upsert: false,
        key: None,
        timestamp: None,
        headers: None,
    }
}

/// Tumbling windows of `size_ms` by user: count, sum and max of bytes.
pub fn tumbling(size_ms: i64, idle_timeout_ms: Option<i64>, ignore_parse_errors: bool) -> Arc<JobPlan> {
    let sink = sink(vec![
        column("user", DataType::STRING),
        column("window_start", DataType::Timestamp(3)),
        column("window_end", DataType::Timestamp(3)),
        column("n", DataType::BigInt),
        column("total", DataType::BigInt),
        column("largest", DataType::BigInt),
    ]);
    let source = source(idle_timeout_ms, ignore_parse_errors);
    let pipeline = Pipeline { source, stages: vec![Stage::WindowAggregate(window(size_ms))], sink, parallelism: 1 };
    Arc::new(JobPlan { text: String::new(), pipelines: vec![pipeline], warnings: Vec::new() })
}

/// Rows with a user pass through.
pub fn pass_through() -> Arc<JobPlan> {
    let project = vec![Expr::column(0, DataType::STRING), Expr::column(1, DataType::BigInt)];
    let sink = sink(vec![column("user", DataType::STRING), column("bytes", DataType::BigInt)]);
    let pipeline =
        Pipeline { source: source(Some(0), false), stages: vec![Stage::Project(project)], sink, parallelism: 1 };
    Arc::new(JobPlan { text: String::new(), pipelines: vec![pipeline], warnings: Vec::new() })
}

/// Milliseconds as a SQL timestamp, by jiff.
pub fn sql_time(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let _ = TimestampFormat::Sql;
    time.to_string().replace('T', " ")
}

/// A click as JSON.
pub fn click(user: &str, bytes: Option<i64>, ts: i64, wm: i64) -> String {
    let bytes = bytes.map_or("null".to_owned(), |bytes| bytes.to_string());
    format!(r#"{{"user":"{user}","bytes":{bytes},"ts":"{}","wm":"{}"}}"#, sql_time(ts), sql_time(wm))
}

/// An output row as JSON.
pub fn metric(user: &str, start: i64, end: i64, n: i64, total: Option<i64>, largest: Option<i64>) -> String {
    let number = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
    format!(
        r#"{{"user":"{user}","window_start":"{}","window_end":"{}","n":{n},"total":{},"largest":{}}}"#,
        sql_time(start),
        sql_time(end),
        number(total),
        number(largest)
    )
}
