//! The API table: each Kafka API that is served, its versions, and the handler with the rooms it is given.
//!
//! Everything that must know which APIs there are comes from this table: dispatch, the ApiVersions answer, the reference page.
//! Wire structs stop in this folder.

pub mod call;
mod cluster;
mod convert;
mod data;
pub(crate) mod errors;
pub mod fetch_codec;
pub mod fetch_session;
mod groups;
mod kafka_apis;
pub mod piece;
pub mod reference;
mod security;
mod share;
pub mod throttle;
mod topics;
mod transactions;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::*;

use crate::node::Rooms;
use call::{Call, Hangup, IntoReply, Reply};
use wire::Request;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// The API.
    pub key: ApiKey,
    /// Its name, as in Kafka's protocol guide.
    pub name: &'static str,
    /// First version listed in ApiVersions.
    pub listed_min: i16,
    /// First version that is served; below it clients are refused (KIP-896).
    pub min: i16,
    /// Last version.
    pub max: i16,
}

macro_rules! apis {
    ($($key:ident($request:ty) $listed:literal, $min:literal..=$max:literal => $handler:path [$($room:ident),*];)*) => {
        /// Every API that is served, by key.
        pub const TABLE: &[Api] = &[$(Api { key: ApiKey::$key, name: stringify!($key), listed_min: $listed, min: $min, max: $max },)*];

        // What is served can be decoded: a version outside of the codec's range would end connections that we invited.
        const _: () = {
            $(
                let (first, last) = (<$request as Request>::FIRST, <$request as Request>::LAST);
                assert!($listed <= $min && first <= $min && $min <= $max && $max <= last, stringify!($key));
            )*
        };

        /// Decodes a request, hands it to its handler with the rooms that the table gives it, and frames the answer.
        pub async fn dispatch(call: &Call, mut body: Bytes, rooms: &Arc<Rooms>) -> Result<Reply, Hangup> {
            let started = crate::clock::instant();
            let reply = match call.key {
                $(ApiKey::$key => {
                    let request = <$request as Request>::read(&mut body, call.version)
                        .map_err(|e| Hangup(format!("malformed {:?} request, version {}: {e}", call.key, call.version)))?;
                    // Whoever waits need not keep what the request came in.
                    drop(std::mem::take(&mut body));
                    let handler = Box::pin($handler(call, request, $(&rooms.$room),*));
                    let response = throttle::measured(call, &rooms.quotas, handler).await;
                    throttle::settle(call, &rooms.quotas, response).into_reply(call)
                })*
                other => Err(Hangup(format!("{other:?} is not served"))),
            };

            rooms.metrics.requests.done(call.key as i16, started.elapsed());
            reply
        }

        /// Reads a request as [`dispatch`] does and lets it go, for tests and fuzzing; `None` if it is not served in that version. The guard
        /// (`connection::guard`) must have let it pass.
        #[must_use]
        pub fn read(key: ApiKey, version: i16, mut body: Bytes) -> Option<Result<(), String>> {
            match key {
                $(ApiKey::$key if ($min..=$max).contains(&version) => {
                    Some(<$request as Request>::read(&mut body, version).map(drop))
                })*
                _ => None,
            }
        }
    };
}

