//! Statements for a person at a shell, as they are written: EXPLAIN, DESCRIBE, SHOW, a query by itself; and DROP.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::data_type::{is_word, skip_word};
use super::error::{SqlError, nearest};
use super::parse::{expect, expect_word, expected, from_parser, name, quoted};
use super::statement::{Drop, Query, Show, Statement};

/// The words that statements begin with.
pub(super) const WORDS: &[&str] =
    &["SELECT", "WITH", "EXPLAIN", "DESCRIBE", "SHOW", "CREATE", "DROP", "INSERT", "SET", "EXECUTE"];

/// What SHOW can show.
const SHOWN: &[&str] = &["TABLES", "VIEWS", "COLUMNS", "CREATE", "FUNCTIONS", "JOBS", "TOPICS", "STATE"];

/// Reads on after EXPLAIN: `PLAN FOR` and Flink's details are passed over, there is one form here.
pub(super) fn explain(parser: &mut Parser) -> Result<Statement, SqlError> {
    const DETAILS: &[&str] = &["ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"];
    if skip_word(parser, "PLAN") {
        expect_word(parser, "FOR")?;
    } else {
        while DETAILS.iter().any(|detail| skip_word(parser, detail)) {
            let _ = parser.consume_token(&Token::Comma);
        }
    }
    let found = parser.peek_token();
    let begins = ["SELECT", "WITH", "INSERT", "EXECUTE", "BEGIN", "STATEMENT"];
    match begins.iter().any(|word| is_word(&found.token, word)) {
        true => Ok(Statement::Explain),
        false => Err(expected("SELECT, WITH, INSERT INTO or STATEMENT SET after EXPLAIN", &found)),
    }
}

/// Reads a query by itself.
pub(super) fn query(parser: &mut Parser, span: Span) -> Result<Statement, SqlError> {
    let query = parser.parse_query().map_err(|error| from_parser(&error, parser))?;
    Ok(Statement::Query(Query { query, span }))
}

/// Reads `DESCRIBE [EXTENDED] name`.
pub(super) fn describe(parser: &mut Parser) -> Result<Statement, SqlError> {
    parser.advance_token();
    skip_word(parser, "EXTENDED");
    name(parser, "a table's name").map(Statement::Describe)
}

/// Reads SHOW with what is to be shown.
pub(super) fn show(parser: &mut Parser, span: Span) -> Result<Statement, SqlError> {
    parser.advance_token();
    let only_user = skip_word(parser, "USER");
    skip_word(parser, "FULL");
    let found = parser.peek_token();
    let known = SHOWN.iter().find(|word| is_word(&found.token, word)).copied();
    let Some(known) = known else {
        let close = match &found.token {
            Token::Word(word) => nearest(&word.value, SHOWN.iter().copied()),
            _ => None,
        };
        let hint = close.map_or(format!("there is SHOW {}", SHOWN.join(", ")), |name| format!("did you mean {name}?"));
        return Err(expected("what to show", &found).hint(hint));
    };
    parser.advance_token();
    let what = match known {
        "TABLES" => Show::Tables,
        "VIEWS" => Show::Views,
        "FUNCTIONS" => {
            let like = skip_word(parser, "LIKE").then(|| quoted(parser, "a pattern of names")).transpose()?;
            Show::Functions { only_user, like }
        }
        "JOBS" => Show::Jobs,
        "TOPICS" => Show::Topics,
        "CREATE" => {
            expect_word(parser, "TABLE")?;
            Show::CreateTable(name(parser, "a table's name")?)
        }
        "COLUMNS" => {
            if !skip_word(parser, "IN") {
                expect_word(parser, "FROM")?;
            }
            Show::Columns(name(parser, "a table's name")?)
        }
        _ => state(parser)?,
    };
    Ok(Statement::Show(what, span))
}

/// Reads on after SHOW STATE: `OF JOB name [WHERE KEY = 'text']`. A job's name may have characters that no plain name has.
fn state(parser: &mut Parser) -> Result<Show, SqlError> {
    if !skip_word(parser, "FROM") {
        expect_word(parser, "OF")?;
    }
    skip_word(parser, "JOB");
    let found = parser.peek_token();
    let job = match &found.token {
        Token::SingleQuotedString(_) => quoted(parser, "the job's name")?,
        _ => dashed_name(parser)?,
    };
    let mut key = None;
    if skip_word(parser, "WHERE") {
        expect_word(parser, "KEY")?;
        expect(parser, &Token::Eq)?;
        key = Some(quoted(parser, "the key")?);
    }
    Ok(Show::State { job, key })
}

/// A job's name without quotes, which may have dashes in it: `user-metrics`.
fn dashed_name(parser: &mut Parser) -> Result<super::statement::Name, SqlError> {
    let mut whole = name(parser, "the job's name")?;
    while parser.consume_token(&Token::Minus) {
        let found = parser.peek_token();
        let part = match &found.token {
            Token::Word(word) => word.value.clone(),
            Token::Number(number, _) => number.clone(),
            _ => return Err(expected("the rest of the job's name", &found)),
        };
        parser.advance_token();
        whole.text = format!("{}-{part}", whole.text);
        whole.span = Span::new(whole.span.start, found.span.end);
    }
    Ok(whole)
}

/// Reads `DROP [TEMPORARY] TABLE | VIEW [IF EXISTS] name`.
pub(super) fn drop(parser: &mut Parser) -> Result<Statement, SqlError> {
    parser.advance_token();
    skip_word(parser, "TEMPORARY");
    let found = parser.peek_token();
    let is_view = skip_word(parser, "VIEW");
    if !is_view && !skip_word(parser, "TABLE") {
        let hint = is_word(&found.token, "JOB").then(|| "a job is dropped by `forebay job drop NAME`".to_owned());
        return Err(expected("TABLE or VIEW after DROP", &found).maybe_hint(hint));
    }
    let if_exists = skip_word(parser, "IF");
    if if_exists {
        expect_word(parser, "EXISTS")?;
    }
    let name = name(parser, if is_view { "the view's name" } else { "the table's name" })?;
    Ok(Statement::Drop(Drop { name, is_view, if_exists }))
}
