//! Which windows a row is in, for windows that lie on a grid of time: TUMBLE, HOP and CUMULATE.
//!
//! Flink: `SliceAssigners`. Time is cut into slices; all rows of a slice are in the same windows, and these end at equal
//! distances. So a slice is told by the ends of its first and its last window, and a window has the rows of all slices
//! between whose ends its own lies.

use super::{NO_WATERMARK, is_window_fired, window_start};
use crate::plan::Window;

/// The windows that a slice of time is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowSpan {
    /// End (exclusive, in ms) of the first of them.
    pub first: i64,
    /// End of the last of them.
    pub last: i64,
}

impl WindowSpan {
    /// One window alone.
    #[must_use]
    pub const fn one(end: i64) -> WindowSpan {
        WindowSpan { first: end, last: end }
    }

    /// End of its first window that `watermark` has not fired, if window ends are `interval` ms apart; at most its last.
    #[must_use]
    pub fn next_end(self, watermark: i64, interval: i64) -> i64 {
        if !is_window_fired(self.first, watermark) {
            return self.first;
        }
        // The smallest end on the grid with end - 1 > watermark.
        let passed = i128::from(watermark) + 1 - i128::from(self.first);
        let next = i128::from(self.first) + (passed / i128::from(interval) + 1) * i128::from(interval);
        i64::try_from(next).unwrap_or(i64::MAX).min(self.last)
    }
}

/// Assigns rows to windows on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    kind: Kind,
    size: i64,
    interval: i64,
    offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tumble,
    Hop,
    Cumulate,
    /// Rows bring their window's end.
    Attached,
}

impl Grid {
    /// For `window`; `None` for sessions, which lie on no grid.
    #[must_use]
    pub fn new(window: &Window) -> Option<Grid> {
        let (kind, size, interval, offset) = match *window {
            Window::Tumble { size_ms, offset_ms } => (Kind::Tumble, size_ms, size_ms, offset_ms),
            Window::Hop { slide_ms, size_ms, offset_ms } => (Kind::Hop, size_ms, slide_ms, offset_ms),
            Window::Cumulate { step_ms, size_ms, offset_ms } => (Kind::Cumulate, size_ms, step_ms, offset_ms),
            Window::Attached => (Kind::Attached, 1, 1, 0),
            Window::Session { .. } => return None,
        };
        Some(Grid { kind, size: size.max(1), interval: interval.max(1), offset })
    }

    /// Distance between the ends of windows, in ms.
    #[must_use]
    pub fn interval(&self) -> i64 {
        self.interval
    }

    /// The windows that a row at `time` still counts in when `watermark` has passed; `None` if all of them have fired: it is late.
    #[inline]
    #[must_use]
    pub fn place(&self, time: i64, watermark: i64) -> Option<WindowSpan> {
        if matches!(self.kind, Kind::Tumble | Kind::Attached) {
            let end = match self.kind {
                Kind::Attached => time,
                _ => window_start(time, self.offset, self.size).saturating_add(self.size),
            };
            return (!is_window_fired(end, watermark)).then_some(WindowSpan::one(end));
        }
        self.place_shared(time, watermark)
    }

    fn place_shared(&self, time: i64, watermark: i64) -> Option<WindowSpan> {
        let slice = window_start(time, self.offset, self.interval);
        let start = if self.kind == Kind::Hop { slice } else { window_start(time, self.offset, self.size) };
        let span = WindowSpan { first: slice.saturating_add(self.interval), last: start.saturating_add(self.size) };
        if is_window_fired(span.last, watermark) {
            return None;
        }
        Some(WindowSpan { first: span.next_end(watermark, self.interval), last: span.last })
    }

    /// End of the last window that a row at `time` is in.
    #[must_use]
    pub fn last_end(&self, time: i64) -> i64 {
        let start = match self.kind {
            Kind::Hop => window_start(time, self.offset, self.interval),
            Kind::Tumble | Kind::Cumulate => window_start(time, self.offset, self.size),
            Kind::Attached => return time,
        };
        start.saturating_add(self.size)
    }

