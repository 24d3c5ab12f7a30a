//! Date patterns of Java's DateTimeFormatter, as far as streams use them: `yyyy MM dd HH mm ss SSS`, names of months and days, hours of
//! half days, quoted and plain text.

use super::calendar::{Civil, MILLIS_PER_DAY, civil_from_days, days_from_civil, parse_loose_timestamp, truncate};
use super::time_field::extract;
use super::{TimeField, Timestamp};

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatePattern {
    fields: Vec<Field>,
    /// Reading takes what a CAST takes: a date alone, a fraction, fields of one digit.
    lenient: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    /// Year, at least so many digits.
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    /// So many digits of the fraction of a second.
    Fraction(usize),
    /// The last two digits of the year; of 2000 to 2099 when reading.
    ShortYear,
    /// `Jan`, or `January`.
    MonthName {
        whole: bool,
    },
    /// `Mon`, or `Monday`.
    DayName {
        whole: bool,
    },
    /// At least so many digits: 1 to 366.
    DayOfYear(usize),
    /// 1 to 12.
    HalfHour(usize),
    /// `AM` or `PM`.
    HalfDay,
    Text(String),
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A name, or the three letters that stand for it.
fn name(names: &[&'static str], index: usize, whole: bool) -> &'static str {
    let name = names.get(index).copied().unwrap_or("");
    if whole { name } else { name.get(..3).unwrap_or(name) }
}

/// The index of the name that the text begins with, which is taken off.
fn named(rest: &mut &str, names: &[&'static str], whole: bool) -> Option<usize> {
    let index = (0..names.len()).find(|index| rest.starts_with(name(names, *index, whole)))?;
    *rest = &rest[name(names, index, whole).len()..];
    Some(index)
}

impl DatePattern {
    /// What TO_TIMESTAMP, DATE_FORMAT and FROM_UNIXTIME use without a pattern.
    pub(crate) const DEFAULT: &'static str = "yyyy-MM-dd HH:mm:ss";

    /// Compiles a pattern, or says which letter is not supported.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            if character == '\'' {
                let mut text = String::new();
                while let Some(quoted) = characters.next() {
                    if quoted != '\'' {
                        text.push(quoted);
                    } else if characters.peek() == Some(&'\'') {
                        characters.next();
                        text.push('\'');
                    } else {
                        break;
                    }
                }
                // Two quotes outside of a quotation are one quote.
                fields.push(Field::Text(if text.is_empty() { "'".to_owned() } else { text }));
                continue;
            }
            let mut length = 1;
            while character.is_ascii_alphabetic() && characters.peek() == Some(&character) {
                characters.next();
                length += 1;
            }
            fields.push(match character {
                'y' | 'u' if length == 4 => Field::Year(length),
                'y' | 'u' if length == 2 => Field::ShortYear,
                'y' | 'u' if length == 1 => Field::Year(1),
                'M' | 'L' if length <= 2 => Field::Month(length),
                'M' | 'L' if length <= 4 => Field::MonthName { whole: length == 4 },
                'E' if length <= 4 => Field::DayName { whole: length == 4 },
                'D' if length <= 3 => Field::DayOfYear(length),
                'h' if length <= 2 => Field::HalfHour(length),
                'a' if length == 1 => Field::HalfDay,
                'd' if length <= 2 => Field::Day(length),
                'H' if length <= 2 => Field::Hour(length),
                'm' if length <= 2 => Field::Minute(length),
                's' if length <= 2 => Field::Second(length),
                'S' if length <= 9 => Field::Fraction(length),
                c if c.is_ascii_alphabetic() => return Err(c.to_string().repeat(length)),
                c => Field::Text(c.to_string()),
            });
        }
        Ok(Self { fields, lenient: false })
    }

    /// The same, reading what a CAST reads.
    pub(crate) fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// Whether it is [`DatePattern::lenient`].
    pub(crate) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// The same for [`DatePattern::parse_loosely`]: a number may have fewer digits than its field unless another number follows.
    pub(crate) fn loose(mut self) -> Self {
        for at in 0..self.fields.len() {
            if matches!(self.fields.get(at + 1), None | Some(Field::Text(_))) {
                match &mut self.fields[at] {
                    Field::Year(width)
                    | Field::Month(width)
                    | Field::Day(width)
                    | Field::Hour(width)
                    | Field::Minute(width)
                    | Field::Second(width) => *width = 1,
                    _ => {}
                }
            }
        }
        self
    }

    /// Reads with a [`DatePattern::loose`] pattern as Java's SimpleDateFormat does: February 30 is March 1, and what stands behind the
    /// pattern does not matter.
    pub(crate) fn parse_loosely(&self, text: &str) -> Option<Timestamp> {
        let (civil, _) = self.read(text)?;
        let months = civil.year * 12 + i64::from(civil.month) - 1;
        let first = days_from_civil(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1);
        let seconds = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        let millis = seconds * 1000 + i64::from(civil.nano / 1_000_000);
        Some(Timestamp::from_millis((first + i64::from(civil.day) - 1) * MILLIS_PER_DAY + millis))
    }

    /// Writes a point in time.
    pub(crate) fn format(&self, ts: Timestamp) -> String {
        let civil = Civil::from_timestamp(ts);
        let mut text = String::with_capacity(24);
        for field in &self.fields {
            let (value, width) = match field {
                Field::Year(width) => (civil.year, *width),
                Field::Month(width) => (i64::from(civil.month), *width),
                Field::Day(width) => (i64::from(civil.day), *width),
                Field::Hour(width) => (i64::from(civil.hour), *width),
                Field::Minute(width) => (i64::from(civil.minute), *width),
                Field::Second(width) => (i64::from(civil.second), *width),
                Field::Fraction(width) => (i64::from(civil.nano / 10_u32.pow(9 - *width as u32)), *width),
                Field::ShortYear => (civil.year.rem_euclid(100), 2),
                Field::DayOfYear(width) => (extract(TimeField::DayOfYear, ts), *width),
                Field::HalfHour(width) => (i64::from((civil.hour + 11) % 12 + 1), *width),
                Field::MonthName { whole } => {
                    text.push_str(name(&MONTHS, civil.month as usize - 1, *whole));
                    continue;
                }
                Field::DayName { whole } => {
                    text.push_str(name(&DAYS, extract(TimeField::IsoDayOfWeek, ts) as usize - 1, *whole));
                    continue;
                }
                Field::HalfDay => {
                    text.push_str(if civil.hour < 12 { "AM" } else { "PM" });
                    continue;
                }
                Field::Text(literal) => {
                    text.push_str(literal);
                    continue;
                }
            };
            text.push_str(&format!("{value:0width$}"));
        }
        text
    }

    /// Reads a point in time; what the pattern leaves out is 1970-01-01 00:00:00. `None` if the text does not fit.
    pub(crate) fn parse(&self, text: &str) -> Option<Timestamp> {
        if self.lenient {
            return parse_loose_timestamp(text).map(|ts| truncate(ts, 3));
        }
        let (civil, rest) = self.read(text)?;
        if rest.is_empty() { civil.to_timestamp() } else { None }
    }

    /// The fields that the text begins with, and what follows them.
    fn read<'t>(&self, text: &'t str) -> Option<(Civil, &'t str)> {
        let mut civil = Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, nano: 0 };
        let mut rest = text;
        let mut afternoon = None;
        for field in &self.fields {
            match field {
                Field::ShortYear => civil.year = 2000 + i64::from(number(&mut rest, 2, 2)?),
                Field::MonthName { whole } => civil.month = named(&mut rest, &MONTHS, *whole)? as u32 + 1,
                Field::DayName { whole } => drop(named(&mut rest, &DAYS, *whole)?),
                Field::HalfHour(width) => {
                    civil.hour = number(&mut rest, *width, 2).filter(|hour| (1..=12).contains(hour))? % 12;
                }
                Field::HalfDay => {
                    let (half, after) = rest.split_at_checked(2)?;
                    afternoon = Some(match half {
                        "AM" => false,
                        "PM" => true,
                        _ => return None,
                    });
                    rest = after;
                }
                Field::DayOfYear(width) => {
                    let day = number(&mut rest, *width, 3).filter(|day| *day > 0)?;
                    let days = days_from_civil(civil.year, 1, 1) + i64::from(day) - 1;
                    let (year, month, day) = civil_from_days(days);
                    if year != civil.year {
                        return None;
                    }
                    (civil.month, civil.day) = (month, day);
                }
                Field::Text(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Field::Year(width) => civil.year = i64::from(number(&mut rest, *width, 4)?),
                Field::Month(width) => civil.month = number(&mut rest, *width, 2)?,
                Field::Day(width) => civil.day = number(&mut rest, *width, 2)?,
                Field::Hour(width) => civil.hour = number(&mut rest, *width, 2)?,
                Field::Minute(width) => civil.minute = number(&mut rest, *width, 2)?,
                Field::Second(width) => civil.second = number(&mut rest, *width, 2)?,
                Field::Fraction(width) => {
                    civil.nano = number(&mut rest, *width, *width)? * 10_u32.pow(9 - *width as u32);
                }
            }
        }
        if afternoon == Some(true) && civil.hour < 12 {
            civil.hour += 12;
        }
        Some((civil, rest))
    }
}

/// A number of at least `least` and at most `most` digits, taken from the front.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least {
        return None;
    }
    let (digits, after) = rest.split_at(length);
    *rest = after;
    digits.parse().ok()
}
