//! Classic groups, step by step: finding the coordinator, joining, syncing, heartbeats, leaving, being described.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;

use super::Scenario;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("classic_groups::find_coordinator", find_coordinator),
    ("classic_groups::join_every_version", join_every_version),
    ("classic_groups::join_refused", join_refused),
    ("classic_groups::strangers", strangers),
    ("classic_groups::static_members", static_members),
    ("classic_groups::described", described),
];

/// A consumer's subscription of version 0, to nothing. Kafka's coordinator reads it, and never answers when it cannot.
pub const SUBSCRIPTION: &[u8] = &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

pub fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

fn find_coordinator(side: &mut Side) -> Result<(), String> {
    for kind in [0, 1] {
        side.coordinator(kind, "any")?;
    }
    for version in 0..=6 {
        for kind in if version == 0 { vec![0] } else { vec![0, 1, 2, 5, -1] } {
            for keys in [vec!["a"], vec![""], vec!["a", "b"], vec![]] {
                let base = FindCoordinatorRequest::default();
                let base = if version >= 1 { base.with_key_type(kind) } else { base };
                let request = match (version, keys.as_slice()) {
                    (4.., keys) => base.with_coordinator_keys(keys.iter().map(|k| text(k)).collect()),
                    (_, [key]) => base.with_key(text(key)),
                    _ => continue,
                };
                side.about(format!("of kind {kind}, {keys:?}"));
                side.ask_or_closed(version, &request)?;
            }
        }
    }
    Ok(())
}

pub fn join(version: i16, group_id: &str, member: &str) -> JoinGroupRequest {
    let protocol = |name: &str| {
        JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(Bytes::from_static(SUBSCRIPTION))
    };
    let request = JoinGroupRequest::default()
        .with_group_id(group(group_id))
        .with_session_timeout_ms(30_000)
        .with_member_id(text(member))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol("range"), protocol("roundrobin")]);
    let request = if version >= 1 { request.with_rebalance_timeout_ms(10_000) } else { request };
    if version >= 5 { request.with_group_instance_id(None) } else { request }
}

/// Joins; a member id that the broker gives is masked.
pub fn ask_join(
    side: &mut Side,
    version: i16,
    request: &JoinGroupRequest,
    stands_for: &str,
) -> Result<JoinGroupResponse, String> {
    let answer = side.quietly(version, request)?.ok_or("closed")?;
    if !answer.member_id.is_empty() {
        side.mask(answer.member_id.as_str(), stands_for);
    }
    side.record::<JoinGroupRequest>(version, Some(&answer));
    Ok(answer)
}

pub fn sync(version: i16, group_id: &str, generation: i32, member: &str, leader: bool) -> SyncGroupRequest {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(text(member))
        .with_assignment(Bytes::from_static(b"assigned"));
    let request = SyncGroupRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id(generation)
        .with_member_id(text(member))
        .with_assignments(if leader { vec![assignment] } else { vec![] });
    if version >= 5 {
        request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("range")))
    } else {
        request
    }
}

pub fn beat(group_id: &str, generation: i32, member: &str) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id(generation)
        .with_member_id(text(member))
}

pub fn leave(version: i16, group_id: &str, member: &str) -> LeaveGroupRequest {
    let request = LeaveGroupRequest::default().with_group_id(group(group_id));
    let one = MemberIdentity::default().with_member_id(text(member)).with_group_instance_id(None);
    if version >= 3 { request.with_members(vec![one]) } else { request.with_member_id(text(member)) }
}

