//! Flink's dialect, for the parts that sqlparser's parser reads: expressions and queries.

use std::cell::Cell;

use sqlparser::ast::{self, CastKind, Ident, ObjectName, ObjectNamePart};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token};

use super::data_type;

/// The most infix operators a statement has. Chains of them make deep trees without nesting the parser, and a tree must not be
/// deeper than a stack allows.
pub(crate) const MAX_OPERATORS: usize = 1000;

/// Text of the error when there are more than [`MAX_OPERATORS`].
pub(crate) const TOO_MANY_OPERATORS: &str = "too many operators in one statement";

/// The most operands the parser looks at in a statement. It tries some places twice, and nested ones over and over; this
/// bounds the time.
const MAX_OPERANDS: usize = 200_000;

/// The dialect. It counts operators, so each text is parsed with its own.
#[derive(Debug, Default)]
pub(crate) struct FlinkDialect {
    operators: Cell<usize>,
    operands: Cell<usize>,
}

impl FlinkDialect {
    /// Starts counting anew.
    pub(crate) fn begin_statement(&self) {
        self.operators.set(0);
        self.operands.set(0);
    }
}

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_' || ch == '$'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        _expr: &ast::Expr,
        _precedence: u8,
    ) -> Option<Result<ast::Expr, ParserError>> {
        self.operators.set(self.operators.get() + 1);
        if self.operators.get() > MAX_OPERATORS {
            let at = parser.peek_token().span.start;
            return Some(Err(ParserError::ParserError(format!("{TOO_MANY_OPERATORS}{at}"))));
        }
        None
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<ast::Expr, ParserError>> {
        self.operands.set(self.operands.get() + 1);
        if self.operands.get() > MAX_OPERANDS {
            let at = parser.peek_token().span.start;
            return Some(Err(ParserError::ParserError(format!("the statement is too complicated{at}"))));
        }
        let [first, second] = parser.peek_tokens_with_location::<2>();
        if first.token == Token::LParen && matches!(&second.token, Token::Word(word) if word.keyword == Keyword::SELECT)
        {
            return Some(parse_subquery(parser));
        }
        let Token::Word(word) = &first.token else { return None };
        match word.keyword {
            Keyword::CAST | Keyword::TRY_CAST if second.token == Token::LParen => {
                let kind = if word.keyword == Keyword::CAST { CastKind::Cast } else { CastKind::TryCast };
                Some(parse_cast(parser, kind))
            }
            _ if word.quote_style.is_none()
                && second.token == Token::LParen
                && super::json_call::is_json_call(&word.value) =>
            {
                Some(super::json_call::parse(parser))
            }
            Keyword::MAP if second.token == Token::LBracket => Some(parse_map(parser)),
            Keyword::TABLE if matches!(second.token, Token::Word(_)) => {
                parser.advance_token();
                let prefix = word.clone().into_ident(first.span);
                Some(parse_table_argument(parser, prefix))
            }
            _ => None,
        }
    }
}

/// `CAST(expression AS type)` with Flink's types. The type travels as a custom type whose name is its text.
fn parse_cast(parser: &mut Parser, kind: CastKind) -> Result<ast::Expr, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_keyword(Keyword::AS)?;
    let (data_type, span) = data_type::parse(parser)?;
    parser.expect_token(&Token::RParen)?;
    let name = Ident { value: data_type.to_string(), quote_style: None, span };
    let data_type = ast::DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(name)]), Vec::new());
    Ok(ast::Expr::Cast { kind, expr, data_type, format: None })
}

/// `MAP[key, value, ..]`, as a call of MAP.
fn parse_map(parser: &mut Parser) -> Result<ast::Expr, ParserError> {
    let name = parser.parse_identifier()?;
    parser.expect_token(&Token::LBracket)?;
    let parts = match parser.peek_token().token {
        Token::RBracket => Vec::new(),
        _ => parser.parse_comma_separated(Parser::parse_expr)?,
    };
    parser.expect_token(&Token::RBracket)?;
    let args = parts.into_iter().map(|part| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(part))).collect();
    Ok(super::json_call::call(name, args))
}

/// `TABLE name [PARTITION BY columns]`, as a windowing function takes it. With columns it is a tuple of the table and these.
fn parse_table_argument(parser: &mut Parser, prefix: Ident) -> Result<ast::Expr, ParserError> {
    let mut parts = vec![parser.parse_identifier()?];
    while parser.consume_token(&Token::Period) {
        parts.push(parser.parse_identifier()?);
    }
    let value = Box::new(with_partition_by(parser, ast::Expr::CompoundIdentifier(parts))?);
    Ok(ast::Expr::Prefixed { prefix, value })
}

/// `(SELECT ..) [PARTITION BY columns]`. Only where columns follow it is more than an ordinary subquery.
fn parse_subquery(parser: &mut Parser) -> Result<ast::Expr, ParserError> {
    let open = parser.next_token();
    let query = ast::Expr::Subquery(parser.parse_query()?);
    parser.expect_token(&Token::RParen)?;
    match with_partition_by(parser, query)? {
        tuple @ ast::Expr::Tuple(_) => {
            let prefix = Ident { value: "TABLE".to_owned(), quote_style: None, span: open.span };
            Ok(ast::Expr::Prefixed { prefix, value: Box::new(tuple) })
        }
        query => Ok(query),
    }
}

/// One column, or several in parentheses (Calcite: SimpleIdentifierOrList).
fn with_partition_by(parser: &mut Parser, table: ast::Expr) -> Result<ast::Expr, ParserError> {
    if !parser.parse_keywords(&[Keyword::PARTITION, Keyword::BY]) {
        return Ok(table);
    }
    let mut parts = vec![table];
    if parser.consume_token(&Token::LParen) {
        parts.extend(parser.parse_comma_separated(Parser::parse_identifier)?.into_iter().map(ast::Expr::Identifier));
        parser.expect_token(&Token::RParen)?;
    } else {
        parts.push(ast::Expr::Identifier(parser.parse_identifier()?));
    }
    Ok(ast::Expr::Tuple(parts))
}

/// The span of everything between two tokens.
pub(crate) fn between(first: Span, last: Span) -> Span {
    Span::new(first.start, last.end)
}
