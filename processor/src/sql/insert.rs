//! INSERT INTO: the query's columns meet the table's, and the pipeline is put together.

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::bind::{coerced, describe};
use super::catalog::{Catalog, Entry};
use super::error::{SqlError, did_you_mean};
use super::inputs;
use super::position;
use super::prune::{prune, whole_source};
use super::query::QueryPlanner;
use super::relation::Updating;
use super::scope::Field;
use super::session::RESULT_TOPIC;
use super::settings::Settings;
use super::statement::Insert;
use super::steady::{End, unsteady};
use super::table::Table;
use super::upsert_key;
use crate::expr::{DataType, Expr, Metadata, Value, cast};
use crate::plan::{ChangelogMode, Column, Frame, JoinTime, Materialize, Pipeline, Sink, SinkKey, Stage, Window};

/// Plans one INSERT INTO, with one of its query's grouping sets.
pub(crate) fn plan(
    insert: &Insert,
    set: usize,
    catalog: &Catalog,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<Pipeline, SqlError> {
    let table = match catalog.get(&insert.table.text) {
        Some(Entry::Table(table)) => table,
        Some(Entry::View(_)) => {
            return Err(SqlError::new(insert.table.span, format!("{} is a view, it takes no rows", insert.table.text)));
        }
        None => return Err(catalog.unknown(&insert.table.text, insert.table.span, std::iter::empty())),
    };
    let is_read_only = |metadata: Metadata| !matches!(metadata, Metadata::Headers | Metadata::Timestamp);
    if let Some((column, _)) = table.written.iter().find(|(_, metadata)| is_read_only(*metadata)) {
        let column = &table.computed[*column].name;
        let message = format!("metadata column {column} of {} cannot be written", table.name);
        return Err(
            SqlError::new(insert.table.span, message).hint("declare it METADATA VIRTUAL, as one that is only read")
        );
    }
    let mut planner = QueryPlanner::new(catalog, insert.table.span).with_grouping_set(set);
    let mut relation = planner.query(&insert.query)?.without_ranking()?;
    warnings.append(&mut planner.warnings);
    relation = relation.with_own_windows();
    let values = sink_values(insert, table, &relation.fields)?;
    relation.stages.push(Stage::Project(values));
    if let Some(updating) =
        relation.updating.as_ref().filter(|_| !table.options.upsert && table.options.topic != RESULT_TOPIC)
    {
        return Err(append_only(table, updating));
    }
    let sink = sink(table);
    let keyed = sink.key.as_ref().filter(|_| table.options.upsert);
    let mixes = keyed.is_some_and(|key| upsert_key::may_mix_rows(&relation.stages, &key.columns));
    let materialized = keyed.filter(|_| settings.upsert_materialize.is_done(mixes));
    let end = match keyed {
        // Of a row that is taken back all counts where the rows of a key are kept.
        Some(key) if materialized.is_none() => End::ByKey(&key.columns),
        _ => End::ByRow,
    };
    if let Some(place) = unsteady(&relation.stages, end) {
        let message =
            format!("a function of the clock or of chance stands {place}: what is taken back would be another row");
        return Err(SqlError::new(insert.table.span, message).hint(
            "use a time from the record; in a table of upsert-kafka such a function may stand in columns that are not in its PRIMARY KEY",
        ));
    }
    if let (Some(key), Some(Stage::Project(values))) = (materialized, relation.stages.last()) {
        let stage = by_key(values, key);
        relation.stages.push(stage);
    } else if mixes {
        warnings.push(format!(
            "different rows of the query may have one PRIMARY KEY of {}, since not all keys that tell them apart are in it: then the last \
             one written counts, and when that is taken back there is none",
            table.name
        ));
    }
    bound_state(&mut relation.stages, settings.state_ttl_ms, warnings);
    let parallelism = settings.parallelism.unwrap_or(1);
    let source = whole_source(&relation.table);
    let tables: Vec<&Table> = std::iter::once(&relation.table).chain(&relation.others).map(|table| &**table).collect();
    let stages = relation.stages;
    let mut pipeline = Pipeline { source, stages, sink, parallelism };
    prune(&mut pipeline.source, &mut pipeline.stages);
    apply_settings(&mut pipeline, &tables, settings)?;
    if pipeline.sources().iter().any(|source| source.topic == table.options.topic) {
        warnings.push(format!("the job reads and writes topic {}: it will see its own rows", table.options.topic));
    }
    warnings.extend(inputs::check(&mut pipeline, insert.table.span)?);
    let Pipeline { source, stages, .. } = &pipeline;
    if source.policies.allowed_lateness_ms > 0 && !can_be_corrected(stages) {
        return Err(SqlError::new(
            insert.table.span,
            "allowed lateness is for one aggregation over TUMBLE, HOP or CUMULATE",
        )
        .hint("leave out 'forebay.allowed-lateness'; 'forebay.on-late' = 'topic' keeps late rows"));
    }
    let keeps = stages.iter().position(Stage::keeps_rows).unwrap_or(stages.len());
    let filters = stages[keeps..].iter().any(|stage| matches!(stage, Stage::Filter(_)));
    if table.options.upsert && source.policies.allowed_lateness_ms > 0 && filters {
        return Err(SqlError::new(
            insert.table.span,
            "a correction that HAVING does not let pass would have to take a row back, which is not supported yet",
        )
        .hint("leave out 'forebay.allowed-lateness' or HAVING"));
    }
    match only_in_one_task(&pipeline) {
        Some(what) if pipeline.parallelism > 1 => Err(SqlError::new(insert.table.span, what)
            .hint("write SET 'parallelism.default' = '1' before this INSERT INTO")),
        _ => Ok(pipeline),
    }
}

/// Rows of these values by the key of the table, of which the last one counts.
fn by_key(values: &[Expr], key: &SinkKey) -> Stage {
    let columns: Vec<(usize, DataType)> = values.iter().map(Expr::data_type).enumerate().collect();
    let keys = key.columns.iter().map(|at| Expr::column(*at, columns[*at].1)).collect();
    Stage::Materialize(Materialize { keys, columns, ttl_ms: None })
}

/// Takes in what SET says where the tables, one for each source, say nothing.
fn apply_settings(pipeline: &mut Pipeline, tables: &[&Table], settings: &Settings) -> Result<(), SqlError> {
    let (mut done, mut tables) = (Ok(()), tables.iter());
    pipeline.for_each_source(&mut |source| {
        let Some(table) = tables.next() else { return };
        source.idle_timeout_ms = source.idle_timeout_ms.or(settings.idle_timeout_ms);
        match super::policy::resolve(&table.options.policies, &settings.policies, &source.topic) {
            Ok(policies) => source.policies = policies,
            Err(error) if done.is_ok() => done = Err(error),
            Err(_) => {}
        }
    });
    done
}

/// Rows that change cannot go into a table to which rows are only appended.
fn append_only(table: &Table, updating: &Updating) -> SqlError {
    let message = format!(
        "table sink {} doesn't support consuming update and delete changes, which are made by {}: rows are only appended to its topic",
        table.name, updating.what
    );
    let upsert = "write into a table with 'connector' = 'upsert-kafka' and a PRIMARY KEY (..) NOT ENFORCED";
    let hint = match &updating.instead {
        Some(instead) => format!("{upsert}; or {instead}"),
        None => upsert.to_owned(),
    };
    SqlError::new(updating.span, message).hint(hint)
}

/// Bounds what stages keep by `table.exec.state.ttl`, or warns that nothing does. What versions are made of is kept: of a row that is
/// forgotten a removal would not be told, and its last version would be there for ever.
fn bound_state(stages: &mut [Stage], ttl_ms: Option<i64>, warnings: &mut Vec<String>) {
    for stage in stages {
        let of_versions = matches!(stage, Stage::Join(join) if join.time == JoinTime::Temporal);
        if of_versions && ttl_ms.is_some() && !warnings.iter().any(|other| other == VERSIONS_STAY) {
            warnings.push(VERSIONS_STAY.to_owned());
        }
        for branch in stage.branches_mut() {
            bound_state(&mut branch.stages, ttl_ms.filter(|_| !of_versions), warnings);
        }
        let Some((ttl, warning)) = unbounded(stage) else { continue };
        *ttl = ttl_ms;
        if let Some(warning) = warning.filter(|_| ttl_ms.is_none())
            && !warnings.iter().any(|other| other == warning)
        {
            warnings.push(warning.to_owned());
        }
    }
}

const VERSIONS_STAY: &str = "'table.exec.state.ttl' does not forget rows of a table that is joined FOR SYSTEM_TIME AS OF: each of its keys is \
                             kept until a record without a value removes it";

/// How long a stage keeps what it keeps of a key, if time does not end it, and what is to be known of that.
fn unbounded(stage: &mut Stage) -> Option<(&mut Option<i64>, Option<&'static str>)> {
    Some(match stage {
        Stage::Normalize(plan) => (&mut plan.ttl_ms, None),
        Stage::Join(join) => {
            let JoinTime::Regular { ttl_ms } = &mut join.time else { return None };
            let warning = "a join that is bound neither by windows nor by time keeps all rows of both sides for ever; SET 'table.exec.state.ttl' = \
                           '1 d' forgets a row that was not written for so long";
            (ttl_ms, Some(warning))
        }
        Stage::Materialize(plan) => (&mut plan.ttl_ms, None),
        Stage::GroupAggregate(plan) => {
            let warning = "GROUP BY without a window keeps each of its groups for ever; SET 'table.exec.state.ttl' = '1 d' forgets a group for \
                           which no row has come for so long";
            (&mut plan.ttl_ms, (!plan.keys.is_empty()).then_some(warning))
        }
        Stage::Deduplicate(plan) => {
            let warning = "a deduplication without a window keeps each of its keys for ever; SET 'table.exec.state.ttl' = '1 d' forgets a key \
                           a day after it was kept";
            (&mut plan.ttl_ms, (!plan.keys.is_empty()).then_some(warning))
        }
        // Time ends what a frame has by time.
        Stage::Over(plan) if matches!(plan.frame, Frame::Time(_)) => return None,
        Stage::Over(plan) => {
            let warning = "OVER without a bound in time keeps each of its keys for ever; SET 'table.exec.state.ttl' = '1 d' forgets a key for \
                           which nothing has come for so long";
            (&mut plan.ttl_ms, (!plan.keys.is_empty()).then_some(warning))
        }
        Stage::Rank(plan) => {
            let warning = "ROW_NUMBER without a whole window keeps rows of each key for ever; SET 'table.exec.state.ttl' = '1 d' forgets a row \
                           a day after it was kept";
            (&mut plan.ttl_ms, (plan.retracts || !plan.keys.is_empty()).then_some(warning))
        }
        _ => return None,
    })
}

/// What the pipeline has that works only where one task sees all records.
fn only_in_one_task(pipeline: &Pipeline) -> Option<&'static str> {
    if pipeline.changelog() != Ok(ChangelogMode::InsertOnly) {
        return Some(
            "GROUP BY and ROW_NUMBER without a window and tables of 'upsert-kafka' that are read are for one task",
        );
    }
    if pipeline.stages.iter().any(|stage| matches!(stage, Stage::Deduplicate(_) | Stage::Over(_))) {
        return Some("OVER, and a deduplication without a window, are for one task");
    }
    let by_clock = pipeline.source.is_processing_time();
    // What is gathered too late for its window is counted in the next one; here the window is one of the keys.
    let keeper = pipeline.stages.iter().find(|stage| stage.keeps_rows());
    let is_attached = |stage: &Stage| matches!(stage, Stage::WindowAggregate(plan) if plan.window == Window::Attached);
    (by_clock && keeper.is_some_and(is_attached))
        .then_some("an aggregation over rows that bring their windows over PROCTIME() is done by one task")
}

