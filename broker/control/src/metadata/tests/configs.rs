//! IncrementalAlterConfigs and AlterConfigs. Sources: ConfigurationControlManagerTest, KRaftClusterTest.testIncrementalAlterConfigs.

use super::*;

fn alter(w: &mut World, resources: Vec<AlterResource>, validate_only: bool) -> Vec<(ErrorCode, Option<String>)> {
    match w.run(Command::AlterConfigs(AlterConfigs { reply_to: ASKER, resources, validate_only })) {
        Some(Reply::AlterConfigs(results)) => results.into_iter().map(|r| (r.error, r.message)).collect(),
        other => panic!("{other:?}"),
    }
}

fn op(name: &str, kind: ConfigOpKind, value: Option<&str>) -> ConfigOp {
    ConfigOp { name: name.into(), kind, value: value.map(str::to_owned) }
}

fn on_topic(topic: &str, ops: &[ConfigOp]) -> AlterResource {
    AlterResource { resource: ConfigResource::Topic(topic.into()), change: ConfigChange::Incremental(ops.to_vec()) }
}

fn replace(names: &[&str]) -> AlterResource {
    let configs = names.iter().map(|name| ((*name).to_owned(), Some("1".to_owned()))).collect();
    AlterResource { resource: ConfigResource::Topic("t".into()), change: ConfigChange::Replace(configs) }
}

