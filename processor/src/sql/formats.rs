//! The options of formats: `format`, `value.format` and `key.format`, and those that begin with a format's name.

use super::error::{SqlError, did_you_mean};
use super::options::Options;
use super::statement::Name;
use crate::expr::DataType;
use crate::format::fits_raw;
use crate::plan::{Column, CsvFormat, Format, JsonFormat, MapNullKey, RawFormat, TimestampFormat};

/// The formats, with their options.
const FORMATS: &[(&str, &[&str])] = &[("json", JSON), ("csv", CSV), ("raw", RAW)];

const JSON: &[&str] = &[
    "ignore-parse-errors",
    "fail-on-missing-field",
    "timestamp-format.standard",
    "encode.ignore-null-fields",
    "encode.decimal-as-plain-number",
    "map-null-key.mode",
    "map-null-key.literal",
    "decode.json-parser.enabled",
];

const CSV: &[&str] = &[
    "field-delimiter",
    "disable-quote-character",
    "quote-character",
    "escape-character",
    "null-literal",
    "ignore-parse-errors",
    "allow-comments",
    "write-bigdecimal-in-scientific-notation",
    // There are no arrays yet.
    "array-element-delimiter",
];

const RAW: &[&str] = &["charset", "endianness"];

/// Checks a key that begins with a format's name, after the prefix of values (`value_prefix`) or of keys; `None` if it does not.
pub(super) fn check_key(key: &Name, value_prefix: &str) -> Option<Result<(), SqlError>> {
    let (format, option, known) = FORMATS.iter().find_map(|(format, options)| {
        let of = |prefix: &str| key.text.strip_prefix(prefix)?.strip_prefix(format)?.strip_prefix('.');
        let option = of(value_prefix).or_else(|| of("key."))?;
        Some((format, option, options))
    })?;
    Some(match known.contains(&option) {
        true => Ok(()),
        false => Err(SqlError::new(key.span, format!("the {} format has no option '{option}'", format.to_uppercase()))
            .maybe_hint(did_you_mean(option, known.iter().copied()))),
    })
}

/// All keys of formats of values.
pub(super) fn value_keys(prefix: &str) -> impl Iterator<Item = String> {
    FORMATS.iter().flat_map(move |(format, keys)| keys.iter().map(move |key| format!("{prefix}{format}.{key}")))
}

