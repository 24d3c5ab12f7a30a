//! Flink SQL: statements in, plans out, mistakes with line and column.
//!
//! [`plan_job`] is the door. A text is parsed into statements (`parse`, `create_table`), tables are checked (`table`,
//! `options`), queries are planned into steps over rows (`query`, `window`, `group`), expressions are typed (`bind`), and
//! each INSERT INTO becomes a [`crate::plan::Pipeline`] that reads only the columns it needs (`insert`, `prune`).

mod bind;
mod branches;
mod catalog;
mod create_table;
mod data_type;
mod ddl;
mod dialect;
mod error;
mod formats;
mod functions;
mod group;
mod group_window;
pub mod infer;
mod inputs;
mod insert;
mod join;
mod json_call;
mod like;
mod missing;
mod narrow;
mod nested_type;
mod options;
mod over;
mod parse;
mod policy;
mod position;
mod prune;
mod qualify;
mod query;
mod rank;
mod reference;
mod relation;
mod reserved;
mod scope;
mod session;
mod settings;
mod shell;
mod statement;
mod steady;
mod table;
mod top;
mod union;
mod unnest;
mod upsert_key;
mod values;
mod window;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use bind::{MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_PARTS};
pub use catalog::MAX_TABLES;
pub use create_table::MAX_COLUMNS;
pub use error::SqlError;
pub use parse::{MAX_NESTING, MAX_TEXT_BYTES};
pub use reference::page as reference_page;
pub use session::{
    Asked, Listing, Names, Query, RESULT_TOPIC, SessionPlan, function_forms, names, plan_job_or_query, plan_session,
};
pub use values::Values;

use crate::expr::Functions;
use crate::plan::{JobPlan, Pipeline};
use catalog::{Catalog, Entry};
use query::QueryPlanner;
use relation::Relation;
use settings::Settings;
use sqlparser::tokenizer::Span;
use statement::{CreateView, Insert, Statement};
use table::Table;

/// The most INSERT INTO statements of one job.
pub const MAX_PIPELINES: usize = 100;

/// What the planner has to know about the place where the job will run.
#[derive(Clone)]
pub struct PlanContext<'a> {
    /// Whether a value of `properties.bootstrap.servers` names this broker. A job cannot read or write another one, so any other
    /// value is a mistake.
    pub is_this_broker: &'a (dyn Fn(&str) -> bool + Sync),
    /// The functions that statements can call beside SQL's own.
    pub functions: Arc<Functions>,
}

impl PlanContext<'_> {
    /// A context in which no address is that of this broker: `properties.bootstrap.servers` is to be left out.
    #[must_use]
    pub fn nowhere() -> PlanContext<'static> {
        PlanContext { is_this_broker: &|_| false, functions: Arc::default() }
    }
}

impl fmt::Debug for PlanContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlanContext")
    }
}

/// Plans a job from its statements.
///
/// # Errors
/// The first mistake, with its line and column.
pub fn plan_job(text: &str, context: &PlanContext<'_>) -> Result<JobPlan, SqlError> {
    with_deep_stack(|| plan(text, context)).map_err(|error| error.located_in(text))
}

/// Parsing and planning descend as deep as the text is nested, which is bounded ([`MAX_NESTING`],
/// [`MAX_EXPRESSION_DEPTH`]); the frames of an unoptimised build at that depth do not fit the stack of every caller.
fn with_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, SqlError> + Send) -> Result<T, SqlError> {
    /// Only what is used takes memory.
    const STACK_BYTES: usize = 64 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("sql-planner".to_owned()).stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, work) {
            Ok(planner) => planner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(SqlError::new(Span::empty(), format!("no thread for planning: {error}"))),
        }
    })
}

fn plan(text: &str, context: &PlanContext<'_>) -> Result<JobPlan, SqlError> {
    let mut known = Definitions::default();
    let mut pipelines = Vec::new();
    for statement in parse::parse(text)? {
        if let Some(Statement::Insert(insert)) = known.take(statement, context)? {
            known.insert(&insert, &mut pipelines)?;
        }
    }
    known.settings.check_streaming()?;
    if pipelines.is_empty() {
        return Err(SqlError::new(Span::empty(), "the job writes nothing").hint("add INSERT INTO table SELECT .."));
    }
    Ok(JobPlan { text: text.to_owned(), pipelines, warnings: known.warnings })
}

/// What the statements so far have made known.
#[derive(Debug, Default)]
struct Definitions {
    catalog: Catalog,
    settings: Settings,
    warnings: Vec<String>,
}

impl Definitions {
    /// Takes in a statement that makes something known; any other comes back.
    fn take(&mut self, statement: Statement, context: &PlanContext<'_>) -> Result<Option<Statement>, SqlError> {
        let Definitions { catalog, settings, warnings } = self;
        match statement {
            Statement::CreateTable(table) if table.if_not_exists && catalog.contains(&table.name.text) => {}
            Statement::CreateTable(table) => {
                let table = match &table.like {
                    Some(like) => Box::new(like::merged(&table, like, catalog.definition(&like.source)?)?),
                    None => table,
                };
                let entry = Entry::Table(Table::new(&table, context, warnings)?.into());
                catalog.add(&table.name, entry)?;
                catalog.define(*table);
            }
            Statement::CreateView(view) => {
                let relation = plan_view(&view, catalog, warnings)?;
                catalog.add(&view.name, Entry::View(Box::new(relation)))?;
            }
            Statement::Set(set) => settings.set(&set, warnings)?,
            Statement::Drop(drop) => catalog.remove(&drop)?,
            other => return Ok(Some(other)),
        }
        Ok(None)
    }

    /// Plans an INSERT INTO: each part of a UNION ALL, and each grouping set, is a pipeline.
    fn insert(&mut self, insert: &Insert, pipelines: &mut Vec<Pipeline>) -> Result<(), SqlError> {
        for branch in branches::of_union(insert) {
            for set in 0..branches::count_of_sets(&branch.query)? {
                if pipelines.len() == MAX_PIPELINES {
                    let message = format!("a job has at most {MAX_PIPELINES} INSERT INTO, and grouping sets");
                    return Err(SqlError::new(insert.span, message));
                }
                // Of other sets the warnings are the same.
                let mut said = Vec::new();
                pipelines.push(insert::plan(&branch, set, &self.catalog, &self.settings, &mut said)?);
                self.warnings.extend(said.into_iter().filter(|_| set == 0));
            }
        }
        Ok(())
    }
}

fn plan_view(view: &CreateView, catalog: &Catalog, warnings: &mut Vec<String>) -> Result<Relation, SqlError> {
    let mut planner = QueryPlanner::new(catalog, view.name.span);
    let mut relation = planner.query(&view.query)?;
    warnings.append(&mut planner.warnings);
    if !view.columns.is_empty() && view.columns.len() != relation.fields.len() {
        let message = format!("the view names {} columns, its query has {}", view.columns.len(), relation.fields.len());
        return Err(SqlError::new(view.name.span, message));
    }
    for (field, name) in relation.fields.iter_mut().zip(&view.columns) {
        field.name = name.text.clone();
    }
    Ok(relation)
}
