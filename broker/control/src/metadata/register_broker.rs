//! A node comes up: it is registered, and a log that says nothing of a feature gets its level first (Kafka: ClusterControlManager,
//! FeatureControlManager, BootstrapMetadata).

use super::command::RegisterBroker;
use super::features::FEATURES;
use super::machine::{Decision, MetadataMachine};
use super::record::{Event, RegisterBrokerRecord};

impl MetadataMachine {
    pub(super) fn register_broker(&self, node: RegisterBroker) -> Decision {
        let mut decision = Decision::default();
        decision.events.extend(self.new_features());
        decision.events.push(Event::RegisterBroker(RegisterBrokerRecord {
            broker: node.broker,
            incarnation: node.incarnation,
            broker_epoch: self.brokers.get(&node.broker).map_or(0, |info| info.epoch) + 1,
            endpoints: node.endpoints,
            features: FEATURES.map(|feature| (feature.name.to_owned(), feature.min, feature.max)).to_vec(),
            rack: node.rack,
            fenced: false,
        }));
        decision
    }
}
