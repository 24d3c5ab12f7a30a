//! What a person at a shell asks for: the statements of a session so far, and one request more.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::branches;
use super::catalog::{Catalog, Entry};
use super::ddl;
use super::error::SqlError;
use super::functions;
use super::parse;
use super::query::QueryPlanner;
use super::reference::FAMILIES;
use super::statement::{self, ColumnDef, ColumnKind, CreateTable, Insert, Name, Show, Statement};
use super::table::Table;
use super::values::{self, Values};
use super::{Definitions, PlanContext, plan_job, with_deep_stack};
use crate::expr::like::LikePattern;
use crate::expr::{DataType, Functions};
use crate::plan::{ChangelogMode, Column, JobPlan, Pipeline, StartupMode};

/// The topic that a query by itself writes its rows to, each with its kind (`+I`) as the record's key; whoever runs it takes them from
/// there, there is no such topic.
pub const RESULT_TOPIC: &str = "__forebay-result";
/// How the result is called where a table is named. No plain name has a blank.
const RESULT: &str = "the result";

/// A request, planned.
#[derive(Debug)]
pub struct SessionPlan {
    /// What is asked for.
    pub asked: Asked,
    /// Whether the statements make something known that later requests build on.
    pub keeps: bool,
    /// What a person should know, one sentence each.
    pub warnings: Vec<String>,
}

/// What a request is for.
#[derive(Debug)]
pub enum Asked {
    /// Nothing but to make something known; this says what.
    Known(String),
    /// Something that the planner knows by itself.
    Listing(Listing),
    /// A query's rows.
    Query(Box<Query>),
    /// Rows that are written once.
    Values(Box<Values>),
    /// A job; `name` is that of `SET 'pipeline.name'`.
    Job {
        /// The job's name, if it was set.
        name: Option<String>,
        /// The job.
        plan: Box<JobPlan>,
    },
    /// SHOW JOBS.
    Jobs,
    /// SHOW TOPICS.
    Topics,
    /// SHOW STATE OF JOB.
    State {
        /// The job.
        job: String,
        /// The key whose rows are asked for; all of them without.
        key: Option<String>,
    },
    /// CREATE TABLE without columns: they are to be proposed from the topic's records.
    Infer {
        /// The table.
        table: String,
        /// Its options, in their order.
        options: Vec<(String, String)>,
        /// Where the table is named, for messages: line and column from 1.
        place: (u64, u64),
    },
}

/// Texts under their headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The headings, in lower case.
    pub columns: Vec<&'static str>,
    /// A text for each of them, `None` where there is nothing to say.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A query by itself, as a job that writes [`RESULT_TOPIC`].
#[derive(Debug)]
pub struct Query {
    /// The job.
    pub plan: JobPlan,
    /// The columns of its rows.
    pub columns: Vec<Column>,
    /// Whether rows take others back; each then comes with its kind.
    pub updates: bool,
    /// LIMIT: how many rows are wanted.
    pub limit: Option<u64>,
    /// Whether it ends where its input ends now (`execution.runtime-mode` = `batch`).
    pub to_end: bool,
}

/// Plans the request `text` in a session in which the statements of `session` have been taken.
///
/// # Errors
/// The first mistake; its line and column are of `text`, or of `session` if that is wrong.
pub fn plan_session(session: &str, text: &str, context: &PlanContext<'_>) -> Result<SessionPlan, SqlError> {
    with_deep_stack(|| {
        let mut planner = Planner::after(session, context).map_err(|error| error.located_in(session))?;
        planner.request(session, text, context).map_err(|error| error.located_in(text))
    })
}

/// Plans a text that is a job, or definitions with a query behind them; with the query's LIMIT.
///
/// # Errors
/// The first mistake, with its line and column.
pub fn plan_job_or_query(text: &str, context: &PlanContext<'_>) -> Result<(JobPlan, Option<u64>), SqlError> {
    let is_query = |statement: &Statement| matches!(statement, Statement::Query(_));
    let asks = with_deep_stack(|| Ok(parse::parse_shell(text)?.iter().any(is_query))).unwrap_or(false);
    if asks && let Asked::Query(query) = plan_session("", text, context)?.asked {
        return Ok((query.plan, query.limit));
    }
    plan_job(text, context).map(|plan| (plan, None))
}

