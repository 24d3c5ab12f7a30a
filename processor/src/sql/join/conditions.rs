//! The conditions of a join, told apart by the sides that they look at.

use crate::expr::{Comparison, Expr, Node};
use crate::plan::JoinKind;

/// The parts of a condition that all have to hold.
pub(super) fn flattened(condition: Expr) -> Vec<Expr> {
    match condition.node() {
        Node::And(parts) => parts.iter().cloned().flat_map(flattened).collect(),
        _ => vec![condition],
    }
}

/// The conditions of a join, told apart. Those on both sides are over fields that are numbered through.
pub(super) struct Parts {
    /// Number of fields on the left.
    pub width: usize,
    /// Equations: each side over its own fields, and the whole.
    pub equal: Vec<(Expr, Expr, Expr)>,
    /// What must hold for a pair besides.
    pub pairs: Vec<Expr>,
    /// What must hold for rows of one side, over its own fields.
    pub filters: [Vec<Expr>; 2],
    /// Whether right rows are versions: one that is left out would bring an older one back.
    pub versions: bool,
}

impl Parts {
    /// Puts a condition where it belongs.
    pub fn add(&mut self, condition: Expr, kind: JoinKind) {
        let [keeps_left, keeps_right] = kind.keeps_unmatched();
        match self.sides(&condition) {
            // A side whose rows come out without a match too must not lose any.
            [true, false] if !keeps_left => self.filters[0].push(condition),
            [false, true] if !keeps_right && !self.versions => {
                let own = self.own(&condition);
                self.filters[1].push(own);
            }
            [true, true] => match condition.node() {
                Node::Compare(Comparison::Equal, a, b) => match (self.sides(a), self.sides(b)) {
                    ([true, false], [false, true]) => {
                        self.equal.push(((**a).clone(), self.own(b), condition.clone()));
                    }
                    ([false, true], [true, false]) => {
                        self.equal.push(((**b).clone(), self.own(a), condition.clone()));
                    }
                    _ => self.pairs.push(condition),
                },
                _ => self.pairs.push(condition),
            },
            _ => self.pairs.push(condition),
        }
    }

    /// Whether an expression looks at the left side, and whether at the right one.
    fn sides(&self, expr: &Expr) -> [bool; 2] {
        let mut sides = [false; 2];
        expr.for_each_column(&mut |column| sides[usize::from(column >= self.width)] = true);
        sides
    }

    /// An expression of the right side over its own fields.
    fn own(&self, expr: &Expr) -> Expr {
        let mut own = expr.clone();
        own.map_columns(&|column| column.saturating_sub(self.width));
        own
    }
}
