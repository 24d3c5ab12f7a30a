//! Every record reads back, is laid out as Kafka's schemas say, and no bytes make the reader panic.

use forebay_storage::ids::{BrokerId, LeaderEpoch, ProducerId, TopicId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::metadata::command::{ConfigResource, Endpoint};

/// Laid out by hand from the JSON schemas: frame version 1, api key, version, fields, no tagged fields.
#[test]
fn bytes_are_kafkas() {
    let id = TopicId(Uuid::from_u128(1));
    let id_bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let topic = Event::Topic(TopicRecord { name: "ab".into(), topic_id: id });
    assert_eq!(&topic.encode()[..], &[&[1, 2, 0, 3, b'a', b'b'][..], &id_bytes, &[0]].concat()[..]);

    let remove = Event::RemoveTopic(RemoveTopicRecord { topic_id: id });
    assert_eq!(&remove.encode()[..], &[&[1, 9, 0][..], &id_bytes, &[0]].concat()[..]);

    let config =
        Event::Config(ConfigRecord { resource: ConfigResource::Topic("t".into()), name: "n".into(), value: None });
    assert_eq!(&config.encode()[..], [1, 4, 0, 2, 2, b't', 2, b'n', 0, 0]);

    let level = Event::FeatureLevel(FeatureLevelRecord { name: "f".into(), level: 2 });
    assert_eq!(&level.encode()[..], [1, 12, 0, 2, b'f', 0, 2, 0]);

    let ids = Event::ProducerIds(ProducerIdsRecord {
        broker: BrokerId(1),
        broker_epoch: 2,
        next_producer_id: ProducerId(1000),
    });
    assert_eq!(&ids.encode()[..], [1, 15, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0xe8, 0]);

    let partition = Event::Partition(PartitionRecord {
        partition: 3,
        topic_id: id,
        replicas: vec![BrokerId(1)],
        isr: vec![BrokerId(1)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(5),
        partition_epoch: 6,
    });
    let expected = [
        &[1, 3, 1, 0, 0, 0, 3][..],
        &id_bytes,
        &[2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1, 1],
        &[0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 6, 2],
        &[0; 16],
        &[0],
    ]
    .concat();
    assert_eq!(&partition.encode()[..], &expected[..]);
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