/// One member's life in every version.
fn join_every_version(side: &mut Side) -> Result<(), String> {
    for version in 0..=9 {
        let name = side.name(&format!("v{version}"));
        side.coordinator(0, &name)?;
        let mut answer = ask_join(side, version, &join(version, &name, ""), "member")?;
        if version >= 4 {
            side.about("with the id that was given");
            answer = ask_join(side, version, &join(version, &name, &answer.member_id), "member")?;
        }
        let (member, generation) = (answer.member_id.to_string(), answer.generation_id);
        let of = |version: i16, last: i16| version.min(last);
        side.about("before the sync");
        side.ask(of(version, 4), &beat(&name, generation, &member))?;
        side.about("of another generation");
        side.ask(of(version, 5), &sync(of(version, 5), &name, generation + 1, &member, true))?;
        side.about("of the leader");
        side.ask(of(version, 5), &sync(of(version, 5), &name, generation, &member, true))?;
        side.about("once more, as a follower");
        side.ask(of(version, 5), &sync(of(version, 5), &name, generation, &member, false))?;
        if version >= 5 {
            for (kind, protocol) in [(Some("connect"), Some("range")), (Some("consumer"), Some("sticky")), (None, None)]
            {
                side.about(format!("of {kind:?} {protocol:?}"));
                let request = sync(5, &name, generation, &member, false);
                side.ask(5, &request.with_protocol_type(kind.map(text)).with_protocol_name(protocol.map(text)))?;
            }
        }
        for (about, generation, member) in [
            ("as it should be", generation, member.as_str()),
            ("of another generation", generation + 1, &member),
            ("of generation -1", -1, &member),
            ("of a stranger", generation, "stranger"),
        ] {
            side.about(about);
            side.ask(of(version, 4), &beat(&name, generation, member))?;
        }
        side.about("joins again");
        let again = ask_join(side, version, &join(version, &name, &member), "member")?;
        side.about("of the leader, again");
        side.ask(of(version, 5), &sync(of(version, 5), &name, again.generation_id, &member, true))?;
        for (about, member) in [("a stranger", "stranger"), ("the member", member.as_str()), ("gone already", &member)]
        {
            side.about(about);
            side.ask(of(version, 5), &leave(of(version, 5), &name, member))?;
        }
    }
    Ok(())
}

fn join_refused(side: &mut Side) -> Result<(), String> {
    let name = side.name("group");
    side.coordinator(0, &name)?;
    for version in 0..=9 {
        let base = || join(version, &name, "");
        for (about, request) in [
            ("an empty group", base().with_group_id(group(""))),
            ("a short session", base().with_session_timeout_ms(1)),
            ("a long session", base().with_session_timeout_ms(2_000_000_000)),
            ("a stranger's id", base().with_member_id(text("stranger"))),
            ("no protocols", base().with_protocols(vec![])),
            ("no protocol type", base().with_protocol_type(text(""))),
        ] {
            side.about(about);
            ask_join(side, version, &request, "new member")?;
        }
    }
    let first = side.quietly(3, &join(3, &name, ""))?.ok_or("closed")?;
    side.mask(first.member_id.as_str(), "first member");
    side.quietly(3, &sync(3, &name, first.generation_id, &first.member_id, true))?;
    for (about, kind, protocol) in [("another type", "connect", "range"), ("another protocol", "consumer", "sticky")] {
        let one = JoinGroupRequestProtocol::default()
            .with_name(text(protocol))
            .with_metadata(Bytes::from_static(SUBSCRIPTION));
        side.about(about);
        let request = join(5, &name, "").with_protocol_type(text(kind)).with_protocols(vec![one]);
        ask_join(side, 5, &request, "other member")?;
    }
    Ok(())
}

fn strangers(side: &mut Side) -> Result<(), String> {
    for name in ["", "nobody"] {
        side.coordinator(0, "nobody")?;
        for version in 0..=5 {
            side.about(format!("group {name:?}"));
            side.ask(version, &sync(version, name, 1, "m", true))?;
            side.about(format!("group {name:?}"));
            side.ask(version, &leave(version, name, "m"))?;
            if version <= 4 {
                side.about(format!("group {name:?}"));
                side.ask(version, &beat(name, 1, "m"))?;
            }
        }
    }
    Ok(())
}

