//! Every request in every version: what the table says is what `kafka-protocol` reads.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use proptest::prelude::*;

use super::frames::{Entropy, frame, frame_with_null};
use crate::connection::guard::schema::{self, Schema};
use crate::connection::guard::walk::Walk;
use crate::connection::guard::{Problem, check, decoded_limit, is_known};

/// What is asked of a request type; one implementation for all of them.
pub(super) trait Case {
    fn versions(&self) -> (i16, i16);
    fn header_version(&self, version: i16) -> i16;
    fn default_body(&self, version: i16) -> Bytes;
    /// Decodes `body` and encodes it again; `None` if it is refused or bytes are left.
    fn again(&self, body: &Bytes, version: i16) -> Option<Bytes>;
    /// Panics unless `body` and `again` decode to the same value.
    fn assert_same(&self, body: &Bytes, again: &Bytes, version: i16);
}

struct Of<T>(std::marker::PhantomData<T>);

impl<T: Request + Default + PartialEq + std::fmt::Debug> Case for Of<T> {
    fn versions(&self) -> (i16, i16) {
        (T::VERSIONS.min, T::VERSIONS.max)
    }

    fn header_version(&self, version: i16) -> i16 {
        T::header_version(version)
    }

    fn default_body(&self, version: i16) -> Bytes {
        let mut body = BytesMut::new();
        T::default().encode(&mut body, version).unwrap();
        body.freeze()
    }

    fn again(&self, body: &Bytes, version: i16) -> Option<Bytes> {
        let mut left = body.clone();
        let request = T::decode(&mut left, version).ok().filter(|_| left.is_empty())?;
        let mut again = BytesMut::new();
        request.encode(&mut again, version).ok()?;
        Some(again.freeze())
    }

    fn assert_same(&self, body: &Bytes, again: &Bytes, version: i16) {
        let first = T::decode(&mut body.clone(), version).unwrap();
        assert_eq!(first, T::decode(&mut again.clone(), version).unwrap());
    }
}

macro_rules! cases {
    ($($request:ident,)*) => {
        pub(super) fn cases() -> Vec<(i16, Box<dyn Case>)> {
            vec![$(($request::KEY, Box::new(Of::<$request>(std::marker::PhantomData))),)*]
        }
    };
}

cases! {
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

/// Requests that are read by the house's own code in their last version (`api::wire`), one above the decoder's.
const BEYOND_THE_DECODER: &[(i16, i16)] = &[(78, 2), (79, 2), (85, 1), (87, 1), (90, 1)];

/// Runs `body` for every request and version of the table that the decoder has, too.
fn for_every_version(mut body: impl FnMut(&Schema, &dyn Case, i16)) {
    let cases = cases();
    for schema in schema::all() {
        let (_, case) = cases.iter().find(|(key, _)| *key == schema.key).unwrap();
        for version in schema.first..=schema.last.min(case.versions().1) {
            body(schema, case.as_ref(), version);
        }
    }
}

fn passes_whole(schema: &Schema, version: i16, body: &[u8]) {
    let mut walk = Walk::new(body, version, version >= schema.flexible, decoded_limit(body.len()));
    if let Err(error) = walk.structure(schema.fields) {
        panic!("{} v{version}: {error}: {body:02x?}", schema.name);
    }
    assert_eq!(walk.left(), 0, "{} v{version} has bytes left: {body:02x?}", schema.name);
    check(schema.key, version, body).unwrap();
}

#[test]
fn the_table_has_every_request_in_every_version_of_the_decoder() {
    assert_eq!(schema::all().count(), cases().len());
    for (key, case) in cases() {
        let (first, decoded) = case.versions();
        let beyond = BEYOND_THE_DECODER.iter().find(|(beyond, _)| *beyond == key);
        let last = beyond.map_or(decoded, |(_, version)| *version);
        assert!(is_known(key, first) && is_known(key, last), "API {key}");
        assert!(!is_known(key, first - 1) && !is_known(key, last + 1), "API {key}");
    }
    assert!(!is_known(-1, 0) && !is_known(4, 0) && !is_known(93, 0) && !is_known(i16::MAX, 0));
}

#[test]
fn requests_are_flexible_from_the_version_in_which_their_header_is() {
    for_every_version(|schema, case, version| {
        let header = case.header_version(version);
        assert_eq!(header == 2, version >= schema.flexible, "{} v{version}", schema.name);
    });
}

#[test]
fn the_default_request_passes() {
    for_every_version(|schema, case, version| passes_whole(schema, version, &case.default_body(version)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A frame made from the table alone is read to its last byte by a decoder that has its own tables.
    #[test]
    fn what_the_table_describes_is_what_the_decoder_reads(entropy in prop::collection::vec(any::<u8>(), 0..600)) {
        for_every_version(|schema, case, version| {
            let body = Bytes::from(frame(schema, version, &mut Entropy::new(&entropy)));
            passes_whole(schema, version, &body);
            let Some(again) = case.again(&body, version) else {
                panic!("the decoder refuses {} v{version}: {body:02x?}", schema.name);
            };
            case.assert_same(&body, &again, version);
            passes_whole(schema, version, &again);
        });
    }

    /// Where the table does not allow null, the decoder does not either: the guard is not stricter than it must be.
    #[test]
    fn the_decoder_refuses_null_where_the_table_does(entropy in prop::collection::vec(any::<u8>(), 0..150)) {
        for_every_version(|schema, case, version| {
            let mut slot = 0;
            while let Some(body) = frame_with_null(schema, version, &mut Entropy::new(&entropy), slot) {
                let error = check(schema.key, version, &body).unwrap_err();
                assert_eq!(error.problem, Problem::Null, "{} v{version}", schema.name);
                assert!(case.again(&Bytes::from(body), version).is_none(), "{} v{version}: {error}", schema.name);
                slot += 1;
            }
        });
    }

    #[test]
    fn a_frame_that_ends_early_is_refused(entropy in prop::collection::vec(any::<u8>(), 0..150)) {
        for_every_version(|schema, _, version| {
            let body = frame(schema, version, &mut Entropy::new(&entropy));
            for end in 0..body.len() {
                assert!(check(schema.key, version, &body[..end]).is_err(), "{} v{version} {end}", schema.name);
            }
        });
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for_every_version(|schema, _, version| {
            let _ = check(schema.key, version, &body);
        });
    }
}
