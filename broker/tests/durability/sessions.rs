//! Fetch sessions beside a metadata log that a disk keeps waiting.

use forebay_storage::ids::TopicId;
use kafka_protocol::messages::*;

use crate::node::Node;
use crate::support::requests::{Topic, fetch_partition, fetch_request};
use crate::support::topic;

#[test]
fn a_session_of_fetches_finds_a_topic_that_was_not_taken_in_when_it_was_named() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let log = node.dir(0).join("__cluster_metadata-0");
    assert!(log.exists());
    node.disk.hold_syncs(&log);
    let mut creator = node.client();
    let wanted = create_topics_request::CreatableTopic::default()
        .with_name(topic("known"))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let creation = CreateTopicsRequest::default().with_topics(vec![wanted]).with_timeout_ms(60_000);
    let sent = creator.send(7, &creation);
    node.disk.await_held_syncs(1);
    // Decided and to be seen, and not done yet.
    let TopicId(id) = node.rooms().metadata.query(|m| m.topic("known").map(|topic| topic.topic_id)).unwrap();
    let known = Topic { name: "known".into(), id };
    let fetch = fetch_request(13, &known, vec![fetch_partition(0, 0)]).with_session_epoch(0);
    let opened = client.call(13, &fetch);
    assert_eq!(opened.responses[0].partitions[0].error_code, 100, "UNKNOWN_TOPIC_ID");
    node.disk.let_syncs_go();
    assert_eq!(creator.receive(sent).topics[0].error_code, 0);
    let next = FetchRequest::default()
        .with_session_id(opened.session_id)
        .with_session_epoch(1)
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20);
    let answer = client.call(13, &next);
    assert_eq!(answer.error_code, 0);
    let errors: Vec<i16> = answer.responses.iter().flat_map(|t| &t.partitions).map(|p| p.error_code).collect();
    assert_eq!(errors, [0], "it is told that there is a topic now");
}