fn static_members(side: &mut Side) -> Result<(), String> {
    for version in [5, 6, 9] {
        let name = side.name(&format!("v{version}"));
        side.coordinator(0, &name)?;
        let of = |member: &str| join(version, &name, member).with_group_instance_id(Some(text("instance")));
        let first = ask_join(side, version, &of(""), "first")?;
        let at = version.min(5);
        let with = |request: SyncGroupRequest| request.with_group_instance_id(Some(text("instance")));
        side.ask(at, &with(sync(at, &name, first.generation_id, &first.member_id, true)))?;
        side.about("the instance starts again");
        let second = ask_join(side, version, &of(""), "second")?;
        side.about("the first is fenced");
        side.ask(
            4,
            &beat(&name, second.generation_id, &first.member_id).with_group_instance_id(Some(text("instance"))),
        )?;
        side.about("the first without its instance");
        side.ask(4, &beat(&name, second.generation_id, &first.member_id))?;
        side.about("the second");
        side.ask(
            4,
            &beat(&name, second.generation_id, &second.member_id).with_group_instance_id(Some(text("instance"))),
        )?;
        side.about("another instance");
        side.ask(4, &beat(&name, second.generation_id, &second.member_id).with_group_instance_id(Some(text("other"))))?;
        side.about("the first joins");
        ask_join(side, version, &of(&first.member_id), "third")?;
        side.about("the first syncs");
        side.ask(at, &with(sync(at, &name, second.generation_id, &first.member_id, true)))?;
        let identity = |member: &str, instance: Option<&str>| {
            MemberIdentity::default().with_member_id(text(member)).with_group_instance_id(instance.map(text))
        };
        side.about("in a batch");
        let request = LeaveGroupRequest::default().with_group_id(group(&name)).with_members(vec![
            identity("", Some("nobody")),
            identity(&first.member_id, Some("instance")),
            identity("stranger", None),
            identity("", Some("instance")),
            identity("", Some("instance")),
        ]);
        side.ask(at, &request)?;
    }
    Ok(())
}

fn described(side: &mut Side) -> Result<(), String> {
    let (stable, empty) = (side.name("stable"), side.name("empty"));
    side.coordinator(0, &stable)?;
    let joined = side.quietly(3, &join(3, &stable, ""))?.ok_or("closed")?;
    side.mask(joined.member_id.as_str(), "member");
    side.quietly(3, &sync(3, &stable, joined.generation_id, &joined.member_id, true))?;
    let gone = side.quietly(3, &join(3, &empty, ""))?.ok_or("closed")?;
    side.quietly(2, &leave(2, &empty, &gone.member_id))?;
    for version in 0..=6 {
        let request =
            DescribeGroupsRequest::default().with_groups([&*stable, &empty, "nobody", ""].map(group).to_vec());
        let sort = |a: &mut DescribeGroupsResponse| a.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        side.ask_sorted(version, &request, sort)?;
        if version >= 3 {
            side.about("with operations");
            side.ask_sorted(version, &request.with_include_authorized_operations(true), sort)?;
        }
    }
    let own = side.name("");
    for version in 0..=5 {
        for states in if version >= 4 {
            vec![vec![], vec!["Stable"], vec!["stable", "Empty"], vec!["Nonsense"]]
        } else {
            vec![vec![]]
        } {
            for types in if version >= 5 {
                vec![vec![], vec!["classic"], vec!["Consumer"], vec!["nonsense"]]
            } else {
                vec![vec![]]
            } {
                side.about(format!("states {states:?} types {types:?}"));
                let request = ListGroupsRequest::default();
                let request = if version >= 4 {
                    request.with_states_filter(states.iter().map(|s| text(s)).collect())
                } else {
                    request
                };
                let request = if version >= 5 {
                    request.with_types_filter(types.iter().map(|s| text(s)).collect())
                } else {
                    request
                };
                side.ask_sorted(version, &request, |a| {
                    a.groups.retain(|g| g.group_id.starts_with(&*own));
                    a.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
                })?;
            }
        }
    }
    for version in 0..=2 {
        let ended = side.name(&format!("ended-{version}"));
        side.coordinator(0, &ended)?;
        let gone = side.quietly(3, &join(3, &ended, ""))?.ok_or("closed")?;
        side.quietly(2, &leave(2, &ended, &gone.member_id))?;
        let names = [&*stable, &ended, "nobody", ""].map(group).to_vec();
        let request = DeleteGroupsRequest::default().with_groups_names(names);
        side.ask_sorted(version, &request, |a| a.results.sort_by(|a, b| a.group_id.cmp(&b.group_id)))?;
    }
    side.about("an empty one");
    side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(&empty)]))?;
    side.about("gone");
    side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(&empty)]))?;
    Ok(())
}
