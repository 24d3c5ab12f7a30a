//! Frames that lie, one lie a test.

use super::frames::{Entropy, Lie, frame_with_lie, varint};
use crate::connection::guard::{DECODED_PER_FRAME_BYTE, MIN_DECODED_LIMIT, Problem, check, check_header, schema};

const METADATA: i16 = 3;
const CREATE_TOPICS: i16 = 19;
const FETCH: i16 = 1;
const DESCRIBE_GROUPS: i16 = 15;
const CONSUMER_GROUP_HEARTBEAT: i16 = 68;
const DESCRIBE_TOPIC_PARTITIONS: i16 = 75;

fn problem(key: i16, version: i16, body: &[u8]) -> Problem {
    check(key, version, body).unwrap_err().problem
}

#[test]
fn a_count_larger_than_the_frame_is_refused_with_its_place() {
    // Metadata v0 is one array of names; this one announces two thousand million of them.
    let error = check(METADATA, 0, &[0x7F, 0xFF, 0xFF, 0xFF]).unwrap_err();
    assert_eq!(error.problem, Problem::TooMany { count: i32::MAX as usize, each: 2, left: 0 });
    assert_eq!(
        error.to_string(),
        "field topics at byte 0: 2147483647 elements of at least 2 bytes are announced, 0 bytes are left"
    );
    assert_eq!(
        problem(METADATA, 9, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        Problem::TooMany { count: u32::MAX as usize - 1, each: 2, left: 0 }
    );
}

#[test]
fn the_path_names_the_element() {
    // CreateTopics v2: one topic "t", five partitions, one replica, one assignment with two brokers, of which one is there.
    let mut body = vec![0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 5, 0, 1];
    body.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 7]);
    let error = check(CREATE_TOPICS, 2, &body).unwrap_err();
    assert_eq!(error.path, "topics[0].assignments[0].broker_ids");
    assert_eq!(error.offset, 21);
    assert_eq!(error.problem, Problem::TooMany { count: 2, each: 4, left: 4 });
}

#[test]
fn negative_lengths_and_null_are_told_apart() {
    assert_eq!(problem(DESCRIBE_GROUPS, 0, &[0xFF, 0xFF, 0xFF, 0xFF]), Problem::Null);
    assert_eq!(problem(DESCRIBE_GROUPS, 5, &[0, 0, 0]), Problem::Null);
    assert_eq!(problem(METADATA, 0, &[0x80, 0, 0, 0]), Problem::NegativeLength(i32::MIN.into()));
    assert_eq!(problem(METADATA, 0, &[0, 0, 0, 1, 0x80, 0]), Problem::NegativeLength(i16::MIN.into()));
    // Here null means all topics.
    assert_eq!(check(METADATA, 1, &[0xFF, 0xFF, 0xFF, 0xFF]), Ok(()));
}

#[test]
fn a_text_longer_than_the_frame_is_refused() {
    assert_eq!(problem(METADATA, 0, &[0, 0, 0, 1, 0, 9, b'x']), Problem::TooLong { length: 9, left: 1 });
}

#[test]
fn varints_are_bounded() {
    assert_eq!(problem(METADATA, 9, &[0x80, 0x80, 0x80, 0x80, 0x80, 0]), Problem::BadVarint);
    assert_eq!(problem(METADATA, 9, &[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]), Problem::BadVarint);
    assert_eq!(problem(METADATA, 9, &[0x80, 0x80]), Problem::Truncated { need: 1, left: 0 });
}

/// Fetch v17 of no topics up to where its tagged fields start.
fn fetch_before_tags() -> Vec<u8> {
    let mut body = vec![0; 4 + 4 + 4 + 1 + 4 + 4];
    body.extend([1, 1, 1]);
    body
}

#[test]
fn a_known_tag_uses_what_it_announces() {
    // Tag 1 of Fetch v15 and later: the replica's id and epoch, 12 bytes and no tags of its own.
    let with_size = |size: u8| {
        let mut body = fetch_before_tags();
        body.extend([1, 1, size]);
        body.extend([0; 14]);
        body
    };
    assert_eq!(check(FETCH, 17, &with_size(13)), Ok(()));
    assert_eq!(problem(FETCH, 17, &with_size(14)), Problem::TagSize { tag: 1, size: 14, used: 13 });
    assert_eq!(problem(FETCH, 17, &with_size(12)), Problem::Truncated { need: 1, left: 0 });
    assert_eq!(problem(FETCH, 17, &with_size(90)), Problem::TooLong { length: 90, left: 14 });
    // Version 14 still has the replica's id as a field in front.
    let old = [vec![0; 4], with_size(13)].concat();
    assert_eq!(problem(FETCH, 14, &old), Problem::TagNotInVersion(1));
}

