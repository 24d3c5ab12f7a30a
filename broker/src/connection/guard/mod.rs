//! Proves that a request is well-formed before anything reserves memory for what it claims to hold.
//!
//! The decoder of `kafka-protocol` reserves room for as many elements as a length on the wire announces, so that a frame of
//! twenty bytes could ask for gigabytes and abort the process. [`check`] walks a frame by its schema first and lets it
//! pass only if every length fits into what has arrived, and if what the decoder would build from it stays within
//! [`decoded_limit`]. It allocates nothing unless it refuses.

mod error;
pub mod schema;
#[cfg(test)]
mod tests;
mod walk;

pub use error::{GuardError, Problem};

use walk::Walk;

/// Memory that any request may ask for when it is decoded, in bytes, however short it is.
pub const MIN_DECODED_LIMIT: usize = 32 * 1024 * 1024;

/// Memory that a request may ask for beyond [`MIN_DECODED_LIMIT`] for each byte of its frame.
pub const DECODED_PER_FRAME_BYTE: usize = 4;

/// How much memory a request body of `len` bytes may ask for when it is decoded, in bytes. Ordinary requests take less than
/// ten times their size; those of many megabytes are records, which are not copied.
#[must_use]
pub const fn decoded_limit(len: usize) -> usize {
    MIN_DECODED_LIMIT.saturating_add(len.saturating_mul(DECODED_PER_FRAME_BYTE))
}

/// Whether there is a schema for `api_version` of the API `api_key`, so that [`check`] can pass one.
#[must_use]
pub fn is_known(api_key: i16, api_version: i16) -> bool {
    schema::find(api_key, api_version).is_some()
}

/// Checks the body of a request (what follows its header).
///
/// Bytes behind the last field are let through, as Kafka does, and logged. Text is not checked to be UTF-8: the decoder
/// does that without reserving anything.
///
/// # Errors
/// The API or version is not known, a length does not fit into the body, null or a tag stands where it must not, a varint
/// overflows, or the request would take more memory than [`decoded_limit`].
pub fn check(api_key: i16, api_version: i16, body: &[u8]) -> Result<(), GuardError> {
    let Some(schema) = schema::find(api_key, api_version) else {
        return Err(GuardError::new(0, Problem::UnknownApi { api_key, api_version }));
    };
    let flexible = api_version >= schema.flexible;
    let mut walk = Walk::new(body, api_version, flexible, decoded_limit(body.len()));
    walk.structure(schema.fields)?;
    let left = walk.left();
    if left > 0 {
        tracing::debug!(api = schema.name, api_version, left, "a request has bytes behind its last field");
    }
    Ok(())
}

/// Checks a request's header at the start of `frame` and returns its length in bytes, where the body starts.
/// `header_version` is 0 (only ever used by ControlledShutdown), 1 or 2.
///
/// # Errors
/// As [`check`], or the header version is another one.
pub fn check_header(header_version: i16, frame: &[u8]) -> Result<usize, GuardError> {
    if !(0..=2).contains(&header_version) {
        return Err(GuardError::new(0, Problem::UnknownHeader(header_version)));
    }
    let mut walk = Walk::new(frame, header_version, false, decoded_limit(frame.len()));
    walk.structure(schema::HEADER)?;
    if header_version >= 2 {
        walk.tags(schema::HEADER)?;
    }
    Ok(frame.len() - walk.left())
}
