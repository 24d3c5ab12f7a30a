//! The walk over a frame by its schema: bounds first, no copies, no allocation.

use super::error::{GuardError, Problem};
use super::schema::{Field, Kind};

/// What the decoder keeps for a text or a byte field: a reference-counted slice.
const SLICE_BYTES: usize = 32;
/// What the decoder keeps for an array, without its elements.
const ARRAY_BYTES: usize = 24;
/// What the decoder keeps for the unknown tagged fields of a structure, without them; and for padding.
const STRUCT_BYTES: usize = 24 + 8;
/// Bound of what the first unknown tagged field of a structure takes: a node of a B-tree with room for eleven.
const FIRST_TAG_BYTES: usize = 448;
/// Bound of what each further one takes: nodes are at least half full.
const NEXT_TAG_BYTES: usize = 128;

type Walked<T> = Result<T, GuardError>;

/// A position in a frame.
pub struct Walk<'a> {
    frame: &'a [u8],
    at: usize,
    /// End of the frame, or of the tagged field that is being walked.
    end: usize,
    version: i16,
    flexible: bool,
    /// Memory that the decoder may still take.
    budget: usize,
    limit: usize,
}

/// What an element takes: at least so much on the wire, at most so much in memory without what its own arrays hold.
#[derive(Clone, Copy)]
struct Footprint {
    wire: usize,
    memory: usize,
}

