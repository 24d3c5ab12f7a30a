//! Consumer groups (KIP-848): heartbeats, what they are refused for, reconciliation, fencing, static members, regular expressions,
//! descriptions and configs.

use std::time::Duration;

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::*;
use protocol_tests::process::until;

use super::Scenario;
use crate::side::{Side, Topic, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("consumer_groups::features", features),
    ("consumer_groups::refused_heartbeats", refused_heartbeats),
    ("consumer_groups::joining_and_leaving", joining_and_leaving),
    ("consumer_groups::two_members", two_members),
    ("consumer_groups::fencing", fencing),
    ("consumer_groups::static_members", static_members),
    ("consumer_groups::regular_expressions", regular_expressions),
    ("consumer_groups::kinds_of_groups", kinds_of_groups),
    ("consumer_groups::configs", configs),
];

/// How long a group may take to get where it shall be.
const LIMIT: Duration = Duration::from_secs(20);

pub type Beat = ConsumerGroupHeartbeatRequest;

pub fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

/// A group of this scenario, once its coordinator answers for it.
pub fn named(side: &mut Side, suffix: &str) -> Result<String, String> {
    let id = side.name(suffix);
    await_coordinator(side, &id)?;
    known(side, &id)?;
    Ok(id)
}

/// Waits until the group coordinator knows the topics that were made before: Kafka's learns of them a moment after its broker, in the
/// order in which they were made.
fn known(side: &mut Side, id: &str) -> Result<(), String> {
    let last = side.topic(&format!("known-to-{}", id.rsplit('-').next().unwrap_or_default()), 1, &[])?;
    join_until_assigned(side, join(&format!("{id}-probe"), "m", &[&last.name])).map(drop)
}

fn await_coordinator(side: &mut Side, id: &str) -> Result<(), String> {
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(id)]);
    let ask = DescribeGroupsRequest::default().with_groups(vec![group(id)]);
    until("the group's coordinator", LIMIT, || {
        side.quietly(4, &find).ok()??;
        let answer = side.quietly(5, &ask).ok()??;
        // COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR.
        (!(14..=16).contains(&answer.groups[0].error_code)).then_some(())
    })
}

pub fn beat(group_id: &str, member: &str, epoch: i32) -> Beat {
    Beat::default().with_group_id(group(group_id)).with_member_id(text(member)).with_member_epoch(epoch)
}

pub fn join(group_id: &str, member: &str, topics: &[&str]) -> Beat {
    beat(group_id, member, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(topics.iter().map(|name| topic(name)).collect()))
        .with_topic_partitions(Some(vec![]))
}

pub fn own(of: &Topic, partitions: &[i32]) -> Option<Vec<TopicPartitions>> {
    Some(vec![TopicPartitions::default().with_topic_id(of.id).with_partitions(partitions.to_vec())])
}

/// The partitions of an answer, of all topics together.
pub fn assigned(answer: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let topics = &answer.assignment.as_ref()?.topic_partitions;
    Some(topics.iter().flat_map(|t| t.partitions.iter().copied()).collect())
}

/// Beats without writing it down until the answer is as wanted: when a broker assigns is its own affair.
pub fn beat_until(
    side: &mut Side,
    mut request: Beat,
    wanted: impl Fn(&ConsumerGroupHeartbeatResponse) -> bool,
) -> Result<ConsumerGroupHeartbeatResponse, String> {
    until("a heartbeat's answer", LIMIT, || match side.quietly(1, &request) {
        Ok(Some(answer)) if answer.error_code != 0 => Some(Err(format!("{answer:?}"))),
        Ok(Some(answer)) if wanted(&answer) => Some(Ok(answer)),
        Ok(Some(answer)) => {
            request.member_epoch = answer.member_epoch;
            None
        }
        Ok(None) => Some(Err("the connection was closed".to_owned())),
        Err(error) => Some(Err(error)),
    })?
}

