//! Calls of JSON functions. The dialect has read their clauses into named arguments.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};

use super::super::data_type;
use super::super::error::SqlError;
use super::super::formats;
use super::{Binder, coerced, describe};
use crate::expr::json::{ARRAY_PART, JsonFunction, JsonKind, JsonPath, OBJECT_PART, Otherwise, Wrapper};
use crate::expr::{DataType, Expr, Node, TruthTest, Value, cast};

/// A call's arguments and clauses.
struct Parts<'e> {
    arguments: Vec<&'e ast::Expr>,
    clauses: Vec<(&'e str, &'e ast::Expr)>,
}

impl<'e> Parts<'e> {
    fn of(function: &'e ast::Function) -> Self {
        let mut parts = Self { arguments: Vec::new(), clauses: Vec::new() };
        if let ast::FunctionArguments::List(list) = &function.args {
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => parts.arguments.push(expr),
                    FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                        parts.clauses.push((&name.value, expr));
                    }
                    _ => {}
                }
            }
        }
        parts
    }

    fn clause(&self, name: &str) -> Option<&'e ast::Expr> {
        self.clauses.iter().find(|(clause, _)| *clause == name).map(|(_, value)| *value)
    }

    fn word(&self, name: &str) -> Option<&'e str> {
        match self.clause(name)? {
            ast::Expr::Identifier(word) => Some(&word.value),
            _ => None,
        }
    }
}

