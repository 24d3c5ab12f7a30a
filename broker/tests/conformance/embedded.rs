//! A broker inside another program.

use std::net::{SocketAddr, TcpStream};

use forebay::Forebay;
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
    let (first_address, second_address) = (address(&first), address(&second));
    drop(first);
    assert!(TcpStream::connect(first_address).is_err());
    assert!(TcpStream::connect(second_address).is_ok());
    second.stop().unwrap();
    assert!(TcpStream::connect(second_address).is_err());
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
