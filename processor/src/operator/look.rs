//! Looking at what the stages of a pipeline keep, without changing it: the rows that windows would put out if they closed, the rows of groups
//! and keys as they are, and how many entries a join or the like has of each key.
//!
//! State may be of any size, and a task does nothing else meanwhile: so a look takes [`MOST_KEYS`] keys at a time, and says where it goes on.
//! One key is found without walking over the others.

use crate::expr::cast::{cast, is_castable, to_text};
use crate::expr::{DataType, EvalError, Expr, Value};
use crate::state::sessions::SessionSpot;
use crate::state::{KeyedState, WindowSpot, decode_value, encode_value};

use super::error::RowError;

/// Keys that are walked over at a time.
pub const MOST_KEYS: usize = 20_000;

/// What is looked for in a task's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Only rows of the group one of whose keys is what this text is as a value of that key's type.
    pub key: Option<String>,
    /// So many rows at most.
    pub limit: usize,
    /// Where to begin: where a look before has ended.
    pub from: Option<LookPlace>,
}

/// Where a look goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookPlace {
    pub(super) segment: usize,
    pub(super) spot: Spot,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The rows, as JSON.
    pub rows: Vec<LookedRow>,
    /// Where the next look begins, if this has not come to the end of the state.
    pub next: Option<LookPlace>,
    /// Whether there are more rows than were wanted.
    pub more: bool,
}

/// A row that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedRow {
    /// A JSON object: a row of the sink's table, or the fields of [`COUNT_FIELDS`].
    pub json: Vec<u8>,
    /// Whether it tells how many entries there are of a key.
    pub is_count: bool,
}

/// The fields of a row that counts: the values of the key as texts, and how many entries there are.
pub const COUNT_FIELDS: [(&str, &str); 2] = [("key", "ARRAY<STRING>"), ("entries", "BIGINT")];

/// Takes an entry, its key and its value.
pub type VisitEntry<'v> = dyn FnMut(&[u8], &[u8]) -> Result<(), RowError> + 'v;

/// Takes the JSON of a row that counts.
pub type TakeCount<'t> = dyn FnMut(Vec<u8>) -> Result<(), RowError> + 't;

/// Left behind where there are rows enough.
pub(super) const ENOUGH: EvalError = EvalError::Shape("there are rows enough");

/// Whether a look ended because there are rows enough.
pub(super) fn is_enough(error: &RowError) -> bool {
    matches!(error, RowError::Eval(error) if *error == ENOUGH)
}

/// How far the state of one stage was walked over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spot {
    /// Not at all.
    #[default]
    Start,
    /// Windows on a grid.
    Windows(WindowSpot),
    /// Sessions.
    Sessions(SessionSpot),
    /// Entries from this key on, of which so many of this group have been counted.
    Entries {
        /// The next key.
        from: Vec<u8>,
        /// The group that is being counted.
        group: Vec<u8>,
        /// Its entries so far.
        entries: u64,
    },
}

/// One walk over a part of a stage's state.
#[derive(Debug)]
pub struct Walk {
    /// Where it is.
    pub spot: Spot,
    /// How many keys may still be walked over.
    pub budget: usize,
    /// The host's clock in ms: what is over by it is not shown.
    pub now: i64,
}

/// The groups that are wanted.
#[derive(Debug)]
pub struct Wanted {
    /// What the text is as each of the keys, encoded; none where all groups are wanted.
    keys: Option<Vec<Vec<Vec<u8>>>>,
}

impl Wanted {
    /// Groups of these keys one of which is `text`; all without.
    pub fn new(keys: &[Expr], text: Option<&str>) -> Wanted {
        Wanted { keys: text.map(|text| keys.iter().map(|key| encodings(text, key.data_type())).collect()) }
    }

