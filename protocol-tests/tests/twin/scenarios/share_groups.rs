//! Share groups (KIP-932) as their coordinator sees them: heartbeats, what they are refused for, epochs, descriptions, kinds of groups.

use std::time::Duration;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::*;
use protocol_tests::process::until;

use super::Scenario;
use super::consumer_groups::{self, group, named};
use super::share_states::kafka_text;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("share_groups::features", features),
    ("share_groups::coordinators", coordinators),
    ("share_groups::refused_heartbeats", refused_heartbeats),
    ("share_groups::joining_and_leaving", joining_and_leaving),
    ("share_groups::several_members", several_members),
    ("share_groups::epochs", epochs),
    ("share_groups::kinds_of_groups", kinds_of_groups),
];

/// How long a group may take to get where it shall be.
const LIMIT: Duration = Duration::from_secs(30);

pub type Beat = ShareGroupHeartbeatRequest;

pub fn beat(group_id: &str, member: &str, epoch: i32) -> Beat {
    Beat::default().with_group_id(group(group_id)).with_member_id(text(member)).with_member_epoch(epoch)
}

fn reading(request: Beat, topics: &[&str]) -> Beat {
    request.with_subscribed_topic_names(Some(topics.iter().map(|name| topic(name)).collect()))
}

pub fn join(group_id: &str, member: &str, topics: &[&str]) -> Beat {
    reading(beat(group_id, member, 0), topics)
}

/// Beats without writing it down until the member has that many partitions: when a broker assigns is its own affair. The member's epoch.
pub fn beat_until(side: &mut Side, group_id: &str, member: &str, partitions: usize) -> Result<i32, String> {
    let mut epoch = None;
    until("partitions of a share group", LIMIT, || {
        let all = ShareGroupDescribeRequest::default().with_group_ids(vec![group(group_id)]);
        let described = match side.quietly(1, &all) {
            Ok(Some(answer)) => answer,
            other => return Some(Err(format!("{other:?}"))),
        };
        let found = described.groups[0].members.iter().find(|m| m.member_id.as_str() == member)?.clone();
        let settled = found.member_epoch == described.groups[0].group_epoch;
        epoch = Some(found.member_epoch);
        let has: usize = found.assignment.topic_partitions.iter().map(|t| t.partitions.len()).sum();
        if has == partitions && settled {
            return Some(Ok(()));
        }
        match side.quietly(1, &beat(group_id, member, found.member_epoch)) {
            Ok(Some(answer)) if answer.error_code == 0 => None,
            other => Some(Err(format!("{other:?}"))),
        }
    })??;
    epoch.ok_or_else(|| "no epoch".to_owned())
}

pub fn describe(side: &mut Side, groups: &[&str]) -> Result<(), String> {
    for operations in [false, true] {
        let request = ShareGroupDescribeRequest::default()
            .with_group_ids(groups.iter().map(|g| group(g)).collect())
            .with_include_authorized_operations(operations);
        side.ask_sorted(1, &request, |answer| {
            answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
            for member in answer.groups.iter_mut().flat_map(|g| &mut g.members) {
                member.subscribed_topic_names.sort();
                member.assignment.topic_partitions.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
                member.assignment.topic_partitions.iter_mut().for_each(|t| t.partitions.sort_unstable());
            }
            answer.groups.iter_mut().for_each(|g| g.members.sort_by(|a, b| a.member_id.cmp(&b.member_id)));
        })?;
    }
    Ok(())
}

pub fn ask_beat(side: &mut Side, about: &str, request: &Beat) -> Result<ShareGroupHeartbeatResponse, String> {
    side.about(about);
    side.ask_sorted(1, request, |answer| {
        let topics = answer.assignment.iter_mut().flat_map(|a| &mut a.topic_partitions);
        topics.for_each(|topic| topic.partitions.sort_unstable());
    })
}

fn features(side: &mut Side) -> Result<(), String> {
    for version in 3..=4 {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(text("twin"))
            .with_client_software_version(text("1"));
        side.ask_sorted(version, &request, |answer| {
            answer.api_keys.retain(|k| [76, 77, 83, 84, 85, 86, 87, 90, 91, 92].contains(&k.api_key));
            answer.supported_features.retain(|f| f.name.as_str() == "share.version");
            answer.finalized_features.retain(|f| f.name.as_str() == "share.version");
        })?;
    }
    Ok(())
}