/// Names that can stand in a statement, for completion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Tables and views, each with its columns.
    pub tables: Vec<(String, Vec<String>)>,
}

/// The tables and views of a session; those of a text that has a mistake are left out from there on.
#[must_use]
pub fn names(session: &str) -> Names {
    let tables = with_deep_stack(|| {
        let mut known = Definitions::default();
        known.settings.shell = true;
        for statement in parse::parse_shell(session)? {
            known.take(statement, &PlanContext { is_this_broker: &|_| true, ..PlanContext::nowhere() })?;
        }
        let columns = |entry: &Entry| columns(entry).into_iter().map(|(name, _)| name).collect();
        Ok(known.catalog.all().map(|(name, entry)| (name.to_owned(), columns(entry))).collect())
    });
    Names { tables: tables.unwrap_or_default() }
}

/// All functions, each as it is called: `UPPER(text)`.
pub fn function_forms() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| functions::rows(*family)).map(|(form, _, _)| form)
}

struct Planner {
    known: Definitions,
    functions: Arc<Functions>,
    pipelines: Vec<Pipeline>,
    explains: bool,
}

impl Planner {
    fn after(session: &str, context: &PlanContext<'_>) -> Result<Planner, SqlError> {
        let mut known = Definitions::default();
        known.settings.shell = true;
        for statement in parse::parse_shell(session)? {
            known.take(statement, context)?;
        }
        // They were told when the statements came.
        known.warnings.clear();
        Ok(Planner { known, functions: context.functions.clone(), pipelines: Vec::new(), explains: false })
    }

    fn request(&mut self, session: &str, text: &str, context: &PlanContext<'_>) -> Result<SessionPlan, SqlError> {
        let mut keeps = false;
        let mut said = Vec::new();
        let mut asked = None;
        for statement in parse::parse_shell(text)? {
            let is_insert = matches!(statement, Statement::Insert(_));
            if let Some(span) = place(&statement)
                && (asked.is_some() || !(is_insert || self.pipelines.is_empty()))
            {
                return Err(SqlError::new(span, "one request is for one answer").hint("send the statements one by one"));
            }
            if let Statement::CreateTable(table) = &statement
                && is_to_infer(table)
            {
                asked = Some(infer(table));
                continue;
            }
            let about = about(&statement);
            match self.known.take(statement, context)? {
                None => {
                    keeps = true;
                    said.push(about);
                }
                Some(Statement::Explain) => self.explains = true,
                Some(Statement::Insert(insert))
                    if let Some(values) = values::of_insert(&insert, &self.known.catalog)? =>
                {
                    asked = Some(Asked::Values(values.into()));
                }
                Some(Statement::Insert(insert)) => self.known.insert(&insert, &mut self.pipelines)?,
                Some(Statement::Query(query)) => asked = Some(self.query(text, &query)?),
                Some(Statement::Describe(name)) => asked = Some(Asked::Listing(describe(&self.known.catalog, &name)?)),
                Some(Statement::Show(show, _)) => asked = Some(self.show(&show)?),
                // Definitions do not come back.
                Some(_) => {}
            }
        }
        let mut asked = match asked {
            Some(asked) => asked,
            None if !self.pipelines.is_empty() => self.job(&format!("{}{}", separated(session), text.trim()))?,
            None => Asked::Known(said.join("; ")),
        };
        let warnings = std::mem::take(&mut self.known.warnings);
        if self.explains {
            asked = explained(asked, &warnings);
        }
        Ok(SessionPlan { asked, keeps, warnings })
    }

    fn job(&mut self, text: &str) -> Result<Asked, SqlError> {
        if !self.explains {
            // It may have been said in a statement of before, whose place is not in this text.
            let here = |error: SqlError| SqlError { line: 0, column: 0, ..error };
            self.known.settings.check_streaming().map_err(here)?;
        }
        let plan = JobPlan {
            text: text.to_owned(),
            pipelines: std::mem::take(&mut self.pipelines),
            warnings: self.known.warnings.clone(),
        };
        Ok(Asked::Job { name: self.known.settings.name.clone(), plan: Box::new(plan) })
    }

