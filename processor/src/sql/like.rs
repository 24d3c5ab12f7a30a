//! CREATE TABLE .. LIKE: what a table takes over from another (Flink: MergeTableLikeUtil).

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::data_type::skip_word;
use super::error::SqlError;
use super::parse::{expect, expected, name};
use super::statement::{ColumnKind, CreateTable, Like, Strategy};

/// What LIKE can say something of.
const FEATURES: &[&str] =
    &["ALL", "CONSTRAINTS", "DISTRIBUTION", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS"];

/// Reads on after LIKE.
pub(crate) fn parse(parser: &mut Parser) -> Result<Like, SqlError> {
    let mut like = Like { source: name(parser, "the other table's name")?, rules: Vec::new() };
    if parser.peek_token().token != Token::LParen {
        return Ok(like);
    }
    expect(parser, &Token::LParen)?;
    while !parser.consume_token(&Token::RParen) {
        let strategies = [
            ("INCLUDING", Strategy::Including),
            ("EXCLUDING", Strategy::Excluding),
            ("OVERWRITING", Strategy::Overwriting),
        ];
        let found = strategies.into_iter().find(|(word, _)| skip_word(parser, word));
        let Some((_, strategy)) = found else {
            return Err(expected("INCLUDING, EXCLUDING or OVERWRITING", &parser.peek_token()));
        };
        let Some(feature) = FEATURES.iter().find(|feature| skip_word(parser, feature)) else {
            let wanted = format!("what to take over: {}", FEATURES.join(", "));
            return Err(expected(&wanted, &parser.peek_token()));
        };
        like.rules.push((feature, strategy));
    }
    Ok(like)
}

/// The table with what it takes over from the one that it is like: columns first, then its own.
pub(crate) fn merged(table: &CreateTable, like: &Like, source: &CreateTable) -> Result<CreateTable, SqlError> {
    let mut merged = CreateTable { like: None, ..table.clone() };
    let strategy = |feature: &str, default: Strategy| {
        let said = |wanted: &str| like.rules.iter().find(|(name, _)| *name == wanted).map(|(_, strategy)| *strategy);
        said(feature).or(said("ALL")).unwrap_or(default)
    };
    let generated = strategy("GENERATED", Strategy::Including);
    let metadata = strategy("METADATA", Strategy::Including);
    let mut columns = Vec::with_capacity(source.columns.len() + table.columns.len());
    for column in &source.columns {
        let rule = match column.kind {
            ColumnKind::Physical { .. } => Strategy::Including,
            ColumnKind::Computed(_) => generated,
            ColumnKind::Metadata { .. } => metadata,
        };
        if rule == Strategy::Excluding {
            continue;
        }
        match table.columns.iter().find(|own| own.name.text == column.name.text) {
            None => columns.push(column.clone()),
            Some(_) if rule == Strategy::Overwriting => {}
            Some(own) => {
                let message = format!("column {} is there already, from {}", own.name.text, like.source.text);
                return Err(SqlError::new(own.name.span, message).hint("leave it out"));
            }
        }
    }
    columns.append(&mut merged.columns);
    merged.columns = columns;
    merged.watermark = match (&table.watermark, &source.watermark, strategy("WATERMARKS", Strategy::Including)) {
        (own, _, Strategy::Excluding) | (own, None, _) => own.clone(),
        (None, Some(_), _) => source.watermark.clone(),
        (Some(_), Some(_), Strategy::Overwriting) => table.watermark.clone(),
        (Some(own), Some(_), Strategy::Including) => {
            let message = format!("{} has a WATERMARK already", like.source.text);
            return Err(SqlError::new(own.column.span, message).hint("write LIKE .. (OVERWRITING WATERMARKS)"));
        }
    };
    if strategy("CONSTRAINTS", Strategy::Including) != Strategy::Excluding {
        merged.primary_key = table.primary_key.clone().or_else(|| source.primary_key.clone());
    }
    let options = strategy("OPTIONS", Strategy::Overwriting);
    if options != Strategy::Excluding {
        for (key, value) in &source.options {
            match table.options.iter().find(|(own, _)| own.text == key.text) {
                None => merged.options.push((key.clone(), value.clone())),
                Some(_) if options == Strategy::Overwriting => {}
                Some((own, _)) => {
                    let message = format!("option '{}' is there already, from {}", own.text, like.source.text);
                    return Err(SqlError::new(own.span, message).hint("write LIKE .. (OVERWRITING OPTIONS)"));
                }
            }
        }
    }
    Ok(merged)
}
