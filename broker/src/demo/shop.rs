//! The built-in web shop: visitors who click, some often and most seldom, in sessions, their clicks arriving out of order.
//!
//! A click's event time is when the visitor clicked; it arrives up to [`LARGEST_DELAY_MS`] later, so that clicks of one partition
//! overtake each other as they do on real networks. Everything follows from the seed and the times asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

/// The longest way of a click to the broker, in milliseconds: less than the 2 s that the job's watermark waits.
pub const LARGEST_DELAY_MS: i64 = 1_900;
/// How many visitors the shop knows.
pub const VISITORS: usize = 2_000;
/// Mean time between two clicks of one session, in milliseconds.
const MEAN_PAUSE_MS: f64 = 4_000.0;
/// Mean number of clicks in a session.
const MEAN_SESSION_CLICKS: f64 = 12.0;

/// One click, as it stands in the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Click {
    /// The visitor.
    pub user_id: String,
    /// Path and query.
    pub url: String,
    /// HTTP method.
    pub method: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Bytes sent.
    pub bytes: i64,
    /// The page before, if there was one.
    pub referrer: Option<String>,
    /// The browser.
    pub agent: &'static str,
    /// When it happened, milliseconds since 1970.
    pub event_time: i64,
}

/// Makes clicks for ever.
pub struct Shop {
    random: Random,
    /// Chance of each visitor and all before it, so that a draw is a binary search.
    popularity: Vec<f64>,
    /// Open sessions by the time of their next click.
    sessions: BinaryHeap<Reverse<Session>>,
    /// Clicks on their way: time of arrival, number, click.
    travelling: BinaryHeap<Reverse<(i64, u64, usize)>>,
    /// The clicks behind the numbers in `travelling`.
    clicks: Vec<Option<Click>>,
    free: Vec<usize>,
    made: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    next_ms: i64,
    visitor: usize,
    left: u32,
    page: Option<String>,
}

const PAGES: [&str; 8] = ["/", "/sale", "/shoes", "/shirts", "/bags", "/search?q=rain", "/help", "/account"];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "Mozilla/5.0 (Macintosh) Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile",
];

impl Shop {
    /// A shop that opens at `start_ms` with `clicks_per_second` on average.
    pub fn new(seed: u64, start_ms: i64, clicks_per_second: f64) -> Shop {
        let mut weights = 0.0;
        let popularity = (1..=VISITORS)
            .map(|rank| {
                // Zipf's law: the second visitor comes half as often as the first.
                weights += 1.0 / rank as f64;
                weights
            })
            .collect();
        let mut shop = Shop {
            random: Random(seed),
            popularity,
            sessions: BinaryHeap::new(),
            travelling: BinaryHeap::new(),
            clicks: Vec::new(),
            free: Vec::new(),
            made: 0,
        };
        let open = (clicks_per_second * MEAN_PAUSE_MS / 1000.0).round().max(1.0) as usize;
        for _ in 0..open {
            let wait = shop.random.exponential(MEAN_PAUSE_MS);
            shop.open_session(start_ms + wait);
        }
        shop
    }

    /// The clicks that arrive up to `now_ms`, in the order of their arrival.
    pub fn arrivals(&mut self, now_ms: i64) -> Vec<Click> {
        while self.sessions.peek().is_some_and(|s| s.0.next_ms <= now_ms) {
            let Reverse(session) = self.sessions.pop().expect("it was just looked at");
            self.click(session);
        }
        let mut arrived = Vec::new();
        while self.travelling.peek().is_some_and(|t| t.0.0 <= now_ms) {
            let Reverse((_, _, slot)) = self.travelling.pop().expect("it was just looked at");
            arrived.extend(self.clicks[slot].take());
            self.free.push(slot);
        }
        arrived
    }

    fn open_session(&mut self, at_ms: i64) {
        let draw = self.random.unit() * self.popularity.last().copied().unwrap_or(1.0);
        let visitor = self.popularity.partition_point(|sum| *sum < draw).min(VISITORS - 1);
        let left = 1 + self.random.exponential(MEAN_SESSION_CLICKS - 1.0) as u32;
        self.sessions.push(Reverse(Session { next_ms: at_ms, visitor, left, page: None }));
    }

    fn click(&mut self, session: Session) {
        let url = self.next_page(session.page.as_deref());
        let at = session.next_ms;
        let failed = self.random.unit() < 0.01;
        let click = Click {
            user_id: format!("user-{}", session.visitor + 1),
            method: if url.starts_with("/cart") || url == "/checkout" { "POST" } else { "GET" },
            status: if failed { 500 } else { 200 },
            bytes: if failed { 0 } else { 400 + self.random.exponential(18_000.0) },
            referrer: session.page.clone(),
            agent: AGENTS[session.visitor % AGENTS.len()],
            event_time: at,
            url: url.clone(),
        };
        let delay = self.random.exponential(250.0).min(LARGEST_DELAY_MS);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.clicks.push(None);
            self.clicks.len() - 1
        });
        self.clicks[slot] = Some(click);
        self.travelling.push(Reverse((at + delay, self.made, slot)));
        self.made += 1;
        let pause = 1 + self.random.exponential(MEAN_PAUSE_MS);
        if session.left > 1 {
            let next = Session { next_ms: at + pause, left: session.left - 1, page: Some(url), ..session };
            self.sessions.push(Reverse(next));
        } else {
            self.open_session(at + pause);
        }
    }

    /// From page to product to cart to checkout, with many who turn back.
    fn next_page(&mut self, from: Option<&str>) -> String {
        let draw = self.random.unit();
        match from {
            Some(page) if page.starts_with("/product/") && draw < 0.25 => "/cart/add".into(),
            Some("/cart/add") if draw < 0.5 => "/checkout".into(),
            _ if draw < 0.55 => format!("/product/{}", 1 + self.random.below(500)),
            _ => PAGES[self.random.below(PAGES.len() as u64) as usize].into(),
        }
    }
}

/// SplitMix64: enough for a demo, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whole milliseconds (or anything else that is counted), exponentially distributed.
    fn exponential(&mut self, mean: f64) -> i64 {
        (-mean * (1.0 - self.unit()).ln()) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_rate_is_kept_and_the_seed_decides_everything() {
        let run = || Shop::new(7, 1_000_000, 500.0).arrivals(1_060_000);
        let clicks = run();
        assert!((25_000..35_000).contains(&clicks.len()), "{} clicks in 60 s at 500/s", clicks.len());
        assert_eq!(clicks, run());
    }

    #[test]
    fn clicks_overtake_each_other_but_never_by_more_than_the_largest_delay() {
        let mut shop = Shop::new(1, 0, 200.0);
        let (mut newest, mut overtaken) = (i64::MIN, 0);
        for step in 1..=600 {
            for click in shop.arrivals(step * 100) {
                overtaken += i32::from(click.event_time < newest);
                assert!(click.event_time >= newest.saturating_sub(LARGEST_DELAY_MS));
                assert!(click.event_time <= step * 100);
                newest = newest.max(click.event_time);
            }
        }
        assert!(overtaken > 100);
    }

    #[test]
    fn some_visitors_come_far_more_often_than_others() {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for click in Shop::new(3, 0, 1000.0).arrivals(120_000) {
            *counts.entry(click.user_id).or_default() += 1;
        }
        let mut sorted: Vec<usize> = counts.into_values().collect();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert!(sorted[0] > 20 * sorted[sorted.len() / 2], "top {} median {}", sorted[0], sorted[sorted.len() / 2]);
    }
}
