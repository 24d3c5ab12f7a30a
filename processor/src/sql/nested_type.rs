//! Reading the types that are made of others: `ARRAY<t>`, `t ARRAY`, `MAP<k, v>`, `MULTISET<t>`, `t MULTISET`, `ROW<name t, ..>` and
//! `ROW(name t, ..)`.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::data_type::{at, parse_one, skip_word};
use crate::expr::{DataType, MAX_TYPE_DEPTH, TypeLimit};

/// The most fields of a ROW.
const MAX_FIELDS: usize = 2_000;

/// Closing brackets that stand together are one token (`>>`): how many of them are still to be taken.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    left: u8,
}

impl Brackets {
    /// Takes one if it is next.
    fn close(&mut self, parser: &mut Parser) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        if parser.consume_token(&Token::ShiftRight) {
            self.left = 1;
            return true;
        }
        parser.consume_token(&Token::Gt)
    }
}

/// Reads a type, with ARRAY and MULTISET behind it.
pub(super) fn parse(parser: &mut Parser, brackets: &mut Brackets, depth: usize) -> Result<DataType, ParserError> {
    let place = parser.peek_token().span.start;
    let refused = |limit: TypeLimit| at(place, limit.to_string());
    let mut data_type = parse_one(parser, brackets, depth)?;
    // What stands behind a bracket that is still to be taken belongs to the type outside.
    if brackets.left > 0 {
        return Ok(data_type);
    }
    loop {
        if skip_word(parser, "ARRAY") {
            data_type = DataType::array(data_type).map_err(refused)?;
        } else if skip_word(parser, "MULTISET") {
            data_type = DataType::multiset(data_type).map_err(refused)?;
        } else {
            return Ok(data_type);
        }
    }
}

/// Reads what follows the word ARRAY, MAP, MULTISET or ROW.
pub(super) fn parse_named(
    parser: &mut Parser,
    name: &str,
    brackets: &mut Brackets,
    depth: usize,
) -> Result<DataType, ParserError> {
    let place = parser.get_current_token().span.start;
    let refused = |limit: TypeLimit| at(place, limit.to_string());
    if depth == MAX_TYPE_DEPTH {
        return Err(refused(TypeLimit::Depth));
    }
    if name == "ROW" && parser.consume_token(&Token::LParen) {
        let fields = fields(parser, &mut Brackets::default(), depth)?;
        parser.expect_token(&Token::RParen)?;
        return DataType::row(fields).map_err(refused);
    }
    if !parser.consume_token(&Token::Lt) {
        let form = match name {
            "MAP" => "MAP<STRING, INT>",
            "ROW" => "ROW<name STRING>",
            "MULTISET" => "MULTISET<STRING>",
            _ => "ARRAY<STRING>",
        };
        let next = parser.peek_token();
        return Err(at(next.span.start, format!("Expected: < after {name}, as in {form}, found: {next}")));
    }
    let data_type = match name {
        "ROW" => DataType::row(fields(parser, brackets, depth)?),
        "MAP" => {
            let key = part(parser, brackets, depth)?;
            parser.expect_token(&Token::Comma)?;
            DataType::map(key, part(parser, brackets, depth)?)
        }
        "MULTISET" => DataType::multiset(part(parser, brackets, depth)?),
        _ => DataType::array(part(parser, brackets, depth)?),
    }
    .map_err(refused)?;
    match brackets.close(parser) {
        true => Ok(data_type),
        false => {
            let next = parser.peek_token();
            Err(at(next.span.start, format!("Expected: > at the end of {name}, found: {next}")))
        }
    }
}

/// A type inside of another. Whether it may be NULL is read and makes no difference.
fn part(parser: &mut Parser, brackets: &mut Brackets, depth: usize) -> Result<DataType, ParserError> {
    let data_type = parse(parser, brackets, depth + 1)?;
    if brackets.left == 0 {
        skip_word(parser, "NOT");
        skip_word(parser, "NULL");
    }
    Ok(data_type)
}

fn fields(parser: &mut Parser, brackets: &mut Brackets, depth: usize) -> Result<Vec<(String, DataType)>, ParserError> {
    let mut fields: Vec<(String, DataType)> = Vec::new();
    loop {
        let place = parser.peek_token().span.start;
        let name = parser.parse_identifier()?.value;
        if fields.iter().any(|(other, _)| *other == name) {
            return Err(at(place, format!("the row has two fields {name}")));
        }
        if fields.len() == MAX_FIELDS {
            return Err(at(place, format!("a row has at most {MAX_FIELDS} fields")));
        }
        fields.push((name, part(parser, brackets, depth)?));
        // A comment.
        if brackets.left == 0 && matches!(parser.peek_token().token, Token::SingleQuotedString(_)) {
            parser.advance_token();
        }
        if brackets.left > 0 || !parser.consume_token(&Token::Comma) {
            return Ok(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::data_type::from_text;
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for (text, expected) in [
            ("ARRAY<INT>", "ARRAY<INT>"),
            ("INT ARRAY", "ARRAY<INT>"),
            ("ARRAY<ARRAY<ARRAY<INT>>>", "ARRAY<ARRAY<ARRAY<INT>>>"),
            (
                "MAP<STRING, ROW<a INT NOT NULL, b ARRAY<DECIMAL(5, 2)>>>",
                "MAP<STRING, ROW<`a` INT, `b` ARRAY<DECIMAL(5, 2)>>>",
            ),
            ("ROW(a INT 'comment', `b c` MULTISET<STRING>)", "ROW<`a` INT, `b c` MULTISET<STRING>>"),
            ("row<a int array, b string multiset>", "ROW<`a` ARRAY<INT>, `b` MULTISET<STRING>>"),
            ("ARRAY<ROW<a INT>> ARRAY", "ARRAY<ARRAY<ROW<`a` INT>>>"),
            ("MAP<STRING, ARRAY<INT> NOT NULL>", "MAP<STRING, ARRAY<INT>>"),
        ] {
            let data_type = from_text(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(data_type.to_string(), expected);
            assert_eq!(from_text(expected), Some(data_type), "what is printed can be read");
        }
        for text in ["ARRAY", "ARRAY<>", "ARRAY<INT", "MAP<INT>", "ROW<>", "ROW<a>", "ROW<a INT, a INT>", "ROW<a INT"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn deep_types_are_refused() {
        let deep = |levels: usize| format!("{}INT{}", "ARRAY<".repeat(levels), ">".repeat(levels));
        assert!(from_text(&deep(MAX_TYPE_DEPTH)).is_some());
        assert_eq!(from_text(&deep(MAX_TYPE_DEPTH + 1)), None);
        assert_eq!(from_text(&deep(100_000)), None);
        assert_eq!(from_text(&format!("INT{}", " ARRAY".repeat(100_000))), None);
    }
}