fn coordinators(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = kafka_text(t.id);
    side.mask(&id, "text of the id of t");
    let find = |keys: &[&str]| {
        let keys = keys.iter().map(|key| text(key)).collect();
        FindCoordinatorRequest::default().with_key_type(2).with_coordinator_keys(keys)
    };
    let key = format!("a:group:{id}:0");
    until("a coordinator of a share-partition", LIMIT, || {
        let answer = side.quietly(6, &find(&[&key])).ok()??;
        (answer.coordinators[0].error_code == 0).then_some(())
    })?;
    let (no_group, no_partition) = (format!(":{id}:0"), format!("g:{id}:x"));
    let keys = [&*key, &no_group, &no_partition, "g:0", "", "g:nothing:0"];
    for version in 4..=6 {
        for (at, key) in keys.iter().enumerate() {
            side.about(format!("key {at}"));
            side.ask(version, &find(&[key]))?;
        }
    }
    for version in 1..=3 {
        side.ask(version, &FindCoordinatorRequest::default().with_key_type(2).with_key(text(&key)))?;
    }
    Ok(())
}

fn refused_heartbeats(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    let nowhere = named(side, "nowhere")?;
    let whole = || join(&id, "m", &[&t.name]);
    let long = "m".repeat(37);
    let cases: Vec<(&str, Beat)> = vec![
        ("no group", whole().with_group_id(group(""))),
        ("a blank group", whole().with_group_id(group(" "))),
        ("no member id", whole().with_member_id(text(""))),
        ("a blank member id", whole().with_member_id(text(" "))),
        ("a member id of 37 letters", whole().with_member_id(text(&long))),
        ("an empty rack", whole().with_rack_id(Some(text("")))),
        ("an epoch that cannot be", whole().with_member_epoch(-2)),
        ("no topics", whole().with_subscribed_topic_names(None)),
        ("an empty list of topics", whole().with_subscribed_topic_names(Some(vec![]))),
        ("staying in a group that is not there", beat(&nowhere, "m", 1)),
        ("leaving a group that is not there", beat(&nowhere, "m", -1)),
    ];
    for (about, request) in &cases {
        ask_beat(side, about, request)?;
    }
    side.quietly(1, &whole())?;
    ask_beat(side, "a member that is not there", &beat(&id, "nobody", 5))?;
    ask_beat(side, "leaving as nobody", &beat(&id, "nobody", -1))?;
    ask_beat(side, "a topic that is not there", &join(&nowhere, "m", &["no-such-topic"]))?;
    ask_beat(side, "a member id of 36 letters", &join(&id, &"m".repeat(36), &[&t.name]))?;
    Ok(())
}

fn joining_and_leaving(side: &mut Side) -> Result<(), String> {
    let (t, u) = (side.topic("t", 3, &[])?, side.topic("u", 1, &[])?);
    let id = named(side, "group")?;
    ask_beat(side, "joins", &join(&id, "m", &[&t.name]).with_rack_id(Some(text("r"))))?;
    let epoch = beat_until(side, &id, "m", 3)?;
    ask_beat(side, "nothing is new", &beat(&id, "m", epoch))?;
    ask_beat(side, "says all", &reading(beat(&id, "m", epoch), &[&t.name]))?;
    describe(side, &[&id])?;
    ask_beat(side, "joins again", &join(&id, "m", &[&t.name]))?;
    side.quietly(1, &reading(beat(&id, "m", epoch), &[&t.name, &u.name]))?;
    let epoch = beat_until(side, &id, "m", 4)?;
    describe(side, &[&id])?;
    side.quietly(1, &reading(beat(&id, "m", epoch), &[&u.name, "no-such-topic"]))?;
    let epoch = beat_until(side, &id, "m", 1)?;
    describe(side, &[&id])?;
    side.quietly(1, &reading(beat(&id, "m", epoch), &[]))?;
    beat_until(side, &id, "m", 0)?;
    describe(side, &[&id])?;
    ask_beat(side, "leaves", &beat(&id, "m", -1))?;
    ask_beat(side, "leaves again", &beat(&id, "m", -1))?;
    describe(side, &[&id])?;
    ask_beat(side, "stays", &beat(&id, "m", 1))?;
    Ok(())
}

