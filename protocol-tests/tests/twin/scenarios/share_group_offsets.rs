//! The offsets of share groups (KIP-932) that administrators look at, alter and delete, and groups that they delete.

use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::*;

use super::Scenario;
use super::consumer_groups::{self, group, named};
use super::share_groups::{ask_beat, beat, beat_until, describe, join};
use crate::side::{Side, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("share_group_offsets::altered_offsets", altered_offsets),
    ("share_group_offsets::deleted_offsets", deleted_offsets),
    ("share_group_offsets::deleted_groups", deleted_groups),
];

/// What a group's offsets are: of all topics, and of these partitions.
fn show_offsets(side: &mut Side, group_id: &str, topics: &[(&str, &[i32])]) -> Result<(), String> {
    let wanted = |(name, partitions): &(&str, &[i32])| {
        DescribeShareGroupOffsetsRequestTopic::default()
            .with_topic_name(topic(name))
            .with_partitions(partitions.to_vec())
    };
    for wanted in [None, Some(vec![]), Some(topics.iter().map(wanted).collect())] {
        let asked = DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group(group_id)).with_topics(wanted);
        side.ask_sorted(0, &DescribeShareGroupOffsetsRequest::default().with_groups(vec![asked]), |answer| {
            for group in &mut answer.groups {
                group.topics.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
                group.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
            }
        })?;
    }
    Ok(())
}

fn alter(side: &mut Side, group_id: &str, topics: &[(&str, &[(i32, i64)])]) -> Result<(), String> {
    let one = |(partition, offset): &(i32, i64)| {
        AlterShareGroupOffsetsRequestPartition::default().with_partition_index(*partition).with_start_offset(*offset)
    };
    let topics = topics.iter().map(|(name, offsets)| {
        AlterShareGroupOffsetsRequestTopic::default()
            .with_topic_name(topic(name))
            .with_partitions(offsets.iter().map(one).collect())
    });
    let request = AlterShareGroupOffsetsRequest::default().with_group_id(group(group_id)).with_topics(topics.collect());
    side.ask(0, &request)?;
    Ok(())
}

fn delete(side: &mut Side, group_id: &str, topics: &[&str]) -> Result<(), String> {
    let topics = topics.iter().map(|name| DeleteShareGroupOffsetsRequestTopic::default().with_topic_name(topic(name)));
    let request =
        DeleteShareGroupOffsetsRequest::default().with_group_id(group(group_id)).with_topics(topics.collect());
    side.ask(0, &request)?;
    Ok(())
}

fn altered_offsets(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let (id, other) = (named(side, "group")?, named(side, "other")?);
    show_offsets(side, &id, &[(&t.name, &[0, 1]), ("no-such-topic", &[0])])?;
    type Wanted<'a> = &'a [(&'a str, &'a [(i32, i64)])];
    let cases: [(&str, &str, Wanted<'_>); 4] = [
        ("no group", "", &[(&t.name, &[(0, 1)])]),
        ("no topics", &id, &[]),
        ("a topic that is not there", &id, &[("no-such-topic", &[(0, 1)])]),
        ("offsets", &id, &[(&t.name, &[(0, 5), (7, 1)]), ("no-such-topic", &[(0, 1)])]),
    ];
    for (about, group_id, topics) in cases {
        side.about(about);
        alter(side, group_id, topics)?;
        describe(side, &[&id])?;
    }
    show_offsets(side, &id, &[(&t.name, &[1, 0])])?;
    side.about("another offset");
    alter(side, &id, &[(&t.name, &[(0, 3)])])?;
    show_offsets(side, &id, &[(&t.name, &[0])])?;
    side.quietly(1, &join(&id, "m", &[&t.name]))?;
    beat_until(side, &id, "m", 2)?;
    show_offsets(side, &id, &[(&t.name, &[0, 1])])?;
    side.about("with a member");
    alter(side, &id, &[(&t.name, &[(0, 3)])])?;
    side.quietly(1, &consumer_groups::join(&other, "m", &[&t.name]))?;
    side.about("another kind of group");
    alter(side, &other, &[(&t.name, &[(0, 3)])])?;
    show_offsets(side, &other, &[(&t.name, &[0])])?;
    let both = [&id, &other].map(|id| DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group(id)));
    let both = both.map(|asked| asked.with_topics(Some(vec![])));
    side.ask(0, &DescribeShareGroupOffsetsRequest::default().with_groups(both.into()))?;
    Ok(())
}

fn deleted_offsets(side: &mut Side) -> Result<(), String> {
    let (t, u) = (side.topic("t", 2, &[])?, side.topic("u", 1, &[])?);
    let (id, other) = (named(side, "group")?, named(side, "other")?);
    side.about("no group");
    delete(side, "", &[&t.name])?;
    side.about("a group that is not there");
    delete(side, &id, &[&t.name])?;
    side.quietly(1, &join(&id, "m", &[&t.name]))?;
    beat_until(side, &id, "m", 2)?;
    side.about("with a member");
    delete(side, &id, &[&t.name])?;
    side.quietly(1, &beat(&id, "m", -1))?;
    side.about("what is not there");
    delete(side, &id, &[&u.name, "no-such-topic"])?;
    side.about("no topics");
    delete(side, &id, &[])?;
    side.about("a topic");
    delete(side, &id, &[&t.name])?;
    show_offsets(side, &id, &[(&t.name, &[0, 1])])?;
    side.about("the same again");
    delete(side, &id, &[&t.name])?;
    side.quietly(1, &consumer_groups::join(&other, "m", &[&t.name]))?;
    side.about("another kind of group");
    delete(side, &other, &[&t.name])?;
    describe(side, &[&id])
}

fn deleted_groups(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    side.quietly(1, &join(&id, "m", &[&t.name]))?;
    beat_until(side, &id, "m", 2)?;
    for about in ["with a member", "without", "again"] {
        side.about(format!("deleting {about}"));
        side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(&id)]))?;
        side.quietly(1, &beat(&id, "m", -1))?;
    }
    describe(side, &[&id])?;
    show_offsets(side, &id, &[(&t.name, &[0, 1])])?;
    ask_beat(side, "a new group of that name", &join(&id, "m", &[&t.name]))?;
    side.quietly(1, &beat(&id, "m", -1))?;
    Ok(())
}
