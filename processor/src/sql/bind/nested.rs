//! Rows, arrays and maps: made (`ROW(..)`, `ARRAY[..]`, `MAP[..]`) and looked into (`r.f`, `a[1]`, `m['k']`).

use sqlparser::ast::{self, AccessExpr, Ident, Subscript};
use sqlparser::tokenizer::Span;

use super::super::error::{SqlError, did_you_mean};
use super::{Binder, coerce, coerced, describe};
use crate::expr::library::{AT_INDEX, AT_KEY, MAKE_ARRAY, MAKE_MAP, MAKE_ROW};
use crate::expr::{DataType, Expr, Node, TypeLimit, Value};

impl Binder<'_> {
    /// `table.column`, `column.field`, `table.column.field` and so on: what is before the first dot is a table if there is one of that name.
    pub(super) fn dotted(&mut self, parts: &[Ident]) -> Result<Expr, SqlError> {
        let [first, second, ..] = parts else {
            return match parts {
                [name] => self.column(None, &name.value, name.span),
                _ => Err(SqlError::new(self.here, "a name is missing")),
            };
        };
        let fields = self.scope.fields;
        let of_table = |name: &Ident| fields.iter().any(|field| field.qualifier.as_deref() == Some(&*name.value));
        let is_row =
            |field: &super::super::scope::Field| field.name == first.value && field.expr.data_type().fields().is_some();
        let in_table =
            fields.iter().any(|field| field.qualifier.as_deref() == Some(&*first.value) && field.name == second.value);
        let (mut bound, rest) =
            if !in_table && (!of_table(first) || fields.iter().any(is_row)) && fields.iter().any(is_row) {
                (self.column(None, &first.value, first.span)?, &parts[1..])
            } else {
                let span = Span::union(&first.span, &second.span);
                (self.column(Some(&first.value), &second.value, span)?, &parts[2..])
            };
        for name in rest {
            bound = self.field(bound, name)?;
        }
        Ok(bound)
    }

    /// `root.field[index]..`.
    pub(super) fn access(
        &mut self,
        whole: &ast::Expr,
        root: &ast::Expr,
        chain: &[AccessExpr],
    ) -> Result<Expr, SqlError> {
        // The names up to the first bracket belong together.
        let mut names: Vec<Ident> = match root {
            ast::Expr::Identifier(name) => vec![name.clone()],
            ast::Expr::CompoundIdentifier(names) => names.clone(),
            _ => Vec::new(),
        };
        let mut chain = chain.iter().peekable();
        while let Some(AccessExpr::Dot(ast::Expr::Identifier(name))) = chain.peek().filter(|_| !names.is_empty()) {
            names.push(name.clone());
            chain.next();
        }
        let mut bound = if names.is_empty() { self.bind(root)? } else { self.dotted(&names)? };
        for access in chain {
            bound = match access {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => self.field(bound, name)?,
                AccessExpr::Subscript(Subscript::Index { index }) => self.item(whole, bound, index)?,
                AccessExpr::Dot(_) | AccessExpr::Subscript(_) => {
                    return Err(self.error(whole, "Flink SQL looks into values with .field, [index] and [key]"));
                }
            };
        }
        Ok(bound.folded())
    }

    fn field(&self, row: Expr, name: &Ident) -> Result<Expr, SqlError> {
        let Some(fields) = row.data_type().fields() else {
            let found = describe(row.data_type());
            return Err(SqlError::new(
                name.span,
                format!("{found} has no field {}: only a ROW has fields", name.value),
            ));
        };
        match fields.iter().position(|(field, _)| *field == name.value) {
            Some(at) => Ok(Expr::new(Node::Field(Box::new(row), at), fields[at].1)),
            None => {
                let known = fields.iter().map(|(field, _)| field.as_str());
                Err(SqlError::new(name.span, format!("there is no field {} in {}", name.value, row.data_type()))
                    .maybe_hint(did_you_mean(&name.value, known)))
            }
        }
    }

    fn item(&mut self, whole: &ast::Expr, of: Expr, index: &ast::Expr) -> Result<Expr, SqlError> {
        let bound = self.bind(index)?;
        if let Some(element) = of.data_type().element() {
            if !bound.data_type().is_integer() && bound.data_type() != DataType::Null {
                let message = format!("an array is looked into by an integer, found {}", describe(bound.data_type()));
                return Err(self.error(index, message));
            }
            if let Some(Value::Integer(..1)) = bound.as_literal() {
                return Err(self.error(index, "the elements of an array are counted from 1"));
            }
            return Ok(Expr::new(Node::Library(AT_INDEX, vec![of, bound]), element));
        }
        match of.data_type().entry() {
            Some((key, value)) => {
                let Some(common) =
                    coerce::common(key, bound.data_type()).filter(|common| coerce::is_same(*common, key))
                else {
                    let message =
                        format!("a key of {} is wanted, found {}", of.data_type(), describe(bound.data_type()));
                    return Err(self.error(index, message).hint("CAST it"));
                };
                let key = coerced(bound, common);
                Ok(Expr::new(Node::Library(AT_KEY, vec![of, key]), value))
            }
            None => {
                let found = describe(of.data_type());
                Err(self.error(whole, format!("{found} cannot be looked into with []: only an ARRAY or a MAP can")))
            }
        }
    }

    /// `ARRAY[a, b, ..]`.
    pub(super) fn array(&mut self, whole: &ast::Expr, elements: &[ast::Expr]) -> Result<Expr, SqlError> {
        if elements.is_empty() {
            return Err(self.error(whole, "an ARRAY[..] needs an element, to know its type"));
        }
        let (elements, element) = self.all_of_one_type(elements.iter(), "the elements of ARRAY")?;
        self.made(whole, Node::Library(MAKE_ARRAY, elements), DataType::array(element))
    }

    /// `MAP[key, value, ..]`.
    pub(super) fn map(&mut self, whole: &ast::Expr, parts: &[&ast::Expr]) -> Result<Expr, SqlError> {
        if parts.is_empty() || !parts.len().is_multiple_of(2) {
            let error =
                self.error(whole, format!("MAP takes keys and values in turn, there are {} parts", parts.len()));
            return Err(error.hint("write MAP['a', 1, 'b', 2]"));
        }
        let every = |from: usize| parts.iter().copied().skip(from).step_by(2);
        let (keys, key) = self.all_of_one_type(every(0), "the keys of MAP")?;
        let (values, value) = self.all_of_one_type(every(1), "the values of MAP")?;
        let parts = keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]).collect();
        self.made(whole, Node::Library(MAKE_MAP, parts), DataType::map(key, value))
    }

    /// `ROW(a, b, ..)`: its fields are called EXPR$0, EXPR$1 and so on, as in Flink.
    pub(super) fn row(&mut self, whole: &ast::Expr, fields: &[&ast::Expr]) -> Result<Expr, SqlError> {
        if fields.is_empty() {
            return Err(self.error(whole, "a ROW has at least one field"));
        }
        let fields = fields.iter().map(|field| self.bind(field)).collect::<Result<Vec<_>, _>>()?;
        let named = fields.iter().enumerate().map(|(at, field)| (format!("EXPR${at}"), field.data_type()));
        let data_type = DataType::row(named.collect());
        self.made(whole, Node::Library(MAKE_ROW, fields), data_type)
    }

    fn all_of_one_type<'e>(
        &mut self,
        sources: impl Iterator<Item = &'e ast::Expr>,
        what: &str,
    ) -> Result<(Vec<Expr>, DataType), SqlError> {
        let bound = sources.map(|source| Ok((source, self.bind(source)?))).collect::<Result<Vec<_>, SqlError>>()?;
        self.unified(bound, what)
    }

    /// An expression of a type that may be over a limit.
    pub(super) fn made(
        &self,
        whole: &ast::Expr,
        node: Node,
        data_type: Result<DataType, TypeLimit>,
    ) -> Result<Expr, SqlError> {
        Ok(Expr::new(node, data_type.map_err(|limit| self.error(whole, limit.to_string()))?))
    }

    /// Refuses to order values that have no order.
    pub(super) fn ordered(&self, source: &ast::Expr, data_type: DataType, what: &str) -> Result<(), SqlError> {
        match data_type.nested() {
            Some(nested) => Err(self.error(source, format!("{what} needs values that have an order, found {nested}"))),
            None => Ok(()),
        }
    }
}
