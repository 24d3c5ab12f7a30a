//! What is wrong with a text, where, and what would be right.

use std::fmt;

use sqlparser::tokenizer::Span;

/// A mistake in a job's text, with its place.
///
/// `Display` renders it for people: the message, the line with a caret under the place, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What was expected, what is close to it, or what to do; if there is something to say.
    pub hint: Option<String>,
    /// Line of the mistake, from 1; 0 if it has no place.
    pub line: u64,
    /// Column of the mistake in characters, from 1; 0 if it has no place.
    pub column: u64,
    /// How many characters are meant, at least 1.
    pub width: u64,
    /// The line as it was written.
    pub source_line: String,
}

impl SqlError {
    /// A mistake at a place; the line's text is filled in by [`SqlError::located_in`].
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        let width =
            if span.end.line == span.start.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
        Self {
            message: message.into(),
            hint: None,
            line: span.start.line,
            column: span.start.column,
            width: width.max(1),
            source_line: String::new(),
        }
    }

    /// The same mistake with advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same mistake with advice, if there is any.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Fills in the line's text. A mistake without a place is put at the end of the text: something is missing there.
    pub(crate) fn located_in(mut self, text: &str) -> Self {
        if self.line == 0 {
            let end = text.trim_end();
            self.line = end.lines().count().max(1) as u64;
            self.column = end.lines().last().map_or(0, |line| line.chars().count()) as u64 + 1;
            self.width = 1;
        }
        let line = text.lines().nth(self.line as usize - 1).unwrap_or_default();
        self.source_line = line.to_owned();
        self
    }

    /// The mistake in one line: `line 14, column 8: there is no column 'usr_id'; did you mean user_id?`.
    pub fn one_line(&self) -> String {
        let text = match &self.hint {
            Some(hint) => format!("line {}, column {}: {}; {hint}", self.line, self.column, self.message),
            None => format!("line {}, column {}: {}", self.line, self.column, self.message),
        };
        // It may quote a text of several lines.
        text.replace(['\n', '\r'], " ")
    }

    /// Renders as `Display` does, with the file's name before line and column.
    pub fn render(&self, file: Option<&str>) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let place = match file {
            Some(file) => format!("{file}:{}:{}", self.line, self.column),
            None => format!("line {}, column {}", self.line, self.column),
        };
        let (shown, skipped) = self.shown();
        let before = (self.column.saturating_sub(1) as usize).saturating_sub(skipped);
        // Tabs before the caret are kept, so that it stands under its place.
        let indent: String = shown.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let rest = shown.chars().count().saturating_sub(before).max(1);
        let caret = "^".repeat((self.width as usize).min(rest));
        let mut text = format!("error: {}\n{margin}--> {place}\n{margin} |\n", self.message);
        text.push_str(&format!("{number} | {shown}\n{margin} | {indent}{caret}\n"));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("{margin} = {hint}\n"));
        }
        text
    }

    /// The part of the line to show, and how many characters before it are left out.
    fn shown(&self) -> (String, usize) {
        /// The widest piece of a line that is shown.
        const WIDEST: usize = 140;
        /// What stays visible before the place, if the line is longer.
        const BEFORE: usize = 60;
        let place = self.column.saturating_sub(1) as usize;
        let skipped = if self.source_line.chars().count() <= WIDEST { 0 } else { place.saturating_sub(BEFORE) };
        (self.source_line.chars().skip(skipped).take(WIDEST).collect(), skipped)
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(None))
    }
}

impl std::error::Error for SqlError {}

/// The candidate closest to what was written, if one is close: equal but for case, or a few letters away.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let furthest = match written.chars().count() {
        0 | 1 => 0,
        2..=5 => 1,
        length => (length / 3).min(4),
    };
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&written, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= furthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean x?` for the nearest candidate; else the list of all, if it is short.
pub(crate) fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    /// So many names are still read.
    const SHORT: usize = 12;
    if let Some(name) = nearest(written, candidates.clone()) {
        return Some(format!("did you mean {name}?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    if all.is_empty() || all.len() > SHORT {
        return None;
    }
    Some(format!("there is {}", all.join(", ")))
}
