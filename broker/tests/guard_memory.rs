//! Whatever the guard lets through is decoded within the memory that the guard promises.
#![allow(unsafe_code, reason = "counting what is allocated takes an allocator of our own, and that is an unsafe trait")]
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::{BufMut, Bytes, BytesMut};
use forebay::api;
use forebay::connection::guard::{check, decoded_limit, is_known};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use proptest::prelude::*;

/// Counts what the current thread has allocated.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counters are plain cells of the calling thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.get() + layout.size();
        NOW.set(now);
        PEAK.set(PEAK.get().max(now));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.set(NOW.get().saturating_sub(layout.size()));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `body` holds at a time.
fn peak(body: impl FnOnce()) -> usize {
    let before = NOW.get();
    PEAK.set(before);
    body();
    PEAK.get() - before
}

/// As the broker decodes it; what it does not serve, as `kafka-protocol` does.
fn decode<T: Request>(mut body: Bytes, version: i16) {
    let key = ApiKey::try_from(T::KEY).unwrap();
    if api::read(key, version, body.clone()).is_none() {
        let _ = T::decode(&mut body, version);
    }
}

/// In a version that `kafka-protocol` knows, if possible in this one.
fn default_body<T: Request + Default>(version: i16) -> Bytes {
    let mut body = BytesMut::new();
    T::default().encode(&mut body, version.min(T::VERSIONS.max)).unwrap();
    body.freeze()
}

type Decode = fn(Bytes, i16);
type DefaultBody = fn(i16) -> Bytes;

macro_rules! requests {
    ($($request:ident,)*) => {
        const REQUESTS: &[(i16, Decode, DefaultBody)] =
            &[$(($request::KEY, decode::<$request>, default_body::<$request>),)*];
    };
}

requests! {
    ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
    FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest,
    DescribeGroupsRequest, ListGroupsRequest, SaslHandshakeRequest, ApiVersionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest,
    AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest, WriteTxnMarkersRequest,
    TxnOffsetCommitRequest, DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeConfigsRequest,
    AlterConfigsRequest, AlterReplicaLogDirsRequest, DescribeLogDirsRequest, SaslAuthenticateRequest,
    CreatePartitionsRequest, CreateDelegationTokenRequest, RenewDelegationTokenRequest,
    ExpireDelegationTokenRequest, DescribeDelegationTokenRequest, DeleteGroupsRequest, ElectLeadersRequest,
    IncrementalAlterConfigsRequest, AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest,
    OffsetDeleteRequest, DescribeClientQuotasRequest, AlterClientQuotasRequest,
    DescribeUserScramCredentialsRequest, AlterUserScramCredentialsRequest, VoteRequest, BeginQuorumEpochRequest,
    EndQuorumEpochRequest, DescribeQuorumRequest, AlterPartitionRequest, UpdateFeaturesRequest, EnvelopeRequest,
    FetchSnapshotRequest, DescribeClusterRequest, DescribeProducersRequest, BrokerRegistrationRequest,
    BrokerHeartbeatRequest, UnregisterBrokerRequest, DescribeTransactionsRequest, ListTransactionsRequest,
    AllocateProducerIdsRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupDescribeRequest,
    ControllerRegistrationRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
    AssignReplicasToDirsRequest, ListConfigResourcesRequest, DescribeTopicPartitionsRequest,
    ShareGroupHeartbeatRequest, ShareGroupDescribeRequest, ShareFetchRequest, ShareAcknowledgeRequest,
    AddRaftVoterRequest, RemoveRaftVoterRequest, UpdateRaftVoterRequest, InitializeShareGroupStateRequest,
    ReadShareGroupStateRequest, WriteShareGroupStateRequest, DeleteShareGroupStateRequest,
    ReadShareGroupStateSummaryRequest, DescribeShareGroupOffsetsRequest, AlterShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequest,
}

/// Checks `body` as every request in every version and decodes it where it passes; returns how often it did.
fn judge(body: &Bytes) -> usize {
    let mut passed = 0;
    for (key, decode, _) in REQUESTS {
        for version in (0..=20).filter(|version| is_known(*key, *version)) {
            let mut ok = false;
            let checking = peak(|| ok = check(*key, version, body).is_ok());
            // A refusal is a path, a passing check is nothing.
            let allowed = if ok { 0 } else { 1024 };
            assert!(checking <= allowed, "checking API {key} v{version} took {checking} bytes");
            passed += usize::from(ok);
            if ok {
                let taken = peak(|| decode(body.clone(), version));
                let limit = decoded_limit(body.len()).min(worst(body.len()));
                assert!(taken <= limit, "API {key} v{version} took {taken} bytes for {}", body.len());
            }
        }
    }
    passed
}

