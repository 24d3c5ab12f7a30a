//! What recovery has cut off, so that whoever runs the broker is told.

use std::fmt;
use std::path::PathBuf;

use super::Log;
use crate::ids::Offset;

/// The end of a segment, or a whole one, that was no part of the log any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment's file of batches.
    pub file: PathBuf,
    /// Where it was cut; 0 if the file was removed.
    pub position: u64,
    /// How many bytes went.
    pub bytes: u64,
    /// Where the log ends instead.
    pub end: Offset,
    /// What was wrong there.
    pub reason: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cut { file, position, bytes, end, reason } = self;
        write!(
            f,
            "{}: cut off {bytes} bytes from byte {position} on, the log ends at offset {end}: {reason}",
            file.display()
        )
    }
}

impl Log {
    /// What opening the log has cut off: what was torn when power or process went, or was damaged, with all that followed. Empty if
    /// nothing was.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }
}
