//! Consumer groups (KIP-848): reconciliation, fencing, static members, regular expressions, configs of groups.

use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::consumer_groups::{assigned, beat_until, beating, described, joining, owning};
use crate::support::groups::{commit, commit_request};
use crate::support::requests::create_topic;
use crate::support::{Broker, eventually, group, text, topic};

const GROUP: &str = "readers";

#[test]
fn partitions_go_from_one_member_to_the_next_step_by_step() {
    let broker = Broker::start_with(&["group.consumer.assignment.interval.ms=0"]);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 4, &[]);
    let first = client.call(1, &joining(GROUP, "a", &["t"]));
    assert_eq!((first.error_code, first.member_id.as_deref(), first.heartbeat_interval_ms), (0, Some("a"), 5000));
    let e = first.member_epoch;
    assert_eq!(assigned(&first), Some(vec![0, 1, 2, 3]));
    client.call(1, &owning(GROUP, "a", e, &t, &[0, 1, 2, 3]));
    assert_eq!(described(&mut client, GROUP).group_state, text("Stable"));
    // The second one gets nothing before the first one has given something up.
    let second = client.call(1, &joining(GROUP, "b", &["t"]));
    assert_eq!((second.error_code, second.member_epoch, assigned(&second)), (0, e + 1, Some(vec![])));
    let told = client.call(1, &beating(GROUP, "a", e));
    let kept = assigned(&told).unwrap();
    assert_eq!((told.member_epoch, kept.len()), (e, 2), "its epoch stays until it has given up the others");
    assert_eq!(described(&mut client, GROUP).group_state, text("Reconciling"));
    let waiting = client.call(1, &beating(GROUP, "b", e + 1));
    assert_eq!((waiting.error_code, assigned(&waiting)), (0, None));
    let acknowledged = client.call(1, &owning(GROUP, "a", e, &t, &kept));
    assert_eq!((acknowledged.error_code, acknowledged.member_epoch), (0, e + 1));
    let taken = assigned(&client.call(1, &beating(GROUP, "b", e + 1))).unwrap();
    let mut all = [kept, taken].concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    // A new partition is seen by the next heartbeats.
    let more = create_partitions_request::CreatePartitionsTopic::default()
        .with_name(topic("t"))
        .with_count(5)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(5000);
    assert_eq!(client.call(3, &request).results[0].error_code, 0);
    let grown = client.call(1, &beating(GROUP, "a", e + 1));
    assert_eq!((grown.error_code, grown.member_epoch), (0, e + 2), "the group's epoch rises");
    // One that leaves is forgotten at once.
    assert_eq!(client.call(1, &beating(GROUP, "b", -1)).member_epoch, -1);
    assert_eq!(described(&mut client, GROUP).members.len(), 1);
}

/// The racks of a topic's replicas are part of what a group knows of it (Kafka: Utils.computeTopicHash), whoever assigns.
#[test]
fn a_group_is_assigned_anew_when_its_broker_has_moved_to_another_rack() {
    let mut broker = Broker::start_with(&["group.consumer.session.timeout.ms=60000"]);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 2, &[]);
    let joined = beat_until(&mut client, &joining(GROUP, "a", &["t"]), |answer| assigned(answer).is_some());
    let epoch = joined.member_epoch;
    client.call(1, &owning(GROUP, "a", epoch, &t, &[0, 1]));
    for (rack, moved) in [("north", true), ("north", false), ("south", true)] {
        let before = described(&mut broker.client(), GROUP).group_epoch;
        broker.set(&format!("broker.rack={rack}"));
        broker.restart();
        let mut client = broker.client();
        let member_epoch = described(&mut client, GROUP).members[0].member_epoch;
        assert_eq!(client.call(1, &owning(GROUP, "a", member_epoch, &t, &[0, 1])).error_code, 0);
        assert_eq!(described(&mut client, GROUP).group_epoch, before + i32::from(moved), "{rack}");
    }
}

#[test]
fn a_group_survives_a_restart() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 2, &[]);
    let joined = client.call(1, &joining(GROUP, "a", &["t"]));
    assert_eq!(assigned(&joined), Some(vec![0, 1]));
    client.call(1, &owning(GROUP, "a", joined.member_epoch, &t, &[0, 1]));
    let before = described(&mut client, GROUP);
    broker.restart();
    let mut client = broker.client();
    assert_eq!(described(&mut client, GROUP), before);
    let beat = client.call(1, &beating(GROUP, "a", joined.member_epoch));
    assert_eq!((beat.error_code, beat.member_epoch), (0, joined.member_epoch), "nothing has changed for it");
}

