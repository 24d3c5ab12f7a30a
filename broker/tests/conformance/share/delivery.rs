//! Who gets which records, how often, and what a restart keeps of it.

use forebay::partition::Isolation;
use forebay_storage::ids::Offset;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;

use super::{ACCEPT, REJECT, RELEASE, RENEW, member, topic};
use crate::support::records::{Origin, batch, batch_of, values};
use crate::support::requests::{append, create_topic, end_txn, init_producer, produce_in};
use crate::support::share::{ShareMember, initialize, read_state};
use crate::support::{Broker, text};

const INVALID_RECORD_STATE: i16 = 121;
const INVALID_REQUEST: i16 = 42;

#[test]
fn two_members_share_a_partition() {
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut producer = broker.client();
    append(&mut producer, &topic, &batch(&["a", "b"]));
    append(&mut producer, &topic, &batch(&["c"]));
    let (mut one, mut two) = (member(&broker, "one"), member(&broker, "two"));
    let first = one.fetch(&one.request(&topic, &[]).with_max_records(1));
    assert_eq!(first.acquisition_lock_timeout_ms, 30_000);
    let first = crate::support::share::Taken::of(&first);
    // A whole batch of the log, and nothing beyond.
    assert_eq!(first.acquired, [(0, 1, 1)]);
    assert_eq!(first.records, [(0, "a".to_owned()), (1, "b".to_owned())]);
    let second = two.take(&topic, &[]);
    assert_eq!((second.acquired, second.records), (vec![(2, 2, 1)], vec![(2, "c".to_owned())]));
    assert_eq!(two.acknowledge(&topic, &[(0, 1, &[ACCEPT])]), (0, Some(INVALID_RECORD_STATE), None), "the other's");
    assert_eq!(one.acknowledge(&topic, &[(0, 1, &[ACCEPT])]), (0, Some(0), None));
    assert_eq!(read_state(&mut producer, "g", &topic, 0).start_offset, 0, "the start moves with the next write");
    assert_eq!(two.acknowledge(&topic, &[(2, 2, &[ACCEPT])]), (0, Some(0), None));
    // Somebody who waits is woken by the next record.
    let request = two.request(&topic, &[]);
    broker.until_received(|| two.send(&request));
    two.client.assert_unanswered();
    append(&mut producer, &topic, &batch(&["d"]));
    assert_eq!(crate::support::share::Taken::of(&two.receive()).acquired, [(3, 3, 1)]);
}

#[test]
fn released_records_come_again_until_they_have_come_often_enough() {
    let broker = Broker::start_with(&["group.share.delivery.count.limit=2"]);
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a", "b", "c"]));
    let mut one = member(&broker, "one");
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 2, 1)]);
    // By the way: a is processed, b cannot be, c is for another time.
    let again = one.take(&topic, &[(0, 2, &[ACCEPT, REJECT, RELEASE])]);
    assert_eq!((again.acknowledged, again.acquired), (0, vec![(2, 2, 2)]));
    // That was the second delivery, and there is no third.
    let request = one.request(&topic, &[(2, 2, &[RELEASE])]).with_max_wait_ms(0);
    let nothing = crate::support::share::Taken::of(&one.fetch(&request));
    assert_eq!((nothing.acknowledged, nothing.acquired), (0, vec![]));
    append(&mut broker.client(), &topic, &batch(&["d"]));
    assert_eq!(one.take(&topic, &[]).acquired, [(3, 3, 1)]);
}

#[test]
fn locks_end() {
    let broker = Broker::start_with(&[
        "group.share.min.record.lock.duration.ms=1000",
        "group.share.record.lock.duration.ms=1000",
    ]);
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a"]));
    let (mut one, mut two) = (member(&broker, "one"), member(&broker, "two"));
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 0, 1)]);
    // Waits until the lock of the first member ends.
    assert_eq!(two.take(&topic, &[]).acquired, [(0, 0, 2)]);
    assert_eq!(one.acknowledge(&topic, &[(0, 0, &[ACCEPT])]), (0, Some(INVALID_RECORD_STATE), None));
    assert_eq!(two.acknowledge(&topic, &[(0, 0, &[ACCEPT])]), (0, Some(0), None));
}

