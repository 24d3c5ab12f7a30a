//! The features of a cluster: the levels there are, those that are on, and how they change (KIP-584, KIP-1022; Kafka: Feature,
//! MetadataVersion, FeatureControlManager).

use super::command::{FeatureUpdate, UpdateFeatures, UpgradeType};
use super::effect::Effect;
use super::machine::{Decision, MetadataMachine, answered};
use super::record::{Event, FeatureLevelRecord};
use super::reply::Reply;

/// A feature of Kafka's that clients act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Its lowest level.
    pub min: i16,
    /// Its highest level, at which new clusters have it.
    pub max: i16,
}

const METADATA_VERSION: &str = "metadata.version";
const GROUP_VERSION: &str = "group.version";
const SHARE_VERSION: &str = "share.version";
const TRANSACTION_VERSION: &str = "transaction.version";

/// The features of Kafka 4.3. Clients choose transactions v2 (KIP-890) by `transaction.version`; consumer groups (KIP-848) are there from
/// `group.version` 1 on, share groups (KIP-932) from `share.version` 1 on.
pub const FEATURES: [Feature; 4] = [
    Feature { name: METADATA_VERSION, min: 7, max: 30 },
    Feature { name: GROUP_VERSION, min: 0, max: 1 },
    Feature { name: SHARE_VERSION, min: 0, max: 1 },
    Feature { name: TRANSACTION_VERSION, min: 0, max: 2 },
];

/// The levels of `metadata.version` with which records have changed: below one of them nobody goes who has come to it.
const RECORDS_CHANGED: [i16; 9] = [7, 8, 11, 13, 14, 15, 17, 23, 30];

impl MetadataMachine {
    /// The level of a feature.
    #[must_use]
    pub fn feature_level(&self, feature: &str) -> Option<i16> {
        self.features.get(feature).copied()
    }

    /// Whether the coordinator's log may say of a transaction that it is of the newer protocol (Kafka:
    /// TransactionVersion.transactionLogValueVersion).
    #[must_use]
    pub fn has_new_transactions(&self) -> bool {
        self.feature_level(TRANSACTION_VERSION).is_some_and(|level| level >= 1)
    }

    /// Whether consumer groups (KIP-848) are on (Kafka: GroupVersion.isConsumerRebalanceProtocolSupported).
    #[must_use]
    pub fn has_consumer_groups(&self) -> bool {
        self.feature_level(GROUP_VERSION).is_some_and(|level| level >= 1)
    }

    /// Whether share groups (KIP-932) are on (Kafka: ShareVersion.supportsShareGroups).
    #[must_use]
    pub fn has_share_groups(&self) -> bool {
        self.feature_level(SHARE_VERSION).is_some_and(|level| level >= 1)
    }

    /// The features that are on, with their levels. One at level 0 is off, and not among them.
    pub fn finalized_features(&self) -> impl Iterator<Item = (&'static str, i16)> {
        let level = |feature: &Feature| self.feature_level(feature.name).filter(|level| *level > 0);
        FEATURES.iter().filter_map(move |feature| Some((feature.name, level(feature)?)))
    }

    /// The features of which the log says nothing yet, at the levels of a new cluster: all of them in a new one.
    pub(super) fn new_features(&self) -> impl Iterator<Item = Event> {
        let new = FEATURES.iter().filter(|feature| !self.features.contains_key(feature.name));
        new.map(|feature| level_of(feature.name, feature.max))
    }

    /// All or nothing: one update that cannot be had refuses all.
    pub(super) fn update_features(&self, command: UpdateFeatures) -> Decision {
        let mut decision = Decision::default();
        for update in &command.updates {
            if let Err(reason) = self.check_feature(update, command.node) {
                return answered(command.reply_to, Reply::UpdateFeatures(Err(reason)));
            }
            decision.events.push(level_of(&update.feature, update.level));
        }
        if command.validate_only {
            decision.events.clear();
        } else {
            decision.effects.push(Effect::FeaturesChanged);
        }
        decision.replies.push((command.reply_to, Reply::UpdateFeatures(Ok(()))));
        decision
    }

    /// Kafka: FeatureControlManager.updateFeature; the error is its message.
    fn check_feature(&self, update: &FeatureUpdate, node: i32) -> Result<(), String> {
        let FeatureUpdate { feature: name, level, upgrade_type } = update;
        let invalid = |reason: String| format!("Invalid update version {level} for feature {name}. {reason}");
        let Some(upgrade_type) = upgrade_type else {
            return Err(invalid("The controller does not support the given upgrade type.".to_owned()));
        };
        if *level < 0 {
            return Err(invalid("A feature version cannot be less than 0.".to_owned()));
        }
        let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) else {
            return Err(invalid(format!("Local controller {node} does not support this feature.")));
        };
        if !(feature.min..=feature.max).contains(level) {
            let reason = format!("Local controller {node} only supports versions {}-{}", feature.min, feature.max);
            return Err(invalid(reason));
        }
        let now = self.feature_level(name).unwrap_or(0);
        match upgrade_type {
            UpgradeType::Upgrade if *level < now => Err(invalid(
                "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe \
                 downgrade."
                    .to_owned(),
            )),
            UpgradeType::SafeDowngrade | UpgradeType::UnsafeDowngrade if *level > now => {
                Err(invalid("Can't downgrade to a newer version.".to_owned()))
            }
            _ if *name == METADATA_VERSION && *level < now => {
                metadata_downgrade(now, *level, *upgrade_type == UpgradeType::UnsafeDowngrade)
            }
            _ => Ok(()),
        }
    }
}

/// Kafka: FeatureControlManager.updateMetadataVersion.
fn metadata_downgrade(from: i16, to: i16, unsafely: bool) -> Result<(), String> {
    if !RECORDS_CHANGED.iter().any(|changed| (to + 1..=from).contains(changed)) {
        return Ok(());
    }
    let reason = if unsafely {
        "Unsafe metadata downgrade is not supported in this version."
    } else {
        "Refusing to perform the requested downgrade because it might delete metadata information."
    };
    Err(format!("Unsupported metadata.version downgrade from {from} to {to}. {reason}"))
}

fn level_of(name: &str, level: i16) -> Event {
    Event::FeatureLevel(FeatureLevelRecord { name: name.to_owned(), level })
}