/// Whether the results of these stages can be corrected by rows that come late.
fn can_be_corrected(stages: &[Stage]) -> bool {
    let mut keepers = stages.iter().filter(|stage| stage.keeps_rows());
    let grid = |stage: &Stage| match stage {
        Stage::WindowAggregate(plan) => !matches!(plan.window, Window::Session { .. } | Window::Attached),
        _ => false,
    };
    keepers.next().is_some_and(grid) && keepers.next().is_none()
}

/// One value for each of the table's columns.
pub(super) fn sink_values(insert: &Insert, table: &Table, fields: &[Field]) -> Result<Vec<Expr>, SqlError> {
    let columns = table.sink_columns();
    let targets = targets(insert, table, &columns)?;
    if fields.len() != targets.len() {
        return Err(wrong_count(insert, table, fields, (&targets, &columns)));
    }
    let mut values: Vec<Option<Expr>> = vec![None; columns.len()];
    for (index, (field, target)) in fields.iter().zip(&targets).enumerate() {
        let column = &columns[*target];
        let from = field.expr.data_type();
        if !cast::is_implicit(from, column.data_type) {
            let span = item_span(&insert.query, index, fields.len()).unwrap_or(insert.table.span);
            let message = format!(
                "column {} of {} is {}, the query gives {}",
                column.name,
                table.name,
                describe(column.data_type),
                describe(from)
            );
            let error = SqlError::new(span, message);
            let castable = cast::is_castable(from, column.data_type);
            return Err(error.maybe_hint(castable.then(|| format!("write CAST(.. AS {})", column.data_type))));
        }
        values[*target] = Some(coerced(field.expr.clone(), widened(column.data_type)));
    }
    let mut row = Vec::with_capacity(values.len());
    for (value, column) in values.into_iter().zip(&columns) {
        match value {
            Some(value) => row.push(value),
            None if column.nullable => row.push(Expr::literal(Value::Null, column.data_type)),
            None => {
                return Err(SqlError::new(
                    insert.table.span,
                    format!("column {} of {} is NOT NULL and gets no value", column.name, table.name),
                ));
            }
        }
    }
    Ok(row)
}

