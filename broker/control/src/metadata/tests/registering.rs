//! Registration of the node, features, producer ids. Sources: ClusterControlManagerTest, ProducerIdControlManagerTest.

use super::*;
use crate::metadata::command::{FeatureUpdate, UpdateFeatures, UpgradeType};
use crate::metadata::record::FeatureLevelRecord;
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

fn update(w: &mut World, feature: &str, level: i16, upgrade_type: UpgradeType) -> Result<(), String> {
    let update = FeatureUpdate { feature: feature.to_owned(), level, upgrade_type: Some(upgrade_type) };
    let command = UpdateFeatures { reply_to: ASKER, updates: vec![update], validate_only: false, node: 1 };
    match w.run(Command::UpdateFeatures(command)) {
        Some(Reply::UpdateFeatures(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_feature_that_was_switched_off_stays_off_and_can_be_switched_on() {
    let mut w = World::new();
    let on = |w: &World| w.machine.finalized_features().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(on(&w), ["metadata.version", "group.version", "share.version", "transaction.version"]);
    update(&mut w, "share.version", 0, UpgradeType::SafeDowngrade).unwrap();
    w.register(1);
    assert_eq!(on(&w), ["metadata.version", "group.version", "transaction.version"], "also after a restart");
    assert_eq!(w.replayed(), w.machine);
    update(&mut w, "share.version", 1, UpgradeType::Upgrade).unwrap();
    assert_eq!(w.machine.feature_level("share.version"), Some(1));
}

#[test]
fn one_update_that_cannot_be_had_refuses_all() {
    let mut w = World::new();
    let of = |feature: &str, level| FeatureUpdate {
        feature: feature.to_owned(),
        level,
        upgrade_type: Some(UpgradeType::SafeDowngrade),
    };
    let updates = vec![of("share.version", 0), of("group.version", 7)];
    let command = UpdateFeatures { reply_to: ASKER, updates, validate_only: false, node: 3 };
    let expected = "Invalid update version 7 for feature group.version. Local controller 3 only supports versions 0-1";
    let reply = w.run(Command::UpdateFeatures(command));
    assert_eq!(reply, Some(Reply::UpdateFeatures(Err(expected.to_owned()))));
    assert_eq!(w.machine.feature_level("share.version"), Some(1));
}

#[test]
fn metadata_go_down_only_where_no_records_have_changed() {
    // MetadataVersion.checkIfMetadataChanged: records have changed with 4.0-IV1 (23) and 4.3-IV0 (30).
    let mut w = World::new();
    let refused = update(&mut w, "metadata.version", 29, UpgradeType::SafeDowngrade).unwrap_err();
    assert!(refused.starts_with("Unsupported metadata.version downgrade from 30 to 29. "), "{refused}");
    w.machine.apply(Event::FeatureLevel(FeatureLevelRecord { name: "metadata.version".into(), level: 27 }));
    update(&mut w, "metadata.version", 23, UpgradeType::SafeDowngrade).unwrap();
    assert!(update(&mut w, "metadata.version", 22, UpgradeType::UnsafeDowngrade).is_err());
    assert!(update(&mut w, "metadata.version", 24, UpgradeType::SafeDowngrade).is_err(), "that is up");
    update(&mut w, "metadata.version", 30, UpgradeType::Upgrade).unwrap();
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