    /// Plans a query as INSERT INTO a table that has just its columns.
    fn query(&mut self, text: &str, query: &statement::Query) -> Result<Asked, SqlError> {
        let mut body = (*query.query).clone();
        let limit = take_limit(&mut body, query.span)?;
        let insert =
            Insert { table: result_name(query.span), columns: Vec::new(), query: Box::new(body), span: query.span };
        let first = branches::of_union(&insert).into_iter().next().unwrap_or_else(|| insert.clone());
        let mut planner = QueryPlanner::new(&self.known.catalog, query.span).with_grouping_set(0);
        let fields = planner.query(&first.query)?.fields;
        let columns = result_columns(fields.iter().map(|field| (field.name.as_str(), field.expr.data_type())));
        let table = Table::new(&result_table(&columns, query.span), &PlanContext::nowhere(), &mut Vec::new())?;
        self.known.catalog.add(&insert.table, Entry::Table(table.into()))?;
        self.known.insert(&insert, &mut self.pipelines)?;
        let mut pipelines = std::mem::take(&mut self.pipelines);
        for pipeline in &mut pipelines {
            // A query has no group: it begins where a new one would.
            pipeline.for_each_source(&mut |source| {
                if let StartupMode::GroupOffsets { .. } = source.startup {
                    source.startup = StartupMode::EarliestOffset;
                }
            });
        }
        let plan = JobPlan { text: text.to_owned(), pipelines, warnings: self.known.warnings.clone() };
        let updates = plan.pipelines.iter().any(|pipeline| pipeline.changelog() != Ok(ChangelogMode::InsertOnly));
        Ok(Asked::Query(Box::new(Query { plan, columns, updates, limit, to_end: self.known.settings.batch.is_some() })))
    }

    /// The program's own functions first: their names are theirs, whatever SQL has under them.
    fn functions(&self, only_user: bool, like: Option<&Name>) -> Result<Listing, SqlError> {
        let pattern = match like {
            None => None,
            Some(text) => Some(
                LikePattern::new(&text.text.to_uppercase(), None)
                    .ok_or_else(|| SqlError::new(text.span, "this is no pattern of LIKE"))?,
            ),
        };
        let own = self.functions.all().map(|function| {
            (
                function.form(),
                function.result().to_string(),
                "a function of the program that runs this broker".to_owned(),
            )
        });
        let built_in = FAMILIES.iter().flat_map(|family| functions::rows(*family));
        let built_in =
            built_in.filter(|_| !only_user).map(|(form, result, about)| (form.to_owned(), result, about.to_owned()));
        let name = |form: &str| form.split('(').next().unwrap_or_default().trim().to_uppercase();
        let wanted = |form: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(&name(form)));
        let rows = own.chain(built_in).filter(|(form, ..)| wanted(form));
        let rows = rows.map(|(form, result, about)| vec![Some(form), Some(result), Some(about)]).collect();
        Ok(Listing { columns: vec!["function", "result", "about"], rows })
    }

    fn show(&self, show: &Show) -> Result<Asked, SqlError> {
        let catalog = &self.known.catalog;
        let names = |views: bool| {
            let wanted = catalog.all().filter(|(_, entry)| matches!(entry, Entry::View(_)) == views);
            wanted.map(|(name, _)| vec![Some(name.to_owned())]).collect()
        };
        Ok(match show {
            // Flink lists views among the tables.
            Show::Tables => {
                let rows = catalog.all().map(|(name, entry)| {
                    let (kind, topic) = match entry {
                        Entry::Table(table) => ("table", Some(table.options.topic.clone())),
                        Entry::View(_) => ("view", None),
                    };
                    vec![Some(name.to_owned()), Some(kind.to_owned()), topic]
                });
                Asked::Listing(Listing { columns: vec!["table_name", "kind", "topic"], rows: rows.collect() })
            }
            Show::Views => Asked::Listing(Listing { columns: vec!["view_name"], rows: names(true) }),
            Show::Functions { only_user, like } => Asked::Listing(self.functions(*only_user, like.as_ref())?),
            Show::CreateTable(name) => {
                let text = ddl::create_table(catalog.definition(name)?);
                Asked::Listing(Listing { columns: vec!["create table"], rows: vec![vec![Some(text)]] })
            }
            Show::Columns(name) => Asked::Listing(describe(catalog, name)?),
            Show::Jobs => Asked::Jobs,
            Show::Topics => Asked::Topics,
            Show::State { job, key } => {
                Asked::State { job: job.text.clone(), key: key.as_ref().map(|key| key.text.clone()) }
            }
        })
    }
}

