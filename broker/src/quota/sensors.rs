//! What is counted of each client, of a bounded number of clients: who was not seen for long is forgotten.

use std::collections::HashMap;
use std::hash::Hash;

/// A client that was silent for so long is forgotten, in milliseconds (Kafka: InactiveSensorExpirationTimeSeconds).
pub const EXPIRATION_MS: i64 = 3_600_000;
/// Most clients of one kind of quota that are remembered; beyond, the older half is forgotten.
pub const MAX_SENSORS: usize = 20_000;
/// How often silent ones are looked for, in milliseconds.
const SWEEP_MS: i64 = 60_000;

/// One sensor a client.
#[derive(Debug)]
pub struct Sensors<K, S> {
    all: HashMap<K, (S, i64)>,
    swept_ms: i64,
}

impl<K, S> Default for Sensors<K, S> {
    fn default() -> Sensors<K, S> {
        Sensors { all: HashMap::new(), swept_ms: 0 }
    }
}

impl<K: Eq + Hash, S> Sensors<K, S> {
    /// The sensor of a client, made if there is none.
    pub fn of(&mut self, client: K, now_ms: i64, make: impl FnOnce() -> S) -> &mut S {
        self.sweep(now_ms);
        let (sensor, seen_ms) = self.all.entry(client).or_insert_with(|| (make(), now_ms));
        *seen_ms = now_ms;
        sensor
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn sweep(&mut self, now_ms: i64) {
        if now_ms - self.swept_ms >= SWEEP_MS {
            self.swept_ms = now_ms;
            self.all.retain(|_, (_, seen_ms)| now_ms - *seen_ms < EXPIRATION_MS);
        }
        if self.all.len() >= MAX_SENSORS {
            let mut seen: Vec<i64> = self.all.values().map(|(_, seen_ms)| *seen_ms).collect();
            let (_, median, _) = seen.select_nth_unstable(MAX_SENSORS / 2);
            let median = *median;
            // Of those that were seen in the same millisecond only as many go as are too many.
            let older = self.all.values().filter(|(_, seen_ms)| *seen_ms < median).count();
            let mut ties = (MAX_SENSORS / 2).saturating_sub(older);
            self.all.retain(|_, (_, seen_ms)| {
                let goes = *seen_ms < median || (*seen_ms == median && ties > 0);
                ties -= usize::from(goes && *seen_ms == median);
                !goes
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silent_are_forgotten_after_an_hour() {
        let mut sensors: Sensors<u32, u32> = Sensors::default();
        *sensors.of(1, 0, || 0) += 5;
        *sensors.of(2, EXPIRATION_MS - 1, || 0) += 1;
        assert_eq!(*sensors.of(1, EXPIRATION_MS - 1, || 0), 5);
        sensors.of(3, 2 * EXPIRATION_MS - 2, || 0);
        assert_eq!(sensors.len(), 3);
        sensors.of(3, 2 * EXPIRATION_MS + SWEEP_MS, || 0);
        assert_eq!(sensors.len(), 1);
    }

    #[test]
    fn however_many_come_their_number_is_bounded() {
        let mut sensors: Sensors<usize, ()> = Sensors::default();
        for client in 0..5 * MAX_SENSORS {
            sensors.of(client, client as i64 / 100, || ());
            assert!(sensors.len() <= MAX_SENSORS);
        }
        assert!(sensors.len() >= MAX_SENSORS / 3);
        let mut at_once: Sensors<usize, ()> = Sensors::default();
        for client in 0..5 * MAX_SENSORS {
            at_once.of(client, 7, || ());
            let least = if client < MAX_SENSORS { client } else { MAX_SENSORS / 2 };
            assert!((least..=MAX_SENSORS).contains(&at_once.len()), "{} after {client}", at_once.len());
        }
    }
}
