//! APIs of share groups.

use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::share_groups::{
    alter_share_offset, beating_share, delete_share_offsets, joining_share, share_offset,
};
use crate::support::{group, share, text};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_REQUEST: i16 = 42;
const UNKNOWN_TOPIC_ID: i16 = 100;
const SHARE_SESSION_NOT_FOUND: i16 = 122;
const GROUP_ID_NOT_FOUND: i16 = 69;

pub fn initialize_state(client: &mut Client, world: &World, version: i16) {
    client.call(version, &InitializeShareGroupStateRequest::default());
    assert_eq!(share::initialize(client, "initialized", &world.known, 0, 0), 0);
    assert_eq!(share::initialize(client, "initialized", &world.unknown, 0, 0), UNKNOWN_TOPIC_OR_PARTITION);
}

pub fn read_state(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ReadShareGroupStateRequest::default());
    assert_eq!(share::initialize(client, "read", &world.known, 0, 0), 0);
    assert_eq!(share::read_state(client, "read", &world.known, 0).error_code, 0);
    assert_eq!(share::read_state(client, "read", &world.unknown, 0).error_code, INVALID_REQUEST);
}

pub fn write_state(client: &mut Client, world: &World, version: i16) {
    assert_eq!(share::initialize(client, "written", &world.known, 0, 0), 0);
    let request = |topic| share::write_request("written", topic, (0, 0), 0, (0, 5, 0, 1));
    assert_eq!(share::write_state(client, version, &request(&world.known), 0), 0);
    assert_eq!(share::write_state(client, version, &request(&world.unknown), 0), INVALID_REQUEST);
}

pub fn delete_state(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DeleteShareGroupStateRequest::default());
}

pub fn read_state_summary(client: &mut Client, world: &World, version: i16) {
    let (unknown, _) = share::summary(client, version, "summed", &world.unknown);
    assert_eq!(unknown.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(share::summary(client, version, "summed", &world.known).0.error_code, 0);
}

pub fn share_fetch(client: &mut Client, world: &World, version: i16) {
    assert_eq!(share::initialize(client, "fetched", &world.known, 0, 0), 0);
    for topic in [&world.known, &world.unknown] {
        let mut member = share::ShareMember::new(client.again(), "fetched", &format!("m{version}"));
        member.version = version;
        let request = member.request(topic, &[]).with_max_wait_ms(0);
        assert_eq!(member.fetch(&request).error_code, 0);
    }
}

pub fn share_acknowledge(client: &mut Client, world: &World, version: i16) {
    let mut member = share::ShareMember::new(client.again(), "acknowledging", &format!("m{version}"));
    member.version = version;
    let lock_ms = (version >= 2).then_some(0);
    assert_eq!(
        member.acknowledge_in(&world.known, &[(0, 0, &[1])], 1, false),
        (SHARE_SESSION_NOT_FOUND, None, lock_ms)
    );
    let request = member.request(&world.unknown, &[]).with_max_wait_ms(0);
    member.fetch(&request);
    let lock_ms = (version >= 2).then_some(30_000);
    assert_eq!(member.acknowledge(&world.unknown, &[(0, 0, &[1])]), (0, Some(UNKNOWN_TOPIC_ID), lock_ms));
}

pub fn heartbeat(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ShareGroupHeartbeatRequest::default());
    let request = joining_share("beating", "me", &[&world.known.name]).with_rack_id(Some(text("rack")));
    let joined = client.call(version, &request);
    assert_eq!(joined.error_code, 0, "{:?}", joined.error_message);
    assert_eq!(client.call(version, &beating_share("beating", "me", joined.member_epoch)).error_code, 0);
    assert_eq!(client.call(version, &beating_share("beating", "nobody", 1)).error_code, 25, "UNKNOWN_MEMBER_ID");
}

pub fn describe(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ShareGroupDescribeRequest::default());
    client.call(1, &joining_share("described", "me", &[&world.known.name]));
    let request = ShareGroupDescribeRequest::default()
        .with_group_ids(vec![group("described"), group("nothing-there")])
        .with_include_authorized_operations(true);
    let response = client.call(version, &request);
    assert_eq!(response.groups.iter().map(|g| g.error_code).collect::<Vec<_>>(), [0, GROUP_ID_NOT_FOUND]);
    assert_eq!(response.groups[0].members.len(), 1);
}

pub fn describe_offsets(client: &mut Client, world: &World, version: i16) {
    for topic in [&world.known, &world.unknown] {
        let (shown, lag) = share_offset(client, version, "offset-described", topic, 0);
        assert_eq!((shown.error_code, shown.start_offset, lag), (0, -1, (version >= 1).then_some(-1)));
    }
}

pub fn alter_offsets(client: &mut Client, world: &World, version: i16) {
    client.call(version, &AlterShareGroupOffsetsRequest::default());
    assert_eq!(alter_share_offset(client, "altered", &world.known, 0, 4), 0);
    assert_eq!(alter_share_offset(client, "altered", &world.unknown, 0, 4), UNKNOWN_TOPIC_OR_PARTITION);
}

pub fn delete_offsets(client: &mut Client, world: &World, version: i16) {
    client.call(version, &DeleteShareGroupOffsetsRequest::default());
    assert_eq!(alter_share_offset(client, "to-be-deleted", &world.known, 0, 4), 0);
    assert_eq!(delete_share_offsets(client, "to-be-deleted", &world.unknown), UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(delete_share_offsets(client, "to-be-deleted", &world.known), 0);
}
