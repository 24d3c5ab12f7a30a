//! How the API table reads a request: by `kafka-protocol`, or by what this house has for versions that it does not know.

pub mod reader;
pub mod writer;

use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Message};

/// A request that can be read from the wire.
pub trait Request: Sized {
    /// First version that can be read.
    const FIRST: i16;
    /// Last version that can be read.
    const LAST: i16;

    /// Reads a request; bytes that are left in `body` come after its last field.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(body: &mut Bytes, version: i16) -> Result<Self, String>;
}

impl<T: Decodable + Message> Request for T {
    const FIRST: i16 = T::VERSIONS.min;
    const LAST: i16 = T::VERSIONS.max;

    fn read(body: &mut Bytes, version: i16) -> Result<T, String> {
        T::decode(body, version).map_err(|error| error.to_string())
    }
}
