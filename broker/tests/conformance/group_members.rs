//! Classic groups: joining, rebalances, leaving, describing.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit, join_request, lone_member, sync_request};
use crate::support::requests::create_topic;
use crate::support::{Broker, eventually, group, text};

const GROUP: &str = "readers";

fn heartbeat(client: &mut Client, member: &str, generation: i32) -> i16 {
    let request = HeartbeatRequest::default()
        .with_group_id(group(GROUP))
        .with_generation_id(generation)
        .with_member_id(text(member));
    client.call(4, &request).error_code
}

fn leave(client: &mut Client, member: &str) -> i16 {
    let leaving = MemberIdentity::default().with_member_id(text(member));
    let request = LeaveGroupRequest::default().with_group_id(group(GROUP)).with_members(vec![leaving]);
    client.call(5, &request).members[0].error_code
}

#[test]
fn a_member_joins_syncs_beats_and_leaves() {
    let broker = Broker::start();
    let mut client = broker.client();
    // From version 4 on a new member is given its id first (KIP-394).
    let asked = client.call(4, &join_request(4, GROUP, "", None));
    assert_eq!((asked.error_code, asked.generation_id, asked.members.len()), (79, -1, 0), "MEMBER_ID_REQUIRED");
    assert!(asked.member_id.starts_with("conformance-"), "Kafka: client id, '-', a UUID: {}", asked.member_id);
    let member = asked.member_id.as_str();
    let joined = client.call(4, &join_request(4, GROUP, member, None));
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!((&*joined.leader, joined.protocol_name.as_deref()), (member, Some("range")));
    assert_eq!(joined.members.iter().map(|m| &*m.member_id).collect::<Vec<_>>(), [member]);
    assert_eq!(heartbeat(&mut client, member, 1), 0, "while the assignment is made");
    let synced = client.call(5, &sync_request(5, GROUP, 1, member, &[(member, b"all of it")]));
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all of it"[..]));
    assert_eq!((synced.protocol_type, synced.protocol_name), (Some(text("consumer")), Some(text("range"))));
    assert_eq!(heartbeat(&mut client, member, 1), 0);
    assert_eq!(heartbeat(&mut client, member, 2), 22, "ILLEGAL_GENERATION");
    assert_eq!(heartbeat(&mut client, "nobody", 1), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(leave(&mut client, "nobody"), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(leave(&mut client, member), 0);
    assert_eq!(heartbeat(&mut client, member, 1), 25, "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_second_member_makes_the_first_one_join_again() {
    let broker = Broker::start();
    let (mut one, mut two) = (broker.client(), broker.client());
    let (first, generation) = lone_member(&mut one, GROUP);
    let second = two.call(9, &join_request(9, GROUP, "", None)).member_id.to_string();
    let joining = two.send(9, &join_request(9, GROUP, &second, None));
    // The second member waits for the first one, who learns of it by its heartbeats.
    eventually("the first one learns of it", || heartbeat(&mut one, &first, generation) != 0);
    assert_eq!(heartbeat(&mut one, &first, generation), 27, "REBALANCE_IN_PROGRESS");
    let led = one.call(9, &join_request(9, GROUP, &first, None));
    let followed = two.receive(joining);
    assert_eq!((led.generation_id, followed.generation_id), (generation + 1, generation + 1));
    assert_eq!((&*led.leader, &*followed.leader), (&*first, &*first), "the leader stays");
    assert_eq!((led.members.len(), followed.members.len()), (2, 0), "the leader alone gets the list");
    // The follower's assignment comes when the leader brings it.
    let waiting = two.send(5, &sync_request(5, GROUP, generation + 1, &second, &[]));
    let assignments: [(&str, &'static [u8]); 2] = [(&first, b"half"), (&second, b"other half")];
    let synced = one.call(5, &sync_request(5, GROUP, generation + 1, &first, &assignments));
    assert_eq!(&synced.assignment[..], b"half");
    assert_eq!(&two.receive(waiting).assignment[..], b"other half");
}

#[test]
fn joining_is_refused_with_kafka_s_codes() {
    let broker = Broker::start();
    let mut client = broker.client();
    let mut error = |request: JoinGroupRequest| client.call(9, &request).error_code;
    let fresh = |group_id: &str| join_request(9, group_id, "", Some("me"));
    assert_eq!(error(fresh("")), 24, "INVALID_GROUP_ID");
    assert_eq!(error(fresh(GROUP).with_session_timeout_ms(1)), 26, "INVALID_SESSION_TIMEOUT");
    assert_eq!(error(fresh(GROUP).with_session_timeout_ms(i32::MAX)), 26, "INVALID_SESSION_TIMEOUT");
    assert_eq!(error(fresh(GROUP).with_protocols(vec![])), 23, "INCONSISTENT_GROUP_PROTOCOL");
    assert_eq!(error(fresh(GROUP).with_protocol_type(text(""))), 23, "INCONSISTENT_GROUP_PROTOCOL");
    assert_eq!(error(join_request(9, GROUP, "nobody", None)), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(error(fresh(GROUP)), 0);
    assert_eq!(error(fresh(GROUP).with_protocol_type(text("connect"))), 23, "INCONSISTENT_GROUP_PROTOCOL");
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let broker = Broker::start();
    let mut client = broker.client();
    let joined = client.call(9, &join_request(9, GROUP, "", Some("station")));
    assert_eq!(joined.error_code, 0, "no id of its own is needed");
    let before = joined.member_id.as_str();
    let synced = client.call(5, &sync_request(5, GROUP, joined.generation_id, before, &[(before, b"mine")]));
    assert_eq!(synced.error_code, 0);
    let back = client.call(9, &join_request(9, GROUP, "", Some("station")));
    assert_eq!((back.error_code, back.generation_id), (0, joined.generation_id), "the same generation");
    assert_ne!(back.member_id, joined.member_id);
    assert!(back.skip_assignment, "the leader has nothing to assign (KIP-814)");
    let again = client.call(5, &sync_request(5, GROUP, back.generation_id, &back.member_id, &[]));
    assert_eq!((again.error_code, &again.assignment[..]), (0, &b"mine"[..]));
    // Its earlier self is shut out.
    let zombie = HeartbeatRequest::default()
        .with_group_id(group(GROUP))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_group_instance_id(Some(text("station")));
    assert_eq!(client.call(4, &zombie).error_code, 82, "FENCED_INSTANCE_ID");
    // An administrator removes it by its instance id alone.
    let removed = MemberIdentity::default().with_group_instance_id(Some(text("station")));
    let request = LeaveGroupRequest::default().with_group_id(group(GROUP)).with_members(vec![removed]);
    let left = client.call(5, &request);
    assert_eq!((left.error_code, left.members[0].error_code), (0, 0));
}

#[test]
fn groups_are_described_and_listed() {
    let broker = Broker::start();
    let mut client = broker.client();
    let (member, _) = lone_member(&mut client, GROUP);
    let request = DescribeGroupsRequest::default().with_groups(vec![group(GROUP)]);
    let found = client.call(5, &request).groups.remove(0);
    assert_eq!((found.error_code, &*found.group_state, &*found.protocol_type), (0, "Stable", "consumer"));
    assert_eq!(&*found.protocol_data, "range");
    let described = &found.members[0];
    assert_eq!((&*described.member_id, &*described.client_id), (&*member, "conformance"));
    assert_eq!((&*described.client_host, &described.member_assignment[..]), ("/127.0.0.1", &b"mine"[..]));

    let missing = DescribeGroupsRequest::default().with_groups(vec![group("nobody")]);
    let before = client.call(5, &missing).groups.remove(0);
    assert_eq!((before.error_code, &*before.group_state), (0, "Dead"));
    let since = client.call(6, &missing).groups.remove(0);
    assert_eq!((since.error_code, &*since.group_state), (69, "Dead"), "GROUP_ID_NOT_FOUND (KIP-1043)");
    assert!(since.error_message.is_some());

    let mut list = |states: &[&str], types: &[&str]| {
        let request = ListGroupsRequest::default()
            .with_states_filter(states.iter().map(|s| text(s)).collect())
            .with_types_filter(types.iter().map(|s| text(s)).collect());
        let listed = client.call(5, &request).groups;
        listed.iter().map(|g| (g.group_state.to_string(), g.group_type.to_string())).collect::<Vec<_>>()
    };
    let this = [("Stable".to_owned(), "classic".to_owned())];
    assert_eq!(list(&[], &[]), this);
    assert_eq!(list(&["Stable", "Empty"], &["classic"]), this);
    assert_eq!(list(&["Empty"], &[]), []);
    assert_eq!(list(&[], &["consumer"]), []);
}

#[test]
fn only_an_empty_group_is_deleted() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, GROUP);
    assert_eq!(commit(&mut client, GROUP, (generation, &member), ("known", 0, 5)), 0);
    let delete = |client: &mut Client| {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group(GROUP)]);
        client.call(2, &request).results[0].error_code
    };
    assert_eq!(delete(&mut client), 68, "NON_EMPTY_GROUP");
    assert_eq!(leave(&mut client, &member), 0);
    assert_eq!(delete(&mut client), 0);
    assert_eq!(delete(&mut client), 69, "GROUP_ID_NOT_FOUND");
    let offset = crate::support::groups::fetch_offset(&mut client, GROUP, ("known", 0), true);
    assert_eq!(offset.committed_offset, -1);
}

#[test]
fn coordinators_are_found() {
    let broker = Broker::start();
    let mut client = broker.client();
    let here = (1, "127.0.0.1".to_owned(), i32::from(broker.port()));
    for kind in [0, 1] {
        let request = FindCoordinatorRequest::default().with_key_type(kind);
        let one = client.call(3, &request.clone().with_key(text("a")));
        assert_eq!((one.error_code, (one.node_id.0, one.host.to_string(), one.port)), (0, here.clone()));
        let many = client.call(4, &request.with_coordinator_keys(vec![text("a"), text("b")]));
        let found: Vec<_> = many
            .coordinators
            .iter()
            .map(|c| (&*c.key, c.error_code, (c.node_id.0, c.host.to_string(), c.port)))
            .collect();
        assert_eq!(found, [("a", 0, here.clone()), ("b", 0, here.clone())]);
    }
    let wrong = FindCoordinatorRequest::default().with_key_type(9);
    assert_eq!(client.call(3, &wrong.clone().with_key(text("a"))).error_code, 42, "INVALID_REQUEST");
    let many = client.call(4, &wrong.with_coordinator_keys(vec![text("a")]));
    assert_eq!((many.coordinators[0].error_code, many.coordinators[0].node_id.0), (42, -1));
}

#[test]
fn members_of_groups_that_are_not_there() {
    let broker = Broker::start();
    let mut client = broker.client();
    assert_eq!(heartbeat(&mut client, "somebody", 1), 25, "UNKNOWN_MEMBER_ID");
    let synced = client.call(5, &sync_request(5, GROUP, 1, "somebody", &[]));
    assert_eq!(synced.error_code, 25, "UNKNOWN_MEMBER_ID");
    // Kafka: GroupCoordinatorService.leaveGroup answers for each member.
    assert_eq!(leave(&mut client, "somebody"), 25, "UNKNOWN_MEMBER_ID");
    for version in [0, 2] {
        let request = LeaveGroupRequest::default().with_group_id(group(GROUP)).with_member_id(text("somebody"));
        assert_eq!(client.call(version, &request).error_code, 25, "UNKNOWN_MEMBER_ID");
    }
    assert_eq!(client.call(4, &HeartbeatRequest::default()).error_code, 24, "INVALID_GROUP_ID");
    assert_eq!(client.call(5, &LeaveGroupRequest::default()).error_code, 24, "INVALID_GROUP_ID");
}

#[test]
fn an_assignment_for_another_protocol_is_refused() {
    let broker = Broker::start();
    let mut client = broker.client();
    let (member, generation) = lone_member(&mut client, GROUP);
    let request = sync_request(5, GROUP, generation, &member, &[]);
    let other_name = request.clone().with_protocol_name(Some(text("roundrobin")));
    assert_eq!(client.call(5, &other_name).error_code, 23, "INCONSISTENT_GROUP_PROTOCOL");
    let other_type = request.with_protocol_type(Some(text("connect")));
    assert_eq!(client.call(5, &other_type).error_code, 23, "INCONSISTENT_GROUP_PROTOCOL");
}

#[test]
fn a_member_that_is_silent_for_too_long_is_removed() {
    let broker = Broker::start();
    let (mut silent, mut client) = (broker.client(), broker.client());
    let joined = silent.call(3, &join_request(3, GROUP, "", None).with_session_timeout_ms(50));
    assert_eq!(joined.error_code, 0);
    // The rebalance waits for the silent member until its session is over.
    let next = client.call(3, &join_request(3, GROUP, "", None));
    assert_eq!((next.error_code, next.members.len()), (0, 1));
    assert_eq!(next.leader, next.member_id);
    let beat = HeartbeatRequest::default()
        .with_group_id(group(GROUP))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id);
    assert_eq!(silent.call(4, &beat).error_code, 25, "UNKNOWN_MEMBER_ID");
}
