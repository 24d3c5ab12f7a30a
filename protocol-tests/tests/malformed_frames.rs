//! What no client sends: every such frame costs its own connection at most, leaves a line in the log that says why, and
//! the broker goes on serving others.

use libtest_mimic::{Failed, Trial};
use protocol_tests::broker::{Broker, Node};
use protocol_tests::clicks::Random;
use protocol_tests::process::until;
use protocol_tests::suite;
use protocol_tests::wire::{self, Answer, Connection, framed, request};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const API_VERSIONS: i16 = 18;
const UNSUPPORTED_VERSION: i16 = 35;
/// How long the log line may take after the connection is closed.
const LOG_LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    // One connection's end must be told from another's: the tests share the broker, one at a time.
    let node: Shared = Arc::default();
    let tests: [(&str, Test); 14] = [
        ("negative_length", |n| closes(n, &(-1i32).to_be_bytes())),
        ("most_negative_length", |n| closes(n, &i32::MIN.to_be_bytes())),
        ("giant_length", |n| closes(n, &i32::MAX.to_be_bytes())),
        ("length_over_the_limit", |n| closes(n, &(104_857_600i32 + 1).to_be_bytes())),
        ("empty_frame", |n| closes(n, &0i32.to_be_bytes())),
        ("frame_shorter_than_a_header", |n| closes(n, &framed(&[0, 3, 0]))),
        ("truncated_bodies", truncated_bodies),
        ("valid_header_with_garbage", valid_header_with_garbage),
        ("huge_array_counts", huge_array_counts),
        ("unknown_api_key", |n| closes(n, &request(9999, 0, 1, 1, &[]))),
        ("unsupported_version", unsupported_version),
        ("random_bytes", random_bytes),
        ("tls_hello", |n| says(n, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3], "TLS handshake")),
        ("http_request", |n| says(n, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP request")),
    ];
    suite::main(|| {
        let mut trials: Vec<Trial> = tests.into_iter().map(|(name, test)| trial(&node, name, test)).collect();
        trials.push(trial(&node, "unsupported_version_of_api_versions", unsupported_api_versions));
        trials.push(trial(&node, "unfinished_frame", unfinished_frame));
        trials
    })
}

type Test = fn(&mut Node) -> Result<(), String>;
type Shared = Arc<Mutex<Option<Node>>>;

fn trial(node: &Shared, name: &str, test: Test) -> Trial {
    let node = Arc::clone(node);
    Trial::test(name, move || {
        let mut guard = node.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            *guard = Some(Broker::under_test().start("malformed-frames")?);
        }
        let node = guard.as_mut().ok_or("no broker")?;
        test(node).and_then(|()| still_serves(node)).map_err(|error| Failed::from(format!("{error}\n{}", node.tail())))
    })
}

fn still_serves(node: &mut Node) -> Result<(), String> {
    node.check_running()?;
    if wire::answers_api_versions(node.port()) { Ok(()) } else { Err("another connection is not served".into()) }
}

fn connect(node: &Node) -> Result<Connection, String> {
    Connection::open(node.port()).map_err(|e| format!("cannot connect: {e}"))
}

/// Sends the bytes and expects that the broker closes this connection and says why in its log.
fn closes(node: &mut Node, bytes: &[u8]) -> Result<(), String> {
    let before = node.log_text().len();
    let mut connection = connect(node)?;
    connection.send(bytes);
    match connection.answer() {
        Answer::Closed => logged(node, before),
        other => Err(format!("expected the end of the connection after {}, got {other:?}", shown(bytes))),
    }
}

/// As [`closes`], and the line in the log says what the bytes are; it is not said again when they come again.
fn says(node: &mut Node, bytes: &[u8], what: &str) -> Result<(), String> {
    closes(node, bytes)?;
    if node.broker() == Broker::ApacheKafka {
        return Ok(());
    }
    let mut again = connect(node)?;
    again.send(bytes);
    if again.answer() != Answer::Closed {
        return Err("expected the end of the connection the second time".into());
    }
    // What comes after it is in the log.
    closes(node, &(-1i32).to_be_bytes())?;
    match node.log_text().matches(what).count() {
        1 => Ok(()),
        times => Err(format!("{what} is in the log {times} times")),
    }
}

/// Sends the bytes; a reply is as good as the end of the connection, silence is not.
fn answers_or_closes(node: &mut Node, bytes: &[u8]) -> Result<(), String> {
    let before = node.log_text().len();
    let mut connection = connect(node)?;
    connection.send(bytes);
    match connection.answer() {
        Answer::Closed => logged(node, before),
        Answer::Frame(_) => Ok(()),
        Answer::Nothing => Err(format!("neither an answer nor the end of the connection after {}", shown(bytes))),
    }
}

fn shown(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().take(40).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 40 { format!("{hex}... ({} bytes)", bytes.len()) } else { hex }
}

/// A line of the log after `before` names the connection's end. Only Forebay is held to it: Kafka logs at other levels.
fn logged(node: &Node, before: usize) -> Result<(), String> {
    if node.broker() == Broker::ApacheKafka {
        return Ok(());
    }
    until("a line in the log that says why the connection was closed", LOG_LIMIT, || {
        let text = node.log_text();
        let new = text.get(before..).unwrap_or_default();
        new.lines().any(|line| line.contains("127.0.0.1") && line.to_lowercase().contains("clos")).then_some(())
    })
}

