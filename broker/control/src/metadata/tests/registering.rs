//! Registration of the node, features, producer ids. Sources: ClusterControlManagerTest, ProducerIdControlManagerTest.

use super::*;
use forebay_storage::ids::ProducerId;

#[test]
fn an_empty_log_gets_the_features_once() {
    let mut w = World::new();
    assert_eq!(w.machine.feature_level("transaction.version"), Some(2));
    let (first, epoch) = (w.log.len(), w.machine.brokers().next().unwrap().1.epoch);
    w.register(1);
    assert_eq!(w.log.len(), first + 1, "only the registration");
    assert!(w.machine.brokers().next().unwrap().1.epoch > epoch);
    assert_eq!(w.replayed(), w.machine);
}

#[test]
fn blocks_of_producer_ids_never_overlap() {
    let mut w = World::new();
    for first in [0, 1000, 2000] {
        let reply = w.run(Command::AllocateProducerIds { reply_to: ASKER, broker: BrokerId(1) });
        assert_eq!(reply, Some(Reply::ProducerIds { error: ErrorCode::None, first: ProducerId(first), count: 1000 }));
    }
    assert_eq!(w.replayed().next_producer_id(), ProducerId(3000));
}

#[test]
fn without_a_node_nothing_can_be_placed() {
    let mut w = World::with(MetadataConfig::default(), &[]);
    let topic = w.topic("t", 1, 1);
    let message =
        "Unable to replicate the partition 1 time(s): All brokers are currently fenced or in controlled shutdown.";
    assert_eq!(w.refused(topic), (ErrorCode::InvalidReplicationFactor, message.to_owned()));
}