/// The most memory that a frame of `len` bytes takes, far below the guard's limit: so much for each of its bytes, and
/// something for an error of the decoder with its backtrace.
fn worst(len: usize) -> usize {
    64 * 1024 + len * 256
}

/// Bytes that look like small counts, so that many frames are well-formed for some request, at the size given.
fn small_numbers(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![4 => Just(0u8), 3 => Just(1u8), 2 => 2u8..4, 1 => any::<u8>()], 0..max)
}

/// A large count, then a filling that repeats: the frames that ask for the most.
fn many_small_elements() -> impl Strategy<Value = Vec<u8>> {
    let filling = prop::collection::vec(0u8..3, 1..6);
    let front = prop::collection::vec(0u8..3, 0..12);
    (front, any::<bool>(), 1u32..60_000, filling, 0usize..64 * 1024).prop_map(
        |(front, compact, count, filling, size)| {
            let mut body = front;
            if compact {
                body.extend([(count & 0x7F) as u8 | 0x80, (count >> 7 & 0x7F) as u8 | 0x80, (count >> 14) as u8]);
            } else {
                body.put_u32(count);
            }
            body.extend(filling.iter().cycle().take(size));
            body
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(body in prop::collection::vec(any::<u8>(), 0..64 * 1024)) {
        judge(&Bytes::from(body));
    }

    #[test]
    fn short_frames_of_small_numbers(body in small_numbers(60)) {
        judge(&Bytes::from(body));
    }

    #[test]
    fn long_frames_of_small_numbers(body in small_numbers(64 * 1024)) {
        judge(&Bytes::from(body));
    }

    #[test]
    fn large_counts_of_small_elements(body in many_small_elements()) {
        judge(&Bytes::from(body));
    }

    /// A frame that was good until some bytes of it were overwritten.
    #[test]
    fn damaged_requests(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        tail in small_numbers(2000),
    ) {
        for (key, decode, default_body) in REQUESTS {
            for version in (0..=20).filter(|version| is_known(*key, *version)) {
                let mut body = default_body(version).to_vec();
                body.extend(&tail);
                let reach = body.len().min(64);
                for (place, byte) in places.iter().filter(|_| reach > 0) {
                    let at = place.index(reach);
                    body[at] = *byte;
                }
                let body = Bytes::from(body);
                if check(*key, version, &body).is_ok() {
                    let taken = peak(|| decode(body.clone(), version));
                    prop_assert!(taken <= worst(body.len()), "API {key} v{version} took {taken} bytes");
                }
            }
        }
    }
}

#[test]
fn every_api_that_is_served_is_judged() {
    let missing = api::TABLE.iter().filter(|api| !REQUESTS.iter().any(|(key, _, _)| *key == api.key as i16));
    assert_eq!(missing.map(|api| api.name).collect::<Vec<_>>(), [] as [&str; 0]);
}

/// The frames above are not refused one and all: some pass and are decoded.
#[test]
fn zeros_are_a_request_of_many_apis() {
    assert!(judge(&Bytes::from(vec![0; 200])) > 20);
    assert!(judge(&Bytes::from(vec![1; 200])) > 20);
}

/// The worst element of each kind, as often as 64 KiB hold it: memory grows with the frame, by less than the named ratio.
#[test]
fn elements_of_one_byte_stay_within_the_limit() {
    for filling in [&[0u8][..], &[1], &[1, 0], &[1, 1, 0], &[1, 1, 1, 0], &[1, 1, 1, 9, 0]] {
        for front in 0..8 {
            let mut body = vec![0u8; front];
            let left = 60_000;
            let count = (left / filling.len() + 1) as u32;
            body.extend([(count & 0x7F) as u8 | 0x80, (count >> 7 & 0x7F) as u8 | 0x80, (count >> 14) as u8]);
            body.extend(filling.iter().cycle().take(left));
            body.extend([0; 64]);
            judge(&Bytes::from(body));
        }
    }
}
