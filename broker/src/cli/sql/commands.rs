//! What the shell knows beside SQL: words behind a backslash or a dot.

/// What a line asks the shell for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Quit,
    /// A statement that stands for it.
    Sql(String),
    /// So many rows end each query; none for no end.
    Limit(Option<u64>),
    Format(String),
    /// Run the statements of a file.
    Include(String),
    /// Show the statements that the session is made of.
    Session,
    Forget,
    /// There is no such command, or it lacks something; says what.
    Wrong(String),
}

/// What `\?` shows.
pub(super) const HELP: &str = "
A statement ends with ; and may have several lines. SELECT shows rows as they
come; Ctrl-C ends it. After SET 'execution.runtime-mode' = 'batch'; queries end
where their topics end now. EXPLAIN SELECT .. shows the plan.

  \\d             tables and views       \\d NAME        columns of one
  \\topics        the broker's topics    \\infer TOPIC   a table from its records
  \\jobs          the broker's jobs      \\state JOB     what a job keeps now
  \\df [NAME]     functions              \\limit [N]     end queries after N rows
  \\format F      table json jsonl csv   \\i FILE        run a file's statements
  \\session       statements so far      \\forget        forget them
  \\?             this                   \\q             leave (or Ctrl-D)

A dot does for a backslash: .tables, .quit. Tab completes, Ctrl-R searches.
";

/// The commands, for completion.
pub(super) const NAMES: &[&str] = &[
    "\\?",
    "\\d",
    "\\df",
    "\\forget",
    "\\format",
    "\\i",
    "\\infer",
    "\\jobs",
    "\\limit",
    "\\q",
    "\\session",
    "\\state",
    "\\topics",
];

/// Whether a line is a command.
pub(super) fn is_command(line: &str) -> bool {
    line.trim_start().starts_with(['\\', '.'])
}

/// Whether a line is a word by which people leave shells: it needs no semicolon.
pub(super) fn is_leaving(line: &str) -> bool {
    let word = line.trim().trim_end_matches(';').trim_end();
    ["quit", "exit"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Reads a command.
pub(super) fn parse(line: &str) -> Command {
    let line = line.trim().trim_end_matches(';').trim_end();
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default().trim_start_matches(['\\', '.']);
    let rest: Vec<&str> = words.collect();
    let sql = |text: &str| Command::Sql(text.to_owned());
    match (name, &rest[..]) {
        ("?" | "h" | "help", _) => Command::Help,
        ("q" | "quit" | "exit", _) => Command::Quit,
        ("d" | "dt" | "tables", []) => sql("SHOW TABLES"),
        ("d" | "schema", [table, ..]) => Command::Sql(format!("DESCRIBE {}", name_of(table))),
        ("jobs", _) => sql("SHOW JOBS"),
        ("topics", _) => sql("SHOW TOPICS"),
        ("df" | "functions", []) => sql("SHOW FUNCTIONS"),
        ("df" | "functions", [name, ..]) => Command::Sql(format!("SHOW FUNCTIONS LIKE {}", text(&format!("{name}%")))),
        ("state", [job]) => Command::Sql(format!("SHOW STATE OF JOB {}", text(job))),
        ("state", [job, key @ ..]) if !key.is_empty() => {
            Command::Sql(format!("SHOW STATE OF JOB {} WHERE KEY = {}", text(job), text(&key.join(" "))))
        }
        ("state", _) => Command::Wrong("\\state wants a job: \\state user-metrics".to_owned()),
        ("infer", [topic, rest @ ..]) => Command::Sql(format!(
            "CREATE TABLE {} WITH ('connector' = 'kafka', 'topic' = {}, 'format' = 'json')",
            name_of(rest.last().unwrap_or(topic)),
            text(topic)
        )),
        ("infer", []) => Command::Wrong("\\infer wants a topic: \\infer website-clicks [TABLE]".to_owned()),
        ("limit", []) => Command::Limit(None),
        ("limit", [rows, ..]) => match rows.parse() {
            Ok(rows) => Command::Limit(Some(rows)),
            Err(_) => Command::Wrong(format!("{rows} is no number of rows")),
        },
        ("format" | "mode", [format, ..]) => Command::Format((*format).to_owned()),
        ("format" | "mode", []) => Command::Wrong("\\format wants table, json, jsonl or csv".to_owned()),
        ("i" | "read", [file, ..]) => Command::Include((*file).to_owned()),
        ("i" | "read", []) => Command::Wrong("\\i wants a file".to_owned()),
        ("session", _) => Command::Session,
        ("forget", _) => Command::Forget,
        (name, _) => {
            let close = NAMES.iter().filter(|known| strsim::osa_distance(&known[1..], name) <= 2);
            let close = close.min_by_key(|known| strsim::osa_distance(&known[1..], name));
            let hint = close.map_or("\\? lists what there is".to_owned(), |known| format!("did you mean {known}?"));
            Command::Wrong(format!("there is no command \\{name}; {hint}"))
        }
    }
}

/// A table's name in a statement.
fn name_of(name: &str) -> String {
    format!("`{}`", name.trim_matches('`'))
}

/// A text in a statement.
fn text(text: &str) -> String {
    format!("'{}'", text.trim_matches('\'').replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_for_statements() {
        let sql = |line: &str| match parse(line) {
            Command::Sql(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(sql("\\d"), "SHOW TABLES");
        assert_eq!(sql(".tables;"), "SHOW TABLES");
        assert_eq!(sql("\\d clicks"), "DESCRIBE `clicks`");
        assert_eq!(sql("\\df up"), "SHOW FUNCTIONS LIKE 'up%'");
        assert_eq!(sql("\\state user-metrics it's me"), "SHOW STATE OF JOB 'user-metrics' WHERE KEY = 'it''s me'");
        assert_eq!(
            sql("\\infer web-clicks c"),
            "CREATE TABLE `c` WITH ('connector' = 'kafka', 'topic' = 'web-clicks', 'format' = 'json')"
        );
        assert_eq!(parse("\\limit 5"), Command::Limit(Some(5)));
        assert_eq!(parse("\\limit"), Command::Limit(None));
        assert_eq!(parse(".quit"), Command::Quit);
        assert_eq!(parse("\\jbos"), Command::Wrong("there is no command \\jbos; did you mean \\jobs?".to_owned()));
    }

    #[test]
    fn every_command_is_in_the_help() {
        assert!(NAMES.iter().all(|name| HELP.contains(name)));
        assert!(
            NAMES.iter().all(|name| !matches!(parse(name), Command::Wrong(text) if text.starts_with("there is no")))
        );
    }
}
