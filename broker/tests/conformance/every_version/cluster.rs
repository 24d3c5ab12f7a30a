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
