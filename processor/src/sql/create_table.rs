//! CREATE TABLE, which no stock dialect reads the way Flink writes it.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::data_type::{self, is_word, skip_word};
use super::error::SqlError;
use super::like;
use super::parse::{expect, expect_word, expected, from_parser, name, parenthesised_names, quoted};
use super::statement::{ColumnDef, ColumnKind, CreateTable, Name, PrimaryKey, Watermark};
use crate::expr::DataType;

/// The most columns a table has.
pub const MAX_COLUMNS: usize = 1000;

/// The most options a table has.
const MAX_OPTIONS: usize = 1000;

/// Reads on after CREATE TABLE. Where `infer` is set it may have no columns: they are proposed from its topic's records.
pub(crate) fn parse(parser: &mut Parser, infer: bool) -> Result<CreateTable, SqlError> {
    let if_not_exists = skip_word(parser, "IF");
    if if_not_exists {
        expect_word(parser, "NOT")?;
        expect_word(parser, "EXISTS")?;
    }
    let name = name(parser, "the table's name")?;
    let mut table = CreateTable {
        name,
        if_not_exists,
        columns: Vec::new(),
        watermark: None,
        primary_key: None,
        options: Vec::new(),
        like: None,
    };
    let open = parser.peek_token();
    if is_word(&open.token, "WITH") || is_word(&open.token, "LIKE") {
        after_columns(parser, &mut table)?;
        return match table.like {
            Some(_) => Ok(table),
            None if infer => Ok(table),
            None => Err(SqlError::new(open.span, "the table has no columns").hint("write them, or LIKE another table")),
        };
    }
    if open.token != Token::LParen {
        return Err(expected("( and the columns", &open));
    }
    parser.advance_token();
    loop {
        element(parser, &mut table)?;
        if parser.consume_token(&Token::Comma) {
            continue;
        }
        if parser.consume_token(&Token::RParen) {
            break;
        }
        return Err(expected(", or ) after the column", &parser.peek_token()));
    }
    after_columns(parser, &mut table)?;
    Ok(table)
}

/// One entry between the parentheses.
fn element(parser: &mut Parser, table: &mut CreateTable) -> Result<(), SqlError> {
    let [first, second] = parser.peek_tokens_with_location::<2>();
    if is_word(&first.token, "WATERMARK") && is_word(&second.token, "FOR") {
        if table.watermark.is_some() {
            return Err(SqlError::new(first.span, "a table has one WATERMARK"));
        }
        table.watermark = Some(watermark(parser)?);
        return Ok(());
    }
    if is_word(&first.token, "CONSTRAINT") && !is_word(&second.token, "AS") {
        parser.advance_token();
        name(parser, "the constraint's name")?;
        let key = parser.peek_token();
        if !is_word(&key.token, "PRIMARY") {
            return Err(expected("PRIMARY KEY", &key));
        }
        return primary_key(parser, table);
    }
    if is_word(&first.token, "PRIMARY") && is_word(&second.token, "KEY") {
        return primary_key(parser, table);
    }
    let column = column(parser, table)?;
    if let Some(other) = table.columns.iter().find(|other| other.name.text == column.name.text) {
        let message = format!("column {} is there twice", column.name.text);
        return Err(SqlError::new(column.name.span, message)
            .hint(format!("the first one is in line {}", other.name.span.start.line)));
    }
    if table.columns.len() == MAX_COLUMNS {
        return Err(SqlError::new(column.name.span, format!("a table has at most {MAX_COLUMNS} columns")));
    }
    table.columns.push(column);
    Ok(())
}

fn watermark(parser: &mut Parser) -> Result<Watermark, SqlError> {
    parser.advance_token();
    parser.advance_token();
    let column = name(parser, "the event-time column")?;
    expect_word(parser, "AS")?;
    let expr = parser.parse_expr().map_err(|error| from_parser(&error, parser))?;
    Ok(Watermark { column, expr })
}

fn primary_key(parser: &mut Parser, table: &mut CreateTable) -> Result<(), SqlError> {
    let span = parser.peek_token().span;
    expect_word(parser, "PRIMARY")?;
    expect_word(parser, "KEY")?;
    let columns = parenthesised_names(parser)?;
    not_enforced(parser)?;
    set_primary_key(table, PrimaryKey { columns, span })
}

fn set_primary_key(table: &mut CreateTable, key: PrimaryKey) -> Result<(), SqlError> {
    let span = key.span;
    match table.primary_key.replace(key) {
        None => Ok(()),
        Some(_) => Err(SqlError::new(span, "a table has one PRIMARY KEY")),
    }
}

