//! Colours: statements as they are typed, and messages with the place they speak of.

const KEYWORD: &str = "\x1b[1;34m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[2m";
const MISTAKE: &str = "\x1b[1;31m";
const OFF: &str = "\x1b[0m";

/// Words that are written in colour, and completed.
pub(super) const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "ARRAY",
    "AS",
    "BEGIN",
    "BETWEEN",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "BYTES",
    "CASE",
    "CAST",
    "COLUMNS",
    "CREATE",
    "CUBE",
    "CUMULATE",
    "DATE",
    "DAY",
    "DECIMAL",
    "DESCRIBE",
    "DESCRIPTOR",
    "DISTINCT",
    "DOUBLE",
    "DROP",
    "ELSE",
    "END",
    "ENFORCED",
    "EXECUTE",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FLOAT",
    "FOR",
    "FROM",
    "FULL",
    "FUNCTIONS",
    "GROUP",
    "GROUPING",
    "HAVING",
    "HOP",
    "HOUR",
    "IF",
    "IN",
    "INNER",
    "INSERT",
    "INT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOB",
    "JOBS",
    "JOIN",
    "KEY",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MAP",
    "METADATA",
    "MINUTE",
    "NOT",
    "NULL",
    "OF",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "PRIMARY",
    "RIGHT",
    "ROLLUP",
    "ROW",
    "SECOND",
    "SELECT",
    "SESSION",
    "SET",
    "SETS",
    "SHOW",
    "SMALLINT",
    "STATE",
    "STATEMENT",
    "STRING",
    "SYSTEM_TIME",
    "TABLE",
    "TABLES",
    "TEMPORARY",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TINYINT",
    "TOPICS",
    "TRUE",
    "TRY_CAST",
    "TUMBLE",
    "UNION",
    "UNNEST",
    "VARCHAR",
    "VIEW",
    "VIEWS",
    "VIRTUAL",
    "WATERMARK",
    "WHEN",
    "WHERE",
    "WITH",
];

/// A statement in colours.
pub(super) fn statement(text: &str) -> String {
    let mut colored = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (end, color) = match first {
            '\'' => (rest[1..].find('\'').map_or(rest.len(), |at| at + 2), Some(TEXT)),
            '`' => (rest[1..].find('`').map_or(rest.len(), |at| at + 2), None),
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), Some(COMMENT)),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |at| at + 2), Some(COMMENT)),
            c if c.is_ascii_digit() => (rest.find(|c: char| !word(c) && c != '.').unwrap_or(rest.len()), Some(NUMBER)),
            c if word(c) => {
                let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
                let known = KEYWORDS.binary_search(&rest[..end].to_ascii_uppercase().as_str()).is_ok();
                (end, known.then_some(KEYWORD))
            }
            c => (c.len_utf8(), None),
        };
        match color {
            Some(color) => colored.extend([color, &rest[..end], OFF]),
            None => colored.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    colored
}

/// A message with its first words and the marks under a place in red.
pub(super) fn message(text: &str) -> String {
    let line = |line: &str| {
        if let Some(rest) = line.strip_prefix("error:") {
            return format!("{MISTAKE}error:{OFF}{rest}");
        }
        match line.find('^') {
            Some(at) if line[..at].chars().all(|c| c.is_whitespace() || c == '|') => {
                format!("{}{MISTAKE}{}{OFF}", &line[..at], &line[at..])
            }
            _ => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A text that is less important than others.
pub(super) fn dim(text: &str, color: bool) -> String {
    if color { format!("{COMMENT}{text}{OFF}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted(), "they are looked up by bisection");
    }

    #[test]
    fn colours_change_no_character() {
        let text = "select `from`, 'it''s', 12.5 -- why\nFROM t /* a";
        let colored = statement(text);
        let plain =
            [KEYWORD, TEXT, NUMBER, COMMENT, OFF].iter().fold(colored.clone(), |text, code| text.replace(code, ""));
        assert_eq!(plain, text);
        assert!(colored.starts_with("\x1b[1;34mselect\x1b[0m `from`, \x1b[32m'it'\x1b[0m"), "{colored:?}");
    }

    #[test]
    fn the_place_of_a_mistake_is_red() {
        let shown = message("error: no\n1 | SELECT x\n  |        ^\n  = hint");
        assert_eq!(shown, "\x1b[1;31merror:\x1b[0m no\n1 | SELECT x\n  |        \x1b[1;31m^\x1b[0m\n  = hint");
    }
}
