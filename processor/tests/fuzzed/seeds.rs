//! The inputs that fuzzing begins with.

use forebay_processor::state::changelog;
use forebay_processor::state::{Accumulator, KeyedState, SessionState, StageState, TaskState, WindowState};
use forebay_processor::time::WindowSpan;

const TABLES: &str =
    "CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
CREATE TABLE r (k STRING, v STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'csv', 'csv.null-literal' = 'x');
CREATE TABLE u (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
";

const QUERIES: [(&str, &str); 8] = [
    ("interval-join", "SELECT l.k, r.v FROM l LEFT JOIN r ON l.k = r.k AND l.ts BETWEEN r.ts - INTERVAL '3' SECOND AND r.ts"),
    (
        "window-join",
        "SELECT a.k, b.m FROM (SELECT * FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND))) a FULL JOIN
         (SELECT * FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(ts), INTERVAL '5' SECOND))) b
         ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k IS NOT DISTINCT FROM b.k",
    ),
    ("union", "SELECT k, COUNT(*) FROM (SELECT k FROM l UNION ALL SELECT v FROM r WHERE m > 1) GROUP BY k HAVING COUNT(*) > 2"),
    (
        "rank",
        "SELECT * FROM (SELECT k, n, window_end, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY n DESC) AS rn
         FROM TABLE(HOP(TABLE l, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '5' SECOND))) WHERE rn <= 3",
    ),
    (
        "qualify",
        "SELECT k, n FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND))
         QUALIFY ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY ts) = 1",
    ),
    ("groups", "SELECT n, COUNT(DISTINCT k), LISTAGG(k, '-'), MAX(n) FILTER (WHERE n > 1) FROM u GROUP BY n"),
    ("sets", "SELECT k, n, COUNT(*), STDDEV(n) FROM TABLE(CUMULATE(TABLE l, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '5' SECOND)) GROUP BY window_start, window_end, GROUPING SETS ((k, n), (k), ())"),
    ("json", "SELECT JSON_VALUE(v, '$.a[0].b' RETURNING INT DEFAULT 1 ON ERROR), REGEXP_REPLACE(v, '(a|b)+', '$1') FROM r"),
];

const RECORDS: [(&str, u8, &str); 9] = [
    (
        "json",
        0,
        r#"{"c0":"ä","c1":true,"c2":-1,"c3":300,"c4":7,"c5":-9,"c6":0.5,"c7":1e3,"c8":12.5,"c9":"AAE=","c10":"2024-02-29","c11":"10:20:30","c12":"2024-02-29 10:20:30.123","c13":"2024-02-29 10:20:30.123Z"}"#,
    ),
    (
        "json-iso",
        0b0101_0000,
        r#"{"c12":"2024-02-29T10:20:30.123","c13":"2024-02-29T10:20:30.1Z","c8":"1e-3","c0":{"a":[1,"\ud83d\ude00"]}}"#,
    ),
    ("json-lenient", 0b0010_0100, r#"{"c1":"yes","c2":999,"c5":null}"#),
    (
        "csv",
        1,
        "\"a,\"\"b\",true,1,2,3,4,0.5,-1e9,12.3456,AAE=,2024-02-29,10:20:30,2024-02-29 10:20:30.123,2024-02-29 10:20:30.123Z",
    ),
    ("csv-null", 0b0110_0101, "none;;1;none;x;4;0.5;-1e9;12.3456;AAE=;2024-02-29;10:20:30;;"),
    ("csv-escaped", 0b0001_0001, "a\\,b\\\"c,,,,,,,,,,,,,"),
    ("csv-text", 2, "# none"),
    ("raw-text", 3, "a text"),
    ("raw-number", 0b0010_1111, "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}"),
];

/// Target, name and bytes of each.
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, query) in QUERIES {
        seeds.push(("sql", name.to_owned(), format!("{TABLES}{query};").into_bytes()));
    }
    for (name, choice, record) in RECORDS {
        seeds.push(("formats", name.to_owned(), [&[choice], record.as_bytes()].concat()));
    }
    for (at, rows) in [0_i64, 1, 2, 5, 9].into_iter().enumerate() {
        seeds.push(("changelog", format!("rows-{at}"), changelog_of(rows)));
    }
    seeds
}

/// The changelog of a state with so many rows in each of its stages, in the form of the target.
fn changelog_of(rows: i64) -> Vec<u8> {
    let accumulators = || vec![Accumulator::Count(0), Accumulator::NoInteger, Accumulator::Distinct(Box::default())];
    let mut grid = WindowState::new(accumulators());
    let mut sessions = SessionState::new(accumulators());
    let mut keyed = KeyedState::new(Some(1_000));
    keyed.expire(5).unwrap();
    for row in 0..rows {
        let key = format!("key-{}", row % 3).into_bytes();
        let span = WindowSpan { first: row / 4 * 1_000, last: row / 4 * 1_000 };
        grid.update(span, &key).unwrap()[0] = Accumulator::Count(row);
        sessions.update(&key, row * 10, row * 10 + 15, &|_, _| {}).unwrap()[1] = Accumulator::Integer(row);
        keyed.put(&[&key[..], &changelog::sortable(row)].concat(), &key);
        keyed.put_until(b"due", &key, row);
    }
    let stages = vec![StageState::Grid(grid), StageState::Sessions(sessions), StageState::Keyed(keyed)];
    let state = TaskState::new("fuzzed".to_owned(), stages, 1 << 20);
    let mut bytes = Vec::new();
    let mut put = |key: &[u8], value: Option<&[u8]>| {
        bytes.push(key.len() as u8);
        bytes.extend_from_slice(key);
        let value = value.unwrap_or_default();
        // Each fits into a byte.
        bytes.push(u8::try_from(value.len()).unwrap());
        bytes.extend_from_slice(value);
    };
    state.write_all(&mut put).unwrap();
    bytes
}