    /// The only groups that there can be, if the group has one key.
    pub fn only(&self) -> Option<&[Vec<u8>]> {
        match self.keys.as_deref() {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    /// Whether the group of these encoded keys is wanted.
    pub fn wants(&self, mut group: &[u8]) -> bool {
        let Some(keys) = &self.keys else { return true };
        for wanted in keys {
            let before = group;
            if decode_value(&mut group).is_none() {
                return false;
            }
            let own = &before[..before.len() - group.len()];
            if wanted.iter().any(|wanted| wanted == own) {
                return true;
            }
        }
        false
    }
}

/// What a text can be as a value of a type, encoded as in group keys.
fn encodings(text: &str, data_type: DataType) -> Vec<Vec<u8>> {
    let value = |value: Value<'_>| {
        let mut bytes = Vec::new();
        encode_value(&value, &mut bytes);
        bytes
    };
    let mut found = Vec::new();
    if matches!(data_type, DataType::Char(_) | DataType::VarChar(_)) {
        found.push(value(Value::String(text.into())));
    } else if is_castable(DataType::STRING, data_type)
        && let Ok(own) = cast(Value::String(text.into()), DataType::STRING, data_type)
    {
        found.push(value(own));
    }
    if text == "NULL" {
        found.push(value(Value::Null));
    }
    found
}

/// Hands the entries of wanted groups, or of all if there are several keys, from where `walk` is on to `visit`; true if it has come to the
/// last one.
pub fn walk_entries(
    state: &KeyedState,
    wanted: &Wanted,
    walk: &mut Walk,
    visit: &mut VisitEntry<'_>,
) -> Result<bool, RowError> {
    let from = match &mut walk.spot {
        Spot::Entries { from, .. } => std::mem::take(from),
        _ => Vec::new(),
    };
    let all = [Vec::new()];
    let mut prefixes: Vec<&[u8]> = wanted.only().unwrap_or(&all).iter().map(|prefix| &prefix[..]).collect();
    prefixes.sort_unstable();
    prefixes.retain(|prefix| from.starts_with(prefix) || **prefix >= from[..]);
    for prefix in prefixes {
        for entry in state.scan_at(prefix, &from, walk.now) {
            let (key, value) = entry?;
            if walk.budget == 0 {
                walk.spot = Spot::Entries { from: key.into_owned(), group: Vec::new(), entries: 0 };
                return Ok(false);
            }
            walk.budget -= 1;
            visit(&key, &value)?;
        }
    }
    Ok(true)
}

/// The bytes of the first `keys` values of an entry's key: its group.
pub fn group_of(entry: &[u8], keys: usize) -> Option<&[u8]> {
    let mut rest = entry;
    for _ in 0..keys {
        decode_value(&mut rest)?;
    }
    Some(&entry[..entry.len() - rest.len()])
}

/// Hands the JSON of each wanted group with the number of its entries to `take`; true if it has come to the last one.
pub fn count_entries(
    state: &KeyedState,
    (keys, wanted): (&[Expr], &Wanted),
    walk: &mut Walk,
    take: &mut TakeCount<'_>,
) -> Result<bool, RowError> {
    let (mut group, mut entries) = match &mut walk.spot {
        Spot::Entries { group, entries, .. } => (std::mem::take(group), *entries),
        _ => (Vec::new(), 0),
    };
    let is_over = walk_entries(state, wanted, walk, &mut |key, _| {
        let own = group_of(key, keys.len()).ok_or(EvalError::Shape("a key cannot be read back"))?;
        if !wanted.wants(own) {
            return Ok(());
        }
        if own != group && entries > 0 {
            take(count(&group, keys, entries))?;
            entries = 0;
        }
        own.clone_into(&mut group);
        entries += 1;
        Ok(())
    })?;
    match &mut walk.spot {
        Spot::Entries { group: kept, entries: counted, .. } if !is_over => (*kept, *counted) = (group, entries),
        _ if entries > 0 => take(count(&group, keys, entries))?,
        _ => {}
    }
    Ok(is_over)
}

/// `{"key":[..],"entries":n}`
fn count(group: &[u8], keys: &[Expr], entries: u64) -> Vec<u8> {
    let mut rest = group;
    let text = |key: &Expr| match decode_value(&mut rest)? {
        Value::Null => None,
        value => Some(to_text(value, key.data_type()).into_owned()),
    };
    let texts: Vec<Option<String>> = keys.iter().map(text).collect();
    format!(r#"{{"key":{},"entries":{entries}}}"#, serde_json::Value::from(texts)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Timestamp;
    use crate::state::KeyedState;

    fn group(values: &[Value<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        values.iter().for_each(|value| encode_value(value, &mut bytes));
        bytes
    }

    /// Flink's CAST says what the text of each type is.
    #[test]
    fn a_key_of_any_type_is_found_by_its_text() {
        let millis = Value::Timestamp(Timestamp::from_millis(86_400_000));
        for (data_type, text, value) in [
            (DataType::STRING, " 7", Value::text(" 7")),
            (DataType::BigInt, "-7", Value::Integer(-7)),
            (DataType::Boolean, "true", Value::Boolean(true)),
            (DataType::Double, "1.5", Value::Double(1.5)),
            (DataType::Decimal { precision: 5, scale: 2 }, "1.5", Value::Decimal(150)),
            (DataType::Date, "1970-01-02", Value::Date(1)),
            (DataType::Time, "00:00:01", Value::Time(1_000)),
            (DataType::Timestamp(3), "1970-01-02 00:00:00", millis.clone()),
            (DataType::TimestampLtz(3), "1970-01-02 00:00:00", millis.clone()),
            (DataType::BigInt, "NULL", Value::Null),
            (DataType::STRING, "NULL", Value::Null),
            (DataType::STRING, "NULL", Value::text("NULL")),
        ] {
            let keys = [Expr::column(0, DataType::Int), Expr::column(1, data_type)];
            let wanted = Wanted::new(&keys, Some(text));
            assert!(wanted.wants(&group(&[Value::Integer(99), value.clone()])), "{text} of {data_type}");
            assert!(!wanted.wants(&group(&[Value::Integer(99), Value::Integer(98)])), "{text} of {data_type}");
            let one = Wanted::new(&keys[1..], Some(text));
            assert!(
                one.only().is_some_and(|all| all.contains(&group(std::slice::from_ref(&value)))),
                "{text} of {data_type}"
            );
        }
        let all = Wanted::new(&[], None);
        assert!(all.wants(&group(&[Value::Null])) && all.only().is_none());
        assert!(!Wanted::new(&[], Some("x")).wants(&[]));
    }

    #[test]
    fn entries_are_counted_by_key_in_any_pieces() {
        let keys = [Expr::column(0, DataType::STRING), Expr::column(1, DataType::Int)];
        let mut state = KeyedState::new(None);
        for (user, number, entries) in [("ann", 1, 3), ("ann", 2, 1), ("bob", 1, 2)] {
            for entry in 0..entries {
                state.put(&[group(&[Value::text(user), Value::Integer(number)]), vec![entry]].concat(), b"");
            }
        }
        let counted = |text: Option<&str>, budget: usize| {
            let wanted = Wanted::new(&keys, text);
            let mut walk = Walk { spot: Spot::Start, budget, now: 0 };
            let mut found = Vec::new();
            let mut take = |json: Vec<u8>| {
                found.push(String::from_utf8(json).unwrap());
                Ok(())
            };
            while !count_entries(&state, (&keys, &wanted), &mut walk, &mut take).unwrap() {
                walk.budget = budget;
            }
            found
        };
        let all = [
            r#"{"key":["ann","1"],"entries":3}"#,
            r#"{"key":["ann","2"],"entries":1}"#,
            r#"{"key":["bob","1"],"entries":2}"#,
        ];
        for budget in 1..8 {
            assert_eq!(counted(None, budget), all, "{budget}");
            assert_eq!(counted(Some("1"), budget), [all[0], all[2]], "{budget}");
        }
    }
}
