//! Consumer groups (KIP-848) over time: members that fall silent or keep what they should give up, topics that come and go,
//! subscriptions that change, racks, and offsets in transactions.

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use super::consumer_groups::{
    Beat, assigned, beat, beat_until, commit, describe, group, join, join_until_assigned, named, own,
};
use super::transactions::id_of;
use crate::side::{Side, Topic, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("consumer_group_lives::silence", silence),
    ("consumer_group_lives::what_is_not_given_up", what_is_not_given_up),
    ("consumer_group_lives::instances_that_stay_away", instances_that_stay_away),
    ("consumer_group_lives::topics_that_come_and_go", topics_that_come_and_go),
    ("consumer_group_lives::subscriptions_that_change", subscriptions_that_change),
    ("consumer_group_lives::racks_and_clients", racks_and_clients),
    ("consumer_group_lives::three_in_turn", three_in_turn),
    ("consumer_group_lives::offsets", offsets),
];

const LIMIT: Duration = Duration::from_secs(20);

/// Lets the members of a group be silent for less than a second.
fn hasty(side: &mut Side, id: &str) -> Result<(), String> {
    let config = |(name, value): (&str, &str)| {
        AlterableConfig::default().with_name(text(name)).with_config_operation(0).with_value(Some(text(value)))
    };
    let list = [("consumer.session.timeout.ms", "700"), ("consumer.heartbeat.interval.ms", "200")];
    let resource = AlterConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text(id))
        .with_configs(list.map(config).into());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = side.quietly(1, &request)?.ok_or("closed")?;
    match answer.responses[0].error_code {
        0 => side.settle(),
        code => Err(format!("configs of {id}: error {code} {:?}", answer.responses[0].error_message)),
    }
}

/// Waits until a group has so many members.
fn await_members(side: &mut Side, id: &str, members: usize) -> Result<(), String> {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(id)]);
    until(&format!("{members} members of {id}"), LIMIT, || {
        let answer = side.quietly(1, &request).ok()??;
        (answer.groups[0].members.len() == members).then_some(())
    })
}

fn silence(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    hasty(side, &id)?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    await_members(side, &id, 0)?;
    describe(side, 1, &[&id])?;
    side.about("it beats after its session");
    side.ask(1, &beat(&id, "m", joined.member_epoch))?;
    side.about("it leaves after its session");
    side.ask(1, &beat(&id, "m", -1))?;
    side.about("it commits after its session");
    side.ask(9, &commit(&id, "m", joined.member_epoch, &t))?;
    let again = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    side.about("it joins again");
    side.write_down("joined", &format!("{} {:?}", again.member_epoch, assigned(&again)));
    Ok(())
}

/// Two members, the first of which has to give up half of what it has.
fn one_owes_half(side: &mut Side, id: &str, t: &Topic, timeout_ms: i32) -> Result<(i32, i32), String> {
    let a = join_until_assigned(side, join(id, "a", &[&t.name]).with_rebalance_timeout_ms(timeout_ms))?;
    side.quietly(1, &beat(id, "a", a.member_epoch).with_topic_partitions(own(t, &[0, 1, 2, 3])))?;
    let b = side.quietly(1, &join(id, "b", &[&t.name]))?.ok_or("closed")?;
    let asked = beat_until(side, beat(id, "a", a.member_epoch), |answer| assigned(answer).is_some())?;
    side.about("the first is told to give up");
    side.write_down("assigned", &format!("{} {:?}", asked.member_epoch, assigned(&asked)));
    Ok((asked.member_epoch, b.member_epoch))
}

fn what_is_not_given_up(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 4, &[])?;
    let id = named(side, "group")?;
    let (a, b) = one_owes_half(side, &id, &t, 700)?;
    describe(side, 1, &[&id])?;
    side.about("the second waits");
    let b = side.ask(1, &beat(&id, "b", b))?.member_epoch;
    side.about("the first beats and keeps all");
    side.ask(1, &beat(&id, "a", a).with_topic_partitions(own(&t, &[0, 1, 2, 3])))?;
    await_members(side, &id, 1)?;
    side.about("the first was thrown out");
    side.ask(1, &beat(&id, "a", a))?;
    let all = beat_until(side, beat(&id, "b", b), |answer| assigned(answer).is_some_and(|p| p.len() == 4))?;
    side.about("the second has all");
    side.write_down("assigned", &format!("{} {:?}", all.member_epoch, assigned(&all)));
    describe(side, 1, &[&id])
}