/// Joins, and beats until something is assigned.
pub fn join_until_assigned(side: &mut Side, request: Beat) -> Result<ConsumerGroupHeartbeatResponse, String> {
    let some = |answer: &ConsumerGroupHeartbeatResponse| assigned(answer).is_some_and(|p| !p.is_empty());
    let joined = side.quietly(1, &request)?.ok_or("the connection was closed")?;
    if some(&joined) || joined.error_code != 0 {
        return Ok(joined);
    }
    let next = beat(&request.group_id, &request.member_id, joined.member_epoch).with_instance_id(request.instance_id);
    beat_until(side, next, some)
}

pub fn describe(side: &mut Side, version: i16, groups: &[&str]) -> Result<(), String> {
    let request = ConsumerGroupDescribeRequest::default()
        .with_group_ids(groups.iter().map(|g| group(g)).collect())
        .with_include_authorized_operations(true);
    side.ask_sorted(version, &request, |answer| {
        answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        for member in answer.groups.iter_mut().flat_map(|g| &mut g.members) {
            member.assignment.topic_partitions.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
            member.target_assignment.topic_partitions.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
            member.subscribed_topic_names.sort();
        }
        answer.groups.iter_mut().for_each(|g| {
            g.members.sort_by(|a, b| (&a.instance_id, &a.member_id).cmp(&(&b.instance_id, &b.member_id)))
        });
    })?;
    Ok(())
}

fn features(side: &mut Side) -> Result<(), String> {
    for version in 3..=4 {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(text("twin"))
            .with_client_software_version(text("1"));
        let ours = ["group.version", "transaction.version"];
        side.ask_sorted(version, &request, |answer| {
            answer.api_keys.retain(|k| [68, 69].contains(&k.api_key));
            answer.supported_features.retain(|f| ours.contains(&f.name.as_str()));
            answer.supported_features.sort_by(|a, b| a.name.cmp(&b.name));
            answer.finalized_features.retain(|f| ours.contains(&f.name.as_str()));
            answer.finalized_features.sort_by(|a, b| a.name.cmp(&b.name));
        })?;
    }
    Ok(())
}

fn refused_heartbeats(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    for elsewhere in ["nowhere", " "] {
        await_coordinator(side, elsewhere)?;
    }
    let whole = || join(&id, "m", &[&t.name]);
    let owned = own(&t, &[0]);
    let cases: Vec<(&str, Beat)> = vec![
        ("no group", whole().with_group_id(group(""))),
        ("a blank group", whole().with_group_id(group(" "))),
        ("an epoch that cannot be", whole().with_member_epoch(-3)),
        ("no rebalance timeout", whole().with_rebalance_timeout_ms(-1)),
        ("partitions when it joins", whole().with_topic_partitions(owned)),
        ("no partitions when it joins", whole().with_topic_partitions(None)),
        ("no topics", whole().with_subscribed_topic_names(None)),
        ("an empty list of topics", whole().with_subscribed_topic_names(Some(vec![]))),
        ("an empty instance id", whole().with_instance_id(Some(text("")))),
        ("an empty rack", whole().with_rack_id(Some(text("")))),
        ("an empty assignor", whole().with_server_assignor(Some(text("")))),
        ("an assignor that is not there", whole().with_server_assignor(Some(text("sticky")))),
        ("staying in a group that is not there", beat("nowhere", "m", 1)),
        ("leaving a group that is not there", beat("nowhere", "m", -1)),
        ("going away without an instance id", beat(&id, "m", -2)),
        ("a member that is not there", beat(&id, "nobody", 5)),
        ("leaving as nobody", beat(&id, "nobody", -1)),
        ("no member id, staying", beat(&id, "", 1)),
        ("no member id, leaving", beat(&id, "", -1)),
        ("an instance that is not there", beat(&id, "m", -2).with_instance_id(Some(text("nobody")))),
    ];
    for version in 0..=1 {
        for (about, request) in &cases {
            side.about(*about);
            side.ask_sorted(version, request, |answer| {
                if answer.error_code == 0 {
                    answer.assignment = None;
                    answer.member_epoch = answer.member_epoch.min(1);
                }
            })?;
        }
    }
    side.about("no member id");
    side.ask(1, &whole().with_member_id(text("")))?;
    for regex in ["", "[", "a(?=b)"] {
        side.about(format!("the expression {regex:?}"));
        let name = named(side, &format!("regex-{}", regex.len()))?;
        let request = join(&name, "m", &[]).with_subscribed_topic_names(None);
        side.ask_sorted(1, &request.with_subscribed_topic_regex(Some(text(regex))), |answer| {
            // The engine's own words.
            if let Some(message) = &mut answer.error_message
                && let Some((kafkas, _)) = message.as_str().split_once(" is not a valid regular expression")
            {
                *message = text(kafkas);
            }
        })?;
    }
    Ok(())
}

