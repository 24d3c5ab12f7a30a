//! Frames made from the table alone.

use crate::connection::guard::schema::{Field, Kind, Schema};

/// Decisions taken from arbitrary bytes; zeros when they run out, so that shorter input means smaller frames.
pub struct Entropy<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Entropy<'a> {
    pub fn new(bytes: &'a [u8]) -> Entropy<'a> {
        Entropy { bytes: bytes.iter() }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }
}

/// A well-formed body.
pub fn frame(schema: &Schema, version: i16, entropy: &mut Entropy<'_>) -> Vec<u8> {
    Maker::new(schema, version, entropy, None).body(schema)
}

/// As [`frame`], but null stands in the `slot`th place where the table does not allow it; `None` if there are fewer.
pub fn frame_with_null(schema: &Schema, version: i16, entropy: &mut Entropy<'_>, slot: usize) -> Option<Vec<u8>> {
    let mut maker = Maker::new(schema, version, entropy, Some(slot));
    let body = maker.body(schema);
    (maker.slots > slot).then_some(body)
}

/// What a length can say that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The largest number: of elements, or of bytes.
    Huge,
    /// The smallest number; where lengths are not negative, the largest again.
    Negative,
    /// More bits than a length has; where lengths have a fixed size, the largest again.
    Overlong,
    /// One more than there are bytes left in any frame of ours.
    Beyond,
}

impl Lie {
    /// All of them.
    pub const ALL: [Lie; 4] = [Lie::Huge, Lie::Negative, Lie::Overlong, Lie::Beyond];

    fn write(self, kind: &Kind, flexible: bool, out: &mut Vec<u8>) {
        match (flexible, kind, self) {
            (true, _, Lie::Overlong) => out.extend([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
            (true, _, Lie::Beyond) => varint(30_001, out),
            (true, ..) => varint(u32::MAX, out),
            (false, Kind::String, Lie::Negative) => out.extend(i16::MIN.to_be_bytes()),
            (false, Kind::String, Lie::Beyond) => out.extend(30_000i16.to_be_bytes()),
            (false, Kind::String, _) => out.extend(i16::MAX.to_be_bytes()),
            (false, _, Lie::Negative) => out.extend(i32::MIN.to_be_bytes()),
            (false, _, Lie::Beyond) => out.extend(30_000i32.to_be_bytes()),
            (false, ..) => out.extend(i32::MAX.to_be_bytes()),
        }
    }
}

/// As [`frame`], but the `slot`th length lies; `None` if there are fewer.
pub fn frame_with_lie(
    schema: &Schema,
    version: i16,
    entropy: &mut Entropy<'_>,
    slot: usize,
    lie: Lie,
) -> Option<Vec<u8>> {
    let mut maker = Maker::new(schema, version, entropy, None);
    maker.lie = Some((slot, lie));
    let body = maker.body(schema);
    (maker.lengths > slot).then_some(body)
}

struct Maker<'e, 'a> {
    version: i16,
    flexible: bool,
    entropy: &'e mut Entropy<'a>,
    /// Places seen so far in which null is not allowed.
    slots: usize,
    null_slot: Option<usize>,
    /// Lengths written so far, and which of them lies.
    lengths: usize,
    lie: Option<(usize, Lie)>,
}

impl<'e, 'a> Maker<'e, 'a> {
    fn new(schema: &Schema, version: i16, entropy: &'e mut Entropy<'a>, null_slot: Option<usize>) -> Self {
        Maker { version, flexible: version >= schema.flexible, entropy, slots: 0, null_slot, lengths: 0, lie: None }
    }

    fn body(&mut self, schema: &Schema) -> Vec<u8> {
        let mut out = Vec::new();
        self.structure(schema.fields, &mut out);
        out
    }

    fn structure(&mut self, fields: &[Field], out: &mut Vec<u8>) {
        let version = self.version;
        for field in fields.iter().filter(|f| f.when.tag.is_none() && f.when.holds(version)) {
            self.value(&field.kind, field.when.nullable, out);
        }
        if self.flexible {
            self.tags(fields, out);
        }
    }

    fn tags(&mut self, fields: &[Field], out: &mut Vec<u8>) {
        let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
        let version = self.version;
        for field in fields.iter().filter(|f| f.when.holds(version)) {
            if let Some(tag) = field.when.tag
                && self.entropy.below(2) == 1
            {
                let mut content = Vec::new();
                self.value(&field.kind, field.when.nullable, &mut content);
                tags.push((tag, content));
            }
        }
        for unknown in 0..u32::from(self.entropy.below(3)) {
            let size = self.entropy.below(4).into();
            tags.push((100 + 70_000 * unknown, vec![self.entropy.byte(); size]));
        }
        varint(tags.len() as u32, out);
        for (tag, content) in tags {
            varint(tag, out);
            varint(content.len() as u32, out);
            out.extend(content);
        }
    }

    fn value(&mut self, kind: &Kind, nullable: bool, out: &mut Vec<u8>) {
        match kind {
            Kind::Scalar(1) => out.push(self.entropy.below(2)),
            // Never the bits of a NaN, which is not equal to itself.
            Kind::Scalar(size) => out.extend((0..*size).map(|_| self.entropy.below(0x70))),
            Kind::Struct(fields) => {
                let null = nullable && self.entropy.below(3) == 0;
                if nullable {
                    out.push(if null { 0xFF } else { 1 });
                }
                if !null {
                    self.structure(fields, out);
                }
            }
            Kind::String | Kind::Bytes | Kind::Array(_) if self.null(nullable) => {
                self.length(kind, None, out);
            }
            Kind::String | Kind::Bytes => {
                let length = if self.entropy.below(16) == 1 { 200 } else { self.entropy.below(5).into() };
                self.length(kind, Some(length), out);
                out.extend((0..length).map(|_| b'a' + self.entropy.below(26)));
            }
            Kind::Array(element) => {
                let count = self.entropy.below(4).into();
                self.length(kind, Some(count), out);
                for _ in 0..count {
                    self.value(element, false, out);
                }
            }
        }
    }

    fn null(&mut self, nullable: bool) -> bool {
        if nullable {
            return self.entropy.below(4) == 0;
        }
        self.slots += 1;
        self.null_slot == Some(self.slots - 1)
    }

    fn length(&mut self, kind: &Kind, length: Option<usize>, out: &mut Vec<u8>) {
        self.lengths += 1;
        if let Some((slot, lie)) = self.lie
            && slot == self.lengths - 1
        {
            return lie.write(kind, self.flexible, out);
        }
        let length = length.map_or(-1, |length| length as i32);
        match kind {
            _ if self.flexible => varint((length + 1) as u32, out),
            Kind::String => out.extend((length as i16).to_be_bytes()),
            _ => out.extend(length.to_be_bytes()),
        }
    }
}

/// Writes `value` in as few groups of seven bits as it takes.
pub fn varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
