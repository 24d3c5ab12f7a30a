//! How record values are read and written: the options of `'format' = ..`.

/// A format of record values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `'format' = 'json'`.
    Json(JsonFormat),
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
