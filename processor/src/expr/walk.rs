//! Walking over and rewriting trees of expressions.

use super::function::ScalarFunction;
use super::{Expr, Node};

impl Expr {
    /// The parts this expression is directly made of.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Column(_) | Node::Literal(_) | Node::Aggregate(_) => Vec::new(),
            Node::And(list) | Node::Or(list) => list.iter().collect(),
            Node::Call(_, list) | Node::Library(_, list) | Node::Json(_, list) | Node::User(_, list) => {
                list.iter().collect()
            }
            Node::Not(input)
            | Node::Field(input, _)
            | Node::Negate(input)
            | Node::Is { input, .. }
            | Node::Like { input, .. }
            | Node::Cast { input, .. } => vec![input],
            Node::Compare(_, left, right) | Node::Arithmetic(_, left, right) => vec![left, right],
            Node::Distinct { operands, .. } => vec![&operands.0, &operands.1],
            Node::PlusInterval { input, interval, .. } => vec![input, interval],
            Node::Case { branches, otherwise } => {
                let mut parts: Vec<&Expr> = branches.iter().flat_map(|(when, then)| [when, then]).collect();
                parts.push(otherwise);
                parts
            }
            Node::InList { input, list, .. } => std::iter::once(&**input).chain(list).collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.node {
            Node::Column(_) | Node::Literal(_) | Node::Aggregate(_) => Vec::new(),
            Node::And(list) | Node::Or(list) => list.iter_mut().collect(),
            Node::Call(_, list) | Node::Library(_, list) | Node::Json(_, list) | Node::User(_, list) => {
                list.iter_mut().collect()
            }
            Node::Not(input)
            | Node::Field(input, _)
            | Node::Negate(input)
            | Node::Is { input, .. }
            | Node::Like { input, .. }
            | Node::Cast { input, .. } => vec![input],
            Node::Compare(_, left, right) | Node::Arithmetic(_, left, right) => vec![left, right],
            Node::Distinct { operands, .. } => {
                let (left, right) = &mut **operands;
                vec![left, right]
            }
            Node::PlusInterval { input, interval, .. } => vec![input, interval],
            Node::Case { branches, otherwise } => {
                let mut parts: Vec<&mut Expr> = branches.iter_mut().flat_map(|(when, then)| [when, then]).collect();
                parts.push(otherwise);
                parts
            }
            Node::InList { input, list, .. } => std::iter::once(&mut **input).chain(list).collect(),
        }
    }

    /// Whether a column of a window is in it that is known only once rows are aggregated.
    pub(crate) fn has_window_column(&self) -> bool {
        matches!(self.node, Node::Call(super::ScalarFunction::WindowColumn(_), _))
            || self.children().into_iter().any(Expr::has_window_column)
    }

    /// Calls `visit` with the position of every column the expression reads, repeatedly if it is read repeatedly.
    pub fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        if let Node::Column(index) = self.node {
            visit(index);
        }
        for child in self.children() {
            child.for_each_column(visit);
        }
    }

    /// As [`Expr::for_each_column`], with the column's type.
    pub(crate) fn for_each_typed_column(&self, visit: &mut impl FnMut(usize, super::DataType)) {
        if let Node::Column(index) = self.node {
            visit(index, self.data_type);
        }
        for child in self.children() {
            child.for_each_typed_column(visit);
        }
    }

    /// Gives every column a new position.
    pub(crate) fn map_columns(&mut self, map: &impl Fn(usize) -> usize) {
        if let Node::Column(index) = &mut self.node {
            *index = map(*index);
        }
        for child in self.children_mut() {
            child.map_columns(map);
        }
    }

    /// Replaces, from the outside in, every part for which `replace` has something else.
    pub(crate) fn rewrite<E>(mut self, replace: &mut impl FnMut(&Expr) -> Result<Option<Expr>, E>) -> Result<Expr, E> {
        if let Some(other) = replace(&self)? {
            return Ok(other);
        }
        for child in self.children_mut() {
            let placeholder = Expr::literal(super::Value::Null, super::DataType::Null);
            *child = std::mem::replace(child, placeholder).rewrite(replace)?;
        }
        Ok(self)
    }

    /// How many parts the expression has, and how deep they are nested; a column alone is 1 and 1.
    pub(crate) fn measure(&self) -> (usize, usize) {
        let (mut parts, mut depth) = (1, 0);
        for child in self.children() {
            let (child_parts, child_depth) = child.measure();
            parts += child_parts;
            depth = depth.max(child_depth);
        }
        (parts, depth + 1)
    }

    /// Whether the expression is PROCTIME(), which has no value of its own.
    pub(crate) fn is_proctime(&self) -> bool {
        matches!(self.node, Node::Call(ScalarFunction::Proctime, _))
    }

    /// What of a record the expression stands for, if it is nothing but that.
    pub(crate) fn as_metadata(&self) -> Option<super::Metadata> {
        match self.node {
            Node::Call(ScalarFunction::Metadata(metadata), _) => Some(metadata),
            _ => None,
        }
    }

    /// Whether the value depends on when it is computed.
    pub(crate) fn is_volatile(&self) -> bool {
        matches!(self.node, Node::Call(ScalarFunction::Volatile(_), _))
            || self.children().into_iter().any(Expr::is_volatile)
    }

    /// Whether the expression reads no row, and gives the same each time.
    pub(crate) fn is_constant(&self) -> bool {
        !matches!(self.node, Node::Column(_) | Node::Aggregate(_) | Node::Call(ScalarFunction::Volatile(_), _))
            && self.children().iter().all(|part| part.is_constant())
    }

    /// The value itself if the expression reads no row and can be computed; else the expression as it is.
    pub(crate) fn folded(self) -> Expr {
        if self.as_literal().is_some() || !self.is_constant() {
            return self;
        }
        let value = self.eval(&[]).map(super::Value::into_owned);
        match value {
            Ok(value) => Expr::literal(value, self.data_type),
            Err(_) => self,
        }
    }
}
