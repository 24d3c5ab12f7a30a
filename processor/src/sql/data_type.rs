//! Reading the names of types.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token};

use super::dialect::between;
use super::error::did_you_mean;
use super::nested_type::{self, Brackets};
use crate::expr::{DataType, MAX_DECIMAL_PRECISION};

/// Names of types, for suggestions.
const NAMES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "STRING",
    "CHAR",
    "VARCHAR",
    "BYTES",
    "BINARY",
    "VARBINARY",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "ARRAY",
    "MAP",
    "MULTISET",
    "ROW",
];

/// Flink's types that are not spoken yet.
const LATER: &[&str] = &["RAW", "VARIANT", "STRUCTURED", "DESCRIPTOR", "BITMAP"];

/// Reads a type, and says where it stands.
pub(crate) fn parse(parser: &mut Parser) -> Result<(DataType, Span), ParserError> {
    let start = parser.peek_token().span;
    let data_type = nested_type::parse(parser, &mut Brackets::default(), 0)?;
    Ok((data_type, between(start, parser.get_current_token().span)))
}

/// Reads a type that is not followed by ARRAY or MULTISET.
pub(super) fn parse_one(parser: &mut Parser, brackets: &mut Brackets, depth: usize) -> Result<DataType, ParserError> {
    let token = parser.next_token();
    let start = token.span;
    let Token::Word(word) = &token.token else {
        return Err(at(start.start, format!("Expected: a type such as STRING or BIGINT, found: {token}")));
    };
    let name = word.value.to_ascii_uppercase();
    Ok(match name.as_str() {
        "ARRAY" | "MAP" | "MULTISET" | "ROW" if word.quote_style.is_none() => {
            nested_type::parse_named(parser, &name, brackets, depth)?
        }
        "BOOLEAN" => DataType::Boolean,
        "TINYINT" => DataType::TinyInt,
        "SMALLINT" => DataType::SmallInt,
        "INT" | "INTEGER" => DataType::Int,
        "BIGINT" => DataType::BigInt,
        "FLOAT" => DataType::Float,
        "DOUBLE" => {
            skip_word(parser, "PRECISION");
            DataType::Double
        }
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(parser, start)?,
        "STRING" => DataType::STRING,
        "CHAR" => DataType::Char(length(parser, 1)?),
        "VARCHAR" => DataType::VarChar(length(parser, 1)?),
        "BYTES" => DataType::BYTES,
        "BINARY" | "VARBINARY" => DataType::VarBinary(length(parser, 1)?),
        "DATE" => DataType::Date,
        "TIME" => {
            fraction_digits(parser, 0)?;
            skip_without_time_zone(parser);
            DataType::Time
        }
        "TIMESTAMP" => timestamp(parser)?,
        "TIMESTAMP_LTZ" => DataType::TimestampLtz(fraction_digits(parser, 6)?),
        _ if LATER.contains(&name.as_str()) => {
            return Err(at(start.start, format!("the type {name} is not supported yet")));
        }
        _ => {
            let hint = did_you_mean(&name, NAMES.iter().copied()).map_or(String::new(), |hint| format!("; {hint}"));
            return Err(at(start.start, format!("there is no type {}{hint}", word.value)));
        }
    })
}

/// An error in the form of sqlparser's own, with its place at the end.
pub(super) fn at(location: Location, message: String) -> ParserError {
    ParserError::ParserError(format!("{message}{location}"))
}

fn timestamp(parser: &mut Parser) -> Result<DataType, ParserError> {
    let precision = fraction_digits(parser, 6)?;
    if skip_without_time_zone(parser) || !skip_word(parser, "WITH") {
        return Ok(DataType::Timestamp(precision));
    }
    if skip_word(parser, "LOCAL") && skip_word(parser, "TIME") && skip_word(parser, "ZONE") {
        return Ok(DataType::TimestampLtz(precision));
    }
    let next = parser.peek_token();
    Err(at(next.span.start, format!("Expected: LOCAL TIME ZONE after TIMESTAMP WITH, found: {next}")))
}

fn skip_without_time_zone(parser: &mut Parser) -> bool {
    skip_word(parser, "WITHOUT") && skip_word(parser, "TIME") && skip_word(parser, "ZONE")
}

fn decimal(parser: &mut Parser, start: Span) -> Result<DataType, ParserError> {
    // Flink's default is DECIMAL(10, 0).
    let (mut precision, mut scale) = (10, 0);
    if parser.consume_token(&Token::LParen) {
        precision = parser.parse_literal_uint()?;
        if parser.consume_token(&Token::Comma) {
            scale = parser.parse_literal_uint()?;
        }
        parser.expect_token(&Token::RParen)?;
    }
    let most = u64::from(MAX_DECIMAL_PRECISION);
    if precision == 0 || precision > most || scale > precision {
        let message =
            format!("DECIMAL({precision}, {scale}): the precision is 1 to {most}, the scale 0 to the precision");
        return Err(at(start.start, message));
    }
    Ok(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
}

fn length(parser: &mut Parser, default: u32) -> Result<u32, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let place = parser.peek_token().span.start;
    let length = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    match u32::try_from(length) {
        Ok(length) if (1..=i32::MAX as u32).contains(&length) => Ok(length),
        _ => Err(at(place, format!("a length is 1 to {}", i32::MAX))),
    }
}

fn fraction_digits(parser: &mut Parser, default: u8) -> Result<u8, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let place = parser.peek_token().span.start;
    let digits = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    match u8::try_from(digits) {
        Ok(digits) if digits <= 9 => Ok(digits),
        _ => Err(at(place, "the precision of a time is 0 to 9".to_owned())),
    }
}

/// Consumes the next token if it is this word.
pub(crate) fn skip_word(parser: &mut Parser, expected: &str) -> bool {
    let found = is_word(&parser.peek_token().token, expected);
    if found {
        parser.advance_token();
    }
    found
}

/// Whether a token is this word, in any case and without quotes.
pub(crate) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// The type that [`DataType`]'s text names; used for types that travelled through the syntax tree.
pub(crate) fn from_text(text: &str) -> Option<DataType> {
    let dialect = super::dialect::FlinkDialect::default();
    let mut parser = Parser::new(&dialect).try_with_sql(text).ok()?;
    parse(&mut parser).ok().map(|(data_type, _)| data_type)
}
