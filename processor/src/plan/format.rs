//! How record values and keys are read and written: the options of `'format' = ..` and `'key.format' = ..`.

/// A format of record values and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `'format' = 'json'`: an object.
    Json(JsonFormat),
    /// `'format' = 'csv'`: one line of comma-separated values.
    Csv(CsvFormat),
    /// `'format' = 'raw'`: the bytes of one column.
    Raw(RawFormat),
}

impl Format {
    /// Its name in the options.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Format::Json(_) => "json",
            Format::Csv(_) => "csv",
            Format::Raw(_) => "raw",
        }
    }

    /// Whether what cannot be read is passed over.
    #[must_use]
    pub fn ignores_parse_errors(&self) -> bool {
        match self {
            Format::Json(json) => json.ignore_parse_errors,
            Format::Csv(csv) => csv.ignore_parse_errors,
            Format::Raw(_) => false,
        }
    }
}

/// The options of Flink's JSON format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonFormat {
    /// `json.ignore-parse-errors`: a field that cannot be read becomes NULL and a record that is not JSON is skipped, instead
    /// of failing the job. Default false.
    pub ignore_parse_errors: bool,
    /// `json.fail-on-missing-field`: a missing field fails the job instead of being NULL. Default false; never true together
    /// with `ignore_parse_errors`.
    pub fail_on_missing_field: bool,
    /// `json.timestamp-format.standard`.
    pub timestamp_format: TimestampFormat,
    /// `json.encode.ignore-null-fields`: a sink leaves NULL fields out. Default false.
    pub encode_ignore_null_fields: bool,
    /// `json.encode.decimal-as-plain-number`: a sink never writes an exponent. Default false.
    pub encode_decimal_as_plain_number: bool,
    /// `json.map-null-key.mode`: what a sink does with an entry of a map whose key is NULL.
    pub map_null_key: MapNullKey,
}

/// `json.map-null-key.mode`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MapNullKey {
    /// `FAIL`, the default: the job fails.
    #[default]
    Fail,
    /// `DROP`: the entry is left out.
    Drop,
    /// `LITERAL`: the key is `json.map-null-key.literal`, `null` by default.
    Literal(String),
}

/// `json.timestamp-format.standard`: the shape of TIMESTAMP and TIMESTAMP_LTZ texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `SQL`, the default: `2020-12-30 12:13:14.123`, for TIMESTAMP_LTZ `2020-12-30 12:13:14.123Z`.
    #[default]
    Sql,
    /// `ISO-8601`: `2020-12-30T12:13:14.123`, for TIMESTAMP_LTZ `2020-12-30T12:13:14.123Z`.
    Iso8601,
}

/// The options of Flink's CSV format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFormat {
    /// `csv.field-delimiter`, by default a comma.
    pub delimiter: char,
    /// `csv.quote-character`, by default `"`; `None` with `csv.disable-quote-character`.
    pub quote: Option<char>,
    /// `csv.escape-character`: the character after it stands for itself. By default there is none.
    pub escape: Option<char>,
    /// `csv.null-literal`: what stands for NULL. By default nothing does, and NULL is written as nothing.
    pub null_literal: Option<String>,
    /// `csv.ignore-parse-errors`: a field that cannot be read becomes NULL and a record that is no row is skipped, instead of failing
    /// the job. Default false.
    pub ignore_parse_errors: bool,
    /// `csv.allow-comments`: a record that begins with `#` is no row. Default false.
    pub allow_comments: bool,
    /// The opposite of `csv.write-bigdecimal-in-scientific-notation`: a sink never writes an exponent. Default false.
    pub decimal_as_plain_number: bool,
}

impl Default for CsvFormat {
    fn default() -> CsvFormat {
        CsvFormat {
            delimiter: ',',
            quote: Some('"'),
            escape: None,
            null_literal: None,
            ignore_parse_errors: false,
            allow_comments: false,
            decimal_as_plain_number: false,
        }
    }
}

/// The options of Flink's raw format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawFormat {
    /// `raw.endianness` = `little-endian`, of numbers. Default false.
    pub little_endian: bool,
}
