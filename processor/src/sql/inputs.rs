//! What several inputs of one pipeline must have in common.

use std::collections::BTreeSet;

use sqlparser::tokenizer::Span;

use super::error::SqlError;
use crate::plan::{Pipeline, Source};

/// Checks that the sources of `pipeline` can be read by one task. Returns what a person should know.
pub(super) fn check(pipeline: &mut Pipeline, span: Span) -> Result<Option<String>, SqlError> {
    if !pipeline.has_branches() {
        return Ok(None);
    }
    let sources = pipeline.sources();
    for (at, source) in sources.iter().enumerate() {
        let Some(first) = sources[..at].iter().find(|first| first.topic == source.topic) else { continue };
        if let Some(what) = different(first, source) {
            let (topic, a, b) = (&source.topic, &first.table, &source.table);
            let message = format!("tables {a} and {b} read topic {topic} in one query, and differ in {what}");
            return Err(SqlError::new(span, message).hint("the topic is read once: read it by one table"));
        }
    }
    let by_clock = sources.iter().filter(|source| source.is_processing_time()).count();
    if by_clock > 0 && by_clock < sources.iter().filter(|source| source.event_time.is_some()).count() {
        let message = "tables with event time and tables with PROCTIME() meet in one query";
        return Err(SqlError::new(span, message).hint("give each of them a WATERMARK"));
    }
    let groups: BTreeSet<&str> = pipeline.sources().iter().filter_map(|source| source.group_id.as_deref()).collect();
    if groups.len() > 1 {
        let message =
            "the tables of a query have different values of 'properties.group.id': its progress is in one group";
        return Err(SqlError::new(span, message).hint("give all of them the same, or none"));
    }
    if pipeline.source.policies.allowed_lateness_ms > 0 {
        return Err(SqlError::new(span, "allowed lateness is for windows over one table")
            .hint("leave out 'forebay.allowed-lateness'; 'forebay.on-late' = 'topic' keeps late rows"));
    }
    if pipeline.parallelism == 1 {
        return Ok(None);
    }
    pipeline.parallelism = 1;
    Ok(Some("a query of several tables runs as one task: 'parallelism.default' does not count for it".to_owned()))
}

/// What of two sources of one topic is not the same, but must be.
fn different(a: &Source, b: &Source) -> Option<&'static str> {
    if a.startup != b.startup || a.reset != b.reset {
        return Some("where they start ('scan.startup.mode')");
    }
    if a.idle_timeout_ms != b.idle_timeout_ms || watermark(a) != watermark(b) {
        return Some("their WATERMARK");
    }
    (a.policies != b.policies || a.format != b.format).then_some("their options")
}

/// The event time of a source in words.
fn watermark(source: &Source) -> Option<[String; 2]> {
    let columns: Vec<String> = source.columns.iter().map(|column| column.name.clone()).collect();
    let time = source.event_time.as_ref()?;
    let mut names = columns.clone();
    names.extend(source.computed.iter().map(|computed| computed.name.clone()));
    let column = match time.column.checked_sub(columns.len()) {
        Some(at) => source.computed.get(at)?.expr.display(&columns).to_string(),
        None => names.get(time.column)?.clone(),
    };
    Some([column, time.watermark.display(&names).to_string()])
}