fn several_members(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    side.quietly(1, &join(&id, "a", &[&t.name]))?;
    beat_until(side, &id, "a", 1)?;
    side.quietly(1, &join(&id, "b", &[&t.name]))?;
    side.quietly(1, &join(&id, "c", &[&t.name]))?;
    for member in ["a", "b", "c"] {
        beat_until(side, &id, member, 1)?;
    }
    describe(side, &[&id])?;
    ask_beat(side, "one leaves", &beat(&id, "b", -1))?;
    let listed = ListGroupsRequest::default().with_types_filter(vec![text("share")]);
    side.ask_sorted(5, &listed, |answer| answer.groups.retain(|g| g.group_id.as_str() == id))?;
    Ok(())
}

fn epochs(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    side.quietly(1, &join(&id, "m", &[&t.name]))?;
    let epoch = beat_until(side, &id, "m", 1)?;
    ask_beat(side, "a greater epoch", &beat(&id, "m", epoch + 1))?;
    ask_beat(side, "the epoch before", &beat(&id, "m", epoch - 1))?;
    ask_beat(side, "a smaller epoch", &beat(&id, "m", 1))?;
    ask_beat(side, "its epoch", &beat(&id, "m", epoch))?;
    Ok(())
}

fn kinds_of_groups(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let (share, new, old) = (named(side, "share")?, named(side, "new")?, named(side, "old")?);
    let nowhere = named(side, "nowhere")?;
    side.quietly(1, &join(&share, "m", &[&t.name]))?;
    beat_until(side, &share, "m", 1)?;
    side.quietly(1, &consumer_groups::join(&new, "m", &[&t.name]))?;
    let offset = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(1);
    let offsets = OffsetCommitRequestTopic::default().with_name(topic(&t.name)).with_partitions(vec![offset]);
    let commit = |group_id: &str| {
        OffsetCommitRequest::default()
            .with_group_id(group(group_id))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![offsets.clone()])
    };
    side.quietly(9, &commit(&old))?;
    describe(side, &[&share, &new, &old, &nowhere, ""])?;
    for other in [&new, &old] {
        ask_beat(side, "joins another kind of group", &join(other, "m", &[&t.name]))?;
        ask_beat(side, "leaves another kind of group", &beat(other, "m", -1))?;
    }
    side.ask(1, &consumer_groups::join(&share, "c", &[&t.name]))?;
    side.ask(1, &ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(&share)]))?;
    side.ask(6, &DescribeGroupsRequest::default().with_groups(vec![group(&share)]))?;
    let protocol = join_group_request::JoinGroupRequestProtocol::default().with_name(text("range"));
    let classic = JoinGroupRequest::default()
        .with_group_id(group(&share))
        .with_protocol_type(text("consumer"))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocols(vec![protocol]);
    side.ask(5, &classic)?;
    side.ask(4, &HeartbeatRequest::default().with_group_id(group(&share)).with_member_id(text("m")))?;
    for version in [8, 9] {
        side.ask(version, &commit(&share))?;
    }
    let wanted = OffsetFetchRequestGroup::default().with_group_id(group(&share)).with_member_epoch(-1);
    side.ask(9, &OffsetFetchRequest::default().with_groups(vec![wanted]))?;
    let gone = OffsetDeleteRequestTopic::default()
        .with_name(topic(&t.name))
        .with_partitions(vec![OffsetDeleteRequestPartition::default().with_partition_index(0)]);
    side.ask(0, &OffsetDeleteRequest::default().with_group_id(group(&share)).with_topics(vec![gone]))?;
    for (types, states) in [(vec![], vec![]), (vec!["share"], vec!["Stable"]), (vec!["Share"], vec!["empty"])] {
        side.about(format!("types {types:?}, states {states:?}"));
        let request = ListGroupsRequest::default()
            .with_types_filter(types.iter().map(|t| text(t)).collect())
            .with_states_filter(states.iter().map(|s| text(s)).collect());
        side.ask_sorted(5, &request, |answer| {
            answer.groups.retain(|g| [&*share, &*new, &*old].contains(&g.group_id.as_str()));
            answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        })?;
    }
    Ok(())
}