impl Binder<'_> {
    pub(super) fn json(&mut self, whole: &ast::Expr, name: &str, function: &ast::Function) -> Result<Expr, SqlError> {
        let parts = Parts::of(function);
        match (name, parts.arguments.as_slice()) {
            ("JSON_OBJECT", pairs) => {
                let absent = parts.word("NULLS") == Some("ABSENT");
                let mut bound = Vec::with_capacity(pairs.len());
                for (at, argument) in pairs.iter().enumerate() {
                    bound.push(if at % 2 == 0 { self.text(argument, name)? } else { self.json_content(argument)? });
                }
                Ok(json_call(JsonFunction::Object { absent }, bound, DataType::STRING))
            }
            ("JSON_ARRAY", elements) => {
                // The standard: NULLs are left out of arrays unless told otherwise.
                let absent = parts.word("NULLS") != Some("NULL");
                let bound = elements.iter().map(|element| self.json_content(element)).collect::<Result<Vec<_>, _>>()?;
                Ok(json_call(JsonFunction::Array { absent }, bound, DataType::STRING))
            }
            (_, [text, path]) => {
                let text = self.text(text, name)?;
                let path = self.json_path(path, name)?;
                let (function, result) = self.json_look_up(name, &parts, path)?;
                Ok(json_call(function, vec![text], result))
            }
            (_, arguments) => Err(self
                .error(whole, format!("{name} takes a text and a path, there are {} arguments", arguments.len()))
                .hint(format!("write {name}(text, '$.member')"))),
        }
    }

    /// JSON_ARRAYAGG(value [NULL | ABSENT ON NULL]) and JSON_OBJECTAGG([KEY] key VALUE value [NULL | ABSENT ON NULL]): the argument and the
    /// filter of the call that gathers parts. Where NULLs are left out, the filter leaves them out.
    pub(super) fn json_gathered(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        function: &ast::Function,
    ) -> Result<(Expr, Option<Expr>), SqlError> {
        let parts = Parts::of(function);
        let filter = function.filter.as_deref().map(|condition| self.bind_condition(condition)).transpose()?;
        let (part, value, default) = match (name, parts.arguments.as_slice()) {
            ("JSON_ARRAYAGG", [value]) => {
                let value = self.json_content(value)?;
                (Expr::new(Node::Library(ARRAY_PART, vec![value.clone()]), DataType::STRING), value, "ABSENT")
            }
            ("JSON_OBJECTAGG", [key, value]) => {
                let (key, value) = (self.text(key, name)?, self.json_content(value)?);
                (Expr::new(Node::Library(OBJECT_PART, vec![key, value.clone()]), DataType::BYTES), value, "NULL")
            }
            _ => {
                let form =
                    if name == "JSON_ARRAYAGG" { "JSON_ARRAYAGG(value)" } else { "JSON_OBJECTAGG(key VALUE value)" };
                return Err(self.error(whole, format!("{name} takes other arguments")).hint(format!("write {form}")));
            }
        };
        if parts.word("NULLS").unwrap_or(default) == "NULL" {
            return Ok((part, filter));
        }
        let there = Node::Is { input: Box::new(value), test: TruthTest::Null, negated: true };
        let there = Expr::new(there, DataType::Boolean);
        let filter = match filter {
            Some(filter) => Expr::new(Node::And(vec![filter, there]), DataType::Boolean),
            None => there,
        };
        Ok((part, Some(filter)))
    }

    fn json_look_up(
        &mut self,
        name: &str,
        parts: &Parts<'_>,
        path: JsonPath,
    ) -> Result<(JsonFunction, DataType), SqlError> {
        if name == "JSON_EXISTS" {
            let error = match parts.word("ERROR") {
                Some("ERROR") => Otherwise::Fail,
                Some("TRUE") => Otherwise::Give(Value::Boolean(true)),
                Some("UNKNOWN") => Otherwise::Give(Value::Null),
                _ => Otherwise::Give(Value::Boolean(false)),
            };
            return Ok((JsonFunction::Exists { path, error }, DataType::Boolean));
        }
        let result = match parts.clause("RETURNING") {
            None => DataType::STRING,
            Some(named) => {
                let found = match named {
                    ast::Expr::Identifier(word) => data_type::from_text(&word.value),
                    _ => None,
                };
                let scalar = name == "JSON_VALUE";
                match found {
                    Some(to) if to.is_text() => DataType::STRING,
                    Some(to @ (DataType::Boolean | DataType::Int | DataType::Double)) if scalar => to,
                    Some(to) if !scalar && to.element().is_some_and(DataType::is_text) => DataType::TEXTS,
                    _ => {
                        let known = if scalar { "STRING, BOOLEAN, INT and DOUBLE" } else { "STRING and ARRAY<STRING>" };
                        return Err(self.error(named, format!("{name} can return {known}")));
                    }
                }
            }
        };
        let empty = self.json_otherwise(parts, "EMPTY", result)?;
        let error = self.json_otherwise(parts, "ERROR", result)?;
        if name == "JSON_VALUE" {
            return Ok((JsonFunction::Value { path, empty, error }, result));
        }
        let wrapper = match parts.word("WRAPPER") {
            Some("CONDITIONAL") => Wrapper::Conditional,
            Some("UNCONDITIONAL") => Wrapper::Unconditional,
            _ => Wrapper::Without,
        };
        Ok((JsonFunction::Query { path, wrapper, empty, error }, result))
    }

    fn json_otherwise(&mut self, parts: &Parts<'_>, clause: &str, result: DataType) -> Result<Otherwise, SqlError> {
        if let Some(source) = parts.clause(&format!("{clause} DEFAULT")) {
            let value = self.bind(source)?;
            let from = value.data_type();
            if !cast::is_castable(from, result) {
                return Err(self.error(source, format!("the default must be {result}, found {}", describe(from))));
            }
            return match coerced(value, result).as_literal() {
                Some(value) => Ok(Otherwise::Give(value.clone())),
                None => Err(self.error(source, "the default must be a constant")),
            };
        }
        Ok(match parts.word(clause) {
            Some("ERROR") => Otherwise::Fail,
            Some("EMPTY ARRAY") if result.element().is_some() => Otherwise::Give(Value::array(Vec::new())),
            Some("EMPTY ARRAY") => Otherwise::Give(Value::text("[]")),
            Some("EMPTY OBJECT") => Otherwise::Give(Value::text("{}")),
            _ => Otherwise::Give(Value::Null),
        })
    }

    fn json_path(&mut self, source: &ast::Expr, name: &str) -> Result<JsonPath, SqlError> {
        match self.bind(source)?.as_literal() {
            Some(Value::String(path)) => JsonPath::new(path).map_err(|why| self.error(source, why)),
            _ => Err(self.error(source, format!("the path of {name} must be a constant text"))),
        }
    }

    /// A value that goes into JSON.
    pub(super) fn json_content(&mut self, source: &ast::Expr) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        if bound.data_type().is_interval() {
            return Err(self.error(source, "an interval cannot be written as JSON"));
        }
        if let Some(key) = formats::odd_key(bound.data_type()) {
            return Err(self.error(source, format!("a map whose keys are {key} cannot be written as JSON")));
        }
        Ok(bound)
    }

    /// Functions without clauses.
    pub(super) fn plain_json(&mut self, name: &str, source: &ast::Expr) -> Result<Expr, SqlError> {
        let (function, argument) = match name {
            "JSON_STRING" => (JsonFunction::String, self.json_content(source)?),
            "JSON" => (JsonFunction::Raw, self.text(source, name)?),
            "JSON_QUOTE" => (JsonFunction::Quote, self.text(source, name)?),
            _ => (JsonFunction::Unquote, self.text(source, name)?),
        };
        Ok(json_call(function, vec![argument], DataType::STRING))
    }

    /// `text IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]`.
    pub(super) fn is_json(
        &mut self,
        source: &ast::Expr,
        kind: Option<&ast::JsonPredicateType>,
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let text = self.text(source, "IS JSON")?;
        let kind = match kind {
            None | Some(ast::JsonPredicateType::Value) => JsonKind::Value,
            Some(ast::JsonPredicateType::Scalar) => JsonKind::Scalar,
            Some(ast::JsonPredicateType::Array) => JsonKind::Array,
            Some(ast::JsonPredicateType::Object) => JsonKind::Object,
        };
        let test = json_call(JsonFunction::Is(kind), vec![text], DataType::Boolean);
        Ok(if negated { Expr::new(Node::Not(Box::new(test)), DataType::Boolean) } else { test })
    }
}

fn json_call(function: JsonFunction, arguments: Vec<Expr>, result: DataType) -> Expr {
    Expr::new(Node::Json(Box::new(function), arguments), result)
}
