//! A folder that fails takes its partitions with it, and nothing else.

use forebay_storage::disk::Fault;
use kafka_protocol::messages::HeartbeatRequest;

use crate::node::{Node, STORAGE_ERROR, find_group, partitions_of};
use crate::support::groups::{commit, fetch_offset, lone_member};
use crate::support::records::{batch, values};
use crate::support::requests::{append, create_topic, fetch_in, produce_in, produce_request};
use crate::support::{group, text};

const NO_LEADER: (i16, i32, i32) = (5, -1, 1);

fn leaders(node: &Node, of: &crate::support::requests::Topic) -> Vec<(i16, i32, i32)> {
    let partitions = partitions_of(&mut node.client(), of);
    partitions.iter().map(|p| (p.error_code, p.leader_id.0, p.offline_replicas.len() as i32)).collect()
}

#[test]
fn a_failed_sync_is_an_error_to_the_producer_and_never_tried_again() {
    let mut node = Node::start(2, &[]);
    let mut client = node.client();
    let synced = create_topic(&mut client, "synced", 2, &[("flush.messages", "1")]);
    let (bad, good) = (node.partition_in(&node.dir(1), &synced, 2), node.partition_in(&node.dir(0), &synced, 2));
    for partition in [bad, good] {
        assert_eq!(produce_in(&mut client, 13, &synced, partition, &batch(&["a"]), None).error_code, 0);
    }
    node.disk.inject(&node.dir(1), Fault::SyncFails);
    let refused = produce_in(&mut client, 13, &synced, bad, &batch(&["lost"]), None);
    assert_eq!(refused.error_code, STORAGE_ERROR);
    // Even when the disk would say yes again.
    node.disk.heal(&node.dir(1));
    node.disk.forget_counts();
    assert_eq!(produce_in(&mut client, 13, &synced, bad, &batch(&["no"]), None).error_code, STORAGE_ERROR);
    assert_eq!(fetch_in(&mut client, 13, &synced, bad, 0).error_code, STORAGE_ERROR);
    assert_eq!(node.disk.syncs(&node.dir(1)), 0);
    // The other folder serves on.
    assert_eq!(produce_in(&mut client, 13, &synced, good, &batch(&["b"]), None).error_code, 0);
    assert_eq!(fetch_in(&mut client, 13, &synced, good, 0).high_watermark, 2);
    let mut expected = vec![(0, 1, 0); 2];
    expected[bad as usize] = NO_LEADER;
    assert_eq!(leaders(&node, &synced), expected);
    // New topics go where there is a disk.
    let new = create_topic(&mut client, "new", 4, &[]);
    assert!((0..4).all(|p| node.log_of(&new, p).starts_with(node.dir(0))));
    // After a restart all that was acknowledged is there.
    node.stop();
    node.try_run().unwrap();
    let mut client = node.client();
    assert_eq!(leaders(&node, &synced), [(0, 1, 0); 2]);
    let found = values(fetch_in(&mut client, 13, &synced, bad, 0).records.unwrap());
    assert_eq!(found[0], (0, "a".to_owned()));
    assert_eq!(values(fetch_in(&mut client, 13, &synced, good, 0).records.unwrap()).len(), 2);
    assert_eq!(produce_in(&mut client, 13, &synced, bad, &batch(&["again"]), None).error_code, 0);
}

#[test]
fn a_failing_write_wakes_those_who_wait_in_the_folder() {
    let node = Node::start(2, &[]);
    let mut client = node.client();
    let plain = create_topic(&mut client, "plain", 4, &[]);
    let synced = create_topic(&mut client, "synced", 4, &[("flush.messages", "1")]);
    let bad = node.partition_in(&node.dir(1), &plain, 4);
    let waiting = node.partition_in(&node.dir(1), &synced, 4);
    node.disk.hold_syncs(&node.dir(1));
    let mut waiter = node.client();
    let sent = waiter.send(13, &produce_request(13, &synced, waiting, &batch(&["held"]), None));
    node.disk.await_held_syncs(1);
    node.disk.inject(&node.dir(1), Fault::WriteFails);
    assert_eq!(produce_in(&mut client, 13, &plain, bad, &batch(&["x"]), None).error_code, STORAGE_ERROR);
    let answer = waiter.receive(sent);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, STORAGE_ERROR, "without waiting for its sync");
}

