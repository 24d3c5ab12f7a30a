//! Fetch sessions (KIP-227) over the wire.

use kafka_protocol::messages::fetch_request::ForgottenTopic;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::records::{batch, values};
use crate::support::requests::{Topic, append, create_topic, fetch_partition, fetch_request, produce_in};
use crate::support::{Broker, eventually};

const BY_ID: i16 = 18;

/// Opens a session on partitions 0 and 1.
fn open(client: &mut Client, version: i16, of: &Topic) -> i32 {
    let partitions = vec![fetch_partition(0, 0), fetch_partition(1, 0)];
    let response = client.call(version, &fetch_request(version, of, partitions).with_session_epoch(0));
    assert_eq!((response.error_code, response.responses[0].partitions.len()), (0, 2), "a full answer");
    assert!(response.session_id > 0);
    response.session_id
}

/// The next request of a session, which names nothing.
fn next(session: i32, epoch: i32) -> FetchRequest {
    FetchRequest::default()
        .with_session_id(session)
        .with_session_epoch(epoch)
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
}

fn answered(response: &FetchResponse) -> Vec<i32> {
    response.responses.iter().flat_map(|t| &t.partitions).map(|p| p.partition_index).collect()
}

#[test]
fn an_incremental_answer_holds_only_what_changed() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    for version in 7..=18 {
        let session = open(&mut client, version, &known);
        let quiet = client.call(version, &next(session, 1));
        assert_eq!((quiet.error_code, quiet.session_id), (0, session));
        // Partition 0 has the records of the versions before, from offset 0 on; partition 1 is always empty.
        assert_eq!(answered(&quiet), if version == 7 { vec![] } else { vec![0] });
        append(&mut client, &known, &batch(&["x"]));
        let changed = client.call(version, &next(session, 2));
        assert_eq!(answered(&changed), [0], "v{version}");
        // What a session asks for of a partition is changed by naming it.
        let end = fetch_partition(0, i64::from(version) - 6);
        let update = fetch_request(version, &known, vec![end]).with_session_id(session).with_session_epoch(3);
        assert_eq!(answered(&client.call(version, &update)), [] as [i32; 0], "v{version}");
    }
}

#[test]
fn forgotten_partitions_are_not_answered() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let session = open(&mut client, BY_ID, &known);
    append(&mut client, &known, &batch(&["x"]));
    assert_eq!(produce_in(&mut client, 13, &known, 1, &batch(&["y"]), None).error_code, 0);
    let forgotten = ForgottenTopic::default().with_topic_id(known.id).with_partitions(vec![0]);
    let response = client.call(BY_ID, &next(session, 1).with_forgotten_topics_data(vec![forgotten]));
    assert_eq!(answered(&response), [1]);
}

#[test]
fn wrong_epochs_and_unknown_sessions_are_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let session = open(&mut client, BY_ID, &known);
    for epoch in [2, 7] {
        let response = client.call(BY_ID, &next(session, epoch));
        assert_eq!((response.error_code, response.session_id), (71, 0), "INVALID_FETCH_SESSION_EPOCH");
    }
    // The session is as it was.
    assert_eq!(client.call(BY_ID, &next(session, 1)).error_code, 0);
    let unknown = if session == 1 { 2 } else { session - 1 };
    assert_eq!(client.call(BY_ID, &next(unknown, 1)).error_code, 70, "FETCH_SESSION_ID_NOT_FOUND");
    // A session that began with names does not go on with ids (KIP-516).
    let by_name = open(&mut client, 12, &known);
    assert_eq!(client.call(13, &next(by_name, 1)).error_code, 106, "FETCH_SESSION_TOPIC_ID_ERROR");
}

#[test]
fn a_session_is_closed_by_its_client() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    let session = open(&mut client, BY_ID, &known);
    let closing = client.call(BY_ID, &next(session, -1));
    assert_eq!((closing.error_code, closing.session_id), (0, 0));
    assert_eq!(client.call(BY_ID, &next(session, 1)).error_code, 70, "FETCH_SESSION_ID_NOT_FOUND");
}

#[test]
fn a_waiting_session_wakes_when_records_come() {
    let broker = Broker::start();
    let (mut reader, mut writer) = (broker.client(), broker.client());
    let known = create_topic(&mut writer, "known", 2, &[]);
    let session = open(&mut reader, BY_ID, &known);
    let sent = broker.until_received(|| reader.send(BY_ID, &next(session, 1).with_max_wait_ms(3_600_000)));
    reader.assert_unanswered();
    assert_eq!(produce_in(&mut writer, 13, &known, 1, &batch(&["news"]), None).error_code, 0);
    let mut response = reader.receive(sent);
    assert_eq!(answered(&response), [1]);
    let records = response.responses.remove(0).partitions.remove(0).records.unwrap();
    assert_eq!(values(records), [(0, "news".to_owned())]);
}

/// Opens a session on partition 0, or is served without: 0.
fn try_open(client: &mut Client, of: &Topic) -> i32 {
    let request = fetch_request(BY_ID, of, vec![fetch_partition(0, 0)]).with_session_epoch(0);
    let response = client.call(BY_ID, &request);
    assert_eq!((response.error_code, response.responses[0].partitions.len()), (0, 1), "a full answer");
    response.session_id
}

#[test]
fn where_all_places_are_taken_clients_are_served_without_a_session() {
    let broker = Broker::start_with(&["max.incremental.fetch.session.cache.slots=1"]);
    let (mut first, mut second) = (broker.client(), broker.client());
    let known = create_topic(&mut first, "known", 2, &[]);
    let session = try_open(&mut first, &known);
    assert_eq!(try_open(&mut second, &known), 0, "no session is old enough to make room");
    // Kafka: FetchSessionCacheShard.tryEvict; more partitions do not push out a session that is young.
    let two = vec![fetch_partition(0, 0), fetch_partition(1, 0)];
    let larger = second.call(BY_ID, &fetch_request(BY_ID, &known, two).with_session_epoch(0));
    assert_eq!((larger.error_code, larger.session_id), (0, 0));
    assert_eq!(first.call(BY_ID, &next(session, 1)).error_code, 0);
    assert_eq!(first.call(BY_ID, &next(session, -1)).error_code, 0);
    assert!(try_open(&mut second, &known) > 0, "the place is free");
    assert_eq!(broker.evicted_fetch_sessions(), 0);
}

#[test]
fn a_session_that_is_unused_for_long_makes_room_and_its_client_begins_anew() {
    let broker = Broker::start();
    let (mut idle, mut other) = (broker.client(), broker.client());
    let known = create_topic(&mut idle, "known", 2, &[]);
    append(&mut idle, &known, &batch(&["x"]));
    broker.replace_fetch_sessions(1, 20);
    let session = try_open(&mut idle, &known);
    assert!(session > 0);
    let mut newer = 0;
    eventually("the idle session makes room", || {
        newer = try_open(&mut other, &known);
        newer > 0
    });
    assert_eq!(broker.evicted_fetch_sessions(), 1);
    let lost = idle.call(BY_ID, &next(session, 1));
    assert_eq!((lost.error_code, lost.session_id, lost.responses.len()), (70, 0, 0), "FETCH_SESSION_ID_NOT_FOUND");
    // Clients begin anew then, and get everything, with a session or without.
    let request = fetch_request(BY_ID, &known, vec![fetch_partition(0, 0)]).with_session_epoch(0);
    let mut again = idle.call(BY_ID, &request);
    assert_eq!(again.error_code, 0);
    let records = again.responses.remove(0).partitions.remove(0).records.unwrap();
    assert_eq!(values(records), [(0, "x".to_owned())]);
}
