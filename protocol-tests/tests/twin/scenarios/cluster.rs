//! What one node answers about itself, its quorum, its replicas and its security.

use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::*;

use super::Scenario;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("cluster::describe_topic_partitions", describe_topic_partitions),
    ("cluster::elect_leaders", elect_leaders),
    ("cluster::reassignments", reassignments),
    ("cluster::quorum", quorum),
    ("cluster::raft_voters", raft_voters),
    ("cluster::features", features),
    ("cluster::unregister_broker", unregister_broker),
    ("cluster::acls_without_an_authorizer", acls),
    ("cluster::delegation_tokens_over_plaintext", delegation_tokens),
    ("cluster::sasl_on_a_plaintext_listener", sasl),
];

fn describe_topic_partitions(side: &mut Side) -> Result<(), String> {
    let a = side.topic("a", 3, &[])?;
    let b = side.topic("b", 2, &[])?;
    let names = |names: &[&str]| names.iter().map(|n| TopicRequest::default().with_name(topic(n))).collect::<Vec<_>>();
    let request = |names: Vec<TopicRequest>, limit: i32, cursor: Option<(&str, i32)>| {
        DescribeTopicPartitionsRequest::default()
            .with_topics(names)
            .with_response_partition_limit(limit)
            .with_cursor(cursor.map(|(n, p)| Cursor::default().with_topic_name(topic(n)).with_partition_index(p)))
    };
    let both = names(&[&b.name, &a.name]);
    side.about("both in name order");
    side.ask(0, &request(both.clone(), 2000, None))?;
    for limit in [1, 2, 3, 4, 5] {
        side.about(format!("at most {limit} partitions"));
        side.ask(0, &request(both.clone(), limit, None))?;
    }
    side.about("from a cursor");
    side.ask(0, &request(both.clone(), 2000, Some((&a.name, 2))))?;
    side.about("from a cursor beyond the topic's partitions");
    side.ask(0, &request(both.clone(), 2000, Some((&a.name, 9))))?;
    side.about("a topic that is not there, and one twice");
    side.ask(0, &request(names(&["nowhere", &a.name, &a.name]), 2000, None))?;
    side.about("a cursor in a topic that is not asked for");
    side.ask_or_closed(0, &request(names(&[&a.name]), 2000, Some((&b.name, 0))))?;
    side.about("a cursor at a negative partition");
    side.ask_or_closed(0, &request(names(&[&a.name]), 2000, Some((&a.name, -1))))?;
    side.about("a limit of none");
    side.ask_or_closed(0, &request(names(&[&a.name]), 0, None))?;
    side.about("a name that cannot be");
    side.ask(0, &request(names(&["not/a/name"]), 2000, None))?;
    Ok(())
}

fn elect_leaders(side: &mut Side) -> Result<(), String> {
    let known = side.topic("known", 2, &[])?;
    let of = |name: &str, partitions: &[i32]| {
        TopicPartitions::default().with_topic(topic(name)).with_partitions(partitions.to_vec())
    };
    for version in 0..=2 {
        for kind in if version == 0 { vec![0] } else { vec![0, 1, 7] } {
            side.about(format!("of kind {kind}"));
            let request = ElectLeadersRequest::default()
                .with_timeout_ms(5000)
                .with_topic_partitions(Some(vec![of(&known.name, &[0, 1, 5]), of("nowhere", &[0])]));
            let request = if version >= 1 { request.with_election_type(kind) } else { request };
            side.ask_sorted(version, &request, |answer| {
                answer.replica_election_results.sort_by(|a, b| a.topic.cmp(&b.topic));
                for topic in &mut answer.replica_election_results {
                    topic.partition_result.sort_by_key(|p| p.partition_id);
                }
            })?;
        }
    }
    side.about("all partitions");
    let all = ElectLeadersRequest::default().with_timeout_ms(5000).with_topic_partitions(None);
    side.ask_sorted(2, &all, |answer| answer.replica_election_results.retain(|r| r.topic.0.as_str() == known.name))?;
    Ok(())
}

