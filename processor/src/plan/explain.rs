//! EXPLAIN: the plan as people read it.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use super::{
    Aggregate, AggregateFunction, Branch, GroupAggregate, JobPlan, Join, JoinKind, JoinSide, JoinTime, OutputField,
    Pipeline, Source, Stage, StartupMode, Unnest, Window, WindowAggregate, WindowRows, exchange_keys,
};
use crate::expr::render::duration;

impl JobPlan {
    /// The plan as text, one line a step, from the source down.
    pub fn explain(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for JobPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pipeline) in self.pipelines.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            pipeline.fmt(f)?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = source(f, &self.source)?;
        if self.parallelism > 1 {
            writeln!(f, "  tasks      {0} read, by partition number modulo {0}", self.parallelism)?;
        }
        let keeper = self.stages.iter().position(Stage::keeps_rows);
        for (index, stage) in self.stages.iter().enumerate() {
            if Some(index) == keeper && self.parallelism > 1 {
                exchange(f, self, stage, &names)?;
            }
            names = stage_line(f, stage, names)?;
        }
        let columns: Vec<String> =
            self.sink.columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
        let format = self.sink.format.name();
        writeln!(
            f,
            "  sink       {} -> topic {} ({format}): {}",
            self.sink.table,
            self.sink.topic,
            columns.join(", ")
        )?;
        if let Some(key) = &self.sink.key {
            let fields: Vec<&str> = key.columns.iter().map(|index| self.sink.columns[*index].name.as_str()).collect();
            writeln!(f, "             key ({}): {}", key.format.name(), fields.join(", "))?;
        }
        Ok(())
    }
}

/// Writes a stage that takes rows of these columns, with the branches that it takes in, and returns the names of its row.
fn stage_line(f: &mut fmt::Formatter<'_>, stage: &Stage, names: Vec<String>) -> Result<Vec<String>, fmt::Error> {
    let mut others = Vec::new();
    for branch in stage.branches() {
        writeln!(f, "  with       rows of {}:", branch.source.table)?;
        let (text, names) = branch_text(branch)?;
        // Two spaces deeper than the stage that takes them in.
        for line in text.lines() {
            writeln!(f, "  {line}")?;
        }
        others = names;
    }
    Ok(match stage {
        Stage::Join(plan) => join(f, plan, &names, &others)?,
        Stage::Filter(condition) => {
            writeln!(f, "  filter     {}", condition.display(&names))?;
            names
        }
        Stage::Project(exprs) => {
            let shown: Vec<String> = exprs.iter().map(|expr| expr.display(&names).to_string()).collect();
            writeln!(f, "  project    {}", shown.join(", "))?;
            shown
        }
        Stage::WindowAggregate(aggregate) => window_aggregate(f, aggregate, &names)?,
        Stage::GroupAggregate(group) => group_aggregate(f, group, &names)?,
        Stage::Normalize(plan) => {
            let keys: Vec<String> = plan.keys.iter().map(|key| key.display(&names).to_string()).collect();
            let kept = plan.columns.iter().map(|(column, _)| names.get(*column).cloned().unwrap_or_default());
            let kept: Vec<String> = kept.collect();
            write!(f, "  normalize  by {}: the last row ({})", keys.join(", "), kept.join(", "))?;
            match plan.ttl_ms {
                Some(ms) => writeln!(f, "; forgotten after {} without a row", duration(ms))?,
                None => writeln!(f, "; kept until it is removed")?,
            }
            kept
        }
        Stage::Unnest(plan) => unnest(f, plan, &names)?,
        Stage::WindowRows(rows) => window_rows(f, rows, &names)?,
        Stage::Deduplicate(plan) => plan.line(f, &names)?,
        Stage::Rank(plan) => plan.line(f, &names)?,
        Stage::Over(plan) => plan.line(f, &names)?,
        Stage::Materialize(plan) => {
            plan.line(f, &names)?;
            names
        }
        Stage::Union(_) => {
            writeln!(f, "  union      all of them: {}", names.join(", "))?;
            names
        }
    })
}