fn joining_and_leaving(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 3, &[])?;
    for version in 0..=1 {
        let id = named(side, &format!("group-{version}"))?;
        let request = join(&id, if version == 0 { "" } else { "m" }, &[&t.name]);
        let joined = side.quietly(version, &request)?.ok_or("closed")?;
        let member = joined.member_id.clone().ok_or(format!("{joined:?}"))?.to_string();
        if version == 0 {
            side.mask(&member, "member");
        }
        side.about("joined");
        side.write_down(&format!("v{version}"), &format!("{joined:#?}"));
        side.about("again with all that it has");
        let epoch = joined.member_epoch;
        side.ask(version, &beat(&id, &member, epoch).with_topic_partitions(own(&t, &[0, 1, 2])))?;
        side.about("again");
        side.ask(version, &beat(&id, &member, epoch))?;
        side.about("all of it again");
        side.ask(version, &join(&id, &member, &[&t.name]).with_member_epoch(epoch))?;
        describe(side, 1, &[&id])?;
        side.about("leaving");
        side.ask(version, &beat(&id, &member, -1))?;
        describe(side, 1, &[&id])?;
        side.about("leaving twice");
        side.ask(version, &beat(&id, &member, -1))?;
    }
    side.about("a topic that is not there");
    let id = named(side, "nowhere")?;
    side.ask(1, &join(&id, "m", &["nowhere"]))?;
    describe(side, 1, &[&id])
}

fn two_members(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 4, &[])?;
    for assignor in ["uniform", "range"] {
        let id = named(side, assignor)?;
        let asking = |member: &str| join(&id, member, &[&t.name]).with_server_assignor(Some(text(assignor)));
        let a = join_until_assigned(side, asking("a"))?;
        side.about("the first has all");
        side.write_down(assignor, &format!("{:?} {:?}", a.member_epoch, assigned(&a)));
        side.quietly(1, &beat(&id, "a", a.member_epoch).with_topic_partitions(own(&t, &[0, 1, 2, 3])))?;
        let b = side.quietly(1, &asking("b"))?.ok_or("closed")?;
        side.about("the second has nothing yet");
        side.write_down(assignor, &format!("{:?} {:?}", b.error_code, assigned(&b)));
        let half = beat_until(side, beat(&id, "a", a.member_epoch), |answer| assigned(answer).is_some())?;
        side.about("the first gives up");
        side.write_down(assignor, &format!("{} {:?}", half.member_epoch, assigned(&half)));
        describe(side, 1, &[&id])?;
        let kept = assigned(&half).unwrap_or_default();
        side.about("the first has given up");
        let mut next = beat(&id, "a", half.member_epoch);
        side.ask(1, &next.clone().with_topic_partitions(own(&t, &kept)))?;
        next = beat(&id, "b", b.member_epoch);
        let taken = beat_until(side, next, |answer| assigned(answer).is_some_and(|p| !p.is_empty()))?;
        side.about("the second has it");
        side.write_down(assignor, &format!("{} {:?}", taken.member_epoch, assigned(&taken)));
        let owned = own(&t, &assigned(&taken).unwrap_or_default());
        side.quietly(1, &beat(&id, "b", taken.member_epoch).with_topic_partitions(owned))?;
        describe(side, 0, &[&id])?;
        describe(side, 1, &[&id])?;
    }
    Ok(())
}

