//! What a person can do about what was found.

use super::finding::{Finding, Recovery, Severity};
use crate::checkpoint::{META_PROPERTIES_FILE, PARTITION_METADATA_FILE};
use crate::epochs::LEADER_EPOCH_FILE;

/// The advice for a finding whose severity and recovery are settled; none where nothing is wrong.
pub(super) fn advice(finding: &Finding) -> Option<&'static str> {
    if finding.severity == Severity::Note {
        return None;
    }
    let name = finding.file.file_name()?.to_str()?;
    Some(match name.rsplit_once('.').map_or(name, |(_, ending)| ending) {
        "log" => log(finding),
        "index" | "timeindex" | "txnindex" if finding.recovery == Some(Recovery::Rebuilt) => {
            "starting the broker makes it anew"
        }
        "index" | "timeindex" | "txnindex" => {
            "stop the broker and delete the .index of this segment: when it starts, the indexes from there on are made anew"
        }
        "snapshot" => "nothing: opening the log drops it and learns the producers from the batches",
        _ if name == PARTITION_METADATA_FILE => "nothing: opening the log writes it anew from the broker's metadata",
        _ if name == LEADER_EPOCH_FILE => {
            "the log does not open with it: move it away while the broker is stopped; the epochs of what recovery reads come back"
        }
        _ if name == META_PROPERTIES_FILE => "the folder does not open with it: restore it from a copy",
        _ => "stop the broker and move the file away, or restore it from a copy",
    })
}

fn log(finding: &Finding) -> &'static str {
    match (finding.severity, finding.recovery) {
        (Severity::TornTail, _) => "a crash leaves this: starting the broker cuts it off",
        (_, Some(Recovery::Cut)) => {
            "starting the broker cuts the log off here, with all that follows: copy the folder first, or restore it from a copy"
        }
        _ => {
            "the broker serves on around it, and consumers fail at this place: let them go on behind it, or restore the folder \
             from a copy"
        }
    }
}
