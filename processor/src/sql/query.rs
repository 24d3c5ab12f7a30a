//! Queries: FROM, WHERE and SELECT; the aggregation is in `group.rs`.

use std::collections::BTreeMap;
use std::rc::Rc;

use sqlparser::ast::{
    self, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableFactor,
};
use sqlparser::tokenizer::Span;

use super::bind::Binder;
use super::catalog::{Catalog, Entry};
use super::error::SqlError;
use super::group_window;
use super::over;
use super::parse::last_of_path;
use super::position;
use super::rank;
use super::relation::{Relation, Updating, Windowing};
use super::scope::Field;
use super::table::Table;
use super::union;
use super::unnest::Unnesting;
use crate::expr::{DataType, Expr};
use crate::plan::{Normalize, Stage, Window};

/// The deepest nesting of views and subqueries.
const MAX_QUERY_DEPTH: usize = 16;

/// The most columns a query has.
pub(super) const MAX_FIELDS: usize = 2000;

/// Plans queries over the tables and views of a catalog.
pub(crate) struct QueryPlanner<'a> {
    catalog: &'a Catalog,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// WITH queries, by name.
    with: BTreeMap<String, Relation>,
    depth: usize,
    /// Which of its grouping sets the outermost query is planned with; `None` where it may have but one.
    set: Option<usize>,
    /// Where to point if a query's own place is not known.
    statement: Span,
}

impl<'a> QueryPlanner<'a> {
    /// A planner that knows the catalog's tables.
    pub(crate) fn new(catalog: &'a Catalog, statement: Span) -> Self {
        Self { catalog, warnings: Vec::new(), with: BTreeMap::new(), depth: 0, set: None, statement }
    }

    /// The same for one grouping set of the outermost query.
    pub(crate) fn with_grouping_set(self, set: usize) -> Self {
        Self { set: Some(set), ..self }
    }

    /// The grouping set that the query being planned is planned with.
    pub(super) fn grouping_set(&self) -> Option<usize> {
        self.set.filter(|_| self.depth == 1)
    }

    /// Plans a whole query.
    pub(crate) fn query(&mut self, query: &ast::Query) -> Result<Relation, SqlError> {
        let span = match position::of_query(query) {
            span if span.start.line == 0 => self.statement,
            span => span,
        };
        if self.depth == MAX_QUERY_DEPTH {
            return Err(SqlError::new(span, format!("queries are nested more than {MAX_QUERY_DEPTH} deep")));
        }
        self.depth += 1;
        let outer = self.with.clone();
        let relation = self.query_body(query, span);
        self.with = outer;
        self.depth -= 1;
        relation
    }