#[test]
fn locks_are_renewed_in_version_2() {
    let broker = Broker::start_with(&[
        "group.share.min.record.lock.duration.ms=1000",
        "group.share.record.lock.duration.ms=6000",
    ]);
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a"]));
    let mut one = member(&broker, "one");
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 0, 1)]);
    assert_eq!(one.acknowledge(&topic, &[(0, 0, &[RENEW])]), (0, Some(INVALID_REQUEST), None), "not in version 1");
    one.version = 2;
    assert_eq!(one.acknowledge(&topic, &[(0, 0, &[RENEW])]), (0, Some(INVALID_REQUEST), Some(6000)), "not said to");
    let wrong = one.request(&topic, &[(0, 0, &[RENEW])]);
    one.send_mode(&wrong, 0, true);
    assert_eq!(one.receive().error_code, INVALID_REQUEST, "renewals fetch nothing");
    one.epoch -= 1;
    let mut two = member(&broker, "two");
    let wait = two.request(&topic, &[]).with_max_wait_ms(2_200);
    // Three waits of 2.2 s are longer than the lock that is renewed before each.
    for _ in 0..3 {
        let renew = one.request(&topic, &[(0, 0, &[RENEW])]);
        let renew = renew.with_max_wait_ms(0).with_min_bytes(0).with_max_bytes(0).with_max_records(0);
        one.send_mode(&renew, 0, true);
        assert_eq!(crate::support::share::Taken::of(&one.receive()).acknowledged, 0);
        let wait = wait.clone().with_share_session_epoch(two.epoch);
        assert_eq!(crate::support::share::Taken::of(&two.fetch(&wait)).acquired, [], "it is with the other");
    }
    assert_eq!(one.acknowledge_in(&topic, &[(0, 0, &[ACCEPT])], one.epoch, false), (0, Some(0), Some(6000)));
}

#[test]
fn no_more_than_so_many_records_in_version_2() {
    let broker = Broker::start();
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a", "b", "c"]));
    let mut one = member(&broker, "one");
    one.version = 2;
    let request = one.request(&topic, &[]).with_max_records(2);
    one.send_mode(&request, 1, false);
    assert_eq!(crate::support::share::Taken::of(&one.receive()).acquired, [(0, 1, 1)]);
    one.send_mode(&request.with_share_session_epoch(1), 1, false);
    assert_eq!(crate::support::share::Taken::of(&one.receive()).acquired, [(2, 2, 1)]);
}

#[test]
fn only_so_many_are_in_flight() {
    let broker = Broker::start_with(&["group.share.partition.max.record.locks=100"]);
    let topic = topic(&broker);
    for _ in 0..3 {
        append(&mut broker.client(), &topic, &batch(&["x"; 60]));
    }
    let mut one = member(&broker, "one");
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 119, 1)], "a whole batch beyond the 100");
    let none = one.request(&topic, &[]).with_max_wait_ms(0);
    assert!(one.fetch(&none).responses.is_empty(), "nothing can be acquired, so nothing is said of it");
    assert_eq!(one.take(&topic, &[(0, 119, &[ACCEPT])]).acquired, [(120, 179, 1)]);
}

#[test]
fn a_restart_keeps_what_was_acknowledged_and_how_often_records_came() {
    let mut broker = Broker::start();
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a", "b", "c", "d"]));
    let mut one = member(&broker, "one");
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 3, 1)]);
    assert_eq!(one.acknowledge(&topic, &[(1, 1, &[ACCEPT]), (2, 2, &[RELEASE])]), (0, Some(0), None));
    broker.restart();
    let mut two = member(&broker, "two");
    let taken = two.take(&topic, &[]);
    let mut offsets: Vec<(i64, i16)> =
        taken.acquired.iter().flat_map(|(first, last, count)| (*first..=*last).map(|o| (o, *count))).collect();
    offsets.sort_unstable();
    // The connection of the first member has ended with the broker, which makes its records available and counts that delivery.
    assert_eq!(offsets, [(0, 2), (2, 2), (3, 2)]);
}

#[test]
fn who_leaves_gives_back_what_it_has() {
    let broker = Broker::start();
    let topic = topic(&broker);
    append(&mut broker.client(), &topic, &batch(&["a", "b"]));
    let (mut one, mut two) = (member(&broker, "one"), member(&broker, "two"));
    assert_eq!(one.take(&topic, &[]).acquired, [(0, 1, 1)]);
    // Closes its session, and processes one of two in the same breath.
    assert_eq!(one.acknowledge_in(&topic, &[(0, 0, &[ACCEPT])], -1, false), (0, Some(0), None));
    assert_eq!(two.take(&topic, &[]).acquired, [(1, 1, 2)]);
    // A connection that is lost does the same.
    let mut three = member(&broker, "three");
    let request = three.request(&topic, &[]);
    broker.until_received(|| three.send(&request));
    drop(two);
    assert_eq!(crate::support::share::Taken::of(&three.receive()).acquired, [(1, 1, 3)]);
}

