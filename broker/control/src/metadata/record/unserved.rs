//! Records of Kafka about things that this program does not serve yet: access control, credentials, quotas, delegation tokens,
//! and configs of share and streams groups and of client metrics. Read so that they can be told, never written.

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader};

pub(super) const ACCESS_CONTROL_ENTRY: u32 = 18;
pub(super) const REMOVE_ACCESS_CONTROL_ENTRY: u32 = 19;
pub(super) const SCRAM_CREDENTIAL: u32 = 11;
pub(super) const REMOVE_SCRAM_CREDENTIAL: u32 = 22;
pub(super) const CLIENT_QUOTA: u32 = 14;
pub(super) const DELEGATION_TOKEN: u32 = 10;
pub(super) const REMOVE_DELEGATION_TOKEN: u32 = 26;

/// ConfigResource.Type of a client metrics subscription.
const CLIENT_METRICS: i8 = 16;
/// ConfigResource.Type of a group.
const GROUP: i8 = 32;

/// A kind of thing that is not served yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnservedKind {
    /// An access control entry.
    AccessControlEntry,
    /// A user's SCRAM credential.
    ScramCredential,
    /// A quota.
    ClientQuota,
    /// A delegation token.
    DelegationToken,
    /// A config of a share or a streams group.
    GroupConfig,
    /// A config of a client metrics subscription.
    ClientMetricsConfig,
    /// A config of a kind of resource that this program does not know.
    OtherConfig,
}

impl UnservedKind {
    /// What it is called, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnservedKind::AccessControlEntry => "access control entry",
            UnservedKind::ScramCredential => "SCRAM credential",
            UnservedKind::ClientQuota => "client quota",
            UnservedKind::DelegationToken => "delegation token",
            UnservedKind::GroupConfig => "group config",
            UnservedKind::ClientMetricsConfig => "client metrics config",
            UnservedKind::OtherConfig => "config of an unknown kind",
        }
    }
}

/// One such thing is there, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnservedRecord {
    /// What it is.
    pub kind: UnservedKind,
    /// Tells it from others of its kind.
    pub id: String,
    /// What it says, for people and without secrets; `None` when it is gone.
    pub text: Option<String>,
}

impl UnservedRecord {
    /// `None` for an api key of another kind of record.
    pub(super) fn read(api_key: u32, version: u32, r: &mut Reader<'_>) -> Result<Option<UnservedRecord>, DecodeError> {
        let read = match api_key {
            ACCESS_CONTROL_ENTRY => access_control_entry,
            REMOVE_ACCESS_CONTROL_ENTRY => remove_access_control_entry,
            SCRAM_CREDENTIAL => scram_credential,
            REMOVE_SCRAM_CREDENTIAL => remove_scram_credential,
            CLIENT_QUOTA => client_quota,
            DELEGATION_TOKEN => delegation_token,
            REMOVE_DELEGATION_TOKEN => remove_delegation_token,
            _ => return Ok(None),
        };
        check_version("metadata record", version, 0)?;
        let record = read(r)?;
        r.skip_tags()?;
        Ok(Some(record))
    }

    /// A ConfigRecord of neither a topic, a node nor a consumer group; `None` when it is one of these.
    pub(super) fn of_config(r: &mut Reader<'_>) -> Result<Option<UnservedRecord>, DecodeError> {
        let resource_type = r.i8("resource type")?;
        let resource = r.compact_string("resource name")?;
        let name = r.compact_string("name")?;
        let kind = match resource_type {
            2 | 4 => return Ok(None),
            GROUP if name.starts_with("consumer.") => return Ok(None),
            GROUP => UnservedKind::GroupConfig,
            CLIENT_METRICS => UnservedKind::ClientMetricsConfig,
            _ => UnservedKind::OtherConfig,
        };
        let value = r.compact_nullable_string("value")?;
        r.skip_tags()?;
        let text = value.map(|value| format!("{resource}: {name}={value}"));
        Ok(Some(UnservedRecord { kind, id: format!("{resource}\0{name}"), text }))
    }
}

fn there(kind: UnservedKind, id: String, text: String) -> Result<UnservedRecord, DecodeError> {
    Ok(UnservedRecord { kind, id, text: Some(text) })
}

