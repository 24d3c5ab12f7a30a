//! How jobs look in a table and in sentences.

use crate::cli::output::{friendly_count, friendly_ms, table};
use crate::http::{JobPartition, JobStatus};

/// All jobs, one a line.
pub(super) fn list(jobs: &[JobStatus]) -> String {
    if jobs.is_empty() {
        return "no jobs; `forebay job apply FILE.sql` makes one".to_owned();
    }
    let row = |job: &JobStatus| {
        vec![
            job.name.clone(),
            state(job),
            flow(job, ""),
            friendly_count(job.lag_records),
            behind(job),
            format!("{:.0}", job.records_read_per_second),
            friendly_count(job.late_records),
        ]
    };
    table(&["NAME", "STATE", "TOPICS", "LAG", "WATERMARK", "RECORDS/S", "LATE"], jobs.iter().map(row).collect())
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
        format!("read        {} records, {:.0}/s", friendly_count(job.records_read), job.records_read_per_second),
        format!("written     {} records", friendly_count(job.records_written)),
        format!("dropped     {} late, {} undecodable", job.late_records, job.undecodable_records),
        format!("commits     {}{}", friendly_count(job.commits), commit_time(job)),
        format!("last error  {}", job.last_error.as_deref().unwrap_or("none")),
    ];
    if !job.partitions.is_empty() {
        lines.push(String::new());
        lines.push(table(
            &["TOPIC", "PARTITION", "POSITION", "END", "LAG", "WATERMARK"],
            job.partitions.iter().map(partition).collect(),
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
        match (partition.idle, partition.watermark_ms) {
            (true, _) => "idle".to_owned(),
            (false, Some(ms)) => ms.to_string(),
            (false, None) => "none yet".to_owned(),
        },
    ]
}

fn behind(job: &JobStatus) -> String {
    match job.watermark_behind_ms {
        None => "none yet".to_owned(),
        Some(ms) if ms < 0 => format!("{} ahead", friendly_ms(ms.saturating_neg())),
        Some(ms) => format!("{} behind", friendly_ms(ms)),
    }
}

fn commit_time(job: &JobStatus) -> String {
    job.commit_p99_ms.map(|ms| format!(", 99 % within {ms:.1} ms")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::JobState;

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
            }],
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
            "commits     7, 99 % within 3.0 ms",
            "last error  none",
            "INSERT INTO b SELECT 1;",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(created(&job()).starts_with("job user-metrics created: a -> b, 10,000 records to read\n"));
    }
}
