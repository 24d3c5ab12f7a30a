//! The numbers of the jobs, asked for at each scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::http::{JobPartition, JobState, JobStatus, JobTask, JobsApi};

/// Writes the numbers of the jobs that are there.
pub(super) struct JobCollector {
    jobs: Arc<dyn JobsApi>,
}

impl JobCollector {
    pub(super) fn new(jobs: Arc<dyn JobsApi>) -> Self {
        Self { jobs }
    }
}

impl fmt::Debug for JobCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobCollector")
    }
}

/// A number of `T`: name, help, value.
type Number<T, N> = (&'static str, &'static str, fn(&T) -> N);

const COUNTERS: &[Number<JobStatus, u64>] = &[
    ("job_records_read", "Records a job read", |job| job.records_read),
    ("job_records_written", "Records a job wrote", |job| job.records_written),
    ("job_read_bytes", "Bytes of batches a job read", |job| job.bytes_read),
    ("job_written_bytes", "Bytes of keys, values and headers a job wrote", |job| job.bytes_written),
    ("job_aside_records", "Records a job wrote to its dead letter and late topics", |job| job.records_aside),
    ("job_late_records", "Records of a job that came too late for their windows", |job| job.late_records),
    ("job_undecodable_records", "Records a job passed over for an error", |job| job.undecodable_records),
    ("job_commits", "Commits of a job", |job| job.commits),
    ("job_restarts", "Times a job was started again after a failure", |job| job.restarts),
];

const GAUGES: &[Number<JobStatus, f64>] = &[
    ("job_lag_records", "Records that are there and that a job has not processed yet", |job| job.lag_records as f64),
    ("job_open_windows", "Windows of a job that are open", |job| job.open_windows as f64),
    ("job_state_keys", "Group keys in the open windows of a job", |job| job.state_keys as f64),
    ("job_state_bytes", "Memory that the open windows of a job take", |job| job.state_bytes as f64),
    ("job_state_memory_bytes", "Memory that is kept for the open windows of a job", |job| {
        job.state_memory_bytes as f64
    }),
    ("job_state_disk_bytes", "Disk that the open windows of a job take beside the changelog", |job| {
        job.state_disk_bytes as f64
    }),
    ("job_changelog_bytes", "Bytes of a job's changelog since its last snapshot", |job| job.changelog_bytes as f64),
    ("job_busy_ratio", "Share of the last seconds in which a job was at work", |job| job.busy_share),
    ("job_waiting_ratio", "Share of the last seconds in which a job waited", |job| job.waiting_share),
];

/// Those that are not always there, ms since 1970.
const TIMES: &[Number<JobStatus, Option<i64>>] = &[
    ("job_watermark_milliseconds", "Time up to which a job's input is complete, in milliseconds since 1970", |job| {
        job.watermark_ms
    }),
    ("job_next_close_milliseconds", "End of the window that closes next, in milliseconds since 1970", |job| {
        job.next_close_ms
    }),
    ("job_last_error_milliseconds", "When a job met its last error, in milliseconds since 1970", |job| {
        job.last_error_at_ms
    }),
];

const OF_PARTITIONS: &[Number<JobPartition, i64>] = &[
    ("job_partition_lag_records", "Records of a partition that a job has not processed yet", |partition| {
        partition.end.saturating_sub(partition.position).max(0)
    }),
    ("job_partition_idle", "1 for a partition that is left out of a job's watermark", |partition| {
        i64::from(partition.idle)
    }),
    ("job_partition_holds_watermark", "1 for the partition at which a job's watermark stands", |partition| {
        i64::from(partition.holds_watermark)
    }),
    ("job_partition_waits", "1 for a partition that waits for slower ones", |partition| {
        i64::from(partition.waits_for_others)
    }),
];