fn not_enforced(parser: &mut Parser) -> Result<(), SqlError> {
    let [not, enforced] = parser.peek_tokens::<2>();
    if is_word(&not, "NOT") && is_word(&enforced, "ENFORCED") {
        parser.advance_token();
        parser.advance_token();
        return Ok(());
    }
    Err(expected("NOT ENFORCED after PRIMARY KEY", &parser.peek_token()))
}

fn column(parser: &mut Parser, table: &mut CreateTable) -> Result<ColumnDef, SqlError> {
    let name = name(parser, "a column's name, WATERMARK FOR or PRIMARY KEY")?;
    if skip_word(parser, "AS") {
        let expr = parser.parse_expr().map_err(|error| from_parser(&error, parser))?;
        comment(parser)?;
        return Ok(ColumnDef { name, kind: ColumnKind::Computed(Box::new(expr)) });
    }
    let (data_type, _) = data_type::parse(parser).map_err(|error| from_parser(&error, parser))?;
    let mut nullable = true;
    loop {
        let token = parser.peek_token();
        if skip_word(parser, "NOT") {
            expect_word(parser, "NULL")?;
            nullable = false;
        } else if skip_word(parser, "NULL") {
            nullable = true;
        } else if is_word(&token.token, "METADATA") {
            let kind = metadata(parser, &name, data_type)?;
            return Ok(ColumnDef { name, kind });
        } else if is_word(&token.token, "PRIMARY") {
            parser.advance_token();
            expect_word(parser, "KEY")?;
            not_enforced(parser)?;
            set_primary_key(table, PrimaryKey { columns: vec![name.clone()], span: token.span })?;
        } else {
            break;
        }
    }
    comment(parser)?;
    Ok(ColumnDef { name, kind: ColumnKind::Physical { data_type, nullable } })
}

/// `METADATA [FROM 'key'] [VIRTUAL]`; the column's name is the key unless it is given.
fn metadata(parser: &mut Parser, name: &Name, data_type: DataType) -> Result<ColumnKind, SqlError> {
    parser.advance_token();
    let key = if skip_word(parser, "FROM") { quoted(parser, "the metadata's key")? } else { name.clone() };
    let is_virtual = skip_word(parser, "VIRTUAL");
    comment(parser)?;
    Ok(ColumnKind::Metadata { data_type, key, is_virtual })
}

/// COMMENT 'text', which means nothing to a job.
fn comment(parser: &mut Parser) -> Result<(), SqlError> {
    if skip_word(parser, "COMMENT") {
        quoted(parser, "the comment")?;
    }
    Ok(())
}

fn after_columns(parser: &mut Parser, table: &mut CreateTable) -> Result<(), SqlError> {
    comment(parser)?;
    let token = parser.peek_token();
    if is_word(&token.token, "PARTITIONED") || is_word(&token.token, "DISTRIBUTED") {
        return Err(SqlError::new(token.span, format!("{token} BY means nothing to a topic"))
            .hint("leave it out; the topic has its own partitions"));
    }
    if skip_word(parser, "WITH") {
        table.options = options(parser)?;
    }
    let token = parser.peek_token();
    if skip_word(parser, "LIKE") {
        table.like = Some(like::parse(parser)?);
    } else if is_word(&token.token, "AS") {
        return Err(SqlError::new(token.span, format!("CREATE TABLE .. {token} is not supported yet"))
            .hint("write out the columns and options, and INSERT INTO the table"));
    }
    Ok(())
}

/// `('key' = 'value', ..)`.
fn options(parser: &mut Parser) -> Result<Vec<(Name, Name)>, SqlError> {
    expect(parser, &Token::LParen)?;
    let mut options: Vec<(Name, Name)> = Vec::new();
    loop {
        let key = quoted(parser, "an option's key")?;
        expect(parser, &Token::Eq)?;
        let value = quoted(parser, "the option's value")?;
        if options.iter().any(|(other, _)| other.text == key.text) {
            return Err(SqlError::new(key.span, format!("option '{}' is there twice", key.text)));
        }
        if options.len() == MAX_OPTIONS {
            return Err(SqlError::new(key.span, format!("a table has at most {MAX_OPTIONS} options")));
        }
        options.push((key, value));
        if parser.consume_token(&Token::Comma) {
            continue;
        }
        if parser.consume_token(&Token::RParen) {
            return Ok(options);
        }
        return Err(expected(", or ) after the option", &parser.peek_token()));
    }
}
