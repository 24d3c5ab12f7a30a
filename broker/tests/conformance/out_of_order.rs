//! Requests that make no sense in the state that the broker is in: Sync before Join, a session nobody opened, the end of a transaction
//! that never began. Every API of the table says here what that is for it; each is asked in every version and refused in its answer.

use forebay::api::TABLE;
use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::consumer_groups::beating;
use crate::support::groups::{commit_request, join_request, sync_request};
use crate::support::records::{Origin, batch_of};
use crate::support::requests::{Topic, create_topic, produce_in};
use crate::support::{Broker, group, producer, text, topic, transactional};

const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const ILLEGAL_SASL_STATE: i16 = 34;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
const INVALID_PRODUCER_ID_MAPPING: i16 = 49;
const GROUP_ID_NOT_FOUND: i16 = 69;
const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
const TRANSACTIONAL_ID_NOT_FOUND: i16 = 105;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

/// Asks out of order in a version: the error codes that came, and the one that Kafka gives; `None` if the version has no such state.
type Probe = fn(&mut Client, &Topic, i16) -> Option<(Vec<i16>, i16)>;

/// How an API is asked out of order.
enum Order {
    /// Like this.
    Asked(Probe),
    /// Each of its requests stands for itself; unknown topics, groups and the like are in `every_version` and in the twin.
    None,
}

fn order(key: ApiKey) -> Order {
    use ApiKey as Key;
    Order::Asked(match key {
        Key::Produce => produce,
        Key::Fetch => fetch,
        Key::OffsetCommit => |client, _, version| {
            let request = commit_request(version, "nobody's", (5, "nobody"), ("known", 0, 1));
            let answer = client.call(version, &request);
            // Kafka: GroupMetadataManager via OffsetMetadataManager.validateOffsetCommit.
            let expected = if version >= 9 { GROUP_ID_NOT_FOUND } else { ILLEGAL_GENERATION };
            Some((vec![answer.topics[0].partitions[0].error_code], expected))
        },
        Key::JoinGroup => |client, _, version| {
            let answer = client.call(version, &join_request(version, "joined by nobody", "nobody", None));
            Some((vec![answer.error_code], UNKNOWN_MEMBER_ID))
        },
        Key::SyncGroup => |client, _, version| {
            let answer = client.call(version, &sync_request(version, "never joined", 1, "nobody", &[]));
            Some((vec![answer.error_code], UNKNOWN_MEMBER_ID))
        },
        Key::Heartbeat => |client, _, version| {
            let request =
                HeartbeatRequest::default().with_group_id(group("never joined")).with_member_id(text("nobody"));
            Some((vec![client.call(version, &request).error_code], UNKNOWN_MEMBER_ID))
        },
        Key::DeleteGroups => |client, _, version| {
            let request = DeleteGroupsRequest::default().with_groups_names(vec![group("never made")]);
            Some((vec![client.call(version, &request).results[0].error_code], GROUP_ID_NOT_FOUND))
        },
        Key::ConsumerGroupHeartbeat => |client, _, version| {
            Some((vec![client.call(version, &beating("never joined", "nobody", 5)).error_code], GROUP_ID_NOT_FOUND))
        },
        Key::ConsumerGroupDescribe => |client, _, version| {
            let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group("never made")]);
            Some((vec![client.call(version, &request).groups[0].error_code], GROUP_ID_NOT_FOUND))
        },
        Key::OffsetDelete => |client, _, version| {
            let request = OffsetDeleteRequest::default().with_group_id(group("never made"));
            Some((vec![client.call(version, &request).error_code], GROUP_ID_NOT_FOUND))
        },
        Key::AddPartitionsToTxn => add_partitions,
        Key::AddOffsetsToTxn => |client, _, version| {
            let request = AddOffsetsToTxnRequest::default()
                .with_transactional_id(transactional("never begun"))
                .with_producer_id(producer(7))
                .with_group_id(group("g"));
            Some((vec![client.call(version, &request).error_code], INVALID_PRODUCER_ID_MAPPING))
        },
        Key::EndTxn => |client, _, version| {
            let request = EndTxnRequest::default()
                .with_transactional_id(transactional("never begun"))
                .with_producer_id(producer(7));
            Some((vec![client.call(version, &request).error_code], INVALID_PRODUCER_ID_MAPPING))
        },
        Key::DescribeTransactions => |client, _, version| {
            let request =
                DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional("never begun")]);
            Some((vec![client.call(version, &request).transaction_states[0].error_code], TRANSACTIONAL_ID_NOT_FOUND))
        },
        Key::SaslHandshake => |client, _, version| {
            let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
            Some((vec![client.call(version, &request).error_code], ILLEGAL_SASL_STATE))
        },
        Key::SaslAuthenticate => |client, _, version| {
            Some((vec![client.call(version, &SaslAuthenticateRequest::default()).error_code], ILLEGAL_SASL_STATE))
        },
        // What they are told is whole in itself, or there is nothing that must come before.
        Key::ListOffsets | Key::OffsetForLeaderEpoch | Key::DeleteRecords | Key::Metadata | Key::ApiVersions => {
            return Order::None;
        }
        Key::DescribeCluster | Key::DescribeLogDirs | Key::AlterReplicaLogDirs | Key::CreateTopics => {
            return Order::None;
        }
        Key::DeleteTopics | Key::CreatePartitions | Key::DescribeConfigs | Key::AlterConfigs => return Order::None,
        Key::IncrementalAlterConfigs | Key::ListConfigResources | Key::FindCoordinator => return Order::None,
        Key::DescribeGroups | Key::ListGroups | Key::OffsetFetch | Key::InitProducerId => return Order::None,
        Key::DescribeProducers | Key::ListTransactions | Key::WriteTxnMarkers | Key::ElectLeaders => {
            return Order::None;
        }
        Key::AlterPartitionReassignments | Key::ListPartitionReassignments | Key::DescribeQuorum => return Order::None,
        Key::UpdateFeatures | Key::UnregisterBroker | Key::DescribeTopicPartitions => return Order::None,
        Key::AddRaftVoter | Key::RemoveRaftVoter => return Order::None,
        Key::DescribeAcls | Key::CreateAcls | Key::DeleteAcls | Key::CreateDelegationToken => return Order::None,
        Key::RenewDelegationToken | Key::ExpireDelegationToken | Key::DescribeDelegationToken => return Order::None,
        Key::DescribeClientQuotas | Key::AlterClientQuotas | Key::GetTelemetrySubscriptions => return Order::None,
        Key::DescribeUserScramCredentials | Key::AlterUserScramCredentials => return Order::None,
        // In tests of their own: what members leave and offsets commit to depends on more than one request.
        Key::LeaveGroup | Key::TxnOffsetCommit => return Order::None,
        other if SHARE_AND_TELEMETRY.contains(&other) => return Order::None,
        other => panic!("{other:?} is served; say here what is out of order for it"),
    })
}