fn reassignments(side: &mut Side) -> Result<(), String> {
    let known = side.topic("known", 2, &[])?;
    let to = |index: i32, replicas: Option<&[i32]>| {
        ReassignablePartition::default()
            .with_partition_index(index)
            .with_replicas(replicas.map(|r| r.iter().map(|b| BrokerId(*b)).collect()))
    };
    let of = |name: &str, partitions: Vec<ReassignablePartition>| {
        ReassignableTopic::default().with_name(topic(name)).with_partitions(partitions)
    };
    for version in 0..=1 {
        for (about, partitions) in [
            ("where it is", vec![to(0, Some(&[1]))]),
            ("to a broker that is not there", vec![to(0, Some(&[2]))]),
            ("to no broker", vec![to(0, Some(&[]))]),
            ("to a broker twice", vec![to(0, Some(&[1, 1]))]),
            ("to a negative broker", vec![to(0, Some(&[-1]))]),
            ("taking back what does not go on", vec![to(0, None)]),
            ("a partition that is not there", vec![to(9, Some(&[1]))]),
            ("to more brokers than there are", vec![to(1, Some(&[1, 2, 3]))]),
        ] {
            side.about(about);
            let request = AlterPartitionReassignmentsRequest::default()
                .with_timeout_ms(5000)
                .with_topics(vec![of(&known.name, partitions), of("nowhere", vec![to(0, Some(&[1]))])]);
            side.ask(version, &request)?;
        }
    }
    for topics in [None, Some(vec![(known.name.as_str(), vec![0, 1])]), Some(vec![("nowhere", vec![0])])] {
        side.about(format!("of {topics:?}"));
        let topics = topics.map(|list| {
            let one = |(name, partitions): (&str, Vec<i32>)| {
                ListPartitionReassignmentsTopics::default().with_name(topic(name)).with_partition_indexes(partitions)
            };
            list.into_iter().map(one).collect()
        });
        side.ask(0, &ListPartitionReassignmentsRequest::default().with_timeout_ms(5000).with_topics(topics))?;
    }
    Ok(())
}

fn quorum(side: &mut Side) -> Result<(), String> {
    for version in 0..=2 {
        for (name, partition) in [("__cluster_metadata", 0), ("__cluster_metadata", 1), ("nowhere", 0)] {
            side.about(format!("of {name}-{partition}"));
            let data = TopicData::default()
                .with_topic_name(topic(name))
                .with_partitions(vec![PartitionData::default().with_partition_index(partition)]);
            side.ask_sorted(version, &DescribeQuorumRequest::default().with_topics(vec![data]), |answer| {
                for partition in answer.topics.iter_mut().flat_map(|t| &mut t.partitions) {
                    // How far each broker's log is, and when it was asked.
                    partition.high_watermark = partition.high_watermark.min(1);
                    partition.leader_epoch = partition.leader_epoch.min(1);
                    for replica in partition.current_voters.iter_mut().chain(&mut partition.observers) {
                        replica.log_end_offset = replica.log_end_offset.min(1);
                        replica.last_fetch_timestamp = replica.last_fetch_timestamp.min(1);
                        replica.last_caught_up_timestamp = replica.last_caught_up_timestamp.min(1);
                    }
                }
            })?;
        }
    }
    Ok(())
}

fn raft_voters(side: &mut Side) -> Result<(), String> {
    let listener = add_raft_voter_request::Listener::default()
        .with_name(text("CONTROLLER"))
        .with_host(text("localhost"))
        .with_port(9);
    let directory = uuid::Uuid::from_u128(7);
    for (cluster_id, id, directory) in
        [(None, 2, directory), (None, -1, directory), (None, 2, uuid::Uuid::nil()), (None, 1, directory)]
    {
        side.about(format!("cluster {cluster_id:?}, voter {id} in {directory}"));
        let request = AddRaftVoterRequest::default()
            .with_cluster_id(cluster_id.map(text))
            .with_timeout_ms(1000)
            .with_voter_id(id)
            .with_voter_directory_id(directory)
            .with_listeners(vec![listener.clone()]);
        side.ask(0, &request)?;
        side.about(format!("cluster {cluster_id:?}, voter {id} in {directory}"));
        let request = RemoveRaftVoterRequest::default()
            .with_cluster_id(cluster_id.map(text))
            .with_voter_id(id)
            .with_voter_directory_id(directory);
        side.ask(0, &request)?;
    }
    Ok(())
}

