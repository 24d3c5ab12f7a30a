//! Clients that do not read, and clients that send a byte at a time: what they cost is bounded.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::fetch_request::ForgottenTopic;
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use kafka_protocol::protocol::Encodable;

use crate::support::client::{Client, framed};
use crate::support::records::batch;
use crate::support::requests::{Topic, append, create_topic, fetch_partition, fetch_request};
use crate::support::{Broker, eventually, eventually_in};

const READERS: usize = 6;
/// What the tests beside this one may take meanwhile is in it, in bytes.
const BOUND: usize = 64 * 1024 * 1024;
/// The broker has stopped reading when it has read nothing for this long.
const STUCK: Duration = Duration::from_millis(300);

/// A line of what Linux says of this process's memory, in bytes.
fn memory(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|found| found.starts_with(line)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Memory in use that is no file's.
fn anonymous_memory() -> usize {
    memory("RssAnon:")
}

/// Clients that send the same request until the broker reads no more, and read no answer.
fn stuck_clients(broker: &Broker, request: &[u8]) -> (Vec<Client>, usize) {
    let many = request.repeat(64 * 1024 / request.len());
    let connect = |_| {
        let mut client = broker.client();
        let sent = client.send_until_stuck(&many, STUCK) * (64 * 1024 / request.len());
        (client, sent)
    };
    let clients: Vec<(Client, usize)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..READERS).map(|n| scope.spawn(move || connect(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sent = clients.iter().map(|(_, sent)| sent).sum();
    (clients.into_iter().map(|(client, _)| client).collect(), sent)
}

/// Waits until all but one client, which is served meanwhile, have been let go. What waits for them is within the bound, in bytes, at
/// every look; the most that was seen.
fn until_let_go(broker: &Broker, bound: i64) -> i64 {
    let (mut other, mut most) = (broker.client(), 0);
    eventually_in(Duration::from_secs(120), "who does not read is let go", || {
        let unsent = broker.metrics().unsent_bytes.get();
        assert!(unsent <= bound, "{unsent} bytes for {READERS} clients that do not read");
        most = most.max(unsent);
        assert_eq!(other.call(0, &ApiVersionsRequest::default()).error_code, 0, "others are served");
        broker.metrics().connections.get() == 1
    });
    most
}

#[test]
fn answers_that_nobody_reads_do_not_pile_up() {
    // What waits for one client: the answer that filled its outbox, and less than 16 KiB before it.
    const EACH: i64 = 100 * 1024;
    let broker = Broker::start_with(&["connections.max.idle.ms=5000"]);
    let mut client = broker.client();
    // An answer of some 60 KB; a read of 16 KiB brings several hundred requests.
    create_topic(&mut client, "wide", 1000, &[]);
    let mut body = BytesMut::new();
    MetadataRequest::default().with_topics(None).encode(&mut body, 9).unwrap();
    let frame = framed(3, 9, 2, 7, &body);
    client.send_bytes(&frame);
    let answer = client.receive_frame().unwrap().len();
    assert!(answer > 20_000, "{answer} bytes");
    drop(client);
    let (clients, sent) = stuck_clients(&broker, &frame);
    // All answers would be far more than what the system takes and the bound together.
    assert!(sent * answer > 50 * READERS * EACH as usize, "only {sent} requests were taken by the system");
    assert!(until_let_go(&broker, READERS as i64 * EACH) > 0, "what waits is counted");
    // The last answer of who was served may have come before it is noted as sent.
    eventually("what nobody will take is counted no more", || broker.metrics().unsent_bytes.get() == 0);
    drop(clients);
}

#[cfg(target_os = "linux")]
#[test]
fn batches_that_nobody_reads_are_not_copied() {
    let broker = Broker::start();
    let mut client = broker.client();
    let topic = create_topic(&mut client, "large", 1, &[]);
    for _ in 0..10 {
        append(&mut client, &topic, &batch(&[&"x".repeat(900_000)]));
    }
    let mut body = BytesMut::new();
    let partition = fetch_partition(0, 0).with_partition_max_bytes(10_000_000);
    let request = fetch_request(12, &topic, vec![partition]).with_max_bytes(50_000_000);
    request.encode(&mut body, 12).unwrap();
    let before = anonymous_memory();
    let (clients, _) = stuck_clients(&broker, &framed(1, 12, 2, 7, &body));
    let grown = anonymous_memory().saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes for {READERS} clients that do not read 9 MB for each request");
    drop(clients);
}

#[test]
fn a_client_that_does_not_read_is_let_go_when_it_has_been_silent_for_too_long() {
    let broker = Broker::start_with(&["connections.max.idle.ms=500"]);
    let mut client = broker.client();
    let mut body = BytesMut::new();
    ApiVersionsRequest::default().encode(&mut body, 0).unwrap();
    client.send_until_stuck(&framed(18, 0, 1, 7, &body).repeat(1000), STUCK);
    eventually("it is let go", || broker.metrics().connections.get() == 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_announced_and_does_not_come_costs_nothing() {
    const CLIENTS: usize = 50;
    // A tenth of what was announced; this is memory that was asked for, used or not.
    const BOUND: usize = 500 * 1024 * 1024;
    let broker = Broker::start();
    let before = memory("VmData:");
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| broker.client()).collect();
    for client in &mut clients {
        // 100 MB, the most that socket.request.max.bytes allows, and a little of it.
        client.send_bytes(&104_857_600i32.to_be_bytes());
        client.send_bytes(&[0, 18, 0]);
    }
    assert_eq!(broker.client().call(0, &ApiVersionsRequest::default()).error_code, 0);
    let grown = memory("VmData:").saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes for {CLIENTS} frames that were announced");
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_answered() {
    let broker = Broker::start();
    let mut client = broker.client();
    for byte in framed(18, 0, 1, 7, &[]) {
        client.send_bytes(&[byte]);
    }
    assert!(client.receive_frame().unwrap().starts_with(&[0, 0, 0, 7, 0, 0]));
}

#[test]
fn requests_wait_where_others_have_taken_the_memory_for_them() {
    const MOST: i32 = 1_000_000;
    let settings = [format!("socket.request.max.bytes={MOST}"), format!("queued.max.request.bytes={MOST}")];
    let broker = Broker::start_with(&settings.each_ref().map(String::as_str));
    let mut slow = broker.client();
    // A request that is answered, and behind it the length of one that takes all there is.
    slow.send_bytes(&[&framed(18, 0, 1, 7, &[])[..], &MOST.to_be_bytes(), &[0, 18]].concat());
    assert!(slow.receive_frame().is_some());
    eventually("the second has taken the memory", || broker.request_memory_left() <= 0);
    let mut other = broker.client();
    let sent = other.send(0, &ApiVersionsRequest::default());
    assert!(other.is_silent_for(STUCK), "there is no memory for its request");
    drop(slow);
    assert_eq!(other.receive(sent).error_code, 0);
}

/// A fetch that waits for ten minutes, in a frame of so many bytes.
fn waiting_fetch(topic: &Topic, frame_bytes: usize) -> Vec<u8> {
    let frame = |partitions: usize, name: usize| {
        let forgotten = ForgottenTopic::default()
            .with_topic(crate::support::topic(&"x".repeat(name)))
            .with_partitions(vec![7; partitions]);
        let request = fetch_request(12, topic, vec![fetch_partition(0, 0)])
            .with_max_wait_ms(600_000)
            .with_forgotten_topics_data(vec![forgotten]);
        let mut body = BytesMut::new();
        request.encode(&mut body, 12).unwrap();
        framed(1, 12, 2, 7, &body)
    };
    let partitions = frame_bytes / 4 - 1000;
    let rest = frame_bytes + 4 - frame(partitions, 200).len();
    let frame = frame(partitions, 200 + rest);
    assert_eq!(frame.len(), frame_bytes + 4);
    frame
}

#[test]
fn a_fetch_that_waits_gives_its_memory_back_and_ends_with_its_client() {
    const MOST: i32 = 1_000_000;
    let settings = [format!("socket.request.max.bytes={MOST}"), format!("queued.max.request.bytes={MOST}")];
    let broker = Broker::start_with(&settings.each_ref().map(String::as_str));
    let mut other = broker.client();
    let topic = create_topic(&mut other, "t", 1, &[]);
    let mut waiting = broker.client();
    let request = waiting_fetch(&topic, MOST as usize);
    broker.until_received(|| waiting.send_bytes(&request));
    assert_eq!(other.call(0, &ApiVersionsRequest::default()).error_code, 0, "there is memory for its request");
    eventually("all memory is given back", || broker.request_memory_left() == i64::from(MOST));
    waiting.assert_unanswered();
    drop(waiting);
    eventually("it waits no more for records that nobody takes", || broker.metrics().connections.get() == 1);
}
