//! Bytes and times for people.

use std::fmt::Write;

/// Bytes as text if they are UTF-8, else in hexadecimal digits after 0x; control characters are escaped, so that no record can
/// talk to the terminal.
pub(super) fn shown(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "null".to_owned() };
    match std::str::from_utf8(bytes) {
        Err(_) => format!("0x{}", hex(bytes)),
        Ok(text) => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
            }
            out
        }
    }
}

/// Two hexadecimal digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Milliseconds since 1970 as a date and time of UTC; `-` for none, the number itself beyond the year 9999.
pub(super) fn time(ms: i64) -> String {
    if ms == -1 {
        return "-".to_owned();
    }
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // 9999-12-31 is day 2,932,896, 0000-03-01 is day -719,468.
    if !(-719_468..=2_932_896).contains(&days) {
        return ms.to_string();
    }
    let (year, month, day) = date(days);
    let (seconds, ms) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// The date of a day since 1970, counted in years that begin in March and eras of 400 of them (Howard Hinnant's
/// civil_from_days).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        // By `date -u -d @...`.
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(-2), "1969-12-31T23:59:59.998Z");
        assert_eq!((time(-1), time(i64::MAX)), ("-".to_owned(), i64::MAX.to_string()));
        assert_eq!(time(i64::MIN), i64::MIN.to_string());
    }

    #[test]
    fn bytes_are_text_or_hexadecimal() {
        assert_eq!(shown(None), "null");
        assert_eq!(shown(Some(b"a\x1b[2J\"\xc3\xa9")), "a\\u{1b}[2J\"\u{e9}");
        assert_eq!(shown(Some(&[0xff, 0x01])), "0xff01");
    }
}
