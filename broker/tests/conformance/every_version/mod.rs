//! Every API of the table in every version that is served: an empty request and full ones are answered in that version.
//!
//! `kafka-protocol` refuses to encode an answer in which a field is set that its version does not have, and the broker then closes
//! the connection. Nothing but asking in every version finds that.

mod cluster;
mod data;
mod groups;
mod security;
mod share;
mod topics;
mod transactions;

use std::panic::{AssertUnwindSafe, catch_unwind};

use forebay::api::TABLE;
use kafka_protocol::messages::ApiKey;

use crate::support::Broker;
use crate::support::client::Client;
use crate::support::requests::{Topic, create_topic};

/// What requests can be about.
pub struct World {
    /// A topic with three partitions.
    known: Topic,
    /// A topic that does not exist.
    unknown: Topic,
}

/// Sends requests of one API in one version; the client checks that each is answered as a whole.
type Probe = fn(&mut Client, &World, i16);

fn probe(key: ApiKey) -> Probe {
    match key {
        ApiKey::Produce => data::produce,
        ApiKey::Fetch => data::fetch,
        ApiKey::ListOffsets => data::list_offsets,
        ApiKey::OffsetForLeaderEpoch => data::offset_for_leader_epoch,
        ApiKey::DeleteRecords => data::delete_records,
        ApiKey::Metadata => cluster::metadata,
        ApiKey::ApiVersions => cluster::api_versions,
        ApiKey::DescribeCluster => cluster::describe_cluster,
        ApiKey::DescribeLogDirs => cluster::describe_log_dirs,
        ApiKey::AlterReplicaLogDirs => cluster::alter_replica_log_dirs,
        ApiKey::CreateTopics => topics::create_topics,
        ApiKey::DeleteTopics => topics::delete_topics,
        ApiKey::CreatePartitions => topics::create_partitions,
        ApiKey::DescribeConfigs => topics::describe_configs,
        ApiKey::AlterConfigs => topics::alter_configs,
        ApiKey::IncrementalAlterConfigs => topics::incremental_alter_configs,
        ApiKey::ListConfigResources => topics::list_config_resources,
        ApiKey::FindCoordinator => groups::find_coordinator,
        ApiKey::JoinGroup => groups::join_group,
        ApiKey::SyncGroup => groups::sync_group,
        ApiKey::Heartbeat => groups::heartbeat,
        ApiKey::LeaveGroup => groups::leave_group,
        ApiKey::DescribeGroups => groups::describe_groups,
        ApiKey::ListGroups => groups::list_groups,
        ApiKey::DeleteGroups => groups::delete_groups,
        ApiKey::ConsumerGroupHeartbeat => groups::consumer_group_heartbeat,
        ApiKey::ConsumerGroupDescribe => groups::consumer_group_describe,
        ApiKey::OffsetCommit => groups::offset_commit,
        ApiKey::OffsetFetch => groups::offset_fetch,
        ApiKey::OffsetDelete => groups::offset_delete,
        ApiKey::InitProducerId => transactions::init_producer_id,
        ApiKey::AddPartitionsToTxn => transactions::add_partitions_to_txn,
        ApiKey::AddOffsetsToTxn => transactions::add_offsets_to_txn,
        ApiKey::EndTxn => transactions::end_txn,
        ApiKey::TxnOffsetCommit => transactions::txn_offset_commit,
        ApiKey::WriteTxnMarkers => transactions::write_txn_markers,
        ApiKey::DescribeProducers => transactions::describe_producers,
        ApiKey::DescribeTransactions => transactions::describe_transactions,
        ApiKey::ListTransactions => transactions::list_transactions,
        ApiKey::ElectLeaders => cluster::elect_leaders,
        ApiKey::AlterPartitionReassignments => cluster::alter_partition_reassignments,
        ApiKey::ListPartitionReassignments => cluster::list_partition_reassignments,
        ApiKey::DescribeQuorum => cluster::describe_quorum,
        ApiKey::UpdateFeatures => cluster::update_features,
        ApiKey::UnregisterBroker => cluster::unregister_broker,
        ApiKey::DescribeTopicPartitions => cluster::describe_topic_partitions,
        ApiKey::ShareFetch => share::share_fetch,
        ApiKey::ShareAcknowledge => share::share_acknowledge,
        ApiKey::ShareGroupHeartbeat => share::heartbeat,
        ApiKey::ShareGroupDescribe => share::describe,
        ApiKey::DescribeShareGroupOffsets => share::describe_offsets,
        ApiKey::AlterShareGroupOffsets => share::alter_offsets,
        ApiKey::DeleteShareGroupOffsets => share::delete_offsets,
        ApiKey::InitializeShareGroupState => share::initialize_state,
        ApiKey::ReadShareGroupState => share::read_state,
        ApiKey::WriteShareGroupState => share::write_state,
        ApiKey::DeleteShareGroupState => share::delete_state,
        ApiKey::ReadShareGroupStateSummary => share::read_state_summary,
        ApiKey::DescribeAcls => security::describe_acls,
        ApiKey::CreateAcls => security::create_acls,
        ApiKey::DeleteAcls => security::delete_acls,
        ApiKey::CreateDelegationToken => security::create_delegation_token,
        ApiKey::RenewDelegationToken => security::renew_delegation_token,
        ApiKey::ExpireDelegationToken => security::expire_delegation_token,
        ApiKey::DescribeDelegationToken => security::describe_delegation_token,
        ApiKey::AddRaftVoter => cluster::add_raft_voter,
        ApiKey::RemoveRaftVoter => cluster::remove_raft_voter,
        ApiKey::DescribeClientQuotas => cluster::describe_client_quotas,
        ApiKey::AlterClientQuotas => cluster::alter_client_quotas,
        ApiKey::DescribeUserScramCredentials => security::describe_user_scram_credentials,
        ApiKey::AlterUserScramCredentials => security::alter_user_scram_credentials,
        ApiKey::SaslHandshake => security::sasl_handshake,
        ApiKey::SaslAuthenticate => security::sasl_authenticate,
        other => panic!("{other:?} is served; say here how it is asked"),
    }
}

#[test]
fn every_version_of_every_api_is_answered() {
    let broker = Broker::start();
    let mut client = broker.client();
    let world = World { known: create_topic(&mut client, "known", 3, &[]), unknown: Topic::unknown() };
    let mut failed = Vec::new();
    for api in TABLE {
        for version in api.min..=api.max {
            let mut client = broker.client();
            let probe = probe(api.key);
            // The others go on, so that one run shows everything that is wrong.
            let outcome = catch_unwind(AssertUnwindSafe(|| probe(&mut client, &world, version)));
            if outcome.is_err() {
                failed.push(format!("{} v{version}", api.name));
            }
        }
    }
    assert!(failed.is_empty(), "not answered as they should be: {failed:?}");
}