fn features(side: &mut Side) -> Result<(), String> {
    let update = |name: &str, level: i16, kind: i8| {
        FeatureUpdateKey::default().with_feature(text(name)).with_max_version_level(level).with_upgrade_type(kind)
    };
    for (name, level) in [("no.such.feature", 1), ("transaction.version", 2)] {
        side.about(format!("{name} to {level}"));
        let update = FeatureUpdateKey::default().with_feature(text(name)).with_max_version_level(level);
        side.ask_or_closed(
            0,
            &UpdateFeaturesRequest::default().with_timeout_ms(5000).with_feature_updates(vec![update]),
        )?;
    }
    for version in 1..=2 {
        for (name, level, kind) in [
            ("no.such.feature", 1, 1),
            ("transaction.version", 99, 1),
            ("transaction.version", 2, 1),
            ("transaction.version", 1, 1),
            ("transaction.version", -1, 1),
            ("metadata.version", 1, 1),
            ("metadata.version", 31, 1),
            ("metadata.version", 29, 1),
            ("metadata.version", 29, 2),
            ("metadata.version", 7, 3),
            ("metadata.version", 30, 2),
            ("share.version", 2, 1),
            ("share.version", 0, 2),
            ("group.version", 0, 3),
            ("transaction.version", 2, 9),
        ] {
            side.about(format!("{name} to {level} by {kind}"));
            let request = UpdateFeaturesRequest::default()
                .with_timeout_ms(5000)
                .with_feature_updates(vec![update(name, level, kind)])
                .with_validate_only(true);
            side.ask(version, &request)?;
        }
    }
    Ok(())
}

fn unregister_broker(side: &mut Side) -> Result<(), String> {
    for broker in [7, -1] {
        side.about(format!("broker {broker}"));
        side.ask(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(broker)))?;
    }
    Ok(())
}

fn acls(side: &mut Side) -> Result<(), String> {
    for version in 1..=3 {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(2)
            .with_resource_name_filter(Some(text("a")))
            .with_pattern_type_filter(3)
            .with_operation(1)
            .with_permission_type(1);
        side.ask(version, &request)?;
        let creation = AclCreation::default()
            .with_resource_type(2)
            .with_resource_name(text("a"))
            .with_resource_pattern_type(3)
            .with_principal(text("User:a"))
            .with_host(text("*"))
            .with_operation(3)
            .with_permission_type(3);
        side.ask(version, &CreateAclsRequest::default().with_creations(vec![creation.clone(), creation]))?;
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(2)
            .with_pattern_type_filter(3)
            .with_operation(1)
            .with_permission_type(1);
        side.ask(version, &DeleteAclsRequest::default().with_filters(vec![filter]))?;
    }
    Ok(())
}

fn delegation_tokens(side: &mut Side) -> Result<(), String> {
    let hmac = bytes::Bytes::from_static(b"hmac");
    for version in 1..=3 {
        side.ask(version, &CreateDelegationTokenRequest::default().with_max_lifetime_ms(1000))?;
        side.ask(version, &DescribeDelegationTokenRequest::default().with_owners(None))?;
    }
    for version in 1..=2 {
        let renew = RenewDelegationTokenRequest::default().with_hmac(hmac.clone()).with_renew_period_ms(1000);
        side.ask(version, &renew)?;
        let expire = ExpireDelegationTokenRequest::default().with_hmac(hmac.clone()).with_expiry_time_period_ms(1000);
        side.ask(version, &expire)?;
    }
    Ok(())
}

fn sasl(side: &mut Side) -> Result<(), String> {
    for version in 0..=1 {
        side.ask_or_closed(version, &SaslHandshakeRequest::default().with_mechanism(text("PLAIN")))?;
    }
    for version in 0..=2 {
        let bytes = bytes::Bytes::from_static(b"\0a\0b");
        side.ask_or_closed(version, &SaslAuthenticateRequest::default().with_auth_bytes(bytes))?;
    }
    Ok(())
}