/// The place of a statement that asks for an answer of its own.
fn place(statement: &Statement) -> Option<Span> {
    match statement {
        Statement::Query(query) => Some(query.span),
        Statement::Show(_, span) => Some(*span),
        Statement::Describe(name) => Some(name.span),
        Statement::Insert(insert) => Some(insert.span),
        Statement::CreateTable(table) if is_to_infer(table) => Some(table.name.span),
        _ => None,
    }
}

/// Whether the columns of a table are to be found in its topic.
fn is_to_infer(table: &CreateTable) -> bool {
    table.columns.is_empty() && table.like.is_none()
}

/// What a definition makes known.
fn about(statement: &Statement) -> String {
    match statement {
        Statement::CreateTable(table) => format!("table {} is known in this session", table.name.text),
        Statement::CreateView(view) => format!("view {} is known in this session", view.name.text),
        Statement::Drop(drop) if drop.is_view => format!("view {} is forgotten", drop.name.text),
        Statement::Drop(drop) => format!("table {} is forgotten; its topic stays", drop.name.text),
        Statement::Set(set) => format!("'{}' is '{}' in this session", set.key.text, set.value.text),
        _ => String::new(),
    }
}

fn infer(table: &CreateTable) -> Asked {
    let options = table.options.iter().map(|(key, value)| (key.text.clone(), value.text.clone())).collect();
    let start = table.name.span.start;
    Asked::Infer { table: table.name.text.clone(), options, place: (start.line, start.column) }
}

fn separated(session: &str) -> String {
    match session.trim() {
        "" => String::new(),
        // On a line of its own, or it would be a part of a comment at the end.
        text => format!("{text}\n;\n"),
    }
}

fn result_name(span: Span) -> Name {
    Name { text: RESULT.to_owned(), span, quoted: true }
}

/// The columns of a result; one whose name is taken gets a number, as in Flink.
fn result_columns<'a>(fields: impl Iterator<Item = (&'a str, DataType)>) -> Vec<Column> {
    let mut taken = BTreeSet::new();
    let column = |(name, data_type): (&str, DataType)| {
        let numbered = (0..).map(|number| format!("{name}{number}"));
        let mut free = std::iter::once(name.to_owned()).chain(numbered).filter(|name| !taken.contains(name));
        let name = free.next().unwrap_or_default();
        drop(free);
        taken.insert(name.clone());
        let data_type = if data_type == DataType::Null { DataType::STRING } else { data_type };
        Column { name, data_type, nullable: true }
    };
    fields.map(column).collect()
}

fn result_table(columns: &[Column], span: Span) -> CreateTable {
    let word = |text: &str| Name { text: text.to_owned(), span, quoted: true };
    let column = |column: &Column| ColumnDef {
        name: word(&column.name),
        kind: ColumnKind::Physical { data_type: column.data_type, nullable: true },
    };
    let options = [("connector", "kafka"), ("topic", RESULT_TOPIC), ("format", "json")];
    CreateTable {
        name: result_name(span),
        if_not_exists: false,
        columns: columns.iter().map(column).collect(),
        watermark: None,
        primary_key: None,
        options: options.iter().map(|(key, value)| (word(key), word(value))).collect(),
        like: None,
    }
}

