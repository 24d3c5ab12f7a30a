//! Calls of functions of the program itself.

use std::sync::Arc;

use sqlparser::ast;

use super::super::error::SqlError;
use super::{Binder, coerced, describe};
use crate::expr::{DataType, Expr, Node, UserFunction};

/// Whether values of a type are values of what an argument has to be, or become so without loss but for a DOUBLE's.
fn fits(from: DataType, to: DataType) -> bool {
    from == DataType::Null
        || match to {
            DataType::Double => from.is_numeric(),
            DataType::Int | DataType::BigInt => from.is_integer() && from <= to,
            _ if to.is_text() => from.is_text(),
            _ => std::mem::discriminant(&from) == std::mem::discriminant(&to),
        }
}

impl Binder<'_> {
    pub(super) fn user(
        &mut self,
        whole: &ast::Expr,
        function: &Arc<UserFunction>,
        arguments: &[&ast::Expr],
    ) -> Result<Expr, SqlError> {
        let types: Vec<DataType> = function.arguments().collect();
        let wrong = |binder: &Self, at: &ast::Expr, message: String| {
            binder.error(at, message).hint(format!("write {}", function.form()))
        };
        if arguments.len() != types.len() {
            let word = if types.len() == 1 { "argument" } else { "arguments" };
            let message = format!("{} takes {} {word}, not {}", function.name(), types.len(), arguments.len());
            return Err(wrong(self, whole, message));
        }
        let mut bound = Vec::with_capacity(types.len());
        for (source, to) in arguments.iter().zip(types) {
            let argument = self.bind(source)?;
            if !fits(argument.data_type(), to) {
                let (needed, found) = (describe(to), describe(argument.data_type()));
                return Err(wrong(self, source, format!("{} needs {needed} here, found {found}", function.name())));
            }
            bound.push(coerced(argument, to));
        }
        Ok(Expr::new(Node::User(Arc::clone(function), bound), function.result()))
    }
}
