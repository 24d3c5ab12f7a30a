//! A broker inside another program.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use forebay::Forebay;
use forebay::stream::{Source, count, map, max, sum, window_start};
use kafka_protocol::messages::MetadataRequest;

use crate::support::client::Client;
use crate::support::eventually;
use crate::support::records::{batch, values};
use crate::support::requests::{Topic, append, fetch_in};

const COPY: &str = "CREATE TABLE a (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'a', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
    INSERT INTO b SELECT n FROM a WHERE n > 1;";

fn address(broker: &Forebay) -> SocketAddr {
    broker.bootstrap_servers().parse().unwrap()
}

/// Another broker may have the address as soon as this one has gone, so that only a connection of before tells that it has.
fn connection(broker: &Forebay) -> TcpStream {
    let connection = TcpStream::connect(address(broker)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    connection
}

fn is_closed(connection: &mut TcpStream) -> bool {
    match connection.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn topics(client: &mut Client) -> Vec<(String, uuid::Uuid, usize)> {
    let response = client.call(12, &MetadataRequest::default().with_topics(None));
    let topics = response.topics.iter().filter(|topic| !topic.is_internal);
    let mut topics: Vec<_> =
        topics.map(|t| (t.name.as_ref().unwrap().to_string(), t.topic_id, t.partitions.len())).collect();
    topics.sort();
    topics.retain(|(name, ..)| !name.starts_with("__"));
    topics
}

fn known_topic(known: &[(String, uuid::Uuid, usize)], at: usize) -> Topic {
    Topic { name: known[at].0.clone(), id: known[at].1 }
}

fn names(client: &mut Client) -> Vec<(String, usize)> {
    topics(client).into_iter().map(|(name, _, partitions)| (name, partitions)).collect()
}

#[test]
fn several_run_in_one_process_and_end_with_their_owners() {
    let first = Forebay::builder().topic("clicks", 3).start().unwrap();
    let second = Forebay::builder().set("num.partitions", "2").start().unwrap();
    second.topic("orders", -1).unwrap();
    assert_eq!(names(&mut Client::connect(address(&first))), [("clicks".to_owned(), 3)]);
    assert_eq!(names(&mut Client::connect(address(&second))), [("orders".to_owned(), 2)]);
    let second_address = address(&second);
    let (mut to_first, mut to_second) = (connection(&first), connection(&second));
    drop(first);
    assert!(is_closed(&mut to_first));
    assert!(TcpStream::connect(second_address).is_ok());
    second.stop().unwrap();
    assert!(is_closed(&mut to_second));
}

#[test]
fn jobs_run_in_it_and_its_data_is_kept_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Forebay::builder().data(folder.path()).topic("a", 1).topic("b", 1).job("copy", COPY);
    let broker = builder.clone().start().unwrap();
    let mut client = Client::connect(address(&broker));
    let known = topics(&mut client);
    append(&mut client, &known_topic(&known, 0), &batch(&[r#"{"n":1}"#, r#"{"n":2}"#]));
    broker.stop().unwrap();
    let broker = builder.start().unwrap();
    let mut client = Client::connect(address(&broker));
    assert_eq!(topics(&mut client), known);
    eventually("the job has written", || {
        let written = fetch_in(&mut client, 13, &known_topic(&known, 1), 0, 0).records;
        values(written.unwrap_or_default()).iter().any(|(_, value)| value == r#"{"n":2}"#)
    });
}

#[test]
fn what_is_wrong_is_said_and_nothing_runs() {
    let wrong = |builder: forebay::embedded::Builder| builder.start().err().unwrap().to_string();
    let error = wrong(Forebay::builder().set("num.partitons", "2").set("num.io.threads", "many"));
    assert!(error.contains("num.io.threads"), "{error}");
    let error = wrong(Forebay::builder().topic("a b", 1));
    assert!(error.starts_with("topic a b: INVALID_TOPIC_EXCEPTION"), "{error}");
    let error = wrong(Forebay::builder().job("j", "SELEC"));
    assert!(error.starts_with("job j: ") && error.contains("line 1"), "{error}");
}

#[test]
fn it_can_be_used_from_the_tasks_of_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let partitions = runtime.block_on(async {
        let broker = Forebay::builder().topic("t", 4).start().unwrap();
        names(&mut Client::connect(address(&broker)))
    });
    assert_eq!(partitions, [("t".to_owned(), 4)]);
}

#[test]
fn jobs_call_functions_of_the_program() {
    let job = "CREATE TABLE a (email STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json',
          'scan.startup.mode' = 'earliest-offset', 'forebay.on-error' = 'skip');
        CREATE TABLE b (domain STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
        INSERT INTO b SELECT domain(email), twice(n) FROM a;";
    let domain = |email: String| match email.as_str() {
        "panic" => panic!("it panics"),
        _ => email.split_once('@').map(|(_, domain)| domain.to_owned()),
    };
    let twice = |n: i64| n.checked_mul(2).ok_or("too much");
    let broker = Forebay::builder().function("domain", domain).function("twice", twice);
    let broker = broker.topic("a", 1).topic("b", 1).job("domains", job).start().unwrap();
    let mut client = Client::connect(address(&broker));
    let known = topics(&mut client);
    let rows = [
        r#"{"email":"ada@example.org","n":21}"#,
        r#"{"email":"panic","n":1}"#,
        r#"{"email":"nobody","n":1}"#,
        r#"{"email":"b@example.org","n":9223372036854775807}"#,
        r#"{"email":null,"n":null}"#,
    ];
    append(&mut client, &known_topic(&known, 0), &batch(&rows));
    let expected = [r#"{"domain":"example.org","n":42}"#, r#"{"domain":null,"n":2}"#, r#"{"domain":null,"n":null}"#];
    eventually("the rows of the job", || {
        let written = fetch_in(&mut client, 13, &known_topic(&known, 1), 0, 0).records;
        values(written.unwrap_or_default()).into_iter().map(|(_, value)| value).collect::<Vec<_>>() == expected
    });
}

#[test]
fn a_call_that_a_function_does_not_take_says_what_it_takes() {
    let broker = Forebay::builder().function("twice", |n: i64| 2 * n).start().unwrap();
    let job = |select: &str| {
        format!(
            "CREATE TABLE a (t STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
             CREATE TABLE b (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
             INSERT INTO b SELECT {select} FROM a;"
        )
    };
    let refused = |select: &str| broker.job("j", &job(select)).unwrap_err().to_string();
    let error = refused("twice(t)");
    assert!(
        error.contains("TWICE needs BIGINT here, found STRING") && error.contains("write TWICE(BIGINT)"),
        "{error}"
    );
    let error = refused("twice(1, 2)");
    assert!(error.contains("TWICE takes 1 argument, not 2"), "{error}");
    let error = refused("twise(1)");
    assert!(error.contains("did you mean TWICE?"), "{error}");
}

#[test]
fn a_job_written_in_rust_counts_in_windows_and_calls_closures() {
    let mut clicks = Source::topic("clicks");
    let user = clicks.column::<String>("user id");
    let bytes = clicks.column::<i64>("bytes");
    let time = clicks.column::<i64>("time");
    clicks.event_time_ms(&time, Duration::from_millis(500));
    let domain = map("domain", |user: String| user.split_once('@').map(|(_, d)| d.to_owned()), (user.clone(),));
    let metrics = clicks
        .filter(bytes.clone().gt(0).and(user.clone().ne("it's me")))
        .tumble(Duration::from_millis(2_500))
        .group_by(&domain)
        .select("start", window_start())
        .select("clicks", count())
        .select("bytes", sum(bytes.clone() * 2))
        .select("most", max(&bytes))
        .to_topic("metrics");
    let large = clicks.filter(bytes.clone().ge(700)).select("user", &user).select("kb", bytes / 100).to_topic("large");
    let broker = Forebay::builder().topic("clicks", 1).topic("metrics", 1).topic("large", 1);
    let broker = broker.stream("metrics", metrics).stream("large", large).start().unwrap();
    let mut client = Client::connect(address(&broker));
    let known = topics(&mut client);
    let rows = [
        r#"{"user id":"a@x.org","bytes":7,"time":1000}"#,
        r#"{"user id":"b@x.org","bytes":700,"time":2499}"#,
        r#"{"user id":"b@x.org","bytes":0,"time":2000}"#,
        r#"{"user id":"it's me","bytes":1,"time":2000}"#,
        r#"{"user id":"c@x.org","bytes":1,"time":2500}"#,
        r#"{"user id":"nobody","bytes":1,"time":60000}"#,
    ];
    append(&mut client, &known_topic(&known, 0), &batch(&rows));
    let mut rows_of = |at: usize| {
        let written = fetch_in(&mut client, 13, &known_topic(&known, at), 0, 0).records;
        values(written.unwrap_or_default()).into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    let expected = [
        r#"{"start":"1970-01-01 00:00:00","clicks":2,"bytes":1414,"most":700}"#,
        r#"{"start":"1970-01-01 00:00:02.5","clicks":1,"bytes":2,"most":1}"#,
    ];
    eventually("the windows", || rows_of(2) == expected);
    eventually("the large ones", || rows_of(1) == [r#"{"user":"b@x.org","kb":7}"#]);
}