#[test]
fn a_folder_that_cannot_be_opened_is_offline_and_back_when_it_can() {
    let mut node = Node::start(3, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 6, &[]);
    for partition in 0..6 {
        assert_eq!(produce_in(&mut client, 13, &known, partition, &batch(&["kept"]), None).error_code, 0);
    }
    let inside: Vec<bool> = (0..6).map(|p| node.log_of(&known, p).starts_with(node.dir(2))).collect();
    assert!(inside.contains(&true) && inside.contains(&false));
    node.stop();
    node.disk.inject(&node.dir(2), Fault::EverythingFails);
    node.try_run().unwrap();
    let mut client = node.client();
    let expected: Vec<_> = inside.iter().map(|inside| if *inside { NO_LEADER } else { (0, 1, 0) }).collect();
    assert_eq!(leaders(&node, &known), expected);
    for (partition, inside) in inside.iter().enumerate() {
        let answer = produce_in(&mut client, 13, &known, partition as i32, &batch(&["more"]), None);
        assert_eq!(answer.error_code, if *inside { STORAGE_ERROR } else { 0 });
    }
    assert!((0..6).all(|p| inside[p as usize] == node.log_of(&known, p).starts_with(node.dir(2))), "no second log");
    node.stop();
    node.disk.heal_all();
    node.try_run().unwrap();
    assert_eq!(leaders(&node, &known), [(0, 1, 0); 6]);
    for (partition, inside) in inside.iter().enumerate() {
        let end = fetch_in(&mut node.client(), 13, &known, partition as i32, 0).high_watermark;
        assert_eq!(end, if *inside { 1 } else { 2 });
    }
}

#[test]
fn without_the_folder_of_the_metadata_there_is_no_broker() {
    let mut node = Node::start(2, &[]);
    create_topic(&mut node.client(), "known", 2, &[]);
    node.stop();
    node.disk.inject(&node.dir(0), Fault::EverythingFails);
    let error = node.try_run().unwrap_err().to_string();
    assert!(error.contains("data-0"), "{error}");
    node.disk.heal_all();
    node.try_run().unwrap();
    let mut client = node.client();
    node.disk.inject(&node.dir(0), Fault::SyncFails);
    let refused = client.call(
        7,
        &kafka_protocol::messages::CreateTopicsRequest::default().with_timeout_ms(5000).with_topics(vec![
            kafka_protocol::messages::create_topics_request::CreatableTopic::default()
                .with_name(crate::support::topic("late"))
                .with_num_partitions(1)
                .with_replication_factor(1),
        ]),
    );
    assert_eq!(refused.topics[0].error_code, STORAGE_ERROR);
    assert!(node.doomed().contains("metadata"), "{}", node.doomed());
}

#[test]
fn groups_whose_log_is_offline_have_no_coordinator_and_the_others_have() {
    let node = Node::start(2, &[]);
    let mut client = node.client();
    create_topic(&mut client, "known", 1, &[]);
    let names: Vec<String> = (0..12).map(|n| format!("group-{n}")).collect();
    let mut members = Vec::new();
    for name in &names {
        assert_eq!(find_group(&mut client, name), 0);
        members.push(lone_member(&mut client, name));
    }
    node.disk.inject(&node.dir(1), Fault::EverythingFails);
    let mut outcomes = Vec::new();
    for (name, (member, generation)) in names.iter().zip(&members) {
        let committed = commit(&mut client, name, (*generation, member), ("known", 0, 3));
        let beat = HeartbeatRequest::default()
            .with_group_id(group(name))
            .with_generation_id(*generation)
            .with_member_id(text(member));
        outcomes.push((committed, client.call(4, &beat).error_code, find_group(&mut client, name)));
    }
    // The first to write finds out: COORDINATOR_NOT_AVAILABLE; then NOT_COORDINATOR, and nowhere else to go.
    assert!(outcomes.contains(&(15, 16, 15)), "{outcomes:?}");
    let known = [(0, 0, 0), (15, 16, 15), (16, 16, 15)];
    assert!(outcomes.iter().all(|outcome| known.contains(outcome)), "{outcomes:?}");
    let (serving, _) = names.iter().zip(&outcomes).find(|(_, outcome)| outcome.0 == 0).unwrap();
    assert_eq!(fetch_offset(&mut client, serving, ("known", 0), true).committed_offset, 3);
}

#[test]
fn a_producer_of_the_good_folder_does_not_notice() {
    let node = Node::start(2, &[]);
    let mut client = node.client();
    let one = create_topic(&mut client, "one", 1, &[]);
    let two = create_topic(&mut client, "two", 1, &[]);
    let (first, second) = (node.log_of(&one, 0), node.log_of(&two, 0));
    let (bad, good) = if first.starts_with(node.dir(1)) { (&one, &two) } else { (&two, &one) };
    assert_ne!(first.parent(), second.parent());
    node.disk.inject(&node.dir(1), Fault::WriteFails);
    assert_eq!(produce_in(&mut client, 13, bad, 0, &batch(&["x"]), None).error_code, STORAGE_ERROR);
    for n in 0..5 {
        assert_eq!(append(&mut client, good, &batch(&["y"])), n);
    }
}
