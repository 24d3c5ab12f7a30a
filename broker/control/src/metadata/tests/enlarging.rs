//! CreatePartitions. Source: ReplicationControlManagerTest.testCreatePartitions, testCreatePartitionsFailsWithManualAssignment*.

use super::*;

fn more(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> MorePartitions {
    let assignments =
        assignments.map(|list| list.iter().map(|brokers| brokers.iter().map(|b| BrokerId(*b)).collect()).collect());
    MorePartitions { name: name.into(), count, assignments }
}

fn enlarge(w: &mut World, topics: Vec<MorePartitions>, validate_only: bool) -> Vec<(ErrorCode, Option<String>)> {
    match w.run(Command::CreatePartitions(CreatePartitions { reply_to: ASKER, topics, validate_only })) {
        Some(Reply::CreatePartitions(results)) => results.into_iter().map(|r| (r.error, r.message)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn partitions_come_on_top() {
    let mut w = World::new();
    let id = w.made("t", 2);
    assert_eq!(enlarge(&mut w, vec![more("t", 5, None)], false), [(ErrorCode::None, None)]);
    assert_eq!(w.machine.topic("t").unwrap().partition_count(), 5);
    assert_eq!(w.machine.partition("t", 4).unwrap().leader, BrokerId(1));
    assert_eq!(
        w.effects.last(),
        Some(&Effect::OpenPartitions { topic: "t".into(), topic_id: id, partitions: vec![2, 3, 4] })
    );
    assert_eq!(w.replayed(), w.machine);
}

#[test]
fn what_is_no_increase_is_refused() {
    let mut w = World::new();
    w.made("bar", 4);
    w.made("quux", 2);
    let asked = vec![more("bar", 3, None), more("baz", 3, None), more("quux", 2, None)];
    assert_eq!(
        enlarge(&mut w, asked, false),
        [
            (
                ErrorCode::InvalidPartitions,
                Some("The topic bar currently has 4 partition(s); 3 would not be an increase.".to_owned())
            ),
            (ErrorCode::UnknownTopicOrPartition, None),
            (ErrorCode::InvalidPartitions, Some("Topic already has 2 partition(s).".to_owned())),
        ]
    );
}

#[test]
fn chosen_replicas_must_fit() {
    let mut w = World::with(MetadataConfig::default(), &[1, 2]);
    w.made("t", 1);
    let bad = ErrorCode::InvalidReplicaAssignment;
    let cases: Vec<(i32, &[&[i32]], &str)> = vec![
        (3, &[&[1]], "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."),
        (2, &[&[9]], "The manual partition assignment includes broker 9, but no such broker is registered."),
        (
            2,
            &[&[1, 2]],
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous \
             partitions, which have 1 replica(s).",
        ),
    ];
    for (count, assignments, message) in cases {
        assert_eq!(
            enlarge(&mut w, vec![more("t", count, Some(assignments))], false),
            [(bad, Some(message.to_owned()))]
        );
    }
    assert_eq!(enlarge(&mut w, vec![more("t", 2, Some(&[&[2]]))], false), [(ErrorCode::None, None)]);
    assert_eq!(w.machine.partition("t", 1).unwrap().leader, BrokerId(2));
}

#[test]
fn validate_only_duplicates_and_giants_change_nothing() {
    let mut w = World::new();
    w.made("t", 1);
    let before = w.machine.clone();
    assert_eq!(enlarge(&mut w, vec![more("t", 2, None)], true), [(ErrorCode::None, None)]);
    let twice = enlarge(&mut w, vec![more("t", 2, None), more("t", 3, None)], false);
    assert_eq!(twice, [(ErrorCode::InvalidRequest, Some("Duplicate topic name.".to_owned()))]);
    let giant = enlarge(&mut w, vec![more("t", i32::MAX, None)], false);
    assert_eq!(giant[0], (ErrorCode::UnknownServerError, None));
    assert_eq!(w.machine, before);
}
