//! What the demo's rows say.

use serde::Deserialize;

use super::tally::{Totals, WindowKey};

/// A result row, as it stands in the topic.
#[derive(Deserialize)]
struct Row {
    user_id: String,
    window_start: String,
    clicks: i64,
    bytes: i64,
    max_bytes: i64,
}

/// The window, the user and the totals of a row.
pub fn parse(value: &[u8]) -> Result<(WindowKey, Totals), String> {
    let row: Row = serde_json::from_slice(value)
        .map_err(|e| format!("a result row is not understood: {e}: {}", String::from_utf8_lossy(value)))?;
    let start = parse_time(&row.window_start)
        .ok_or_else(|| format!("a result row has no time in window_start: {}", row.window_start))?;
    let totals = Totals { clicks: row.clicks, bytes: row.bytes, max_bytes: row.max_bytes };
    Ok(((start, row.user_id), totals))
}

/// Milliseconds of `2015-05-17 10:05:00`, UTC. Windows of whole seconds have no fraction.
fn parse_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let mut date = date.split('-').map(|n| n.parse::<i64>());
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.split(':').map(|n| n.parse::<i64>());
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    // Days since 1970 by Howard Hinnant's published formula (days_from_civil), years beginning in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_the_topic_has_it() {
        let row = br#"{"user_id":"u","window_start":"2015-05-17 10:05:00","window_end":"2015-05-17 10:05:05","clicks":2,"bytes":5,"max_bytes":4}"#;
        // date -u -d '2015-05-17 10:05:00' +%s
        let expected = ((1_431_857_100_000, "u".to_owned()), Totals { clicks: 2, bytes: 5, max_bytes: 4 });
        assert_eq!(parse(row).unwrap(), expected);
        assert_eq!(parse_time("2024-02-29 23:59:59"), Some(1_709_251_199_000));
        assert_eq!(parse_time("1969-12-31 23:59:55"), Some(-5_000));
        assert!(parse(b"{}").is_err());
    }
}
