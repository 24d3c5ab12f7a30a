//! Durations as people write them: `10s`, `1.5s`, `250ms`, `2m`, `1h`.

use std::time::Duration;

/// The longest duration taken, in seconds: a year.
const LONGEST_SECONDS: f64 = 365.0 * 86_400.0;

/// Reads a duration; a bare number is seconds.
///
/// # Errors
/// One line that says how to write it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let advice = || format!("{text} is not a duration; write 10s, 250ms, 2m or 1h");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(advice()),
    };
    let seconds = digits.parse::<f64>().map_err(|_| advice())? * unit;
    if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Err(advice());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| advice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for (text, ms) in
            [("10s", 10_000), ("10", 10_000), ("250ms", 250), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "-1s", "10 s", "1y", "NaN", "inf", "1e99", "ten"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
