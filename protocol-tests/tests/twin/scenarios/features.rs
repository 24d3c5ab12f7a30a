//! Features that are switched off and on again (KIP-584): what goes with them, and what of it comes back.

use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::*;

use super::Scenario;
use super::aborted_lists::Writer;
use super::consumer_groups::{self, group, named};
use super::share_fetch::{acknowledging, fetching, filled};
use super::share_groups;
use super::share_states::{initialize, read, summary};
use super::transactions::{add, ending, init_request, settled};
use super::transactions_v2::{ask_produce, batch, describe, produce};
use super::zombies::ask_init;
use crate::side::{Side, Topic, text, topic};

/// These change what all clients see, so they need the brokers' third life (`restart.rs`), and nobody else there asks for what they change.
pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("features::consumer_groups_off_and_on", consumer_groups_off_and_on),
    ("features::share_groups_off_and_on", share_groups_off_and_on),
    ("features::transactions_of_every_version", transactions_of_every_version),
];

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;

/// Sets a feature's level, waits until the broker knows, and shows what clients are told of it.
fn set(side: &mut Side, feature: &str, level: i16, upgrade_type: i8) -> Result<(), String> {
    let update = FeatureUpdateKey::default()
        .with_feature(text(feature))
        .with_max_version_level(level)
        .with_upgrade_type(upgrade_type);
    side.about(format!("{feature} to {level}"));
    side.ask(1, &UpdateFeaturesRequest::default().with_timeout_ms(10_000).with_feature_updates(vec![update]))?;
    side.settle()?;
    for version in 3..=4 {
        side.about(format!("{feature} at {level}"));
        let request = ApiVersionsRequest::default()
            .with_client_software_name(text("twin"))
            .with_client_software_version(text("1"));
        side.ask_sorted(version, &request, |answer| {
            answer.api_keys.retain(|api| [22, 24, 26, 68, 69, 76, 77, 78, 79, 83, 90, 91, 92].contains(&api.api_key));
            answer.supported_features.retain(|f| f.name.as_str() == feature);
            answer.finalized_features.retain(|f| f.name.as_str() == feature);
        })?;
    }
    Ok(())
}

/// What a consumer group's members and administrators can ask for.
fn ask_consumer_group(side: &mut Side, id: &str, epoch: i32, of: &Topic) -> Result<(), String> {
    for version in 0..=1 {
        side.ask(version, &consumer_groups::beat(id, "m", epoch))?;
        side.about("a new member");
        let request = consumer_groups::join(&format!("{id}-{version}"), "n", &[&of.name]);
        side.ask_sorted(version, &request, |answer| answer.assignment = None)?;
        side.about("a request that is wrong in itself");
        side.ask(version, &consumer_groups::beat("", "", -9))?;
    }
    consumer_groups::describe(side, 0, &[id, "nobody"])?;
    consumer_groups::describe(side, 1, &[id, "nobody"])?;
    // Everything that is not the new protocol's own goes on.
    side.ask(9, &consumer_groups::commit(id, "m", epoch, of))?;
    side.ask(5, &DescribeGroupsRequest::default().with_groups(vec![group(id)]))?;
    side.ask_sorted(5, &ListGroupsRequest::default(), |answer| answer.groups.retain(|g| g.group_id.as_str() == id))?;
    Ok(())
}

fn consumer_groups_off_and_on(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    let joined = consumer_groups::join_until_assigned(side, consumer_groups::join(&id, "m", &[&made.name]))?;
    set(side, "group.version", 0, UPGRADE)?;
    ask_consumer_group(side, &id, joined.member_epoch, &made)?;
    set(side, "group.version", 0, SAFE_DOWNGRADE)?;
    let asked = ask_consumer_group(side, &id, joined.member_epoch, &made);
    set(side, "group.version", 1, UPGRADE)?;
    asked?;
    side.about("the member from before");
    side.ask(1, &consumer_groups::beat(&id, "m", joined.member_epoch))?;
    side.ask(1, &consumer_groups::beat(&id, "m", -1))?;
    Ok(())
}

