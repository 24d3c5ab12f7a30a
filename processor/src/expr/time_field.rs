//! Parts of dates and times: taking one out, rounding to one, counting how many lie between two moments. The rules are those of
//! Calcite's DateTimeUtils: weeks of EXTRACT are ISO's, weeks that FLOOR and CEIL round to begin on Sunday.

use super::Timestamp;
use super::calendar::{Civil, MILLIS_PER_DAY, add_months, days_from_civil};

/// A part of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeField {
    Millennium,
    Century,
    Decade,
    Year,
    /// The year that the ISO week belongs to.
    IsoYear,
    Quarter,
    Month,
    /// ISO 8601: 1 to 53.
    Week,
    Day,
    /// Sunday 1 to Saturday 7.
    DayOfWeek,
    /// Monday 1 to Sunday 7.
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    /// Of the second.
    Millisecond,
    Microsecond,
    Nanosecond,
    Epoch,
}

/// The field's value at a moment.
pub(crate) fn extract(field: TimeField, ts: Timestamp) -> i64 {
    let civil = Civil::from_timestamp(ts);
    let days = ts.millis.div_euclid(MILLIS_PER_DAY);
    match field {
        TimeField::Millennium => (civil.year + 999).div_euclid(1000),
        TimeField::Century => (civil.year + 99).div_euclid(100),
        TimeField::Decade => civil.year.div_euclid(10),
        TimeField::Year => civil.year,
        TimeField::IsoYear => iso_week(days).0,
        TimeField::Quarter => i64::from(civil.month.div_ceil(3)),
        TimeField::Month => i64::from(civil.month),
        TimeField::Week => iso_week(days).1,
        TimeField::Day => i64::from(civil.day),
        // 1970-01-01 was a Thursday.
        TimeField::DayOfWeek => (days + 4).rem_euclid(7) + 1,
        TimeField::IsoDayOfWeek => (days + 3).rem_euclid(7) + 1,
        TimeField::DayOfYear => days - days_from_civil(civil.year, 1, 1) + 1,
        TimeField::Hour => i64::from(civil.hour),
        TimeField::Minute => i64::from(civil.minute),
        TimeField::Second => i64::from(civil.second),
        TimeField::Millisecond => i64::from(civil.nano / 1_000_000),
        TimeField::Microsecond => i64::from(civil.nano / 1000),
        TimeField::Nanosecond => i64::from(civil.nano),
        TimeField::Epoch => ts.millis.div_euclid(1000),
    }
}

/// The ISO year and week of a day: the week belongs to the year that its Thursday is in.
fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let year = Civil::from_timestamp(Timestamp::from_millis(thursday * MILLIS_PER_DAY)).year;
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// The beginning of the field's unit that a moment is in.
pub(crate) fn floor(field: TimeField, ts: Timestamp) -> Timestamp {
    let civil = Civil::from_timestamp(ts);
    let first_of = |year: i64, month: u32| Timestamp::from_millis(days_from_civil(year, month, 1) * MILLIS_PER_DAY);
    let unit = match field {
        TimeField::Millennium => return first_of((civil.year - 1).div_euclid(1000) * 1000 + 1, 1),
        TimeField::Century => return first_of((civil.year - 1).div_euclid(100) * 100 + 1, 1),
        TimeField::Decade => return first_of(civil.year.div_euclid(10) * 10, 1),
        TimeField::Year | TimeField::IsoYear => return first_of(civil.year, 1),
        TimeField::Quarter => return first_of(civil.year, (civil.month - 1) / 3 * 3 + 1),
        TimeField::Month => return first_of(civil.year, civil.month),
        TimeField::Week => {
            let days = ts.millis.div_euclid(MILLIS_PER_DAY);
            return Timestamp::from_millis((days - (days + 4).rem_euclid(7)) * MILLIS_PER_DAY);
        }
        TimeField::Day | TimeField::DayOfWeek | TimeField::IsoDayOfWeek | TimeField::DayOfYear => MILLIS_PER_DAY,
        TimeField::Hour => 3_600_000,
        TimeField::Minute => 60_000,
        TimeField::Second | TimeField::Epoch => 1000,
        TimeField::Millisecond | TimeField::Microsecond | TimeField::Nanosecond => 1,
    };
    Timestamp::from_millis(ts.millis - ts.millis.rem_euclid(unit))
}