    fn query_body(&mut self, query: &ast::Query, span: Span) -> Result<Relation, SqlError> {
        if let Some(with) = &query.with {
            self.bind_with(with)?;
        }
        let unsupported =
            |what: &str| Err(SqlError::new(span, format!("{what} is not supported: a stream has no end")));
        if query.order_by.is_some() {
            return unsupported("ORDER BY");
        }
        if query.limit_clause.is_some() || query.fetch.is_some() {
            return unsupported("LIMIT");
        }
        match &*query.body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(inner) => self.query(inner),
            SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right } => {
                let mut side = |body: &SetExpr| match body {
                    SetExpr::Query(inner) => self.query(inner),
                    body => {
                        let inner = ast::Query { with: None, body: Box::new(body.clone()), ..query.clone() };
                        self.query(&inner)
                    }
                };
                let (left, right) = (side(left)?, side(right)?);
                union::all(left, right, span)
            }
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::None | SetQuantifier::Distinct,
                left,
                right,
            } => self.select(&union::distinct(query, left, right, span)),
            SetExpr::SetOperation { op, .. } => {
                Err(SqlError::new(span, format!("{op} is not supported yet")).hint("there is UNION and UNION ALL"))
            }
            SetExpr::Values(_) => Err(SqlError::new(span, "VALUES is not supported: a job reads a topic")
                .hint("in `forebay sql`, INSERT INTO a table VALUES (..) writes rows once")),
            _ => Err(SqlError::new(span, "expected SELECT")),
        }
    }

    fn bind_with(&mut self, with: &ast::With) -> Result<(), SqlError> {
        if with.recursive {
            return Err(SqlError::new(with.with_token.0.span, "WITH RECURSIVE is not supported"));
        }
        for table in &with.cte_tables {
            let mut relation = self.query(&table.query)?;
            rename(&mut relation, &table.alias)?;
            self.with.insert(table.alias.name.value.clone(), relation);
        }
        Ok(())
    }

    /// What the catalog has of this name, unless a WITH query has it.
    pub(super) fn table_named(&self, name: &str) -> Option<&'a Entry> {
        self.catalog.get(name).filter(|_| !self.with.contains_key(name))
    }

    /// A table, view or WITH query by its name.
    pub(super) fn named(&mut self, name: &str, span: Span) -> Result<Relation, SqlError> {
        if let Some(relation) = self.with.get(name) {
            return Ok(relation.clone().with_steady_columns());
        }
        match self.catalog.get(name) {
            Some(Entry::Table(table)) if table.options.upsert => Ok(changing(table, name, span)),
            Some(Entry::Table(table)) => Ok(Relation {
                table: table.clone(),
                others: Vec::new(),
                stages: Vec::new(),
                fields: table.fields_as(name),
                windowing: None,
                updating: None,
                ranking: None,
            }),
            Some(Entry::View(relation)) => {
                let mut relation = (**relation).clone().with_steady_columns();
                relation.qualify(name);
                Ok(relation)
            }
            None => Err(self.catalog.unknown(name, span, self.with.keys().map(String::as_str))),
        }
    }

    fn select(&mut self, select: &ast::Select) -> Result<Relation, SqlError> {
        if let Some(grouped) = self.distinct_as_groups(select)? {
            return self.select(&grouped);
        }
        if let Some(windowing) = group_window::as_windowing(select)? {
            return self.select(&windowing);
        }
        if !select.named_window.is_empty() {
            return self.select(&over::with_named_windows(select)?);
        }
        refuse_clauses(select)?;
        let mut filter = select.selection.clone();
        let mut relation = self.joined(&select.from, &mut filter, select.select_token.0.span)?;
        relation = self.subqueries(relation, &mut filter)?;
        if let Some(condition) = &filter
            && let Some(ranking) = relation.ranking.take()
        {
            relation = self.ranked(relation, ranking, condition)?;
        } else if let Some(condition) = &filter {
            // Flink 2.2.1 leaves rows out before it makes sessions of them for an aggregation, but after that for a SESSION alone.
            let is_session = |windowing: &Windowing| matches!(windowing.window, Window::Session { .. });
            if !is_aggregate(select) && relation.windowing.as_ref().is_some_and(is_session) {
                relation = relation.with_rows();
            }
            let mut bound = self.condition(condition, &relation)?;
            if bound.has_window_column() {
                relation = relation.with_rows();
                bound = self.condition(condition, &relation)?;
            }
            relation.stages.push(Stage::Filter(bound));
        }
        relation = relation.without_ranking()?;
        if is_aggregate(select) {
            if let Some(qualify) = &select.qualify {
                let error = SqlError::new(position::of(qualify), "QUALIFY beside GROUP BY is not supported yet");
                return Err(error.hint("put the aggregation into a subquery"));
            }
            return self.aggregate(select, relation);
        }
        if let Some(having) = &select.having {
            return Err(SqlError::new(position::of(having), "HAVING without GROUP BY").hint("write WHERE"));
        }
        if over::is_over(select) {
            return self.over_rows(select, relation);
        }
        let mut rank = rank::rank_column();
        match &select.qualify {
            Some(qualify) => (relation, rank) = self.qualified_rows(select, qualify, relation)?,
            None => relation.ranking = self.ranking(&select.projection, &relation)?,
        }
        relation.fields = self.project(&select.projection, &relation, &rank)?;
        Ok(relation)
    }

    /// SELECT DISTINCT as the GROUP BY that it is.
    fn distinct_as_groups(&mut self, select: &ast::Select) -> Result<Option<ast::Select>, SqlError> {
        let span = select.select_token.0.span;
        match &select.distinct {
            None | Some(ast::Distinct::All) => return Ok(None),
            Some(ast::Distinct::On(_)) => return Err(SqlError::new(span, "Flink SQL has no DISTINCT ON")),
            Some(ast::Distinct::Distinct) => {}
        }
        if is_aggregate(select) {
            return Err(SqlError::new(span, "SELECT DISTINCT of groups is not supported yet")
                .hint("the rows of a window's groups are different already, if the keys are among their columns"));
        }
        if let [SelectItem::Wildcard(_)] = select.projection.as_slice() {
            return self.distinct_rows(select).map(Some);
        }
        let column = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Ok(expr.clone()),
            _ => Err(SqlError::new(span, "SELECT DISTINCT with t.*, or with * beside columns, is not supported yet")
                .hint("name the columns")),
        };
        let columns = select.projection.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let group_by = ast::GroupByExpr::Expressions(columns, Vec::new());
        Ok(Some(ast::Select { distinct: None, group_by, ..select.clone() }))
    }

    /// `SELECT DISTINCT *`: the query without DISTINCT gets a name and columns by number, and is grouped by all of them.
    fn distinct_rows(&mut self, select: &ast::Select) -> Result<ast::Select, SqlError> {
        let span = select.select_token.0.span;
        // No name in a statement is like it.
        let name = format!("\0{}", self.depth);
        let mut relation = self.select(&ast::Select { distinct: None, ..select.clone() })?;
        let part = |text: String| ast::Ident { value: text, quote_style: Some('`'), span };
        let (mut projection, mut columns) = (Vec::new(), Vec::new());
        for (at, field) in relation.fields.iter_mut().enumerate() {
            let alias = part(std::mem::replace(&mut field.name, at.to_string()));
            field.qualifier = None;
            let expr = ast::Expr::Identifier(part(at.to_string()));
            columns.push(expr.clone());
            projection.push(SelectItem::ExprWithAlias { expr, alias });
        }
        self.with.insert(name.clone(), relation.without_ranking()?);
        let all = union::all_of(part(name), span);
        let group_by = ast::GroupByExpr::Expressions(columns, Vec::new());
        Ok(ast::Select { projection, group_by, ..all })
    }

    /// The condition of WHERE.
    pub(super) fn condition(&mut self, condition: &ast::Expr, relation: &Relation) -> Result<Expr, SqlError> {
        let what = relation.what();
        let mut binder = Binder::new(relation.scope(&what), "WHERE");
        let bound = binder.bind_condition(condition)?;
        self.warnings.append(&mut binder.warnings);
        Ok(bound)
    }

    /// One table of FROM.
    pub(super) fn factor(&mut self, factor: &TableFactor, span: Span) -> Result<Relation, SqlError> {
        match factor {
            TableFactor::Table { name, alias, args, version, .. } => {
                let parts = &name.0;
                let last = last_of_path(parts, |part| part.as_ident().map_or("", |name| &name.value));
                let Some(part) = last.and_then(|part| part.as_ident()) else {
                    return Err(SqlError::new(
                        factor_span(factor).unwrap_or(span),
                        "there is one catalog with one database",
                    )
                    .hint("leave them out, or write default_catalog.default_database"));
                };
                if let Some(unnesting) = Unnesting::of(factor) {
                    return Err(unnesting.alone());
                }
                if version.is_some() {
                    let message = "FOR SYSTEM_TIME AS OF is for the right side of a join";
                    return Err(SqlError::new(part.span, message)
                        .hint("write FROM orders AS o JOIN t FOR SYSTEM_TIME AS OF o.ts ON o.id = t.id"));
                }
                let mut relation = match args {
                    Some(arguments) => self.windowing(&part.value, part.span, &arguments.args)?,
                    None => self.named(&part.value, part.span)?,
                };
                if let Some(alias) = alias {
                    rename(&mut relation, alias)?;
                }
                Ok(relation)
            }
            TableFactor::TableFunction { expr, alias } => {
                let ast::Expr::Function(function) = expr else {
                    return Err(SqlError::new(position::of(expr), "expected a windowing function in TABLE(..)")
                        .hint("write TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))"));
                };
                let arguments: &[ast::FunctionArg] = match &function.args {
                    ast::FunctionArguments::List(list) => &list.args,
                    _ => &[],
                };
                let mut relation = self.windowing(&function.name.to_string(), position::of(expr), arguments)?;
                if let Some(alias) = alias {
                    rename(&mut relation, alias)?;
                }
                Ok(relation)
            }
            TableFactor::Derived { lateral: false, subquery, alias, .. } => {
                let mut relation = self.query(subquery)?.with_steady_columns();
                match alias {
                    Some(alias) => rename(&mut relation, alias)?,
                    None => relation.fields.iter_mut().for_each(|field| field.qualifier = None),
                }
                Ok(relation)
            }
            TableFactor::NestedJoin { table_with_joins, alias } if table_with_joins.joins.is_empty() => {
                let mut relation = self.factor(&table_with_joins.relation, span)?;
                if let Some(alias) = alias {
                    rename(&mut relation, alias)?;
                }
                Ok(relation)
            }
            TableFactor::MatchRecognize { .. } => Err(SqlError::new(span, "MATCH_RECOGNIZE is not supported yet")),
            _ => Err(SqlError::new(factor_span(factor).unwrap_or(span), "this kind of table is not supported in FROM")),
        }
    }

    /// The SELECT list of a query without aggregates.
    fn project(&mut self, items: &[SelectItem], relation: &Relation, rank: &Expr) -> Result<Vec<Field>, SqlError> {
        let what = relation.what();
        let mut fields = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let (expr, name) = match item {
                SelectItem::Wildcard(_) => {
                    fields.extend(relation.fields.iter().cloned());
                    continue;
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    fields.extend(qualified(kind, relation)?);
                    continue;
                }
                SelectItem::UnnamedExpr(expr) => (expr, default_name(expr, index)),
                SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone()),
                SelectItem::ExprWithAliases { expr, .. } => {
                    return Err(SqlError::new(position::of(expr), "an expression has one alias"));
                }
            };
            let bound = if rank::row_number(expr).is_some() {
                rank.clone()
            } else {
                let mut binder = Binder::new(relation.scope(&what), "SELECT");
                let bound = binder.bind(expr)?;
                self.warnings.append(&mut binder.warnings);
                bound
            };
            let rowtime = relation.fields.iter().any(|field| field.rowtime && field.expr == bound);
            fields.push(Field { qualifier: None, name, expr: bound, rowtime });
        }
        if fields.len() > MAX_FIELDS {
            return Err(SqlError::new(Span::empty(), format!("a query has at most {MAX_FIELDS} columns")));
        }
        Ok(fields)
    }
}