impl<'a> Walk<'a> {
    /// A walk from the start of `frame`, which may take `limit` bytes of memory when it is decoded.
    pub fn new(frame: &'a [u8], version: i16, flexible: bool, limit: usize) -> Walk<'a> {
        Walk { frame, at: 0, end: frame.len(), version, flexible, budget: limit, limit }
    }

    /// Bytes that have not been walked.
    pub fn left(&self) -> usize {
        self.end - self.at
    }

    /// Walks the fields that are there in this version, then the tagged ones.
    pub fn structure(&mut self, fields: &[Field]) -> Walked<()> {
        for field in fields {
            if field.when.tag.is_none() && field.when.holds(self.version) {
                self.value(&field.kind, field.when.nullable).map_err(|e| e.in_field(field.name))?;
            }
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn value(&mut self, kind: &Kind, nullable: bool) -> Walked<()> {
        match kind {
            Kind::Scalar(size) => self.skip(*size),
            Kind::String | Kind::Bytes => self.slice(matches!(kind, Kind::String), nullable),
            Kind::Array(element) => self.array(element, nullable),
            Kind::Struct(fields) if nullable => self.optional(fields),
            Kind::Struct(fields) => self.structure(fields),
        }
    }

    fn slice(&mut self, text: bool, nullable: bool) -> Walked<()> {
        let start = self.at;
        let length = if self.flexible {
            self.compact_length()?
        } else if text {
            self.i16()?
        } else {
            self.i32()?
        };
        let Some(length) = non_null(length, nullable, start)? else { return Ok(()) };
        if length > self.left() {
            return Err(GuardError::new(start, Problem::TooLong { length, left: self.left() }));
        }
        self.at += length;
        Ok(())
    }

    fn array(&mut self, element: &Kind, nullable: bool) -> Walked<()> {
        let start = self.at;
        let length = if self.flexible { self.compact_length()? } else { self.i32()? };
        let Some(count) = non_null(length, nullable, start)? else { return Ok(()) };
        let each = self.footprint(element);
        if count.saturating_mul(each.wire) > self.left() {
            return Err(GuardError::new(start, Problem::TooMany { count, each: each.wire, left: self.left() }));
        }
        self.take_memory(start, count.saturating_mul(each.memory))?;
        if let Kind::Scalar(size) = element {
            return self.skip(size * count);
        }
        for index in 0..count {
            self.value(element, false).map_err(|e| e.in_element(index))?;
        }
        Ok(())
    }

    fn optional(&mut self, fields: &[Field]) -> Walked<()> {
        let start = self.at;
        self.skip(1)?;
        match self.frame[start].cast_signed() {
            1 => self.structure(fields),
            -1 => Ok(()),
            other => Err(GuardError::new(start, Problem::BadPresence(other))),
        }
    }

    /// Walks the tagged fields at the end of a structure; those that it knows must use exactly what they announce.
    pub fn tags(&mut self, fields: &[Field]) -> Walked<()> {
        let start = self.at;
        let count = self.varint()? as usize;
        // A tag and a size are a byte each at least.
        if count.saturating_mul(2) > self.left() {
            return Err(GuardError::new(start, Problem::TooMany { count, each: 2, left: self.left() }));
        }
        let mut unknown = 0;
        for _ in 0..count {
            let start = self.at;
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            if size > self.left() {
                return Err(GuardError::new(start, Problem::TooLong { length: size, left: self.left() }));
            }
            match fields.iter().find(|field| field.when.tag == Some(tag)) {
                Some(field) => self.known_tag(start, tag, size, field)?,
                None => {
                    self.take_memory(start, if unknown == 0 { FIRST_TAG_BYTES } else { NEXT_TAG_BYTES })?;
                    unknown += 1;
                    self.at += size;
                }
            }
        }
        Ok(())
    }

    fn known_tag(&mut self, start: usize, tag: u32, size: usize, field: &Field) -> Walked<()> {
        if !field.when.holds(self.version) {
            return Err(GuardError::new(start, Problem::TagNotInVersion(tag)).in_field(field.name));
        }
        let (from, outer) = (self.at, self.end);
        self.end = from + size;
        self.value(&field.kind, field.when.nullable).map_err(|e| e.in_field(field.name))?;
        let used = self.at - from;
        self.end = outer;
        if used == size {
            Ok(())
        } else {
            Err(GuardError::new(start, Problem::TagSize { tag, size, used }).in_field(field.name))
        }
    }

    /// The footprint of an array's element in this version.
    fn footprint(&self, kind: &Kind) -> Footprint {
        let (short, long) = if self.flexible { (1, 1) } else { (2, 4) };
        match kind {
            Kind::Scalar(size) => Footprint { wire: *size, memory: *size },
            Kind::String => Footprint { wire: short, memory: SLICE_BYTES },
            Kind::Bytes => Footprint { wire: long, memory: SLICE_BYTES },
            Kind::Array(_) => Footprint { wire: long, memory: ARRAY_BYTES },
            Kind::Struct(fields) => {
                let mut sum = Footprint { wire: usize::from(self.flexible), memory: STRUCT_BYTES };
                for field in *fields {
                    let each = self.footprint(&field.kind);
                    // A field takes room in memory in every version.
                    sum.memory += each.memory;
                    if field.when.tag.is_none() && field.when.holds(self.version) {
                        let null = matches!(field.kind, Kind::Struct(_)) && field.when.nullable;
                        sum.wire += if null { 1 } else { each.wire };
                    }
                }
                sum
            }
        }
    }

    fn take_memory(&mut self, at: usize, bytes: usize) -> Walked<()> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(GuardError::new(at, Problem::TooMuchMemory { limit: self.limit })),
        }
    }

    fn skip(&mut self, size: usize) -> Walked<()> {
        if size > self.left() {
            return Err(GuardError::new(self.at, Problem::Truncated { need: size, left: self.left() }));
        }
        self.at += size;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Walked<[u8; N]> {
        let start = self.at;
        self.skip(N)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.frame[start..start + N]);
        Ok(bytes)
    }

    fn i16(&mut self) -> Walked<i64> {
        Ok(i16::from_be_bytes(self.bytes()?).into())
    }

    fn i32(&mut self) -> Walked<i64> {
        Ok(i32::from_be_bytes(self.bytes()?).into())
    }

    /// A compact length is one more than what it says; 0 is null.
    fn compact_length(&mut self) -> Walked<i64> {
        Ok(i64::from(self.varint()?) - 1)
    }

    fn varint(&mut self) -> Walked<u32> {
        let start = self.at;
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.bytes()?;
            // The fifth byte has room for four bits, and none may follow it.
            if shift == 28 && byte > 0x0F {
                break;
            }
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(GuardError::new(start, Problem::BadVarint))
    }
}

/// The length of something that is not null; `None` where it is null and may be.
fn non_null(length: i64, nullable: bool, at: usize) -> Walked<Option<usize>> {
    match length {
        -1 if nullable => Ok(None),
        -1 => Err(GuardError::new(at, Problem::Null)),
        length => match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(GuardError::new(at, Problem::NegativeLength(length))),
        },
    }
}
