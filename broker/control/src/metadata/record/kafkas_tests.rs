//! The records that only Kafka writes, from the bytes of its own serde, and the control records of its snapshots.

use forebay_storage::ids::{BrokerId, LeaderEpoch, Timestamp, TopicId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::metadata::client_quotas::{QuotaEntity, QuotaValue};
use crate::metadata::command::ConfigResource;
use crate::metadata::image::PartitionInfo;
use crate::metadata::scram::{ScramCredential, ScramMechanism};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const ID: TopicId = TopicId(Uuid::from_u128(0x0123_4567_89ab_cdef_1122_3344_5566_7788));

/// From the MetadataRecordSerde of Kafka 4.3.1, newest versions.
const CHANGE_ALL: &str = "010502000000020123456789abcdef112233445566778806000903000000010000000201040000000202090300000002000000010501000605020000\
                          00030821030123456789abcdef11223344556677880123456789abcdef1122334455667788";
const CHANGE_NONE: &str = "010500000000020123456789abcdef112233445566778800";
const CHANGE_NO_LEADER: &str = "010501000000020123456789abcdef11223344556677880\
                                10104ffffffff";

fn change(hex: &str) -> PartitionChangeRecord {
    match parse_kafkas(&bytes(hex)) {
        Ok(KafkaRecord::PartitionChange(change)) => change,
        other => panic!("{other:?}"),
    }
}

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

#[test]
fn partition_changes_are_kafkas() {
    let unchanged = PartitionChangeRecord { partition: 2, topic_id: ID, isr: None, leader: None, replicas: None };
    assert_eq!(change(CHANGE_NONE), unchanged);
    assert_eq!(change(CHANGE_NO_LEADER), PartitionChangeRecord { leader: Some(BrokerId(-1)), ..unchanged.clone() });
    let all = PartitionChangeRecord {
        isr: Some(brokers(&[1, 2])),
        leader: Some(BrokerId(2)),
        replicas: Some(brokers(&[2, 1])),
        ..unchanged
    };
    assert_eq!(change(CHANGE_ALL), all);
}

/// PartitionRegistration.merge: a leader that is named begins an epoch, and every change counts one up.
#[test]
fn a_change_is_laid_over_what_was() {
    let before = PartitionInfo {
        replicas: brokers(&[1, 2]),
        isr: brokers(&[1]),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(6),
        partition_epoch: 9,
    };
    let same = change(CHANGE_NONE).onto(&before);
    assert_eq!((same.replicas, same.isr, same.leader.0), (brokers(&[1, 2]), brokers(&[1]), 1));
    assert_eq!((same.leader_epoch.0, same.partition_epoch), (6, 10));
    let led = change(CHANGE_ALL).onto(&before);
    assert_eq!((led.replicas, led.isr, led.leader.0), (brokers(&[2, 1]), brokers(&[1, 2]), 2));
    assert_eq!((led.leader_epoch.0, led.partition_epoch), (7, 10));
}

#[test]
fn what_is_not_served_is_told_without_its_secrets() {
    let cases = [
        (
            UnservedKind::AccessControlEntry,
            "0112000123456789abcdef112233445566778802076f7264657273040b557365723a616c696365022a030300",
            Some("allow User:alice from * to read topic prefixed:orders"),
            Some("0113000123456789abcdef112233445566778800"),
        ),
        (
            UnservedKind::DelegationToken,
            "010a000b557365723a616c69636509557365723a626f62020b557365723a6361726f6c00000000000000010000000000000002000000000000000304746f6b00",
            Some("tok of User:alice"),
            Some("011a0004746f6b00"),
        ),
        (UnservedKind::OtherConfig, "01040040047375620c696e74657276616c2e6d730000", None, None),
    ];
    for (kind, there, text, gone) in cases {
        let Ok(KafkaRecord::Unserved(record)) = parse_kafkas(&bytes(there)) else { panic!("{there}") };
        assert_eq!((record.kind, record.text.as_deref()), (kind, text));
        if let Some(gone) = gone {
            let Ok(KafkaRecord::Unserved(removal)) = parse_kafkas(&bytes(gone)) else { panic!("{gone}") };
            assert_eq!((removal.kind, removal.id, removal.text), (kind, record.id, None));
        }
    }
}

/// From the same serde: quotas, credentials, and configs of share groups and of client metrics subscriptions.
#[test]
fn quotas_credentials_and_configs_are_kafkas() {
    let entity = |kinds: &[(&str, Option<&str>)]| {
        kinds.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect()
    };
    let of_both: QuotaEntity = entity(&[("user", Some("alice")), ("client-id", None)]);
    let quota = |value| {
        let (entity, key) = (of_both.clone(), "producer_byte_rate".to_owned());
        Event::ClientQuota(ClientQuotaRecord { entity, key, value })
    };
    let scram = |credential| {
        let (user, mechanism) = ("alice".to_owned(), ScramMechanism::Sha512);
        Event::ScramCredential(ScramCredentialRecord { user, mechanism, credential })
    };
    let credential = ScramCredential { salt: vec![1, 2], stored_key: vec![3], server_key: vec![4], iterations: 4096 };
    let config = |resource, name: &str, value: Option<&str>| {
        Event::Config(ConfigRecord { resource, name: name.into(), value: value.map(Into::into) })
    };
    let cases = [
        (
            "010e0003057573657206616c696365000a636c69656e742d696400001370726f64756365725f627974655f7261746540900200000000000000",
            quota(Some(QuotaValue(1024.5))),
        ),
        (
            "010e0003057573657206616c696365000a636c69656e742d696400001370726f64756365725f627974655f7261746500000000000000000100",
            quota(None),
        ),
        ("010b0006616c69636502030102020302040000100000", scram(Some(credential))),
        ("01160006616c6963650200", scram(None)),
        (
            "0104002002671973686172652e73657373696f6e2e74696d656f75742e6d73023500",
            config(ConfigResource::Group("g".into()), "share.session.timeout.ms", Some("5")),
        ),
        (
            "01040010047375620c696e74657276616c2e6d730000",
            config(ConfigResource::ClientMetrics("sub".into()), "interval.ms", None),
        ),
    ];
    for (hex, event) in cases {
        assert_eq!(parse_kafkas(&bytes(hex)), Ok(KafkaRecord::Event(event.clone())), "{hex}");
        // An entity's types may stand in any order.
        if !matches!(event, Event::ClientQuota(_)) {
            assert_eq!(event.encode(), bytes(hex), "{event:?}");
        }
        assert_eq!(parse(&event.encode()), Ok(Some(event)));
    }
}

#[test]
fn the_other_records_are_known() {
    let of_no_use = [
        "01070000000003000000000000000400",
        "01080000000003000000000000000400",
        "011103000000010000000000000005030001ff0211020123456789abcdef1122334455667788030101",
        "011b00000000010123456789abcdef112233445566778800010100",
        "011c00076f726465727300",
        "0115000300",
        "01140000",
    ];
    for hex in of_no_use {
        assert_eq!(parse_kafkas(&bytes(hex)), Ok(KafkaRecord::OfNoUse), "{hex}");
    }
    assert_eq!(
        parse_kafkas(&bytes("01170001001212426f6f747374726170207265636f726473")),
        Ok(KafkaRecord::BeginTransaction)
    );
    assert_eq!(parse_kafkas(&bytes("01180000")), Ok(KafkaRecord::EndTransaction));
    assert_eq!(parse_kafkas(&bytes("0119000100020278")), Ok(KafkaRecord::AbortTransaction));
    let gone = UnregisterBrokerRecord { broker: BrokerId(3) };
    assert_eq!(parse_kafkas(&bytes("01010000000003000000000000000400")), Ok(KafkaRecord::UnregisterBroker(gone)));
    // RegisterBrokerRecord of version 4, with directories that take no new partitions.
    let newest = "01000400000001000123456789abcdef1122334455667788000000000000000701010372310100020011020123456789abcdef1122334455667788011102\
                  0123456789abcdef1122334455667788";
    let Ok(KafkaRecord::Event(Event::RegisterBroker(r))) = parse_kafkas(&bytes(newest)) else { panic!("{newest}") };
    assert_eq!((r.broker.0, r.broker_epoch, r.rack.as_deref(), r.fenced), (1, 7, Some("r1"), true));
    assert!(parse_kafkas(&[1, 99, 0, 0]).is_err(), "what is not known is not forgotten");
    assert!(parse_kafkas(&bytes("010503000000020123456789abcdef112233445566778800")).is_err(), "nor a newer version");
}

#[test]
fn a_partition_in_its_directory_is_kafkas() {
    let partition = PartitionRecord {
        partition: 2,
        topic_id: ID,
        replicas: brokers(&[1]),
        isr: brokers(&[1]),
        leader: BrokerId(-1),
        leader_epoch: LeaderEpoch(3),
        partition_epoch: 4,
    };
    let hex = "010302000000020123456789abcdef1122334455667788020000000102000000010101ffffffff0000000300000004020123456789abcdef112233445566\
               778800";
    assert_eq!(partition.encode_in(&[ID.0]), bytes(hex));
}

/// Key and value of the records in `00000000000000000000-0000000000.checkpoint` as `kafka-storage format --standalone` of Kafka
/// 4.3.1 wrote it.
#[test]
fn control_records_of_a_snapshot_are_kafkas() {
    let voter = Voter {
        node: BrokerId(1),
        directory: Uuid::from_u128(0x5c15_103e_f81f_43d3_9021_e50c_0fb4_39a7),
        endpoints: vec![VoterEndpoint { listener: "CONTROLLER".into(), host: "127.0.0.1".into(), port: 29193 }],
    };
    let cases = [
        (QuorumRecord::SnapshotHeader(Timestamp(0x01a1_fdbb_ded5)), "00000003", "0000000001a1fdbbded500"),
        (QuorumRecord::KraftVersion(1), "00000005", "0000000100"),
        (
            QuorumRecord::Voters(vec![voter]),
            "00000006",
            "000002000000015c15103ef81f43d39021e50c0fb439a7020b434f4e54524f4c4c45520a3132372e302e302e31720900000000010000\
             00",
        ),
        (QuorumRecord::SnapshotFooter, "00000004", "000000"),
    ];
    for (record, key, value) in cases {
        let (encoded_key, encoded_value) = record.encode().unwrap();
        assert_eq!((&encoded_key[..], &encoded_value[..]), (&bytes(key)[..], &bytes(value)[..]), "{record:?}");
        assert_eq!(QuorumRecord::decode(&bytes(key), &bytes(value)), Ok(record));
    }
    // LeaderChange of a static quorum.
    let leader = bytes("00000000000102000000010002000000010000");
    assert_eq!(QuorumRecord::decode(&bytes("00000002"), &leader), Ok(QuorumRecord::Other));
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(key in 0..30u8, version in 0..5u8, bytes: Vec<u8>) {
        let _ = parse_kafkas(&bytes);
        let _ = parse_kafkas(&[&[1, key, version][..], &bytes].concat());
        for kind in 0..8u8 {
            let _ = QuorumRecord::decode(&[0, 0, 0, kind], &bytes);
        }
        let _ = QuorumRecord::decode(&bytes, &bytes);
    }
}
