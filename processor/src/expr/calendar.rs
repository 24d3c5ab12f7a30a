//! Dates and times of the proleptic Gregorian calendar in UTC, and their texts.

use super::Timestamp;

/// Milliseconds of a day.
pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;

/// A date and time taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// 0 to 999,999,999.
    pub nano: u32,
}

impl Civil {
    /// The date and time at a timestamp.
    pub(crate) fn from_timestamp(ts: Timestamp) -> Self {
        let (year, month, day) = civil_from_days(ts.millis.div_euclid(MILLIS_PER_DAY));
        let millis = ts.millis.rem_euclid(MILLIS_PER_DAY) as u32;
        let (second, nano) = (millis / 1000, millis % 1000 * 1_000_000 + ts.nanos);
        Self { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60, nano }
    }

    /// The timestamp of this date and time, if there is such a date and time (years 0 to 9999, as Flink has them).
    pub(crate) fn to_timestamp(self) -> Option<Timestamp> {
        let valid = (0..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !valid {
            return None;
        }
        let seconds = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        let millis = days_from_civil(self.year, self.month, self.day) * MILLIS_PER_DAY
            + seconds * 1000
            + i64::from(self.nano / 1_000_000);
        Some(Timestamp { millis, nanos: self.nano % 1_000_000 })
    }
}

/// Days since 1970-01-01 (Howard Hinnant's algorithm: years begin in March, eras of 400 years).
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Length of a month; `month` is 1 to 12.
pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The same day of a month `months` later, or that month's last day if it is shorter.
pub(crate) fn add_months(days: i64, months: i64) -> i64 {
    /// Ten times the years there are; beyond it only nonsense lies.
    const LIMIT: i64 = 1_200_000;
    let (year, month, day) = civil_from_days(days);
    let total = year * 12 + i64::from(month) - 1 + months.clamp(-LIMIT, LIMIT);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    days_from_civil(year, month, day.min(days_in_month(year, month)))
}

/// `yyyy-MM-dd`.
pub(crate) fn date_text(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `HH:mm:ss`, with milliseconds if there are any.
pub(crate) fn time_text(millis: i32) -> String {
    let second = millis / 1000;
    let text = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    if millis % 1000 == 0 { text } else { format!("{text}.{:03}", millis % 1000) }
}

/// `yyyy-MM-dd HH:mm:ss.fff` with exactly `precision` digits of the fraction, as CAST to STRING writes it.
pub(crate) fn timestamp_text(ts: Timestamp, precision: u8) -> String {
    let civil = Civil::from_timestamp(ts);
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
    );
    if precision > 0 {
        let digits = format!("{:09}", civil.nano);
        text.push('.');
        text.push_str(&digits[..usize::from(precision.min(9))]);
    }
    text
}

/// A point in time without the digits beyond `precision`.
pub(crate) fn truncate(ts: Timestamp, precision: u8) -> Timestamp {
    if precision >= 9 {
        return ts;
    }
    if precision >= 3 {
        let unit = 10_u32.pow(u32::from(9 - precision));
        return Timestamp { millis: ts.millis, nanos: ts.nanos - ts.nanos % unit };
    }
    let unit = 10_i64.pow(u32::from(3 - precision));
    Timestamp { millis: ts.millis - ts.millis.rem_euclid(unit), nanos: 0 }
}

/// Reads `yyyy-M-d`, or `yyyy-M-d HH:mm:ss[.fraction]` with a blank or a `T` between.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((_, time)) if !time.contains(':') => return None,
        Some((date, time)) => (date, Some(time.trim_start())),
        None => (text, None),
    };
    let (year, month, day) = parse_date_fields(date)?;
    let (hour, minute, second, nano) = match time {
        Some(time) => parse_time_fields(time)?,
        None => (0, 0, 0, 0),
    };
    Civil { year, month, day, hour, minute, second, nano }.to_timestamp()
}

/// As [`parse_timestamp`], but a day that its month does not have is the month's last one, if a time follows: as a CAST takes it.
pub(crate) fn parse_loose_timestamp(text: &str) -> Option<Timestamp> {
    let trimmed = text.trim();
    let strict = parse_timestamp(trimmed);
    if strict.is_some() {
        return strict;
    }
    let (date, time) = trimmed.split_once([' ', 'T']).filter(|(_, time)| time.contains(':'))?;
    let (year, month, day) = parse_date_fields(date)?;
    let (hour, minute, second, nano) = parse_time_fields(time.trim_start())?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let day = day.min(days_in_month(year, month));
    Civil { year, month, day, hour, minute, second, nano }.to_timestamp()
}

/// Reads `yyyy` or `yyyy-M`, whose first day is meant: as a CAST to DATE takes them.
pub(crate) fn parse_year_or_month(text: &str) -> Option<Timestamp> {
    let (year, month) = text.trim().split_once('-').unwrap_or((text.trim(), "1"));
    let (year, month) = (i64::from(digits(year, 4)?), digits(month, 2)?);
    Civil { year, month, day: 1, hour: 0, minute: 0, second: 0, nano: 0 }.to_timestamp()
}

/// Reads `yyyy-M-d`; the days since 1970-01-01.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let (year, month, day) = parse_date_fields(text.trim())?;
    let ts = Civil { year, month, day, hour: 0, minute: 0, second: 0, nano: 0 }.to_timestamp()?;
    i32::try_from(ts.millis.div_euclid(MILLIS_PER_DAY)).ok()
}

/// Reads `HH:mm[:ss[.fraction]]`; milliseconds since midnight.
pub(crate) fn parse_time(text: &str) -> Option<i32> {
    let (hour, minute, second, nano) = parse_time_fields(text.trim())?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 3600 + minute * 60 + second) * 1000 + nano / 1_000_000) as i32)
}

fn parse_date_fields(text: &str) -> Option<(i64, u32, u32)> {
    let mut parts = text.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    Some((i64::from(year), month, day))
}

fn parse_time_fields(text: &str) -> Option<(u32, u32, u32, u32)> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut parts = clock.splitn(3, ':');
    let hour = digits(parts.next()?, 2)?;
    let minute = match parts.next() {
        Some(minute) => digits(minute, 2)?,
        // An hour alone.
        None if fraction.is_none() => 0,
        None => return None,
    };
    let second = match parts.next() {
        Some(second) => digits(second, 2)?,
        None if fraction.is_none() => 0,
        None => return None,
    };
    let nano = match fraction {
        Some(fraction) => digits(fraction, 9)? * 10_u32.pow(9 - fraction.len() as u32),
        None => 0,
    };
    Some((hour, minute, second, nano))
}

/// One to `most` decimal digits, and nothing else.
fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}
