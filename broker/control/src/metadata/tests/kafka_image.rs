//! Kafka's metadata becomes this program's and goes back, and what a controller did not finish counts for nothing.

use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId};
use uuid::Uuid;

use crate::machine::Machine;
use crate::metadata::client_quotas::QuotaValue;
use crate::metadata::command::ConfigResource;
use crate::metadata::config::MetadataConfig;
use crate::metadata::kafka_image::{KafkaImage, snapshot_for_kafka};
use crate::metadata::machine::MetadataMachine;
use crate::metadata::record::{
    ClientQuotaRecord, ConfigRecord, Event, FeatureLevelRecord, PartitionRecord, ProducerIdsRecord,
    ScramCredentialRecord, TopicRecord, UnservedKind,
};
use crate::metadata::scram::{ScramCredential, ScramMechanism};

const ORDERS: TopicId = TopicId(Uuid::from_u128(0x0123_4567_89ab_cdef_1122_3344_5566_7788));
const BEGIN: &[u8] = &[1, 23, 0, 0];
const END: &[u8] = &[1, 24, 0, 0];
const ABORT: &[u8] = &[1, 25, 0, 0];

fn topic(name: &str, topic_id: TopicId) -> Event {
    Event::Topic(TopicRecord { name: name.into(), topic_id })
}

fn partition(number: i32, leader_epoch: i32) -> Event {
    Event::Partition(PartitionRecord {
        partition: number,
        topic_id: ORDERS,
        replicas: vec![BrokerId(1), BrokerId(2)],
        isr: vec![BrokerId(1)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(leader_epoch),
        partition_epoch: 8,
    })
}

fn config(resource: ConfigResource, name: &str, value: &str) -> Event {
    Event::Config(ConfigRecord { resource, name: name.into(), value: Some(value.into()) })
}

fn kafkas() -> Vec<Event> {
    vec![
        Event::FeatureLevel(FeatureLevelRecord { name: "group.version".into(), level: 1 }),
        Event::FeatureLevel(FeatureLevelRecord { name: "metadata.version".into(), level: 30 }),
        topic("orders", ORDERS),
        partition(0, 3),
        partition(1, 4),
        config(ConfigResource::Topic("orders".into()), "retention.ms", "5"),
        config(ConfigResource::Broker(None), "log.retention.ms", "6"),
        config(ConfigResource::Broker(Some(BrokerId(1))), "num.io.threads", "7"),
        config(ConfigResource::Broker(Some(BrokerId(2))), "num.io.threads", "9"),
        config(ConfigResource::ClientMetrics("all".into()), "interval.ms", "5000"),
        Event::ClientQuota(ClientQuotaRecord {
            entity: [("user".to_owned(), None)].into(),
            key: "request_percentage".into(),
            value: Some(QuotaValue(12.5)),
        }),
        Event::ScramCredential(ScramCredentialRecord {
            user: "alice".into(),
            mechanism: ScramMechanism::Sha256,
            credential: Some(ScramCredential {
                salt: vec![1],
                stored_key: vec![2],
                server_key: vec![3],
                iterations: 4096,
            }),
        }),
        Event::ProducerIds(ProducerIdsRecord {
            broker: BrokerId(1),
            broker_epoch: 12,
            next_producer_id: forebay_storage::ids::ProducerId(3000),
        }),
    ]
}

fn image(values: &[&[u8]]) -> KafkaImage {
    let mut image = KafkaImage::default();
    values.iter().for_each(|value| image.apply(value).unwrap());
    image
}

fn replayed(events: Vec<Event>) -> MetadataMachine {
    let mut machine = MetadataMachine::new(MetadataConfig::default());
    events.into_iter().for_each(|event| machine.apply(event));
    machine
}

#[test]
fn all_that_is_kafkas_is_carried_over() {
    let values: Vec<_> = kafkas().iter().map(Event::encode).collect();
    let image = image(&values.iter().map(|value| &value[..]).collect::<Vec<_>>());
    let machine = replayed(image.events(BrokerId(1)));
    let orders = machine.topic("orders").unwrap();
    assert_eq!(orders.topic_id, ORDERS);
    let epochs: Vec<i32> = orders.partitions.iter().map(|p| p.leader_epoch.0).collect();
    assert_eq!(epochs, [4, 5], "another leader, another epoch");
    assert!(orders.partitions.iter().all(|p| p.replicas == [BrokerId(1)] && p.isr == [BrokerId(1)] && p.leader.0 == 1));
    assert_eq!(machine.next_producer_id().0, 3000);
    assert_eq!(machine.feature_level("metadata.version"), Some(30));
    assert_eq!(machine.feature_level("group.version"), Some(1));
    let of = |resource| machine.dynamic_configs(&resource).into_iter().collect::<Vec<_>>();
    assert_eq!(of(ConfigResource::Topic("orders".into())), [("retention.ms".to_owned(), "5".to_owned())]);
    assert_eq!(of(ConfigResource::Broker(None)), [("log.retention.ms".to_owned(), "6".to_owned())]);
    assert_eq!(of(ConfigResource::Broker(Some(BrokerId(1)))), [("num.io.threads".to_owned(), "7".to_owned())]);
    assert!(of(ConfigResource::Broker(Some(BrokerId(2)))).is_empty(), "another node's");
    assert_eq!(of(ConfigResource::ClientMetrics("all".into())), [("interval.ms".to_owned(), "5000".to_owned())]);
    let quotas: Vec<_> = machine.client_quotas().values().flatten().collect();
    assert_eq!(quotas, [(&"request_percentage".to_owned(), &QuotaValue(12.5))]);
    assert_eq!(machine.scram_credentials()["alice"][&ScramMechanism::Sha256].iterations, 4096);
}

#[test]
fn transactions_of_the_controller_count_when_they_have_ended() {
    let (a, b, c, d) = ("a", "b", "c", "d");
    let [a, b, c, d] = [a, b, c, d].map(|name| topic(name, TopicId(Uuid::new_v4())).encode());
    let image = image(&[BEGIN, &a, END, BEGIN, &b, ABORT, &c, BEGIN, &d]);
    let names: Vec<&str> = image.machine().topics().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["a", "c"], "b was taken back, d never ended");
}

