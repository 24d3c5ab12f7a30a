//! UNNEST: a row becomes one row for each element of an array, a map or a multiset.

use crate::expr::{DataType, Expr, NestedType};

/// UNNEST: the outgoing row has `columns`, after them the columns of an element, and with `ordinality` its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Unnest {
    /// What is spread, over the incoming row. NULL has no elements.
    pub of: Expr,
    /// The columns of the incoming row that are kept, with their types.
    pub columns: Vec<(usize, DataType)>,
    /// Whether a row without elements goes on, with NULLs in their place (LEFT JOIN).
    pub outer: bool,
    /// Whether the place of the element comes last, an INT from 1 (WITH ORDINALITY).
    pub ordinality: bool,
}

impl Unnest {
    /// The columns that an element has: of an array of rows their fields, of a map key and value; `None` if the type has no elements.
    #[must_use]
    pub fn parts(of: DataType) -> Option<Vec<(String, DataType)>> {
        // Flink's name of a column that has none.
        const UNNAMED: &str = "EXPR$0";
        Some(match of.nested()? {
            NestedType::Array(element) | NestedType::Multiset(element) => match element.fields() {
                Some(fields) => fields.to_vec(),
                None => vec![(UNNAMED.to_owned(), *element)],
            },
            NestedType::Map(key, value) => vec![("KEY".to_owned(), *key), ("VALUE".to_owned(), *value)],
            NestedType::Row(_) => return None,
        })
    }

    /// How many columns the outgoing row has beside those that are kept.
    #[must_use]
    pub fn width(&self) -> usize {
        Self::parts(self.of.data_type()).map_or(0, |parts| parts.len()) + usize::from(self.ordinality)
    }
}
