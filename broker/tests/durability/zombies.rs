//! Two owners of one task: what the first has not committed when the second takes over is never to be seen, and the first is told.

use forebay::jobs::BrokerHost;
use forebay_processor::host::{CommitSet, CommittedOffset, Host, HostError, Session};
use forebay_storage::batch::BatchBuilder;
use forebay_storage::compress::Compression;
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use crate::jobs::{LONG, node, numbers, rows};
use crate::support::eventually_in;
use crate::support::requests::create_topic;

const CHANGELOG: &str = "__forebay-job-0-changelog";

fn open(host: &BrokerHost) -> Session {
    host.open_session("forebay-job-job-0").unwrap()
}

/// A row, a record of the state, and a position.
fn commit(host: &BrokerHost, session: &mut Session, n: i64) -> Result<(), HostError> {
    let record = |topic: &str| {
        let mut batch = BatchBuilder::new(Compression::None);
        batch.push(host.now(), Some(b"k"), Some(format!(r#"{{"n":{n}}}"#).as_bytes()), &[]);
        (TopicPartition::new(topic, 0), batch)
    };
    let position = CommittedOffset { offset: Offset(n), leader_epoch: LeaderEpoch::UNKNOWN, metadata: String::new() };
    let offsets = vec![(TopicPartition::new("in", 0), position)];
    host.commit(
        session,
        CommitSet { group: "job".to_owned(), records: vec![record("out"), record(CHANGELOG)], offsets },
    )
}

/// None while a transaction that holds it is being ended.
fn position(host: &BrokerHost) -> Option<i64> {
    let found = host.committed("job", &[TopicPartition::new("in", 0)], true).ok()?.remove(0);
    found.map(|found| found.offset.0)
}

#[test]
fn who_commits_after_its_successor_has_begun_is_told_and_nothing_of_it_is_seen() {
    let (node, mut client, _, output) = node(1, &[]);
    create_topic(&mut client, CHANGELOG, 1, &[]);
    // Two brokers, as it were: neither knows of the other's sessions.
    let (first, second) = (node.host(), node.host());
    let mut zombie = open(&first);
    commit(&first, &mut zombie, 1).unwrap();
    let mut successor = open(&second);
    assert!(matches!(commit(&first, &mut zombie, 2), Err(HostError::Fenced(_))));
    commit(&second, &mut successor, 3).unwrap();
    assert!(matches!(commit(&first, &mut zombie, 4), Err(HostError::Fenced(_))), "and it stays so");
    eventually_in(LONG, "what is committed is seen", || {
        rows(&mut client, &output, 0).len() >= 2 && position(&second).is_some_and(|position| position != 1)
    });
    assert_eq!((rows(&mut client, &output, 0), position(&second)), (numbers([1, 3]), Some(3)));
}

#[test]
fn who_is_in_the_middle_of_a_commit_then_is_told_too() {
    let (node, mut client, _, output) = node(1, &[]);
    let changelog = create_topic(&mut client, CHANGELOG, 1, &[("flush.messages", "1")]);
    let (first, second) = (node.host(), node.host());
    let mut zombie = open(&first);
    commit(&first, &mut zombie, 1).unwrap();
    eventually_in(LONG, "the marker is there", || node.end_of(&changelog) == 2);
    node.disk.hold_syncs(&node.log_of(&changelog, 0));
    std::thread::scope(|scope| {
        // It has written its state, and not its rows.
        let halfway = scope.spawn(|| commit(&first, &mut zombie, 2));
        eventually_in(LONG, "it has written its state", || node.end_of(&changelog) == 3);
        let successor = scope.spawn(|| open(&second));
        eventually_in(LONG, "its transaction is aborted", || node.end_of(&changelog) == 4);
        node.disk.let_syncs_go();
        let told = halfway.join().unwrap();
        assert!(matches!(told, Err(HostError::Fenced(_))), "{told:?}");
        let mut successor = successor.join().unwrap();
        commit(&second, &mut successor, 3).unwrap();
    });
    eventually_in(LONG, "what is committed is seen", || {
        rows(&mut client, &output, 0).len() >= 2 && position(&second).is_some_and(|position| position != 1)
    });
    assert_eq!((rows(&mut client, &output, 0), position(&second)), (numbers([1, 3]), Some(3)));
}
