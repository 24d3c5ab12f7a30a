//! Calls of functions of the program itself.

use std::sync::Arc;

use sqlparser::ast;

use super::super::error::SqlError;
use super::{Binder, coerced, describe};
use crate::expr::{DataType, Expr, Node, UserFunction, cast};

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
            if !cast::is_implicit(argument.data_type(), to) {
                let (needed, found) = (describe(to), describe(argument.data_type()));
                return Err(wrong(self, source, format!("{} needs {needed} here, found {found}", function.name())));
            }
            bound.push(coerced(argument, to));
        }
        Ok(Expr::new(Node::User(Arc::clone(function), bound), function.result()))
    }
}
