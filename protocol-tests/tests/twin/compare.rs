//! Compares two transcripts and says where they part.

use crate::allowed::{self, Allowed};
use crate::side::{Entry, Transcript};

/// How many lines of agreement are shown around a difference.
const AROUND: usize = 2;

/// An error that shows every answer in which Forebay differs from Apache Kafka, but for what is allowed.
pub fn compare(scenario: &str, kafka: &Transcript, forebay: &Transcript) -> Result<(), String> {
    let mut allowed: Vec<(&Allowed, bool)> =
        allowed::ALLOWED.iter().filter(|a| a.scenario == scenario).map(|a| (a, false)).collect();
    let mut message = String::new();
    for (expected, found) in kafka.0.iter().zip(&forebay.0) {
        if let Some(difference) = difference(expected, found, &mut allowed) {
            message.push_str(&difference);
        }
    }
    if kafka.0.len() != forebay.0.len() {
        message.push_str(&format!("{} answers of Kafka's, {} of ours\n", kafka.0.len(), forebay.0.len()));
    }
    for (unused, _) in allowed.iter().filter(|(_, used)| !used) {
        message.push_str(&format!("allowed and not seen: {} ({})\n", unused.field, unused.reason));
    }
    if message.is_empty() { Ok(()) } else { Err(format!("- is Apache Kafka, + is Forebay\n{message}")) }
}

fn difference(expected: &Entry, found: &Entry, allowed: &mut [(&Allowed, bool)]) -> Option<String> {
    if expected.label != found.label {
        return Some(format!("the scenario went two ways: {} / {}\n", expected.label, found.label));
    }
    let expected_lines = keep(expected, found, allowed);
    let found_lines = keep(found, expected, allowed);
    if expected_lines == found_lines {
        return None;
    }
    let front = expected_lines.iter().zip(&found_lines).take_while(|(a, b)| a == b).count();
    let rest = (expected_lines.len() - front).min(found_lines.len() - front);
    let back = expected_lines.iter().rev().zip(found_lines.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut shown = format!("{}\n", expected.label);
    let from = front.saturating_sub(AROUND);
    expected_lines[from..front].iter().for_each(|line| shown.push_str(&format!("    {line}\n")));
    expected_lines[front..expected_lines.len() - back].iter().for_each(|line| shown.push_str(&format!("  - {line}\n")));
    found_lines[front..found_lines.len() - back].iter().for_each(|line| shown.push_str(&format!("  + {line}\n")));
    let tail = &expected_lines[expected_lines.len() - back..];
    tail.iter().take(AROUND).for_each(|line| shown.push_str(&format!("    {line}\n")));
    Some(shown)
}

/// The lines of one answer, without fields that differ everywhere, and without those that may differ here and do.
fn keep(entry: &Entry, other: &Entry, allowed: &mut [(&Allowed, bool)]) -> Vec<String> {
    let mut kept = Vec::new();
    for line in &entry.lines {
        let field = line.trim_start().split(':').next().unwrap_or_default();
        if allowed::EVERYWHERE.iter().any(|(name, _)| *name == field) {
            continue;
        }
        let here = allowed.iter_mut().find(|(a, _)| a.field == field && entry.label.contains(a.answer));
        if let Some((_, used)) = here {
            *used |= !other.lines.contains(line);
            continue;
        }
        kept.push(line.clone());
    }
    kept
}
