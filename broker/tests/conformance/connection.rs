//! What ends a connection and what does not; answers without a request for one.

// Where the generator of frames, which is the library's, looks for the table.
pub use forebay::connection::guard;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Encodable;

use crate::support::Broker;
use crate::support::client::decode;
use crate::support::records::{batch, values};
use crate::support::requests::{Topic, create_topic, fetch_in, produce_request};
use crate::support::text;

const API_VERSIONS: i16 = 18;

#[test]
fn api_versions_in_an_unknown_version_is_answered_in_version_0() {
    let broker = Broker::start();
    let mut client = broker.client();
    let sent = client.send_body(API_VERSIONS, 99, 2, b"whatever version 99 may look like");
    let mut frame = client.receive_frame().unwrap();
    let (correlation_id, response) = decode::<ApiVersionsResponse>(&mut frame, 0, "ApiVersions v99");
    assert!(frame.is_empty());
    assert_eq!((correlation_id, response.error_code), (sent, 35), "UNSUPPORTED_VERSION");
    // Kafka: ApiVersionsRequest.getErrorResponse names the versions of ApiVersions alone.
    let ranges: Vec<_> = response.api_keys.iter().map(|k| (k.api_key, k.min_version, k.max_version)).collect();
    assert_eq!(ranges, [(API_VERSIONS, 0, 4)]);
    // The same connection goes on.
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
}

#[test]
fn api_versions_lists_what_is_served_and_the_features() {
    let broker = Broker::start();
    let mut client = broker.client();
    let request =
        ApiVersionsRequest::default().with_client_software_name(text("test")).with_client_software_version(text("1"));
    let response = client.call(4, &request);
    let of = |key: i16| response.api_keys.iter().find(|k| k.api_key == key).map(|k| (k.min_version, k.max_version));
    // Kafka lists Produce from 0 on, for librdkafka's sake (KAFKA-18659), although it serves it from 3 on.
    assert_eq!(of(0), Some((0, 13)));
    assert_eq!(of(1), Some((4, 18)));
    assert_eq!(of(API_VERSIONS), Some((0, 4)));
    let finalized: Vec<_> =
        response.finalized_features.iter().map(|f| (&*f.name, f.min_version_level, f.max_version_level)).collect();
    assert!(finalized.contains(&("transaction.version", 2, 2)), "{finalized:?}");
    assert!(response.finalized_features_epoch >= 0);
    let bad = request.with_client_software_name(text("not allowed!"));
    assert_eq!(client.call(3, &bad).error_code, 42, "INVALID_REQUEST");
}

#[test]
fn unknown_apis_and_versions_close_the_connection() {
    let broker = Broker::start();
    for (key, version, header) in [(999, 0, 1), (-1, 0, 1), (0, 2, 1), (0, 14, 2), (3, 99, 2), (1, 3, 1)] {
        let mut client = broker.client();
        client.send_body(key, version, header, &[0; 16]);
        client.assert_closed();
    }
    // Others are served as before.
    assert_eq!(broker.client().call(0, &ApiVersionsRequest::default()).error_code, 0);
}

#[test]
fn a_body_that_ends_too_early_closes_the_connection() {
    let broker = Broker::start();
    let mut body = BytesMut::new();
    MetadataRequest::default().encode(&mut body, 12).unwrap();
    let mut client = broker.client();
    client.send_body(3, 12, 2, &body[..body.len() - 1]);
    client.assert_closed();
}

#[test]
fn without_acks_there_is_no_answer_and_the_connection_goes_on() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "quiet", 1, &[]);
    for version in 3..=13 {
        let request = produce_request(version, &known, 0, &batch(&["unanswered"]), None).with_acks(0);
        client.send(version, &request);
        // `call` takes the next frame for its own answer and checks its correlation id.
        client.call(0, &ApiVersionsRequest::default());
    }
    let found = values(fetch_in(&mut client, 12, &known, 0, 0).records.unwrap());
    assert_eq!(found.len(), 11);
}

#[test]
fn without_acks_an_error_closes_the_connection() {
    let broker = Broker::start();
    let mut client = broker.client();
    client.send(9, &produce_request(9, &Topic::unknown(), 0, &batch(&["lost"]), None).with_acks(0));
    client.assert_closed();
}

#[test]
fn requests_sent_at_once_are_answered_in_their_order() {
    let broker = Broker::start();
    let mut client = broker.client();
    let first = client.send(9, &MetadataRequest::default());
    let second = client.send(0, &ApiVersionsRequest::default());
    let third = client.send(4, &ListGroupsRequest::default());
    client.receive(first);
    client.receive(second);
    client.receive(third);
}

#[test]
fn tagged_fields_of_a_later_time_are_skipped() {
    let broker = Broker::start();
    let mut client = broker.client();
    // KIP-482: who does not know a tag skips it.
    let request = MetadataRequest::default().with_unknown_tagged_field(10_000, Bytes::from_static(b"from the future"));
    assert_eq!(client.call(12, &request).brokers.len(), 1);
    let request = FetchRequest::default().with_unknown_tagged_field(10_000, Bytes::from_static(b"likewise"));
    assert_eq!(client.call(18, &request).error_code, 0);
}

#[test]
fn other_protocols_close_the_connection() {
    let broker = Broker::start();
    let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];
    for (number, start) in
        [&hello[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"].iter().enumerate()
    {
        let mut client = broker.client();
        client.send_bytes(start);
        client.assert_closed();
        assert_eq!(broker.metrics().malformed_requests.get(), number as u64 + 1);
    }
}

#[test]
fn a_frame_is_at_least_a_header_and_at_most_what_is_configured() {
    let broker = Broker::start_with(&["socket.request.max.bytes=1000"]);
    let mut client = broker.client();
    // The header takes 21 bytes, an ApiVersions v0 has none.
    client.send_body(API_VERSIONS, 0, 1, &[0; 1000 - 21]);
    assert!(client.receive_frame().is_some(), "as large as it may be");
    client.send_body(API_VERSIONS, 0, 1, &[0; 1001 - 21]);
    client.assert_closed();
    for length in [0, 7, -1, i32::MIN, i32::MAX] {
        let mut client = broker.client();
        client.send_bytes(&i32::to_be_bytes(length));
        client.send_bytes(&[0; 7]);
        client.assert_closed();
    }
}
