//! Reading calls of JSON functions, whose clauses no other call has, into calls with named arguments.

use sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, ObjectName, ObjectNamePart,
};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::data_type::{self, is_word, skip_word};

/// Whether a call of this name is read here: the JSON functions with clauses.
pub(crate) fn is_json_call(name: &str) -> bool {
    const NAMES: [&str; 5] = ["JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_OBJECT", "JSON_ARRAY"];
    NAMES.iter().chain(&AGGREGATES).any(|known| known.eq_ignore_ascii_case(name))
}

/// Those that gather rows.
const AGGREGATES: [&str; 2] = ["JSON_OBJECTAGG", "JSON_ARRAYAGG"];

/// Reads a call from its name on.
pub(crate) fn parse(parser: &mut Parser) -> Result<Expr, ParserError> {
    let name = parser.parse_identifier()?;
    parser.expect_token(&Token::LParen)?;
    let mut args = Vec::new();
    match name.value.to_ascii_uppercase().as_str() {
        "JSON_OBJECT" | "JSON_OBJECTAGG" => object(parser, &mut args)?,
        "JSON_ARRAY" | "JSON_ARRAYAGG" => array(parser, &mut args)?,
        _ => look_up(parser, &mut args)?,
    }
    parser.expect_token(&Token::RParen)?;
    let gathers = AGGREGATES.iter().any(|known| known.eq_ignore_ascii_case(&name.value));
    let mut read = call(name, args);
    if let Expr::Function(function) = &mut read
        && gathers
        && skip_word(parser, "FILTER")
    {
        parser.expect_token(&Token::LParen)?;
        parser.expect_keyword(sqlparser::keywords::Keyword::WHERE)?;
        function.filter = Some(Box::new(parser.parse_expr()?));
        parser.expect_token(&Token::RParen)?;
    }
    Ok(read)
}

/// A call of a function.
pub(crate) fn call(name: Ident, args: Vec<FunctionArg>) -> Expr {
    Expr::Function(ast::Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn unnamed(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn named(name: &str, expr: Expr) -> FunctionArg {
    FunctionArg::Named {
        name: Ident::new(name),
        arg: FunctionArgExpr::Expr(expr),
        operator: FunctionArgOperator::RightArrow,
    }
}

fn word(name: &str, word: &str) -> FunctionArg {
    named(name, Expr::Identifier(Ident::new(word)))
}

/// `[KEY] key VALUE value`, or `key : value`, and so on.
fn object(parser: &mut Parser, args: &mut Vec<FunctionArg>) -> Result<(), ParserError> {
    if nulls(parser, args) || parser.peek_token().token == Token::RParen {
        return Ok(());
    }
    loop {
        let [first, second] = parser.peek_tokens::<2>();
        if is_word(&first, "KEY") && second != Token::LParen {
            parser.advance_token();
        }
        // Before a colon a key is a word of its own: the parser would take `'a' : b` for one expression.
        let is_word = matches!(parser.peek_tokens::<2>(), [_, Token::Colon]);
        args.push(unnamed(if is_word { parser.parse_prefix()? } else { parser.parse_expr()? }));
        if !parser.consume_token(&Token::Colon) && !skip_word(parser, "VALUE") {
            return parser.expected("VALUE or : after a key", parser.peek_token());
        }
        args.push(unnamed(parser.parse_expr()?));
        if !parser.consume_token(&Token::Comma) {
            nulls(parser, args);
            return Ok(());
        }
    }
}

fn array(parser: &mut Parser, args: &mut Vec<FunctionArg>) -> Result<(), ParserError> {
    if nulls(parser, args) || parser.peek_token().token == Token::RParen {
        return Ok(());
    }
    args.extend(parser.parse_comma_separated(Parser::parse_expr)?.into_iter().map(unnamed));
    nulls(parser, args);
    Ok(())
}

/// `NULL ON NULL` and `ABSENT ON NULL`.
fn nulls(parser: &mut Parser, args: &mut Vec<FunctionArg>) -> bool {
    let [first, on, null] = parser.peek_tokens::<3>();
    let found = ["NULL", "ABSENT"].into_iter().find(|word| is_word(&first, word));
    let Some(found) = found.filter(|_| is_word(&on, "ON") && is_word(&null, "NULL")) else { return false };
    (0..3).for_each(|_| parser.advance_token());
    args.push(word("NULLS", found));
    true
}

/// `text, path [RETURNING type] [wrapper] [.. ON EMPTY] [.. ON ERROR]`.
fn look_up(parser: &mut Parser, args: &mut Vec<FunctionArg>) -> Result<(), ParserError> {
    args.extend(parser.parse_comma_separated(Parser::parse_expr)?.into_iter().map(unnamed));
    if skip_word(parser, "RETURNING") {
        let (data_type, span) = data_type::parse(parser)?;
        let name = Ident { value: data_type.to_string(), quote_style: None, span };
        args.push(named("RETURNING", Expr::Identifier(name)));
    }
    wrapper(parser, args);
    while parser.peek_token().token != Token::RParen {
        let default = if skip_word(parser, "DEFAULT") { Some(parser.parse_expr()?) } else { None };
        let mut words: Vec<&str> = Vec::new();
        if default.is_none() {
            for known in ["NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN", "EMPTY", "ARRAY", "OBJECT"] {
                if skip_word(parser, known) {
                    words.push(known);
                }
            }
            if words.is_empty() {
                return parser.expected("NULL, ERROR or DEFAULT .. ON EMPTY or ON ERROR", parser.peek_token());
            }
        }
        if !skip_word(parser, "ON") {
            return parser.expected("ON EMPTY or ON ERROR", parser.peek_token());
        }
        let Some(event) = ["EMPTY", "ERROR"].into_iter().find(|event| skip_word(parser, event)) else {
            return parser.expected("EMPTY or ERROR after ON", parser.peek_token());
        };
        args.push(match default {
            Some(value) => named(&format!("{event} DEFAULT"), value),
            None if words == ["EMPTY"] => word(event, "EMPTY ARRAY"),
            None => word(event, &words.join(" ")),
        });
    }
    Ok(())
}

/// `WITHOUT [ARRAY] WRAPPER`, `WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER`.
fn wrapper(parser: &mut Parser, args: &mut Vec<FunctionArg>) {
    let kind = if skip_word(parser, "WITHOUT") {
        "WITHOUT"
    } else if skip_word(parser, "WITH") {
        if skip_word(parser, "CONDITIONAL") {
            "CONDITIONAL"
        } else {
            skip_word(parser, "UNCONDITIONAL");
            "UNCONDITIONAL"
        }
    } else {
        return;
    };
    skip_word(parser, "ARRAY");
    skip_word(parser, "WRAPPER");
    args.push(word("WRAPPER", kind));
}
