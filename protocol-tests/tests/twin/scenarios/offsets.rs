//! OffsetCommit, OffsetFetch, OffsetDelete: what a group has read.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use super::member::{self, Member};
use super::migrations::one_classic;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] =
    &[("offsets::commit", commit), ("offsets::fetch", fetch), ("offsets::delete", delete)];

fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

fn part(index: i32, offset: i64, metadata: Option<&str>) -> OffsetCommitRequestPartition {
    OffsetCommitRequestPartition::default()
        .with_partition_index(index)
        .with_committed_offset(offset)
        .with_committed_metadata(metadata.map(text))
}

fn committed(name: &str, topics: &[(&str, Vec<OffsetCommitRequestPartition>)]) -> OffsetCommitRequest {
    let one = |(name, parts): &(&str, Vec<OffsetCommitRequestPartition>)| {
        OffsetCommitRequestTopic::default().with_name(topic(name)).with_partitions(parts.clone())
    };
    OffsetCommitRequest::default()
        .with_group_id(group(name))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics.iter().map(one).collect())
}

fn commit(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let name = side.name("group");
    side.coordinator(0, &name)?;
    let long = "m".repeat(5000);
    for version in 2..=9 {
        let list = || vec![part(0, 5, Some("note")), part(1, 6, None), part(7, 1, None)];
        side.about("three partitions and a topic that is not there");
        let request = committed(&name, &[(&made.name, list()), ("nowhere", vec![part(0, 1, None)])]);
        side.ask_sorted(version, &request, |a| {
            a.topics.sort_by(|a, b| a.name.cmp(&b.name));
            a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
        })?;
        for (about, request) in [
            ("long metadata", committed(&name, &[(&made.name, vec![part(0, 5, Some(&long)), part(1, 7, None)])])),
            ("a negative offset", committed(&name, &[(&made.name, vec![part(0, -1, None)])])),
            ("no group", committed("", &[(&made.name, vec![part(0, 5, None)])])),
            ("nothing", committed(&name, &[])),
            (
                "a member of no group",
                committed(&name, &[(&made.name, vec![part(0, 5, None)])])
                    .with_member_id(text("stranger"))
                    .with_generation_id_or_member_epoch(3),
            ),
            (
                "a generation of no group",
                committed("another", &[(&made.name, vec![part(0, 5, None)])]).with_generation_id_or_member_epoch(3),
            ),
        ] {
            side.about(about);
            side.ask(version, &request)?;
        }
    }
    Ok(())
}

fn topics(names: &[(&str, Vec<i32>)]) -> Vec<OffsetFetchRequestTopics> {
    let one = |(name, parts): &(&str, Vec<i32>)| {
        OffsetFetchRequestTopics::default().with_name(topic(name)).with_partition_indexes(parts.clone())
    };
    names.iter().map(one).collect()
}

fn fetch(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 3, &[])?;
    let name = side.name("group");
    side.coordinator(0, &name)?;
    let list = vec![part(0, 5, Some("note")), part(1, 6, None)];
    side.quietly(9, &committed(&name, &[(&made.name, list)]))?;
    for version in 1..=9 {
        for who in [name.as_str(), "nobody", ""] {
            let some = [(made.name.as_str(), vec![0, 1, 2, 9]), ("nowhere", vec![0])];
            side.about(format!("of {who:?}"));
            if version < 8 {
                let old: Vec<_> = some
                    .iter()
                    .map(|(n, p)| {
                        OffsetFetchRequestTopic::default().with_name(topic(n)).with_partition_indexes(p.clone())
                    })
                    .collect();
                let request = OffsetFetchRequest::default().with_group_id(group(who)).with_topics(Some(old));
                side.ask_sorted(version, &request, |a| a.topics.sort_by(|a, b| a.name.cmp(&b.name)))?;
                if version >= 2 {
                    side.about(format!("all of {who:?}"));
                    let all = OffsetFetchRequest::default().with_group_id(group(who)).with_topics(None);
                    side.ask_sorted(version, &all, |a| {
                        a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index))
                    })?;
                }
            } else {
                let one = |list: Option<Vec<OffsetFetchRequestTopics>>| {
                    OffsetFetchRequestGroup::default().with_group_id(group(who)).with_topics(list).with_member_id(None)
                };
                for list in [Some(topics(&some)), None, Some(vec![])] {
                    let other = OffsetFetchRequestGroup::default()
                        .with_group_id(group("other"))
                        .with_topics(None)
                        .with_member_id(None);
                    let request = OffsetFetchRequest::default().with_groups(vec![one(list), other]);
                    side.ask_sorted(version, &request, |a| {
                        a.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
                        for group in &mut a.groups {
                            group.topics.sort_by(|a, b| a.name.cmp(&b.name));
                            group.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
                        }
                    })?;
                }
            }
        }
    }
    side.about("of a member of no group");
    let one = OffsetFetchRequestGroup::default()
        .with_group_id(group(&name))
        .with_member_id(Some(text("stranger")))
        .with_member_epoch(3)
        .with_topics(Some(topics(&[(&made.name, vec![0])])));
    side.ask(9, &OffsetFetchRequest::default().with_groups(vec![one]).with_require_stable(true))?;
    Ok(())
}

