//! APIs that make, change and describe topics.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::requests::create_topic;
use crate::support::{text, topic};

pub fn create_topics(client: &mut Client, world: &World, version: i16) {
    client.call(version, &CreateTopicsRequest::default());
    let config = CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(Some(text("1000")));
    let assignment = CreatableReplicaAssignment::default().with_partition_index(0).with_broker_ids(vec![BrokerId(1)]);
    let counted =
        |name: &str| CreatableTopic::default().with_name(topic(name)).with_num_partitions(2).with_replication_factor(1);
    let assigned = CreatableTopic::default()
        .with_name(topic(&format!("assigned-{version}")))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(vec![assignment]);
    let topics = vec![
        counted(&format!("counted-{version}")).with_configs(vec![config]),
        assigned,
        counted(&world.known.name),
        counted("not a name"),
    ];
    for (validate_only, first) in [(true, 0), (false, 0), (false, 36)] {
        let request = CreateTopicsRequest::default()
            .with_topics(topics.clone())
            .with_timeout_ms(5000)
            .with_validate_only(validate_only);
        let mut errors: Vec<(String, i16)> =
            client.call(version, &request).topics.iter().map(|t| (t.name.to_string(), t.error_code)).collect();
        errors.sort();
        let expected = [
            (format!("assigned-{version}"), first),
            (format!("counted-{version}"), first),
            ("known".to_owned(), 36),
            ("not a name".to_owned(), 17),
        ];
        assert_eq!(errors, expected);
    }
}

pub fn delete_topics(client: &mut Client, world: &World, version: i16) {
    client.call(version, &DeleteTopicsRequest::default());
    let doomed = create_topic(client, &format!("doomed-{version}"), 1, &[]);
    let request = DeleteTopicsRequest::default().with_timeout_ms(5000);
    if version < 6 {
        let names = vec![topic(&doomed.name), topic(&world.unknown.name)];
        let response = client.call(version, &request.with_topic_names(names));
        assert_eq!(response.responses.len(), 2);
        return;
    }
    let by_name = DeleteTopicState::default().with_name(Some(topic(&doomed.name)));
    let by_id = DeleteTopicState::default().with_name(None).with_topic_id(world.unknown.id);
    let response = client.call(version, &request.with_topics(vec![by_name, by_id]));
    assert_eq!(response.responses.len(), 2);
}

pub fn create_partitions(client: &mut Client, world: &World, version: i16) {
    client.call(version, &CreatePartitionsRequest::default());
    let growing = create_topic(client, &format!("growing-{version}"), 1, &[]);
    let more = |name: &str, count| {
        CreatePartitionsTopic::default().with_name(topic(name)).with_count(count).with_assignments(None)
    };
    let topics = vec![more(&growing.name, 4), more(&world.unknown.name, 4), more(&world.known.name, 1)];
    let request = CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(5000);
    let mut errors: Vec<i16> = client.call(version, &request).results.iter().map(|r| r.error_code).collect();
    errors.sort_unstable();
    assert_eq!(errors, [0, 3, 37]);
}

pub fn describe_configs(client: &mut Client, world: &World, version: i16) {
    client.call(version, &DescribeConfigsRequest::default());
    let resource = |kind, name: &str| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let some = Some(vec![text("retention.ms"), text("nothing.like.it")]);
    let resources = vec![
        resource(2, &world.known.name),
        resource(2, &world.known.name).with_configuration_keys(some),
        resource(2, &world.unknown.name),
        resource(4, "1"),
        resource(4, "9"),
        resource(4, ""),
        resource(8, "1"),
        resource(16, "metrics"),
        resource(32, "group"),
        resource(77, "what"),
    ];
    for (synonyms, docs) in [(false, false), (true, version >= 3)] {
        let request = DescribeConfigsRequest::default()
            .with_resources(resources.clone())
            .with_include_synonyms(synonyms)
            .with_include_documentation(docs);
        let response = client.call(version, &request);
        assert_eq!(response.results.len(), resources.len());
        assert_eq!(response.results[1].configs.len(), 1);
    }
}

/// Resources of every kind, known and not; a broker's answers are 0 for the first two of them.
const RESOURCES: [(i8, &str); 8] =
    [(2, "known"), (4, "1"), (2, "nowhere"), (4, "9"), (8, "1"), (16, "metrics"), (32, "group"), (77, "what")];
const ANSWERS: [i16; 8] = [0, 0, 3, 42, 42, 42, 40, 42];

pub fn alter_configs(client: &mut Client, _: &World, version: i16) {
    use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
    client.call(version, &AlterConfigsRequest::default());
    let resource = |(kind, name): (i8, &str)| {
        let key = if kind == 4 { "log.retention.ms" } else { "retention.ms" };
        let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text("604800001")));
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    };
    let request = AlterConfigsRequest::default().with_resources(RESOURCES.map(resource).into());
    let response = client.call(version, &request.with_validate_only(true));
    assert_eq!(response.responses.iter().map(|r| r.error_code).collect::<Vec<_>>(), ANSWERS);
}

pub fn incremental_alter_configs(client: &mut Client, _: &World, version: i16) {
    use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    client.call(version, &IncrementalAlterConfigsRequest::default());
    let resource = |(kind, name): (i8, &str)| {
        let key = if kind == 4 { "log.retention.ms" } else { "retention.ms" };
        let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text("604800001")));
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(vec![config])
    };
    let request = IncrementalAlterConfigsRequest::default().with_resources(RESOURCES.map(resource).into());
    let response = client.call(version, &request.with_validate_only(true));
    assert_eq!(response.responses.iter().map(|r| r.error_code).collect::<Vec<_>>(), ANSWERS);
}

pub fn list_config_resources(client: &mut Client, world: &World, version: i16) {
    let all = client.call(version, &ListConfigResourcesRequest::default());
    assert_eq!(all.error_code, 0);
    if version == 0 {
        // Client metrics subscriptions alone.
        assert_eq!(all.config_resources, []);
        return;
    }
    assert!(all.config_resources.iter().any(|r| *r.resource_name == *world.known.name));
    let some = ListConfigResourcesRequest::default().with_resource_types(vec![4]);
    assert_eq!(client.call(version, &some).config_resources.len(), 1);
}