/// Every API of share groups, by a member that fetches in a session of its own.
fn ask_share_group(side: &mut Side, g: &str, epoch: i32, of: &Topic) -> Result<(), String> {
    share_groups::ask_beat(side, "a member", &share_groups::beat(g, "m", -1))?;
    share_groups::ask_beat(side, "a wrong one", &share_groups::beat("", "", -9))?;
    share_groups::describe(side, &[g, "nobody"])?;
    for version in 1..=1 {
        side.ask(version, &fetching(g, "m", epoch, of.id, &[]))?;
        side.ask(version, &acknowledging(g, "m", epoch + 1, of.id, &[(0, 0, &[1])]))?;
        side.about("without a group");
        side.ask(version, &fetching(g, "m", 0, of.id, &[]).with_group_id(None))?;
        side.ask(version, &acknowledging(g, "m", 0, of.id, &[]).with_group_id(None))?;
    }
    let asked = DescribeShareGroupOffsetsRequestGroup::default().with_topics(Some(vec![]));
    let both = ["nobody", "no-one"].map(|name| asked.clone().with_group_id(group(name)));
    side.ask(0, &DescribeShareGroupOffsetsRequest::default().with_groups(both.into()))?;
    let offset = AlterShareGroupOffsetsRequestPartition::default().with_start_offset(1);
    let wanted = AlterShareGroupOffsetsRequestTopic::default()
        .with_topic_name(topic("no-such-topic"))
        .with_partitions(vec![offset]);
    for name in ["", "nobody"] {
        let request = AlterShareGroupOffsetsRequest::default().with_group_id(group(name));
        side.ask(0, &request.with_topics(vec![wanted.clone()]))?;
        let wanted = DeleteShareGroupOffsetsRequestTopic::default().with_topic_name(topic("no-such-topic"));
        side.ask(0, &DeleteShareGroupOffsetsRequest::default().with_group_id(group(name)).with_topics(vec![wanted]))?;
    }
    // What brokers ask each other.
    initialize(side, g, of, 0, 7, 7)?;
    read(side, g, of.id, 0, -1)?;
    summary(side, g, of.id)
}

fn share_groups_off_and_on(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    side.about("opens a session, and takes the first batch");
    side.on("m").ask(1, &fetching(&g, "m", 0, made.id, &[]).with_max_records(1))?;
    set(side, "share.version", 0, SAFE_DOWNGRADE)?;
    let asked = ask_share_group(side, &g, 1, &made);
    set(side, "share.version", 1, UPGRADE)?;
    asked?;
    side.about("the session from before");
    side.ask(1, &acknowledging(&g, "m", 1, made.id, &[(0, 0, &[1])]))?;
    side.about("a new one has all of it");
    side.ask(1, &fetching(&g, "m", 0, made.id, &[]))?;
    side.ask(1, &acknowledging(&g, "m", 1, made.id, &[(0, 0, &[1])]))?;
    Ok(())
}

/// A transaction in the old protocol: the producer's name, id and epoch.
fn old_transaction(side: &mut Side, suffix: &str, of: &Topic) -> Result<Writer, String> {
    let name = side.name(suffix);
    let (id, epoch) = side.producer(Some(&name))?;
    side.about("old");
    side.ask(3, &add(3, &name, id, epoch, &[(&of.name, vec![0])]))?;
    ask_produce(side, 11, &produce(Some(&name), &of.name, 0, batch(id, epoch, 0)))?;
    side.ask(4, &ending(&name, id, epoch, true))?;
    settled(side, &name)?;
    describe(side, &name)?;
    Ok(Writer { name, id, epoch, sequence: 1 })
}

/// One in the old protocol and one in the new.
fn two_transactions(side: &mut Side, suffix: &str, of: &Topic) -> Result<(), String> {
    let Writer { name, id, epoch, sequence } = old_transaction(side, suffix, of)?;
    side.about("new");
    ask_produce(side, 12, &produce(Some(&name), &of.name, 0, batch(id, epoch, sequence)))?;
    side.ask(5, &ending(&name, id, epoch, true))?;
    settled(side, &name)?;
    describe(side, &name)?;
    ask_init(side, "taken over", &init_request(Some(&name), 60_000, -1, -1)).map(drop)
}

fn transactions_of_every_version(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    two_transactions(side, "before", &made)?;
    set(side, "transaction.version", 1, SAFE_DOWNGRADE)?;
    two_transactions(side, "at-1", &made)?;
    set(side, "transaction.version", 0, SAFE_DOWNGRADE)?;
    let asked = without_new_transactions(side, &made);
    set(side, "transaction.version", 2, UPGRADE)?;
    asked?;
    two_transactions(side, "after", &made)
}

/// At level 0. A client that does not look at features finds out; Kafka does not get over it, so each has a transactional id of its own.
fn without_new_transactions(side: &mut Side, of: &Topic) -> Result<(), String> {
    let appends = old_transaction(side, "appends", of)?;
    side.about("appends as in the new protocol");
    let request = produce(Some(&appends.name), &of.name, 0, batch(appends.id, appends.epoch, appends.sequence));
    side.ask(12, &request)?;
    let ends = old_transaction(side, "ends", of)?;
    side.quietly(3, &add(3, &ends.name, ends.id, ends.epoch, &[(&of.name, vec![0])]))?;
    ask_produce(side, 11, &produce(Some(&ends.name), &of.name, 0, batch(ends.id, ends.epoch, ends.sequence)))?;
    side.about("ends as in the new protocol");
    side.ask(5, &ending(&ends.name, ends.id, ends.epoch, true)).map(drop)
}