/// A table of `upsert-kafka`: of each key the last row, told with what it was before.
pub(super) fn changing(table: &Rc<Table>, name: &str, span: Span) -> Relation {
    let fields = table.fields_as(name);
    let mut columns: Vec<(usize, DataType)> =
        fields.iter().filter_map(|field| Some((field.expr.as_column()?, field.expr.data_type()))).collect();
    columns.sort_unstable_by_key(|(column, _)| *column);
    let in_key = |column: &str| table.options.key.as_ref().is_some_and(|key| key.fields.iter().any(|of| of == column));
    let keys = fields.iter().filter(|field| in_key(&field.name)).map(|field| field.expr.clone()).collect();
    Relation {
        table: table.clone(),
        others: Vec::new(),
        stages: vec![Stage::Normalize(Normalize { keys, columns, ttl_ms: None })],
        fields: fields.into_iter().map(|field| Field { rowtime: false, ..field }).collect(),
        windowing: None,
        updating: Some(Updating {
            what: "a table of 'upsert-kafka', whose rows are replaced and removed",
            span,
            instead: None,
        }),
        ranking: None,
    }
}

/// `t.*`.
pub(super) fn qualified(kind: &SelectItemQualifiedWildcardKind, relation: &Relation) -> Result<Vec<Field>, SqlError> {
    let name = kind.to_string();
    let name = name.trim_end_matches(".*").trim_matches('`');
    let of_table = |field: &&Field| field.qualifier.as_deref() == Some(name);
    let fields: Vec<Field> = relation.fields.iter().filter(of_table).cloned().collect();
    if fields.is_empty() {
        let span = match kind {
            SelectItemQualifiedWildcardKind::ObjectName(name) => ast::Spanned::span(name),
            SelectItemQualifiedWildcardKind::Expr(expr) => position::of(expr),
        };
        return Err(SqlError::new(span, format!("there is no table {name} in FROM")));
    }
    Ok(fields)
}

