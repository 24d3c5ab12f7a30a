//! Bytes that Apache Kafka 4.3.1 writes (GroupCoordinatorRecordHelpers and GroupCoordinatorRecordSerde) for the records of a consumer
//! group: they are read, and written alike.

use bytes::Bytes;
use forebay_storage::ids::{Timestamp, TopicId};
use uuid::Uuid;

use crate::group::records::{
    ClassicProtocols, CurrentAssignmentValue, GroupEpochValue, MemberValue, ResolvedRegex, TargetAssignmentValue,
    TargetEpochValue,
};
use crate::group::{ConsumerRecord, GroupEvent};
use crate::machine::Event;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn check(key: &str, value: Option<&str>, record: ConsumerRecord) {
    let expected = GroupEvent::Consumer { group_id: "grp".into(), record };
    let (key, value) = (bytes(key), value.map(bytes));
    assert_eq!(GroupEvent::parse(&key, value.as_deref(), None), Ok(Some(expected.clone())));
    let written = expected.record().unwrap();
    assert_eq!((written.key.to_vec(), written.value.map(|v| v.to_vec())), (key, value));
}

const MEMBER: &str = "000005696e7374057261636b07636c69656e740b2f3132372e302e302e31030462617204666f6f04612e2a0000afc80672616e67650\
                      1000100";
const CLASSIC: &str = "00000000026302680204666f6f0100000001000100120100001770020672616e6765040001020000";
const CURRENT: &str = "0000000000070000000601020102030405060708111213141516171803000000000000000101000903000000030000000702000000\
                       000000000000000000000000090200000002010005020000000500";
const TARGET: &str = "000002010203040506070811121314151617180300000000000000010000";
const REGEX: &str = "00000204616263000000000000000c000000000000002200";

#[test]
fn members_are_kafkas() {
    let member = MemberValue {
        instance_id: Some("inst".into()),
        rack_id: Some("rack".into()),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        topics: ["bar".into(), "foo".into()].into(),
        regex: "a.*".into(),
        rebalance_timeout_ms: 45_000,
        assignor: Some("range".into()),
        classic: None,
    };
    let key = "0005000367727000086d656d6265722d31";
    check(key, Some(MEMBER), ConsumerRecord::Member("member-1".into(), Some(member)));
    check(key, None, ConsumerRecord::Member("member-1".into(), None));
    let protocols = vec![("range".into(), Bytes::from_static(&[0, 1, 2]))];
    let classic = MemberValue {
        instance_id: None,
        rack_id: None,
        client_id: "c".into(),
        client_host: "h".into(),
        topics: ["foo".into()].into(),
        regex: "".into(),
        rebalance_timeout_ms: 1,
        assignor: None,
        classic: Some(ClassicProtocols { session_timeout_ms: 6_000, protocols }),
    };
    check("0005000367727000026d32", Some(CLASSIC), ConsumerRecord::Member("m2".into(), Some(classic)));
}

#[test]
fn assignments_are_kafkas() {
    let topic = TopicId(Uuid::from_u64_pair(0x0102_0304_0506_0708, 0x1112_1314_1516_1718));
    let current = CurrentAssignmentValue {
        epoch: 7,
        previous_epoch: 6,
        state: 1,
        assigned: [(topic, [(0, 3), (1, 7)].into())].into(),
        revoking: [(TopicId(Uuid::from_u128(9)), [(2, 5)].into())].into(),
    };
    let id = "member-1";
    check("0008000367727000086d656d6265722d31", Some(CURRENT), ConsumerRecord::Current(id.into(), Some(current)));
    let target = TargetAssignmentValue { partitions: [(topic, [0, 1].into())].into() };
    check("0007000367727000086d656d6265722d31", Some(TARGET), ConsumerRecord::Target(id.into(), Some(target)));
}

#[test]
fn epochs_and_expressions_are_kafkas() {
    let epoch = GroupEpochValue { epoch: 10, metadata_hash: -5 };
    check("00030003677270", Some("00000000000a010008fffffffffffffffb"), ConsumerRecord::Epoch(Some(epoch)));
    let target = TargetEpochValue { epoch: 10, computed_at: Timestamp(1_234_567_890_123) };
    check("00060003677270", Some("00000000000a0100080000011f71fb04cb"), ConsumerRecord::TargetEpoch(Some(target)));
    let regex = ResolvedRegex { topics: ["abc".into()].into(), version: 12, at: Timestamp(34) };
    check("001000036772700003612e2a", Some(REGEX), ConsumerRecord::Regex("a.*".into(), Some(regex)));
    check("00040003677270", None, ConsumerRecord::PartitionMetadata(false));
}
