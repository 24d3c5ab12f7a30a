//! Which partitions are read, and which of them are in the answer.

use super::*;

/// A session of foo-0 (high watermark 100) and foo-1 (10) and its id.
fn session() -> (FetchSessions, i32) {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &[(wanted("foo", 0, 0), quiet(100)), (wanted("foo", 1, 10), quiet(10))]);
    (sessions, id)
}

/// The positions in the answer to the incremental request of `epoch` with these outcomes.
fn included(sessions: &mut FetchSessions, id: i32, epoch: i32, outcomes: [PartitionOutcome; 2]) -> Vec<usize> {
    let context = sessions.begin(request(id, epoch), vec![], &[], NOW).unwrap();
    sessions.finish(context, &outcomes, NOW, RANDOM).included
}

#[test]
fn a_request_adds_changes_and_forgets() {
    let (mut sessions, id) = session();
    let named = vec![wanted("bar", 0, 7), wanted("foo", 1, 99)];
    let context = sessions.begin(request(id, 1), named, &[key("foo", 0), key("none", 0)], NOW).unwrap();
    assert_eq!(context.partitions(), [wanted("foo", 1, 99), wanted("bar", 0, 7)]);
    assert_eq!(sessions.partitions(), 2);
    // The new one has not been told anything yet.
    assert_eq!(sessions.finish(context, &[quiet(10), quiet(0)], NOW, RANDOM).included, [1]);
    let context = sessions.begin(request(id, 2), vec![], &[], NOW).unwrap();
    assert_eq!(context.partitions(), [wanted("foo", 1, 99), wanted("bar", 0, 7)]);
}

#[test]
fn a_partition_that_is_named_and_forgotten_at_once_is_forgotten() {
    let (mut sessions, id) = session();
    let context = sessions.begin(request(id, 1), vec![wanted("foo", 1, 99)], &[key("foo", 1)], NOW).unwrap();
    assert_eq!(keys(&context), [key("foo", 0)]);
}

#[test]
fn a_partition_that_is_named_twice_is_read_once() {
    let mut sessions = FetchSessions::new(10);
    let twice = vec![wanted("foo", 0, 1), wanted("bar", 0, 2), wanted("foo", 0, 3)];
    let context = sessions.begin(request(NO_SESSION, INITIAL_EPOCH), twice.clone(), &[], NOW).unwrap();
    assert_eq!(context.partitions(), [wanted("foo", 0, 3), wanted("bar", 0, 2)]);
    let id = sessions.finish(context, &[quiet(5), quiet(5)], NOW, RANDOM).session_id;
    let context = sessions.begin(request(id, 1), twice.clone(), &[], NOW).unwrap();
    assert_eq!(context.partitions(), [wanted("foo", 0, 3), wanted("bar", 0, 2)]);
    let context = sessions.begin(request(NO_SESSION, FINAL_EPOCH), twice, &[], NOW).unwrap();
    assert_eq!(context.partitions().len(), 2);
}

#[test]
fn the_same_name_and_another_id_are_two_topics() {
    let by_id = |id: u128| FetchKey {
        topic: TopicRef::Id { id: forebay_storage::ids::TopicId(uuid::Uuid::from_u128(id)), name: None },
        partition: 0,
    };
    let (_, want) = wanted("", 0, 0);
    let requests = vec![(by_id(1), want), (by_id(2), want)];
    assert_eq!(session::without_duplicates(requests).len(), 2);
}

/// Kafka: FetchSessionTest.testDeletedPartition and CachedPartition.maybeResolveUnknownName.
#[test]
fn a_topic_is_asked_for_its_name_until_it_has_one() {
    let id = |number: u128| TopicId(uuid::Uuid::from_u128(number));
    let by_id = |number: u128| FetchKey { topic: TopicRef::Id { id: id(number), name: None }, partition: 0 };
    let by_ids = |epoch| SessionRequest { uses_topic_ids: true, ..request(RANDOM as i32, epoch) };
    let want = wanted("", 0, 0).1;
    let mut sessions = FetchSessions::new(10);
    let all = vec![(by_id(1), want), (by_id(2), want), (by_id(3), want)];
    let context = sessions.begin(by_ids(INITIAL_EPOCH), all, &[], NOW).unwrap();
    assert_eq!(sessions.finish(context, &[quiet(0); 3], NOW, RANDOM).session_id, RANDOM as i32);
    // Looks for names of which only some are there, and says whose were looked for.
    let resolve = |sessions: &mut FetchSessions, there: &[u128]| {
        let asked = std::cell::RefCell::new(Vec::new());
        sessions.resolve(RANDOM as i32, |topic| {
            asked.borrow_mut().push(topic);
            there.iter().find(|number| id(**number) == topic).map(|number| number.to_string().into())
        });
        asked.into_inner()
    };
    assert_eq!(resolve(&mut sessions, &[1]), [1, 2, 3].map(id));
    // One moves to the end of the line, another is forgotten, and one comes.
    let context = sessions.begin(by_ids(1), vec![(by_id(4), want)], &[by_id(3)], NOW).unwrap();
    sessions.finish(context, &[quiet(0), with_records(1), quiet(0)], NOW, RANDOM);
    assert_eq!(resolve(&mut sessions, &[4]), [4, 2].map(id));
    assert_eq!(resolve(&mut sessions, &[2]), [2].map(id));
    assert!(resolve(&mut sessions, &[]).is_empty());
    let context = sessions.begin(by_ids(2), vec![], &[], NOW).unwrap();
    let name = |key: &FetchKey| match &key.topic {
        TopicRef::Id { name: Some(name), .. } | TopicRef::Name(name) => name.to_string(),
        TopicRef::Id { name: None, .. } => String::new(),
    };
    assert_eq!(context.partitions().iter().map(|(key, _)| name(key)).collect::<Vec<_>>(), ["1", "4", "2"]);
}

