//! Calls of the library's functions: by their table alone.

use sqlparser::ast;

use super::super::error::SqlError;
use super::super::functions::Family;
use super::{Binder, coerced, describe};
use crate::expr::library::{self, Function, Kind, Returns};
use crate::expr::{DataType, Expr, Node, cast};

/// The tables of the library.
pub(in super::super) fn tables() -> impl Iterator<Item = (Family, &'static [Function])> {
    [
        (Family::Text, library::TEXTS),
        (Family::Regex, library::REGULAR_EXPRESSIONS),
        (Family::Encoding, library::ENCODINGS),
        (Family::Hash, library::HASHES),
        (Family::Number, library::NUMBERS),
    ]
    .into_iter()
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let is = |function: &&Function| function.name == name || function.also.contains(&name);
    tables().flat_map(|(_, table)| table.iter()).find(is)
}

impl Binder<'_> {
    /// Binds a call whose number of arguments is right.
    pub(super) fn library(
        &mut self,
        whole: &ast::Expr,
        function: &'static Function,
        arguments: &[&ast::Expr],
    ) -> Result<Expr, SqlError> {
        let mut bound = Vec::with_capacity(arguments.len());
        for (position, source) in arguments.iter().enumerate() {
            let argument = self.bind(source)?;
            let (kind, data_type) = (function.kind(position), argument.data_type());
            if !kind.takes(data_type) {
                let message =
                    format!("{} needs {} here, found {}", function.name, kind.expected(), describe(data_type));
                let text = kind == Kind::Text && cast::is_castable(data_type, DataType::STRING);
                let hint = if text { "CAST it AS STRING".to_owned() } else { format!("write {}", function.form) };
                return Err(self.error(source, message).hint(hint));
            }
            bound.push(if kind == Kind::Double { coerced(argument, DataType::Double) } else { argument });
        }
        if let Err((position, why)) = (function.check)(&bound) {
            return Err(self.error(arguments.get(position).copied().unwrap_or(whole), why));
        }
        let result = match function.result {
            Returns::Is(data_type) => data_type,
            Returns::By(_, of) => of(&bound),
        };
        Ok(Expr::new(Node::Library(function, bound), result))
    }

    /// `LIKE` with a pattern from the row, `SIMILAR TO`.
    pub(super) fn pattern_match(
        &mut self,
        whole: &ast::Expr,
        function: &'static Function,
        (text, pattern, escape): (&ast::Expr, &ast::Expr, Option<&ast::Expr>),
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let mut arguments = vec![text, pattern];
        arguments.extend(escape);
        let matches = self.library(whole, function, &arguments)?;
        Ok(if negated { Expr::new(Node::Not(Box::new(matches)), DataType::Boolean) } else { matches })
    }
}