fn instances_that_stay_away(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    hasty(side, &id)?;
    let station = |request: Beat| request.with_instance_id(Some(text("station")));
    let joined = join_until_assigned(side, station(join(&id, "a", &[&t.name])))?;
    side.quietly(1, &station(beat(&id, "a", joined.member_epoch)).with_topic_partitions(own(&t, &[0, 1])))?;
    side.about("it goes away");
    side.ask(1, &station(beat(&id, "a", -2)))?;
    side.about("it goes away twice");
    side.ask(1, &station(beat(&id, "a", -2)))?;
    await_members(side, &id, 0)?;
    side.about("it comes back too late");
    side.ask(1, &station(beat(&id, "a", joined.member_epoch)))?;
    let again = join_until_assigned(side, station(join(&id, "b", &[&t.name])))?;
    side.about("it begins anew");
    side.write_down("joined", &format!("{} {:?}", again.member_epoch, assigned(&again)));
    side.about("it changes its instance");
    side.ask(1, &beat(&id, "b", again.member_epoch).with_instance_id(Some(text("other"))))?;
    side.about("it has none");
    side.ask(1, &beat(&id, "b", again.member_epoch))?;
    Ok(())
}

fn topics_that_come_and_go(side: &mut Side) -> Result<(), String> {
    let a = side.topic("a", 2, &[])?;
    let b = side.name("b");
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&a.name, &b]))?;
    side.quietly(1, &beat(&id, "m", joined.member_epoch).with_topic_partitions(own(&a, &[0, 1])))?;
    describe(side, 1, &[&id])?;
    let b = side.topic("b", 1, &[])?;
    side.about("a topic that it waits for is made");
    let mut epoch = joined.member_epoch;
    let steady = settled_epoch(side, beat(&id, "m", epoch), &mut epoch, &[&a.name, &b.name])?;
    side.write_down("it has", &steady);
    describe(side, 1, &[&id])?;
    let gone = DeleteTopicState::default().with_name(None).with_topic_id(a.id);
    side.quietly(6, &DeleteTopicsRequest::default().with_topics(vec![gone]).with_timeout_ms(10_000))?;
    side.about("a topic is deleted");
    let steady = settled_epoch(side, beat(&id, "m", epoch), &mut epoch, &[&b.name])?;
    side.write_down("it has", &steady);
    describe(side, 1, &[&id])?;
    let more = create_partitions_request::CreatePartitionsTopic::default()
        .with_name(topic(&b.name))
        .with_count(3)
        .with_assignments(None);
    side.quietly(3, &CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(10_000))?;
    side.about("a topic has more partitions");
    let answer = beat_until(side, beat(&id, "m", epoch), |a| assigned(a).is_some_and(|p| p.len() == 3))?;
    side.write_down("it has", &format!("{} {:?}", answer.member_epoch, assigned(&answer)));
    describe(side, 1, &[&id])
}

fn subscriptions_that_change(side: &mut Side) -> Result<(), String> {
    let (a, b, c) = (side.topic("a", 1, &[])?, side.topic("b", 2, &[])?, side.topic("c", 1, &[])?);
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&a.name]))?;
    let mut epoch = joined.member_epoch;
    side.quietly(1, &beat(&id, "m", epoch).with_topic_partitions(own(&a, &[0])))?;
    let names = |names: &[&str]| Some(names.iter().map(|n| topic(n)).collect::<Vec<_>>());
    let (an, bn) = (a.name.as_str(), b.name.as_str());
    for (about, list, regex, has) in [
        ("the same", Some(vec![an]), None, vec![an]),
        ("another topic", Some(vec![bn]), None, vec![bn]),
        ("both", Some(vec![bn, an]), None, vec![an, bn]),
        // With a topic more, or nobody sees when the broker has evaluated it.
        ("an expression besides", None, Some(format!("{}[bc]", side.name(""))), vec![an, bn, &c.name]),
        ("an expression alone", Some(vec![]), Some(format!("{}b", side.name(""))), vec![bn]),
        ("an expression that says nothing", None, Some(String::new()), vec![]),
        ("no expression, and a topic", Some(vec![an]), Some(String::new()), vec![an]),
        ("an expression that cannot be read", None, Some("(".to_owned()), vec![an]),
    ] {
        let request = beat(&id, "m", epoch)
            .with_subscribed_topic_names(list.as_deref().and_then(names))
            .with_subscribed_topic_regex(regex.as_deref().map(text));
        let steady = settled_epoch(side, request, &mut epoch, &has)?;
        side.about(about);
        side.write_down("it has", &steady);
        side.about(about);
        describe(side, 1, &[&id])?;
    }
    Ok(())
}

