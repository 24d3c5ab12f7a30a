//! Fields of flexible versions (KIP-482), one after the other, for requests that `kafka-protocol` cannot read.

use bytes::{Buf, Bytes};

/// The body ends before a field, or a field is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short;

/// What is left of a body.
pub struct Reader<'a>(pub &'a mut Bytes);

macro_rules! scalars {
    ($($number:ident $get:ident,)*) => {$(
        #[doc = concat!("Reads an ", stringify!($number), ".")]
        ///
        /// # Errors
        /// When the body ends before.
        pub fn $number(&mut self) -> Result<$number, Short> {
            self.need(size_of::<$number>())?;
            Ok(self.0.$get())
        }
    )*};
}

impl Reader<'_> {
    scalars! { i8 get_i8, i16 get_i16, i32 get_i32, i64 get_i64, u128 get_u128, }

    fn need(&self, bytes: usize) -> Result<(), Short> {
        if self.0.remaining() < bytes { Err(Short) } else { Ok(()) }
    }

    fn unsigned_varint(&mut self) -> Result<usize, Short> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            self.need(1)?;
            let byte = self.0.get_u8();
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value as usize);
            }
        }
        Err(Short)
    }

    /// Reads a text that may not be null.
    ///
    /// # Errors
    /// When the body ends before, or the text is null or no UTF-8.
    pub fn compact_text(&mut self) -> Result<String, Short> {
        let length = self.unsigned_varint()?.checked_sub(1).ok_or(Short)?;
        self.need(length)?;
        String::from_utf8(self.0.split_to(length).into()).map_err(|_| Short)
    }

    /// Reads an array that may not be null. No room is made beforehand: the count is what a client says.
    ///
    /// # Errors
    /// When the body ends before, or the array is null.
    pub fn compact_array<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, Short>,
    ) -> Result<Vec<T>, Short> {
        let count = self.unsigned_varint()?.checked_sub(1).ok_or(Short)?;
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// Passes over the tagged fields at the end of a structure.
    ///
    /// # Errors
    /// When the body ends before.
    pub fn tags(&mut self) -> Result<(), Short> {
        for _ in 0..self.unsigned_varint()? {
            self.unsigned_varint()?;
            let length = self.unsigned_varint()?;
            self.need(length)?;
            self.0.advance(length);
        }
        Ok(())
    }
}
