//! The types that are made of others: ARRAY, MAP, MULTISET and ROW.
//!
//! A [`DataType`] is copied everywhere, so these are kept once for the whole process, and never given up: equal ones are one and are told
//! apart by where they are. One type can be part of another many times, so a short text can name a type that is written out without end:
//! what is too large is refused before it is kept.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::super::DataType;

/// The deepest that types are nested.
pub const MAX_TYPE_DEPTH: usize = 32;

/// The most types without parts that one type is made of, each as often as it is there.
pub const MAX_TYPE_LEAVES: usize = 10_000;

/// The longest text of one type, in bytes, about.
pub const MAX_TYPE_TEXT: usize = 1 << 20;

/// The most bytes that all different types of the process take, about; new ones are refused then, known ones are not.
const MAX_TYPE_BYTES: usize = 32 << 20;

/// A type that is made of others. Whether an element may be NULL is not part of it: it may.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// A type that is kept. Its order is of no meaning and differs from process to process.
#[derive(Clone, Copy)]
pub struct KnownType(&'static Whole);

/// A type and how large it is.
struct Whole {
    of: NestedType,
    size: Size,
}

/// How large a type is, written out.
#[derive(Clone, Copy)]
struct Size {
    depth: usize,
    leaves: usize,
    /// Bytes of its text, about.
    text: usize,
}

/// Why a type is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeLimit {
    /// [`MAX_TYPE_DEPTH`].
    Depth,
    /// [`MAX_TYPE_LEAVES`].
    Leaves,
    /// [`MAX_TYPE_TEXT`].
    Text,
    /// All types together take too much memory.
    Memory,
}

impl fmt::Display for TypeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => write!(f, "types are nested at most {MAX_TYPE_DEPTH} deep"),
            Self::Leaves => write!(f, "a type is made of at most {MAX_TYPE_LEAVES} others"),
            Self::Text => write!(f, "a type is written with at most {MAX_TYPE_TEXT} bytes"),
            Self::Memory => f.write_str("this process has seen too many different types of rows, arrays and maps"),
        }
    }
}

/// All that there are.
#[derive(Default)]
struct Known {
    types: BTreeMap<&'static NestedType, KnownType>,
    /// What they take, about.
    bytes: usize,
}

impl Known {
    /// The type, kept once, while all take at most `most` bytes.
    fn kept(&mut self, of: NestedType, size: Size, most: usize) -> Result<KnownType, TypeLimit> {
        if let Some(found) = self.types.get(&of) {
            return Ok(*found);
        }
        let bytes = of.bytes();
        if self.bytes + bytes > most {
            return Err(TypeLimit::Memory);
        }
        self.bytes += bytes;
        Ok(self.insert(Box::leak(Box::new(Whole { of, size }))))
    }

    fn insert(&mut self, whole: &'static Whole) -> KnownType {
        self.types.insert(&whole.of, KnownType(whole));
        KnownType(whole)
    }
}

/// The types that Forebay itself speaks of are there from the beginning.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(|| {
    let mut known = Known::default();
    [&TEXTS, &MAP_OF_TEXTS, &MAP_OF_BYTES].into_iter().for_each(|whole| {
        known.insert(whole);
    });
    Mutex::new(known)
});

static TEXTS: Whole = Whole::flat(NestedType::Array(DataType::STRING));
static MAP_OF_TEXTS: Whole = Whole::flat(NestedType::Map(DataType::STRING, DataType::STRING));
static MAP_OF_BYTES: Whole = Whole::flat(NestedType::Map(DataType::STRING, DataType::BYTES));

impl Whole {
    /// One of ours, of types without parts.
    const fn flat(of: NestedType) -> Whole {
        Whole { of, size: Size { depth: 1, leaves: 2, text: 20 } }
    }
}

impl Deref for KnownType {
    type Target = NestedType;

    fn deref(&self) -> &NestedType {
        &self.0.of
    }
}

impl fmt::Debug for KnownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.of.fmt(f)
    }
}

impl PartialEq for KnownType {
    fn eq(&self, other: &KnownType) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for KnownType {}

impl Ord for KnownType {
    fn cmp(&self, other: &KnownType) -> Ordering {
        std::ptr::from_ref(self.0).cmp(&std::ptr::from_ref(other.0))
    }
}

impl PartialOrd for KnownType {
    fn partial_cmp(&self, other: &KnownType) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for KnownType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

impl NestedType {
    fn kept(self) -> Result<DataType, TypeLimit> {
        let size = self.size();
        if size.depth > MAX_TYPE_DEPTH {
            return Err(TypeLimit::Depth);
        }
        if size.leaves > MAX_TYPE_LEAVES {
            return Err(TypeLimit::Leaves);
        }
        if size.text > MAX_TYPE_TEXT {
            return Err(TypeLimit::Text);
        }
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.kept(self, size, MAX_TYPE_BYTES).map(DataType::Nested)
    }

    /// By the sizes of its parts, none of which is over a limit.
    fn size(&self) -> Size {
        let names = match self {
            Self::Row(fields) => fields.iter().map(|(name, _)| name.len() + name.matches('`').count()).sum(),
            _ => 0,
        };
        let mut size = Size { depth: 0, leaves: 0, text: "MULTISET<>".len() + names };
        for part in self.parts() {
            let of = match part {
                DataType::Nested(known) => known.0.size,
                plain => Size { depth: 0, leaves: 1, text: plain.to_string().len() },
            };
            size.depth = size.depth.max(of.depth);
            size.leaves += of.leaves;
            size.text += of.text + ", `` ".len();
        }
        size.depth += 1;
        size
    }

