//! Records of Kafka about things that this program does not serve yet: access control, delegation tokens, and configs of kinds of
//! resources that it does not know. Read so that they can be told, never written.

use super::check_version;
use crate::metadata::wire::{DecodeError, Reader};

pub(super) const ACCESS_CONTROL_ENTRY: u32 = 18;
pub(super) const REMOVE_ACCESS_CONTROL_ENTRY: u32 = 19;
pub(super) const DELEGATION_TOKEN: u32 = 10;
pub(super) const REMOVE_DELEGATION_TOKEN: u32 = 26;

/// ConfigResource.Type of a topic, a node, a client metrics subscription and a group.
const SERVED_CONFIGS: [i8; 4] = [2, 4, 16, 32];

/// A kind of thing that is not served yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnservedKind {
    /// An access control entry.
    AccessControlEntry,
    /// A delegation token.
    DelegationToken,
    /// A config of a kind of resource that this program does not know.
    OtherConfig,
}

impl UnservedKind {
    /// What it is called, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnservedKind::AccessControlEntry => "access control entry",
            UnservedKind::DelegationToken => "delegation token",
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
            DELEGATION_TOKEN => delegation_token,
            REMOVE_DELEGATION_TOKEN => remove_delegation_token,
            _ => return Ok(None),
        };
        check_version("metadata record", version, 0)?;
        let record = read(r)?;
        r.skip_tags()?;
        Ok(Some(record))
    }

    /// A ConfigRecord of neither a topic, a node, a client metrics subscription nor a group; `None` when it is one of these.
    pub(super) fn of_config(r: &mut Reader<'_>) -> Result<Option<UnservedRecord>, DecodeError> {
        let resource_type = r.i8("resource type")?;
        let resource = r.compact_string("resource name")?;
        let name = r.compact_string("name")?;
        if SERVED_CONFIGS.contains(&resource_type) {
            return Ok(None);
        }
        let value = r.compact_nullable_string("value")?;
        r.skip_tags()?;
        let text = value.map(|value| format!("{resource}: {name}={value}"));
        let kind = UnservedKind::OtherConfig;
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

fn name_of(names: &[&'static str], code: i8) -> &'static str {
    usize::try_from(code).ok().and_then(|at| names.get(at)).copied().unwrap_or("unknown")
}
