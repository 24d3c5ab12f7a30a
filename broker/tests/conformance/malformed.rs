//! Every API of the table in every version that is served: cut short at every byte, and with each of its lengths lying in every way.
//! Such a request costs its connection and nothing else. The frames are made from the guard's table, so that no API is forgotten.

#[path = "../../src/connection/guard/tests/frames.rs"]
#[allow(dead_code, reason = "the library's own tests use the rest")]
mod frames;

use forebay::api::TABLE;
use forebay::connection::guard::schema::{self, Field, Kind, Schema};
use frames::{Entropy, Lie, frame, frame_with_lie};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};

use crate::support::Broker;

/// Decisions that make frames with something in every array and text.
fn entropy() -> Vec<u8> {
    (0..400u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect()
}

/// Sends bodies, each on a connection of its own, all of which must be closed without an answer.
struct Judge {
    broker: Broker,
    sent: u64,
    failed: Vec<String>,
}

impl Judge {
    fn new() -> Judge {
        Judge { broker: Broker::start(), sent: 0, failed: Vec::new() }
    }

    fn refused(&mut self, schema: &Schema, version: i16, body: &[u8], what: &str) {
        let mut client = self.broker.client();
        let header = ApiKey::try_from(schema.key).unwrap().request_header_version(version);
        client.send_body(schema.key, version, header, body);
        self.sent += 1;
        if client.receive_frame().is_some() {
            self.failed.push(format!("{} v{version} {what}: {body:02x?}", schema.name));
        }
    }

    fn verdict(self) {
        assert!(self.failed.is_empty(), "answered though malformed: {:#?}", self.failed);
        let metrics = self.broker.metrics();
        assert_eq!(metrics.malformed_requests.get(), self.sent, "each has ended its connection, and been counted");
        assert_eq!(self.broker.client().call(0, &ApiVersionsRequest::default()).error_code, 0, "others are served");
    }
}

/// For every API in every version that is served, from its schema.
fn for_every_version(mut judge: impl FnMut(&Schema, i16)) {
    for api in TABLE {
        for version in api.min..=api.max {
            let schema = schema::find(api.key as i16, version);
            judge(schema.unwrap_or_else(|| panic!("{} v{version} has no schema", api.name)), version);
        }
    }
}

#[test]
fn a_request_cut_short_at_any_byte_closes_the_connection() {
    /// Of longer frames the ends are cut, where the schema's later fields are.
    const CUTS: usize = 40;
    let entropy = entropy();
    let mut judge = Judge::new();
    for_every_version(|schema, version| {
        let body = frame(schema, version, &mut Entropy::new(&entropy));
        for end in 0..body.len().min(CUTS) {
            judge.refused(schema, version, &body[..end], "cut short");
        }
        for end in body.len().saturating_sub(CUTS).max(CUTS)..body.len() {
            judge.refused(schema, version, &body[..end], "cut short");
        }
    });
    assert!(judge.sent > 5000, "only {} requests", judge.sent);
    judge.verdict();
}

/// Whether there is a text, bytes or an array that is always on the wire.
fn has_length(fields: &[Field], version: i16) -> bool {
    fields.iter().filter(|field| field.when.holds(version) && field.when.tag.is_none()).any(|field| match &field.kind {
        Kind::Scalar(_) => false,
        Kind::Struct(inner) => !field.when.nullable && has_length(inner, version),
        Kind::String | Kind::Bytes | Kind::Array(_) => true,
    })
}

#[test]
fn a_length_that_lies_closes_the_connection() {
    let entropy = entropy();
    let mut judge = Judge::new();
    for_every_version(|schema, version| {
        for lie in Lie::ALL {
            let mut slot = 0;
            while let Some(body) = frame_with_lie(schema, version, &mut Entropy::new(&entropy), slot, lie) {
                judge.refused(schema, version, &body, &format!("length {slot} is {lie:?}"));
                slot += 1;
            }
            assert!(slot > 0 || !has_length(schema.fields, version), "{} v{version} has lengths", schema.name);
        }
    });
    assert!(judge.sent > 5000, "only {} requests", judge.sent);
    judge.verdict();
}
