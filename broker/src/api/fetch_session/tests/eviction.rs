//! Who must make room for whom; times and sizes are those of Kafka's `testSessionCache` and its neighbours.

use super::*;
use crate::api::fetch_session::cache::Cache;
use crate::api::fetch_session::session::{Partitions, Session};

fn partitions(count: usize) -> Partitions {
    let requests: Vec<_> = (0..count as i32).map(|n| wanted("t", n, 0)).collect();
    Partitions::answered(requests, &vec![quiet(0); count])
}

/// Opens a session of `size` partitions at `now` if there is room for it.
fn create(cache: &mut Cache, now: i64, privileged: bool, size: usize) -> Option<i32> {
    let request = SessionRequest { privileged, ..request(NO_SESSION, INITIAL_EPOCH) };
    let room = cache.make_room(privileged, size, Timestamp(now));
    room.then(|| cache.insert(Session::new(request, partitions(size), Timestamp(now)), Timestamp(now), 1))
}

fn assert_holds(cache: &mut Cache, ids: &[Option<i32>]) {
    assert_eq!(cache.len(), ids.len());
    for id in ids {
        assert!(cache.get(id.unwrap()).is_some(), "{id:?} is missing");
    }
}

#[test]
fn old_and_outweighed_sessions_make_room() {
    let mut cache = Cache::new(3, 100);
    let id1 = create(&mut cache, 0, false, 10);
    let id2 = create(&mut cache, 10, false, 20);
    let id3 = create(&mut cache, 20, false, 30);
    assert_eq!(create(&mut cache, 30, false, 40), None, "all are young");
    assert_eq!(create(&mut cache, 40, false, 5), None);
    assert_holds(&mut cache, &[id1, id2, id3]);

    cache.touch(id1.unwrap(), Timestamp(200));
    let id4 = create(&mut cache, 210, false, 11);
    assert_holds(&mut cache, &[id1, id3, id4]);

    cache.touch(id1.unwrap(), Timestamp(400));
    cache.touch(id3.unwrap(), Timestamp(390));
    cache.touch(id4.unwrap(), Timestamp(400));
    let id5 = create(&mut cache, 410, false, 50);
    assert_holds(&mut cache, &[id3, id4, id5]);
    assert_eq!(create(&mut cache, 410, false, 5), None, "smaller than all");

    let id6 = create(&mut cache, 410, true, 5);
    assert_holds(&mut cache, &[id3, id5, id6]);
}

#[test]
fn a_session_of_the_same_size_does_not_push_another_out() {
    let mut cache = Cache::new(1, 100);
    let id = create(&mut cache, 0, false, 5);
    cache.touch(id.unwrap(), Timestamp(150));
    assert_eq!(create(&mut cache, 200, false, 5), None);
    assert!(create(&mut cache, 200, false, 6).is_some());
}

#[test]
fn a_follower_pushes_a_consumer_out_at_once_but_not_a_young_follower() {
    let mut cache = Cache::new(2, 100);
    let consumer = create(&mut cache, 0, false, 30);
    let follower = create(&mut cache, 0, true, 10);
    assert!(consumer.is_some());
    let second = create(&mut cache, 1, true, 1);
    assert_holds(&mut cache, &[follower, second]);
    assert_eq!(create(&mut cache, 2, true, 99), None);
    assert_eq!(create(&mut cache, 2, false, 99), None);
    // A consumer never pushes an old follower out while that one is in use, however small it is.
    cache.touch(follower.unwrap(), Timestamp(150));
    cache.touch(second.unwrap(), Timestamp(150));
    assert_eq!(create(&mut cache, 160, false, 99), None);
    assert!(create(&mut cache, 160, true, 99).is_some());
    assert!(cache.get(follower.unwrap()).is_some(), "the smaller one went");
}

#[test]
fn partitions_and_evictions_are_counted() {
    let mut cache = Cache::new(2, 100);
    let id1 = create(&mut cache, 0, false, 2);
    let id2 = create(&mut cache, 0, false, 4);
    assert_eq!((cache.len(), cache.partitions(), cache.evictions()), (2, 6, 0));
    cache.touch(id1.unwrap(), Timestamp(200));
    cache.touch(id2.unwrap(), Timestamp(200));
    let id3 = create(&mut cache, 200, false, 5);
    assert_holds(&mut cache, &[id2, id3]);
    assert_eq!((cache.partitions(), cache.evictions()), (9, 1));
    cache.remove(id3.unwrap());
    assert_eq!((cache.len(), cache.partitions(), cache.evictions()), (1, 4, 1));
    cache.get(id2.unwrap()).unwrap().partitions.update(&[], &[key("t", 0)]);
    assert_eq!(cache.partitions(), 4, "counted when it is touched");
    cache.touch(id2.unwrap(), Timestamp(200));
    assert_eq!(cache.partitions(), 3);
}

#[test]
fn without_a_slot_the_answer_is_full_and_has_no_session() {
    let mut sessions = FetchSessions::new(0);
    assert_eq!(open(&mut sessions, &[(wanted("foo", 0, 0), quiet(1))]), NO_SESSION);
    let mut sessions = FetchSessions::new(1);
    assert_ne!(open(&mut sessions, &[(wanted("foo", 0, 0), quiet(1))]), NO_SESSION);
    assert_eq!(open(&mut sessions, &[(wanted("foo", 0, 0), quiet(1))]), NO_SESSION);
}

#[test]
fn a_session_unused_for_two_minutes_makes_room() {
    let mut sessions = FetchSessions::new(1);
    open(&mut sessions, &[(wanted("foo", 0, 0), quiet(1)), (wanted("foo", 1, 0), quiet(1))]);
    let mut open_later = |ms: i64| {
        let now = NOW.plus_ms(ms);
        let context = sessions.begin(request(NO_SESSION, INITIAL_EPOCH), vec![wanted("bar", 0, 0)], &[], now).unwrap();
        sessions.finish(context, &[quiet(1)], now, RANDOM).session_id
    };
    assert_eq!(open_later(120_000), NO_SESSION);
    assert_ne!(open_later(120_001), NO_SESSION);
}

#[test]
fn sessions_hold_so_many_partitions_together() {
    let mut sessions = FetchSessions { max_partitions: 3, ..FetchSessions::new(10) };
    let foo = [(wanted("foo", 0, 0), quiet(1)), (wanted("foo", 1, 0), quiet(1))];
    let id = open(&mut sessions, &foo);
    assert_ne!(id, NO_SESSION);
    assert_eq!(open(&mut sessions, &foo), NO_SESSION);
    let more = vec![wanted("bar", 0, 0), wanted("bar", 1, 0)];
    let error = sessions.begin(request(id, 1), more, &[], NOW).unwrap_err();
    assert_eq!(error, ErrorCode::FetchSessionIdNotFound);
    assert_eq!(sessions.partitions(), 0);
}