fn overrides(w: &World) -> Vec<(String, String)> {
    w.machine.topic_overrides("t").unwrap().into_iter().collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn set_delete_append_subtract() {
    use ConfigOpKind::{Append, Delete, Set, Subtract};
    let mut w = World::new();
    w.made("t", 1);
    let ok = [(ErrorCode::None, None)];
    let set = [op("retention.ms", Set, Some("9")), op("cleanup.policy", Append, Some("compact"))];
    assert_eq!(alter(&mut w, vec![on_topic("t", &set)], false), ok);
    // The list starts from the default.
    assert_eq!(overrides(&w), [pair("cleanup.policy", "delete,compact"), pair("retention.ms", "9")]);
    assert_eq!(w.effects.last(), Some(&Effect::TopicConfigChanged { topic: "t".into() }));
    let back = [op("retention.ms", Delete, None), op("cleanup.policy", Subtract, Some("delete"))];
    assert_eq!(alter(&mut w, vec![on_topic("t", &back)], false), ok);
    assert_eq!(overrides(&w), [pair("cleanup.policy", "compact")]);
    assert!(w.machine.topic_config("t").compacts());
    assert_eq!(w.replayed(), w.machine);
}

#[test]
fn one_bad_change_keeps_its_resource_as_it_was_and_lets_the_others_through() {
    use ConfigOpKind::{Append, Set};
    let mut w = World::new();
    w.made("t", 1);
    w.made("u", 1);
    let good = op("segment.jitter.ms", Set, Some("345"));
    let answers = alter(
        &mut w,
        vec![
            on_topic("u", std::slice::from_ref(&good)),
            on_topic("t", &[good, op("not.a.real.topic.config", Set, Some("789"))]),
            on_topic("baz", &[op("retention.ms", Set, Some("1"))]),
        ],
        false,
    );
    assert_eq!(
        answers,
        [
            (ErrorCode::None, None),
            (ErrorCode::InvalidConfig, Some("Unknown topic config name: not.a.real.topic.config".to_owned())),
            (ErrorCode::UnknownTopicOrPartition, Some("The topic 'baz' does not exist.".to_owned())),
        ]
    );
    assert_eq!(overrides(&w), []);
    let append = alter(&mut w, vec![on_topic("t", &[op("retention.ms", Append, Some("1"))])], false);
    let message = "Can't APPEND to key retention.ms because its type is not LIST.";
    assert_eq!(append, [(ErrorCode::InvalidConfig, Some(message.to_owned()))]);
}

#[test]
fn malformed_requests_are_refused() {
    use ConfigOpKind::Set;
    let mut w = World::new();
    w.made("t", 1);
    let set = op("retention.ms", Set, Some("1"));
    let cases = [
        (vec![on_topic("t", &[set.clone(), set.clone()])], "Error due to duplicate config keys"),
        (vec![on_topic("t", &[op("retention.ms", Set, None)])], "Null value not supported for : retention.ms"),
        (
            vec![on_topic("t", std::slice::from_ref(&set)), on_topic("t", &[set])],
            "Each resource must appear at most once.",
        ),
        (vec![on_topic("", &[])], "Default topic resources are not allowed."),
        (
            vec![on_topic("t", &[op("segment.ms", Set, None), op("retention.ms", Set, None)])],
            "Null value not supported for : segment.ms, retention.ms",
        ),
        (vec![replace(&["segment.ms", "segment.ms"])], "Error due to duplicate config keys"),
    ];
    for (resources, message) in cases {
        assert_eq!(alter(&mut w, resources, false), [(ErrorCode::InvalidRequest, Some(message.to_owned()))]);
    }
    let unnameable = alter(&mut w, vec![on_topic("a b", &[])], false);
    assert_eq!(unnameable[0].0, ErrorCode::InvalidTopicException);
    // Kafka looks at the values before it looks for the topic.
    let nowhere = alter(&mut w, vec![on_topic("nowhere", &[op("retention.ms", Set, Some("x"))])], false);
    assert_eq!(nowhere[0].0, ErrorCode::InvalidConfig);
    assert_eq!(overrides(&w), []);
}

#[test]
fn replacing_takes_back_what_is_not_named() {
    let mut w = World::new();
    let topic = with_configs(w.topic("t", 1, 1), &[("retention.ms", Some("1")), ("segment.ms", Some("2"))]);
    w.create(topic);
    let change = ConfigChange::Replace(vec![("segment.ms".into(), Some("3".into()))]);
    let resource = ConfigResource::Topic("t".into());
    let answers = alter(&mut w, vec![AlterResource { resource, change }], false);
    assert_eq!(answers, [(ErrorCode::None, None)]);
    assert_eq!(overrides(&w), [pair("segment.ms", "3")]);
}

#[test]
fn configs_of_nodes_stand_behind_those_of_topics() {
    let mut w = World::new();
    w.made("t", 1);
    let node = |id: Option<i32>, value: &str| AlterResource {
        resource: ConfigResource::Broker(id.map(BrokerId)),
        change: ConfigChange::Incremental(vec![op("log.retention.ms", ConfigOpKind::Set, Some(value))]),
    };
    assert_eq!(alter(&mut w, vec![node(None, "7")], false), [(ErrorCode::None, None)]);
    assert_eq!(w.machine.topic_config("t").long("retention.ms"), 7);
    assert_eq!(alter(&mut w, vec![node(Some(1), "8")], false), [(ErrorCode::None, None)]);
    assert_eq!(w.machine.topic_config("t").long("retention.ms"), 8);
    assert_eq!(w.effects.last(), Some(&Effect::BrokerConfigChanged));
    assert_eq!(
        alter(&mut w, vec![node(Some(9), "8")], false),
        [(ErrorCode::BrokerIdNotRegistered, Some("No broker with id 9 found.".to_owned()))]
    );
    let entry = w.machine.describe_topic_configs("t").unwrap().into_iter().find(|e| e.name == "retention.ms").unwrap();
    assert_eq!((entry.value.as_deref(), entry.source as i8), (Some("8"), 2));
    assert_eq!(entry.synonyms.len(), 3);
    assert_eq!(w.replayed(), w.machine);
}

#[test]
fn validate_only_changes_nothing() {
    let mut w = World::new();
    w.made("t", 1);
    let set = [op("retention.ms", ConfigOpKind::Set, Some("1"))];
    assert_eq!(alter(&mut w, vec![on_topic("t", &set)], true), [(ErrorCode::None, None)]);
    assert_eq!(overrides(&w), []);
}
