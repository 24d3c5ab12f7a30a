//! Bytes that Apache Kafka 4.3.1 writes (its generated OffsetCommit* and GroupMetadata* classes, serialized in each version by
//! MessageUtil.toVersionPrefixedByteBuffer): every version is read, and the written ones are written alike.

use bytes::Bytes;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};
use uuid::Uuid;

use crate::group::records::{GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, SavedMember};

const OFFSET_KEY: &str = "0001000967727570706520c3a40005746f70696300000003";
const OFFSET_VALUES: [&str; 5] = [
    "00000000001cbe991a1400056e6f74c3a90000018bcfe5687b",
    "00010000001cbe991a1400056e6f74c3a90000018bcfe5687b0000018bcfee903b",
    "00020000001cbe991a1400056e6f74c3a90000018bcfe5687b",
    "00030000001cbe991a140000001100056e6f74c3a90000018bcfe5687b",
    "00040000001cbe991a1400000011066e6f74c3a90000018bcfe5687b0100100123456789abcdef7edcba9876543210",
];
const GROUP_KEY: &str = "0002000967727570706520c3a4";
const GROUP_VALUES: [&str; 5] = [
    "00000008636f6e73756d657200000005000572616e676500036d2d310000000200036d2d31000163000a2f3132372e302e302e310000afc80000000\
     3000102000000010300036d2d32000000042f3a3a31000027100000000000000000",
    "00010008636f6e73756d657200000005000572616e676500036d2d310000000200036d2d31000163000a2f3132372e302e302e31000493e00000afc\
     800000003000102000000010300036d2d32000000042f3a3a310000ea60000027100000000000000000",
    "00020008636f6e73756d657200000005000572616e676500036d2d310000018bcfe5687b0000000200036d2d31000163000a2f3132372e302e302e3\
     1000493e00000afc800000003000102000000010300036d2d32000000042f3a3a310000ea60000027100000000000000000",
    "00030008636f6e73756d657200000005000572616e676500036d2d310000018bcfe5687b0000000200036d2d31000169000163000a2f3132372e302\
     e302e31000493e00000afc800000003000102000000010300036d2d32ffff000000042f3a3a310000ea60000027100000000000000000",
    "000409636f6e73756d6572000000050672616e6765046d2d310000018bcfe5687b03046d2d31026902630b2f3132372e302e302e31000493e00000a\
     fc804000102020300046d2d320001052f3a3a310000ea600000271001010000",
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// What version `version` of an offset's value holds of the whole.
fn offset_value(version: usize) -> OffsetCommitValue {
    let epoch = if version >= 3 { LeaderEpoch(17) } else { LeaderEpoch::UNKNOWN };
    let id = if version >= 4 { 0x0123_4567_89ab_cdef_7edc_ba98_7654_3210 } else { 0 };
    OffsetCommitValue {
        offset: Offset(123_456_789_012),
        leader_epoch: epoch,
        metadata: "noté".into(),
        commit_timestamp: Timestamp(1_700_000_000_123),
        expire_timestamp: (version == 1).then_some(Timestamp(1_700_000_600_123)),
        topic_id: TopicId(Uuid::from_u128(id)),
    }
}

fn group_value(version: usize) -> GroupMetadataValue {
    let first = SavedMember {
        member_id: "m-1".into(),
        instance_id: (version >= 3).then(|| "i".into()),
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout_ms: if version >= 1 { 300_000 } else { 45_000 },
        session_timeout_ms: 45_000,
        subscription: Bytes::from_static(&[0, 1, 2]),
        assignment: Bytes::from_static(&[3]),
    };
    let second = SavedMember {
        member_id: "m-2".into(),
        instance_id: None,
        client_id: "".into(),
        client_host: "/::1".into(),
        rebalance_timeout_ms: if version >= 1 { 60_000 } else { 10_000 },
        session_timeout_ms: 10_000,
        subscription: Bytes::new(),
        assignment: Bytes::new(),
    };
    GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 5,
        protocol: Some("range".into()),
        leader: Some("m-1".into()),
        state_since: (version >= 2).then_some(Timestamp(1_700_000_000_123)),
        members: vec![first, second],
    }
}

#[test]
fn every_version_that_kafka_writes_is_read() {
    for version in 0..5 {
        let offset = OffsetCommitValue::decode(&bytes(OFFSET_VALUES[version]));
        assert_eq!(offset, Ok(offset_value(version)), "OffsetCommitValue {version}");
        let group = GroupMetadataValue::decode(&bytes(GROUP_VALUES[version]));
        assert_eq!(group, Ok(group_value(version)), "GroupMetadataValue {version}");
    }
}

#[test]
fn what_is_written_is_what_kafka_writes() {
    let partition = TopicPartition::new("topic", 3);
    assert_eq!(OffsetCommitKey { group_id: "gruppe ä".into(), partition }.encode(), bytes(OFFSET_KEY));
    assert_eq!(GroupMetadataKey { group_id: "gruppe ä".into() }.encode(), bytes(GROUP_KEY));
    assert_eq!(offset_value(4).encode(), bytes(OFFSET_VALUES[4]));
    assert_eq!(offset_value(1).encode(), bytes(OFFSET_VALUES[1]));
    assert_eq!(group_value(3).encode(), bytes(GROUP_VALUES[3]));
}
