//! A node comes up: it is registered, and an empty log gets the levels of the features first (Kafka: ClusterControlManager,
//! FeatureControlManager, BootstrapMetadata).

use super::command::RegisterBroker;
use super::machine::{Decision, MetadataMachine};
use super::record::{Event, FeatureLevelRecord, RegisterBrokerRecord};

/// The features and their levels of a new cluster: those of Kafka 4.1.
const FEATURES: [(&str, i16); 3] = [
    ("metadata.version", 27), // 4.1-IV1
    ("group.version", 1),
    ("transaction.version", 2),
];

impl MetadataMachine {
    pub(super) fn register_broker(&self, node: RegisterBroker) -> Decision {
        let mut decision = Decision::default();
        if self.features.is_empty() {
            let level =
                |(name, level): (&str, i16)| Event::FeatureLevel(FeatureLevelRecord { name: name.into(), level });
            decision.events.extend(FEATURES.map(level));
        }
        decision.events.push(Event::RegisterBroker(RegisterBrokerRecord {
            broker: node.broker,
            incarnation: node.incarnation,
            broker_epoch: self.brokers.get(&node.broker).map_or(0, |info| info.epoch) + 1,
            endpoints: node.endpoints,
            features: FEATURES.map(|(name, level)| (name.to_owned(), 0, level)).to_vec(),
            rack: node.rack,
            fenced: false,
        }));
        decision
    }
}
