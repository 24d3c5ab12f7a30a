//! One change of a job at a time: pausing, resuming, replacing, saving, dropping, registering. Who changes a job takes its turn, and
//! keeps it over everything that the change waits for.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// By name, for as long as somebody has the turn or waits for it.
type Doors = Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>;

/// Whose turn it is, by the name of the job, whether there is one of that name or not.
#[derive(Default)]
pub struct Turns(Arc<Doors>);

/// The turn of one who changes a job, until it is dropped.
pub struct Turn {
    doors: Arc<Doors>,
    name: String,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for those who came before.
    pub async fn take(&self, name: &str) -> Turn {
        let door = Arc::clone(self.0.lock().entry(name.to_owned()).or_default());
        // Who stops waiting leaves no door behind either.
        let mut turn = Turn { doors: Arc::clone(&self.0), name: name.to_owned(), held: None };
        turn.held = Some(door.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut doors = self.doors.lock();
        self.held = None;
        // Doors are handed out under this lock, so nobody else can come by one that only the map has.
        if doors.get(&self.name).is_some_and(|door| Arc::strong_count(door) == 1) {
            doors.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_waited_for_by_name_and_nothing_stays_behind() {
        let turns = Arc::new(Turns::default());
        let first = turns.take("a").await;
        drop(turns.take("b").await);
        let waiting = Arc::clone(&turns);
        let mut second = tokio::spawn(async move { waiting.take("a").await });
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "the first has not left");
        drop(first);
        let second = (&mut second).await.unwrap();
        let gives_up = Arc::clone(&turns);
        let third = tokio::spawn(async move { drop(gives_up.take("a").await) });
        while Arc::strong_count(&turns.0.lock()["a"]) < 3 {
            tokio::task::yield_now().await;
        }
        third.abort();
        assert!(third.await.unwrap_err().is_cancelled());
        drop(second);
        assert!(turns.0.lock().is_empty());
    }
}
