//! Session ids and epochs: who may go on with a session, and how one ends.

use super::*;

fn two_partitions() -> [((FetchKey, PartitionRequest), PartitionOutcome); 2] {
    [(wanted("foo", 0, 0), quiet(100)), (wanted("foo", 1, 10), quiet(10))]
}

fn go_on(sessions: &mut FetchSessions, session_id: i32, epoch: i32) -> Result<SessionContext, ErrorCode> {
    sessions.begin(request(session_id, epoch), vec![], &[], NOW)
}

#[test]
fn a_full_request_opens_a_session_whose_next_epoch_is_1() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    assert!(id > 0);
    assert_eq!((sessions.len(), sessions.partitions()), (1, 2));
    let context = go_on(&mut sessions, id, 1).unwrap();
    assert!(context.is_incremental());
    assert_eq!(context.partitions(), [wanted("foo", 0, 0), wanted("foo", 1, 10)]);
    let finished = sessions.finish(context, &[quiet(100), quiet(10)], NOW, RANDOM);
    assert_eq!(finished, Finished { error: ErrorCode::None, session_id: id, included: vec![] });
    assert!(go_on(&mut sessions, id, 2).is_ok());
}

#[test]
fn an_unknown_session_and_a_wrong_epoch_are_refused() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    assert_eq!(go_on(&mut sessions, id + 1, 1).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
    assert_eq!(go_on(&mut sessions, id, 2).unwrap_err(), ErrorCode::InvalidFetchSessionEpoch);
    assert_eq!(go_on(&mut sessions, id, -7).unwrap_err(), ErrorCode::InvalidFetchSessionEpoch);
    // Neither disturbs the session.
    assert!(go_on(&mut sessions, id, 1).is_ok());
}

#[test]
fn a_request_without_a_session_gets_none() {
    let mut sessions = FetchSessions::new(10);
    let context = sessions.begin(request(NO_SESSION, FINAL_EPOCH), vec![wanted("foo", 0, 0)], &[], NOW).unwrap();
    let finished = sessions.finish(context, &[quiet(1)], NOW, RANDOM);
    assert_eq!(finished, Finished { error: ErrorCode::None, session_id: NO_SESSION, included: vec![0] });
    assert!(sessions.is_empty());
}

#[test]
fn the_final_epoch_closes_the_session() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    let context = sessions.begin(request(id, FINAL_EPOCH), vec![wanted("foo", 0, 5)], &[], NOW).unwrap();
    assert_eq!(context.partitions(), [wanted("foo", 0, 5)]);
    assert_eq!(sessions.finish(context, &[quiet(9)], NOW, RANDOM).session_id, NO_SESSION);
    assert_eq!((sessions.len(), sessions.partitions()), (0, 0));
    assert_eq!(go_on(&mut sessions, id, 1).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn a_full_request_that_names_a_session_replaces_it() {
    let mut sessions = FetchSessions::new(10);
    let old = open(&mut sessions, &two_partitions());
    let context = sessions.begin(request(old, INITIAL_EPOCH), vec![wanted("bar", 0, 0)], &[], NOW).unwrap();
    let new = sessions.finish(context, &[quiet(9)], NOW, 1234).session_id;
    assert_eq!(new, 1234);
    assert_eq!((sessions.len(), sessions.partitions()), (1, 1));
    assert_eq!(go_on(&mut sessions, old, 1).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn a_session_stays_with_names_or_with_ids() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    let by_id = SessionRequest { uses_topic_ids: true, ..request(id, 1) };
    let error = sessions.begin(by_id, vec![], &[], NOW).unwrap_err();
    assert_eq!(error, ErrorCode::FetchSessionTopicIdError);

    let open_by_id = SessionRequest { uses_topic_ids: true, ..request(NO_SESSION, INITIAL_EPOCH) };
    let context = sessions.begin(open_by_id, vec![wanted("foo", 0, 0)], &[], NOW).unwrap();
    let id = sessions.finish(context, &[quiet(1)], NOW, 5).session_id;
    assert_eq!(go_on(&mut sessions, id, 1).unwrap_err(), ErrorCode::FetchSessionTopicIdError);
}

#[test]
fn a_session_without_partitions_ends() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    let forgotten = [key("foo", 0), key("foo", 1)];
    let context = sessions.begin(request(id, 1), vec![], &forgotten, NOW).unwrap();
    assert!(context.partitions().is_empty());
    assert_eq!(sessions.finish(context, &[], NOW, RANDOM).session_id, NO_SESSION);
    assert_eq!((sessions.len(), sessions.partitions()), (0, 0));
    assert_eq!(go_on(&mut sessions, id, 2).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn of_two_requests_at_once_the_overtaken_one_is_refused() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    let first = go_on(&mut sessions, id, 1).unwrap();
    let second = go_on(&mut sessions, id, 2).unwrap();
    let refused = sessions.finish(first, &[quiet(101), quiet(10)], NOW, RANDOM);
    assert_eq!(refused, Finished { error: ErrorCode::InvalidFetchSessionEpoch, session_id: id, included: vec![] });
    // What was not told is told with the next answer.
    assert_eq!(sessions.finish(second, &[quiet(101), quiet(10)], NOW, RANDOM).included, [0]);
}

#[test]
fn a_session_that_is_gone_when_its_answer_is_ready_answers_everything() {
    let mut sessions = FetchSessions::new(10);
    let id = open(&mut sessions, &two_partitions());
    let context = go_on(&mut sessions, id, 1).unwrap();
    sessions.begin(request(id, FINAL_EPOCH), vec![], &[], NOW).unwrap();
    let finished = sessions.finish(context, &[quiet(100), quiet(10)], NOW, RANDOM);
    assert_eq!(finished, Finished { error: ErrorCode::None, session_id: id, included: vec![0, 1] });
}

#[test]
fn epochs_wrap_past_the_one_that_asks_for_a_new_session() {
    assert_eq!(next_epoch(INITIAL_EPOCH), 1);
    assert_eq!(next_epoch(41), 42);
    assert_eq!(next_epoch(i32::MAX), 1);
    assert_eq!(next_epoch(FINAL_EPOCH), FINAL_EPOCH);
}

#[test]
fn ids_are_positive_and_unique() {
    let mut sessions = FetchSessions::new(10);
    let mut open_with = |random| {
        let context = sessions.begin(request(NO_SESSION, INITIAL_EPOCH), vec![wanted("t", 0, 0)], &[], NOW).unwrap();
        sessions.finish(context, &[quiet(1)], NOW, random).session_id
    };
    assert_eq!(open_with(0), 1);
    assert_eq!(open_with(0), 2);
    assert_eq!(open_with(1 << 31), 3);
    assert_eq!(open_with(u32::MAX), i32::MAX);
    assert_eq!(open_with(u32::MAX), 4);
}