/// A column keeps its name; other expressions are called EXPR$0, EXPR$1 and so on, as in Flink.
pub(super) fn default_name(expr: &ast::Expr, index: usize) -> String {
    match expr {
        ast::Expr::Identifier(name) => name.value.clone(),
        ast::Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(name) => name.value.clone(),
            None => format!("EXPR${index}"),
        },
        _ => format!("EXPR${index}"),
    }
}

/// Gives a relation an alias, and its columns other names if the alias has them.
pub(super) fn rename(relation: &mut Relation, alias: &ast::TableAlias) -> Result<(), SqlError> {
    relation.qualify(&alias.name.value);
    if alias.columns.is_empty() {
        return Ok(());
    }
    if alias.columns.len() != relation.fields.len() {
        return Err(SqlError::new(
            alias.name.span,
            format!("{} columns have {} names", relation.fields.len(), alias.columns.len()),
        ));
    }
    for (field, column) in relation.fields.iter_mut().zip(&alias.columns) {
        field.name = column.name.value.clone();
    }
    Ok(())
}

pub(super) fn factor_span(factor: &TableFactor) -> Option<Span> {
    let span = match factor {
        TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => ast::Spanned::span(name),
        TableFactor::Derived { subquery, .. } => position::of_query(subquery),
        TableFactor::TableFunction { expr, .. } => position::of(expr),
        TableFactor::NestedJoin { table_with_joins, .. } => return factor_span(&table_with_joins.relation),
        TableFactor::UNNEST { array_exprs, .. } => position::of(array_exprs.first()?),
        _ => return None,
    };
    (span.start.line != 0).then_some(span)
}

/// Clauses that are not understood are refused, never passed over.
pub(super) fn refuse_clauses(select: &ast::Select) -> Result<(), SqlError> {
    let span = select.select_token.0.span;
    let others = [
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "SELECT .. INTO"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty(), "CLUSTER BY"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!select.sort_by.is_empty(), "SORT BY"),
        (select.exclude.is_some(), "EXCLUDE"),
    ];
    match others.iter().find(|(there, _)| *there) {
        Some((_, clause)) => Err(SqlError::new(span, format!("{clause} is not supported"))),
        None => Ok(()),
    }
}

/// Whether a SELECT groups rows: it has GROUP BY or calls an aggregate function.
pub(super) fn is_aggregate(select: &ast::Select) -> bool {
    let grouped = match &select.group_by {
        ast::GroupByExpr::All(_) => true,
        ast::GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
    };
    let calls = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => super::group::calls_aggregate(expr),
        _ => false,
    };
    grouped || select.projection.iter().any(calls)
}
