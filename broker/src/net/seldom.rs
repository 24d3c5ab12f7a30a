//! Lines of the log that a flood of connections must not repeat: the first is let through, then one a minute.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The least time between two lines.
const APART: Duration = Duration::from_secs(60);

/// Lets one line through a minute.
#[derive(Debug, Default)]
pub struct Seldom {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    withheld: u64,
}

impl Seldom {
    /// Whether a line may be written `now`: with how many were withheld since the last one. `None` withholds this one.
    pub fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < APART) {
            state.withheld += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_and_how_many_it_stands_for() {
        let seldom = Seldom::default();
        let begun = crate::clock::instant();
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(seldom.pass(at(0)), Some(0));
        assert_eq!([seldom.pass(at(1)), seldom.pass(at(59))], [None, None]);
        assert_eq!(seldom.pass(at(60)), Some(2));
        assert_eq!(seldom.pass(at(61)), None);
    }
}