#[test]
fn who_is_behind_or_ahead_is_shut_out() {
    let broker = Broker::start();
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &[]);
    let joined = client.call(1, &joining(GROUP, "a", &["t"]));
    let epoch = joined.member_epoch;
    client.call(1, &owning(GROUP, "a", epoch, &t, &[0]));
    let ahead = client.call(1, &beating(GROUP, "a", epoch + 1));
    assert_eq!(ahead.error_code, 110, "FENCED_MEMBER_EPOCH");
    assert!(ahead.error_message.unwrap().contains("member epoch"), "Kafka says which");
    assert_eq!(client.call(1, &beating(GROUP, "nobody", 1)).error_code, 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(client.call(1, &beating("nowhere", "a", 1)).error_code, 69, "GROUP_ID_NOT_FOUND");
    assert_eq!(commit(&mut client, GROUP, (epoch, "a"), ("t", 0, 5)), 0);
    assert_eq!(commit(&mut client, GROUP, (epoch + 1, "a"), ("t", 0, 5)), 113, "STALE_MEMBER_EPOCH");
    assert_eq!(commit(&mut client, GROUP, (epoch, "nobody"), ("t", 0, 5)), 25, "UNKNOWN_MEMBER_ID");
    let old = client.call(8, &commit_request(8, GROUP, (epoch, "a"), ("t", 0, 5)));
    assert_eq!(old.topics[0].partitions[0].error_code, 35, "UNSUPPORTED_VERSION");
    let fetch = |member: Option<&str>, epoch: i32| {
        let wanted = offset_fetch_request::OffsetFetchRequestGroup::default()
            .with_group_id(group(GROUP))
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(None);
        OffsetFetchRequest::default().with_groups(vec![wanted])
    };
    let mut error = |member: Option<&str>, epoch: i32| client.call(9, &fetch(member, epoch)).groups[0].error_code;
    assert_eq!((error(None, -1), error(Some("a"), epoch)), (0, 0));
    assert_eq!(error(Some("a"), epoch + 1), 113, "STALE_MEMBER_EPOCH");
    assert_eq!(error(Some("nobody"), epoch), 25, "UNKNOWN_MEMBER_ID");
}

#[test]
fn a_silent_member_is_removed() {
    let broker = Broker::start_with(&[
        "group.consumer.min.heartbeat.interval.ms=1",
        "group.consumer.heartbeat.interval.ms=5",
        "group.consumer.min.session.timeout.ms=1",
        "group.consumer.session.timeout.ms=50",
    ]);
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    assert_eq!(client.call(1, &joining(GROUP, "a", &["t"])).heartbeat_interval_ms, 5);
    eventually("its session ends", || described(&mut client, GROUP).group_state == text("Empty"));
}

#[test]
fn a_static_member_comes_back_to_its_partitions() {
    let broker = Broker::start_with(&["group.consumer.assignment.interval.ms=0"]);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 2, &[]);
    let station = |member: &str| joining(GROUP, member, &["t"]).with_instance_id(Some(text("station")));
    let joined = client.call(1, &station("a"));
    assert_eq!(assigned(&joined), Some(vec![0, 1]));
    client.call(1, &owning(GROUP, "a", joined.member_epoch, &t, &[0, 1]).with_instance_id(Some(text("station"))));
    let twin = client.call(1, &station("b"));
    assert_eq!(twin.error_code, 111, "UNRELEASED_INSTANCE_ID");
    let away = client.call(1, &beating(GROUP, "a", -2).with_instance_id(Some(text("station"))));
    assert_eq!((away.error_code, away.member_epoch), (0, -2));
    let other = client.call(1, &joining(GROUP, "c", &["t"]));
    assert_eq!(other.error_code, 0);
    let back = client.call(1, &station("b"));
    assert_eq!(back.error_code, 0);
    assert!(assigned(&back).is_some_and(|partitions| !partitions.is_empty()), "{back:?}");
    let zombie = client.call(1, &beating(GROUP, "a", joined.member_epoch).with_instance_id(Some(text("station"))));
    assert_eq!(zombie.error_code, 82, "FENCED_INSTANCE_ID");
}