#[test]
fn a_group_begins_where_it_is_configured_to() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "known", 1, &[]);
    append(&mut client, &topic, &batch(&["before"]));
    // -1: the leader finds the offset, by default the end.
    assert_eq!(initialize(&mut client, "g", &topic, 0, -1), 0);
    let mut one = member(&broker, "one");
    let request = one.request(&topic, &[]).with_max_wait_ms(0);
    assert_eq!(crate::support::share::Taken::of(&one.fetch(&request)).acquired, []);
    append(&mut client, &topic, &batch(&["after"]));
    assert_eq!(one.take(&topic, &[]).records, [(1, "after".to_owned())]);
}

#[test]
fn what_retention_has_deleted_is_passed_over() {
    use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
    let broker = Broker::start();
    let topic = topic(&broker);
    let mut client = broker.client();
    append(&mut client, &topic, &batch(&["a"]));
    append(&mut client, &topic, &batch(&["b"]));
    let partition = DeleteRecordsPartition::default().with_offset(1);
    let gone = DeleteRecordsTopic::default().with_name(crate::support::topic("known")).with_partitions(vec![partition]);
    client.call(2, &DeleteRecordsRequest::default().with_topics(vec![gone]).with_timeout_ms(1000));
    assert_eq!(member(&broker, "one").take(&topic, &[]).acquired, [(1, 1, 1)]);
}
#[test]
fn aborted_transactions_are_not_delivered_to_who_reads_committed() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = topic(&broker);
    assert_eq!(initialize(&mut client, "committed", &topic, 0, 0), 0);
    let config =
        AlterableConfig::default().with_name(text("share.isolation.level")).with_value(Some(text("read_committed")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text("committed"))
        .with_configs(vec![config]);
    let altered = client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
    assert_eq!(altered.responses[0].error_code, 0, "{altered:?}");

    let (id, epoch) = init_producer(&mut client, 5, Some("t"));
    let of = |sequence, value| batch_of(Origin { id, epoch, sequence, transactional: true }, &[value]);
    assert_eq!(produce_in(&mut client, 12, &topic, 0, &of(0, "aborted"), Some("t")).error_code, 0);
    let mut committed = ShareMember::new(broker.client(), "committed", "m");
    let open = committed.request(&topic, &[]).with_max_wait_ms(0);
    assert_eq!(crate::support::share::Taken::of(&committed.fetch(&open)).acquired, [], "not decided yet");
    let ended = end_txn(&mut client, 5, "t", id, epoch, false);
    let (id, epoch) = (ended.producer_id.0, ended.producer_epoch);
    let of = |sequence, value| batch_of(Origin { id, epoch, sequence, transactional: true }, &[value]);
    assert_eq!(produce_in(&mut client, 12, &topic, 0, &of(0, "committed"), Some("t")).error_code, 0);
    end_txn(&mut client, 5, "t", id, epoch, true);

    // Offsets: 0 aborted, 1 its marker, 2 committed, 3 its marker.
    let taken = committed.take(&topic, &[]);
    let offsets: Vec<i64> = taken.acquired.iter().flat_map(|(first, last, _)| *first..=*last).collect();
    assert!(offsets.contains(&2) && !offsets.contains(&0), "{taken:?}");
    let mut all = member(&broker, "m");
    let offsets: Vec<i64> = all.take(&topic, &[]).acquired.iter().flat_map(|(first, last, _)| *first..=*last).collect();
    assert!(offsets.contains(&0), "read_uncommitted has it: {offsets:?}");
}

#[test]
fn no_more_of_a_log_is_read_than_can_be_acquired() {
    let broker = Broker::start();
    let topic = topic(&broker);
    for values in [&["a", "b"][..], &["c", "d", "e"], &[&"x".repeat(100_000)], &["g"]] {
        append(&mut broker.client(), &topic, &batch(values));
    }
    let log = broker.partition("known", 0);
    let read = |from, span| {
        let read = log.read_span(Offset(from), span, 1 << 20, Isolation::ReadUncommitted, true).unwrap();
        assert!(read.region.is_none(), "the bytes may be looked at");
        values(read.records).into_iter().map(|(offset, _)| offset).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 1), [0, 1]);
    assert_eq!(read(1, 2), [0, 1, 2, 3, 4]);
    assert_eq!(read(4, 2), [2, 3, 4, 5]);
    assert_eq!(read(0, 100), [0, 1, 2, 3, 4, 5, 6]);
}
