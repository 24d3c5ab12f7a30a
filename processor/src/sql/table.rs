//! Tables: CREATE TABLE checked, its computed columns and watermark bound.

use std::sync::Arc;

use sqlparser::ast;

use super::PlanContext;
use super::bind::{Binder, describe};
use super::error::{SqlError, did_you_mean};
use super::formats;
use super::options::{self, TableOptions};
use super::position;
use super::reserved::keyword_warning;
use super::scope::{Field, Scope};
use super::statement::{ColumnKind, CreateTable, Watermark};
use crate::expr::{DataType, Expr, Functions, Metadata, Node, ScalarFunction};
use crate::plan::{Column, Computed, EventTime};

/// A table that statements can name.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub name: String,
    /// The record's fields.
    pub physical: Vec<Column>,
    /// Computed from them.
    pub computed: Vec<Computed>,
    /// Positions in the row of physical and computed columns, in the order of the statement.
    pub order: Vec<usize>,
    /// Over the row of physical and computed columns.
    pub event_time: Option<EventTime>,
    pub options: TableOptions,
    /// The metadata columns that are not VIRTUAL, by their positions in `computed`: they are written too.
    pub written: Vec<(usize, Metadata)>,
    /// The functions that expressions over it can call beside SQL's own.
    pub functions: Arc<Functions>,
}

/// What tables can have of a record beside its value.
const METADATA: &[Metadata] = &[
    Metadata::Headers,
    Metadata::LeaderEpoch,
    Metadata::Offset,
    Metadata::Partition,
    Metadata::Timestamp,
    Metadata::TimestampType,
    Metadata::Topic,
];

/// The type that the connector has it in.
fn native(metadata: Metadata) -> DataType {
    match metadata {
        Metadata::Headers => DataType::MAP_OF_BYTES,
        Metadata::LeaderEpoch | Metadata::Partition => DataType::Int,
        Metadata::Offset => DataType::BigInt,
        Metadata::Timestamp => DataType::TimestampLtz(3),
        Metadata::TimestampType | Metadata::Topic => DataType::STRING,
    }
}

