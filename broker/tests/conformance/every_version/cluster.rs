//! APIs on the cluster.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;

use super::World;
use crate::support::client::Client;
use crate::support::{text, topic};

pub fn metadata(client: &mut Client, world: &World, version: i16) {
    client.call(version, &MetadataRequest::default());
    if version >= 1 {
        let all = client.call(version, &MetadataRequest::default().with_topics(None));
        assert!(all.topics.iter().any(|t| t.name.as_ref().is_some_and(|n| ***n == *world.known.name)));
    }
    let by_name = |name: &str| MetadataRequestTopic::default().with_name(Some(topic(name)));
    let names = [&*world.known.name, &*world.unknown.name, "not/a/name"];
    let request = MetadataRequest::default().with_topics(Some(names.into_iter().map(by_name).collect()));
    let request = if version >= 4 { request.with_allow_auto_topic_creation(false) } else { request };
    let request = if version >= 8 { request.with_include_topic_authorized_operations(true) } else { request };
    let request =
        if (8..=10).contains(&version) { request.with_include_cluster_authorized_operations(true) } else { request };
    let response = client.call(version, &request);
    assert_eq!(response.topics.len(), 3);
    assert_eq!(response.topics[0].partitions.len(), 3);
    assert_eq!(response.topics[2].error_code, 17, "INVALID_TOPIC_EXCEPTION");
    if version >= 12 {
        let by_id = |id| MetadataRequestTopic::default().with_name(None).with_topic_id(id);
        let topics = vec![by_id(world.known.id), by_id(world.unknown.id)];
        let response = client.call(version, &MetadataRequest::default().with_topics(Some(topics)));
        assert_eq!(response.topics.iter().map(|t| t.error_code).collect::<Vec<_>>(), [0, 100]);
    }
}

pub fn api_versions(client: &mut Client, _: &World, version: i16) {
    client.call(version, &ApiVersionsRequest::default());
    let request = ApiVersionsRequest::default();
    let request = if version >= 3 {
        request.with_client_software_name(text("test")).with_client_software_version(text("1.0"))
    } else {
        request
    };
    assert_eq!(client.call(version, &request).error_code, 0);
}

pub fn describe_cluster(client: &mut Client, _: &World, version: i16) {
    client.call(version, &DescribeClusterRequest::default());
    let request = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
    let request = if version >= 2 { request.with_include_fenced_brokers(true) } else { request };
    assert_eq!(client.call(version, &request).brokers.len(), 1);
    if version >= 1 {
        client.call(version, &request.with_endpoint_type(2));
    }
}

pub fn describe_log_dirs(client: &mut Client, world: &World, version: i16) {
    let of_known = |response: &DescribeLogDirsResponse| {
        let topics = response.results.iter().flat_map(|dir| &dir.topics);
        topics.filter(|t| **t.name == *world.known.name).map(|t| t.partitions.len()).sum::<usize>()
    };
    let all = client.call(version, &DescribeLogDirsRequest::default().with_topics(None));
    assert_eq!((all.results.len(), all.results[0].error_code, of_known(&all)), (1, 0, 3));
    if version >= 4 {
        assert!(all.results[0].usable_bytes > 0);
    }
    let named = describe_log_dirs_request::DescribableLogDirTopic::default()
        .with_topic(topic(&world.known.name))
        .with_partitions(vec![1, 77]);
    let one = client.call(version, &DescribeLogDirsRequest::default().with_topics(Some(vec![named])));
    assert_eq!(of_known(&one), 1);
}

pub fn alter_replica_log_dirs(client: &mut Client, world: &World, version: i16) {
    use alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
    let dirs = client.call(1, &DescribeLogDirsRequest::default().with_topics(None)).results;
    let mut ask = |path: &str, name: &str| {
        let named = AlterReplicaLogDirTopic::default().with_name(topic(name)).with_partitions(vec![0]);
        let dir = AlterReplicaLogDir::default().with_path(text(path)).with_topics(vec![named]);
        let answer = client.call(version, &AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]));
        answer.results[0].partitions[0].error_code
    };
    assert_eq!(ask(&dirs[0].log_dir, &world.known.name), 0, "it is there already");
    assert_eq!(ask(&dirs[0].log_dir, &world.unknown.name), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(ask("/nowhere", &world.known.name), 57, "LOG_DIR_NOT_FOUND");
}

pub fn describe_topic_partitions(client: &mut Client, world: &World, version: i16) {
    let none = DescribeTopicPartitionsRequest::default().with_response_partition_limit(0);
    let all = client.call(version, &none);
    assert_eq!(all.topics[0].partitions.len(), 1, "a limit of none counts as one");
    let name = |n: &str| describe_topic_partitions_request::TopicRequest::default().with_name(topic(n));
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(vec![name(&world.unknown.name), name(&world.known.name)])
        .with_response_partition_limit(2000);
    let response = client.call(version, &request.with_cursor(None));
    assert_eq!(
        response.topics.iter().map(|t| (t.error_code, t.partitions.len())).collect::<Vec<_>>(),
        [(0, 3), (3, 0)]
    );
}

