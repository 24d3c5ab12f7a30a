//! Requests, their time and their errors, by API.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

/// API keys counted one by one; Kafka 4.3's highest is 92. All others share the last slot.
const SLOTS: usize = 129;

/// Requests by API. Cloning shares the numbers.
#[derive(Clone)]
pub struct RequestMetrics {
    shared: Arc<Shared>,
}

struct Shared {
    slots: Vec<Slot>,
    /// By slot and error code. Errors are rare enough for a lock.
    errors: Mutex<BTreeMap<(usize, i16), u64>>,
    api_name: fn(i16) -> Option<&'static str>,
}

#[derive(Default)]
struct Slot {
    requests: AtomicU64,
    nanoseconds: AtomicU64,
}

impl RequestMetrics {
    pub(super) fn new(api_name: fn(i16) -> Option<&'static str>) -> Self {
        let slots = (0..SLOTS).map(|_| Slot::default()).collect();
        Self { shared: Arc::new(Shared { slots, errors: Mutex::default(), api_name }) }
    }

    /// Counts a request, with the time from the whole of it read to its answer ready.
    pub fn done(&self, api_key: i16, took: Duration) {
        let counters = &self.shared.slots[slot_of(api_key)];
        counters.requests.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counters.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Counts an error code that an answer carried.
    pub fn failed(&self, api_key: i16, error_code: i16) {
        *self.shared.errors.lock().entry((slot_of(api_key), error_code)).or_default() += 1;
    }

    pub(super) fn collector(&self) -> RequestCollector {
        RequestCollector { shared: self.shared.clone() }
    }
}

/// Numbers from outside of the table, which come from the wire, share the last slot.
fn slot_of(api_key: i16) -> usize {
    usize::try_from(api_key).map_or(SLOTS - 1, |key| key.min(SLOTS - 1))
}

/// Writes the numbers at a scrape, those of the APIs that were used.
pub(super) struct RequestCollector {
    shared: Arc<Shared>,
}

impl fmt::Debug for RequestCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestCollector")
    }
}

impl RequestCollector {
    fn name(&self, slot: usize) -> String {
        if slot == SLOTS - 1 {
            return "other".to_owned();
        }
        let known = i16::try_from(slot).ok().and_then(self.shared.api_name);
        known.map_or_else(|| slot.to_string(), str::to_owned)
    }

    fn used(&self) -> impl Iterator<Item = (String, u64, u64)> {
        self.shared.slots.iter().enumerate().filter_map(|(i, slot)| {
            let requests = slot.requests.load(Ordering::Relaxed);
            (requests > 0).then(|| (self.name(i), requests, slot.nanoseconds.load(Ordering::Relaxed)))
        })
    }
}

impl Collector for RequestCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let mut family = encoder.encode_descriptor("requests", "Requests handled", None, MetricType::Counter)?;
        for (api, requests, _) in self.used() {
            ConstCounter::new(requests).encode(family.encode_family(&[("api", api)])?)?;
        }
        let help = "Time from a whole request read to its answer ready, summed up";
        let mut family = encoder.encode_descriptor("request", help, Some(&Unit::Seconds), MetricType::Counter)?;
        for (api, _, nanoseconds) in self.used() {
            #[expect(clippy::cast_precision_loss, reason = "a sum of times is read to a few digits")]
            let seconds = nanoseconds as f64 / 1e9;
            ConstCounter::new(seconds).encode(family.encode_family(&[("api", api)])?)?;
        }
        let help = "Error codes that answers carried, by Kafka's numbers";
        let mut family = encoder.encode_descriptor("request_errors", help, None, MetricType::Counter)?;
        let errors = self.shared.errors.lock().clone();
        for ((slot, error), count) in errors {
            let labels = [("api", self.name(slot)), ("error", error.to_string())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
