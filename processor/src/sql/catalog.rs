//! The tables and views that the statements so far have made.

use std::collections::BTreeMap;
use std::rc::Rc;

use sqlparser::tokenizer::Span;

use super::error::{SqlError, did_you_mean};
use super::relation::Relation;
use super::statement::{CreateTable, Drop, Name};
use super::table::Table;

/// The most tables and views of one text.
pub const MAX_TABLES: usize = 1000;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Table(Rc<Table>),
    View(Box<Relation>),
}

/// Tables and views by name.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<String, (Entry, Span)>,
    /// What tables were made by.
    definitions: BTreeMap<String, CreateTable>,
}

impl Catalog {
    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name).map(|(entry, _)| entry)
    }

    /// Whether a name is taken.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Adds a table or view under a new name.
    pub(crate) fn add(&mut self, name: &Name, entry: Entry) -> Result<(), SqlError> {
        if let Some((_, first)) = self.entries.get(&name.text) {
            return Err(SqlError::new(name.span, format!("{} is there already", name.text))
                .hint(format!("the first one is in line {}", first.start.line)));
        }
        if self.entries.len() == MAX_TABLES {
            return Err(SqlError::new(name.span, format!("a job has at most {MAX_TABLES} tables and views")));
        }
        self.entries.insert(name.text.clone(), (entry, name.span));
        Ok(())
    }

    /// Every name, in alphabetical order, with what it stands for.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, (entry, _))| (name.as_str(), entry))
    }

    /// Forgets a table or view.
    pub(crate) fn remove(&mut self, drop: &Drop) -> Result<(), SqlError> {
        let name = &drop.name;
        match (self.get(&name.text), drop.is_view) {
            (None, _) if drop.if_exists => return Ok(()),
            (None, _) => return Err(self.unknown(&name.text, name.span, std::iter::empty())),
            (Some(Entry::Table(_)), true) => {
                return Err(SqlError::new(name.span, format!("{} is a table", name.text)).hint("write DROP TABLE"));
            }
            (Some(Entry::View(_)), false) => {
                return Err(SqlError::new(name.span, format!("{} is a view", name.text)).hint("write DROP VIEW"));
            }
            (Some(_), _) => {}
        }
        self.entries.remove(&name.text);
        self.definitions.remove(&name.text);
        Ok(())
    }

    /// Keeps what a table was made by, for others to be like it.
    pub(crate) fn define(&mut self, table: CreateTable) {
        self.definitions.insert(table.name.text.clone(), table);
    }

    /// What a table was made by.
    pub(crate) fn definition(&self, name: &Name) -> Result<&CreateTable, SqlError> {
        match (self.definitions.get(&name.text), self.get(&name.text)) {
            (Some(table), _) => Ok(table),
            (None, Some(_)) => {
                Err(SqlError::new(name.span, format!("{} is a view, no table can be LIKE it", name.text)))
            }
            (None, None) => Err(self.unknown(&name.text, name.span, std::iter::empty())),
        }
    }

    /// The error for a name that stands for nothing.
    pub(crate) fn unknown<'a>(&'a self, name: &str, span: Span, more: impl Iterator<Item = &'a str>) -> SqlError {
        let names: Vec<&str> = self.entries.keys().map(String::as_str).chain(more).collect();
        let hint = if names.is_empty() {
            Some("a job's text begins with CREATE TABLE".to_owned())
        } else if let Some(other) = names.iter().find(|other| other.eq_ignore_ascii_case(name)) {
            Some(format!("names are case-sensitive: did you mean {other}?"))
        } else {
            did_you_mean(name, names)
        };
        SqlError::new(span, format!("there is no table {name}")).maybe_hint(hint)
    }
}
