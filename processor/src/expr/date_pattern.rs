//! Date patterns of Java's DateTimeFormatter, as far as streams use them: `yyyy MM dd HH mm ss SSS`, quoted and plain text.

use super::Timestamp;
use super::calendar::Civil;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatePattern {
    fields: Vec<Field>,
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
    Text(String),
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
                'M' if length <= 2 => Field::Month(length),
                'd' if length <= 2 => Field::Day(length),
                'H' if length <= 2 => Field::Hour(length),
                'm' if length <= 2 => Field::Minute(length),
                's' if length <= 2 => Field::Second(length),
                'S' if length <= 9 => Field::Fraction(length),
                c if c.is_ascii_alphabetic() => return Err(c.to_string().repeat(length)),
                c => Field::Text(c.to_string()),
            });
        }
        Ok(Self { fields })
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
        let mut civil = Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, nano: 0 };
        let mut rest = text;
        for field in &self.fields {
            match field {
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
        if rest.is_empty() { civil.to_timestamp() } else { None }
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
