//! How jobs look in a table and in sentences.

use forebay_processor::job::time_text;

use crate::cli::output::{friendly_count, friendly_ms, table};
use crate::http::{JobPartition, JobStatus, JobTask, Replaced};

/// All jobs, one a line.
pub(super) fn list(jobs: &[JobStatus]) -> String {
    if jobs.is_empty() {
        return "no jobs; `forebay job apply FILE.sql` makes one".to_owned();
    }
    let row = |job: &JobStatus| {
        vec![
            job.name.clone(),
            shortened(state(job)),
            flow(job, ""),
            friendly_count(job.lag_records),
            behind(job),
            format!("{:.0}", job.records_read_per_second),
            friendly_count(job.late_records),
        ]
    };
    table(&["NAME", "STATE", "TOPICS", "LAG", "WATERMARK", "RECORDS/S", "LATE"], jobs.iter().map(row).collect())
}

/// A state that leaves room for the other columns; `describe` has all of it.
fn shortened(state: String) -> String {
    const LONGEST: usize = 48;
    match state.char_indices().nth(LONGEST) {
        None => state,
        Some((at, _)) => format!("{}..", &state[..at]),
    }
}

/// One job in full.
pub(super) fn one(job: &JobStatus) -> String {
    let mut lines = vec![
        format!("name        {}", job.name),
        format!("state       {}", state(job)),
        format!("reads       {}", job.sources.join(", ")),
        format!("writes      {}", job.sinks.join(", ")),
        format!("group       {}", job.group),
        format!("watermark   {}", behind(job)),
        format!("lag         {} records", friendly_count(job.lag_records)),
        format!(
            "read        {} records, {:.0}/s, {}",
            friendly_count(job.records_read),
            job.records_read_per_second,
            friendly_bytes(job.bytes_read)
        ),
        format!("written     {} records, {}", friendly_count(job.records_written), friendly_bytes(job.bytes_written)),
        format!(
            "put aside   {} late, {} with errors; {} written to side topics",
            friendly_count(job.late_records),
            friendly_count(job.undecodable_records),
            friendly_count(job.records_aside)
        ),
        format!(
            "windows     {} open, {} keys, {} in memory, {} on disk; {} of changelog",
            friendly_count(job.open_windows),
            friendly_count(job.state_keys),
            friendly_bytes(job.state_memory_bytes),
            friendly_bytes(job.state_disk_bytes),
            friendly_bytes(job.changelog_bytes)
        ),
        format!("commits     {}{}", friendly_count(job.commits), commit_time(job)),
        format!("time        {:.0} % at work, {:.0} % waiting", job.busy_share * 100.0, job.waiting_share * 100.0),
        format!("last error  {}", last_error(job)),
    ];
    for (number, reason) in job.why.iter().enumerate() {
        lines.push(format!("{:<11} {reason}", if number == 0 { "why" } else { "" }));
    }
    if !job.partitions.is_empty() {
        lines.push(String::new());
        lines.push(table(
            &["TOPIC", "PARTITION", "POSITION", "END", "LAG", "WATERMARK", "LATE", "ERRORS", ""],
            job.partitions.iter().map(partition).collect(),
        ));
    }
    // One that does everything has nothing to say that is not said above.
    if job.tasks.iter().any(|task| task.number > 0) {
        lines.push(String::new());
        lines.push(table(
            &["INSERT", "STAGE", "TASK", "READ", "LAG", "WATERMARK", "KEYS", "STATE", "COMMITS"],
            job.tasks.iter().map(task).collect(),
        ));
    }
    lines.push(String::new());
    lines.push(job.sql.trim_end().to_owned());
    lines.join("\n")
}

/// From where to where a job goes, and `end`; nothing before it has found its topics.
fn flow(job: &JobStatus, end: &str) -> String {
    if job.sources.is_empty() && job.sinks.is_empty() {
        return String::new();
    }
    format!("{} -> {}{end}", job.sources.join(", "), job.sinks.join(", "))
}

/// What is said of a new job.
pub(super) fn created(job: &JobStatus) -> String {
    let to_read = match job.lag_records {
        0 => "nothing to read yet".to_owned(),
        lag => format!("{} records to read", friendly_count(lag)),
    };
    let name = &job.name;
    format!("job {name} created: {}{to_read}\nwatch it with `forebay job describe {name}`", flow(job, ", "))
}

/// The state, with the reason where there is one.
pub(super) fn state(job: &JobStatus) -> String {
    let name = job.state.name().to_ascii_uppercase();
    job.reason.as_ref().map_or(name.clone(), |reason| format!("{name} ({reason})"))
}

fn partition(partition: &JobPartition) -> Vec<String> {
    vec![
        partition.topic.clone(),
        partition.partition.to_string(),
        partition.position.to_string(),
        partition.end.to_string(),
        partition.end.saturating_sub(partition.position).max(0).to_string(),
        partition.watermark_ms.map_or("none yet".to_owned(), time_text),
        partition.late_records.to_string(),
        partition.undecodable_records.to_string(),
        match partition {
            JobPartition { idle: true, .. } => "idle".to_owned(),
            JobPartition { waits_for_others: true, .. } => "waits for slower ones".to_owned(),
            JobPartition { holds_watermark: true, .. } => "holds the watermark".to_owned(),
            _ => String::new(),
        },
    ]
}

fn task(task: &JobTask) -> Vec<String> {
    vec![
        (task.pipeline + 1).to_string(),
        task.stage.clone(),
        task.number.to_string(),
        friendly_count(task.records_read),
        friendly_count(task.lag_records),
        task.watermark_ms.map_or("none yet".to_owned(), time_text),
        friendly_count(task.state_keys),
        friendly_bytes(task.state_bytes),
        friendly_count(task.commits),
    ]
}