impl Options<'_> {
    /// The format of values, which the option `key` names.
    pub(super) fn value_format(&self, key: &str) -> Result<Format, SqlError> {
        let Some(format) = self.get(key) else {
            let hint = format!("add '{key}' = 'json' to its WITH (..)");
            return Err(self.missing(key, &hint));
        };
        if key == "value.format"
            && let Some(both) = self.get("format")
        {
            return Err(SqlError::new(both.span, "'format' and 'value.format' say the same; keep one"));
        }
        self.format(format, if key == "format" { "" } else { "value." })
    }

    /// The format that an option names, whose own options begin with `prefix`.
    pub(super) fn format(&self, format: &Name, prefix: &str) -> Result<Format, SqlError> {
        match format.text.as_str() {
            "json" => self.json(&format!("{prefix}json.")).map(Format::Json),
            "csv" => self.csv(&format!("{prefix}csv.")).map(Format::Csv),
            "raw" => self.raw(&format!("{prefix}raw.")).map(Format::Raw),
            other => Err(SqlError::new(format.span, format!("the format '{other}' is not supported yet"))
                .hint("there is 'json', 'csv' and 'raw'")),
        }
    }

    fn json(&self, prefix: &str) -> Result<JsonFormat, SqlError> {
        let key = |name: &str| format!("{prefix}{name}");
        let ignore = self.boolean(&key("ignore-parse-errors"))?;
        let fail = self.boolean(&key("fail-on-missing-field"))?;
        if ignore && fail {
            let span = self.place(&key("fail-on-missing-field"));
            return Err(SqlError::new(span, "'ignore-parse-errors' and 'fail-on-missing-field' exclude each other"));
        }
        let standard = self.one_of(&key("timestamp-format.standard"), &["SQL", "ISO-8601"])?;
        Ok(JsonFormat {
            ignore_parse_errors: ignore,
            fail_on_missing_field: fail,
            timestamp_format: match standard {
                Some("ISO-8601") => TimestampFormat::Iso8601,
                _ => TimestampFormat::Sql,
            },
            encode_ignore_null_fields: self.boolean(&key("encode.ignore-null-fields"))?,
            encode_decimal_as_plain_number: self.boolean(&key("encode.decimal-as-plain-number"))?,
            map_null_key: match self.one_of(&key("map-null-key.mode"), &["FAIL", "DROP", "LITERAL"])? {
                Some("DROP") => MapNullKey::Drop,
                Some("LITERAL") => {
                    let literal = self.get(&key("map-null-key.literal"));
                    MapNullKey::Literal(literal.map_or_else(|| "null".to_owned(), |literal| literal.text.clone()))
                }
                _ => MapNullKey::Fail,
            },
        })
    }

    fn csv(&self, prefix: &str) -> Result<CsvFormat, SqlError> {
        let key = |name: &str| format!("{prefix}{name}");
        let default = CsvFormat::default();
        let no_quotes = self.boolean(&key("disable-quote-character"))?;
        let quote = self.character(&key("quote-character"))?;
        if no_quotes && quote.is_some() {
            let span = self.place(&key("quote-character"));
            return Err(SqlError::new(span, "'quote-character' and 'disable-quote-character' exclude each other"));
        }
        let scientific = self.one_of(&key("write-bigdecimal-in-scientific-notation"), &["true", "false"])?;
        Ok(CsvFormat {
            delimiter: self.character(&key("field-delimiter"))?.unwrap_or(default.delimiter),
            quote: if no_quotes { None } else { quote.or(default.quote) },
            escape: self.character(&key("escape-character"))?,
            null_literal: self.get(&key("null-literal")).map(|literal| literal.text.clone()),
            ignore_parse_errors: self.boolean(&key("ignore-parse-errors"))?,
            allow_comments: self.boolean(&key("allow-comments"))?,
            decimal_as_plain_number: scientific == Some("false"),
        })
    }

    fn raw(&self, prefix: &str) -> Result<RawFormat, SqlError> {
        self.one_of(&format!("{prefix}charset"), &["UTF-8"])?;
        let endianness = self.one_of(&format!("{prefix}endianness"), &["big-endian", "little-endian"])?;
        Ok(RawFormat { little_endian: endianness == Some("little-endian") })
    }

    /// An option of one character. Flink: a tab and such may be written as in Java (`\t`, `\u0001`).
    fn character(&self, key: &str) -> Result<Option<char>, SqlError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let mut characters = value.text.chars();
        let found = match (characters.next(), characters.next(), characters.as_str()) {
            (Some(one), None, _) => Some(one),
            (Some('\\'), Some('t'), "") => Some('\t'),
            (Some('\\'), Some('u'), digits) if digits.len() == 4 => {
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
            }
            _ => None,
        };
        match found {
            Some(found) => Ok(Some(found)),
            None => Err(SqlError::new(value.span, format!("'{key}' takes one character, not '{}'", value.text))),
        }
    }
}

/// The type of a map's keys if it is no text's, somewhere in a type.
pub(super) fn odd_key(data_type: DataType) -> Option<DataType> {
    let nested = data_type.nested()?;
    let key = data_type.entry().map(|(key, _)| key).filter(|key| !key.is_text() && *key != DataType::Null);
    key.or_else(|| nested.parts().into_iter().find_map(odd_key))
}

/// Why a format cannot hold these columns.
pub(super) fn problem(format: &Format, columns: &[&Column], what: &str) -> Option<String> {
    match (format, columns) {
        (Format::Raw(_), [column]) if !fits_raw(column.data_type) => {
            Some(format!("the 'raw' format has no form for {}, which is {}", column.name, column.data_type))
        }
        (Format::Raw(_), [_]) => None,
        (Format::Raw(_), columns) => Some(format!("{what} = 'raw' takes one column, there are {}", columns.len())),
        (Format::Csv(_), columns) => {
            let odd = |column: &&&Column| matches!(column.data_type, DataType::Nested(_));
            let odd = columns.iter().find(odd)?;
            Some(format!("the 'csv' format has no form for {}, which is {}", odd.name, odd.data_type))
        }
        (Format::Json(_), columns) => {
            let (column, key) = columns.iter().find_map(|column| Some((column, odd_key(column.data_type)?)))?;
            Some(format!(
                "the 'json' format has no form for maps whose keys are {key}; {} is {}",
                column.name, column.data_type
            ))
        }
    }
}
