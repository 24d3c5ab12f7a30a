//! Dates and times as texts, in the two shapes of Flink's formats (`json.timestamp-format.standard`).
//!
//! Flink: `TimeFormats`. `SQL` is `yyyy-MM-dd HH:mm:ss` with a fraction of 0 to 9 digits, written without trailing zeros; `ISO-8601` has a `T`
//! between, and its seconds may be missing when read. A TIMESTAMP_LTZ ends in `Z`.

use crate::expr::Timestamp;
use crate::expr::calendar::{MILLIS_PER_DAY, civil_from_days, days_from_civil, days_in_month};
use crate::plan::TimestampFormat;

/// Reads digits from the front of a text.
struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        if !head.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(head.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn symbol(&mut self, symbol: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == symbol).then_some(())
    }

    fn number_up_to(&mut self, digits: usize, largest: i64) -> Option<i64> {
        self.number(digits).filter(|number| *number <= largest)
    }

    /// Days since 1970. `lenient`: a day after the month's last one is the last one (Java's SMART resolver).
    fn date(&mut self, lenient: bool) -> Option<i64> {
        let year = self.number(4)?;
        self.symbol(b'-')?;
        let month = self.number_up_to(2, 12).filter(|month| *month > 0)?;
        self.symbol(b'-')?;
        let day = self.number_up_to(2, 31).filter(|day| *day > 0)?;
        let (month, day) = (month as u32, day as u32);
        let last = days_in_month(year, month);
        (lenient || day <= last).then(|| days_from_civil(year, month, day.min(last)))
    }

    /// Nanoseconds since midnight.
    fn time(&mut self, seconds_optional: bool) -> Option<i64> {
        let hour = self.number_up_to(2, 23)?;
        self.symbol(b':')?;
        let minute = self.number_up_to(2, 59)?;
        let whole = (hour * 60 + minute) * 60;
        if seconds_optional && self.0.first() != Some(&b':') {
            return Some(whole * 1_000_000_000);
        }
        self.symbol(b':')?;
        let second = self.number_up_to(2, 59)?;
        Some((whole + second) * 1_000_000_000 + self.fraction()?)
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        self.0 = &self.0[1..];
        let digits = self.0.iter().take_while(|digit| digit.is_ascii_digit()).count();
        if digits > 9 {
            return None;
        }
        Some(self.number(digits)? * 10_i64.pow(9 - digits as u32))
    }

    fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// A DATE: days since 1970 (`2020-12-30`).
pub fn parse_date(text: &str) -> Option<i32> {
    let mut scanner = Scanner(text.as_bytes());
    let days = scanner.date(false)?;
    scanner.end(days as i32)
}

/// A TIME: milliseconds since midnight; what is finer is dropped, as Flink does.
pub fn parse_time(text: &str) -> Option<i32> {
    let mut scanner = Scanner(text.as_bytes());
    let nanos = scanner.time(false)?;
    scanner.end((nanos / 1_000_000) as i32)
}

/// A TIMESTAMP, or with `zoned` a TIMESTAMP_LTZ.
pub fn parse_timestamp(text: &str, format: TimestampFormat, zoned: bool) -> Option<Timestamp> {
    let iso = format == TimestampFormat::Iso8601;
    let mut scanner = Scanner(text.as_bytes());
    let days = scanner.date(!iso)?;
    scanner.symbol(if iso { b'T' } else { b' ' })?;
    let nanos = scanner.time(iso && !zoned)?;
    if zoned {
        scanner.symbol(b'Z')?;
    }
    scanner.end(Timestamp { millis: days * MILLIS_PER_DAY + nanos / 1_000_000, nanos: (nanos % 1_000_000) as u32 })
}