fn gone(kind: UnservedKind, id: String) -> Result<UnservedRecord, DecodeError> {
    Ok(UnservedRecord { kind, id, text: None })
}

fn access_control_entry(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    let id = r.uuid("id")?.to_string();
    let resource = name_of(&RESOURCE_TYPES, r.i8("resource type")?);
    let name = r.compact_string("resource name")?;
    let pattern = name_of(&PATTERN_TYPES, r.i8("pattern type")?);
    let principal = r.compact_string("principal")?;
    let host = r.compact_string("host")?;
    let operation = name_of(&OPERATIONS, r.i8("operation")?);
    let permission = name_of(&PERMISSIONS, r.i8("permission type")?);
    let text = format!("{permission} {principal} from {host} to {operation} {resource} {pattern}:{name}");
    there(UnservedKind::AccessControlEntry, id, text)
}

fn remove_access_control_entry(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    gone(UnservedKind::AccessControlEntry, r.uuid("id")?.to_string())
}

fn scram_credential(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    let (id, text) = scram_name(r)?;
    for field in ["salt", "stored key", "server key"] {
        r.compact_bytes(field)?;
    }
    r.i32("iterations")?;
    there(UnservedKind::ScramCredential, id, text)
}

fn remove_scram_credential(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    let (id, _) = scram_name(r)?;
    gone(UnservedKind::ScramCredential, id)
}

fn scram_name(r: &mut Reader<'_>) -> Result<(String, String), DecodeError> {
    let user = r.compact_string("name")?;
    let mechanism = name_of(&MECHANISMS, r.i8("mechanism")?);
    Ok((format!("{user}\0{mechanism}"), format!("user {user}, {mechanism}")))
}

fn client_quota(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    let mut entities = Vec::new();
    for _ in 0..r.compact_array(3, "entity")? {
        let kind = r.compact_string("entity type")?;
        let name = r.compact_nullable_string("entity name")?.unwrap_or("<default>");
        entities.push(format!("{kind} {name}"));
        r.skip_tags()?;
    }
    let entities = entities.join(", ");
    let key = r.compact_string("key")?;
    let value = r.f64("value")?;
    let id = format!("{entities}\0{key}");
    match r.bool("remove")? {
        true => gone(UnservedKind::ClientQuota, id),
        false => there(UnservedKind::ClientQuota, id, format!("{entities}: {key}={value}")),
    }
}

fn delegation_token(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    let owner = r.compact_string("owner")?.to_owned();
    r.compact_string("requester")?;
    for _ in 0..r.compact_array(1, "renewers")? {
        r.compact_string("renewer")?;
    }
    for field in ["issue timestamp", "max timestamp", "expiration timestamp"] {
        r.i64(field)?;
    }
    let id = r.compact_string("token id")?.to_owned();
    there(UnservedKind::DelegationToken, id.clone(), format!("{id} of {owner}"))
}

fn remove_delegation_token(r: &mut Reader<'_>) -> Result<UnservedRecord, DecodeError> {
    gone(UnservedKind::DelegationToken, r.compact_string("token id")?.to_owned())
}

/// Kafka: ResourceType, from 0.
const RESOURCE_TYPES: [&str; 8] =
    ["unknown", "any", "topic", "group", "cluster", "transactional-id", "delegation-token", "user"];
/// Kafka: PatternType, from 0.
const PATTERN_TYPES: [&str; 5] = ["unknown", "any", "match", "literal", "prefixed"];
/// Kafka: AclOperation, from 0.
const OPERATIONS: [&str; 16] = [
    "unknown",
    "any",
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "cluster-action",
    "describe-configs",
    "alter-configs",
    "idempotent-write",
    "create-tokens",
    "describe-tokens",
    "two-phase-commit",
];
/// Kafka: AclPermissionType, from 0.
const PERMISSIONS: [&str; 4] = ["unknown", "any", "deny", "allow"];
/// Kafka: ScramMechanism, from 0.
const MECHANISMS: [&str; 3] = ["an unknown mechanism", "SCRAM-SHA-256", "SCRAM-SHA-512"];

fn name_of(names: &[&'static str], code: i8) -> &'static str {
    usize::try_from(code).ok().and_then(|at| names.get(at)).copied().unwrap_or("unknown")
}
