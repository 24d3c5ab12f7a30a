//! Temporal joins: `JOIN t FOR SYSTEM_TIME AS OF o.ts`, where t is a table of upsert-kafka with a WATERMARK, read as its versions.

use sqlparser::ast::{self, TableFactor, TableVersion};
use sqlparser::tokenizer::Span;

use super::super::catalog::Entry;
use super::super::error::SqlError;
use super::super::position;
use super::super::query::{QueryPlanner, changing, rename};
use super::super::relation::Relation;
use super::conditions::Parts;
use crate::expr::{DataType, Expr, Node};
use crate::plan::JoinKind;

/// What can be joined by versions.
const VERSIONED: &str =
    "a table with 'connector' = 'upsert-kafka', a PRIMARY KEY and a WATERMARK can be joined FOR SYSTEM_TIME AS OF";

/// A field of a PRIMARY KEY: its name and its position.
pub(in super::super) type KeyField = (String, usize);

/// The right side of a temporal join.
pub(in super::super) struct Versions {
    /// Its rows, with what they were before.
    pub relation: Relation,
    /// Position of the field that says from when on a row is there.
    pub time: usize,
    /// The fields of the PRIMARY KEY.
    pub key: Vec<KeyField>,
}

/// The expression of FOR SYSTEM_TIME AS OF.
pub(in super::super) fn as_of(factor: &TableFactor) -> Option<&ast::Expr> {
    match factor {
        TableFactor::Table { version: Some(TableVersion::ForSystemTimeAsOf(at)), .. } => Some(at),
        _ => None,
    }
}

impl QueryPlanner<'_> {
    /// The table of a temporal join.
    pub(super) fn versions(&mut self, factor: &TableFactor, span: Span) -> Result<Versions, SqlError> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else {
            return Err(SqlError::new(span, VERSIONED));
        };
        let Some(part) = name.0.first().and_then(|part| part.as_ident()).filter(|_| name.0.len() == 1) else {
            return Err(SqlError::new(span, "names have one part here").hint("leave out catalog and database"));
        };
        let Some(Entry::Table(table)) = self.table_named(&part.value) else {
            // An unknown name is told as such.
            self.named(&part.value, part.span)?;
            return Err(SqlError::new(part.span, format!("{} is a query: {VERSIONED}", part.value)));
        };
        if !table.options.upsert {
            return Err(SqlError::new(part.span, format!("{VERSIONED}; {} is none of 'upsert-kafka'", table.name)));
        }
        let time = table.event_time.as_ref().filter(|_| !table.is_processing_time());
        let Some(time) = time.map(|time| time.column) else {
            let message = format!("{VERSIONED}; {} has no WATERMARK", table.name);
            return Err(SqlError::new(part.span, message)
                .hint("add a column that says from when on a row is there, and WATERMARK FOR it"));
        };
        let mut relation = changing(table, &part.value, part.span);
        let fields = relation.fields.iter();
        let Some(time) = fields.clone().position(|field| field.expr.as_column() == Some(time)) else {
            return Err(SqlError::new(part.span, VERSIONED));
        };
        let in_key = |name: &str| table.options.key.as_ref().is_some_and(|key| key.fields.iter().any(|of| of == name));
        let key = fields.enumerate().filter(|(_, field)| in_key(&field.name));
        let key = key.map(|(at, field)| (field.name.clone(), at)).collect();
        if let Some(alias) = alias {
            rename(&mut relation, alias)?;
        }
        Ok(Versions { relation, time, key })
    }

    /// The field of `left` by whose time versions are looked up.
    pub(super) fn time_of_versions(&mut self, left: &Relation, at: &ast::Expr) -> Result<usize, SqlError> {
        let span = position::of(at);
        let by_clock = matches!(at, ast::Expr::Function(_))
            || std::iter::once(&left.table).chain(&left.others).any(|table| table.is_processing_time());
        if by_clock {
            let message = "a temporal join by processing time is not supported, in Flink neither";
            return Err(SqlError::new(span, message).hint("name the event-time column of the left side"));
        }
        let bound = self.over_fields(&left.table.functions, at, (&left.fields, 0))?;
        let is_time = |at: &usize| left.fields.get(*at).is_some_and(|field| field.rowtime);
        bound.as_column().filter(is_time).ok_or_else(|| {
            SqlError::new(span, "FOR SYSTEM_TIME AS OF takes the event-time column of the left side")
                .hint("that is the column of its WATERMARK, as it is")
        })
    }
}

/// Takes the equations of the PRIMARY KEY out of `parts`; what else must hold is a condition on a row and its version.
pub(super) fn keys(
    parts: &mut Parts,
    versions: &[KeyField],
    (kind, span): (JoinKind, Span),
) -> Result<Vec<(Expr, Expr)>, SqlError> {
    if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
        return Err(SqlError::new(span, "a temporal join is an inner join or a LEFT JOIN"));
    }
    let mut keys = Vec::new();
    for (name, at) in versions {
        let Some(found) = parts.equal.iter().position(|(_, theirs, _)| is_column(theirs, *at)) else {
            let of_it = parts.equal.iter().any(|(_, theirs, _)| {
                let mut columns = Vec::new();
                theirs.for_each_column(&mut |column| columns.push(column));
                columns == [*at]
            });
            let (why, not) = match of_it {
                true => ("only a function of it is compared with", ": the column as it is"),
                false => ("nothing is equal to", ""),
            };
            let message = format!("a temporal join goes by the whole PRIMARY KEY, and {why} {name} of it");
            return Err(SqlError::new(span, message).hint(format!("add ON .. = {name}{not}")));
        };
        let (ours, theirs, _) = parts.equal.remove(found);
        keys.push((ours, theirs));
    }
    parts.pairs.extend(parts.equal.drain(..).map(|(_, _, whole)| whole));
    Ok(keys)
}

/// Whether this is the column, or what it is compared as: of different keys it is different.
fn is_column(theirs: &Expr, column: usize) -> bool {
    match theirs.node() {
        Node::Cast { input, from, .. }
            if from.is_integer() && matches!(theirs.data_type(), DataType::Decimal { .. }) =>
        {
            input.as_column() == Some(column)
        }
        _ => theirs.as_column() == Some(column),
    }
}