#[test]
fn what_did_not_change_is_left_out() {
    let (mut sessions, id) = session();
    assert!(included(&mut sessions, id, 1, [quiet(100), quiet(10)]).is_empty());
    assert_eq!(included(&mut sessions, id, 2, [quiet(100), quiet(11)]), [1]);
    assert!(included(&mut sessions, id, 3, [quiet(100), quiet(11)]).is_empty());
}

#[test]
fn a_moved_log_start_is_told_once() {
    let (mut sessions, id) = session();
    let moved = PartitionOutcome { log_start_offset: Offset(3), ..quiet(100) };
    assert_eq!(included(&mut sessions, id, 1, [moved, quiet(10)]), [0]);
    assert!(included(&mut sessions, id, 2, [moved, quiet(10)]).is_empty());
}

#[test]
fn records_and_redirections_are_told_every_time() {
    let (mut sessions, id) = session();
    let redirected = PartitionOutcome { redirects: true, ..quiet(100) };
    assert_eq!(included(&mut sessions, id, 1, [redirected, quiet(10)]), [0]);
    assert_eq!(included(&mut sessions, id, 2, [redirected, quiet(10)]), [0]);
    // It is the last in turn already, so that its position stays.
    assert_eq!(included(&mut sessions, id, 3, [quiet(100), with_records(10)]), [1]);
    assert_eq!(included(&mut sessions, id, 4, [quiet(100), with_records(10)]), [1]);
}

#[test]
fn an_error_is_told_every_time_and_its_end_too() {
    let (mut sessions, id) = session();
    let error = PartitionOutcome { error: ErrorCode::NotLeaderOrFollower, ..quiet(100) };
    assert_eq!(included(&mut sessions, id, 1, [error, quiet(10)]), [0]);
    assert_eq!(included(&mut sessions, id, 2, [error, quiet(10)]), [0]);
    assert_eq!(included(&mut sessions, id, 3, [quiet(100), quiet(10)]), [0], "it works again");
    assert!(included(&mut sessions, id, 4, [quiet(100), quiet(10)]).is_empty());
}

#[test]
fn a_partition_that_failed_in_the_full_answer_is_told_when_it_works() {
    let mut sessions = FetchSessions::new(10);
    let unknown = failed(ErrorCode::UnknownTopicOrPartition);
    let id = open(&mut sessions, &[(wanted("foo", 0, 0), unknown), (wanted("foo", 1, 0), quiet(0))]);
    assert_eq!(included(&mut sessions, id, 1, [unknown, quiet(0)]), [0]);
    assert_eq!(included(&mut sessions, id, 2, [quiet(0), quiet(0)]), [0]);
    assert!(included(&mut sessions, id, 3, [quiet(0), quiet(0)]).is_empty());
}

#[test]
fn a_partition_with_records_goes_to_the_end_of_the_line() {
    let mut sessions = FetchSessions::new(10);
    let all: Vec<_> = (0..4).map(|n| (wanted("foo", n, 0), quiet(0))).collect();
    let id = open(&mut sessions, &all);
    let context = sessions.begin(request(id, 1), vec![], &[], NOW).unwrap();
    let outcomes = [with_records(1), quiet(0), with_records(1), quiet(9)];
    assert_eq!(sessions.finish(context, &outcomes, NOW, RANDOM).included, [0, 2, 3]);
    let context = sessions.begin(request(id, 2), vec![], &[], NOW).unwrap();
    assert_eq!(keys(&context), [key("foo", 1), key("foo", 3), key("foo", 0), key("foo", 2)]);
    // Changing what is asked for does not change the turn.
    drop(context);
    let context = sessions.begin(request(id, 3), vec![wanted("foo", 3, 8)], &[], NOW).unwrap();
    assert_eq!(keys(&context), [key("foo", 1), key("foo", 3), key("foo", 0), key("foo", 2)]);
}

#[test]
fn a_partition_forgotten_while_its_request_waited_is_left_out() {
    let (mut sessions, id) = session();
    let waiting = sessions.begin(request(id, 1), vec![], &[], NOW).unwrap();
    let _ = sessions.begin(request(id, 2), vec![], &[key("foo", 0)], NOW).unwrap();
    // Its epoch is gone, so nothing of it is told; and nothing breaks.
    assert!(sessions.finish(waiting, &[with_records(200), quiet(10)], NOW, RANDOM).included.is_empty());
}