/// Their own tests ask them out of order: sessions, epochs and leases of share groups, subscriptions of telemetry.
const SHARE_AND_TELEMETRY: [ApiKey; 13] = [
    ApiKey::ShareGroupHeartbeat,
    ApiKey::ShareGroupDescribe,
    ApiKey::ShareFetch,
    ApiKey::ShareAcknowledge,
    ApiKey::DescribeShareGroupOffsets,
    ApiKey::AlterShareGroupOffsets,
    ApiKey::DeleteShareGroupOffsets,
    ApiKey::InitializeShareGroupState,
    ApiKey::ReadShareGroupState,
    ApiKey::WriteShareGroupState,
    ApiKey::DeleteShareGroupState,
    ApiKey::ReadShareGroupStateSummary,
    ApiKey::PushTelemetry,
];

/// A gap in an idempotent producer's numbers.
fn produce(client: &mut Client, known: &Topic, version: i16) -> Option<(Vec<i16>, i16)> {
    let sent = |client: &mut Client, sequence| {
        let origin = Origin { id: 9000 + i64::from(version), epoch: 0, sequence, transactional: false };
        produce_in(client, version, known, 0, &batch_of(origin, &["x"]), None).error_code
    };
    assert_eq!(sent(client, 0), 0);
    Some((vec![sent(client, 7)], OUT_OF_ORDER_SEQUENCE_NUMBER))
}

/// The next fetch of a session that nobody has opened.
fn fetch(client: &mut Client, _: &Topic, version: i16) -> Option<(Vec<i16>, i16)> {
    let request = FetchRequest::default().with_session_id(12_345).with_session_epoch(5).with_max_bytes(1000);
    (version >= 7).then(|| (vec![client.call(version, &request).error_code], FETCH_SESSION_ID_NOT_FOUND))
}

/// A partition for a transaction whose producer nobody knows.
fn add_partitions(client: &mut Client, known: &Topic, version: i16) -> Option<(Vec<i16>, i16)> {
    let (id, pid) = (transactional("never begun"), producer(7));
    let named = AddPartitionsToTxnTopic::default().with_name(topic(&known.name)).with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default();
    if version >= 4 {
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(id)
            .with_producer_id(pid)
            .with_topics(vec![named]);
        let answer = client.call(version, &request.with_transactions(vec![transaction]));
        let results = &answer.results_by_transaction[0].topic_results[0].results_by_partition;
        return Some((vec![results[0].partition_error_code], INVALID_PRODUCER_ID_MAPPING));
    }
    let request = request
        .with_v3_and_below_transactional_id(id)
        .with_v3_and_below_producer_id(pid)
        .with_v3_and_below_topics(vec![named]);
    let answer = client.call(version, &request);
    let code = answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
    Some((vec![code], INVALID_PRODUCER_ID_MAPPING))
}

#[test]
fn every_api_is_asked_out_of_order_in_every_version() {
    let broker = Broker::start();
    let mut client = broker.client();
    let known = create_topic(&mut client, "known", 1, &[]);
    let mut asked = 0;
    for api in TABLE {
        let Order::Asked(probe) = order(api.key) else { continue };
        for version in api.min..=api.max {
            let Some((found, expected)) = probe(&mut client, &known, version) else { continue };
            assert_eq!(found, [expected], "{} v{version}", api.name);
            asked += 1;
        }
    }
    assert!(asked > 60, "only {asked} requests");
}

#[test]
fn a_marker_for_a_partition_that_is_not_there_is_refused() {
    use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
    let broker = Broker::start();
    let named = WritableTxnMarkerTopic::default().with_name(topic("nowhere")).with_partition_indexes(vec![0]);
    let marker = WritableTxnMarker::default().with_producer_id(producer(7)).with_topics(vec![named]);
    let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
    let answer = broker.client().call(1, &request);
    assert_eq!(answer.markers[0].topics[0].partitions[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}