fn digits(number: i64, width: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let (mut at, mut rest) = (text.len(), number.unsigned_abs());
    while rest > 0 || text.len() - at < width {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends a DATE.
pub fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    // Java's EXCEEDS_PAD: a sign before years that do not have four digits.
    if year < 0 {
        out.push(b'-');
    } else if year > 9_999 {
        out.push(b'+');
    }
    digits(year, 4, out);
    out.push(b'-');
    digits(i64::from(month), 2, out);
    out.push(b'-');
    digits(i64::from(day), 2, out);
}

fn write_time_of_day(millis: i64, nanos: u32, out: &mut Vec<u8>) {
    let seconds = millis / 1_000;
    digits(seconds / 3_600, 2, out);
    out.push(b':');
    digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    digits(seconds % 60, 2, out);
    let fraction = millis % 1_000 * 1_000_000 + i64::from(nanos);
    if fraction > 0 {
        out.push(b'.');
        digits(fraction, 9, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Appends a TIME given in milliseconds since midnight.
pub fn write_time(millis: i32, out: &mut Vec<u8>) {
    write_time_of_day(i64::from(millis), 0, out);
}

/// Appends a TIMESTAMP, or with `zoned` a TIMESTAMP_LTZ.
pub fn write_timestamp(time: Timestamp, format: TimestampFormat, zoned: bool, out: &mut Vec<u8>) {
    write_date(time.millis.div_euclid(MILLIS_PER_DAY), out);
    out.push(if format == TimestampFormat::Iso8601 { b'T' } else { b' ' });
    write_time_of_day(time.millis.rem_euclid(MILLIS_PER_DAY), time.nanos, out);
    if zoned {
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(millis: i64, nanos: u32, format: TimestampFormat, zoned: bool) -> String {
        let mut out = Vec::new();
        write_timestamp(Timestamp { millis, nanos }, format, zoned, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_as_flink_does() {
        use TimestampFormat::{Iso8601, Sql};
        // The first event of the click log, and its window.
        assert_eq!(written(1_431_857_103_000, 0, Sql, false), "2015-05-17 10:05:03");
        assert_eq!(written(1_431_857_103_120, 0, Sql, false), "2015-05-17 10:05:03.12");
        assert_eq!(written(1_431_857_103_000, 5_000, Sql, true), "2015-05-17 10:05:03.000005Z");
        assert_eq!(written(0, 0, Iso8601, false), "1970-01-01T00:00:00");
        assert_eq!(written(-1, 0, Iso8601, true), "1969-12-31T23:59:59.999Z");
        assert_eq!(written(253_402_300_800_000, 0, Sql, false), "+10000-01-01 00:00:00");
    }

    #[test]
    fn reads_as_flink_does() {
        use TimestampFormat::{Iso8601, Sql};
        let read = |text, format, zoned| parse_timestamp(text, format, zoned).map(|time| (time.millis, time.nanos));
        assert_eq!(read("2015-05-17 10:05:03", Sql, false), Some((1_431_857_103_000, 0)));
        assert_eq!(read("2015-05-17 10:05:03.123456789", Sql, false), Some((1_431_857_103_123, 456_789)));
        assert_eq!(read("2015-05-17T10:05", Iso8601, false), Some((1_431_857_100_000, 0)));
        assert_eq!(read("2015-05-17 10:05:03Z", Sql, true), Some((1_431_857_103_000, 0)));
        assert_eq!(read("2015-02-31 00:00:00", Sql, false), read("2015-02-28 00:00:00", Sql, false));
        assert_eq!(parse_time("10:05:03.9"), Some(36_303_900));
        assert_eq!(parse_date("2000-02-29"), Some(11_016));
        for bad in ["2015-05-17T10:05:03", "2015-05-17 10:05", "2015-05-17 24:00:00", "2015-13-01 00:00:00", "", "x"] {
            assert_eq!(read(bad, Sql, false), None, "{bad}");
        }
        assert_eq!(read("2015-05-17 10:05:03", Sql, true), None);
        assert_eq!(read("2015-05-17 10:05:03.1234567890", Sql, false), None);
        assert_eq!(read("2015-05-17 10:05:03.", Sql, false), Some((1_431_857_103_000, 0)));
        assert_eq!(parse_date("2015-02-29"), None);
    }

    proptest! {
        #[test]
        fn round_trip(millis in -62_135_596_800_000..253_402_300_800_000i64, nanos in 0..1_000_000u32, iso: bool, zoned: bool) {
            let format = if iso { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
            let text = written(millis, nanos, format, zoned);
            prop_assert_eq!(parse_timestamp(&text, format, zoned), Some(Timestamp { millis, nanos }));
        }

        /// Against jiff, which shares no code with this file.
        #[test]
        fn the_calendar_is_right(days in -700_000..2_900_000i32) {
            let mut out = Vec::new();
            write_date(i64::from(days), &mut out);
            let epoch = jiff::civil::date(1970, 1, 1);
            let expected = epoch.checked_add(jiff::Span::new().days(days)).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected.to_string());
        }

        #[test]
        fn arbitrary_text_does_not_panic(text: String, iso: bool, zoned: bool) {
            let format = if iso { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
            let _ = (parse_timestamp(&text, format, zoned), parse_date(&text), parse_time(&text));
        }
    }
}