pub fn commit(id: &str, member: &str, epoch: i32, of: &Topic) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(1)
        .with_committed_metadata(None);
    let named = OffsetCommitRequestTopic::default().with_name(topic(&of.name)).with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group(id))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(epoch)
        .with_topics(vec![named])
}

fn fencing(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    let epoch = joined.member_epoch;
    side.quietly(1, &beat(&id, "m", epoch).with_topic_partitions(own(&t, &[0])))?;
    for (member, epoch) in [("m", epoch + 1), ("m", epoch), ("nobody", epoch), ("m", -1), ("", -1), ("m", epoch - 1)] {
        for version in 6..=9 {
            side.about(format!("{member} commits in {epoch}"));
            side.ask(version, &commit(&id, member, epoch, &t))?;
        }
        // With an epoch and without a member Kafka fails (UNKNOWN_SERVER_ERROR): nobody asks that.
        let member = (epoch >= 0).then_some(member);
        side.about(format!("{member:?} fetches in {epoch}"));
        let wanted = OffsetFetchRequestGroup::default()
            .with_group_id(group(&id))
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(None);
        side.ask(9, &OffsetFetchRequest::default().with_groups(vec![wanted]))?;
    }
    side.about("ahead");
    side.ask(1, &beat(&id, "m", epoch + 1))?;
    side.about("behind");
    side.ask(1, &beat(&id, "m", epoch - 1).with_topic_partitions(own(&t, &[0])))?;
    side.about("a classic heartbeat");
    let classic =
        HeartbeatRequest::default().with_group_id(group(&id)).with_member_id(text("m")).with_generation_id(epoch);
    side.ask(4, &classic)?;
    side.about("a classic member that would join");
    let request = JoinGroupRequest::default()
        .with_group_id(group(&id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("other"))
        .with_protocols(vec![
            join_group_request::JoinGroupRequestProtocol::default()
                .with_name(text("range"))
                .with_metadata(bytes::Bytes::from_static(&[0, 1])),
        ]);
    side.ask(9, &request)?;
    Ok(())
}

fn static_members(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 2, &[])?;
    let id = named(side, "group")?;
    let station = |request: Beat| request.with_instance_id(Some(text("station")));
    let joined = join_until_assigned(side, station(join(&id, "a", &[&t.name])))?;
    let epoch = joined.member_epoch;
    side.about("it has its partitions");
    side.ask(1, &station(beat(&id, "a", epoch)).with_topic_partitions(own(&t, &[0, 1])))?;
    side.about("another one of that name");
    side.ask(1, &station(join(&id, "b", &[&t.name])))?;
    side.about("going away");
    side.ask(1, &station(beat(&id, "a", -2)))?;
    describe(side, 1, &[&id])?;
    side.about("beating while away");
    side.ask(1, &station(beat(&id, "a", epoch)))?;
    side.about("coming back");
    side.ask(1, &station(join(&id, "b", &[&t.name])))?;
    describe(side, 1, &[&id])?;
    side.about("its former self");
    side.ask(1, &station(beat(&id, "a", epoch)))?;
    side.about("its former self leaves");
    side.ask(1, &station(beat(&id, "a", -1)))?;
    side.about("leaving for good");
    side.ask(1, &station(beat(&id, "b", -1)))?;
    describe(side, 1, &[&id])
}

fn regular_expressions(side: &mut Side) -> Result<(), String> {
    let (a, _) = (side.topic("a", 2, &[])?, side.topic("b", 1, &[])?);
    let id = named(side, "group")?;
    let regex = format!("{}[ab]", a.name.strip_suffix('a').unwrap_or_default());
    let request = join(&id, "m", &[]).with_subscribed_topic_names(None).with_subscribed_topic_regex(Some(text(&regex)));
    let joined = side.quietly(1, &request)?.ok_or("closed")?;
    if assigned(&joined).is_none_or(|p| p.len() < 3) {
        let next = beat(&id, "m", joined.member_epoch);
        beat_until(side, next, |answer| assigned(answer).is_some_and(|p| p.len() == 3))?;
    }
    describe(side, 1, &[&id])
}

