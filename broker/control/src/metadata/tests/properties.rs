//! What holds for every run of commands: no panic, the log gives the same state, names and ids stay one to one.

use super::*;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec!["a", "b", "a.b", "a_b", "c"]).prop_map(str::to_owned),
        1 => ".{0,8}",
    ]
}

fn new_topic() -> impl Strategy<Value = NewTopic> {
    let assignments = proptest::collection::vec((-1..4i32, proptest::collection::vec(0..4i32, 0..3)), 0..3);
    let configs = proptest::collection::vec(config(), 0..3);
    (name(), any::<u128>(), -3..6i32, -2..4i16, assignments, configs).prop_map(
        |(name, id, partitions, replication_factor, assignments, configs)| NewTopic {
            name,
            topic_id: TopicId(Uuid::from_u128(id)),
            partitions,
            replication_factor,
            assignments: assignments
                .into_iter()
                .map(|(partition, brokers)| Assignment {
                    partition,
                    brokers: brokers.into_iter().map(BrokerId).collect(),
                })
                .collect(),
            configs,
        },
    )
}

fn config() -> impl Strategy<Value = (String, Option<String>)> {
    let name = prop_oneof![
        proptest::sample::select(vec!["retention.ms", "cleanup.policy", "max.compaction.lag.ms", "preallocate"])
            .prop_map(str::to_owned),
        ".{0,6}",
    ];
    let value = prop_oneof![
        proptest::sample::select(vec!["1", "compact", "delete,compact", "true", "-1", ""]).prop_map(str::to_owned),
        ".{0,6}",
    ];
    (name, proptest::option::weighted(0.9, value))
}

fn command() -> impl Strategy<Value = Command> {
    use proptest::collection::vec;
    let op = (config(), 0..4u8).prop_map(|((name, value), kind)| {
        let kind =
            [ConfigOpKind::Set, ConfigOpKind::Delete, ConfigOpKind::Append, ConfigOpKind::Subtract][kind as usize];
        ConfigOp { name, kind, value }
    });
    let resource = prop_oneof![
        3 => name().prop_map(ConfigResource::Topic),
        1 => proptest::option::of((0..3i32).prop_map(BrokerId)).prop_map(ConfigResource::Broker),
    ];
    let change = prop_oneof![
        vec(op, 0..3).prop_map(ConfigChange::Incremental),
        vec(config(), 0..3).prop_map(ConfigChange::Replace),
    ];
    let resources = vec((resource, change).prop_map(|(resource, change)| AlterResource { resource, change }), 0..3);
    let chosen = proptest::option::of(vec(vec((0..4i32).prop_map(BrokerId), 0..3), 0..3));
    let enlarged =
        (name(), -2..9i32, chosen).prop_map(|(name, count, assignments)| MorePartitions { name, count, assignments });
    prop_oneof![
        4 => (vec(new_topic(), 0..4), any::<bool>())
            .prop_map(|(topics, validate_only)| Command::CreateTopics(CreateTopics { reply_to: ASKER, topics, validate_only })),
        1 => vec(name().prop_map(TopicRef::Name), 0..3)
            .prop_map(|topics| Command::DeleteTopics(DeleteTopics { reply_to: ASKER, topics })),
        2 => (vec(enlarged, 0..3), any::<bool>()).prop_map(|(topics, validate_only)| {
            Command::CreatePartitions(CreatePartitions { reply_to: ASKER, topics, validate_only })
        }),
        2 => (resources, any::<bool>()).prop_map(|(resources, validate_only)| {
            Command::AlterConfigs(AlterConfigs { reply_to: ASKER, resources, validate_only })
        }),
        1 => Just(Command::AllocateProducerIds { reply_to: ASKER, broker: BrokerId(1) }),
    ]
}

proptest! {
    #[test]
    fn random_runs_keep_the_rules(commands in proptest::collection::vec(command(), 1..25)) {
        let mut w = World::with(MetadataConfig::default(), &[1, 2]);
        for command in commands {
            prop_assert!(w.run(command).is_some(), "every command is answered");
        }
        prop_assert_eq!(&w.replayed(), &w.machine);
        for topic in w.machine.topics() {
            prop_assert_eq!(w.machine.topic_by_id(topic.topic_id), Some(topic));
            prop_assert!(!topic.partitions.is_empty());
            prop_assert!(topic.partitions.iter().all(|p| p.replicas.contains(&p.leader)));
            // Whatever was accepted can be read by type.
            prop_assert!(w.machine.topic_config(&topic.name).long("retention.ms") >= -1);
        }
        prop_assert_eq!(w.machine.names.len(), w.machine.topics.len());
    }
}
