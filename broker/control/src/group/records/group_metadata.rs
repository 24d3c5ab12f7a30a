//! The record of a group's last stable generation: `GroupMetadataKey` (type 2) and `GroupMetadataValue` (versions 0 to 4).
//!
//! Written as Kafka 4.3 does (GroupCoordinatorRecordHelpers.newGroupMetadataRecord): value version 3.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::Timestamp;

use super::codec::{Reader, RecordError, put_bytes, put_nullable_string, put_string};

const KEY: &str = "GroupMetadataKey";
const VALUE: &str = "GroupMetadataValue";
const WRITTEN_VERSION: i16 = 3;
const NEWEST_VERSION: i16 = 4;
const FIRST_FLEXIBLE_VERSION: i16 = 4;

/// Which group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadataKey {
    /// The group.
    pub group_id: Arc<str>,
}

/// A group's generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadataValue {
    /// `consumer` for example; empty if there is none.
    pub protocol_type: Arc<str>,
    /// The generation.
    pub generation: i32,
    /// The protocol selected; `None` without members.
    pub protocol: Option<Arc<str>>,
    /// The leader's member id; `None` without members.
    pub leader: Option<Arc<str>>,
    /// When the group came into its state; `None` before version 2.
    pub state_since: Option<Timestamp>,
    /// The members.
    pub members: Vec<SavedMember>,
}

/// A member of a [`GroupMetadataValue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedMember {
    /// The member's id.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member. Version 3 on.
    pub instance_id: Option<Arc<str>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// Milliseconds for joining again. Before version 1 the session timeout is taken.
    pub rebalance_timeout_ms: i32,
    /// Milliseconds without a sign of life.
    pub session_timeout_ms: i32,
    /// The member's metadata for the protocol selected.
    pub subscription: Bytes,
    /// The member's assignment.
    pub assignment: Bytes,
}

impl GroupMetadataKey {
    /// The type of the key.
    pub const TYPE: i16 = 2;

    /// The key's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(4 + self.group_id.len());
        out.put_i16(Self::TYPE);
        put_string(&mut out, &self.group_id);
        out.freeze()
    }

    /// Reads what follows the type.
    ///
    /// # Errors
    /// When the bytes are not such a key.
    pub fn decode(bytes: &[u8]) -> Result<GroupMetadataKey, RecordError> {
        Ok(GroupMetadataKey { group_id: Reader::new(KEY, bytes).string("group", false)? })
    }
}

impl GroupMetadataValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(WRITTEN_VERSION);
        put_string(&mut out, &self.protocol_type);
        out.put_i32(self.generation);
        put_nullable_string(&mut out, self.protocol.as_deref());
        put_nullable_string(&mut out, self.leader.as_deref());
        out.put_i64(self.state_since.unwrap_or(Timestamp::NONE).0);
        out.put_i32(i32::try_from(self.members.len()).expect("group.max.size is an i32"));
        for member in &self.members {
            member.encode(&mut out);
        }
        out.freeze()
    }

    /// Reads a value of any version.
    ///
    /// # Errors
    /// When the bytes are not such a value, or it has members and no protocol.
    pub fn decode(bytes: &[u8]) -> Result<GroupMetadataValue, RecordError> {
        let mut reader = Reader::new(VALUE, bytes);
        let version = reader.version(NEWEST_VERSION)?;
        let flexible = version >= FIRST_FLEXIBLE_VERSION;
        let protocol_type = reader.string("protocolType", flexible)?;
        let generation = reader.int32("generation")?;
        let protocol = reader.nullable_string("protocol", flexible)?;
        let leader = reader.nullable_string("leader", flexible)?;
        let since = if version >= 2 { reader.int64("currentStateTimestamp")? } else { -1 };
        let count = reader.count("members", flexible)?;
        let members = (0..count).map(|_| SavedMember::decode(&mut reader, version)).collect::<Result<Vec<_>, _>>()?;
        if flexible {
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        if protocol.is_none() && !members.is_empty() {
            return Err(reader.invalid("protocol", "null in a group with members"));
        }
        let state_since = (since != -1).then_some(Timestamp(since));
        Ok(GroupMetadataValue { protocol_type, generation, protocol, leader, state_since, members })
    }
}