/// Lengths of texts are not enforced when writing (Flink: table.exec.sink.type-length-enforcer = IGNORE).
fn widened(data_type: DataType) -> DataType {
    match data_type {
        DataType::Char(_) | DataType::VarChar(_) => DataType::STRING,
        DataType::VarBinary(_) => DataType::BYTES,
        other => other,
    }
}

/// Positions of the columns that the query's columns go to.
fn targets(insert: &Insert, table: &Table, columns: &[Column]) -> Result<Vec<usize>, SqlError> {
    if insert.columns.is_empty() {
        return Ok(table.insertable());
    }
    let mut targets = Vec::with_capacity(insert.columns.len());
    for name in &insert.columns {
        let Some(target) = columns.iter().position(|column| column.name == name.text) else {
            let computed = table.computed.iter().any(|column| column.name == name.text);
            let message = if computed {
                format!("column {} of {} is computed, it takes no value", name.text, table.name)
            } else {
                format!("there is no column {} in table {}", name.text, table.name)
            };
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(SqlError::new(name.span, message).maybe_hint(did_you_mean(&name.text, names)));
        };
        if targets.contains(&target) {
            return Err(SqlError::new(name.span, format!("column {} is there twice", name.text)));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn wrong_count(
    insert: &Insert,
    table: &Table,
    fields: &[Field],
    (targets, columns): (&[usize], &[Column]),
) -> SqlError {
    let wanted: Vec<&str> = targets.iter().map(|target| columns[*target].name.as_str()).collect();
    let given: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let count = |n: usize| if n == 1 { "1 column".to_owned() } else { format!("{n} columns") };
    let message = format!("{} takes {}, the query gives {}", table.name, count(wanted.len()), count(given.len()));
    SqlError::new(insert.table.span, message).hint(format!(
        "{}: {}; the query: {}",
        table.name,
        wanted.join(", "),
        given.join(", ")
    ))
}

/// The place of the SELECT item that a column comes from, if each column has its own.
fn item_span(query: &ast::Query, index: usize, count: usize) -> Option<Span> {
    let mut body = &*query.body;
    loop {
        match body {
            ast::SetExpr::Query(query) => body = &query.body,
            ast::SetExpr::Select(select) if select.projection.len() == count => {
                let span = match select.projection.get(index)? {
                    ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => {
                        position::of(expr)
                    }
                    other => ast::Spanned::span(other),
                };
                return (span.start.line != 0).then_some(span);
            }
            _ => return None,
        }
    }
}

pub(super) fn sink(table: &Table) -> Sink {
    let place = |metadata| table.written.iter().position(|(_, written)| *written == metadata);
    let written = |metadata| place(metadata).map(|at| table.physical.len() + at);
    let position = |name: &String| table.physical.iter().position(|column| column.name == *name);
    let key = table.options.key.as_ref().map(|key| SinkKey {
        format: key.format.clone(),
        columns: key.fields.iter().filter_map(position).collect(),
        prefix: key.prefix.clone(),
    });
    Sink {
        table: table.name.clone(),
        topic: table.options.topic.clone(),
        format: table.options.format.clone(),
        columns: table.sink_columns(),
        upsert: table.options.upsert,
        key,
        timestamp: written(Metadata::Timestamp),
        headers: written(Metadata::Headers),
        value_columns: table.value_columns().collect(),
    }
}
