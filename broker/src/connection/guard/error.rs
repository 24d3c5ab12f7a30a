//! What is wrong with a frame, and where.

use std::fmt;

/// A frame that must not be decoded: what is wrong, in which field, at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardError {
    /// The field, as `topics[2].partitions[0].records`; empty for the request as a whole.
    pub path: String,
    /// Position from the start of the checked bytes.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No schema.
    #[error("API {api_key} in version {api_version} is not known")]
    UnknownApi {
        /// The key asked for.
        api_key: i16,
        /// The version asked for.
        api_version: i16,
    },
    /// No such header.
    #[error("request header version {0} is not known")]
    UnknownHeader(i16),
    /// The frame ends in the middle of a field.
    #[error("{need} bytes are needed, {left} are left")]
    Truncated {
        /// Bytes that the field takes.
        need: usize,
        /// Bytes left in the frame, or in the tagged field.
        left: usize,
    },
    /// A length below -1.
    #[error("the length {0} is negative")]
    NegativeLength(i64),
    /// A text or byte field that announces more than there is.
    #[error("{length} bytes are announced, {left} are left")]
    TooLong {
        /// What is announced.
        length: usize,
        /// What is left.
        left: usize,
    },
    /// An array that announces more elements than can be in what is left.
    #[error("{count} elements of at least {each} bytes are announced, {left} bytes are left")]
    TooMany {
        /// Announced elements.
        count: usize,
        /// The fewest bytes that an element takes.
        each: usize,
        /// What is left.
        left: usize,
    },
    /// Null where it is not allowed.
    #[error("null is not allowed here")]
    Null,
    /// More than five bytes, or more than 32 bits.
    #[error("a variable-length number has more than 32 bits")]
    BadVarint,
    /// The byte before a nullable structure.
    #[error("a nullable structure starts with 1 or -1, not {0}")]
    BadPresence(i8),
    /// A tagged field whose content and announced size differ.
    #[error("the tagged field {tag} announced {size} bytes and used {used}")]
    TagSize {
        /// The tag.
        tag: u32,
        /// Announced bytes.
        size: usize,
        /// Bytes that its value took.
        used: usize,
    },
    /// A tag that belongs to other versions.
    #[error("the tag {0} is not valid in this version")]
    TagNotInVersion(u32),
    /// The request would blow up in memory.
    #[error("the request would take more than {limit} bytes of memory")]
    TooMuchMemory {
        /// See [`super::decoded_limit`].
        limit: usize,
    },
}

impl GuardError {
    pub(super) fn new(offset: usize, problem: Problem) -> GuardError {
        GuardError { path: String::new(), offset, problem }
    }

    /// The same error, seen from the structure that holds the field `name`.
    pub(super) fn in_field(mut self, name: &str) -> GuardError {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }

    /// The same error, seen from the array whose element `index` it is in.
    pub(super) fn in_element(self, index: usize) -> GuardError {
        self.in_field(&format!("[{index}]"))
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "field {} ", self.path)?;
        }
        write!(f, "at byte {}: {}", self.offset, self.problem)
    }
}

impl std::error::Error for GuardError {}
