//! What is left of the records of a table: all of them, or the rows that none replaced and none took back.

use std::collections::HashMap;

use bytes::Bytes;
use forebay_processor::plan::Sink;
use forebay_processor::sql::RESULT_TOPIC;

use crate::partition::KeyAndValue;

/// The rows of a table.
#[derive(Debug)]
pub struct Rows {
    kind: Kind,
    /// In the order in which they came; `None` where one is gone.
    rows: Vec<Option<Bytes>>,
    /// Where the rows of a key, or equal rows, are.
    places: HashMap<Bytes, Vec<usize>>,
}

/// What a record of the table does.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It is a row more.
    Appended,
    /// It replaces the row of its key, or removes it if it has no value (`upsert-kafka`).
    ByKey,
    /// Its key says whether its value is a row that comes or goes (a query by itself).
    ByRow,
}

impl Rows {
    /// None yet.
    pub fn of(sink: &Sink) -> Rows {
        let kind = match sink {
            Sink { topic, .. } if topic == RESULT_TOPIC => Kind::ByRow,
            Sink { upsert: true, .. } => Kind::ByKey,
            Sink { .. } => Kind::Appended,
        };
        Rows { kind, rows: Vec::new(), places: HashMap::new() }
    }

    /// Takes the next record.
    pub fn take(&mut self, record: KeyAndValue) {
        let KeyAndValue { key, value } = record;
        let key = key.unwrap_or_default();
        match self.kind {
            Kind::Appended => self.rows.push(Some(value.unwrap_or_default())),
            Kind::ByKey => {
                let place = self.places.get(&key).and_then(|places| places.first().copied());
                match (place, value) {
                    (Some(place), value) => self.rows[place] = value,
                    (None, Some(value)) => self.add(key, value),
                    (None, None) => {}
                }
            }
            Kind::ByRow => {
                let value = value.unwrap_or_default();
                if !key.starts_with(b"-") {
                    self.add(value.clone(), value);
                } else if let Some(place) = self.places.get_mut(&value).and_then(Vec::pop) {
                    self.rows[place] = None;
                }
            }
        }
    }

    fn add(&mut self, name: Bytes, row: Bytes) {
        self.places.entry(name).or_default().push(self.rows.len());
        self.rows.push(Some(row));
    }

    /// Those that are there now.
    pub fn rows(self) -> Vec<String> {
        self.rows.into_iter().flatten().map(|row| String::from_utf8_lossy(&row).into_owned()).collect()
    }
}
