//! The line editor's helper: what a word may become, colours while typing, and whether a statement has its end.

use std::borrow::Cow;

use forebay_processor::sql::{Names, function_forms, names};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::commands;
use super::highlight::{self, KEYWORDS};
use super::split::split;

/// What is known while a line is typed.
pub(super) struct Typing {
    names: Names,
    /// Names of functions.
    functions: Vec<String>,
    color: bool,
}

impl Typing {
    pub(super) fn new(color: bool) -> Typing {
        let mut functions: Vec<String> =
            function_forms().filter_map(|form| form.split('(').next()).map(|name| name.trim().to_owned()).collect();
        functions.sort();
        functions.dedup();
        Typing { names: Names::default(), functions, color }
    }

    /// Takes in the tables of a session.
    pub(super) fn know(&mut self, session: &str) {
        self.names = names(session);
    }

    /// What the word that ends at `before`'s end may become, and where it begins.
    fn candidates(&self, before: &str) -> (usize, Vec<String>) {
        if commands::is_command(before) && !before.trim_start().contains(char::is_whitespace) {
            let start = before.len() - before.trim_start().len();
            let typed = before.trim_start().replacen('.', "\\", 1);
            return (start, starting(commands::NAMES.iter().copied(), &typed));
        }
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        let tables = || self.names.tables.iter().map(|(name, _)| name.as_str());
        if before[..start].ends_with('.') {
            let table =
                before[..start - 1].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            let columns = self.names.tables.iter().filter(|(name, _)| name == table).flat_map(|(_, columns)| columns);
            return (start, starting(columns.map(String::as_str), word));
        }
        let last = before[..start].split_whitespace().next_back().unwrap_or_default().to_ascii_uppercase();
        let last = last.trim_start_matches('(');
        if commands::is_command(before) || ["FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "VIEW"].contains(&last)
        {
            return (start, starting(tables(), word));
        }
        if word.is_empty() {
            return (start, Vec::new());
        }
        let columns = self.names.tables.iter().flat_map(|(_, columns)| columns.iter().map(String::as_str));
        let functions = self.functions.iter().map(String::as_str);
        let mut found = starting(columns.chain(tables()), word);
        let more: Vec<String> = starting(KEYWORDS.iter().copied().chain(functions), word)
            .into_iter()
            .filter(|name| !found.contains(name))
            .collect();
        found.extend(more);
        (start, found)
    }
}

/// The names that begin with a word, in any case; each once, in their order.
fn starting<'a>(names: impl Iterator<Item = &'a str>, word: &str) -> Vec<String> {
    // What a terminal would obey is not shown, nor typed for anybody.
    let begins = |name: &&str| {
        !name.contains(char::is_control) && name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let mut found: Vec<String> = names.filter(begins).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, found) = self.candidates(&line[..pos]);
        Ok((start, found.into_iter().map(|name| Pair { display: name.clone(), replacement: name }).collect()))
    }
}

impl Highlighter for Typing {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.color && !commands::is_command(line) {
            true => Cow::Owned(highlight::statement(line)),
            false => Cow::Borrowed(line),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.color && kind != CmdKind::MoveCursor
    }
}

impl Validator for Typing {
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = typed.input();
        let is_word = commands::is_command(text) || commands::is_leaving(text);
        let ended = text.trim().is_empty() || is_word || !split(text).open;
        Ok(if ended { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Typing {
    type Hint = String;
}

impl Helper for Typing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_what_fits_their_place() {
        let mut typing = Typing::new(false);
        typing.know(
            "CREATE TABLE clicks (user_id STRING, page STRING) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');",
        );
        let found = |text: &str| typing.candidates(text);
        assert_eq!(found("SELECT * FROM cl"), (14, vec!["clicks".to_owned()]));
        assert_eq!(found("SELECT * FROM "), (14, vec!["clicks".to_owned()]));
        assert_eq!(found("SELECT us"), (7, vec!["user_id".to_owned()]));
        assert_eq!(found("SELECT clicks.pa"), (14, vec!["page".to_owned()]));
        assert_eq!(found("SELECT UPP").1, ["UPPER"]);
        assert_eq!(found("sele"), (0, vec!["SELECT".to_owned()]));
        assert_eq!(found("\\jo"), (0, vec!["\\jobs".to_owned()]));
        assert_eq!(found("\\d cl"), (3, vec!["clicks".to_owned()]));
        assert_eq!(found("SELECT é").1, Vec::<String>::new());
    }
}