/// A branch as lines of its own, and the names of its row.
fn branch_text(branch: &Branch) -> Result<(String, Vec<String>), fmt::Error> {
    /// The branch, and where the names go.
    struct Shown<'p>(&'p Branch, RefCell<Vec<String>>);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let mut names = source(f, &self.0.source)?;
            for stage in &self.0.stages {
                names = stage_line(f, stage, names)?;
            }
            *self.1.borrow_mut() = names;
            Ok(())
        }
    }
    let shown = Shown(branch, RefCell::default());
    let mut text = String::new();
    write!(text, "{shown}")?;
    Ok((text, shown.1.into_inner()))
}

/// Writes a join and returns the names of its row.
fn join(f: &mut fmt::Formatter<'_>, plan: &Join, left: &[String], right: &[String]) -> Result<Vec<String>, fmt::Error> {
    let kind = match plan.kind {
        JoinKind::Inner => "INNER",
        JoinKind::Left => "LEFT",
        JoinKind::Right => "RIGHT",
        JoinKind::Full => "FULL",
        JoinKind::Semi => "SEMI",
        JoinKind::Anti => "ANTI",
    };
    let name = |names: &[String], at: usize| names.get(at).cloned().unwrap_or_default();
    let time = |names: &[String], side: &JoinSide| side.time_column.map_or_else(String::new, |at| name(names, at));
    let times = (time(left, &plan.left), time(right, &plan.right));
    write!(f, "  join       {kind}, ")?;
    match plan.time {
        JoinTime::Window => write!(f, "in the same window by {} and {}", times.0, times.1)?,
        JoinTime::Interval { lower_ms, upper_ms } => {
            write!(f, "{} from {lower_ms} ms to {upper_ms} ms after {}", times.0, times.1)?;
        }
        JoinTime::Regular { .. } => write!(f, "all rows that there are")?,
        JoinTime::Temporal => write!(f, "with the version at {} by {}", times.0, times.1)?,
    }
    for ((ours, theirs), null_safe) in plan.left.keys.iter().zip(&plan.right.keys).zip(&plan.null_safe) {
        let operator = if *null_safe { "IS NOT DISTINCT FROM" } else { "=" };
        write!(f, ", {} {operator} {}", ours.display(left), theirs.display(right))?;
    }
    let kept = |side: &JoinSide, names: &[String]| {
        side.columns.iter().map(|(column, _)| name(names, *column)).collect::<Vec<_>>()
    };
    let (mut ours, theirs) = (kept(&plan.left, left), kept(&plan.right, right));
    let all = [&ours[..], &theirs].concat();
    if let Some(condition) = &plan.condition {
        write!(f, ", {}", condition.display(&all))?;
    }
    writeln!(f, ": ({}) and ({})", ours.join(", "), theirs.join(", "))?;
    // On a line of its own: it may change while the job goes on.
    if let JoinTime::Regular { ttl_ms } = plan.time {
        match ttl_ms {
            Some(ms) => writeln!(f, "             each row forgotten {} after it was last written", duration(ms))?,
            None => writeln!(f, "             each row kept for ever, unless it is taken back")?,
        }
    }
    if !plan.kind.is_of_left_rows() {
        ours.extend(theirs);
    }
    Ok(ours)
}

/// Writes the source and returns the names of the row that leaves it.
fn source(f: &mut fmt::Formatter<'_>, source: &Source) -> Result<Vec<String>, fmt::Error> {
    let start = match &source.startup {
        StartupMode::GroupOffsets { .. } => "the group's offsets".to_owned(),
        StartupMode::EarliestOffset => "the earliest offset".to_owned(),
        StartupMode::LatestOffset => "the latest offset".to_owned(),
        StartupMode::Timestamp(millis) => format!("timestamp {millis}"),
        StartupMode::SpecificOffsets(_) => "given offsets".to_owned(),
    };
    let format = source.format.name();
    let columns: Vec<String> =
        source.columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
    let list = if columns.is_empty() { "no columns".to_owned() } else { columns.join(", ") };
    writeln!(f, "  source     {} <- topic {} ({format}, from {start}): {list}", source.table, source.topic)?;
    if let Some(key) = &source.key {
        writeln!(f, "             key ({}): {}", key.format.name(), key.columns.join(", "))?;
    }
    let mut names: Vec<String> = source.columns.iter().map(|column| column.name.clone()).collect();
    for computed in &source.computed {
        writeln!(f, "  computed   {} = {}", computed.name, computed.expr.display(&names))?;
    }
    names.extend(source.computed.iter().map(|computed| computed.name.clone()));
    if let Some(event_time) = &source.event_time {
        let column = names.get(event_time.column).map_or("", String::as_str);
        if source.is_processing_time() {
            writeln!(f, "  time       {column}: the broker's clock when a row is read")?;
            return Ok(names);
        }
        write!(f, "  watermark  of {column}: {}", event_time.watermark.display(&names))?;
        match source.idle_timeout_ms {
            None => writeln!(f)?,
            Some(0) => writeln!(f, ", an idle partition holds it back")?,
            Some(ms) => writeln!(f, ", a partition is idle after {}", duration(ms))?,
        }
    }
    Ok(names)
}

