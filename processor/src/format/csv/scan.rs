//! A line to its fields.
//!
//! Jackson's `CsvDecoder`, as Flink sets it up: spaces count, a quote begins a quoted field only where a field begins, and within one
//! a doubled quote is a quote.

use std::borrow::Cow;

use super::super::DecodeError;
use crate::plan::CsvFormat;

/// Reads fields from the front of a line.
#[derive(Debug)]
pub struct Fields<'a, 'f> {
    rest: Option<&'a str>,
    format: &'f CsvFormat,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The fields of `line`, of which there is at least one.
    pub fn new(line: &'a str, format: &'f CsvFormat) -> Fields<'a, 'f> {
        Fields { rest: Some(line), format }
    }

    /// The next field; `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Cow<'a, str>>, DecodeError> {
        let Some(rest) = self.rest else { return Ok(None) };
        match self.format.quote.and_then(|quote| rest.strip_prefix(quote).map(|inner| (quote, inner))) {
            Some((quote, inner)) => self.quoted(inner, quote).map(Some),
            None => self.plain(rest).map(Some),
        }
    }

    fn plain(&mut self, rest: &'a str) -> Result<Cow<'a, str>, DecodeError> {
        let ends = |c: char| c == self.format.delimiter || matches!(c, '\n' | '\r') || self.format.escape == Some(c);
        let Some(end) = rest.find(ends) else {
            self.rest = None;
            return Ok(Cow::Borrowed(rest));
        };
        let mut after = rest[end..].chars();
        let at_end = after.next();
        if at_end != self.format.escape || at_end.is_none() {
            self.rest = (at_end == Some(self.format.delimiter)).then_some(after.as_str());
            return Ok(Cow::Borrowed(&rest[..end]));
        }
        let mut text = rest[..end].to_owned();
        text.extend(after.next().map(unescaped));
        let more = self.plain(after.as_str())?;
        text.push_str(&more);
        Ok(Cow::Owned(text))
    }

    /// A field whose opening quote is behind us.
    fn quoted(&mut self, inner: &'a str, quote: char) -> Result<Cow<'a, str>, DecodeError> {
        let missing = || DecodeError("a quoted field has no closing quote".to_owned());
        let (mut text, mut rest) = (Cow::Borrowed(""), inner);
        loop {
            let stop = |c: char| c == quote || self.format.escape == Some(c);
            let end = rest.find(stop).ok_or_else(missing)?;
            let piece = &rest[..end];
            if text.is_empty() {
                text = Cow::Borrowed(piece)
            } else {
                text.to_mut().push_str(piece)
            }
            let mut after = rest[end..].chars();
            if after.next() != Some(quote) {
                text.to_mut().push(unescaped(after.next().ok_or_else(missing)?));
            } else if let Some(more) = after.as_str().strip_prefix(quote) {
                text.to_mut().push(quote);
                after = more.chars();
            } else {
                self.close(after.as_str())?;
                return Ok(text);
            }
            rest = after.as_str();
        }
    }

    /// What stands behind a closing quote: blanks, and then a delimiter or the end.
    fn close(&mut self, rest: &'a str) -> Result<(), DecodeError> {
        let rest =
            rest.trim_start_matches(|c: char| c <= ' ' && c != self.format.delimiter && !matches!(c, '\n' | '\r'));
        let mut after = rest.chars();
        self.rest = match after.next() {
            None | Some('\n' | '\r') => None,
            Some(c) if c == self.format.delimiter => Some(after.as_str()),
            Some(c) => {
                return Err(DecodeError(format!(
                    "expected '{}' after a quoted field, found '{c}'",
                    self.format.delimiter
                )));
            }
        };
        Ok(())
    }
}

/// The character that an escaped one stands for.
fn unescaped(c: char) -> char {
    match c {
        '0' => '\0',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}
