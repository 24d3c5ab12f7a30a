//! Compares two transcripts and says where they part.

use crate::allowed::{self, Allowed};
use crate::side::{Entry, Transcript};

/// How many lines of agreement are shown around a difference.
const AROUND: usize = 2;

/// One field that may differ.
struct Field {
    allowed: &'static Allowed,
    start: &'static str,
    /// It has differed, or need not.
    seen: bool,
}

fn each_field(allowed: &'static Allowed, seen: bool) -> impl Iterator<Item = Field> {
    allowed.fields.iter().map(move |&start| Field { allowed, start, seen })
}

/// An error that shows every answer in which Forebay differs from Apache Kafka, but for what is allowed.
pub fn compare(scenario: &str, kafka: &Transcript, forebay: &Transcript) -> Result<(), String> {
    let always = allowed::ALLOWED.iter().flat_map(|allowed| each_field(allowed, false));
    let sometimes = allowed::SOMETIMES.iter().flat_map(|allowed| each_field(allowed, true));
    let mut allowed: Vec<Field> = always.chain(sometimes).filter(|field| field.allowed.scenario == scenario).collect();
    let mut message = String::new();
    let mut shown: Vec<(String, String)> = Vec::new();
    for (expected, found) in kafka.0.iter().zip(&forebay.0) {
        let Some((label, body)) = difference(expected, found, &mut allowed) else { continue };
        // One fault often shows in every version of an API: once is enough.
        match shown.iter().find(|(_, seen)| *seen == body) {
            Some((first, _)) => message.push_str(&format!("{label}\n  as in {first}\n")),
            None => message.push_str(&format!("{label}\n{body}")),
        }
        shown.push((label, body));
    }
    if kafka.0.len() != forebay.0.len() {
        message.push_str(&format!("{} answers of Kafka's, {} of ours\n", kafka.0.len(), forebay.0.len()));
    }
    for unused in allowed.iter().filter(|field| !field.seen) {
        message.push_str(&format!("allowed and not seen: {} ({})\n", unused.start, unused.allowed.reason));
    }
    if message.is_empty() { Ok(()) } else { Err(format!("- is Apache Kafka, + is Forebay\n{message}")) }
}

fn difference(expected: &Entry, found: &Entry, allowed: &mut [Field]) -> Option<(String, String)> {
    if expected.label != found.label {
        return Some(("the scenario went two ways".into(), format!("  - {}\n  + {}\n", expected.label, found.label)));
    }
    let expected_lines = keep(expected, found, allowed);
    let found_lines = keep(found, expected, allowed);
    if expected_lines == found_lines {
        return None;
    }
    Some((expected.label.clone(), render(&expected_lines, &found_lines)))
}

/// The lines that one has and the other has not, with a few around them that both have.
fn render(expected: &[String], found: &[String]) -> String {
    let common = longest_common(expected, found);
    let (mut lines, mut e, mut f) = (Vec::new(), 0, 0);
    for (at_e, at_f) in common.into_iter().chain([(expected.len(), found.len())]) {
        expected[e..at_e].iter().for_each(|line| lines.push(('-', line)));
        found[f..at_f].iter().for_each(|line| lines.push(('+', line)));
        expected.get(at_e).into_iter().for_each(|line| lines.push((' ', line)));
        (e, f) = (at_e + 1, at_f + 1);
    }
    let near =
        |at: usize| lines[at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len())].iter().any(|(c, _)| *c != ' ');
    let shown = (0..lines.len()).filter(|at| near(*at)).map(|at| format!("  {} {}\n", lines[at].0, lines[at].1));
    shown.collect()
}

/// Where the two agree: the longest common subsequence, as pairs of places.
fn longest_common(a: &[String], b: &[String]) -> Vec<(usize, usize)> {
    let mut longest = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// The lines of one answer, without fields that differ everywhere, and without those that may differ here and do.
fn keep(entry: &Entry, other: &Entry, allowed: &mut [Field]) -> Vec<String> {
    let mut kept = Vec::new();
    for line in &entry.lines {
        let field = line.trim_start().split(':').next().unwrap_or_default();
        if allowed::EVERYWHERE.iter().any(|(name, _)| *name == field) {
            continue;
        }
        let here = allowed
            .iter_mut()
            .find(|f| line.trim_start().starts_with(f.start) && entry.label.contains(f.allowed.answer));
        if let Some(field) = here {
            field.seen |= !other.lines.contains(line);
            continue;
        }
        kept.push(line.clone());
    }
    kept
}
