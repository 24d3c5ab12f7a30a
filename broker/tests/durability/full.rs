//! A full disk stops writing, and nothing else; writing goes on when there is room.

use forebay_storage::disk::Fault;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopic;

use crate::node::{Node, STORAGE_ERROR, find_group, partitions_of};
use crate::support::groups::{commit, fetch_offset, lone_member};
use crate::support::records::{batch, values};
use crate::support::requests::{append, create_topic, delete_records, fetch_in, init_error, produce_in};
use crate::support::{eventually, topic};

#[test]
fn producers_get_an_error_readers_go_on_and_room_is_enough() {
    for synced in ["1", "9223372036854775807"] {
        let mut node = Node::start(2, &[]);
        let mut client = node.client();
        let known = create_topic(&mut client, "known", 2, &[("flush.messages", synced)]);
        let full = node.partition_in(&node.dir(1), &known, 2);
        assert_eq!(produce_in(&mut client, 13, &known, full, &batch(&["a"]), None).error_code, 0);
        node.disk.inject(&node.dir(1), Fault::Full);
        for _ in 0..3 {
            let refused = produce_in(&mut client, 13, &known, full, &batch(&["b"]), None);
            assert_eq!(refused.error_code, STORAGE_ERROR);
            assert!(refused.error_message.is_some_and(|m| m.contains("space")), "the message says why");
        }
        let seen = fetch_in(&mut client, 13, &known, full, 0);
        assert_eq!((seen.error_code, values(seen.records.unwrap())), (0, vec![(0, "a".to_owned())]));
        assert!(partitions_of(&mut client, &known).iter().all(|p| p.error_code == 0), "nothing is offline");
        node.disk.heal_all();
        let after = produce_in(&mut client, 13, &known, full, &batch(&["c"]), None);
        assert_eq!((after.error_code, after.base_offset), (0, 1));
        node.stop();
        node.try_run().unwrap();
        let found = values(fetch_in(&mut node.client(), 13, &known, full, 0).records.unwrap());
        assert_eq!(found, [(0, "a".to_owned()), (1, "c".to_owned())]);
    }
}

#[test]
fn deleting_records_makes_room_where_there_is_none() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let small = create_topic(
        &mut client,
        "small",
        1,
        &[("segment.bytes", "1048576"), ("file.delete.delay.ms", "0"), ("index.interval.bytes", "100000")],
    );
    let log = node.log_of(&small, 0);
    let large = batch(&[&"x".repeat(500_000)]);
    for _ in 0..5 {
        append(&mut client, &small, &large);
    }
    node.disk.set_space(&log, 0);
    assert_eq!(produce_in(&mut client, 13, &small, 0, &large, None).error_code, STORAGE_ERROR);
    assert_eq!(delete_records(&mut client, &small, 4), (0, 4));
    eventually("the deleted files make room", || {
        let answer = produce_in(&mut client, 13, &small, 0, &large, None);
        assert!([0, STORAGE_ERROR].contains(&answer.error_code));
        answer.error_code == 0 && answer.base_offset == 5
    });
}

#[test]
fn coordinators_say_try_again_and_do_so_with_success() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, "readers");
    assert_eq!(commit(&mut client, "readers", (generation, &member), ("known", 0, 1)), 0);
    node.disk.inject(&node.dir(0), Fault::Full);
    // COORDINATOR_NOT_AVAILABLE is retriable; the coordinator is there all the same.
    assert_eq!(commit(&mut client, "readers", (generation, &member), ("known", 0, 2)), 15);
    assert_eq!(find_group(&mut client, "readers"), 0);
    assert_eq!(fetch_offset(&mut client, "readers", ("known", 0), true).committed_offset, 1);
    node.disk.heal_all();
    assert_eq!(commit(&mut client, "readers", (generation, &member), ("known", 0, 3)), 0);
    assert_eq!(fetch_offset(&mut client, "readers", ("known", 0), true).committed_offset, 3);
}

#[test]
fn coordinators_whose_logs_found_no_room_are_there_when_there_is_some() {
    let node = Node::start(2, &[]);
    let mut client = node.client();
    node.disk.inject(&node.dir(1), Fault::Full);
    let names: Vec<String> = (0..12).map(|n| format!("name-{n}")).collect();
    // The first question makes the topic: half of its logs find no room.
    let mut found: Vec<i16> = names.iter().map(|name| find_group(&mut client, name)).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [0, 15], "COORDINATOR_NOT_AVAILABLE");
    let mut begun: Vec<i16> = names.iter().map(|name| init_error(&mut client, name)).collect();
    begun.sort_unstable();
    begun.dedup();
    assert_eq!(begun, [0, 16], "NOT_COORDINATOR");
    node.disk.heal_all();
    eventually("all groups have a coordinator", || names.iter().all(|name| find_group(&mut client, name) == 0));
    eventually("all ids have one", || names.iter().all(|name| init_error(&mut client, name) == 0));
}

#[test]
fn what_finds_no_room_for_all_of_its_records_leaves_none() {
    let mut node = Node::start(1, &[]);
    let mut client = node.client();
    // More than one batch of the metadata log, of which the first would fit.
    node.fill("__cluster_metadata", 300 * 1024);
    let large =
        CreatableTopic::default().with_name(topic("large")).with_num_partitions(9000).with_replication_factor(1);
    let creation = CreateTopicsRequest::default().with_topics(vec![large]).with_timeout_ms(60_000);
    assert_eq!(client.call(7, &creation).topics[0].error_code, STORAGE_ERROR);
    node.disk.heal_all();
    node.stop();
    node.try_run().unwrap();
    assert_eq!(node.topics_like("large"), [] as [String; 0]);
}
