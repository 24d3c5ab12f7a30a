//! In what the two brokers may differ, each with its reason.

/// A field of one scenario's answers that may differ. It must differ somewhere, or it does not belong here.
#[derive(Debug)]
pub struct Allowed {
    /// The scenario.
    pub scenario: &'static str,
    /// Part of the label of the answers.
    pub answer: &'static str,
    /// The field.
    pub field: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Fields that each broker makes up by itself, in any answer.
pub const EVERYWHERE: &[(&str, &str)] = &[
    ("port", "each broker has its own"),
    ("cluster_id", "each broker has its own"),
    ("finalized_features_epoch", "an offset of the controller's log"),
];

/// What may differ in one scenario.
pub const ALLOWED: &[Allowed] = &[Allowed {
    scenario: "cluster::features",
    answer: "metadata.version to 1",
    field: "\"The update failed for all features since the following feature had an error",
    reason: "the message names the metadata versions a broker can read: ours are those of Kafka 4.1, whose records we have",
}];