    fn bytes(&self) -> usize {
        let fields = match self {
            Self::Row(fields) => fields.iter().map(|(name, _)| name.len() + size_of::<(String, DataType)>()).sum(),
            _ => 0,
        };
        size_of::<Whole>() + fields
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
    /// ARRAY of STRING.
    pub const TEXTS: DataType = DataType::Nested(KnownType(&TEXTS));
    /// MAP of STRING to STRING.
    pub const MAP_OF_TEXTS: DataType = DataType::Nested(KnownType(&MAP_OF_TEXTS));
    /// MAP of STRING to BYTES.
    pub const MAP_OF_BYTES: DataType = DataType::Nested(KnownType(&MAP_OF_BYTES));

    /// ARRAY of elements of this type.
    ///
    /// # Errors
    /// It is too large.
    pub fn array(element: DataType) -> Result<DataType, TypeLimit> {
        NestedType::Array(element).kept()
    }

    /// MAP.
    ///
    /// # Errors
    /// It is too large.
    pub fn map(key: DataType, value: DataType) -> Result<DataType, TypeLimit> {
        NestedType::Map(key, value).kept()
    }

    /// MULTISET of elements of this type.
    ///
    /// # Errors
    /// It is too large.
    pub fn multiset(element: DataType) -> Result<DataType, TypeLimit> {
        NestedType::Multiset(element).kept()
    }

    /// ROW of named fields.
    ///
    /// # Errors
    /// It is too large.
    pub fn row(fields: Vec<(String, DataType)>) -> Result<DataType, TypeLimit> {
        NestedType::Row(fields).kept()
    }

    /// What it is made of, if it is a type of others.
    #[must_use]
    pub fn nested(self) -> Option<&'static NestedType> {
        match self {
            Self::Nested(known) => Some(&known.0.of),
            _ => None,
        }
    }

    /// The element type of an ARRAY.
    #[must_use]
    pub fn element(self) -> Option<DataType> {
        match self.nested()? {
            NestedType::Array(element) => Some(*element),
            _ => None,
        }
    }

    /// Key and value type of a MAP; of a MULTISET the element's and INT.
    #[must_use]
    pub fn entry(self) -> Option<(DataType, DataType)> {
        match self.nested()? {
            NestedType::Map(key, value) => Some((*key, *value)),
            NestedType::Multiset(element) => Some((*element, DataType::Int)),
            _ => None,
        }
    }

    /// The fields of a ROW.
    #[must_use]
    pub fn fields(self) -> Option<&'static [(String, DataType)]> {
        match self.nested()? {
            NestedType::Row(fields) => Some(fields),
            _ => None,
        }
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

    fn pair(of: DataType) -> Result<DataType, TypeLimit> {
        DataType::row(vec![("a".to_owned(), of), ("b".to_owned(), of)])
    }

    #[test]
    fn equal_types_are_one() {
        let row = || {
            let texts = DataType::array(DataType::STRING).unwrap();
            DataType::row(vec![("a".to_owned(), DataType::Int), ("b`c".to_owned(), texts)]).unwrap()
        };
        assert_eq!(row(), row());
        let (Some(one), Some(other)) = (row().nested(), row().nested()) else { panic!("no row") };
        assert!(std::ptr::eq(one, other), "each is kept once");
        assert_eq!(row().to_string(), "ROW<`a` INT, `b``c` ARRAY<STRING>>");
        assert_ne!(row(), DataType::array(row()).unwrap());
        assert_eq!(DataType::array(DataType::STRING), Ok(DataType::TEXTS));
        assert_eq!(DataType::map(DataType::STRING, DataType::STRING), Ok(DataType::MAP_OF_TEXTS));
        assert_eq!(DataType::map(DataType::STRING, DataType::BYTES), Ok(DataType::MAP_OF_BYTES));
    }

    #[test]
    fn types_that_are_too_large_are_refused() {
        let deep = |depth: usize| (0..depth).try_fold(DataType::Int, |inner, _| DataType::array(inner));
        assert!(deep(MAX_TYPE_DEPTH).is_ok());
        assert_eq!(deep(MAX_TYPE_DEPTH + 1), Err(TypeLimit::Depth));
        let doubled = |times: usize| (0..times).try_fold(DataType::Int, |inner, _| pair(inner));
        // 2^13 leaves are 8,192.
        assert!(doubled(13).is_ok());
        assert_eq!(doubled(14), Err(TypeLimit::Leaves));
        let long = DataType::row(vec![("x".repeat(MAX_TYPE_TEXT / 2), DataType::Int)]).unwrap();
        assert_eq!(pair(long), Err(TypeLimit::Text));
    }

    #[test]
    fn known_types_stay_when_no_more_are_kept() {
        let mut known = Known::default();
        let mut kept = |of: NestedType, most| {
            let size = of.size();
            known.kept(of, size, most).map(|_| ())
        };
        let array = || NestedType::Array(DataType::Int);
        assert_eq!(kept(array(), array().bytes()), Ok(()));
        for _ in 0..2 {
            assert_eq!(kept(NestedType::Array(DataType::Date), array().bytes()), Err(TypeLimit::Memory));
        }
        assert_eq!(kept(array(), 0), Ok(()), "it is known");
        assert_eq!(known.bytes, array().bytes(), "what is refused is not kept");
        assert_eq!(known.types.len(), 1);
    }
}