fn kinds_of_groups(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let (new, old) = (named(side, "new")?, named(side, "old")?);
    await_coordinator(side, "nowhere")?;
    join_until_assigned(side, join(&new, "m", &[&t.name]))?;
    side.quietly(9, &commit(&old, "", -1, &t))?;
    for version in 0..=1 {
        describe(side, version, &[&new, &old, "nowhere"])?;
    }
    for version in 3..=6 {
        let request = DescribeGroupsRequest::default().with_groups([&*new, &*old].map(group).into());
        side.ask_sorted(version, &request, |answer| answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id)))?;
    }
    for version in 3..=5 {
        let filters: &[&[&str]] = if version == 5 { &[&[], &["consumer"], &["CLASSIC"], &["what"]] } else { &[&[]] };
        for types in filters {
            side.about(format!("types {types:?}"));
            let request = ListGroupsRequest::default().with_types_filter(types.iter().map(|t| text(t)).collect());
            side.ask_sorted(version, &request, |answer| {
                answer.groups.retain(|g| [&*new, &*old].contains(&g.group_id.as_str()));
                answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
            })?;
        }
    }
    for about in ["with a member", "without"] {
        side.about(format!("deleting {about}"));
        side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(&new)]))?;
        side.quietly(1, &beat(&new, "m", -1))?;
    }
    describe(side, 1, &[&new])
}

fn configs(side: &mut Side) -> Result<(), String> {
    let t = side.topic("t", 1, &[])?;
    let id = named(side, "group")?;
    let joined = join_until_assigned(side, join(&id, "m", &[&t.name]))?;
    for (name, value) in [
        ("consumer.heartbeat.interval.ms", Some("7000")),
        ("consumer.heartbeat.interval.ms", Some("15001")),
        ("consumer.heartbeat.interval.ms", Some("99")),
        ("consumer.heartbeat.interval.ms", Some("0")),
        ("consumer.heartbeat.interval.ms", Some("soon")),
        ("consumer.session.timeout.ms", Some("60000")),
        ("consumer.session.timeout.ms", Some("60001")),
        ("consumer.session.timeout.ms", Some("499")),
        ("consumer.assignment.interval.ms", Some("15001")),
        ("consumer.assignment.interval.ms", Some("10")),
        ("no.such.key", Some("1")),
        ("consumer.session.timeout.ms", None),
    ] {
        side.about(format!("{name}={value:?}"));
        let config = AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(i8::from(value.is_none()))
            .with_value(value.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(32)
            .with_resource_name(text(&id))
            .with_configs(vec![config]);
        side.ask(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]))?;
    }
    side.settle()?;
    side.about("the interval in force");
    let wanted = beat(&id, "m", joined.member_epoch);
    let told = beat_until(side, wanted, |answer| answer.heartbeat_interval_ms == 7000)?;
    side.write_down("heartbeat", &told.heartbeat_interval_ms.to_string());
    let asked = DescribeConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text(&id))
        .with_configuration_keys(Some(
            ["consumer.heartbeat.interval.ms", "consumer.session.timeout.ms", "consumer.assignment.interval.ms"]
                .map(text)
                .into(),
        ));
    let request = DescribeConfigsRequest::default().with_resources(vec![asked]).with_include_synonyms(true);
    side.ask_sorted(4, &request, |answer| {
        for result in &mut answer.results {
            result.configs.sort_by(|a, b| a.name.cmp(&b.name));
        }
    })?;
    side.ask_sorted(1, &ListConfigResourcesRequest::default().with_resource_types(vec![32]), |answer| {
        answer.config_resources.retain(|r| r.resource_name.as_str() == id);
    })?;
    Ok(())
}