/// Writes where rows change tasks, before the stage `keeper`.
fn exchange(f: &mut fmt::Formatter<'_>, pipeline: &Pipeline, keeper: &Stage, names: &[String]) -> fmt::Result {
    let keys = keeper.keys();
    let by = exchange_keys(&pipeline.stages).unwrap_or_default();
    let by: Vec<String> = by.iter().map(|at| keys[*at].display(names).to_string()).collect();
    match &by[..] {
        [] => writeln!(
            f,
            "  exchange   partial results of each step -> 1 of {} tasks, as no key spreads them",
            pipeline.parallelism
        ),
        by => writeln!(
            f,
            "  exchange   partial results of each step -> {} tasks, hash of {}",
            pipeline.parallelism,
            by.join(", ")
        ),
    }
}

/// Writes the aggregation and returns the names of its row.
fn window_aggregate(
    f: &mut fmt::Formatter<'_>,
    aggregate: &WindowAggregate,
    names: &[String],
) -> Result<Vec<String>, fmt::Error> {
    let keys: Vec<String> = aggregate.keys.iter().map(|key| key.display(names).to_string()).collect();
    let calls: Vec<String> = aggregate.aggregates.iter().map(|call| call_text(call, names)).collect();
    f.write_str("  window     ")?;
    window(f, &aggregate.window)?;
    let time = names.get(aggregate.time_column).map_or("", String::as_str);
    write!(f, " over {time}")?;
    if !keys.is_empty() {
        write!(f, ", by {}", keys.join(", "))?;
    }
    writeln!(f, ": {}", if calls.is_empty() { "keys only".to_owned() } else { calls.join(", ") })?;
    let top = aggregate.aggregates.iter().find_map(|call| call.top.as_deref());
    let column = |index: usize| {
        let column = top.and_then(|top| top.columns.get(index));
        column.and_then(|(column, _)| names.get(*column).cloned()).unwrap_or_default()
    };
    let output = |field: &OutputField| match field {
        OutputField::Key(index) => keys[*index].clone(),
        OutputField::Aggregate(index) => calls[*index].clone(),
        OutputField::TopColumn(index) => column(*index),
        OutputField::Rank => "rownum".to_owned(),
        OutputField::WindowStart => "window_start".to_owned(),
        OutputField::WindowEnd => "window_end".to_owned(),
        OutputField::WindowTime => "window_time".to_owned(),
    };
    Ok(aggregate.output.iter().map(output).collect())
}

/// Writes the aggregation without windows and returns the names of its row.
fn group_aggregate(
    f: &mut fmt::Formatter<'_>,
    group: &GroupAggregate,
    names: &[String],
) -> Result<Vec<String>, fmt::Error> {
    let keys: Vec<String> = group.keys.iter().map(|key| key.display(names).to_string()).collect();
    let calls: Vec<String> = group.aggregates.iter().map(|call| call_text(call, names)).collect();
    let by = if keys.is_empty() { "all rows".to_owned() } else { format!("by {}", keys.join(", ")) };
    let shown = if calls.is_empty() { "keys only".to_owned() } else { calls.join(", ") };
    write!(f, "  group      {by}: {shown}")?;
    f.write_str(if group.retracts { ", of rows that change" } else { "" })?;
    match group.ttl_ms {
        Some(ms) => writeln!(f, "; forgotten after {} without a row", duration(ms))?,
        None => writeln!(f, "; kept for ever")?,
    }
    let output = |field: &OutputField| match *field {
        OutputField::Key(index) => keys[index].clone(),
        OutputField::Aggregate(index) => calls[index].clone(),
        _ => String::new(),
    };
    Ok(group.output.iter().map(output).collect())
}

