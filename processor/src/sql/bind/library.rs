//! Calls of the library's functions: by their table alone.

use sqlparser::ast;

use super::super::error::SqlError;
use super::super::functions::Family;
use super::{Binder, coerced, common_type, describe};
use crate::expr::library::{self, Function, Kind, Returns, Unify};
use crate::expr::{DataType, Expr, Node, Value, cast};

/// The tables of the library.
pub(in super::super) fn tables() -> impl Iterator<Item = (Family, &'static [Function])> {
    [
        (Family::Text, library::TEXTS),
        (Family::Regex, library::REGULAR_EXPRESSIONS),
        (Family::Encoding, library::ENCODINGS),
        (Family::Hash, library::HASHES),
        (Family::Number, library::NUMBERS),
        (Family::Collection, library::COLLECTIONS),
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
        let mut bound = arguments.iter().map(|source| self.bind(source)).collect::<Result<Vec<_>, _>>()?;
        self.unify(whole, function, &mut bound)?;
        for (position, source) in arguments.iter().enumerate() {
            let (kind, data_type) = (function.kind(position), bound[position].data_type());
            if !kind.takes(data_type) {
                let message =
                    format!("{} needs {} here, found {}", function.name, kind.expected(), describe(data_type));
                let text = kind == Kind::Text && cast::is_castable(data_type, DataType::STRING);
                let hint = if text { "CAST it AS STRING".to_owned() } else { format!("write {}", function.form) };
                return Err(self.error(source, message).hint(hint));
            }
            if kind == Kind::Double {
                let number = std::mem::replace(&mut bound[position], Expr::literal(Value::Null, DataType::Null));
                bound[position] = coerced(number, DataType::Double);
            }
        }
        if let Err((position, why)) = (function.check)(&bound) {
            return Err(self.error(arguments.get(position).copied().unwrap_or(whole), why));
        }
        let result = match function.result {
            Returns::Is(data_type) => Ok(data_type),
            Returns::By(_, of) => of(&bound),
        };
        self.made(whole, Node::Library(function, bound), result)
    }

    /// Brings arguments together, if the function wants it.
    fn unify(&self, whole: &ast::Expr, function: &Function, bound: &mut [Expr]) -> Result<(), SqlError> {
        let types: Vec<DataType> = match function.unify {
            Unify::Nothing => return Ok(()),
            Unify::All => bound.iter().map(Expr::data_type).collect(),
            // What is no array is refused later.
            Unify::ElementOfFirst => match bound {
                [array, value] if let Some(element) = array.data_type().element() => vec![element, value.data_type()],
                _ => return Ok(()),
            },
        };
        let common = types.iter().try_fold(DataType::Null, |common, of| common_type(common, *of));
        let Some(common) = common else {
            let types: Vec<String> = types.into_iter().map(describe).collect();
            let message = format!("the arguments of {} have no common type: {}", function.name, types.join(", "));
            return Err(self.error(whole, message).hint("CAST one of them"));
        };
        for (at, argument) in bound.iter_mut().enumerate() {
            let to = match function.unify == Unify::ElementOfFirst && at == 0 {
                true => DataType::array(common).map_err(|limit| self.error(whole, limit.to_string()))?,
                false => common,
            };
            let owned = std::mem::replace(argument, Expr::literal(Value::Null, DataType::Null));
            *argument = coerced(owned, to);
            // The result is of the first argument's type, so that has to be the common one.
            if at == 0 && argument.data_type() != to {
                let input = std::mem::replace(argument, Expr::literal(Value::Null, DataType::Null));
                let from = input.data_type();
                *argument = Expr::new(Node::Cast { input: Box::new(input), from, lenient: false }, to);
            }
        }
        Ok(())
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
