//! `flush.messages`: an answer goes when what it speaks of is on disk, and a sync serves all who wait.

use std::time::Duration;

use kafka_protocol::messages::ProduceResponse;

use crate::node::Node;
use crate::support::eventually;
use crate::support::groups::{commit, commit_request, fetch_offset_request, lone_member};
use crate::support::records::{Origin, batch, batch_of, values};
use crate::support::requests::{
    append, create_topic, end_txn, fetch_in, fetch_partition, fetch_request, init_producer, list_offset, produce_in,
    produce_request,
};

#[test]
fn nothing_is_acknowledged_or_shown_before_it_is_on_disk() {
    let node = Node::start(1, &[]);
    let (mut producer, mut reader) = (node.client(), node.client());
    let synced = create_topic(&mut producer, "synced", 1, &[("flush.messages", "1")]);
    let log = node.log_of(&synced, 0);
    assert_eq!(append(&mut producer, &synced, &batch(&["a"])), 0);
    node.disk.hold_syncs(&log);
    for acks in [1, -1] {
        let request = produce_request(13, &synced, 0, &batch(&["b"]), None).with_acks(acks);
        let sent = producer.send(13, &request);
        node.disk.await_held_syncs(1);
        // Another connection sees neither the record nor its offset, and is served meanwhile.
        let before = 1 + i64::from(acks == -1);
        let seen = fetch_in(&mut reader, 13, &synced, 0, before);
        assert_eq!(
            (seen.high_watermark, seen.last_stable_offset, seen.records.map_or(0, |r| r.len())),
            (before, before, 0)
        );
        assert_eq!(list_offset(&mut reader, 10, &synced, -1, false).offset, before);
        producer.assert_unanswered();
        node.disk.let_syncs_go();
        let answer: ProduceResponse = producer.receive(sent);
        assert_eq!(answer.responses[0].partition_responses[0].base_offset, before);
        assert_eq!(fetch_in(&mut reader, 13, &synced, 0, before).high_watermark, before + 1);
        node.disk.hold_syncs(&log);
    }
    // Who wants no answer waits for none.
    let request = produce_request(13, &synced, 0, &batch(&["c"]), None).with_acks(0);
    let body = {
        use kafka_protocol::protocol::Encodable;
        let mut body = bytes::BytesMut::new();
        request.encode(&mut body, 13).unwrap();
        body
    };
    producer.send_body(0, 13, 2, &body);
    assert_eq!(list_offset(&mut producer, 10, &synced, -1, false).offset, 3, "answered while the sync is held");
}

#[test]
fn a_waiting_reader_is_woken_by_the_sync() {
    let node = Node::start(1, &[]);
    let (mut producer, mut reader) = (node.client(), node.client());
    let synced = create_topic(&mut producer, "synced", 1, &[("flush.messages", "1")]);
    let log = node.log_of(&synced, 0);
    let waiting = fetch_request(13, &synced, vec![fetch_partition(0, 0)]).with_max_wait_ms(3_600_000);
    let waiting = node.until_received(|| reader.send(13, &waiting));
    node.disk.hold_syncs(&log);
    let sent = producer.send(13, &produce_request(13, &synced, 0, &batch(&["a"]), None));
    node.disk.await_held_syncs(1);
    reader.assert_unanswered();
    node.disk.let_syncs_go();
    let mut answer = reader.receive(waiting);
    let records = answer.responses.remove(0).partitions.remove(0).records.unwrap();
    assert_eq!(values(records), [(0, "a".to_owned())]);
    producer.receive(sent);
}

#[test]
fn those_who_wait_for_a_sync_share_the_next_one() {
    const PRODUCERS: usize = 24;
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let synced = create_topic(&mut client, "synced", 1, &[("flush.messages", "1")]);
    let log = node.log_of(&synced, 0);
    append(&mut client, &synced, &batch(&["first"]));
    node.disk.forget_counts();
    node.disk.hold_syncs(&log);
    let first = client.send(13, &produce_request(13, &synced, 0, &batch(&["x"]), None));
    node.disk.await_held_syncs(1);
    let mut others: Vec<_> = (0..PRODUCERS).map(|_| node.client()).collect();
    let sent: Vec<_> =
        others.iter_mut().map(|c| c.send(13, &produce_request(13, &synced, 0, &batch(&["y"]), None))).collect();
    // They have arrived when the log has them; the reader sees none yet.
    eventually("all have arrived", || node.end_of(&synced) >= 2 + PRODUCERS as i64);
    node.disk.let_syncs_go();
    client.receive(first);
    let mut offsets: Vec<i64> = others
        .iter_mut()
        .zip(sent)
        .map(|(client, sent)| client.receive(sent).responses[0].partition_responses[0].base_offset)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (2..2 + PRODUCERS as i64).collect::<Vec<_>>());
    assert_eq!(
        node.disk.syncs(&log),
        2,
        "one was under way, one covered all others, and neither syncs an index or the folder"
    );
}

#[test]
fn with_n_messages_the_nth_waits() {
    let node = Node::start(1, &[]);
    let mut client = node.client();
    let third = create_topic(&mut client, "third", 1, &[("flush.messages", "3")]);
    let log = node.log_of(&third, 0);
    node.disk.hold_syncs(&log);
    assert_eq!(append(&mut client, &third, &batch(&["a"])), 0);
    assert_eq!(append(&mut client, &third, &batch(&["b"])), 1);
    let sent = client.send(13, &produce_request(13, &third, 0, &batch(&["c"]), None));
    node.disk.await_held_syncs(1);
    client.assert_unanswered();
    node.disk.let_syncs_go();
    assert_eq!(client.receive(sent).responses[0].partition_responses[0].base_offset, 2);
}

#[test]
fn committed_offsets_are_told_when_they_are_on_disk() {
    let node = Node::start(1, &["log.flush.interval.messages=1"]);
    let (mut member, mut reader) = (node.client(), node.client());
    create_topic(&mut member, "known", 1, &[]);
    let (id, generation) = lone_member(&mut member, "readers");
    assert_eq!(commit(&mut member, "readers", (generation, &id), ("known", 0, 5)), 0);
    node.disk.hold_syncs(&node.dir(0));
    let committing = member.send(9, &commit_request(9, "readers", (generation, &id), ("known", 0, 6)));
    node.disk.await_held_syncs(1);
    let reading = reader.send(9, &fetch_offset_request("readers", ("known", 0), true));
    // Long enough for an answer that must not come.
    assert!(reader.is_silent_for(Duration::from_millis(300)), "told before it is on disk");
    member.assert_unanswered();
    node.disk.let_syncs_go();
    assert_eq!(member.receive(committing).topics[0].partitions[0].error_code, 0);
    assert_eq!(reader.receive(reading).groups[0].topics[0].partitions[0].committed_offset, 6);
}

#[test]
fn a_transaction_is_whole_with_syncs_before_every_answer() {
    let mut node = Node::start(2, &["log.flush.interval.messages=1"]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let (id, epoch) = init_producer(&mut client, 5, Some("txn"));
    let of = |sequence| batch_of(Origin { id, epoch, sequence, transactional: true }, &["x"]);
    for partition in [0, 1] {
        assert_eq!(produce_in(&mut client, 13, &known, partition, &of(0), Some("txn")).error_code, 0);
    }
    assert_eq!(end_txn(&mut client, 5, "txn", id, epoch, true).error_code, 0);
    let stable = |client: &mut _| list_offset(client, 10, &known, -1, true).offset;
    assert_eq!(stable(&mut client), 2, "the record and its marker");
    node.stop();
    node.try_run().unwrap();
    assert_eq!(stable(&mut node.client()), 2);
}
