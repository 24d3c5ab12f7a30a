//! CreateTopics. Sources: ReplicationControlManagerTest, ControllerApisTest, QuorumControllerTest.

use super::*;

#[test]
fn a_topic_is_made_with_the_asked_partitions_led_by_the_node() {
    let mut w = World::new();
    let topic = with_configs(w.topic("orders", 3, 1), &[("retention.ms", Some("1000"))]);
    let id = topic.topic_id;
    let result = w.create(topic);
    assert_eq!(
        (result.error, result.topic_id, result.partitions, result.replication_factor),
        (ErrorCode::None, id, 3, 1)
    );
    let shown = result.configs.iter().find(|c| c.name == "retention.ms").unwrap();
    assert_eq!((shown.value.as_deref(), shown.source), (Some("1000"), topic_config::ConfigSource::DynamicTopic));
    let info = w.machine.topic("orders").unwrap();
    assert_eq!((info.topic_id, info.partition_count()), (id, 3));
    let partition = w.machine.partition("orders", 2).unwrap();
    assert_eq!((partition.leader, partition.leader_epoch.0), (BrokerId(1), 0));
    assert_eq!((&partition.replicas, &partition.isr), (&vec![BrokerId(1)], &vec![BrokerId(1)]));
    assert_eq!(w.machine.topic_by_id(id).unwrap().name, "orders");
    assert_eq!(w.machine.topic_config("orders").long("retention.ms"), 1000);
    let opened = Effect::OpenPartitions { topic: "orders".into(), topic_id: id, partitions: vec![0, 1, 2] };
    assert_eq!(w.effects, [opened]);
    assert_eq!(w.machine.partition("orders", 3), None);
    assert_eq!(w.machine.partition("orders", -1), None);
}

