//! What every request looks like on the wire, one line a field.
//!
//! The facts are those of Kafka's message definitions (`clients/src/main/resources/common/message`), for the versions that
//! `kafka-protocol` decodes; a test walks every version of every request against that decoder. The notation:
//!
//! ```text
//! Name = API key, versions FIRST to LAST, flexible FROM {      (or: never flexible)
//!     field: type,
//!     field since 3 until 7: type,        on the wire in these versions only
//!     field nullable: type,               may be null
//!     field since 4 tagged 0: type,       a tagged field (KIP-482), that is its tag
//! }
//! ```
//! Types: `bool i8 i16 u16 i32 u32 i64 f64 uuid string bytes`, `[type]` an array, `[field: type, ...]` an array of
//! structures, `{field: type, ...}` one structure. Lengths are compact from the flexible version on.

mod cluster;
mod data;
mod groups;
mod quorum;
mod security;
mod share;
mod topics;
mod transactions;

/// The versions and the fields of one request.
#[derive(Debug)]
pub struct Schema {
    /// Kafka's name, without `Request`.
    pub name: &'static str,
    /// The API key.
    pub key: i16,
    /// First version in the table.
    pub first: i16,
    /// Last version in the table.
    pub last: i16,
    /// Version from which lengths are compact and structures end in tagged fields (KIP-482); `i16::MAX` is never.
    pub flexible: i16,
    /// The body.
    pub fields: &'static [Field],
}

/// One field of a structure.
#[derive(Debug)]
pub struct Field {
    /// Name, for messages.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// When and how it is there.
    pub when: When,
}

/// In which versions a field is on the wire, and how.
#[derive(Debug)]
pub struct When {
    since: i16,
    until: i16,
    /// The tag, for a tagged field.
    pub tag: Option<u32>,
    /// Whether null is a value.
    pub nullable: bool,
}

/// What a field or an array's element holds.
#[derive(Debug)]
pub enum Kind {
    /// A scalar of so many bytes, in memory as on the wire.
    Scalar(usize),
    /// Text with its length before it.
    String,
    /// Bytes with their length before them.
    Bytes,
    /// A count, then that many elements.
    Array(&'static Kind),
    /// Fields one after the other; nullable ones have a byte before them that says whether they follow.
    Struct(&'static [Field]),
}

impl When {
    const ALWAYS: When = When { since: 0, until: i16::MAX, tag: None, nullable: false };

    const fn since(self, since: i16) -> When {
        When { since, ..self }
    }

    const fn until(self, until: i16) -> When {
        When { until, ..self }
    }

    const fn tagged(self, tag: u32) -> When {
        When { tag: Some(tag), ..self }
    }

    const fn nullable(self) -> When {
        When { nullable: true, ..self }
    }

    /// Whether the field is on the wire in `version`.
    pub fn holds(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

macro_rules! schemas {
    (pub const $family:ident; $($name:ident = $key:literal, versions $first:literal to $last:literal,
        $($flexible:ident)+ $($from:literal)? { $($fields:tt)* })*) => {
        #[allow(missing_docs, reason = "the file says what the family is")]
        pub const $family: &[$crate::connection::guard::schema::Schema] = &[$(
            $crate::connection::guard::schema::Schema {
                name: stringify!($name),
                key: $key,
                first: $first,
                last: $last,
                flexible: $crate::connection::guard::schema::flexible!($($flexible)+ $($from)?),
                fields: $crate::connection::guard::schema::fields!($($fields)*),
            },
        )*];
    };
}

macro_rules! flexible {
    (flexible $from:literal) => {
        $from
    };
    (never flexible) => {
        i16::MAX
    };
}

macro_rules! fields {
    ($($name:ident $($how:ident $($number:literal)?)* : $kind:tt,)*) => {
        &[$($crate::connection::guard::schema::Field {
            name: stringify!($name),
            kind: $crate::connection::guard::schema::kind!($kind),
            when: $crate::connection::guard::schema::When::ALWAYS$(.$how($($number)?))*,
        },)*]
    };
}

macro_rules! kind {
    (bool) => { $crate::connection::guard::schema::Kind::Scalar(1) };
    (i8) => { $crate::connection::guard::schema::Kind::Scalar(1) };
    (i16) => { $crate::connection::guard::schema::Kind::Scalar(2) };
    (u16) => { $crate::connection::guard::schema::Kind::Scalar(2) };
    (i32) => { $crate::connection::guard::schema::Kind::Scalar(4) };
    (u32) => { $crate::connection::guard::schema::Kind::Scalar(4) };
    (i64) => { $crate::connection::guard::schema::Kind::Scalar(8) };
    (f64) => { $crate::connection::guard::schema::Kind::Scalar(8) };
    (uuid) => { $crate::connection::guard::schema::Kind::Scalar(16) };
    (string) => { $crate::connection::guard::schema::Kind::String };
    (bytes) => { $crate::connection::guard::schema::Kind::Bytes };
    ([$element:ident]) => {
        $crate::connection::guard::schema::Kind::Array(&$crate::connection::guard::schema::kind!($element))
    };
    ([$($fields:tt)*]) => {
        $crate::connection::guard::schema::Kind::Array(&$crate::connection::guard::schema::kind!({ $($fields)* }))
    };
    ({$($fields:tt)*}) => {
        $crate::connection::guard::schema::Kind::Struct($crate::connection::guard::schema::fields!($($fields)*))
    };
}

use {fields, flexible, kind, schemas};

const FAMILIES: [&[Schema]; 8] = [
    cluster::CLUSTER,
    data::DATA,
    groups::GROUPS,
    quorum::QUORUM,
    security::SECURITY,
    share::SHARE,
    topics::TOPICS,
    transactions::TRANSACTIONS,
];

/// The highest API key that Kafka 4.3 gives to a request.
const MAX_API_KEY: usize = 92;

/// The schemas by API key.
static BY_KEY: [Option<&Schema>; MAX_API_KEY + 1] = by_key();

const fn by_key() -> [Option<&'static Schema>; MAX_API_KEY + 1] {
    let mut table = [None; MAX_API_KEY + 1];
    let mut family = 0;
    while family < FAMILIES.len() {
        let schemas = FAMILIES[family];
        let mut at = 0;
        while at < schemas.len() {
            let key = schemas[at].key as usize;
            assert!(table[key].is_none(), "an API key has one schema");
            table[key] = Some(&schemas[at]);
            at += 1;
        }
        family += 1;
    }
    table
}

/// The schema of the API `key` if it has one in `version`.
pub fn find(key: i16, version: i16) -> Option<&'static Schema> {
    let schema = (*BY_KEY.get(usize::try_from(key).ok()?)?)?;
    (schema.first <= version && version <= schema.last).then_some(schema)
}

/// Every schema, by ascending API key.
pub fn all() -> impl Iterator<Item = &'static Schema> {
    BY_KEY.iter().filter_map(|schema| *schema)
}

/// The fields of a request's header; it is never compact, only version 2 ends in tagged fields (KIP-482).
pub const HEADER: &[Field] = fields! {
    request_api_key: i16,
    request_api_version: i16,
    correlation_id: i32,
    client_id since 1 nullable: string,
};
