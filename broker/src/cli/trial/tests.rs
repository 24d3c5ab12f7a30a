//! Jobs over small files; the rows are worked out by hand from the definition of each query.

use std::path::{Path, PathBuf};

use super::*;

const TABLES: &str = "
    CREATE TABLE clicks (u STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'kafka', 'topic' = 'clicks', 'scan.startup.mode' = 'latest-offset', 'format' = 'json');
    CREATE TABLE counts (u STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'counts', 'format' = 'json');";
const COUNT: &str =
    "INSERT INTO counts SELECT u, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' SECOND))
    GROUP BY u, window_start, window_end;";

fn file(folder: &Path, name: &str, lines: &[&str]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

async fn tried(sql: &str, inputs: &[(&str, &PathBuf)]) -> Result<Outcome, TrialError> {
    let inputs = inputs.iter().map(|(table, file)| ((*table).to_owned(), (*file).clone())).collect();
    run(Trial { name: "t".to_owned(), sql: format!("{TABLES}{sql}"), inputs }).await
}

fn sorted(table: &Written) -> Vec<&str> {
    let mut rows: Vec<&str> = table.rows.iter().map(String::as_str).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_table_are_its_partitions_and_every_window_closes() {
    let folder = tempfile::tempdir().unwrap();
    let one =
        file(folder.path(), "1", &[r#"{"u":"a","ms":100}"#, "", r#"{"u":"a","ms":5000}"#, r#"{"u":"a","ms":200}"#]);
    let two = file(folder.path(), "2", &[r#"{"u":"a","ms":900}"#, r#"{"u":"b","ms":950}"#]);
    let outcome = tried(COUNT, &[("clicks", &one), ("clicks", &two)]).await.unwrap();
    // The third line of the first file is behind the watermark of its own partition.
    let expected = [r#"{"u":"a","n":1}"#, r#"{"u":"a","n":2}"#, r#"{"u":"b","n":1}"#];
    assert_eq!(sorted(&outcome.tables[0]), expected);
    assert_eq!((outcome.read, outcome.late, outcome.undecodable), (5, 1, 0));
    assert_eq!(outcome.tables[0].columns, ["u", "n"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_the_job_writes_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let clicks = file(folder.path(), "clicks", &[r#"{"u":"a","ms":1}"#, r#"{"u":"a","ms":2}"#, r#"{"u":"b","ms":3}"#]);
    let sql = format!(
        "CREATE TABLE busy (u STRING) WITH ('connector' = 'kafka', 'topic' = 'busy', 'format' = 'json');
         INSERT INTO busy SELECT u FROM counts WHERE n > 1; {COUNT}"
    );
    let outcome = tried(&sql, &[("clicks", &clicks)]).await.unwrap();
    assert_eq!(outcome.tables.iter().map(|table| table.table.as_str()).collect::<Vec<_>>(), ["busy", "counts"]);
    assert_eq!(outcome.tables[0].rows, [r#"{"u":"a"}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(folder.path(), "bad", &[r#"{"u":"a","ms":1}"#, "", "oops"]);
    let failed = tried(COUNT, &[("clicks", &bad)]).await.unwrap_err().to_string();
    assert!(failed.starts_with(&format!("{}, line 3: clicks-0@1", bad.display())), "{failed}");
    let without = tried(COUNT, &[]).await.unwrap_err().to_string();
    assert!(without.contains("add --input clicks=FILE"), "{without}");
    let other = tried(COUNT, &[("klicks", &bad)]).await.unwrap_err().to_string();
    assert!(other.contains("does not read a table klicks; it reads clicks"), "{other}");
    let gone = tried(COUNT, &[("clicks", &folder.path().join("gone"))]).await.unwrap_err();
    assert!(matches!(&gone, TrialError::Invalid(why) if why.contains("No such file")), "{gone}");
    let mistake = tried("INSERT INTO counts SELECT x FROM clicks;", &[]).await.unwrap_err();
    assert!(matches!(mistake, TrialError::Invalid(_)), "{mistake}");
}

/// The rows that Apache Flink 2.2.1 makes of the same file and the same input (docs/examples/README.md); also where nearly all state is on
/// disk.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_gives_the_rows_that_flink_gives() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    for (name, tables) in [
        ("card-fraud", &[("payments", "payments")][..]),
        ("machine-temperature", &[("readings", "readings")]),
        ("orders-with-customers", &[("orders", "orders"), ("customers", "customers")]),
        ("shop-sessions", &[("shop_events", "shop-events")]),
        ("trending-products", &[("purchases", "purchases")]),
    ] {
        let folder = examples.join(name);
        let sql = std::fs::read_to_string(folder.join("query.sql")).unwrap();
        let input = |(table, topic): &(&str, &str)| ((*table).to_owned(), folder.join(format!("{topic}-0.jsonl")));
        let inputs: Vec<_> = tables.iter().map(input).collect();
        let expected = read_rows(&folder.join("expected.jsonl")).unwrap();
        assert!(!expected.is_empty());
        for memory in ["256 mb", "4 kb"] {
            let sql = format!("SET 'forebay.state.memory' = '{memory}';\n{sql}");
            let outcome = run(Trial { name: name.to_owned(), sql, inputs: inputs.clone() }).await.unwrap();
            let differences = Differences::between(&expected, &outcome.tables[0].rows);
            assert_eq!(differences, Differences::default(), "{name} with {memory}");
            assert_eq!((outcome.late, outcome.undecodable), (0, 0), "{name}");
            assert!(outcome.warnings.is_empty(), "{name} runs in Flink as it is: {:?}", outcome.warnings);
        }
    }
}

/// What Flink's tables would have at the end: rows that were replaced or taken back are not among them.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_table_with_a_key_the_rows_at_the_end_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let people = file(
        folder.path(),
        "people",
        &[
            r#"{"id":1,"city":"Rome"}"#,
            r#"{"id":2,"city":"Rome"}"#,
            "{\"id\":3}\t{\"id\":3,\"city\":\"Oslo\"}",
            r#"{"id":1,"city":"Bern"}"#,
            "{\"id\":3}\t",
        ],
    );
    let sql = "CREATE TABLE people (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
        CREATE TABLE cities (city STRING, n BIGINT, PRIMARY KEY (city) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'cities', 'key.format' = 'json', 'value.format' = 'json');
        INSERT INTO cities SELECT city, COUNT(*) FROM people GROUP BY city;";
    let outcome = tried(sql, &[("people", &people)]).await.unwrap();
    assert_eq!(sorted(&outcome.tables[0]), [r#"{"city":"Bern","n":1}"#, r#"{"city":"Rome","n":1}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_by_itself_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [r#"{"u":"a","ms":1}"#, r#"{"u":"b","ms":2}"#, r#"{"u":"a","ms":3}"#];
    let clicks = file(folder.path(), "clicks", &lines);
    let outcome = tried("SELECT u, COUNT(*) AS n FROM clicks GROUP BY u;", &[("clicks", &clicks)]).await.unwrap();
    assert_eq!(sorted(&outcome.tables[0]), [r#"{"u":"a","n":2}"#, r#"{"u":"b","n":1}"#]);
    let outcome = tried("SELECT u FROM clicks LIMIT 2;", &[("clicks", &clicks)]).await.unwrap();
    assert_eq!(outcome.tables[0].rows, [r#"{"u":"a"}"#, r#"{"u":"b"}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_its_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let people = file(folder.path(), "people", &["", r#"{"city":"Rome"}"#]);
    let sql = "CREATE TABLE people (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
          WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
        SELECT city FROM people;";
    let Err(TrialError::Invalid(why)) = tried(sql, &[("people", &people)]).await else { panic!() };
    assert!(why.contains("people, line 2: the row has no id for its key"), "{why}");
}
