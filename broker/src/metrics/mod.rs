//! What the broker counts, for Prometheus. Counting is one atomic addition; names and text are made when asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::http::JobsApi;

mod cleaner;
mod jobs;
mod requests;

pub use cleaner::CleanerMetrics;
pub use requests::RequestMetrics;

/// Everything the broker counts.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Requests by API.
    pub requests: RequestMetrics,
    /// Bytes read from clients.
    pub received_bytes: Counter,
    /// Bytes written to clients.
    pub sent_bytes: Counter,
    /// Connections open now.
    pub connections: Gauge,
    /// Bytes of answers that clients have not taken yet.
    pub unsent_bytes: Gauge,
    /// Connections accepted.
    pub connections_accepted: Counter,
    /// Connections turned away by a limit.
    pub connections_refused: Counter,
    /// Connections that waited for a place, or for coming too fast.
    pub connections_delayed: Counter,
    /// Connections closed because the brokers' listener needed their place.
    pub connections_evicted: Counter,
    /// Connections closed for a frame that made no sense.
    pub malformed_requests: Counter,
    /// Records appended for producers.
    pub produced_records: Counter,
    /// Bytes of batches appended for producers.
    pub produced_bytes: Counter,
    /// Bytes of batches handed to consumers.
    pub fetched_bytes: Counter,
    /// Partitions whose log is open.
    pub open_logs: Gauge,
    /// Microseconds from start to serving clients.
    pub start_microseconds: Gauge<u64, AtomicU64>,
    /// The log cleaner.
    pub cleaner: CleanerMetrics,
}

impl Metrics {
    /// Metrics at zero. `api_name` gives the name of an API key; its number stands in where there is none.
    #[must_use]
    pub fn new(api_name: fn(i16) -> Option<&'static str>) -> Self {
        let mut registry = Registry::with_prefix("forebay");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        let requests = RequestMetrics::new(api_name);
        registry.register_collector(Box::new(requests.collector()));
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let received_bytes = counter("received_bytes", "Bytes read from clients");
        let sent_bytes = counter("sent_bytes", "Bytes written to clients");
        let connections_accepted = counter("connections_accepted", "Connections accepted");
        let connections_refused = counter("connections_refused", "Connections turned away by a limit");
        let connections_delayed =
            counter("connections_delayed", "Connections that waited for a place or came too fast");
        let connections_evicted = counter("connections_evicted", "Connections closed for those of brokers");
        let malformed_requests = counter("malformed_requests", "Connections closed for a frame that made no sense");
        let produced_records = counter("produced_records", "Records appended for producers");
        let produced_bytes = counter("produced_bytes", "Bytes of batches appended for producers");
        let fetched_bytes = counter("fetched_bytes", "Bytes of batches handed to consumers");
        let connections: Gauge = Gauge::default();
        registry.register("connections", "Connections open now", connections.clone());
        let unsent_bytes: Gauge = Gauge::default();
        registry.register("unsent_bytes", "Bytes of answers that clients have not taken yet", unsent_bytes.clone());
        let open_logs: Gauge = Gauge::default();
        registry.register("open_logs", "Partitions whose log is open", open_logs.clone());
        let start_microseconds: Gauge<u64, AtomicU64> = Gauge::default();
        let help = "Microseconds from start to serving clients";
        registry.register("start_microseconds", help, start_microseconds.clone());
        let cleaner = CleanerMetrics::registered(&mut registry);
        Self {
            registry: Mutex::new(registry),
            requests,
            received_bytes,
            sent_bytes,
            connections,
            unsent_bytes,
            connections_accepted,
            connections_refused,
            connections_delayed,
            connections_evicted,
            malformed_requests,
            produced_records,
            produced_bytes,
            fetched_bytes,
            open_logs,
            start_microseconds,
            cleaner,
        }
    }

    /// Adds the jobs, which are asked for their numbers at each scrape.
    pub fn observe_jobs(&self, jobs: Arc<dyn JobsApi>) {
        self.registry.lock().register_collector(Box::new(jobs::JobCollector::new(jobs)));
    }

    /// Adds numbers that another room keeps, asked for at each scrape.
    pub fn observe(&self, collector: Box<dyn prometheus_client::collector::Collector>) {
        self.registry.lock().register_collector(collector);
    }

    /// All metrics in OpenMetrics' text format.
    ///
    /// # Errors
    /// A collector failed to write.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new(|api| (api == 0).then_some("Produce"));
        metrics.produced_records.inc_by(5);
        metrics.connections.inc();
        metrics.requests.done(0, Duration::from_millis(1500));
        metrics.requests.done(0, Duration::from_millis(500));
        metrics.requests.failed(0, 3);
        metrics.requests.done(77, Duration::ZERO);
        // Numbers outside of the table come from the wire and must not matter.
        metrics.requests.done(-1, Duration::ZERO);
        metrics.requests.done(i16::MAX, Duration::ZERO);
        metrics.requests.failed(i16::MAX, 35);
        let text = metrics.encode().unwrap();
        for line in [
            "forebay_build_info{version=\"0.1.0\"} 1",
            "forebay_produced_records_total 5",
            "forebay_connections 1",
            "forebay_requests_total{api=\"Produce\"} 2",
            "forebay_requests_total{api=\"77\"} 1",
            "forebay_requests_total{api=\"other\"} 2",
            "forebay_request_seconds_total{api=\"Produce\"} 2.0",
            "forebay_request_errors_total{api=\"Produce\",error=\"3\"} 1",
            "forebay_request_errors_total{api=\"other\",error=\"35\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