#[test]
fn minus_one_takes_the_defaults() {
    let config = MetadataConfig { num_partitions: 4, default_replication_factor: 2, ..MetadataConfig::default() };
    let mut w = World::with(config, &[1, 2, 3]);
    let topic = w.topic("t", -1, -1);
    let result = w.create(topic);
    assert_eq!((result.partitions, result.replication_factor), (4, 2));
    for partition in &w.machine.topic("t").unwrap().partitions {
        assert_ne!(partition.replicas[0], partition.replicas[1]);
        assert_eq!(partition.leader, partition.replicas[0]);
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let mut w = World::new();
    for (partitions, factor, error, message) in [
        (0, 1, ErrorCode::InvalidPartitions, "Number of partitions was set to an invalid non-positive value."),
        (-2, 1, ErrorCode::InvalidPartitions, "Number of partitions was set to an invalid non-positive value."),
        (
            1,
            0,
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            1,
            -2,
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            1,
            3,
            ErrorCode::InvalidReplicationFactor,
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only \
             1 broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (i32::MAX, 1, ErrorCode::PolicyViolation, "Excessively large number of partitions per request."),
        (10_000, 1, ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation."),
    ] {
        let topic = w.topic("t", partitions, factor);
        assert_eq!(w.refused(topic), (error, message.to_owned()));
    }
    assert!(w.effects.is_empty());
}

#[test]
fn names_are_checked() {
    let mut w = World::new();
    w.made("a.b", 1);
    for (name, error, message) in [
        ("a.b", ErrorCode::TopicAlreadyExists, "Topic 'a.b' already exists."),
        ("a_b", ErrorCode::InvalidTopicException, "Topic 'a_b' collides with existing topic: a.b"),
        ("", ErrorCode::InvalidTopicException, "Topic name is invalid: the empty string is not allowed"),
        (
            "__cluster_metadata",
            ErrorCode::InvalidRequest,
            "Creation of internal topic __cluster_metadata is prohibited.",
        ),
    ] {
        let topic = w.topic(name, 1, 1);
        assert_eq!(w.refused(topic), (error, message.to_owned()));
    }
    w.made("__consumer_offsets", 1);
}

#[test]
fn a_name_twice_in_a_request_is_refused_once_and_the_others_are_made() {
    let mut w = World::new();
    let topics = ["a", "b", "a"].map(|name| w.topic(name, 1, 1)).to_vec();
    let results = w.create_all(topics, false);
    let short: Vec<_> = results.iter().map(|r| (r.name.as_str(), r.error, r.message.as_deref())).collect();
    assert_eq!(short, [("a", ErrorCode::InvalidRequest, Some("Duplicate topic name.")), ("b", ErrorCode::None, None)]);
    assert!(w.machine.topic("a").is_none() && w.machine.topic("b").is_some());
}

#[test]
fn configs_are_checked() {
    let mut w = World::new();
    for (configs, message) in [
        (vec![("retention", Some("1"))], "Unknown topic config name: retention"),
        (
            vec![("retention.ms", Some("-5"))],
            "Invalid value -5 for configuration retention.ms: Value must be at least -1",
        ),
        (
            vec![("retention.ms", None), ("segment.ms", None)],
            "Null value not supported for topic configs: retention.ms,segment.ms",
        ),
    ] {
        let topic = with_configs(w.topic("t", 1, 1), &configs);
        assert_eq!(w.refused(topic), (ErrorCode::InvalidConfig, message.to_owned()));
    }
}

#[test]
fn chosen_replicas_are_used() {
    let mut w = World::with(MetadataConfig::default(), &[1, 2, 3]);
    let topic = assigned(w.topic("t", -1, -1), &[(1, &[3, 1]), (0, &[2, 3])]);
    let result = w.create(topic);
    assert_eq!((result.error, result.partitions, result.replication_factor), (ErrorCode::None, 2, 2));
    assert_eq!(w.machine.partition("t", 0).unwrap().replicas, [BrokerId(2), BrokerId(3)]);
    assert_eq!(w.machine.partition("t", 1).unwrap().leader, BrokerId(3));
}

#[test]
fn chosen_replicas_are_checked() {
    // ReplicationControlManagerTest.testValidateBadManualPartitionAssignments and testCreateTopicsWithManualAssignment.
    let mut w = World::with(MetadataConfig::default(), &[1, 2]);
    let bad = ErrorCode::InvalidReplicaAssignment;
    let cases: Vec<(Assigned<'_>, &str)> = vec![
        (&[(0, &[])], "The manual partition assignment includes an empty replica list."),
        (&[(0, &[1, 3])], "The manual partition assignment includes broker 3, but no such broker is registered."),
        (&[(0, &[2, 2])], "The manual partition assignment includes the broker 2 more than once."),
        (
            &[(0, &[1]), (1, &[1, 2])],
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous \
             partitions, which have 1 replica(s).",
        ),
        (&[(0, &[1]), (0, &[2])], "Found multiple manual partition assignments for partition 0"),
        (&[(0, &[1]), (2, &[2])], "partitions should be a consecutive 0-based integer sequence"),
        (&[(1, &[1])], "partitions should be a consecutive 0-based integer sequence"),
    ];
    for (assignments, message) in cases {
        let topic = assigned(w.topic("t", -1, -1), assignments);
        assert_eq!(w.refused(topic), (bad, message.to_owned()));
    }
    let topic = assigned(w.topic("t", 1, -1), &[(0, &[1])]);
    let message = "A manual partition assignment was specified, but numPartitions was not set to -1.";
    assert_eq!(w.refused(topic), (ErrorCode::InvalidRequest, message.to_owned()));
    let topic = assigned(w.topic("t", -1, 1), &[(0, &[1])]);
    let message = "A manual partition assignment was specified, but replication factor was not set to -1.";
    assert_eq!(w.refused(topic), (ErrorCode::InvalidRequest, message.to_owned()));
}

#[test]
fn validate_only_answers_and_makes_nothing() {
    let mut w = World::new();
    let (topics, before) = (vec![w.topic("t", 2, 1)], w.machine.clone());
    let result = w.create_all(topics, true).remove(0);
    assert_eq!((result.error, result.partitions), (ErrorCode::None, 2));
    assert_ne!(result.topic_id, TopicId::ZERO, "Kafka gives it an id as well");
    assert_eq!((w.machine, w.effects), (before, vec![]));
}

#[test]
fn the_node_has_a_largest_number_of_partitions() {
    let mut w = World::with(MetadataConfig { max_partitions: 3, ..MetadataConfig::default() }, &[1]);
    let topics = ["a", "b", "c"].map(|name| w.topic(name, 2, 1)).to_vec();
    let errors: Vec<_> = w.create_all(topics, false).iter().map(|r| r.error).collect();
    assert_eq!(errors, [ErrorCode::None, ErrorCode::PolicyViolation, ErrorCode::PolicyViolation]);
    w.made("d", 1);
}
