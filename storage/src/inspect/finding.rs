//! What a check has found, and how much of it is told.

use std::path::PathBuf;

use crate::ids::Offset;

/// Findings told for one file; the rest is counted.
const FINDINGS_A_FILE: usize = 20;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing, nothing is wrong.
    Note,
    /// The newest segment ends in bytes that are no whole, undamaged batch, as a crash leaves it.
    TornTail,
    /// Something is not as it was written.
    Damage,
}

/// What opening the log would do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Cut the log off there, with all that follows.
    Cut,
    /// Make the file anew from the log.
    Rebuilt,
    /// Not look there: the log was closed in order, or the place lies before the recovery point.
    Kept,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the folder that is checked.
    pub file: PathBuf,
    /// Where in the file, in bytes.
    pub position: Option<u64>,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in words.
    pub what: String,
    /// What opening the log would do; `None` where it does not matter.
    pub recovery: Option<Recovery>,
}

impl Finding {
    /// What a person can do about it; `None` where nothing is wrong.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        super::advice::advice(self)
    }
}

/// What recovery has to do with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The log ends here for a recovery that comes by.
    Batch,
    /// An index is wrong.
    Index,
    /// An index lacks what a crash may have taken.
    IndexShort,
    /// Offsets from this one on are in no segment.
    Gap(Offset),
    /// Nothing.
    Other,
}

/// A finding before it is known what recovery would do.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) finding: Finding,
    pub(super) class: Class,
    pub(super) segment: Option<Offset>,
}

/// Collects the findings of one file, the first ones in full.
#[derive(Debug)]
pub(super) struct FileFindings {
    file: PathBuf,
    segment: Option<Offset>,
    found: Vec<Raw>,
    untold: usize,
}

impl FileFindings {
    pub(super) fn new(file: impl Into<PathBuf>, segment: Option<Offset>) -> FileFindings {
        FileFindings { file: file.into(), segment, found: Vec::new(), untold: 0 }
    }

    pub(super) fn damage(&mut self, class: Class, position: Option<u64>, what: impl Into<String>) {
        self.add(Severity::Damage, class, position, what.into());
    }

    pub(super) fn note(&mut self, position: Option<u64>, what: impl Into<String>) {
        self.add(Severity::Note, Class::Other, position, what.into());
    }

    fn add(&mut self, severity: Severity, class: Class, position: Option<u64>, what: String) {
        // The first damage is always told, whatever notes came before it.
        let first_damage =
            severity == Severity::Damage && self.found.iter().all(|raw| raw.finding.severity == Severity::Note);
        if self.found.len() >= FINDINGS_A_FILE && !first_damage {
            self.untold += 1;
            return;
        }
        let finding = Finding { file: self.file.clone(), position, severity, what, recovery: None };
        self.found.push(Raw { finding, class, segment: self.segment });
    }

    pub(super) fn finish(mut self) -> Vec<Raw> {
        if self.untold > 0 {
            let what = format!("and {} more in this file", self.untold);
            self.untold = 0;
            self.found.push(Raw {
                finding: Finding { file: self.file, position: None, severity: Severity::Note, what, recovery: None },
                class: Class::Other,
                segment: self.segment,
            });
        }
        self.found
    }
}
