//! Text to statements.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::create_table;
use super::data_type::{is_word, skip_word};
use super::dialect::{FlinkDialect, MAX_OPERATORS, TOO_MANY_OPERATORS};
use super::error::{SqlError, nearest};
use super::shell;
use super::statement::{CreateView, Insert, Name, Set, Statement};

/// The longest text of a job, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// The deepest nesting of parentheses, functions and subqueries.
pub const MAX_NESTING: usize = 50;

/// The most set operations (UNION and the like) in a text.
const MAX_SET_OPERATIONS: usize = 100;

/// Words that begin clauses; a misspelt one is often taken for an alias.
const CLAUSES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "AS",
    "AND",
    "OR",
    "INTO",
    "WITH",
    "TABLE",
    "TUMBLE",
    "DESCRIPTOR",
    "INTERVAL",
    "SECOND",
    "MINUTE",
    "HOUR",
    "DAY",
    "WATERMARK",
    "BETWEEN",
    "LIKE",
];

/// Reads all statements of a job's text.
pub(crate) fn parse(text: &str) -> Result<Vec<Statement>, SqlError> {
    parse_for(text, false)
}

/// Reads all statements of a text, those for a person at a shell among them.
pub(crate) fn parse_shell(text: &str) -> Result<Vec<Statement>, SqlError> {
    parse_for(text, true)
}

fn parse_for(text: &str, shell: bool) -> Result<Vec<Statement>, SqlError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text has {} bytes; at most {MAX_TEXT_BYTES} are read", text.len());
        return Err(SqlError::new(Span::new(Location::new(1, 1), Location::new(1, 2)), message));
    }
    let dialect = FlinkDialect::default();
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|error| {
        SqlError::new(Span::new(error.location, error.location), lower_first(&error.message))
            .maybe_hint(unterminated_hint(&error.message))
    })?;
    refuse_hints(&tokens)?;
    let parser = Parser::new(&dialect).with_recursion_limit(MAX_NESTING).with_tokens_with_locations(tokens);
    Statements { parser, dialect: &dialect, shell }.all()
}

fn unterminated_hint(message: &str) -> Option<String> {
    message
        .contains("Unterminated")
        .then(|| "a text ends with the quote it began with; a quote inside is written ''".to_owned())
}