/// Takes LIMIT or FETCH FIRST off a query: whoever runs it stops there.
fn take_limit(query: &mut ast::Query, span: Span) -> Result<Option<u64>, SqlError> {
    let number = |expr: &ast::Expr| match expr {
        ast::Expr::Value(value) => value.value.to_string().parse::<u64>().ok(),
        _ => None,
    };
    let wanted = match (&query.limit_clause, &query.fetch) {
        (None, None) => return Ok(None),
        (Some(ast::LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by }), None)
            if limit_by.is_empty() =>
        {
            number(limit)
        }
        (None, Some(fetch)) if !fetch.percent && !fetch.with_ties => fetch.quantity.as_ref().map_or(Some(1), number),
        _ => None,
    };
    query.limit_clause = None;
    query.fetch = None;
    match wanted {
        Some(rows) => Ok(Some(rows)),
        None => Err(SqlError::new(span, "LIMIT is a number of rows here").hint("write LIMIT 10 at the query's end")),
    }
}

/// The columns of a table or view with their types, in the order of the statement.
fn columns(entry: &Entry) -> Vec<(String, DataType)> {
    let fields = match entry {
        Entry::Table(table) => table.fields_as(&table.name),
        Entry::View(relation) => relation.fields.clone(),
    };
    fields.into_iter().map(|field| (field.name, field.expr.data_type())).collect()
}

/// DESCRIBE: the columns as Flink lists them.
fn describe(catalog: &Catalog, name: &Name) -> Result<Listing, SqlError> {
    let Some(entry) = catalog.get(&name.text) else {
        return Err(catalog.unknown(&name.text, name.span, std::iter::empty()));
    };
    let definition = match entry {
        Entry::Table(_) => Some(catalog.definition(name)?),
        Entry::View(_) => None,
    };
    let row = |(column, data_type): (String, DataType)| {
        let written = definition.and_then(|table| table.columns.iter().find(|written| written.name.text == column));
        let nullable =
            !matches!(written.map(|column| &column.kind), Some(ColumnKind::Physical { nullable: false, .. }));
        let key = definition.and_then(|table| table.primary_key.as_ref());
        let in_key = key.filter(|key| key.columns.iter().any(|part| part.text == column));
        let key_text = in_key.map(|key| {
            let parts: Vec<&str> = key.columns.iter().map(|part| part.text.as_str()).collect();
            format!("PRI({})", parts.join(", "))
        });
        let watermark = definition.and_then(|table| table.watermark.as_ref());
        let watermark = watermark.filter(|watermark| watermark.column.text == column);
        vec![
            Some(column),
            Some(data_type.to_string()),
            Some(if nullable && in_key.is_none() { "TRUE" } else { "FALSE" }.to_owned()),
            key_text,
            written.and_then(extras),
            watermark.map(|watermark| format!("`{}`", watermark.expr).replace('`', "")),
        ]
    };
    let rows = columns(entry).into_iter().map(row).collect();
    Ok(Listing { columns: vec!["name", "type", "null", "key", "extras", "watermark"], rows })
}

fn extras(column: &ColumnDef) -> Option<String> {
    match &column.kind {
        ColumnKind::Physical { .. } => None,
        ColumnKind::Computed(expr) => Some(format!("AS {expr}")),
        ColumnKind::Metadata { key, is_virtual, .. } => {
            let from = if key.text == column.name.text { String::new() } else { format!(" FROM '{}'", key.text) };
            Some(format!("METADATA{from}{}", if *is_virtual { " VIRTUAL" } else { "" }))
        }
    }
}

/// The plan instead of what it would do, a row a line.
fn explained(asked: Asked, warnings: &[String]) -> Asked {
    let text = match &asked {
        Asked::Query(query) => {
            let columns: Vec<String> =
                query.columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
            let plan = JobPlan { warnings: warnings.to_vec(), ..query.plan.clone() };
            plan.describe(Some(&columns.join(", ")))
        }
        Asked::Job { plan, .. } => JobPlan { warnings: warnings.to_vec(), ..(**plan).clone() }.describe(None),
        Asked::Values(values) => format!("rows as they stand, {}, into topic {}", values.len(), values.sink.topic),
        _ => return asked,
    };
    let rows = text.lines().map(|line| vec![Some(line.to_owned())]).collect();
    Asked::Listing(Listing { columns: vec!["plan"], rows })
}