#[test]
fn topics_are_found_by_a_regular_expression() {
    let broker = Broker::start_with(&["group.consumer.assignment.interval.ms=0"]);
    let mut client = broker.client();
    for name in ["log-a", "log-b", "other"] {
        create_topic(&mut client, name, 1, &[]);
    }
    let by_regex = |member: &str, regex: &str| {
        joining(GROUP, member, &[]).with_subscribed_topic_names(None).with_subscribed_topic_regex(Some(text(regex)))
    };
    let bad = client.call(1, &by_regex("a", "log-["));
    assert_eq!(bad.error_code, 128, "INVALID_REGULAR_EXPRESSION");
    let joined = client.call(1, &by_regex("a", "log-.*"));
    assert_eq!(joined.error_code, 0, "{:?}", joined.error_message);
    let found = |answer: &ConsumerGroupHeartbeatResponse| {
        answer.assignment.as_ref().is_some_and(|a| a.topic_partitions.len() == 2)
    };
    if !found(&joined) {
        beat_until(&mut client, &beating(GROUP, "a", joined.member_epoch), found);
    }
    let member = described(&mut client, GROUP).members.remove(0);
    assert_eq!(member.subscribed_topic_regex, Some(text("log-.*")));
    let names = member.target_assignment.topic_partitions.iter().map(|t| t.topic_name.to_string());
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>(), ["log-a".into(), "log-b".into()].into());
}

#[test]
fn groups_of_both_kinds_are_told_apart() {
    let broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    client.call(1, &joining("new", "a", &["t"]));
    commit(&mut client, "old", (-1, ""), ("t", 0, 1));
    let mut listed = |types: &[&str]| {
        let request = ListGroupsRequest::default().with_types_filter(types.iter().map(|t| text(t)).collect());
        let mut groups = client.call(5, &request).groups;
        groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        groups.iter().map(|g| (g.group_id.to_string(), g.group_type.to_string())).collect::<Vec<_>>()
    };
    let (new, old) = (("new".to_owned(), "consumer".to_owned()), ("old".to_owned(), "classic".to_owned()));
    assert_eq!(listed(&[]), [new.clone(), old.clone()]);
    assert_eq!((listed(&["consumer"]), listed(&["Classic"])), (vec![new], vec![old]));
    let classic = described(&mut client, "old");
    assert_eq!(classic.error_code, 69, "GROUP_ID_NOT_FOUND");
    assert_eq!(classic.error_message, Some(text("Group old is not a consumer group.")));
    let request = DescribeGroupsRequest::default().with_groups(vec![group("new")]);
    let consumer = client.call(6, &request).groups.remove(0);
    assert_eq!((consumer.error_code, consumer.error_message), (69, Some(text("Group new is not a classic group."))));
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group("new")]);
    assert_eq!(client.call(2, &delete).results[0].error_code, 68, "NON_EMPTY_GROUP");
    client.call(1, &beating("new", "a", -1));
    assert_eq!(client.call(2, &delete).results[0].error_code, 0);
    assert_eq!(described(&mut client, "new").error_code, 69, "GROUP_ID_NOT_FOUND");
}

fn alter(client: &mut Client, name: &str, value: Option<&str>) -> (i16, Option<String>) {
    let config = AlterableConfig::default()
        .with_name(text(name))
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text(GROUP))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let response = client.call(1, &request).responses.remove(0);
    (response.error_code, response.error_message.map(|m| m.to_string()))
}

#[test]
fn configs_of_one_group_are_in_force_at_once_and_after_a_restart() {
    let mut broker = Broker::start();
    let mut client = broker.client();
    create_topic(&mut client, "t", 1, &[]);
    const HEARTBEAT: &str = "consumer.heartbeat.interval.ms";
    let joined = client.call(1, &joining(GROUP, "a", &["t"]));
    assert_eq!(joined.heartbeat_interval_ms, 5000);
    assert_eq!(alter(&mut client, HEARTBEAT, Some("7000")), (0, None));
    let beat = |client: &mut Client| client.call(1, &beating(GROUP, "a", joined.member_epoch)).heartbeat_interval_ms;
    assert_eq!(beat(&mut client), 7000);
    let (error, message) = alter(&mut client, HEARTBEAT, Some("15001"));
    assert_eq!(error, 40, "INVALID_CONFIG: {message:?}");
    broker.restart();
    let mut client = broker.client();
    assert_eq!(beat(&mut client), 7000);
    let asked = describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(32)
        .with_resource_name(text(GROUP))
        .with_configuration_keys(Some(vec![text(HEARTBEAT)]));
    let shown = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![asked])).results.remove(0);
    assert_eq!((shown.configs[0].value.as_deref(), shown.configs[0].config_source), (Some("7000"), 8));
    let listed = client.call(1, &ListConfigResourcesRequest::default().with_resource_types(vec![32]));
    assert_eq!(listed.config_resources[0].resource_name, text(GROUP));
    assert_eq!(alter(&mut client, HEARTBEAT, None), (0, None));
    assert_eq!(beat(&mut client), 5000);
}