/// Writes what the windows are.
fn window(f: &mut fmt::Formatter<'_>, window: &Window) -> fmt::Result {
    let offset_ms = match *window {
        Window::Tumble { size_ms, offset_ms } => {
            write!(f, "TUMBLE of {}", duration(size_ms))?;
            offset_ms
        }
        Window::Hop { slide_ms, size_ms, offset_ms } => {
            write!(f, "HOP of {} every {}", duration(size_ms), duration(slide_ms))?;
            offset_ms
        }
        Window::Cumulate { step_ms, size_ms, offset_ms } => {
            write!(f, "CUMULATE up to {} by {}", duration(size_ms), duration(step_ms))?;
            offset_ms
        }
        Window::Session { gap_ms } => return write!(f, "SESSION with gaps of {}", duration(gap_ms)),
        Window::Attached => return write!(f, "that rows have"),
    };
    if offset_ms != 0 {
        write!(f, " shifted by {}", duration(offset_ms))?;
    }
    Ok(())
}

/// Writes rows with their windows and returns the names of the row.
/// Writes UNNEST, and returns the names of its row.
fn unnest(f: &mut fmt::Formatter<'_>, plan: &Unnest, names: &[String]) -> Result<Vec<String>, fmt::Error> {
    let of = plan.of.display(names).to_string();
    let parts = Unnest::parts(plan.of.data_type()).unwrap_or_default().into_iter().map(|(name, _)| name);
    let mut parts: Vec<String> = parts.map(|name| format!("{of}[].{name}")).collect();
    parts.extend(plan.ordinality.then(|| format!("{of}[].ORDINALITY")));
    let outer = if plan.outer { ", or of none at all" } else { "" };
    writeln!(f, "  unnest     {of}: a row for each element{outer}")?;
    let kept = plan.columns.iter().map(|(column, _)| names.get(*column).cloned().unwrap_or_default());
    Ok(kept.chain(parts).collect())
}

fn window_rows(f: &mut fmt::Formatter<'_>, rows: &WindowRows, names: &[String]) -> Result<Vec<String>, fmt::Error> {
    f.write_str("  windows    ")?;
    window(f, &rows.window)?;
    write!(f, " over {}", names.get(rows.time_column).map_or("", String::as_str))?;
    let keys: Vec<String> = rows.keys.iter().map(|key| key.display(names).to_string()).collect();
    if !keys.is_empty() {
        write!(f, ", by {}", keys.join(", "))?;
    }
    let kept = rows.columns.iter().map(|(column, _)| names.get(*column).cloned().unwrap_or_default());
    let kept: Vec<String> = kept.collect();
    // Sessions keep these columns until they close: a job whose statements are replaced goes on with them only if they are the same.
    match rows.window {
        Window::Session { .. } if !kept.is_empty() => writeln!(f, ": each row ({}) with its windows", kept.join(", "))?,
        _ => writeln!(f, ": each row with its windows")?,
    }
    let bounds = ["window_start", "window_end", "window_time"].map(str::to_owned);
    Ok(kept.into_iter().chain(bounds).collect())
}

/// A call as it would be written.
pub(super) fn call_text(call: &Aggregate, names: &[String]) -> String {
    if let Some(top) = &call.top {
        return top.text(names);
    }
    let name = match call.function {
        AggregateFunction::CountStar | AggregateFunction::Count => "COUNT",
        AggregateFunction::Sum => "SUM",
        AggregateFunction::Min => "MIN",
        AggregateFunction::Max => "MAX",
        AggregateFunction::Avg => "AVG",
        AggregateFunction::First => "FIRST_VALUE",
        AggregateFunction::Last => "LAST_VALUE",
        AggregateFunction::Concat => "LISTAGG",
        AggregateFunction::Sketch => "SKETCH",
        AggregateFunction::Top => "TOP",
    };
    let argument = call.argument.as_ref().map_or("*".to_owned(), |argument| argument.display(names).to_string());
    let name = if call.distinct { format!("{name}(DISTINCT ") } else { format!("{name}(") };
    match &call.filter {
        Some(filter) => format!("{name}{argument}) FILTER (WHERE {})", filter.display(names)),
        None => format!("{name}{argument})"),
    }
}