#[test]
fn more_tags_than_bytes_are_refused() {
    let mut body = fetch_before_tags();
    body.extend([2, 9, 0]);
    assert_eq!(problem(FETCH, 17, &body), Problem::TooMany { count: 2, each: 2, left: 2 });
}

#[test]
fn a_nullable_structure_is_there_or_not() {
    // DescribeTopicPartitions v0: no topics, a limit, then the cursor.
    assert_eq!(check(DESCRIBE_TOPIC_PARTITIONS, 0, &[1, 0, 0, 0, 9, 0xFF, 0]), Ok(()));
    assert_eq!(problem(DESCRIBE_TOPIC_PARTITIONS, 0, &[1, 0, 0, 0, 9, 3, 0]), Problem::BadPresence(3));
    assert!(check(CONSUMER_GROUP_HEARTBEAT, 0, &[]).is_err());
}

#[test]
fn what_blows_up_in_memory_is_refused() {
    // Group ids of no letters: a byte each on the wire, 32 in memory.
    let body = |groups: u32| {
        let mut body = Vec::new();
        varint(groups + 1, &mut body);
        body.extend(std::iter::repeat_n(1, groups as usize));
        body.extend([0, 0]);
        body
    };
    let most = MIN_DECODED_LIMIT / (32 - DECODED_PER_FRAME_BYTE);
    assert_eq!(check(DESCRIBE_GROUPS, 5, &body(most as u32)), Ok(()));
    assert!(matches!(problem(DESCRIBE_GROUPS, 5, &body(most as u32 + 100)), Problem::TooMuchMemory { .. }));
}

#[test]
fn unknown_tags_count_as_memory() {
    let mut body = fetch_before_tags();
    let tags = 400_000;
    varint(tags, &mut body);
    for tag in 0..tags {
        varint(tag + 10, &mut body);
        body.push(0);
    }
    assert!(matches!(problem(FETCH, 17, &body), Problem::TooMuchMemory { .. }));
}

#[test]
fn bytes_behind_the_last_field_are_let_through() {
    assert_eq!(check(METADATA, 0, &[0, 0, 0, 0, 1, 2, 3]), Ok(()));
}

#[test]
fn an_unknown_api_or_version_is_refused() {
    assert_eq!(problem(4, 0, &[]), Problem::UnknownApi { api_key: 4, api_version: 0 });
    assert_eq!(problem(METADATA, 99, &[]), Problem::UnknownApi { api_key: METADATA, api_version: 99 });
}

#[test]
fn a_header_is_measured() {
    let frame = [0, 3, 0, 9, 0, 0, 0, 1, 0, 2, b'm', b'e', 1, 5, 1, 0xAA, 0x77];
    assert_eq!(check_header(0, &frame), Ok(8));
    assert_eq!(check_header(1, &frame), Ok(12));
    assert_eq!(check_header(2, &frame), Ok(16));
    let no_client_id = [0, 3, 0, 9, 0, 0, 0, 1, 0xFF, 0xFF, 0];
    assert_eq!(check_header(2, &no_client_id), Ok(11));
    assert_eq!(check_header(1, &frame[..11]).unwrap_err().path, "client_id");
    assert_eq!(check_header(3, &frame).unwrap_err().problem, Problem::UnknownHeader(3));
}

#[test]
fn a_length_that_lies_is_refused_in_every_request_that_there_is() {
    let entropy: Vec<u8> = (0..400u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect();
    let mut lies = 0;
    for schema in schema::all() {
        for (version, lie) in (schema.first..=schema.last).flat_map(|version| Lie::ALL.map(|lie| (version, lie))) {
            let mut slot = 0;
            while let Some(body) = frame_with_lie(schema, version, &mut Entropy::new(&entropy), slot, lie) {
                assert!(
                    check(schema.key, version, &body).is_err(),
                    "{} v{version}: length {slot} is {lie:?}",
                    schema.name
                );
                (slot, lies) = (slot + 1, lies + 1);
            }
        }
    }
    assert!(lies > 5000, "only {lies} lies");
}
