//! A text into its statements, without understanding them: quotes, comments and statement sets are seen.

/// A statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The statement, without the semicolon at its end.
    pub text: String,
    /// The line it begins in, from 1.
    pub line: usize,
    /// The character of the line it begins with, from 1.
    pub column: usize,
}

/// The statements of a text, and whether the last one has no end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub pieces: Vec<Piece>,
    /// Whether the last piece is without its semicolon, or stands in an open quote, comment or statement set.
    pub open: bool,
}

/// Divides a text at its semicolons. Pieces without anything but blanks and comments are left out.
pub(super) fn split(text: &str) -> Split {
    let mut scan = Scan { rest: text, line: 1, column: 1, ..Scan::default() };
    while let Some(c) = scan.rest.chars().next() {
        scan.token(c);
    }
    scan.end(true);
    Split { pieces: scan.pieces, open: scan.open }
}

#[derive(Default)]
struct Scan<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
    pieces: Vec<Piece>,
    open: bool,
    /// The statement so far, and where its first word stands.
    text: String,
    start: Option<(usize, usize)>,
    /// The words of it that tell statement sets, in capitals.
    words: Vec<String>,
}

impl Scan<'_> {
    fn token(&mut self, first: char) {
        match first {
            '\'' | '`' => {
                let closed = self.rest[1..].find(first).map(|at| at + 2);
                self.open |= closed.is_none();
                self.take(closed.unwrap_or(self.rest.len()), true);
            }
            '-' if self.rest.starts_with("--") => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(end, false);
            }
            '/' if self.rest.starts_with("/*") => {
                let end = self.rest.find("*/").map(|at| at + 2);
                self.open |= end.is_none();
                self.take(end.unwrap_or(self.rest.len()), false);
            }
            ';' if self.in_set() => self.take(1, true),
            ';' => {
                self.end(false);
                self.skip(1);
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
                self.words.push(self.rest[..end].to_ascii_uppercase());
                self.take(end, true);
            }
            c => self.take(c.len_utf8(), !c.is_whitespace()),
        }
    }

    /// Whether a statement set has begun and not ended: END closes it where it stands behind a semicolon.
    fn in_set(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let words = words.strip_prefix(&["EXPLAIN"]).unwrap_or(&words);
        let begins = [
            &["EXECUTE", "STATEMENT", "SET", "BEGIN"][..],
            &["BEGIN", "STATEMENT", "SET"],
            &["STATEMENT", "SET", "BEGIN"],
        ];
        let ended = self.text.trim_end().rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("END"));
        begins.iter().any(|begin| words.starts_with(begin)) && !ended
    }

    fn take(&mut self, bytes: usize, counts: bool) {
        if counts && self.start.is_none() {
            self.start = Some((self.line, self.column));
            self.text.clear();
        }
        self.text.push_str(&self.rest[..bytes]);
        self.skip(bytes);
    }

    fn skip(&mut self, bytes: usize) {
        for c in self.rest[..bytes].chars() {
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.rest = &self.rest[bytes..];
    }

    /// The statement is over; `all` tells that the text is.
    fn end(&mut self, all: bool) {
        if let Some((line, column)) = self.start.take() {
            self.open |= all;
            self.pieces.push(Piece { text: self.text.trim_end().to_owned(), line, column });
        }
        self.text.clear();
        self.words.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        split(text).pieces.into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn statements_end_at_semicolons_that_are_none_of_a_text() {
        assert_eq!(
            texts("SELECT 1; SELECT ';' AS `a;b`; -- no; more\n/* ; */ SELECT 3;"),
            ["SELECT 1", "SELECT ';' AS `a;b`", "SELECT 3"]
        );
        assert_eq!(texts("SELECT 'it''s; so';"), ["SELECT 'it''s; so'"]);
        assert_eq!(texts(" ;; -- nothing\n"), Vec::<String>::new());
        assert_eq!(texts("SELECT 1 -- why; not\n, 2;"), ["SELECT 1 -- why; not\n, 2"]);
    }

    #[test]
    fn a_statement_set_is_one() {
        let set = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE x WHEN 1 THEN 2 END FROM c; END";
        assert_eq!(texts(&format!("{set}; SELECT 2")), [set, "SELECT 2"]);
        assert!(split("EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1;").open);
    }

    #[test]
    fn what_is_not_ended_is_open() {
        for text in ["SELECT 1", "SELECT 'a;", "/* a", "SELECT `a; "] {
            assert!(split(text).open, "{text}");
        }
        for text in ["SELECT 1;", "", "SELECT 1; -- end", "SELECT 'a' ;\n"] {
            assert!(!split(text).open, "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_first_word() {
        let found = split("SELECT 1;\n  -- é\n  SELECT 2;");
        assert_eq!((found.pieces[1].line, found.pieces[1].column), (3, 3));
    }
}