/// Comments that are instructions must not be passed over in silence.
fn refuse_hints(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut set_operations = 0;
    for token in tokens {
        match &token.token {
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+') => {
                return Err(SqlError::new(token.span, "hints are not supported")
                    .hint("put the option into the table's WITH (..)"));
            }
            word if ["UNION", "INTERSECT", "EXCEPT", "MINUS"].iter().any(|name| is_word(word, name)) => {
                set_operations += 1;
                if set_operations > MAX_SET_OPERATIONS {
                    return Err(SqlError::new(token.span, format!("more than {MAX_SET_OPERATIONS} set operations")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

struct Statements<'a> {
    parser: Parser<'a>,
    dialect: &'a FlinkDialect,
    /// Whether statements are taken that no job is made of.
    shell: bool,
}

impl Statements<'_> {
    fn all(mut self) -> Result<Vec<Statement>, SqlError> {
        let mut statements = Vec::new();
        let mut in_set: Option<Span> = None;
        loop {
            while self.parser.consume_token(&Token::SemiColon) {}
            let token = self.parser.peek_token();
            if token.token == Token::EOF {
                break;
            }
            self.dialect.begin_statement();
            if self.shell && in_set.is_none() && skip_word(&mut self.parser, "EXPLAIN") {
                statements.push(shell::explain(&mut self.parser)?);
                continue;
            }
            if self.begins_statement_set() {
                if in_set.is_some() {
                    return Err(SqlError::new(token.span, "a statement set inside of a statement set"));
                }
                in_set = Some(token.span);
                continue;
            }
            if in_set.is_some() && skip_word(&mut self.parser, "END") {
                in_set = None;
                self.end_of_statement()?;
                continue;
            }
            let result = self.statement(&token);
            statements.push(result?);
            self.end_of_statement()?;
        }
        match in_set {
            Some(span) => {
                Err(SqlError::new(span, "the statement set is not closed").hint("write END; after its last INSERT"))
            }
            None => Ok(statements),
        }
    }

    /// EXECUTE STATEMENT SET BEGIN, or BEGIN STATEMENT SET;
    fn begins_statement_set(&mut self) -> bool {
        let [a, b, c, d] = self.parser.peek_tokens::<4>();
        if is_word(&a, "EXECUTE") && is_word(&b, "STATEMENT") && is_word(&c, "SET") && is_word(&d, "BEGIN") {
            (0..4).for_each(|_| self.parser.advance_token());
            return true;
        }
        let without_execute = self.shell && is_word(&a, "STATEMENT") && is_word(&b, "SET") && is_word(&c, "BEGIN");
        if (is_word(&a, "BEGIN") && is_word(&b, "STATEMENT") && is_word(&c, "SET")) || without_execute {
            (0..3).for_each(|_| self.parser.advance_token());
            return true;
        }
        false
    }

    fn statement(&mut self, first: &TokenWithSpan) -> Result<Statement, SqlError> {
        let Token::Word(word) = &first.token else {
            return Err(SqlError::new(first.span, format!("expected a statement, found {first}"))
                .hint("a job is made of CREATE TABLE, SET and INSERT INTO"));
        };
        match word.value.to_ascii_uppercase().as_str() {
            "CREATE" => self.create(),
            "INSERT" => self.insert(first.span),
            "SET" => self.set(),
            "DROP" => shell::drop(&mut self.parser),
            "SELECT" | "WITH" if self.shell => shell::query(&mut self.parser, first.span),
            "DESCRIBE" | "DESC" if self.shell => shell::describe(&mut self.parser),
            "SHOW" if self.shell => shell::show(&mut self.parser, first.span),
            "EXPLAIN" | "DESCRIBE" | "DESC" | "SHOW" => {
                Err(SqlError::new(first.span, format!("{} is no statement of a job", word.value))
                    .hint("it is for people: `forebay sql` takes it"))
            }
            "SELECT" | "WITH" => Err(SqlError::new(first.span, "a query alone goes nowhere in a job")
                .hint("write INSERT INTO a table before it")),
            other => {
                let known: &[&str] =
                    if self.shell { shell::WORDS } else { &["CREATE", "INSERT", "SET", "SELECT", "EXECUTE"] };
                let (what, all) = match self.shell {
                    true => ("is no statement", format!("there is {}", shell::WORDS.join(", "))),
                    false => (
                        "is no statement of a job",
                        "a job is made of CREATE TABLE, CREATE VIEW, SET and INSERT INTO".to_owned(),
                    ),
                };
                let hint = nearest(other, known.iter().copied()).map_or(all, |name| format!("did you mean {name}?"));
                Err(SqlError::new(first.span, format!("{} {what}", word.value)).hint(hint))
            }
        }
    }

    fn create(&mut self) -> Result<Statement, SqlError> {
        self.parser.advance_token();
        skip_word(&mut self.parser, "TEMPORARY");
        if skip_word(&mut self.parser, "TABLE") {
            return create_table::parse(&mut self.parser, self.shell)
                .map(|table| Statement::CreateTable(Box::new(table)));
        }
        if skip_word(&mut self.parser, "VIEW") {
            return self.create_view().map(Statement::CreateView);
        }
        let found = self.parser.peek_token();
        let close = match &found.token {
            Token::Word(word) => nearest(&word.value, ["TABLE", "VIEW"]),
            _ => None,
        };
        Err(expected("TABLE or VIEW after CREATE", &found)
            .maybe_hint(close.map(|name| format!("did you mean {name}?"))))
    }

    fn create_view(&mut self) -> Result<CreateView, SqlError> {
        let name = name(&mut self.parser, "the view's name")?;
        let columns = if self.parser.peek_token().token == Token::LParen {
            parenthesised_names(&mut self.parser)?
        } else {
            Vec::new()
        };
        expect_word(&mut self.parser, "AS")?;
        let query = self.parser.parse_query().map_err(|error| from_parser(&error, &self.parser))?;
        Ok(CreateView { name, columns, query })
    }

    fn insert(&mut self, span: Span) -> Result<Statement, SqlError> {
        self.parser.advance_token();
        let next = self.parser.peek_token();
        if is_word(&next.token, "OVERWRITE") {
            return Err(SqlError::new(next.span, "a topic cannot be overwritten").hint("write INSERT INTO"));
        }
        expect_word(&mut self.parser, "INTO")?;
        let table = name(&mut self.parser, "the table's name")?;
        let [open, after] = self.parser.peek_tokens::<2>();
        let is_query = is_word(&after, "SELECT") || is_word(&after, "WITH");
        let columns = if open == Token::LParen && !is_query && after != Token::LParen {
            parenthesised_names(&mut self.parser)?
        } else {
            Vec::new()
        };
        let query = self.parser.parse_query().map_err(|error| from_parser(&error, &self.parser))?;
        Ok(Statement::Insert(Insert { table, columns, query, span }))
    }

    fn set(&mut self) -> Result<Statement, SqlError> {
        self.parser.advance_token();
        let key = quoted(&mut self.parser, "the key")?;
        expect(&mut self.parser, &Token::Eq)?;
        let value = quoted(&mut self.parser, "the value")?;
        Ok(Statement::Set(Set { key, value }))
    }

    fn end_of_statement(&mut self) -> Result<(), SqlError> {
        let found = self.parser.peek_token();
        match found.token {
            Token::EOF => Ok(()),
            Token::SemiColon => {
                self.parser.advance_token();
                Ok(())
            }
            _ => Err(SqlError::new(found.span, format!("expected ; or the end, found {found}"))
                .maybe_hint(misspelt(&self.parser))),
        }
    }
}

/// A clause's name that the found token, or one shortly before it, is nearly: `FORM` for `FROM`.
fn misspelt(parser: &Parser<'_>) -> Option<String> {
    /// A misspelt word becomes an alias, and the parser stumbles one or two tokens later.
    const BACK: usize = 2;
    let next = parser.peek_token();
    let mut words: Vec<String> = Vec::new();
    if let Token::Word(word) = &next.token {
        words.push(word.value.clone());
    }
    let mut index = parser.get_current_index();
    for _ in 0..BACK {
        let token = parser.token_at(index);
        if let Token::Word(word) = &token.token {
            words.push(word.value.clone());
        }
        index = previous(parser, index);
    }
    words.iter().find_map(|word| {
        let upper = word.to_ascii_uppercase();
        let name = nearest(&upper, CLAUSES.iter().copied())?;
        (upper.len() > 2 && name != upper).then(|| format!("did you mean {name} instead of {word}?"))
    })
}

/// An error of sqlparser's parser, in our words.
pub(crate) fn from_parser(error: &ParserError, parser: &Parser<'_>) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            let found = parser.peek_token();
            return SqlError::new(found.span, format!("nested more than {MAX_NESTING} deep"));
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.as_str(),
    };
    let (message, location) = split_location(text);
    if message == TOO_MANY_OPERATORS {
        return SqlError::new(at(location, message, parser), format!("{message}: at most {MAX_OPERATORS}"));
    }
    let message = message.replacen("Expected: ", "expected ", 1).replacen(", found: ", ", found ", 1);
    let message = message.replace("found EOF", "found the end of the text");
    let (message, hint) = match message.split_once("; did you mean ") {
        Some((message, name)) => (message.to_owned(), Some(format!("did you mean {name}"))),
        None if message.starts_with("expected") => (message, misspelt(parser)),
        None => (lower_first(&message), None),
    };
    let span = at(location, &message, parser);
    if message.starts_with("no infix parser for token") {
        let token = parser.token_at(parser.get_current_index());
        return SqlError::new(span, format!("Flink SQL has no operator {token}"));
    }
    let comma = if message.starts_with("expected an expression") { comma_before_clause(span, parser) } else { None };
    SqlError::new(span, message).maybe_hint(comma.or(hint))
}

/// `SELECT a, b, FROM t`.
fn comma_before_clause(span: Span, parser: &Parser<'_>) -> Option<String> {
    let mut index = 0;
    while parser.token_at(index).span.start < span.start && parser.token_at(index).token != Token::EOF {
        index += 1;
    }
    let found = &parser.token_at(index).token;
    let clause = ["FROM", "WHERE", "GROUP", "HAVING"].iter().any(|clause| is_word(found, clause));
    let comma = parser.token_at(previous(parser, index)).token == Token::Comma;
    (clause && comma).then(|| format!("there is a comma too many before {found}"))
}

/// The index of the token before this one, blanks not counted.
fn previous(parser: &Parser<'_>, index: usize) -> usize {
    let mut index = index;
    while index > 0 {
        index -= 1;
        if !matches!(parser.token_at(index).token, Token::Whitespace(_)) {
            break;
        }
    }
    index
}

/// The token at a location gives the width to mark. For some errors sqlparser names a token and gives the place of the one after
/// it; then the named one is meant.
fn at(location: Option<Location>, message: &str, parser: &Parser<'_>) -> Span {
    let Some(location) = location else { return Span::empty() };
    let mut before: Option<&TokenWithSpan> = None;
    let mut index = 0;
    loop {
        let token = parser.token_at(index);
        if token.token == Token::EOF || token.span.start > location {
            return Span::new(location, location);
        }
        if token.span.start == location && !matches!(token.token, Token::Whitespace(_)) {
            let named = |token: &TokenWithSpan| message.ends_with(&format!("found {token}"));
            return match before {
                Some(before) if !named(token) && named(before) => before.span,
                _ => token.span,
            };
        }
        if !matches!(token.token, Token::Whitespace(_)) {
            before = Some(token);
        }
        index += 1;
    }
}

/// Splits sqlparser's ` at Line: 3, Column: 5` off a message.
fn split_location(text: &str) -> (&str, Option<Location>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let Some((line, column)) = place.split_once(", Column: ") else { return (text, None) };
    match (line.parse(), column.parse()) {
        (Ok(line), Ok(column)) => (message, Some(Location { line, column })),
        _ => (text, None),
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    match characters.next() {
        // A word in capitals stays as it is.
        Some(first) if characters.as_str().starts_with(char::is_lowercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => message.to_owned(),
    }
}

/// Flink's names of the one catalog and database that there is.
const PATH: [&str; 2] = ["default_catalog", "default_database"];

/// The last of a path's parts, if the others are those of Flink's default catalog and database.
pub(crate) fn last_of_path<T>(parts: &[T], text: impl Fn(&T) -> &str) -> Option<&T> {
    let (last, path) = parts.split_last()?;
    let known = &PATH[PATH.len().checked_sub(path.len())?..];
    path.iter().zip(known).all(|(part, known)| text(part) == *known).then_some(last)
}

/// A name, plain or in backticks. Catalog and database may stand before it as Flink calls them by default; any others are refused.
pub(crate) fn name(parser: &mut Parser, what: &str) -> Result<Name, SqlError> {
    let begins_path = |parser: &Parser| {
        let next = parser.peek_nth_token(1).token == Token::Period;
        next && matches!(parser.peek_token().token, Token::Word(word) if PATH.contains(&word.value.as_str()))
    };
    while begins_path(parser) {
        parser.advance_token();
        parser.advance_token();
    }
    let token = parser.peek_token();
    match &token.token {
        Token::Word(word) => {
            parser.advance_token();
            if parser.peek_token().token == Token::Period {
                return Err(SqlError::new(parser.peek_token().span, "there is one catalog with one database")
                    .hint("leave them out, or write default_catalog.default_database"));
            }
            Ok(Name { text: word.value.clone(), span: token.span, quoted: word.quote_style.is_some() })
        }
        Token::DoubleQuotedString(text) | Token::SingleQuotedString(text) => {
            Err(SqlError::new(token.span, format!("expected {what}, found a text"))
                .hint(format!("names are quoted in backticks: `{text}`")))
        }
        _ => Err(expected(what, &token)),
    }
}

/// `(name, name, ..)`.
pub(crate) fn parenthesised_names(parser: &mut Parser) -> Result<Vec<Name>, SqlError> {
    expect(parser, &Token::LParen)?;
    let mut names = vec![name(parser, "a column's name")?];
    while parser.consume_token(&Token::Comma) {
        names.push(name(parser, "a column's name")?);
    }
    expect(parser, &Token::RParen)?;
    Ok(names)
}

/// A text in single quotes.
pub(crate) fn quoted(parser: &mut Parser, what: &str) -> Result<Name, SqlError> {
    let token = parser.peek_token();
    match &token.token {
        Token::SingleQuotedString(text) => {
            parser.advance_token();
            Ok(Name { text: text.clone(), span: token.span, quoted: true })
        }
        Token::DoubleQuotedString(text) => {
            Err(expected(&format!("{what} in single quotes"), &token).hint(format!("write '{text}'")))
        }
        Token::Word(word) => {
            Err(expected(&format!("{what} in single quotes"), &token).hint(format!("write '{}'", word.value)))
        }
        _ => Err(expected(&format!("{what} in single quotes"), &token)),
    }
}

/// Consumes a token that has to be there.
pub(crate) fn expect(parser: &mut Parser, token: &Token) -> Result<(), SqlError> {
    if parser.consume_token(token) { Ok(()) } else { Err(expected(&token.to_string(), &parser.peek_token())) }
}

/// Consumes a word that has to be there.
pub(crate) fn expect_word(parser: &mut Parser, word: &str) -> Result<(), SqlError> {
    if skip_word(parser, word) {
        return Ok(());
    }
    let found = parser.peek_token();
    let close = matches!(&found.token, Token::Word(found) if nearest(&found.value, [word]).is_some());
    Err(expected(word, &found).maybe_hint(close.then(|| format!("did you mean {word}?"))))
}

/// `expected x, found y`.
pub(crate) fn expected(what: &str, found: &TokenWithSpan) -> SqlError {
    let found_text = match &found.token {
        Token::EOF => "the end of the text".to_owned(),
        token => token.to_string(),
    };
    SqlError::new(found.span, format!("expected {what}, found {found_text}"))
}
