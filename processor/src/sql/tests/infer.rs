//! Tables from records.

use super::super::infer::{Proposal, Sample, propose};
use super::plan;

fn samples(values: &[String]) -> Vec<Sample> {
    values.iter().map(|value| Sample { partition: 0, value: Some(value.clone().into_bytes()) }).collect()
}

fn options() -> Vec<(String, String)> {
    [("connector", "kafka"), ("topic", "clicks")].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The proposal for values, which the planner must take.
fn proposed(values: &[&str]) -> Proposal {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let proposal = propose("c", &options(), &samples(&values)).unwrap();
    let out = "CREATE TABLE o (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json')";
    let rows = "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(TIME_COLUMN), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end";
    let time = proposal.ddl.split("WATERMARK FOR ").nth(1).unwrap().split(' ').next().unwrap();
    let text = format!("{}; {out}; INSERT INTO o {}", proposal.ddl, rows.replace("TIME_COLUMN", time));
    plan(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    proposal
}

fn types(proposal: &Proposal) -> Vec<String> {
    proposal.fields.iter().map(|field| format!("{} {}", field.name, field.data_type)).collect()
}

#[test]
fn fields_become_columns_and_the_time_a_watermark() {
    let proposal = proposed(&[
        r#"{"event_time":1700000000000,"user":"ann","price":9.5,"count":3,"paid":true,"tags":["a"],"day":"2024-02-29"}"#,
        r#"{"event_time":1700000004000,"user":"bob","price":7,"count":4,"paid":false,"tags":[],"day":"2024-03-01"}"#,
        r#"{"event_time":1700000002500,"user":null,"price":1.25,"count":5,"paid":true,"tags":{},"day":"2024-03-02"}"#,
    ]);
    assert_eq!(
        types(&proposal),
        ["event_time BIGINT", "user STRING", "price DOUBLE", "count BIGINT", "paid BOOLEAN", "tags STRING", "day DATE"]
    );
    assert!(
        proposal
            .ddl
            .contains("  ts AS TO_TIMESTAMP_LTZ(event_time, 3),\n  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND\n"),
        "{}",
        proposal.ddl
    );
    assert!(proposal.ddl.contains("`user` STRING") && proposal.ddl.contains("'format' = 'json'"), "{}", proposal.ddl);
    assert_eq!(proposal.fields[1].present_per_mille, 666);
    assert!(
        proposal
            .notes
            .iter()
            .any(|note| note.contains("at most 1500 ms, 99 % by at most 1500 ms: the watermark waits 2000 ms")),
        "{:?}",
        proposal.notes
    );
}

#[test]
fn what_is_mixed_is_said_and_stays_text() {
    let proposal = proposed(&[
        r#"{"a":1,"b":1,"n":null}"#,
        r#"{"a":"x","b":18446744073709551615,"n":null}"#,
        r#"{"a":2}"#,
        r#"{"a":3}"#,
    ]);
    assert_eq!(types(&proposal), ["a STRING", "b DECIMAL(20, 0)", "n STRING"]);
    assert_eq!(proposal.fields[0].note, "mixed: BIGINT 75 %, STRING 25 %");
    assert_eq!(proposal.fields[2].note, "null in every record that was looked at");
    assert!(proposal.ddl.contains("ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"), "{}", proposal.ddl);
}

#[test]
fn times_are_taken_in_the_form_they_have() {
    let iso = proposed(&[r#"{"at":"2024-01-01T00:00:00.5Z","ts":1}"#, r#"{"at":"2024-01-01T00:00:01Z","ts":2}"#]);
    assert_eq!(types(&iso), ["at TIMESTAMP_LTZ(3)", "ts BIGINT"]);
    assert!(
        iso.ddl.contains("'json.timestamp-format.standard' = 'ISO-8601'")
            && iso.ddl.contains("WATERMARK FOR `at` AS `at`\n"),
        "{}",
        iso.ddl
    );
    let sql = proposed(&[r#"{"when_at":"2024-01-01 00:00:00"}"#]);
    assert_eq!(types(&sql), ["when_at TIMESTAMP(3)"]);
    let seconds = proposed(&[r#"{"time":1700000000}"#]);
    assert!(seconds.ddl.contains("TO_TIMESTAMP_LTZ(`time`, 0)"), "{}", seconds.ddl);
    let number = proposed(&[r#"{"phone":1700000000}"#]);
    assert!(number.ddl.contains("METADATA FROM 'timestamp'"), "{}", number.ddl);
}

#[test]
fn what_is_no_object_is_counted_or_refused() {
    let some = proposed(&[r#"{"a":1}"#, "nonsense"]);
    assert!(
        some.ddl.contains("'json.ignore-parse-errors' = 'true'")
            && some.notes.iter().any(|note| note.starts_with("1 values")),
        "{some:?}"
    );
    let none = |values: &[&[u8]]| {
        let samples: Vec<Sample> =
            values.iter().map(|value| Sample { partition: 0, value: Some(value.to_vec()) }).collect();
        propose("c", &options(), &samples).unwrap_err()
    };
    assert!(none(&[]).contains("no records"));
    assert!(none(&[b"\0\0\0\0\x01abc"]).contains("schema registry"));
    assert!(none(&[b"a,b"]).contains("no JSON objects"));
    assert!(none(&[b"{}"]).contains("without fields"));
}
