//! The markers that are to be written again, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use forebay_control::transaction::WriteMarkers;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;

/// How long after the first failure markers are written again. Each further failure doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// And never longer than this: a disk that has room again is found within that time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One entry for each transactional id whose transaction is decided and not ended everywhere. There are no more of them than ids.
#[derive(Default)]
pub(in crate::coordinator) struct Unwritten {
    ids: Mutex<BTreeMap<String, Entry>>,
    more: Notify,
}

struct Entry {
    /// `None` while they are being written.
    markers: Option<WriteMarkers>,
    due: Instant,
    pause: Duration,
}

impl Unwritten {
    /// Has markers written after a pause. Whether they have not failed before.
    pub(super) fn put(&self, markers: WriteMarkers, now: Instant) -> bool {
        let mut ids = self.ids.lock();
        let before = ids.get(&markers.transactional_id).map(|entry| entry.pause);
        let pause = before.map_or(SHORTEST_PAUSE, |pause| (2 * pause).min(LONGEST_PAUSE));
        ids.insert(markers.transactional_id.clone(), Entry { markers: Some(markers), due: now + pause, pause });
        drop(ids);
        self.more.notify_one();
        before.is_none()
    }

    /// Takes what is due, and says when more will be.
    fn take(&self, now: Instant) -> (Vec<WriteMarkers>, Option<Instant>) {
        let mut ids = self.ids.lock();
        let due = ids.values_mut().filter(|entry| entry.due <= now).filter_map(|entry| entry.markers.take()).collect();
        let next = ids.values().filter(|entry| entry.markers.is_some()).map(|entry| entry.due).min();
        (due, next)
    }

    /// Waits until some are due, and takes them.
    pub(super) async fn due(&self) -> Vec<WriteMarkers> {
        loop {
            let (due, next) = self.take(clock::instant());
            if !due.is_empty() {
                return due;
            }
            match next {
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => {}
                    () = self.more.notified() => {}
                },
                None => self.more.notified().await,
            }
        }
    }

    /// Those of an id are written. What has come meanwhile is of its next transaction, and stays.
    pub(in crate::coordinator) fn remove(&self, transactional_id: &str) {
        let mut ids = self.ids.lock();
        if ids.get(transactional_id).is_some_and(|entry| entry.markers.is_none()) {
            ids.remove(transactional_id);
        }
    }

    /// Whether there are some of that id.
    pub(super) fn has(&self, transactional_id: &str) -> bool {
        self.ids.lock().contains_key(transactional_id)
    }
}

#[cfg(test)]
mod tests {
    use forebay_control::transaction::TransactionVersion;
    use forebay_storage::ids::{ProducerEpoch, ProducerId};

    use super::*;

    fn markers(id: &str) -> WriteMarkers {
        WriteMarkers {
            transactional_id: id.into(),
            producer_id: ProducerId(1),
            producer_epoch: ProducerEpoch(0),
            coordinator_epoch: 0,
            commit: true,
            client_version: TransactionVersion::V0,
            partitions: Vec::new(),
        }
    }

    #[test]
    fn what_fails_again_waits_longer_and_is_there_until_it_is_written() {
        let unwritten = Unwritten::default();
        let mut now = clock::instant();
        assert!(unwritten.put(markers("a"), now), "for the first time");
        for ms in [500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            let due = now + Duration::from_millis(ms);
            assert_eq!(unwritten.take(due - Duration::from_millis(1)), (vec![], Some(due)));
            assert_eq!(unwritten.take(due), (vec![markers("a")], None));
            assert_eq!(unwritten.take(due), (vec![], None), "taken once");
            assert!(unwritten.has("a"), "while it is being written");
            now = due;
            assert!(!unwritten.put(markers("a"), now), "and so it is not spoken of again");
        }
        now += LONGEST_PAUSE;
        assert_eq!(unwritten.take(now).0, vec![markers("a")]);
        unwritten.remove("a");
        assert!(!unwritten.has("a"));
        assert!(unwritten.put(markers("a"), now));
        assert_eq!(unwritten.take(now).1, Some(now + SHORTEST_PAUSE), "another transaction");
    }

    #[test]
    fn the_next_transactions_markers_stay_when_the_last_ones_are_written() {
        let unwritten = Unwritten::default();
        let next = WriteMarkers { producer_epoch: ProducerEpoch(1), ..markers("a") };
        let now = clock::instant();
        unwritten.put(markers("a"), now);
        let due = now + SHORTEST_PAUSE;
        assert_eq!(unwritten.take(due).0, vec![markers("a")]);
        // Its log says that they are written, and before that is noted here the next ones fail.
        unwritten.put(next.clone(), due);
        unwritten.remove("a");
        assert!(unwritten.has("a"));
        assert_eq!(unwritten.take(due + LONGEST_PAUSE).0, vec![next]);
    }
}