/// Those of the tasks of one stage have the same unit: records of the source, or partial results.
const OF_TASKS: &[Number<JobTask, u64>] = &[
    ("job_task_records_read", "Records that a task of a job read since it was opened", |task| task.records_read),
    ("job_task_lag_records", "Records that a task of a job has not processed yet", |task| task.lag_records),
    ("job_task_state_keys", "Group keys in the open windows of a task", |task| task.state_keys),
    ("job_task_state_bytes", "Memory that the open windows of a task take", |task| task.state_bytes),
    ("job_task_commits", "Commits of a task since it was opened", |task| task.commits),
];

impl Collector for JobCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let jobs = self.jobs.list();
        for (name, help, value) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for job in &jobs {
                ConstCounter::new(value(job)).encode(family.encode_family(&[("job", job.name.as_str())])?)?;
            }
        }
        for (name, help, value) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for job in &jobs {
                let labels = [("job", job.name.as_str())];
                let value = value(job);
                // Whole numbers are written as such.
                match value.fract() == 0.0 {
                    true => ConstGauge::new(value as i64).encode(family.encode_family(&labels)?)?,
                    false => ConstGauge::new(value).encode(family.encode_family(&labels)?)?,
                }
            }
        }
        for (name, help, value) in TIMES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (job, time) in jobs.iter().filter_map(|job| value(job).map(|time| (job, time))) {
                ConstGauge::new(time).encode(family.encode_family(&[("job", job.name.as_str())])?)?;
            }
        }
        commits(&jobs, &mut encoder)?;
        states(&jobs, &mut encoder)?;
        tasks(&jobs, &mut encoder)?;
        partitions(&jobs, &mut encoder)
    }
}

fn tasks(jobs: &[JobStatus], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    for (name, help, value) in OF_TASKS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (job, task) in jobs.iter().flat_map(|job| job.tasks.iter().map(move |task| (job, task))) {
            let (insert, number) = ((task.pipeline + 1).to_string(), task.number.to_string());
            let labels = [("job", job.name.as_str()), ("insert", &insert), ("stage", &task.stage), ("task", &number)];
            ConstGauge::new(i64::try_from(value(task)).unwrap_or(i64::MAX)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn commits(jobs: &[JobStatus], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Time from reading to a visible commit, of the last commits";
    let mut family = encoder.encode_descriptor("job_commit_milliseconds", help, None, MetricType::Gauge)?;
    for job in jobs {
        for (quantile, ms) in [("0.5", job.commit_p50_ms), ("0.99", job.commit_p99_ms)] {
            if let Some(ms) = ms {
                let labels = [("job", job.name.as_str()), ("quantile", quantile)];
                ConstGauge::new(ms).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}

fn states(jobs: &[JobStatus], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "1 for the state a job is in, 0 for the others";
    let mut family = encoder.encode_descriptor("job_state", help, None, MetricType::Gauge)?;
    for job in jobs {
        for state in JobState::ALL {
            let labels = [("job", job.name.as_str()), ("state", state.name())];
            ConstGauge::new(i64::from(job.state == state)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn partitions(jobs: &[JobStatus], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let of_all = || jobs.iter().flat_map(|job| job.partitions.iter().map(move |partition| (job, partition)));
    for (name, help, value) in OF_PARTITIONS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (job, partition) in of_all() {
            let number = partition.partition.to_string();
            let labels = [("job", job.name.as_str()), ("topic", &partition.topic), ("partition", &number)];
            ConstGauge::new(value(partition)).encode(family.encode_family(&labels)?)?;
        }
    }
    let help = "Watermark of a partition in a job, in milliseconds since 1970";
    let mut family =
        encoder.encode_descriptor("job_partition_watermark_milliseconds", help, None, MetricType::Gauge)?;
    for (job, partition) in of_all() {
        let Some(watermark) = partition.watermark_ms else { continue };
        let number = partition.partition.to_string();
        let labels = [("job", job.name.as_str()), ("topic", &partition.topic), ("partition", &number)];
        ConstGauge::new(watermark).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