fn last_error(job: &JobStatus) -> String {
    let Some(error) = &job.last_error else { return "none".to_owned() };
    let at = job.last_error_at_ms.map_or(String::new(), |at| format!("{} ", time_text(at)));
    let over = job.well_since_ms.map_or(String::new(), |since| format!("; over since {}", time_text(since)));
    format!("{at}{error}{over}")
}

/// What is said of a job that has other statements now.
pub(super) fn replaced(replaced: &Replaced) -> String {
    let mut lines = vec![format!("job {}: {}", replaced.job.name, state(&replaced.job))];
    lines.extend(replaced.kept.iter().map(|kept| format!("  {kept}")));
    lines.extend(replaced.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n")
}

fn friendly_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

fn behind(job: &JobStatus) -> String {
    match job.watermark_behind_ms {
        None => "none yet".to_owned(),
        // The end of a bounded input.
        Some(ms) if ms <= -(1 << 52) => "at its end".to_owned(),
        Some(ms) if ms < 0 => format!("{} ahead", friendly_ms(ms.saturating_neg())),
        Some(ms) => format!("{} behind", friendly_ms(ms)),
    }
}

fn commit_time(job: &JobStatus) -> String {
    let within = |share: &str, ms: f64| format!(", {share} within {ms:.1} ms");
    let half = job.commit_p50_ms.map(|ms| within("half", ms)).unwrap_or_default();
    half + &job.commit_p99_ms.map(|ms| within("99 %", ms)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::JobState;

    fn a_task(stage: &str, number: usize) -> JobTask {
        JobTask {
            pipeline: 0,
            stage: stage.to_owned(),
            number,
            records_read: 5_000,
            lag_records: 0,
            watermark_ms: None,
            state_keys: 20,
            state_bytes: 2_048,
            commits: 7,
        }
    }

    fn job() -> JobStatus {
        JobStatus {
            name: "user-metrics".to_owned(),
            state: JobState::Waiting,
            reason: Some("no input".to_owned()),
            sql: "INSERT INTO b SELECT 1;\n".to_owned(),
            sources: vec!["a".to_owned()],
            sinks: vec!["b".to_owned()],
            group: "g".to_owned(),
            created_at_ms: 0,
            watermark_ms: Some(9),
            watermark_behind_ms: Some(2_100),
            why: vec!["partition a-2 holds it".to_owned(), "the next window closes".to_owned()],
            next_close_ms: None,
            records_aside: 4,
            bytes_read: 2_048,
            bytes_written: 10,
            open_windows: 2,
            state_keys: 1_000,
            state_bytes: 1_572_864,
            state_memory_bytes: 2_097_152,
            state_disk_bytes: 0,
            changelog_bytes: 0,
            busy_share: 0.254,
            waiting_share: 0.746,
            restarts: 0,
            commit_p50_ms: Some(0.2),
            last_error_at_ms: None,
            well_since_ms: None,
            lag_records: 10_000,
            records_read: 5,
            records_written: 2,
            records_read_per_second: 499.6,
            late_records: 3,
            undecodable_records: 1,
            commits: 7,
            commit_p99_ms: Some(3.04),
            last_error: None,
            partitions: vec![JobPartition {
                topic: "a".to_owned(),
                partition: 2,
                position: 5,
                end: 9,
                watermark_ms: None,
                idle: true,
                late_records: 3,
                undecodable_records: 1,
                holds_watermark: false,
                waits_for_others: false,
            }],
            tasks: vec![a_task("local", 1), a_task("global", 0)],
        }
    }

    #[test]
    fn a_list_has_one_line_for_each_job() {
        let text = list(&[job()]);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()).collect();
        assert_eq!(lines[0], ["NAME", "STATE", "TOPICS", "LAG", "WATERMARK", "RECORDS/S", "LATE"]);
        assert_eq!(lines[1], ["user-metrics", "WAITING (no input)", "a -> b", "10,000", "2.1 s behind", "500", "3"]);
        assert!(list(&[]).contains("forebay job apply"));
    }

    #[test]
    fn a_job_in_full() {
        let text = one(&job());
        for line in [
            "lag         10,000 records",
            "read        5 records, 500/s, 2.0 KiB",
            "put aside   3 late, 1 with errors; 4 written to side topics",
            "windows     2 open, 1,000 keys, 2.0 MiB in memory, 0 bytes on disk; 0 bytes of changelog",
            "commits     7, half within 0.2 ms, 99 % within 3.0 ms",
            "time        25 % at work, 75 % waiting",
            "why         partition a-2 holds it",
            "            the next window closes",
            "last error  none",
            "INSERT INTO b SELECT 1;",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let failing = JobStatus { last_error: Some("no disk".into()), last_error_at_ms: Some(1_000), ..job() };
        assert!(one(&failing).contains("last error  1970-01-01T00:00:01.000Z no disk\n"));
        let over = JobStatus { well_since_ms: Some(3_000), ..failing };
        let line = "last error  1970-01-01T00:00:01.000Z no disk; over since 1970-01-01T00:00:03.000Z\n";
        assert!(one(&over).contains(line), "{}", one(&over));
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let tasks = ["1 local 1 5,000 0 none yet 20 2.0 KiB 7", "1 global 0 5,000 0 none yet 20 2.0 KiB 7"];
        for task in tasks {
            assert!(text.lines().any(|line| words(line) == words(task)), "{task} is not in\n{text}");
        }
        let alone = JobStatus { tasks: vec![a_task("whole", 0)], ..job() };
        assert!(!one(&alone).contains("STAGE"), "one task is the job");
        assert!(created(&job()).starts_with("job user-metrics created: a -> b, 10,000 records to read\n"));
    }
}