// Key(request type) first listed version, served versions => handler [the rooms it works with].
apis! {
    Produce(ProduceRequest) 0, 3..=13 => data::produce::handle [partitions, transactions, metrics, quotas];
    Fetch(FetchRequest) 4, 4..=18 => data::fetch::handle [partitions, fetch_sessions, stop, metrics, quotas];
    ListOffsets(ListOffsetsRequest) 1, 1..=10 => data::list_offsets::handle [partitions];
    Metadata(MetadataRequest) 0, 0..=13 => cluster::metadata::handle [metadata, partitions, cluster, config];
    OffsetCommit(OffsetCommitRequest) 2, 2..=9 => groups::offset_commit::handle [groups, metadata];
    OffsetFetch(OffsetFetchRequest) 1, 1..=9 => groups::offset_fetch::handle [groups];
    FindCoordinator(FindCoordinatorRequest) 0, 0..=6 => groups::find_coordinator::handle [groups, transactions, share_states, cluster];
    JoinGroup(JoinGroupRequest) 0, 0..=9 => groups::join_group::handle [groups, stop];
    Heartbeat(HeartbeatRequest) 0, 0..=4 => groups::heartbeat::handle [groups];
    LeaveGroup(LeaveGroupRequest) 0, 0..=5 => groups::leave_group::handle [groups];
    SyncGroup(SyncGroupRequest) 0, 0..=5 => groups::sync_group::handle [groups, stop];
    DescribeGroups(DescribeGroupsRequest) 0, 0..=6 => groups::describe_groups::handle [groups];
    ListGroups(ListGroupsRequest) 0, 0..=5 => groups::list_groups::handle [groups];
    SaslHandshake(SaslHandshakeRequest) 0, 0..=1 => security::sasl::handshake [cluster];
    ApiVersions(ApiVersionsRequest) 0, 0..=4 => cluster::api_versions::handle [metadata];
    CreateTopics(CreateTopicsRequest) 2, 2..=7 => topics::create_topics::handle [metadata, quotas];
    DeleteTopics(DeleteTopicsRequest) 1, 1..=6 => topics::delete_topics::handle [metadata, groups, share_groups, quotas];
    DeleteRecords(DeleteRecordsRequest) 0, 0..=2 => data::delete_records::handle [partitions];
    InitProducerId(InitProducerIdRequest) 0, 0..=5 => transactions::init_producer_id::handle [transactions];
    OffsetForLeaderEpoch(OffsetForLeaderEpochRequest) 2, 2..=4 => data::offset_for_leader_epoch::handle [partitions];
    AddPartitionsToTxn(AddPartitionsToTxnRequest) 0, 0..=5 => transactions::add_partitions_to_txn::handle [transactions, partitions];
    AddOffsetsToTxn(AddOffsetsToTxnRequest) 0, 0..=4 => transactions::add_offsets_to_txn::handle [transactions, groups];
    EndTxn(EndTxnRequest) 0, 0..=5 => transactions::end_txn::handle [transactions];
    WriteTxnMarkers(WriteTxnMarkersRequest) 1, 1..=1 => transactions::write_txn_markers::handle [partitions, groups];
    TxnOffsetCommit(TxnOffsetCommitRequest) 0, 0..=5 => transactions::txn_offset_commit::handle [transactions, groups, metadata];
    DescribeAcls(DescribeAclsRequest) 1, 1..=3 => security::acls::describe [cluster];
    CreateAcls(CreateAclsRequest) 1, 1..=3 => security::acls::create [cluster];
    DeleteAcls(DeleteAclsRequest) 1, 1..=3 => security::acls::delete [cluster];
    DescribeConfigs(DescribeConfigsRequest) 1, 1..=4 => topics::describe_configs::handle [metadata, config, cluster];
    AlterConfigs(AlterConfigsRequest) 0, 0..=2 => topics::alter_configs::handle [metadata, cluster, config];
    AlterReplicaLogDirs(AlterReplicaLogDirsRequest) 1, 1..=2 => cluster::alter_replica_log_dirs::handle [partitions];
    DescribeLogDirs(DescribeLogDirsRequest) 1, 1..=4 => cluster::describe_log_dirs::handle [partitions];
    SaslAuthenticate(SaslAuthenticateRequest) 0, 0..=2 => security::sasl::authenticate [cluster];
    CreatePartitions(CreatePartitionsRequest) 0, 0..=3 => topics::create_partitions::handle [metadata, quotas];
    CreateDelegationToken(CreateDelegationTokenRequest) 1, 1..=3 => security::delegation_tokens::create [cluster];
    RenewDelegationToken(RenewDelegationTokenRequest) 1, 1..=2 => security::delegation_tokens::renew [cluster];
    ExpireDelegationToken(ExpireDelegationTokenRequest) 1, 1..=2 => security::delegation_tokens::expire [cluster];
    DescribeDelegationToken(DescribeDelegationTokenRequest) 1, 1..=3 => security::delegation_tokens::describe [cluster];
    DeleteGroups(DeleteGroupsRequest) 0, 0..=2 => groups::delete_groups::handle [groups, share_groups];
    ElectLeaders(ElectLeadersRequest) 0, 0..=2 => cluster::elect_leaders::handle [metadata];
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest) 0, 0..=1 => topics::incremental_alter_configs::handle [metadata, cluster, config];
    AlterPartitionReassignments(AlterPartitionReassignmentsRequest) 0, 0..=1 => cluster::alter_partition_reassignments::handle [metadata];
    ListPartitionReassignments(ListPartitionReassignmentsRequest) 0, 0..=0 => cluster::list_partition_reassignments::handle [cluster];
    OffsetDelete(OffsetDeleteRequest) 0, 0..=0 => groups::offset_delete::handle [groups, metadata];
    DescribeClientQuotas(DescribeClientQuotasRequest) 0, 0..=1 => cluster::describe_client_quotas::handle [metadata];
    AlterClientQuotas(AlterClientQuotasRequest) 0, 0..=1 => cluster::alter_client_quotas::handle [metadata];
    DescribeUserScramCredentials(DescribeUserScramCredentialsRequest) 0, 0..=0 => security::describe_scram::handle [metadata];
    AlterUserScramCredentials(AlterUserScramCredentialsRequest) 0, 0..=0 => security::alter_scram::handle [metadata];
    DescribeQuorum(DescribeQuorumRequest) 0, 0..=2 => cluster::describe_quorum::handle [cluster, metadata];
    UpdateFeatures(UpdateFeaturesRequest) 0, 0..=2 => cluster::update_features::handle [metadata, cluster, share_groups];
    DescribeCluster(DescribeClusterRequest) 0, 0..=2 => cluster::describe_cluster::handle [cluster];
    DescribeProducers(DescribeProducersRequest) 0, 0..=0 => transactions::describe_producers::handle [partitions];
    UnregisterBroker(UnregisterBrokerRequest) 0, 0..=0 => cluster::unregister_broker::handle [cluster];
    DescribeTransactions(DescribeTransactionsRequest) 0, 0..=0 => transactions::describe_transactions::handle [transactions];
    ListTransactions(ListTransactionsRequest) 0, 0..=2 => transactions::list_transactions::handle [transactions];
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest) 0, 0..=1 => groups::consumer_group_heartbeat::handle [groups, config, features];
    ConsumerGroupDescribe(ConsumerGroupDescribeRequest) 0, 0..=1 => groups::consumer_group_describe::handle [groups, config, features];
    ListConfigResources(ListConfigResourcesRequest) 0, 0..=1 => topics::list_config_resources::handle [metadata, cluster];
    DescribeTopicPartitions(DescribeTopicPartitionsRequest) 0, 0..=0 => cluster::describe_topic_partitions::handle [metadata, partitions];
    ShareGroupHeartbeat(ShareGroupHeartbeatRequest) 1, 1..=1 => share::share_group_heartbeat::handle [groups, features];
    ShareGroupDescribe(ShareGroupDescribeRequest) 1, 1..=1 => share::share_group_describe::handle [groups, features];
    ShareFetch(share::wire::share_fetch::ShareFetch) 1, 1..=2 => share::share_fetch::handle [share_groups, partitions, stop, metrics, quotas];
    ShareAcknowledge(share::wire::share_acknowledge::ShareAcknowledge) 1, 1..=2 => share::share_acknowledge::handle [share_groups, partitions, quotas];
    AddRaftVoter(AddRaftVoterRequest) 0, 0..=0 => cluster::raft_voters::add [cluster];
    RemoveRaftVoter(RemoveRaftVoterRequest) 0, 0..=0 => cluster::raft_voters::remove [cluster];
    InitializeShareGroupState(InitializeShareGroupStateRequest) 0, 0..=0 => share::initialize_share_group_state::handle [share_states];
    ReadShareGroupState(ReadShareGroupStateRequest) 0, 0..=0 => share::read_share_group_state::handle [share_states];
    WriteShareGroupState(share::wire::write_state::WriteShareGroupState) 0, 0..=1 => share::write_share_group_state::handle [share_states];
    DeleteShareGroupState(DeleteShareGroupStateRequest) 0, 0..=0 => share::delete_share_group_state::handle [share_states];
    ReadShareGroupStateSummary(share::wire::read_state_summary::ReadStateSummary) 0, 0..=1 => share::read_share_group_state_summary::handle [share_states];
    DescribeShareGroupOffsets(share::wire::describe_offsets::DescribeOffsets) 0, 0..=1 => share::describe_share_group_offsets::handle [groups, share_states, metadata, partitions];
    AlterShareGroupOffsets(AlterShareGroupOffsetsRequest) 0, 0..=0 => share::alter_share_group_offsets::handle [groups, share_groups, metadata];
    DeleteShareGroupOffsets(DeleteShareGroupOffsetsRequest) 0, 0..=0 => share::delete_share_group_offsets::handle [groups, share_groups];
}

/// The name of an API that is served.
#[must_use]
pub fn name(key: i16) -> Option<&'static str> {
    TABLE.iter().find(|api| api.key as i16 == key).map(|api| api.name)
}

/// Whether requests of `key` are served in `version`.
#[must_use]
pub fn is_served(key: ApiKey, version: i16) -> bool {
    TABLE.iter().any(|api| api.key == key && (api.min..=api.max).contains(&version))
}

/// The answer to an ApiVersions request in a version that we do not know (KIP-511): version 0, an error and the table.
pub fn unsupported_api_versions(call: &Call) -> Result<Reply, Hangup> {
    cluster::api_versions::unsupported(call)
}