/// Sends a heartbeat, and more of them with what the member is told to own, until it has these topics and the group is stable.
fn settled_epoch(side: &mut Side, first: Beat, epoch: &mut i32, topics: &[&str]) -> Result<String, String> {
    let id = first.group_id.as_str().to_owned();
    let describe = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(&id)]);
    let (mut request, mut quiet) = (first, 0);
    until("a stable group", LIMIT, || {
        let answer = side.quietly(1, &request).ok()??;
        if answer.error_code != 0 {
            return Some(format!("error {}", answer.error_code));
        }
        *epoch = answer.member_epoch;
        request = beat(&id, "m", *epoch);
        if let Some(assignment) = answer.assignment {
            let owned = assignment.topic_partitions.iter().map(|t| {
                consumer_group_heartbeat_request::TopicPartitions::default()
                    .with_topic_id(t.topic_id)
                    .with_partitions(t.partitions.clone())
            });
            request = request.clone().with_topic_partitions(Some(owned.collect()));
            quiet = 0;
            return None;
        }
        let seen = side.quietly(1, &describe).ok()??;
        let one = &seen.groups[0];
        let assigned = &one.members.first()?.assignment.topic_partitions;
        let mut names: Vec<&str> = assigned.iter().map(|t| t.topic_name.0.as_str()).collect();
        names.sort_unstable();
        quiet += i32::from(one.group_state.as_str() == "Stable" && names == topics);
        (quiet > 2).then(|| format!("{names:?}"))
    })
}

fn racks_and_clients(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 3, &[])?;
    let id = named(side, "group")?;
    for (member, rack) in [("a", Some("north")), ("b", None), ("c", Some("south"))] {
        let request = join(&id, member, &[&t.name]).with_rack_id(rack.map(text));
        side.about(format!("{member} in {rack:?}"));
        side.ask_sorted(1, &request, |a| a.assignment = None)?;
    }
    side.about("a in another rack");
    let request = join(&id, "a", &[&t.name]).with_rack_id(Some(text("east")));
    side.ask_sorted(1, &request, |a| a.assignment = None)?;
    side.ask_sorted(1, &ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(&id)]), |answer| {
        for one in &mut answer.groups {
            one.members.sort_by(|a, b| a.member_id.cmp(&b.member_id));
            // How far each is on the way is another scenario's.
            one.members.iter_mut().for_each(|m| m.assignment = Default::default());
        }
    })?;
    Ok(())
}

/// Writes down who shall have what.
pub fn target(side: &mut Side, id: &str) -> Result<(), String> {
    let answer = side.quietly(1, &ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(id)]))?;
    let answer = answer.ok_or("closed")?;
    let mut lines = vec![];
    for m in &answer.groups[0].members {
        for of in &m.target_assignment.topic_partitions {
            lines.push(format!("{} {:?} {:?}", m.member_id, of.topic_name, of.partitions));
        }
    }
    lines.sort();
    side.write_down("target", &lines.join("\n"));
    Ok(())
}

fn three_in_turn(side: &mut Side) -> Result<(), String> {
    let (s, t) = (side.topic("s", 3, &[])?, side.topic("t", 2, &[])?);
    for assignor in ["uniform", "range"] {
        let id = named(side, assignor)?;
        for member in ["a", "b", "c"] {
            let request = join(&id, member, &[&s.name, &t.name]).with_server_assignor(Some(text(assignor)));
            side.about(format!("{assignor}: {member}"));
            side.ask_sorted(1, &request, |a| a.assignment = None)?;
            target(side, &id)?;
        }
        for member in ["b", "a"] {
            side.about(format!("{assignor}: {member} leaves"));
            side.ask(1, &beat(&id, member, -1))?;
            describe(side, 1, &[&id])?;
        }
    }
    Ok(())
}

fn offsets(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    let epoch = joined.member_epoch;
    let name = side.name("transaction");
    let (producer, producer_epoch) = side.producer(Some(&name))?;
    for (about, member, epoch) in [
        ("as it should be", "m", epoch),
        ("an epoch to come", "m", epoch + 1),
        ("an epoch that is gone", "m", epoch - 1),
        ("a stranger", "stranger", epoch),
        ("nobody", "", -1),
    ] {
        let part = TxnOffsetCommitRequestPartition::default().with_committed_offset(3).with_committed_metadata(None);
        let one = TxnOffsetCommitRequestTopic::default().with_name(topic(&t.name)).with_partitions(vec![part]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(id_of(&name))
            .with_group_id(group(&id))
            .with_producer_id(ProducerId(producer))
            .with_producer_epoch(producer_epoch)
            .with_member_id(text(member))
            .with_generation_id(epoch)
            .with_topics(vec![one]);
        side.about(about);
        side.ask(5, &request)?;
        for stable in [true, false] {
            side.about(format!("{about}, only what is stable: {stable}"));
            let member = (epoch >= 0).then_some(member);
            let one = OffsetFetchRequestGroup::default()
                .with_group_id(group(&id))
                .with_member_id(member.map(text))
                .with_member_epoch(epoch)
                .with_topics(None);
            side.ask(9, &OffsetFetchRequest::default().with_groups(vec![one]).with_require_stable(stable))?;
        }
    }
    super::transactions::end(side, &name, producer, producer_epoch, true)
}
