//! Client quotas: who may have which, what changes, and what is shown (Kafka: ClientQuotaControlManager, ClientQuotasImage; KIP-546).

use std::collections::{BTreeMap, BTreeSet};

use super::command::{AlterClientQuotas, QuotaAlteration};
use super::config::MAX_RECORDS_PER_REQUEST;
use super::effect::Effect;
use super::machine::{Decision, MetadataMachine};
use super::record::{ClientQuotaRecord, Event};
use super::refusal::{Refusal, outcome};
use super::reply::{AlterClientQuotasResult, Reply};
use crate::error_code::ErrorCode;

/// Type of an entity: a user.
pub const USER: &str = "user";
/// Type of an entity: what a client calls itself.
pub const CLIENT_ID: &str = "client-id";
/// Type of an entity: an address.
pub const IP: &str = "ip";

/// Key: bytes a second that producers send.
pub const PRODUCER_BYTE_RATE: &str = "producer_byte_rate";
/// Key: bytes a second that consumers are sent.
pub const CONSUMER_BYTE_RATE: &str = "consumer_byte_rate";
/// Key: percents of one thread's time.
pub const REQUEST_PERCENTAGE: &str = "request_percentage";
/// Key: partitions made or deleted a second.
pub const CONTROLLER_MUTATION_RATE: &str = "controller_mutation_rate";
/// Key: connections a second.
pub const CONNECTION_CREATION_RATE: &str = "connection_creation_rate";

/// Whose quota: names by type; no name is the default of that type.
pub type QuotaEntity = BTreeMap<String, Option<String>>;

/// All quotas by entity and key.
pub type ClientQuotas = BTreeMap<QuotaEntity, BTreeMap<String, QuotaValue>>;

/// The value of a quota. Two are equal when their bits are, as of Java's `Double`.
#[derive(Clone, Copy, Debug)]
pub struct QuotaValue(pub f64);

impl PartialEq for QuotaValue {
    fn eq(&self, other: &QuotaValue) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for QuotaValue {}

/// What a quota counts in (Kafka: ConfigDef.Type of the key).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Double,
    Int,
    Long,
}

/// Keys of users and client ids (Kafka: QuotaConfig.userAndClientQuotaConfigs).
const OF_CLIENTS: &[(&str, Unit)] = &[
    (PRODUCER_BYTE_RATE, Unit::Long),
    (CONSUMER_BYTE_RATE, Unit::Long),
    (REQUEST_PERCENTAGE, Unit::Double),
    (CONTROLLER_MUTATION_RATE, Unit::Double),
];
/// Keys of addresses (Kafka: QuotaConfig.ipConfigs).
const OF_ADDRESSES: &[(&str, Unit)] = &[(CONNECTION_CREATION_RATE, Unit::Int)];

/// How a filter names entities of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaMatch {
    /// The one of that name; the default when `None`.
    Exactly(Option<String>),
    /// All that have one of that type.
    Specified,
}

/// Which quotas to show: what is said of each type; `strict` leaves out entities with a type that is not named.
#[derive(Clone, Debug, Default)]
pub struct QuotaFilter {
    /// By type.
    pub components: BTreeMap<String, QuotaMatch>,
    /// No further types.
    pub strict: bool,
}

impl QuotaFilter {
    fn admits(&self, entity: &QuotaEntity) -> bool {
        let matches = |(kind, wanted): (&String, &QuotaMatch)| {
            entity.get(kind).is_some_and(|name| match wanted {
                QuotaMatch::Exactly(exactly) => exactly == name,
                QuotaMatch::Specified => true,
            })
        };
        self.components.iter().all(matches) && (!self.strict || entity.len() == self.components.len())
    }
}

impl MetadataMachine {
    /// All quotas.
    #[must_use]
    pub fn client_quotas(&self) -> &ClientQuotas {
        &self.client_quotas
    }

    /// The quotas that a filter asks for.
    #[must_use]
    pub fn describe_client_quotas(&self, filter: &QuotaFilter) -> ClientQuotas {
        let admitted = self.client_quotas.iter().filter(|(entity, _)| filter.admits(entity));
        admitted.map(|(entity, quotas)| (entity.clone(), quotas.clone())).collect()
    }

