//! The record of who a member is and what it reads: `ConsumerGroupMemberMetadataValue`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::group::records::codec::{
    Reader, RecordError, put_compact_bytes, put_compact_count, put_compact_nullable_string, put_compact_string,
    put_no_tags, put_unsigned_varint,
};

const CLASSIC_TAG: u32 = 0;

/// A member without its assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberValue {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// `client.rack`.
    pub rack_id: Option<Arc<str>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// The topics that it reads by name.
    pub topics: BTreeSet<Arc<str>>,
    /// The regular expression of the topics that it reads; empty when there is none.
    pub regex: Arc<str>,
    /// Milliseconds for giving up partitions; -1 when it is not known.
    pub rebalance_timeout_ms: i32,
    /// The server-side assignor that it prefers.
    pub assignor: Option<Arc<str>>,
    /// Set when the member speaks the classic protocol.
    pub classic: Option<ClassicProtocols>,
}

/// What a member that speaks the classic protocol joined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicProtocols {
    /// Milliseconds without a sign of life.
    pub session_timeout_ms: i32,
    /// Its protocols, best first, each with its metadata.
    pub protocols: Vec<(Arc<str>, Bytes)>,
}

impl MemberValue {
    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_i16(0);
        put_compact_nullable_string(&mut out, self.instance_id.as_deref());
        put_compact_nullable_string(&mut out, self.rack_id.as_deref());
        put_compact_string(&mut out, &self.client_id);
        put_compact_string(&mut out, &self.client_host);
        put_compact_count(&mut out, self.topics.len());
        for topic in &self.topics {
            put_compact_string(&mut out, topic);
        }
        put_compact_string(&mut out, &self.regex);
        out.put_i32(self.rebalance_timeout_ms);
        put_compact_nullable_string(&mut out, self.assignor.as_deref());
        // Kafka's schema has no null as this field's default, so a null is written too.
        let mut classic = BytesMut::new();
        match &self.classic {
            Some(protocols) => protocols.put(&mut classic),
            None => put_unsigned_varint(&mut classic, 0),
        }
        put_unsigned_varint(&mut out, 1);
        put_unsigned_varint(&mut out, CLASSIC_TAG);
        put_unsigned_varint(&mut out, u32::try_from(classic.len()).expect("a frame bounds a member's protocols"));
        out.put_slice(&classic);
        out.freeze()
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When the bytes are not such a value.
    pub fn decode(bytes: &[u8]) -> Result<MemberValue, RecordError> {
        let mut reader = Reader::new("ConsumerGroupMemberMetadataValue", bytes);
        reader.version(0)?;
        let instance_id = reader.nullable_string("instanceId", true)?;
        let rack_id = reader.nullable_string("rackId", true)?;
        let client_id = reader.string("clientId", true)?;
        let client_host = reader.string("clientHost", true)?;
        let count = reader.count("subscribedTopicNames", true)?;
        let topics =
            (0..count).map(|_| reader.string("subscribedTopicNames", true)).collect::<Result<BTreeSet<_>, _>>()?;
        let regex = reader.nullable_string("subscribedTopicRegex", true)?.unwrap_or_else(|| Arc::from(""));
        let rebalance_timeout_ms = reader.int32("rebalanceTimeoutMs")?;
        let assignor = reader.nullable_string("serverAssignor", true)?;
        let mut classic = None;
        reader.tagged_fields(|tag, bytes| {
            if tag == CLASSIC_TAG && bytes.unsigned_varint("classicMemberMetadata")? > 0 {
                classic = Some(ClassicProtocols::read(bytes)?);
            }
            Ok(())
        })?;
        Ok(MemberValue {
            instance_id,
            rack_id,
            client_id,
            client_host,
            topics,
            regex,
            rebalance_timeout_ms,
            assignor,
            classic,
        })
    }
}

impl ClassicProtocols {
    fn put(&self, out: &mut BytesMut) {
        put_unsigned_varint(out, 1);
        out.put_i32(self.session_timeout_ms);
        put_compact_count(out, self.protocols.len());
        for (name, metadata) in &self.protocols {
            put_compact_string(out, name);
            put_compact_bytes(out, metadata);
            put_no_tags(out);
        }
        put_no_tags(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<ClassicProtocols, RecordError> {
        let session_timeout_ms = reader.int32("sessionTimeoutMs")?;
        let mut protocols = Vec::new();
        for _ in 0..reader.count("supportedProtocols", true)? {
            let name = reader.string("name", true)?;
            let metadata = reader.bytes("metadata", true)?;
            reader.tagged_fields(|_, _| Ok(()))?;
            protocols.push((name, metadata));
        }
        reader.tagged_fields(|_, _| Ok(()))?;
        Ok(ClassicProtocols { session_timeout_ms, protocols })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> MemberValue {
        MemberValue {
            instance_id: None,
            rack_id: Some("r".into()),
            client_id: "c".into(),
            client_host: "h".into(),
            topics: ["t".into()].into(),
            regex: "".into(),
            rebalance_timeout_ms: 9,
            assignor: None,
            classic: None,
        }
    }

    #[test]
    fn a_member_is_kafkas_version_0() {
        let expected = b"\0\0\0\x02r\x02c\x02h\x02\x02t\x01\0\0\0\x09\0\x01\0\x01\0";
        assert_eq!(value().encode().as_ref(), expected);
        assert_eq!(MemberValue::decode(expected), Ok(value()));
    }

    #[test]
    fn a_classic_member_has_its_protocols_as_tag_0() {
        let protocols = vec![("p".into(), Bytes::from_static(b"md"))];
        let classic = MemberValue { classic: Some(ClassicProtocols { session_timeout_ms: 7, protocols }), ..value() };
        let expected = b"\0\0\0\x02r\x02c\x02h\x02\x02t\x01\0\0\0\x09\0\x01\0\x0d\x01\0\0\0\x07\x02\x02p\x03md\0\0";
        assert_eq!(classic.encode().as_ref(), expected);
        assert_eq!(MemberValue::decode(expected), Ok(classic));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let bytes = [&[0, 0], bytes.as_slice()].concat();
            let _ = MemberValue::decode(&bytes);
            let _ = crate::group::records::CurrentAssignmentValue::decode(&bytes);
            let _ = crate::group::records::TargetAssignmentValue::decode(&bytes);
            let _ = crate::group::records::ResolvedRegex::decode(&bytes);
        }
    }
}