#[test]
fn what_is_not_served_is_listed_until_it_is_removed() {
    let acl = [1, 18, 0].iter().copied().chain(*ORDERS.0.as_bytes()).chain([2, 2, b't', 3, 2, b'u', 2, b'*', 3, 3, 0]);
    let acl: Vec<u8> = acl.collect();
    let removal: Vec<u8> = [1, 19, 0].iter().copied().chain(*ORDERS.0.as_bytes()).chain([0]).collect();
    let listed = image(&[&acl]);
    let listed: Vec<_> = listed.unserved().collect();
    assert_eq!(listed, [(UnservedKind::AccessControlEntry, "allow u from * to read topic literal:t")]);
    assert_eq!(image(&[&acl, &removal]).unserved().count(), 0);
}

#[test]
fn a_snapshot_for_kafka_says_the_same_with_this_node_leading() {
    let machine = replayed(kafkas());
    let directory = |topic: &str, number: i32| {
        assert_eq!(topic, "orders");
        Uuid::from_u128(100 + number.unsigned_abs() as u128)
    };
    let values = snapshot_for_kafka(&machine, BrokerId(1), directory);
    let first = Event::FeatureLevel(FeatureLevelRecord { name: "metadata.version".into(), level: 30 });
    assert_eq!(values[0], first.encode(), "the level says how to read the rest");
    let back = image(&values.iter().map(|value| &value[..]).collect::<Vec<_>>());
    let orders = back.machine().topic("orders").unwrap();
    assert!(orders.partitions.iter().all(|p| p.leader.0 == 1 && p.isr == [BrokerId(1)]));
    assert_eq!(orders.partitions.iter().map(|p| p.leader_epoch.0).collect::<Vec<_>>(), [4, 5]);
    // The directory of the second partition stands in its record.
    let wanted = Uuid::from_u128(101);
    assert!(values.iter().any(|value| value.windows(16).any(|part| part == wanted.as_bytes())));
    assert_eq!(back.machine().brokers().count(), 0);
    assert_eq!(back.machine().next_producer_id().0, 3000);
}
