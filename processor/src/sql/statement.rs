//! The statements of a job file, as they were written.

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use crate::expr::DataType;

/// A word with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub text: String,
    pub span: Span,
    /// Whether it stood in backticks (a name) or quotes (a text).
    pub quoted: bool,
}

/// One statement.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    CreateTable(Box<CreateTable>),
    CreateView(CreateView),
    Insert(Insert),
    Set(Set),
    Drop(Drop),
    /// What follows is to be explained, not done.
    Explain,
    /// A query by itself.
    Query(Query),
    Describe(Name),
    Show(Show, Span),
}

/// DROP TABLE or VIEW [IF EXISTS] name.
#[derive(Clone, Debug)]
pub(crate) struct Drop {
    pub name: Name,
    pub is_view: bool,
    pub if_exists: bool,
}

/// A query by itself.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub query: Box<ast::Query>,
    /// Its first word.
    pub span: Span,
}

/// What SHOW shows.
#[derive(Clone, Debug)]
pub(crate) enum Show {
    Tables,
    Views,
    /// All functions, or those of the program alone; those whose names are like a pattern.
    Functions {
        only_user: bool,
        like: Option<Name>,
    },
    Jobs,
    Topics,
    CreateTable(Name),
    Columns(Name),
    /// The rows that a job keeps.
    State {
        job: Name,
        key: Option<Name>,
    },
}

/// CREATE TABLE.
#[derive(Clone, Debug)]
pub(crate) struct CreateTable {
    pub name: Name,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDef>,
    pub watermark: Option<Watermark>,
    pub primary_key: Option<PrimaryKey>,
    pub options: Vec<(Name, Name)>,
    /// LIKE another table.
    pub like: Option<Like>,
}

/// LIKE source (INCLUDING .. EXCLUDING ..).
#[derive(Clone, Debug)]
pub(crate) struct Like {
    pub source: Name,
    /// What is said of which feature.
    pub rules: Vec<(&'static str, Strategy)>,
}

/// What LIKE does with a feature of the other table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// It is taken over, and must not be there twice.
    Including,
    /// It is left out.
    Excluding,
    /// It is taken over where the table has none of its own.
    Overwriting,
}

/// PRIMARY KEY (columns) NOT ENFORCED.
#[derive(Clone, Debug)]
pub(crate) struct PrimaryKey {
    pub columns: Vec<Name>,
    /// Where PRIMARY stands.
    pub span: Span,
}

/// A column of CREATE TABLE.
#[derive(Clone, Debug)]
pub(crate) struct ColumnDef {
    pub name: Name,
    pub kind: ColumnKind,
}

/// What a column is.
#[derive(Clone, Debug)]
pub(crate) enum ColumnKind {
    /// A field of the record.
    Physical { data_type: DataType, nullable: bool },
    /// `name AS expression`.
    Computed(Box<ast::Expr>),
    /// `name type METADATA [FROM 'key'] [VIRTUAL]`: of the record, not in it.
    Metadata { data_type: DataType, key: Name, is_virtual: bool },
}

/// WATERMARK FOR column AS expression.
#[derive(Clone, Debug)]
pub(crate) struct Watermark {
    pub column: Name,
    pub expr: ast::Expr,
}

/// CREATE VIEW name AS query.
#[derive(Clone, Debug)]
pub(crate) struct CreateView {
    pub name: Name,
    pub columns: Vec<Name>,
    pub query: Box<ast::Query>,
}

/// INSERT INTO table [(columns)] query.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub table: Name,
    pub columns: Vec<Name>,
    pub query: Box<ast::Query>,
    /// The INSERT keyword.
    pub span: Span,
}

/// SET 'key' = 'value'.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub key: Name,
    pub value: Name,
}