impl Table {
    /// Checks a CREATE TABLE.
    pub(crate) fn new(
        statement: &CreateTable,
        context: &PlanContext<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, SqlError> {
        let options = options::read(statement, context)?;
        warnings.extend(options.warnings.iter().cloned());
        if let (Some(key), false) = (&statement.primary_key, options.upsert) {
            let message =
                format!("table {} cannot have a PRIMARY KEY: rows are only appended to its topic", statement.name.text);
            return Err(SqlError::new(key.span, message).hint(
                "leave it out, or write by key with 'connector' = 'upsert-kafka'; Flink refuses it for this one too",
            ));
        }
        warnings.extend(statement.columns.iter().filter_map(|column| keyword_warning(&column.name)));
        let physical: Vec<Column> = statement.columns.iter().filter_map(physical_column).collect();
        if physical.is_empty() {
            let message = format!("table {} has no column that is in the record", statement.name.text);
            return Err(SqlError::new(statement.name.span, message));
        }
        let mut table = Table {
            name: statement.name.text.clone(),
            physical,
            computed: Vec::new(),
            order: Vec::new(),
            event_time: None,
            options,
            written: Vec::new(),
            functions: context.functions.clone(),
        };
        table.bind_metadata(statement)?;
        table.bind_computed(statement, warnings)?;
        table.order = statement.columns.iter().filter_map(|column| table.position(&column.name.text)).collect();
        table.event_time = match &statement.watermark {
            Some(watermark) => Some(table.bind_watermark(watermark, warnings)?),
            None => table.processing_time(),
        };
        table.check_key()?;
        let values: Vec<&Column> = table.value_columns().map(|at| &table.physical[at]).collect();
        if let Some(problem) = formats::problem(&table.options.format, &values, "'format'") {
            return Err(SqlError::new(statement.name.span, problem));
        }
        table.close_key();
        Ok(table)
    }

    /// Metadata columns come first among those that are computed, so that others can use them.
    fn bind_metadata(&mut self, statement: &CreateTable) -> Result<(), SqlError> {
        for column in &statement.columns {
            let ColumnKind::Metadata { data_type, key, is_virtual } = &column.kind else { continue };
            let Some(metadata) = METADATA.iter().find(|known| known.key() == key.text) else {
                let keys: Vec<&str> = METADATA.iter().map(|known| known.key()).collect();
                let error = SqlError::new(key.span, format!("records have no metadata '{}' here", key.text));
                let list = format!("there is {}", keys.join(", "));
                return Err(error.hint(did_you_mean(&key.text, keys).unwrap_or(list)));
            };
            let native = native(*metadata);
            let fits = match (native, *data_type) {
                (DataType::TimestampLtz(_), DataType::Timestamp(3..) | DataType::TimestampLtz(3..)) => true,
                (from, to) if from.is_integer() && to.is_integer() => from <= to,
                (from, to) => from == to,
            };
            if !fits {
                let message = format!("metadata '{}' is {native}, not {data_type}", key.text);
                return Err(SqlError::new(column.name.span, message));
            }
            if !is_virtual {
                self.written.push((self.computed.len(), *metadata));
            }
            let expr = Expr::new(Node::Call(ScalarFunction::Metadata(*metadata), Vec::new()), *data_type);
            self.computed.push(Computed { name: column.name.text.clone(), expr });
        }
        Ok(())
    }

    /// Computed columns see those of the record and its metadata only, as in Flink.
    fn bind_computed(&mut self, statement: &CreateTable, warnings: &mut Vec<String>) -> Result<(), SqlError> {
        let fields = self.fields();
        for column in &statement.columns {
            let ColumnKind::Computed(expr) = &column.kind else { continue };
            if is_proctime(expr) {
                let clock = Expr::new(Node::Call(ScalarFunction::Proctime, Vec::new()), DataType::TimestampLtz(3));
                self.computed.push(Computed { name: column.name.text.clone(), expr: clock });
                continue;
            }
            let what = format!("table {}", self.name);
            let mut binder =
                Binder::new(Scope { fields: &fields, what: &what, functions: &self.functions }, "a computed column");
            let bound = binder.bind(expr).map_err(|error| {
                let names_computed = statement.columns.iter().any(|other| {
                    matches!(other.kind, ColumnKind::Computed(_))
                        && error.message.contains(&format!("column {} in", other.name.text))
                });
                let hint = "a computed column can use the record's own columns, not other computed ones";
                if names_computed { error.hint(hint) } else { error }
            })?;
            warnings.append(&mut binder.warnings);
            self.computed.push(Computed { name: column.name.text.clone(), expr: bound });
        }
        Ok(())
    }

    /// The column of PROCTIME() as the table's time, if it has one and no WATERMARK.
    fn processing_time(&self) -> Option<EventTime> {
        let at = self.computed.iter().position(|column| column.expr.is_proctime())?;
        let column = self.physical.len() + at;
        Some(EventTime { column, watermark: Expr::column(column, self.type_at(column)) })
    }

    /// Whether its time is the host's clock.
    pub(crate) fn is_processing_time(&self) -> bool {
        let column = self.event_time.as_ref().and_then(|time| time.column.checked_sub(self.physical.len()));
        column.and_then(|at| self.computed.get(at)).is_some_and(|column| column.expr.is_proctime())
    }

    fn bind_watermark(&self, watermark: &Watermark, warnings: &mut Vec<String>) -> Result<EventTime, SqlError> {
        let name = &watermark.column;
        let Some(column) = self.position(&name.text) else {
            let names: Vec<&str> = self.names().collect();
            return Err(SqlError::new(name.span, format!("there is no column {} in table {}", name.text, self.name))
                .maybe_hint(did_you_mean(&name.text, names)));
        };
        if self.computed.iter().any(|computed| computed.name == name.text && computed.expr.is_proctime()) {
            return Err(SqlError::new(name.span, format!("{} is processing time, which has no watermark", name.text))
                .hint("leave WATERMARK out: windows over it close by the broker's clock"));
        }
        let data_type = self.type_at(column);
        let fits = |data_type| matches!(data_type, DataType::Timestamp(0..=3) | DataType::TimestampLtz(0..=3));
        if !fits(data_type) {
            let hint = if data_type.is_integer() {
                format!("add a column ts AS TO_TIMESTAMP_LTZ({}, 3) and take ts", name.text)
            } else if data_type.is_timestamp() {
                "a precision of 3 is milliseconds, and the most there is for event time".to_owned()
            } else {
                "CAST it, or compute it with TO_TIMESTAMP_LTZ or TO_TIMESTAMP".to_owned()
            };
            let message = format!(
                "event time must be a TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3; {} is {}",
                name.text,
                describe(data_type)
            );
            return Err(SqlError::new(name.span, message).hint(hint));
        }
        let fields = self.fields();
        let what = format!("table {}", self.name);
        let mut binder = Binder::new(Scope { fields: &fields, what: &what, functions: &self.functions }, "a watermark");
        let expr = binder.bind(&watermark.expr)?;
        warnings.append(&mut binder.warnings);
        let of_column = column.checked_sub(self.physical.len()).and_then(|at| self.computed.get(at));
        if expr.is_volatile() || of_column.is_some_and(|column| column.expr.is_volatile()) {
            let message = format!("the watermark of {} must not depend on when it is computed", name.text);
            return Err(SqlError::new(position::of(&watermark.expr), message)
                .hint("for windows by the clock, add a column pt AS PROCTIME() and leave WATERMARK out"));
        }
        let same_kind = std::mem::discriminant(&expr.data_type()) == std::mem::discriminant(&data_type);
        if !same_kind || !fits(expr.data_type()) {
            let message = format!(
                "the watermark of {} must be a {data_type} too, found {}",
                name.text,
                describe(expr.data_type())
            );
            return Err(SqlError::new(position::of(&watermark.expr), message)
                .hint(format!("write {0} - INTERVAL '5' SECOND", name.text)));
        }
        Ok(EventTime { column, watermark: expr })
    }

    fn check_key(&self) -> Result<(), SqlError> {
        let Some(key) = &self.options.key else { return Ok(()) };
        for field in &key.fields {
            if !self.physical.iter().any(|column| column.name == *field) {
                let names: Vec<&str> = self.physical.iter().map(|column| column.name.as_str()).collect();
                return Err(SqlError::new(
                    key.span,
                    format!("{} names {field}, which is no column of {}", key.said_by, self.name),
                )
                .maybe_hint(did_you_mean(field, names)));
            }
        }
        let in_key = |name: &String| self.physical.iter().find(|column| column.name == *name);
        let columns: Vec<&Column> = key.fields.iter().filter_map(in_key).collect();
        match formats::problem(&key.format, &columns, "'key.format'") {
            Some(problem) if columns.len() > 1 => {
                Err(SqlError::new(key.span, problem).hint("several make a 'json' key"))
            }
            Some(problem) => Err(SqlError::new(key.span, problem)),
            None => Ok(()),
        }
    }

    /// Positions of the columns that are in a record's value.
    pub(crate) fn value_columns(&self) -> impl Iterator<Item = usize> {
        let key = self.options.key.as_ref().filter(|_| self.options.value_without_key);
        let in_key = move |at: &usize| key.is_some_and(|key| key.fields.contains(&self.physical[*at].name));
        (0..self.physical.len()).filter(move |at| !in_key(at))
    }

    /// The columns that an INSERT INTO gives values for, in the order of the statement: their positions among the physical ones and, after
    /// those, among [`Table::written`].
    pub(crate) fn insertable(&self) -> Vec<usize> {
        let physical = self.physical.len();
        let written = |at: usize| self.written.iter().position(|(computed, _)| *computed == at).map(|at| physical + at);
        let target = |at: &usize| at.checked_sub(physical).map_or(Some(*at), written);
        self.order.iter().filter_map(target).collect()
    }

    /// The columns at the positions of [`Table::insertable`].
    pub(crate) fn sink_columns(&self) -> Vec<Column> {
        let written = self.written.iter().map(|(computed, _)| &self.computed[*computed]).map(|column| Column {
            name: column.name.clone(),
            data_type: column.expr.data_type(),
            nullable: true,
        });
        self.physical.iter().cloned().chain(written).collect()
    }

    /// The columns of a PRIMARY KEY take no NULL.
    fn close_key(&mut self) {
        let Some(key) = self.options.key.as_ref().filter(|_| self.options.upsert) else { return };
        let in_key = |column: &&mut Column| key.fields.contains(&column.name);
        self.physical.iter_mut().filter(in_key).for_each(|column| column.nullable = false);
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let computed = self.computed.iter().map(|column| column.name.as_str());
        self.physical.iter().map(|column| column.name.as_str()).chain(computed)
    }

    /// Position in the row of physical and computed columns.
    fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|other| other == name)
    }

    fn type_at(&self, position: usize) -> DataType {
        match self.physical.get(position) {
            Some(column) => column.data_type,
            None => self.computed[position - self.physical.len()].expr.data_type(),
        }
    }

    /// All columns known so far, as names for expressions over the row of physical and computed columns.
    fn fields(&self) -> Vec<Field> {
        let field = |(position, name): (usize, &str)| Field {
            qualifier: Some(self.name.clone()),
            name: name.to_owned(),
            expr: Expr::column(position, self.type_at(position)),
            rowtime: self.event_time.as_ref().is_some_and(|event_time| event_time.column == position),
        };
        self.names().enumerate().map(field).collect()
    }

    /// The columns in the statement's order, under the table's name or an alias.
    pub(crate) fn fields_as(&self, qualifier: &str) -> Vec<Field> {
        let fields = self.fields();
        self.order
            .iter()
            .map(|position| Field { qualifier: Some(qualifier.to_owned()), ..fields[*position].clone() })
            .collect()
    }
}

/// Whether an expression is PROCTIME() and nothing else.
fn is_proctime(expr: &ast::Expr) -> bool {
    let ast::Expr::Function(function) = expr else { return false };
    let ast::FunctionArguments::List(list) = &function.args else { return false };
    function.name.to_string().eq_ignore_ascii_case("PROCTIME") && list.args.is_empty() && function.over.is_none()
}

fn physical_column(column: &super::statement::ColumnDef) -> Option<Column> {
    match column.kind {
        ColumnKind::Physical { data_type, nullable } => {
            Some(Column { name: column.name.text.clone(), data_type, nullable })
        }
        ColumnKind::Computed(_) | ColumnKind::Metadata { .. } => None,
    }
}