/// The moment itself if it begins a unit, else the beginning of the next one.
pub(crate) fn ceil(field: TimeField, ts: Timestamp) -> Timestamp {
    let start = floor(field, ts);
    if start == ts {
        return ts;
    }
    let later = |months: i64| {
        let days = start.millis.div_euclid(MILLIS_PER_DAY);
        Timestamp::from_millis(add_months(days, months) * MILLIS_PER_DAY)
    };
    match field {
        TimeField::Millennium => later(12_000),
        TimeField::Century => later(1200),
        TimeField::Decade => later(120),
        TimeField::Year | TimeField::IsoYear => later(12),
        TimeField::Quarter => later(3),
        TimeField::Month => later(1),
        TimeField::Week => Timestamp::from_millis(start.millis + 7 * MILLIS_PER_DAY),
        TimeField::Day | TimeField::DayOfWeek | TimeField::IsoDayOfWeek | TimeField::DayOfYear => {
            Timestamp::from_millis(start.millis + MILLIS_PER_DAY)
        }
        TimeField::Hour => Timestamp::from_millis(start.millis + 3_600_000),
        TimeField::Minute => Timestamp::from_millis(start.millis + 60_000),
        TimeField::Second | TimeField::Epoch => Timestamp::from_millis(start.millis + 1000),
        TimeField::Millisecond | TimeField::Microsecond | TimeField::Nanosecond => {
            Timestamp::from_millis(start.millis + 1)
        }
    }
}

/// A unit of TIMESTAMPADD and TIMESTAMPDIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// So many milliseconds.
    Millis(i64),
    /// So many months.
    Months(i64),
}

impl Unit {
    /// The unit of a name: SECOND to YEAR.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        Some(match name.strip_prefix("SQL_TSI_").unwrap_or(&name) {
            "SECOND" => Self::Millis(1000),
            "MINUTE" => Self::Millis(60_000),
            "HOUR" => Self::Millis(3_600_000),
            "DAY" => Self::Millis(MILLIS_PER_DAY),
            "WEEK" => Self::Millis(7 * MILLIS_PER_DAY),
            "MONTH" => Self::Months(1),
            "QUARTER" => Self::Months(3),
            "YEAR" => Self::Months(12),
            _ => return None,
        })
    }

    /// How many whole units lie between two moments; below 0 if the second is the earlier one.
    pub(crate) fn between(self, from: Timestamp, to: Timestamp) -> i64 {
        match self {
            Self::Millis(unit) => to.millis.wrapping_sub(from.millis) / unit,
            Self::Months(unit) => months_between(to.millis, from.millis) / unit,
        }
    }
}

/// Calcite's subtractMonths: months from `earlier` to `later` by their days, one less if the days fall together and the time does not
/// reach.
fn months_between(later: i64, earlier: i64) -> i64 {
    let (later_days, earlier_days) = (later.div_euclid(MILLIS_PER_DAY), earlier.div_euclid(MILLIS_PER_DAY));
    let months = if later_days < earlier_days {
        -whole_months(earlier_days, later_days)
    } else {
        whole_months(later_days, earlier_days)
    };
    let time_is_short = later.rem_euclid(MILLIS_PER_DAY) < earlier.rem_euclid(MILLIS_PER_DAY);
    if add_months(earlier_days, months) == later_days && time_is_short { months - 1 } else { months }
}

fn whole_months(later: i64, earlier: i64) -> i64 {
    // No month has more than 31 days: never too many.
    let mut months = (later - earlier) / 31;
    while add_months(earlier, months) < later && add_months(earlier, months + 1) <= later {
        months += 1;
    }
    months
}
