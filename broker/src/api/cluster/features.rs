//! The features of a cluster that clients and tools see, with their levels (KIP-584, KIP-1022).

/// A feature of Kafka's that clients act on: its name, the levels we support, the level that is on.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Lowest level.
    pub min: i16,
    /// Highest level.
    pub max: i16,
    /// The level that is on.
    pub finalized: i16,
}

/// Kafka: `Feature` and `MetadataVersion`. Clients choose transactions v2 (KIP-890) by `transaction.version`; consumer groups (KIP-848)
/// are there from `group.version` 1 on, share groups (KIP-932) from `share.version` 1 on.
pub const FEATURES: &[Feature] = &[
    Feature { name: "metadata.version", min: 7, max: 27, finalized: 27 },
    Feature { name: "group.version", min: 0, max: 1, finalized: 1 },
    Feature { name: "share.version", min: 0, max: 1, finalized: 1 },
    Feature { name: "transaction.version", min: 0, max: 2, finalized: 2 },
];