fn delete(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let name = side.name("group");
    side.coordinator(0, &name)?;
    side.quietly(9, &committed(&name, &[(&made.name, vec![part(0, 5, None), part(1, 5, None)])]))?;
    for (who, of, parts) in [
        (name.as_str(), made.name.as_str(), vec![0, 9]),
        (&name, &made.name, vec![0]),
        (&name, "nowhere", vec![0]),
        ("nobody", &made.name, vec![0]),
        ("", &made.name, vec![0]),
        (&name, &made.name, vec![1]),
        (&name, &made.name, vec![1]),
    ] {
        side.about(format!("of {who:?}: {of}-{parts:?}"));
        let parts =
            parts.into_iter().map(|p| OffsetDeleteRequestPartition::default().with_partition_index(p)).collect();
        let one = OffsetDeleteRequestTopic::default().with_name(topic(of)).with_partitions(parts);
        let request = OffsetDeleteRequest::default().with_group_id(group(who)).with_topics(vec![one]);
        side.ask_sorted(0, &request, |a| {
            a.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index))
        })?;
    }
    Ok(())
}

/// Offsets that were committed for a short time (version 2 to 4 say for how long) are forgotten, and the group with the last of them;
/// those of a group that reads the topic are kept.
pub fn expire(side: &mut Side) -> Result<(), String> {
    let (made, other) = (side.topic("t", 2, &[])?, side.topic("other", 1, &[])?);
    let (idle, partly, busy) = (side.name("idle"), side.name("partly"), side.name("busy"));
    side.coordinator(0, &busy)?;
    let member = one_classic(side, &busy, &made.name, Member::of_instance("a", "one"))?;
    for name in [&idle, &partly, &busy] {
        side.coordinator(0, name)?;
        let mut brief =
            committed(name, &[(&made.name, vec![part(0, 5, None), part(1, 6, None)])]).with_retention_time_ms(700);
        if *name == busy {
            brief = brief.with_member_id(text(&member.id)).with_generation_id_or_member_epoch(member.generation);
        }
        side.about("for a short time");
        side.ask(2, &brief)?;
    }
    side.quietly(9, &committed(&partly, &[(&other.name, vec![part(0, 7, None)])]))?;
    let all = |name: &str| {
        let one = OffsetFetchRequestGroup::default().with_group_id(group(name)).with_topics(None).with_member_id(None);
        OffsetFetchRequest::default().with_groups(vec![one])
    };
    for (name, topics) in [(&idle, 0), (&partly, 1)] {
        until(&format!("{topics} topics of {name}"), Duration::from_secs(20), || {
            let answer = side.quietly(9, &all(name)).ok()??;
            (answer.groups[0].topics.len() == topics).then_some(())
        })?;
    }
    for name in [&idle, &partly, &busy] {
        side.about("what is left");
        side.ask_sorted(9, &all(name), |a| {
            a.groups
                .iter_mut()
                .flat_map(|g| &mut g.topics)
                .for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
        })?;
    }
    for name in [&idle, &partly] {
        member::look(side, name, "in the end")?;
    }
    Ok(())
}
