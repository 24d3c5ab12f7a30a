//! The names that an expression can use.

use sqlparser::tokenizer::Span;

use super::error::{SqlError, did_you_mean};
use crate::expr::{Expr, Functions};

/// A named value of the current row.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The table's name or alias; `None` after an aggregation.
    pub qualifier: Option<String>,
    pub name: String,
    /// How the value is got from the row.
    pub expr: Expr,
    /// Whether this is the event-time attribute.
    pub rowtime: bool,
}

/// The fields that names are looked up in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub fields: &'a [Field],
    /// What the fields belong to, for messages: `website_clicks`, `the result of GROUP BY`.
    pub what: &'a str,
    /// The functions of the program itself.
    pub functions: &'a Functions,
}

impl<'a> Scope<'a> {
    /// The field of this name. Names are case-sensitive, as in Flink.
    pub(crate) fn resolve(&self, qualifier: Option<&str>, name: &str, span: Span) -> Result<&'a Field, SqlError> {
        let fits = |field: &&Field| match qualifier {
            Some(qualifier) => field.qualifier.as_deref() == Some(qualifier),
            None => true,
        };
        if let Some(qualifier) = qualifier
            && !self.fields.iter().any(|field| field.qualifier.as_deref() == Some(qualifier))
        {
            let mut known: Vec<&str> = self.fields.iter().filter_map(|field| field.qualifier.as_deref()).collect();
            known.dedup();
            return Err(SqlError::new(span, format!("there is no table {qualifier} in FROM"))
                .maybe_hint(did_you_mean(qualifier, known)));
        }
        let mut found = self.fields.iter().filter(fits).filter(|field| field.name == name);
        match (found.next(), found.next()) {
            (Some(field), None) => Ok(field),
            (Some(_), Some(_)) => Err(SqlError::new(span, format!("column {name} is ambiguous"))
                .hint("write the table's name or alias before it")),
            (None, _) => {
                let candidates: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
                Err(SqlError::new(span, format!("there is no column {name} in {}", self.what))
                    .maybe_hint(self.hint(name, &candidates)))
            }
        }
    }

    fn hint(&self, name: &str, candidates: &[&str]) -> Option<String> {
        if let Some(other) = candidates.iter().find(|other| other.eq_ignore_ascii_case(name)) {
            return Some(format!("names are case-sensitive: did you mean {other}?"));
        }
        if matches!(name, "window_start" | "window_end" | "window_time") {
            return Some("a window comes from TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))".to_owned());
        }
        did_you_mean(name, candidates.iter().copied())
    }
}