pub fn elect_leaders(client: &mut Client, world: &World, version: i16) {
    client.call(version, &ElectLeadersRequest::default().with_topic_partitions(None));
    let wanted = elect_leaders_request::TopicPartitions::default()
        .with_topic(topic(&world.known.name))
        .with_partitions(vec![0, 9]);
    let response = client.call(version, &ElectLeadersRequest::default().with_topic_partitions(Some(vec![wanted])));
    let errors = response.replica_election_results[0].partition_result.iter().map(|p| p.error_code);
    assert_eq!(errors.collect::<Vec<_>>(), [84, 3], "ELECTION_NOT_NEEDED, UNKNOWN_TOPIC_OR_PARTITION");
}

pub fn alter_partition_reassignments(client: &mut Client, world: &World, version: i16) {
    use alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
    client.call(version, &AlterPartitionReassignmentsRequest::default());
    let partition = ReassignablePartition::default().with_partition_index(0).with_replicas(Some(vec![BrokerId(77)]));
    let wanted = ReassignableTopic::default().with_name(topic(&world.known.name)).with_partitions(vec![partition]);
    let response = client.call(version, &AlterPartitionReassignmentsRequest::default().with_topics(vec![wanted]));
    assert_eq!(response.responses[0].partitions[0].error_code, 39, "INVALID_REPLICA_ASSIGNMENT");
}

pub fn list_partition_reassignments(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &ListPartitionReassignmentsRequest::default().with_topics(None));
    assert_eq!((response.error_code, response.topics.len()), (0, 0));
}

pub fn describe_quorum(client: &mut Client, _: &World, version: i16) {
    use describe_quorum_request::{PartitionData, TopicData};
    client.call(version, &DescribeQuorumRequest::default());
    let data = TopicData::default()
        .with_topic_name(topic("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let response = client.call(version, &DescribeQuorumRequest::default().with_topics(vec![data]));
    let partition = &response.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.current_voters.len()), (0, 1));
}

pub fn update_features(client: &mut Client, _: &World, version: i16) {
    use update_features_request::FeatureUpdateKey;
    client.call(version, &UpdateFeaturesRequest::default());
    let update = FeatureUpdateKey::default().with_feature(text("transaction.version")).with_max_version_level(99);
    let response = client.call(version, &UpdateFeaturesRequest::default().with_feature_updates(vec![update]));
    assert_eq!(response.error_code, 95, "INVALID_UPDATE_VERSION");
}

pub fn unregister_broker(client: &mut Client, _: &World, version: i16) {
    let response = client.call(version, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(77)));
    assert_eq!(response.error_code, 102, "BROKER_ID_NOT_REGISTERED");
}

pub fn describe_client_quotas(client: &mut Client, _: &World, version: i16) {
    use describe_client_quotas_request::ComponentData;
    let component = ComponentData::default().with_entity_type(text("user")).with_match_type(2).with_match(None);
    let request = DescribeClientQuotasRequest::default().with_components(vec![component]).with_strict(true);
    assert_eq!(client.call(version, &request).error_code, 0);
    assert!(client.call(version, &DescribeClientQuotasRequest::default()).entries.is_some());
}

pub fn alter_client_quotas(client: &mut Client, _: &World, version: i16) {
    use alter_client_quotas_request::{EntityData, EntryData, OpData};
    client.call(version, &AlterClientQuotasRequest::default());
    let entity = EntityData::default().with_entity_type(text("user")).with_entity_name(Some(text("every-version")));
    let op = |remove| OpData::default().with_key(text("request_percentage")).with_value(1e6).with_remove(remove);
    for remove in [false, true] {
        let entry = EntryData::default().with_entity(vec![entity.clone()]).with_ops(vec![op(remove)]);
        let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
        assert_eq!(client.call(version, &request).entries[0].error_code, 0);
    }
}

pub fn add_raft_voter(client: &mut Client, _: &World, version: i16) {
    let request = AddRaftVoterRequest::default().with_cluster_id(None);
    assert_eq!(client.call(version, &request).error_code, 42, "INVALID_REQUEST: no directory");
    let request = request.with_voter_id(2).with_voter_directory_id(uuid::Uuid::from_u128(7));
    assert_eq!(client.call(version, &request).error_code, 35, "UNSUPPORTED_VERSION: the quorum is fixed");
    let request = request.with_cluster_id(Some(text("another")));
    assert_eq!(client.call(version, &request).error_code, 104, "INCONSISTENT_CLUSTER_ID");
}

pub fn remove_raft_voter(client: &mut Client, _: &World, version: i16) {
    let request = RemoveRaftVoterRequest::default().with_cluster_id(None);
    assert_eq!(client.call(version, &request).error_code, 42, "INVALID_REQUEST: no directory");
    let request = request.with_voter_id(2).with_voter_directory_id(uuid::Uuid::from_u128(7));
    assert_eq!(client.call(version, &request).error_code, 35, "UNSUPPORTED_VERSION: the quorum is fixed");
}
