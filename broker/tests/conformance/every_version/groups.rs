//! APIs of groups.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::consumer_groups::{assigned, beating, joining};
use crate::support::groups::{commit_request, join_request, lone_member, sync_request};
use crate::support::{group, text, topic};

pub fn find_coordinator(client: &mut Client, _: &World, version: i16) {
    client.call(version, &FindCoordinatorRequest::default());
    let kinds: &[i8] = if version >= 1 { &[0, 1, 2, 9] } else { &[0] };
    for kind in kinds {
        let request = FindCoordinatorRequest::default().with_key_type(*kind);
        let request = if version >= 4 {
            request.with_coordinator_keys(vec![text("a"), text("b")])
        } else {
            request.with_key(text("a"))
        };
        let response = client.call(version, &request);
        assert_eq!(response.coordinators.len(), if version >= 4 { 2 } else { 0 });
    }
}

pub fn join_group(client: &mut Client, _: &World, version: i16) {
    client.call(version, &JoinGroupRequest::default());
    let id = format!("joined-{version}");
    let mut request = join_request(version, &id, "", None);
    request.reason = (version >= 8).then(|| text("because"));
    let joined = client.call(version, &request);
    if version >= 4 {
        assert_eq!(joined.error_code, 79, "MEMBER_ID_REQUIRED");
        request.member_id = joined.member_id;
        assert_eq!(client.call(version, &request).error_code, 0);
    } else {
        assert_eq!(joined.error_code, 0);
    }
    if version >= 5 {
        let request = join_request(version, &format!("static-{version}"), "", Some("instance"));
        assert_eq!(client.call(version, &request).members.len(), 1);
    }
    let unknown = client.call(version, &join_request(version, &id, "nobody", None));
    assert_eq!(unknown.error_code, 25, "UNKNOWN_MEMBER_ID");
}

pub fn sync_group(client: &mut Client, _: &World, version: i16) {
    client.call(version, &SyncGroupRequest::default());
    let id = format!("synced-{version}");
    let joined = client.call(3, &join_request(3, &id, "", None));
    let member = joined.member_id.as_str();
    let request = sync_request(version, &id, joined.generation_id, member, &[(member, b"assignment")]);
    let synced = client.call(version, &request);
    assert_eq!((synced.error_code, &*synced.assignment), (0, &b"assignment"[..]));
    let stale = sync_request(version, &id, joined.generation_id + 1, member, &[]);
    assert_eq!(client.call(version, &stale).error_code, 22, "ILLEGAL_GENERATION");
    let stranger = sync_request(version, &id, joined.generation_id, "nobody", &[]);
    let stranger = if version >= 3 { stranger.with_group_instance_id(Some(text("x"))) } else { stranger };
    assert_eq!(client.call(version, &stranger).error_code, 25, "UNKNOWN_MEMBER_ID");
}

pub fn heartbeat(client: &mut Client, _: &World, version: i16) {
    client.call(version, &HeartbeatRequest::default());
    let id = format!("beating-{version}");
    let (member, generation) = lone_member(client, &id);
    for (member, generation, error) in [(&*member, generation, 0), (&*member, 77, 22), ("nobody", generation, 25)] {
        let request = HeartbeatRequest::default()
            .with_group_id(group(&id))
            .with_generation_id(generation)
            .with_member_id(text(member));
        assert_eq!(client.call(version, &request).error_code, error);
        if version >= 3 {
            let request = request.with_group_instance_id(Some(text("stranger")));
            assert_eq!(client.call(version, &request).error_code, 25);
        }
    }
}

pub fn leave_group(client: &mut Client, _: &World, version: i16) {
    client.call(version, &LeaveGroupRequest::default());
    let id = format!("left-{version}");
    let (member, _) = lone_member(client, &id);
    let request = LeaveGroupRequest::default().with_group_id(group(&id));
    if version < 3 {
        assert_eq!(client.call(version, &request.clone().with_member_id(text("nobody"))).error_code, 25);
        assert_eq!(client.call(version, &request.with_member_id(text(&member))).error_code, 0);
        return;
    }
    let leaving = |id: &str| {
        let leaving = MemberIdentity::default().with_member_id(text(id));
        if version >= 5 { leaving.with_reason(Some(text("tired"))) } else { leaving }
    };
    let stranger = MemberIdentity::default().with_group_instance_id(Some(text("stranger")));
    let members = vec![leaving("nobody"), stranger, leaving(&member)];
    let response = client.call(version, &request.with_members(members));
    assert_eq!(response.error_code, 0);
    assert_eq!(response.members.iter().map(|m| m.error_code).collect::<Vec<_>>(), [25, 25, 0]);
}

pub fn consumer_group_heartbeat(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ConsumerGroupHeartbeatRequest::default());
    let id = format!("consuming-{version}");
    let member = if version == 0 { "" } else { "me" };
    let request = joining(&id, member, &[&world.known.name]).with_instance_id(Some(text("instance")));
    let joined =
        client.call(version, &request.with_rack_id(Some(text("rack"))).with_server_assignor(Some(text("range"))));
    assert_eq!((joined.error_code, assigned(&joined)), (0, Some(vec![0, 1, 2])), "{:?}", joined.error_message);
    let member = joined.member_id.unwrap();
    assert_eq!(client.call(version, &beating(&id, &member, joined.member_epoch)).error_code, 0);
    assert_eq!(client.call(version, &beating(&id, "nobody", 1)).error_code, 25, "UNKNOWN_MEMBER_ID");
    if version >= 1 {
        let by_regex = joining("by-regex", "me", &[]).with_subscribed_topic_names(None);
        assert_eq!(client.call(version, &by_regex.with_subscribed_topic_regex(Some(text("k.*")))).error_code, 0);
    }
}

