//! The types that are made of others: ARRAY, MAP, MULTISET and ROW.
//!
//! A [`DataType`] is copied everywhere, so these are kept once for the whole process, and never given up: the planner refuses new ones
//! when their names take too much memory.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::super::DataType;

/// The deepest that types are nested.
pub const MAX_TYPE_DEPTH: usize = 32;

/// The most bytes that all different types of the process take, about; the planner refuses more.
const MAX_TYPE_BYTES: usize = 32 << 20;

/// A type that is made of others. Whether an element may be NULL is not part of it: it may.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NestedType {
    /// ARRAY of an element type.
    Array(DataType),
    /// MAP of a key and a value type.
    Map(DataType, DataType),
    /// MULTISET of an element type: a map of how often each is there.
    Multiset(DataType),
    /// ROW of named fields.
    Row(Vec<(String, DataType)>),
}

/// All that there are, and how many bytes they take.
static KNOWN: Mutex<(BTreeSet<&'static NestedType>, usize)> = Mutex::new((BTreeSet::new(), 0));

impl NestedType {
    fn interned(self) -> DataType {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.0.get(&self) {
            return DataType::Nested(found);
        }
        known.1 += self.bytes();
        let kept: &'static NestedType = Box::leak(Box::new(self));
        known.0.insert(kept);
        DataType::Nested(kept)
    }

    fn bytes(&self) -> usize {
        let fields = match self {
            Self::Row(fields) => fields.iter().map(|(name, _)| name.len() + size_of::<(String, DataType)>()).sum(),
            _ => 0,
        };
        size_of::<Self>() + fields
    }

    /// The types that it is directly made of.
    pub(crate) fn parts(&self) -> Vec<DataType> {
        match self {
            Self::Array(element) | Self::Multiset(element) => vec![*element],
            Self::Map(key, value) => vec![*key, *value],
            Self::Row(fields) => fields.iter().map(|(_, data_type)| *data_type).collect(),
        }
    }
}

impl DataType {
    /// ARRAY of elements of this type.
    #[must_use]
    pub fn array(element: DataType) -> DataType {
        NestedType::Array(element).interned()
    }

    /// MAP.
    #[must_use]
    pub fn map(key: DataType, value: DataType) -> DataType {
        NestedType::Map(key, value).interned()
    }

    /// MULTISET of elements of this type.
    #[must_use]
    pub fn multiset(element: DataType) -> DataType {
        NestedType::Multiset(element).interned()
    }

    /// ROW of named fields.
    #[must_use]
    pub fn row(fields: Vec<(String, DataType)>) -> DataType {
        NestedType::Row(fields).interned()
    }

    /// What it is made of, if it is a type of others.
    #[must_use]
    pub fn nested(self) -> Option<&'static NestedType> {
        match self {
            Self::Nested(nested) => Some(nested),
            _ => None,
        }
    }

    /// The element type of an ARRAY.
    #[must_use]
    pub fn element(self) -> Option<DataType> {
        match self {
            Self::Nested(NestedType::Array(element)) => Some(*element),
            _ => None,
        }
    }

    /// Key and value type of a MAP; of a MULTISET the element's and INT.
    #[must_use]
    pub fn entry(self) -> Option<(DataType, DataType)> {
        match self {
            Self::Nested(NestedType::Map(key, value)) => Some((*key, *value)),
            Self::Nested(NestedType::Multiset(element)) => Some((*element, DataType::Int)),
            _ => None,
        }
    }

    /// The fields of a ROW.
    #[must_use]
    pub fn fields(self) -> Option<&'static [(String, DataType)]> {
        match self {
            Self::Nested(NestedType::Row(fields)) => Some(fields),
            _ => None,
        }
    }

    /// How deep types are nested in it: 0 of a plain one.
    pub(crate) fn depth(self) -> usize {
        self.nested().map_or(0, |nested| 1 + nested.parts().into_iter().map(DataType::depth).max().unwrap_or(0))
    }

    /// Why the planner takes no expression of this type, if so.
    pub(crate) fn excess(self) -> Option<String> {
        self.nested()?;
        if self.depth() > MAX_TYPE_DEPTH {
            return Some(format!("types are nested at most {MAX_TYPE_DEPTH} deep"));
        }
        let full = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).1 > MAX_TYPE_BYTES;
        full.then(|| "this process has seen too many different types of rows, arrays and maps".to_owned())
    }
}

/// As Flink prints it.
impl fmt::Display for NestedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (at, (name, data_type)) in fields.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}`{}` {data_type}", name.replace('`', "``"))?;
                }
                f.write_str(">")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_types_are_one() {
        let row = || {
            DataType::row(vec![("a".to_owned(), DataType::Int), ("b`c".to_owned(), DataType::array(DataType::STRING))])
        };
        assert_eq!(row(), row());
        let (Some(one), Some(other)) = (row().nested(), row().nested()) else { panic!("no row") };
        assert!(std::ptr::eq(one, other), "each is kept once");
        assert_eq!(row().to_string(), "ROW<`a` INT, `b``c` ARRAY<STRING>>");
        assert_ne!(row(), DataType::array(row()));
        assert_eq!(DataType::map(DataType::STRING, row()).depth(), 3);
    }

    #[test]
    fn deep_types_are_refused() {
        let deep = |depth: usize| (0..depth).fold(DataType::Int, |inner, _| DataType::array(inner));
        assert_eq!(deep(MAX_TYPE_DEPTH).excess(), None);
        assert!(deep(MAX_TYPE_DEPTH + 1).excess().is_some());
    }
}