impl SavedMember {
    fn encode(&self, out: &mut BytesMut) {
        put_string(out, &self.member_id);
        put_nullable_string(out, self.instance_id.as_deref());
        put_string(out, &self.client_id);
        put_string(out, &self.client_host);
        out.put_i32(self.rebalance_timeout_ms);
        out.put_i32(self.session_timeout_ms);
        put_bytes(out, &self.subscription);
        put_bytes(out, &self.assignment);
    }

    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<SavedMember, RecordError> {
        let flexible = version >= FIRST_FLEXIBLE_VERSION;
        let member_id = reader.string("memberId", flexible)?;
        let instance_id = if version >= 3 { reader.nullable_string("groupInstanceId", flexible)? } else { None };
        let client_id = reader.string("clientId", flexible)?;
        let client_host = reader.string("clientHost", flexible)?;
        let rebalance = if version >= 1 { reader.int32("rebalanceTimeout")? } else { -1 };
        let session_timeout_ms = reader.int32("sessionTimeout")?;
        let subscription = reader.bytes("subscription", flexible)?;
        let assignment = reader.bytes("assignment", flexible)?;
        if flexible {
            reader.tagged_fields(|_, _| Ok(()))?;
        }
        // Kafka: GroupMetadataManager.replay takes the session timeout for a missing rebalance timeout.
        let rebalance_timeout_ms = if rebalance == -1 { session_timeout_ms } else { rebalance };
        Ok(SavedMember {
            member_id,
            instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms,
            session_timeout_ms,
            subscription,
            assignment,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member() -> impl Strategy<Value = SavedMember> {
        (
            ".{0,9}",
            proptest::option::of(".{0,9}"),
            ".{0,9}",
            ".{0,9}",
            0i32..,
            any::<i32>(),
            any::<Vec<u8>>(),
            any::<Vec<u8>>(),
        )
            .prop_map(|(id, instance, client, host, rebalance, session, subscription, assignment)| {
                SavedMember {
                    member_id: id.into(),
                    instance_id: instance.map(Into::into),
                    client_id: client.into(),
                    client_host: host.into(),
                    rebalance_timeout_ms: rebalance,
                    session_timeout_ms: session,
                    subscription: subscription.into(),
                    assignment: assignment.into(),
                }
            })
    }

    #[test]
    fn an_empty_group_is_kafkas_version_3() {
        let value = GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 2,
            protocol: None,
            leader: None,
            state_since: Some(Timestamp(5)),
            members: Vec::new(),
        };
        let expected = b"\0\x03\0\x08consumer\0\0\0\x02\xff\xff\xff\xff\0\0\0\0\0\0\0\x05\0\0\0\0";
        assert_eq!(value.encode().as_ref(), expected);
        assert_eq!(GroupMetadataKey { group_id: "g".into() }.encode().as_ref(), b"\0\x02\0\x01g");
    }

    #[test]
    fn version_0_takes_the_session_timeout_for_rebalances() {
        let bytes =
            b"\0\0\0\x01c\0\0\0\x01\0\x01p\0\x01m\0\0\0\x01\0\x01m\0\x01i\0\x01h\0\0\0\x09\0\0\0\x01s\0\0\0\x01a";
        let value = GroupMetadataValue::decode(bytes).unwrap();
        assert_eq!(value.state_since, None);
        assert_eq!(value.members[0].rebalance_timeout_ms, 9);
        assert_eq!(value.members[0].instance_id, None);
        assert_eq!(value.members[0].assignment.as_ref(), b"a");
    }

    #[test]
    fn version_4_is_flexible() {
        let bytes =
            b"\0\x04\x02c\0\0\0\x01\x02p\x02m\0\0\0\0\0\0\0\x07\x02\x02m\0\x02i\x02h\0\0\0\x08\0\0\0\x09\x02s\x02a\0\0";
        let value = GroupMetadataValue::decode(bytes).unwrap();
        assert_eq!(value.leader.as_deref(), Some("m"));
        assert_eq!(value.state_since, Some(Timestamp(7)));
        assert_eq!(value.members[0].rebalance_timeout_ms, 8);
        assert_eq!(value.members[0].subscription.as_ref(), b"s");
    }

    #[test]
    fn members_without_a_protocol_are_refused() {
        let bytes = b"\0\0\0\x01c\0\0\0\x01\xff\xff\0\x01m\0\0\0\x01\0\x01m\0\x01i\0\x01h\0\0\0\x09\0\0\0\0\0\0\0\0";
        assert!(matches!(GroupMetadataValue::decode(bytes), Err(RecordError::Invalid { field: "protocol", .. })));
    }

    proptest! {
        #[test]
        fn values_read_back(
            kind in ".{0,9}",
            generation: i32,
            protocol in ".{0,9}",
            leader in proptest::option::of(".{0,9}"),
            since in proptest::option::of(0i64..),
            members in proptest::collection::vec(member(), 0..4),
        ) {
            let value = GroupMetadataValue {
                protocol_type: kind.into(),
                generation,
                protocol: (!members.is_empty()).then(|| protocol.into()),
                leader: leader.map(Into::into),
                state_since: since.map(Timestamp),
                members,
            };
            prop_assert_eq!(GroupMetadataValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn keys_read_back(group in ".{0,40}") {
            let key = GroupMetadataKey { group_id: group.into() };
            prop_assert_eq!(GroupMetadataKey::decode(&key.encode()[2..]), Ok(key));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(version in 0u8..6, bytes: Vec<u8>) {
            let _ = GroupMetadataKey::decode(&bytes);
            let _ = GroupMetadataValue::decode(&[&[0, version], bytes.as_slice()].concat());
        }
    }
}
