//! INSERT INTO .. VALUES: rows that stand in the statement, written once.

use forebay_storage::batch::BatchBuilder;
use forebay_storage::ids::{Timestamp, TopicPartition};
use sqlparser::ast::{self, SetExpr};

use super::bind::Binder;
use super::catalog::{Catalog, Entry};
use super::error::SqlError;
use super::insert::{sink, sink_values};
use super::scope::{Field, Scope};
use super::statement::Insert;
use crate::commit::RecordBuffer;
use crate::expr::{Expr, Functions, step_begins};
use crate::operator::{RecordSink, RowError, Spread};
use crate::plan::{RowKind, Sink};

/// Rows for a table.
#[derive(Debug)]
pub struct Values {
    /// Where they go.
    pub sink: Sink,
    rows: Vec<Vec<Expr>>,
}

impl Values {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The records that they are in a topic of so many partitions. Rows without a key go to the partitions in turn.
    ///
    /// # Errors
    /// A value has no form in the table's format, or a column that is NOT NULL has none.
    pub fn records(&self, partitions: i32, now: Timestamp) -> Result<Vec<(TopicPartition, BatchBuilder)>, RowError> {
        step_begins(now.0);
        let (mut out, mut table) = (RecordBuffer::default(), RecordSink::new(&self.sink, partitions));
        for (row, turn) in self.rows.iter().zip(0..) {
            let values = row.iter().map(|value| value.eval(&[])).collect::<Result<Vec<_>, _>>()?;
            table.write(&values, RowKind::Insert, Spread::Input(turn), now, &mut out)?;
        }
        Ok(out.into_batches())
    }
}

/// The rows of an INSERT INTO, if it has VALUES and no query.
pub(super) fn of_insert(insert: &Insert, catalog: &Catalog) -> Result<Option<Values>, SqlError> {
    let SetExpr::Values(values) = &*insert.query.body else { return Ok(None) };
    let table = match catalog.get(&insert.table.text) {
        Some(Entry::Table(table)) => table,
        Some(Entry::View(_)) => {
            return Err(SqlError::new(insert.table.span, format!("{} is a view, it takes no rows", insert.table.text)));
        }
        None => return Err(catalog.unknown(&insert.table.text, insert.table.span, std::iter::empty())),
    };
    let row = |row: &ast::Parens<Vec<ast::Expr>>| {
        let fields = row.content.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        sink_values(insert, table, &fields)
    };
    let rows = values.rows.iter().map(row).collect::<Result<_, _>>()?;
    Ok(Some(Values { sink: sink(table), rows }))
}

fn field(value: &ast::Expr) -> Result<Field, SqlError> {
    let scope = Scope { fields: &[], what: "VALUES", functions: Functions::NONE };
    let expr = Binder::new(scope, "VALUES").bind(value)?;
    Ok(Field { qualifier: None, name: String::new(), expr, rowtime: false })
}