/// API keys with a version of each that has fixed-width (not compact) arrays, and one that is flexible.
const APIS: &[(i16, i16, u8)] = &[
    (0, 7, 1),
    (0, 9, 2),
    (1, 11, 1),
    (1, 12, 2),
    (2, 5, 1),
    (2, 7, 2),
    (3, 7, 1),
    (3, 12, 2),
    (8, 7, 1),
    (8, 8, 2),
    (9, 5, 1),
    (9, 8, 2),
    (11, 5, 1),
    (11, 9, 2),
    (14, 3, 1),
    (19, 4, 1),
    (19, 7, 2),
    (22, 2, 2),
    (24, 3, 2),
    (28, 3, 2),
    (32, 1, 1),
    (42, 1, 1),
    (60, 0, 2),
    (61, 0, 2),
];

fn truncated_bodies(node: &mut Node) -> Result<(), String> {
    // Metadata v7 for the topic "abc", whole: count, name, allow_auto_topic_creation = false.
    let whole = [0, 0, 0, 1, 0, 3, b'a', b'b', b'c', 0];
    let mut connection = connect(node)?;
    connection.send(&request(3, 7, 1, 5, &whole));
    match connection.answer() {
        Answer::Frame(frame) if frame.starts_with(&[0, 0, 0, 5]) => {}
        other => return Err(format!("the whole request is not answered: {other:?}")),
    }
    (0..whole.len()).try_for_each(|length| closes(node, &request(3, 7, 1, 5, &whole[..length])))
}

fn valid_header_with_garbage(node: &mut Node) -> Result<(), String> {
    // A length in the garbage is negative or beyond the frame in any of these formats.
    APIS.iter()
        .try_for_each(|&(key, version, header)| answers_or_closes(node, &request(key, version, header, 1, &[0xff; 24])))
}

fn huge_array_counts(node: &mut Node) -> Result<(), String> {
    for &(key, version, header) in APIS {
        // Whatever the first fields are: an array, or strings and numbers before one.
        for count in [
            &i32::MAX.to_be_bytes()[..],
            &[0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff],
            &[0x7f, 0xff, 0xff, 0xfe, 0, 0],
        ] {
            answers_or_closes(node, &request(key, version, header, 1, count))?;
        }
    }
    // Produce v7: no transactional id, acks 1, timeout 1000, two billion topics.
    let produce = [&[0xff, 0xff, 0, 1, 0, 0, 3, 0xe8][..], &2_000_000_000i32.to_be_bytes()].concat();
    closes(node, &request(0, 7, 1, 1, &produce))?;
    // Metadata v7 and v12 (compact: varint 2^31) with as many topics.
    closes(node, &request(3, 7, 1, 1, &i32::MAX.to_be_bytes()))?;
    closes(node, &request(3, 12, 2, 1, &[0x80, 0x80, 0x80, 0x80, 0x08]))
}

fn unsupported_version(node: &mut Node) -> Result<(), String> {
    closes(node, &request(3, 99, 2, 1, &[]))?;
    closes(node, &request(0, -1, 1, 1, &[]))?;
    // JoinGroup beyond the last version.
    closes(node, &request(11, 10, 2, 1, &[]))
}

/// KIP-511: the client learns the broker's versions whatever version it asked in.
fn unsupported_api_versions(node: &mut Node) -> Result<(), String> {
    for version in [99i16, i16::MAX] {
        let mut connection = connect(node)?;
        connection.send(&request(API_VERSIONS, version, 2, 77, &[1, 1, 0]));
        let Answer::Frame(frame) = connection.answer() else { return Err("no answer".into()) };
        let number = |at: usize| frame.get(at..at + 2).map_or(-1, |b| i16::from_be_bytes([b[0], b[1]]));
        if frame.get(..4) != Some(&77i32.to_be_bytes()[..]) || number(4) != UNSUPPORTED_VERSION {
            return Err(format!("expected correlation id 77 and error 35, got {}", shown(&frame)));
        }
        // v0: an array of (key, min, max); Kafka names ApiVersions alone here.
        let count = frame.get(6..10).map_or(-1, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let listed =
            (0..count.clamp(0, 200) as usize).any(|i| number(10 + 6 * i) == API_VERSIONS && number(14 + 6 * i) >= 4);
        if !listed || frame.len() != 10 + 6 * count as usize {
            return Err(format!("expected ApiVersions with its last version in a v0 answer, got {}", shown(&frame)));
        }
        // The connection goes on.
        connection.send(&request(API_VERSIONS, 0, 1, 78, &[]));
        if !matches!(connection.answer(), Answer::Frame(frame) if frame.starts_with(&[0, 0, 0, 78, 0, 0])) {
            return Err("the connection does not go on in version 0".into());
        }
    }
    Ok(())
}

/// A client that goes away in the middle of a frame, and one that never finishes it, hold up nobody.
fn unfinished_frame(node: &mut Node) -> Result<(), String> {
    let mut waiting = connect(node)?;
    waiting.send(&[0, 0, 1, 0, 0, 18]);
    let mut gone = connect(node)?;
    gone.send(&[0, 0, 1, 0, 0, 18]);
    gone.finish();
    match gone.answer() {
        Answer::Closed => still_serves(node),
        other => Err(format!("expected the end of the connection, got {other:?}")),
    }
}

fn random_bytes(node: &mut Node) -> Result<(), String> {
    const SEED: u64 = 0x0f0e_bae5;
    let mut random = Random::new(SEED);
    for round in 0..300 {
        let length = 8 + random.below(120) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
        // Half of them look like a request of a known API, so that they reach the decoders.
        if round % 2 == 0 {
            let (key, version, _) = APIS[random.below(APIS.len() as u64) as usize];
            bytes[..2].copy_from_slice(&key.to_be_bytes());
            bytes[2..4].copy_from_slice(&version.to_be_bytes());
        }
        let mut connection = connect(node)?;
        connection.send(&framed(&bytes));
        connection.finish();
        if connection.answer() == Answer::Nothing {
            return Err(format!("seed {SEED:#x}, round {round}: neither an answer nor an end after {}", shown(&bytes)));
        }
    }
    Ok(())
}
