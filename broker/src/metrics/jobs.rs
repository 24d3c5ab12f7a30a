//! The numbers of the jobs, asked for at each scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::http::{JobState, JobStatus, JobsApi};

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

/// A counter of a job: name, help, value.
type JobCounter = (&'static str, &'static str, fn(&JobStatus) -> u64);

const COUNTERS: &[JobCounter] = &[
    ("job_records_read", "Records a job read", |job| job.records_read),
    ("job_records_written", "Records a job wrote", |job| job.records_written),
    ("job_late_records", "Records a job dropped for being late", |job| job.late_records),
    ("job_undecodable_records", "Records a job could not decode", |job| job.undecodable_records),
    ("job_commits", "Commits of a job", |job| job.commits),
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
        let help = "Records that are there and that a job has not processed yet";
        let mut family = encoder.encode_descriptor("job_lag_records", help, None, MetricType::Gauge)?;
        for job in &jobs {
            ConstGauge::new(job.lag_records).encode(family.encode_family(&[("job", job.name.as_str())])?)?;
        }
        let help = "Time up to which a job's input is complete, in milliseconds since 1970";
        let mut family = encoder.encode_descriptor("job_watermark_milliseconds", help, None, MetricType::Gauge)?;
        for job in &jobs {
            if let Some(watermark) = job.watermark_ms {
                ConstGauge::new(watermark).encode(family.encode_family(&[("job", job.name.as_str())])?)?;
            }
        }
        let help = "1 for the state a job is in, 0 for the others";
        let mut family = encoder.encode_descriptor("job_state", help, None, MetricType::Gauge)?;
        for job in &jobs {
            for state in JobState::ALL {
                let labels = [("job", job.name.as_str()), ("state", state.name())];
                ConstGauge::new(i64::from(job.state == state)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