pub fn consumer_group_describe(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ConsumerGroupDescribeRequest::default());
    let id = format!("consumer-described-{version}");
    client.call(1, &joining(&id, "me", &[&world.known.name]).with_rack_id(Some(text("rack"))));
    let request = ConsumerGroupDescribeRequest::default()
        .with_group_ids(vec![group(&id), group("nothing-there")])
        .with_include_authorized_operations(true);
    let response = client.call(version, &request);
    assert_eq!(response.groups.iter().map(|g| g.error_code).collect::<Vec<_>>(), [0, 69], "GROUP_ID_NOT_FOUND");
    assert_eq!(response.groups[0].members[0].member_type, if version >= 1 { 1 } else { -1 });
}

pub fn describe_groups(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DescribeGroupsRequest::default());
    let id = format!("described-{version}");
    lone_member(client, &id);
    let request = DescribeGroupsRequest::default().with_groups(vec![group(&id), group("nothing-there")]);
    let request = if version >= 3 { request.with_include_authorized_operations(true) } else { request };
    let response = client.call(version, &request);
    let states: Vec<(&str, usize)> = response.groups.iter().map(|g| (&*g.group_state, g.members.len())).collect();
    assert_eq!(states, [("Stable", 1), ("Dead", 0)]);
}

pub fn list_groups(client: &mut Client, _: &World, version: i16) {
    let id = format!("listed-{version}");
    lone_member(client, &id);
    let mut request = ListGroupsRequest::default();
    let all = client.call(version, &request);
    assert!(all.groups.iter().any(|g| g.group_id.as_str() == id));
    request.states_filter = if version >= 4 { vec![text("Stable"), text("Nonsense")] } else { vec![] };
    request.types_filter = if version >= 5 { vec![text("classic")] } else { vec![] };
    assert!(client.call(version, &request).groups.iter().any(|g| g.group_id.as_str() == id));
}

pub fn delete_groups(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DeleteGroupsRequest::default());
    let id = format!("busy-{version}");
    lone_member(client, &id);
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group(&id), group("nothing-there")]);
    let mut errors: Vec<i16> = client.call(version, &request).results.iter().map(|r| r.error_code).collect();
    errors.sort_unstable();
    assert_eq!(errors, [68, 69], "NON_EMPTY_GROUP and GROUP_ID_NOT_FOUND");
}

pub fn offset_commit(client: &mut Client, world: &World, version: i16) {
    client.call(version, &OffsetCommitRequest::default());
    let id = format!("committed-{version}");
    for (name, error) in [(&world.known.name, 0), (&world.unknown.name, 3)] {
        let mut request = commit_request(version, &id, (-1, ""), (name, 1, 42));
        request.retention_time_ms = if version <= 4 { 60_000 } else { -1 };
        assert_eq!(client.call(version, &request).topics[0].partitions[0].error_code, error);
    }
    let mut request = commit_request(version, &id, (3, "nobody"), (&world.known.name, 1, 42));
    request.group_instance_id = (version >= 7).then(|| text("stranger"));
    assert_eq!(client.call(version, &request).topics[0].partitions[0].error_code, 25, "UNKNOWN_MEMBER_ID");
}

pub fn offset_fetch(client: &mut Client, world: &World, version: i16) {
    client.call(version, &OffsetFetchRequest::default());
    let id = format!("fetched-{version}");
    let committed = client.call(9, &commit_request(9, &id, (-1, ""), (&world.known.name, 1, 42)));
    assert_eq!(committed.topics[0].partitions[0].error_code, 0);
    let request = OffsetFetchRequest::default();
    let request = if version >= 7 { request.with_require_stable(true) } else { request };
    if version >= 8 {
        let named =
            |name| OffsetFetchRequestTopics::default().with_name(topic(name)).with_partition_indexes(vec![0, 1, 2]);
        let some = Some(vec![named(&*world.known.name), named(&*world.unknown.name)]);
        let mut of_group = OffsetFetchRequestGroup::default().with_group_id(group(&id)).with_topics(some);
        if version >= 9 {
            of_group = of_group.with_member_id(Some(text("m"))).with_member_epoch(-1);
        }
        let all = OffsetFetchRequestGroup::default().with_group_id(group(&id)).with_topics(None);
        let response = client.call(version, &request.with_groups(vec![of_group, all]));
        assert_eq!(response.groups[0].topics[0].partitions[1].committed_offset, 42);
        assert_eq!(response.groups[1].topics[0].partitions[0].committed_offset, 42);
        return;
    }
    let named = |name| OffsetFetchRequestTopic::default().with_name(topic(name)).with_partition_indexes(vec![0, 1, 2]);
    let some = Some(vec![named(&*world.known.name), named(&*world.unknown.name)]);
    let response = client.call(version, &request.clone().with_group_id(group(&id)).with_topics(some));
    assert_eq!(response.topics[0].partitions[1].committed_offset, 42);
    if version >= 2 {
        let response = client.call(version, &request.with_group_id(group(&id)).with_topics(None));
        assert_eq!(response.topics[0].partitions[0].committed_offset, 42);
    }
}

pub fn offset_delete(client: &mut Client, world: &World, version: i16) {
    client.call(version, &OffsetDeleteRequest::default());
    let id = format!("deleted-{version}");
    client.call(9, &commit_request(9, &id, (-1, ""), (&world.known.name, 1, 42)));
    for (group_id, expected) in [(&*id, 0), ("nothing-there", 69)] {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(1);
        let named =
            OffsetDeleteRequestTopic::default().with_name(topic(&world.known.name)).with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(group(group_id)).with_topics(vec![named]);
        assert_eq!(client.call(version, &request).error_code, expected);
    }
}
