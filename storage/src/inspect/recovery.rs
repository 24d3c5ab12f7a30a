//! What opening the log would do about what was found; the rules are those of `log::open`.

use super::finding::{Class, Finding, Raw, Recovery, Severity};
use super::segment::SegmentSummary;
use crate::ids::Offset;
use crate::log;

/// How a log was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Circumstances {
    /// The mark of a clean shutdown is in the data folder.
    pub(super) clean: bool,
    /// From the checkpoint in the data folder; zero if there is none.
    pub(super) recovery_point: Offset,
    /// A process is at work on the folder.
    pub(super) live: bool,
}

/// Where recovery would begin; `None` if the log would be taken as it is.
fn recovery_start(segments: &[SegmentSummary], how: Circumstances) -> Option<Offset> {
    let last = segments.last()?;
    if how.clean && segments.iter().all(|segment| segment.indexed) && !last.broken {
        return None;
    }
    let bases: Vec<(Offset, bool)> = segments.iter().map(|segment| (segment.base, segment.indexed)).collect();
    log::recovery_start(&bases, how.recovery_point)
}

/// Says of each finding what would become of it, and how bad it is.
pub(super) fn settle(segments: &mut [SegmentSummary], how: Circumstances) -> Vec<Finding> {
    let start = recovery_start(segments, how);
    let last = segments.len().saturating_sub(1);
    let mut settled = Vec::new();
    for (at, segment) in segments.iter_mut().enumerate() {
        let recovered = start.is_some_and(|start| segment.base >= start);
        let good_until = segment.good_until;
        let torn = |raw: &Raw| at == last && raw.finding.position.is_some_and(|position| position >= good_until);
        let later = last - at;
        for raw in std::mem::take(&mut segment.found) {
            debug_assert!(raw.segment.is_none_or(|base| base == segment.base));
            let torn = torn(&raw);
            settled.push(settle_one(
                raw,
                Place { recovered, torn, later, live: how.live, recovery_point: how.recovery_point },
            ));
        }
    }
    settled
}

struct Place {
    recovered: bool,
    torn: bool,
    /// Segments after this one.
    later: usize,
    live: bool,
    recovery_point: Offset,
}

fn settle_one(raw: Raw, place: Place) -> Finding {
    let mut finding = raw.finding;
    match raw.class {
        Class::Batch => {
            finding.recovery = Some(if place.recovered { Recovery::Cut } else { Recovery::Kept });
            if place.torn {
                finding.severity = if place.live { Severity::Note } else { Severity::TornTail };
            }
            if place.torn && place.live {
                finding.what.push_str("; the broker is at work, so this may be an append under way");
                finding.recovery = None;
            } else if place.recovered && place.later > 0 {
                finding.what.push_str(&format!("; {} later segments would go with it", place.later));
            }
        }
        Class::Index => {
            finding.recovery = Some(if place.recovered { Recovery::Rebuilt } else { Recovery::Kept });
        }
        Class::IndexShort => {
            finding.recovery = Some(if place.recovered { Recovery::Rebuilt } else { Recovery::Kept });
            if place.recovered || place.live {
                finding.severity = Severity::Note;
            }
        }
        // Compaction leaves gaps, in what is on disk for sure; elsewhere the end of a segment was lost.
        Class::Gap(from) if place.recovered && from >= place.recovery_point => {
            finding.recovery = Some(Recovery::Cut);
        }
        Class::Gap(_) => {
            finding.severity = Severity::Note;
            finding.what.push_str(", as compaction leaves it");
        }
        Class::Other => {}
    }
    finding
}