    pub(super) fn alter_client_quotas(&self, command: AlterClientQuotas) -> Decision {
        let mut decision = Decision::default();
        let mut results: Vec<AlterClientQuotasResult> = Vec::new();
        let mut places = BTreeMap::new();
        for alteration in &command.alterations {
            let duplicate = || Err(invalid(format!("Ignoring duplicate entity {}", shown(&alteration.entity))));
            if let Some(place) = places.get(&alteration.entity) {
                // Kafka: the later one of the same entity is not carried out, and its answer stands for both.
                let said: &mut AlterClientQuotasResult = &mut results[*place];
                (said.error, said.message) = outcome(duplicate());
                continue;
            }
            places.insert(&alteration.entity, results.len());
            // Kafka says the same of a key that is there twice.
            let verdict = match has_a_key_twice(alteration) {
                true => duplicate(),
                false => self.alter_entity(alteration, &mut decision),
            };
            let (error, message) = outcome(verdict);
            results.push(AlterClientQuotasResult { entity: alteration.entity.clone(), error, message });
        }
        if decision.events.len() > MAX_RECORDS_PER_REQUEST {
            decision = Decision::default();
            for result in &mut results {
                (result.error, result.message) = outcome(Err(Refusal::too_many_records()));
            }
        }
        if command.validate_only {
            decision = Decision::default();
        }
        if !decision.events.is_empty() {
            decision.effects.push(Effect::ClientQuotasChanged);
        }
        decision.replies.push((command.reply_to, Reply::AlterClientQuotas(results)));
        decision
    }

    fn alter_entity(&self, alteration: &QuotaAlteration, decision: &mut Decision) -> Result<(), Refusal> {
        let keys = keys_of(&alteration.entity)?;
        let present = self.client_quotas.get(&alteration.entity);
        let mut events = Vec::new();
        let mut refused = Ok(());
        for (key, value) in &alteration.ops {
            let now = present.and_then(|quotas| quotas.get(key));
            match value {
                Some(value) => {
                    let checked = check_value(keys, key, value.0);
                    if checked.is_err() {
                        refused = checked;
                        continue;
                    }
                }
                None if now.is_none() => continue,
                None => {}
            }
            if now != value.as_ref() {
                let (entity, key) = (alteration.entity.clone(), key.clone());
                events.push(Event::ClientQuota(ClientQuotaRecord { entity, key, value: *value }));
            }
        }
        refused?;
        decision.events.extend(events);
        Ok(())
    }

    pub(super) fn apply_client_quota(&mut self, record: ClientQuotaRecord) {
        let quotas = self.client_quotas.entry(record.entity.clone()).or_default();
        match record.value {
            Some(value) => quotas.insert(record.key, value),
            None => quotas.remove(&record.key),
        };
        if quotas.is_empty() {
            self.client_quotas.remove(&record.entity);
        }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}

fn has_a_key_twice(alteration: &QuotaAlteration) -> bool {
    let mut seen = BTreeSet::new();
    !alteration.ops.iter().all(|(key, _)| seen.insert(key))
}

/// The keys that an entity may have, or what is wrong with it.
fn keys_of(entity: &QuotaEntity) -> Result<&'static [(&'static str, Unit)], Refusal> {
    if entity.is_empty() {
        return Err(invalid("Invalid empty client quota entity"));
    }
    for (kind, name) in entity {
        if ![USER, CLIENT_ID, IP].contains(&kind.as_str()) {
            return Err(invalid(format!("Unhandled client quota entity type: {kind}")));
        }
        if name.as_deref() == Some("") {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
    }
    match (entity.contains_key(USER) || entity.contains_key(CLIENT_ID), entity.contains_key(IP)) {
        (true, false) => Ok(OF_CLIENTS),
        (false, true) => Ok(OF_ADDRESSES),
        _ => Err(invalid("Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId")),
    }
}

fn check_value(keys: &[(&str, Unit)], key: &str, value: f64) -> Result<(), Refusal> {
    let Some((_, unit)) = keys.iter().find(|(name, _)| *name == key) else {
        return Err(invalid(format!("Invalid configuration key {key}")));
    };
    if value <= 0.0 {
        return Err(invalid(format!("Quota {key} must be greater than 0")));
    }
    let (most, name) = match unit {
        Unit::Double => return Ok(()),
        Unit::Int => (f64::from(i32::MAX), "an INT"),
        Unit::Long => (i64::MAX as f64, "a LONG"),
    };
    if value > most {
        return Err(invalid(format!("Proposed value for {key} is too large for {name}.")));
    }
    if (value % 1.0).abs() > 1e-6 {
        return Err(invalid(format!("{key} cannot be a fractional value.")));
    }
    Ok(())
}

/// As Java shows a `ClientQuotaEntity`.
fn shown(entity: &QuotaEntity) -> String {
    let entries: Vec<String> =
        entity.iter().map(|(kind, name)| format!("{kind}={}", name.as_deref().unwrap_or("null"))).collect();
    format!("ClientQuotaEntity(entries={{{}}})", entries.join(", "))
}
