//! Every record reads back, is laid out as Kafka's schemas say, and no bytes make the reader panic.

use forebay_storage::ids::{BrokerId, LeaderEpoch, ProducerId, TopicId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::metadata::client_quotas::QuotaValue;
use crate::metadata::command::{ConfigResource, Endpoint};
use crate::metadata::scram::{ScramCredential, ScramMechanism};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const ID: TopicId = TopicId(Uuid::from_u128(0x0123_4567_89ab_cdef_1122_3344_5566_7788));

fn partition() -> PartitionRecord {
    PartitionRecord {
        partition: 2,
        topic_id: ID,
        replicas: vec![BrokerId(1), BrokerId(2)],
        isr: vec![BrokerId(1)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(3),
        partition_epoch: 4,
    }
}

/// Each record with the bytes that Kafka 4.3.1's own MetadataRecordSerde writes for it.
fn kafkas() -> Vec<(Event, &'static str)> {
    let config = |resource, name: &str, value: Option<&str>| {
        Event::Config(ConfigRecord { resource, name: name.into(), value: value.map(str::to_owned) })
    };
    let endpoint = Endpoint { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9092, security_protocol: 0 };
    vec![
        (
            Event::Topic(TopicRecord { name: "orders".into(), topic_id: ID }),
            "010200076f72646572730123456789abcdef112233445566778800",
        ),
        (Event::RemoveTopic(RemoveTopicRecord { topic_id: ID }), "0109000123456789abcdef112233445566778800"),
        (
            config(ConfigResource::Topic("orders".into()), "retention.ms", Some("5")),
            "01040002076f72646572730d726574656e74696f6e2e6d73023500",
        ),
        (
            config(ConfigResource::Broker(None), "log.retention.ms", None),
            "0104000401116c6f672e726574656e74696f6e2e6d730000",
        ),
        (
            Event::FeatureLevel(FeatureLevelRecord { name: "transaction.version".into(), level: 2 }),
            "010c00147472616e73616374696f6e2e76657273696f6e000200",
        ),
        (
            Event::ProducerIds(ProducerIdsRecord {
                broker: BrokerId(1),
                broker_epoch: 9,
                next_producer_id: ProducerId(3000),
            }),
            "010f000000000100000000000000090000000000000bb800",
        ),
        (
            Event::Partition(partition()),
            "010302000000020123456789abcdef1122334455667788030000000100000002020000000101010000000100000003000000040300000000\
             000000000000000000000001000000000000000000000000000000010\
             0",
        ),
        (
            Event::RegisterBroker(RegisterBrokerRecord {
                broker: BrokerId(1),
                incarnation: ID.0,
                broker_epoch: 7,
                endpoints: vec![endpoint],
                features: vec![("group.version".into(), 0, 1)],
                rack: Some("r1".into()),
                fenced: false,
            }),
            "01000300000001000123456789abcdef11223344556677880000000000000007020a504c41494e544558540a6c6f63616c686f73742384000000\
             020e67726f75702e76657273696f6e0000000100037231000000",
        ),
    ]
}

#[test]
fn bytes_are_kafkas() {
    for (event, hex) in kafkas() {
        assert_eq!(event.encode(), bytes(hex), "{event:?}");
        assert_eq!(parse(&bytes(hex)), Ok(Some(event)));
    }
}

#[test]
fn records_of_other_versions_are_read() {
    // Version 1, and version 2 with an eligible leader replica (tagged field 1), from the same serde.
    for hex in [
        "010301000000020123456789abcdef112233445566778803000000010000000202000000010101000000010000000300000004030000000000000000\
         000000000000000100000000000000000000000000000001\
         00",
        "010302000000020123456789abcdef112233445566778803000000010000000202000000010101000000010000000300000004030000000000000000\
         000000000000000100000000000000000000000000000001\
         0101050200000002",
    ] {
        assert_eq!(parse(&bytes(hex)), Ok(Some(Event::Partition(partition()))));
    }
}

#[test]
fn what_is_not_known_is_an_error_and_not_forgotten() {
    assert!(matches!(parse(&[2, 2, 0]), Err(DecodeError::UnknownVersion { kind: "metadata record frame", .. })));
    assert!(matches!(parse(&[1, 99, 0]), Err(DecodeError::UnknownVersion { .. })));
    assert!(matches!(parse(&[1, 2, 7]), Err(DecodeError::UnknownVersion { kind: "TopicRecord", version: 7 })));
    assert_eq!(parse(&[1, 20, 0, 0]), Ok(None), "NoOpRecord");
    assert!(parse(&[]).is_err());
}

fn brokers() -> impl Strategy<Value = Vec<BrokerId>> {
    proptest::collection::vec(any::<i32>().prop_map(BrokerId), 0..4)
}

fn topic_id() -> impl Strategy<Value = TopicId> {
    any::<u128>().prop_map(|bits| TopicId(Uuid::from_u128(bits)))
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (".{0,5}", ".{0,5}", any::<u16>(), any::<i16>()).prop_map(|(name, host, port, security_protocol)| Endpoint {
        name,
        host,
        port,
        security_protocol,
    })
}

fn resource() -> impl Strategy<Value = ConfigResource> {
    prop_oneof![
        ".{0,9}".prop_map(ConfigResource::Topic),
        proptest::option::of(any::<i32>().prop_map(BrokerId)).prop_map(ConfigResource::Broker),
        ".{0,9}".prop_map(ConfigResource::Group),
        ".{0,9}".prop_map(ConfigResource::ClientMetrics),
    ]
}

fn register() -> impl Strategy<Value = Event> {
    let features = proptest::collection::vec((".{0,9}", any::<i16>(), any::<i16>()), 0..3);
    let rack = proptest::option::of(".{0,9}");
    let endpoints = proptest::collection::vec(endpoint(), 0..3);
    (any::<i32>(), any::<u128>(), any::<i64>(), endpoints, features, rack, any::<bool>()).prop_map(
        |(broker, incarnation, broker_epoch, endpoints, features, rack, fenced)| {
            Event::RegisterBroker(RegisterBrokerRecord {
                broker: BrokerId(broker),
                incarnation: Uuid::from_u128(incarnation),
                broker_epoch,
                endpoints,
                features,
                rack,
                fenced,
            })
        },
    )
}

fn client_quota() -> impl Strategy<Value = Event> {
    let entity = proptest::collection::btree_map(".{0,5}", proptest::option::of(".{0,5}"), 0..3);
    (entity, ".{0,9}", proptest::option::of(1.0..1e12f64)).prop_map(|(entity, key, value)| {
        Event::ClientQuota(ClientQuotaRecord { entity, key, value: value.map(QuotaValue) })
    })
}

fn scram_credential() -> impl Strategy<Value = Event> {
    (".{0,9}", any::<bool>(), proptest::option::of((any::<[Vec<u8>; 3]>(), any::<i32>()))).prop_map(
        |(user, long, credential)| {
            let mechanism = if long { ScramMechanism::Sha512 } else { ScramMechanism::Sha256 };
            let credential = credential.map(|([salt, stored_key, server_key], iterations)| ScramCredential {
                salt,
                stored_key,
                server_key,
                iterations,
            });
            Event::ScramCredential(ScramCredentialRecord { user, mechanism, credential })
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let partition = (0..1_000_000i32, topic_id(), brokers(), brokers(), any::<[i32; 3]>()).prop_map(
        |(partition, topic_id, replicas, isr, [leader, leader_epoch, partition_epoch])| {
            Event::Partition(PartitionRecord {
                partition,
                topic_id,
                replicas,
                isr,
                leader: BrokerId(leader),
                leader_epoch: LeaderEpoch(leader_epoch),
                partition_epoch,
            })
        },
    );
    prop_oneof![
        register(),
        (".{0,9}", topic_id()).prop_map(|(name, topic_id)| Event::Topic(TopicRecord { name, topic_id })),
        partition,
        (resource(), ".{0,9}", proptest::option::of(".{0,9}"))
            .prop_map(|(resource, name, value)| Event::Config(ConfigRecord { resource, name, value })),
        topic_id().prop_map(|topic_id| Event::RemoveTopic(RemoveTopicRecord { topic_id })),
        (".{0,9}", any::<i16>()).prop_map(|(name, level)| Event::FeatureLevel(FeatureLevelRecord { name, level })),
        client_quota(),
        scram_credential(),
        (any::<i32>(), any::<i64>(), any::<i64>()).prop_map(|(broker, broker_epoch, next)| {
            Event::ProducerIds(ProducerIdsRecord {
                broker: BrokerId(broker),
                broker_epoch,
                next_producer_id: ProducerId(next),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn every_record_reads_back(event in event()) {
        prop_assert_eq!(parse(&event.encode()), Ok(Some(event)));
    }

    #[test]
    fn a_cut_record_is_an_error(event in event(), cut: prop::sample::Index) {
        let bytes = event.encode();
        prop_assert!(parse(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(key in 0..24u8, version in 0..4u8, bytes: Vec<u8>) {
        let _ = parse(&bytes);
        let _ = parse(&[&[1, key, version][..], &bytes].concat());
    }
}
