//! In what the two brokers may differ, each with its reason.

/// Fields of one scenario's answers that may differ. Each must differ somewhere, or it does not belong here.
#[derive(Debug)]
pub struct Allowed {
    /// The scenario.
    pub scenario: &'static str,
    /// Part of the label of the answers.
    pub answer: &'static str,
    /// Each field, or the start of its line.
    pub fields: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

/// Fields that each broker makes up by itself, in any answer.
pub const EVERYWHERE: &[(&str, &str)] = &[
    ("port", "each broker has its own"),
    ("cluster_id", "each broker has its own"),
    ("finalized_features_epoch", "an offset of the controller's log"),
];

const fn allow(
    scenario: &'static str,
    answer: &'static str,
    fields: &'static [&'static str],
    reason: &'static str,
) -> Allowed {
    Allowed { scenario, answer, fields, reason }
}

const NAMED_FAULT: &str =
    "Kafka lets an exception of its codec through as an unknown error; ours says what is wrong with the batch";
const AUTHORIZER: &str = "a key of Kafka's authorizer, which Kafka takes and does not describe";
const OTHERS_OPERATION: &str = "Kafka verifies several producers' partitions in one request and may answer one by the version of another's request";
const WHOLE_BATCHES: &str =
    "Kafka cuts the last batch off at the limit, and clients drop it; ours ends with a whole one";

/// What differs in some runs alone, for a reason that lies in Kafka.
#[rustfmt::skip]
pub const SOMETIMES: &[Allowed] = &[
    allow("transactions::fenced", "with another partition", &["error_code", "error_message", "\"Partition was not", "),"], OTHERS_OPERATION),
    allow("transactions_v2::verified_appends", "to what was not added", &["error_code", "\"Partition was not", "error_message", "),"], OTHERS_OPERATION),
    allow("transactional_offsets::offsets", "of a group that was not added", &["error_code"], OTHERS_OPERATION),
];

/// What may differ in one scenario: the start of a line of some answers.
#[rustfmt::skip]
pub const ALLOWED: &[Allowed] = &[
    allow("produce::bad_batches", "an unknown codec", &["error_code"], NAMED_FAULT),
    allow("produce::bad_batches", "gzip, which it is not", &["error_code", "log_start_offset"], NAMED_FAULT),
    allow("configs::describe_broker", "of all keys", &["super.users", "allow.everyone.if.no.acl.found"], AUTHORIZER),
    allow("fetch::limits", "100 bytes in all", &["b\""], WHOLE_BATCHES),
    allow("fetch::limits", "150 of the partition", &["b\""], WHOLE_BATCHES),
];
