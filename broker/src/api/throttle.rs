//! How an answer tells its client that it is held up, and the quotas that every request counts against (KIP-124, KIP-219).
//!
//! What holds a client up is decided before its answer is framed; `connection` then reads no more from it for as long as the answer says.

use std::sync::atomic::{AtomicI64, Ordering};

use kafka_protocol::messages::*;

use crate::api::call::{Call, Outcome};
use crate::clock;
use crate::quota::{Client, Kind, Meter, Quotas};

/// The user of a connection without authentication (Kafka: `KafkaPrincipal.ANONYMOUS`).
const ANONYMOUS: &str = "ANONYMOUS";

/// What one request has cost so far, and for how long its client is held up.
#[derive(Debug, Default)]
pub struct Charge {
    throttle_ms: AtomicI64,
    meter: Meter,
}

/// A copy of a call is another one, which has cost nothing yet.
impl Clone for Charge {
    fn clone(&self) -> Charge {
        Charge::default()
    }
}

impl Charge {
    /// For how many milliseconds the client is held up; 0 for not at all.
    #[must_use]
    pub fn throttle_ms(&self) -> i64 {
        self.throttle_ms.load(Ordering::Relaxed)
    }

    /// Holds the client up for so many milliseconds, or for longer if it is already.
    pub fn hold_up(&self, throttle_ms: i64) {
        self.throttle_ms.fetch_max(throttle_ms, Ordering::Relaxed);
    }
}

impl Call {
    /// Who asks, as quotas see it.
    #[must_use]
    pub fn client(&self) -> Client<'_> {
        Client { user: ANONYMOUS, client_id: &self.client_id }
    }

    /// As the field of an answer.
    #[must_use]
    pub fn throttle_time_ms(&self) -> i32 {
        i32::try_from(self.charge.throttle_ms()).unwrap_or(i32::MAX)
    }
}

/// Runs a handler, and measures the time it takes where somebody has a quota for that.
pub async fn measured<F: Future>(call: &Call, quotas: &Quotas, handler: F) -> F::Output {
    if quotas.is_active(Kind::Request) {
        call.charge.meter.measure(clock::instant, handler).await
    } else {
        handler.await
    }
}

/// Counts the time that a request has taken so far.
pub fn count_time(call: &Call, quotas: &Quotas) {
    if quotas.is_active(Kind::Request) {
        let spent_ns = call.charge.meter.spent_ns(clock::instant());
        call.charge.hold_up(quotas.requested(call.client(), spent_ns, clock::now().0));
    }
}

/// An answer that tells for how long its client is held up.
pub trait Throttled {
    /// Whether the time of its request counts (Kafka: sendResponseMaybeThrottle), and has not been counted by the handler.
    const COUNTS_TIME: bool = true;

    /// Writes it into the answer.
    fn set_throttle_time_ms(&mut self, throttle_time_ms: i32);
}

/// Counts the request, and tells its client if it is held up.
pub fn settle<R: Throttled>(call: &Call, quotas: &Quotas, mut response: R) -> R {
    if R::COUNTS_TIME {
        count_time(call, quotas);
    }
    let throttle_time_ms = call.throttle_time_ms();
    if throttle_time_ms > 0 {
        response.set_throttle_time_ms(throttle_time_ms);
    }
    response
}

/// Framed by its handler, which has counted it and written everything.
impl Throttled for Outcome {
    const COUNTS_TIME: bool = false;

    fn set_throttle_time_ms(&mut self, _: i32) {}
}

macro_rules! throttled {
    ($($response:ident),* $(,)?) => {$(
        impl Throttled for $response {
            fn set_throttle_time_ms(&mut self, throttle_time_ms: i32) {
                self.throttle_time_ms = throttle_time_ms;
            }
        }
    )*};
}

throttled!(
    AddOffsetsToTxnResponse,
    AddPartitionsToTxnResponse,
    AddRaftVoterResponse,
    AlterClientQuotasResponse,
    AlterConfigsResponse,
    AlterPartitionReassignmentsResponse,
    AlterReplicaLogDirsResponse,
    AlterShareGroupOffsetsResponse,
    AlterUserScramCredentialsResponse,
    ApiVersionsResponse,
    ConsumerGroupDescribeResponse,
    ConsumerGroupHeartbeatResponse,
    CreateAclsResponse,
    CreateDelegationTokenResponse,
    CreatePartitionsResponse,
    CreateTopicsResponse,
    DeleteAclsResponse,
    DeleteGroupsResponse,
    DeleteRecordsResponse,
    DeleteShareGroupOffsetsResponse,
    DeleteTopicsResponse,
    DescribeAclsResponse,
    DescribeClientQuotasResponse,
    DescribeClusterResponse,
    DescribeConfigsResponse,
    DescribeDelegationTokenResponse,
    DescribeGroupsResponse,
    DescribeLogDirsResponse,
    DescribeProducersResponse,
    DescribeShareGroupOffsetsResponse,
    DescribeTopicPartitionsResponse,
    DescribeTransactionsResponse,
    DescribeUserScramCredentialsResponse,
    ElectLeadersResponse,
    EndTxnResponse,
    ExpireDelegationTokenResponse,
    FindCoordinatorResponse,
    GetTelemetrySubscriptionsResponse,
    HeartbeatResponse,
    IncrementalAlterConfigsResponse,
    InitProducerIdResponse,
    JoinGroupResponse,
    LeaveGroupResponse,
    ListConfigResourcesResponse,
    ListGroupsResponse,
    ListOffsetsResponse,
    ListPartitionReassignmentsResponse,
    ListTransactionsResponse,
    MetadataResponse,
    OffsetCommitResponse,
    OffsetDeleteResponse,
    OffsetFetchResponse,
    OffsetForLeaderEpochResponse,
    PushTelemetryResponse,
    RemoveRaftVoterResponse,
    RenewDelegationTokenResponse,
    ShareAcknowledgeResponse,
    ShareFetchResponse,
    ShareGroupDescribeResponse,
    ShareGroupHeartbeatResponse,
    SyncGroupResponse,
    TxnOffsetCommitResponse,
    UnregisterBrokerResponse,
    UpdateFeaturesResponse,
);

/// Answers without the field. Their clients are held up without a word (Kafka: the same).
macro_rules! silent {
    ($($response:ident: $counts:literal),* $(,)?) => {$(
        impl Throttled for $response {
            const COUNTS_TIME: bool = $counts;

            fn set_throttle_time_ms(&mut self, _: i32) {}
        }
    )*};
}

silent!(
    DescribeQuorumResponse: true,
    SaslHandshakeResponse: true,
    SaslAuthenticateResponse: true,
    // What brokers ask of each other is not counted (Kafka: sendResponseExemptThrottle).
    WriteTxnMarkersResponse: false,
    InitializeShareGroupStateResponse: false,
    ReadShareGroupStateResponse: false,
    WriteShareGroupStateResponse: false,
    DeleteShareGroupStateResponse: false,
    ReadShareGroupStateSummaryResponse: false,
);
