//! Jobs whose topics change under them: partitions are added, topics are deleted and made anew, records are deleted before they are read.

use forebay::http::JobState;
use forebay_processor::host::Host;
use forebay_storage::ids::TopicPartition;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{CreatePartitionsRequest, DeleteRecordsRequest};

use crate::jobs::{COPY, COUNT, LONG, apply, counted, job, last_error, node, numbers, rows, send, send_texts};
use crate::node::Node;
use crate::support::client::Client;
use crate::support::requests::{Topic, create_topic, delete_topic};
use crate::support::{eventually_in, topic};

/// The same job, which goes on with what is there when records are gone.
fn from_the_earliest(sql: &str) -> String {
    sql.replacen("'topic' = 'in',", "'topic' = 'in', 'properties.auto.offset.reset' = 'earliest',", 1)
}

fn delete_records(client: &mut Client, of: &Topic, before: i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(before);
    let named = DeleteRecordsTopic::default().with_name(topic(&of.name)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![named]).with_timeout_ms(5000);
    assert_eq!(client.call(2, &request).topics[0].partitions[0].error_code, 0);
}

/// Waits until the job has stopped for a reason with these words.
fn wait_for_failure(node: &Node, words: &[&str]) {
    eventually_in(LONG, "the job stops", || job(node).state == JobState::Failed);
    let reason = job(node).reason.unwrap();
    for word in words {
        assert!(reason.contains(word), "{word} is not in: {reason}");
    }
}

fn replace(node: &Node, sql: &str) {
    node.with_jobs(async |jobs| jobs.replace("job", sql).await).unwrap();
}

#[test]
fn a_stopped_job_whose_input_is_deleted_says_so_and_goes_on_where_it_is_told() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COPY);
    send(&mut client, &input, 0, 0..3);
    eventually_in(LONG, "rows come out", || rows(&mut client, &output, 0).len() == 3);
    node.with_jobs(async |jobs| jobs.pause("job").await).unwrap();
    send(&mut client, &input, 0, 3..9);
    delete_records(&mut client, &input, 6);
    node.with_jobs(async |jobs| jobs.resume("job").await).unwrap();
    wait_for_failure(
        &node,
        &["deleted before they were read", "offset 3 of in-0, which has 6 to 9", "auto.offset.reset"],
    );
    assert_eq!(rows(&mut client, &output, 0).len(), 3, "nothing is passed over without a word");
    replace(&node, &from_the_earliest(COPY));
    eventually_in(LONG, "the job goes on", || rows(&mut client, &output, 0).len() >= 6);
    assert_eq!(rows(&mut client, &output, 0), numbers((0..3).chain(6..9)));
    let why = job(&node).why;
    assert!(why.iter().any(|why| why.contains("it went on at 6")), "{why:?}");
}

#[test]
fn a_topic_that_is_made_anew_under_a_running_job_is_not_read_on_in_its_middle() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COPY);
    send(&mut client, &input, 0, 0..3);
    eventually_in(LONG, "rows come out", || rows(&mut client, &output, 0).len() == 3);
    delete_topic(&mut client, &input);
    let input = create_topic(&mut client, "in", 1, &[]);
    // More than there was: the old position is in the log.
    send(&mut client, &input, 0, 10..16);
    eventually_in(LONG, "the job goes on", || rows(&mut client, &output, 0).len() >= 9);
    assert_eq!(rows(&mut client, &output, 0), numbers((0..3).chain(10..16)));
}

/// The offsets go with the topic, as in Kafka.
#[test]
fn open_windows_are_not_mixed_with_those_of_a_topic_that_is_made_anew() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COUNT);
    send_texts(&mut client, &input, &counted(0..2));
    eventually_in(LONG, "the first window comes out", || rows(&mut client, &output, 0).len() == 3);
    delete_topic(&mut client, &input);
    let input = create_topic(&mut client, "in", 1, &[]);
    send_texts(&mut client, &input, &counted(1..4));
    wait_for_failure(&node, &["state from earlier runs", "or was topic 'in' made anew?", "Drop the job"]);
    assert_eq!(rows(&mut client, &output, 0).len(), 3);
}

#[test]
fn a_topic_that_is_deleted_is_waited_for_and_an_output_topic_is_made_again() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, COPY);
    send(&mut client, &input, 0, 0..3);
    eventually_in(LONG, "rows come out", || rows(&mut client, &output, 0).len() == 3);
    delete_topic(&mut client, &output);
    send(&mut client, &input, 0, 3..6);
    eventually_in(LONG, "it is there again", || node.topics_like("out") == ["out"]);
    let output = Topic { id: node.topic_id("out"), ..output };
    eventually_in(LONG, "rows come out again", || rows(&mut client, &output, 0).len() >= 3);
    assert_eq!(rows(&mut client, &output, 0), numbers(3..6), "what was in it before is not put out again");
    assert!(last_error(&node).contains("out-0"), "{}", last_error(&node));
    delete_topic(&mut client, &input);
    eventually_in(LONG, "the job says what it waits for", || last_error(&node).contains("'in' does not exist"));
    assert_eq!(job(&node).state, JobState::Degraded);
}

/// 10 s is how often a task that waits looks for new partitions.
#[test]
fn partitions_that_are_added_are_read_by_all_tasks() {
    let (node, mut client, input, output) = node(1, &[]);
    apply(&node, &format!("SET 'parallelism.default' = '2'; SET 'table.exec.source.idle-timeout' = '0'; {COUNT}"));
    send_texts(&mut client, &input, &counted(0..2));
    eventually_in(LONG, "the first window comes out", || rows(&mut client, &output, 0).len() == 3);
    let wanted = CreatePartitionsTopic::default().with_name(topic("in")).with_count(3).with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![wanted]).with_timeout_ms(5000);
    assert_eq!(client.call(3, &request).results[0].error_code, 0);
    eventually_in(LONG, "the new partitions are read", || {
        job(&node).partitions.iter().filter(|partition| partition.topic == "in").count() == 3
    });
    // Whoever closes windows must have heard of them before time moves on in the others.
    for partition in [1, 2, 0] {
        for row in counted(1..3) {
            let row = crate::support::records::batch(&[&row]);
            let sent = crate::support::requests::produce_in(&mut client, 13, &input, partition, &row, None);
            assert_eq!(sent.error_code, 0);
        }
        let read = [TopicPartition::new("in", partition)];
        let committed = || node.host().committed("job", &read, true).ok()?.remove(0);
        let end = node.offsets_of("in", partition).2;
        eventually_in(LONG, "it is read", || committed().is_some_and(|committed| committed.offset.0 == end));
    }
    eventually_in(LONG, "the second window comes out", || rows(&mut client, &output, 0).len() >= 6);
    let mut found = rows(&mut client, &output, 0).split_off(3);
    found.sort();
    // Three more of each key from partition 0, and three from each of the others.
    assert_eq!(found, [0, 1, 2].map(|n| format!(r#"{{"n":{n},"c":12}}"#)));
}