    /// All windows of a row at `time`, whatever has fired: start and end of each, by their end.
    pub fn windows(&self, time: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
        let span = self.place(time, NO_WATERMARK).unwrap_or(WindowSpan::one(time));
        let ends = std::iter::successors(Some(span.first), move |end| {
            end.checked_add(self.interval).filter(|next| *next <= span.last)
        });
        ends.map(|end| (self.start(end), end))
    }

    /// Start of the window that ends at `end`.
    #[must_use]
    pub fn start(&self, end: i64) -> i64 {
        match self.kind {
            Kind::Tumble | Kind::Hop | Kind::Attached => end.saturating_sub(self.size),
            Kind::Cumulate => window_start(end.saturating_sub(1), self.offset, self.size),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hop(slide_ms: i64, size_ms: i64, offset_ms: i64) -> Grid {
        Grid::new(&Window::Hop { slide_ms, size_ms, offset_ms }).unwrap()
    }

    /// Seen on Flink 2.2.1: HOP of 10 s by 5 s, a row at 4 s after watermark 6 s misses [-5 s, 5 s) and is in [0, 10 s).
    #[test]
    fn a_row_may_be_late_for_some_of_its_windows() {
        let grid = hop(5_000, 10_000, 0);
        assert_eq!(grid.place(4_000, 6_000), Some(WindowSpan::one(10_000)));
        assert_eq!(grid.place(4_000, NO_WATERMARK), Some(WindowSpan { first: 5_000, last: 10_000 }));
        assert_eq!(grid.place(4_000, 9_998), Some(WindowSpan::one(10_000)));
        assert_eq!(grid.place(4_000, 9_999), None);
    }

    /// All windows that the definition gives and whose end the watermark has not reached, by looking at each.
    fn by_definition(window: &Window, time: i64, watermark: i64) -> Vec<(i64, i64)> {
        let all = -400..400i64;
        let windows: Vec<(i64, i64)> = match *window {
            Window::Tumble { size_ms, offset_ms } => {
                all.map(|n| (n * size_ms + offset_ms, (n + 1) * size_ms + offset_ms)).collect()
            }
            Window::Hop { slide_ms, size_ms, offset_ms } => {
                all.map(|n| (n * slide_ms + offset_ms, n * slide_ms + offset_ms + size_ms)).collect()
            }
            Window::Cumulate { step_ms, size_ms, offset_ms } => {
                let steps = |n| {
                    (1..=size_ms / step_ms)
                        .map(move |k| (n * size_ms + offset_ms, n * size_ms + offset_ms + k * step_ms))
                };
                all.flat_map(steps).collect()
            }
            Window::Session { .. } | Window::Attached => unreachable!(),
        };
        windows.into_iter().filter(|(start, end)| *start <= time && time < *end && watermark < end - 1).collect()
    }

    proptest! {
        #[test]
        fn spans_are_the_windows_of_the_definition(
            kind in 0..3, interval in 1..20i64, times in 1..6i64, offset in -50..50i64, time in -300..300i64, passed in -20..150i64,
        ) {
            let (size_ms, offset_ms) = (interval * times, offset);
            let window = match kind {
                0 => Window::Tumble { size_ms, offset_ms },
                1 => Window::Hop { slide_ms: interval, size_ms, offset_ms },
                _ => Window::Cumulate { step_ms: interval, size_ms, offset_ms },
            };
            let grid = Grid::new(&window).unwrap();
            let watermark = time + passed - 10;
            let mut found = Vec::new();
            if let Some(span) = grid.place(time, watermark) {
                let mut end = span.first;
                while end <= span.last {
                    found.push((grid.start(end), end));
                    end += grid.interval();
                }
            }
            prop_assert_eq!(found, by_definition(&window, time, watermark));
        }

        #[test]
        fn far_times_do_not_panic(slide in 1..i64::MAX, size: i64, offset: i64, time: i64, watermark: i64) {
            for window in [
                Window::Hop { slide_ms: slide, size_ms: size, offset_ms: offset },
                Window::Cumulate { step_ms: slide, size_ms: size, offset_ms: offset },
            ] {
                let grid = Grid::new(&window).unwrap();
                if let Some(span) = grid.place(time, watermark) {
                    let _ = grid.start(span.next_end(watermark, grid.interval()));
                }
            }
        }
    }
}
