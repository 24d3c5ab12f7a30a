//! All functions of Flink SQL: which there are, how each is called, what it gives; and which there are not.
//!
//! Those that are nothing but a computation stand in the tables of `expr/library`; what the planner has its own code for is listed
//! here. `docs/reference/sql.md` is made from both.

use super::bind::library_tables;
use crate::expr::library::Returns;

/// A function that the planner has its own code for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub family: Family,
    /// Its name, and others of it.
    pub names: &'static [&'static str],
    pub form: &'static str,
    pub result: &'static str,
    pub about: &'static str,
}

/// What a function is about, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Condition,
    Cast,
    Text,
    Regex,
    Encoding,
    Hash,
    Number,
    Time,
    Collection,
    Json,
    Aggregate,
}

impl Family {
    /// The heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Condition => "Conditions",
            Self::Cast => "Types",
            Self::Text => "Texts",
            Self::Regex => "Regular expressions",
            Self::Encoding => "Encodings",
            Self::Hash => "Hashes",
            Self::Number => "Numbers",
            Self::Time => "Dates and times",
            Self::Collection => "Arrays, maps and rows",
            Self::Json => "JSON",
            Self::Aggregate => "Aggregates",
        }
    }
}

const fn bound(
    family: Family,
    names: &'static [&'static str],
    form: &'static str,
    result: &'static str,
    about: &'static str,
) -> Bound {
    Bound { family, names, form, result, about }
}

/// Functions that the planner has its own code for.
pub(crate) const BOUND: &[Bound] = &[
    bound(
        Family::Aggregate,
        &["APPROX_COUNT_DISTINCT"],
        "APPROX_COUNT_DISTINCT(value)",
        "BIGINT",
        "about how many different values there are, 1.6 % off in the middle, exact up to 255; Flink has it in batch mode only",
    ),
    bound(
        Family::Aggregate,
        &["FIRST_VALUE"],
        "FIRST_VALUE(value)",
        "the value's type",
        "the first to arrive that is not NULL",
    ),
    bound(
        Family::Aggregate,
        &["LAST_VALUE"],
        "LAST_VALUE(value)",
        "the value's type",
        "the last to arrive that is not NULL",
    ),
    bound(
        Family::Aggregate,
        &["LISTAGG"],
        "LISTAGG([DISTINCT] text [, separator])",
        "STRING",
        "the texts in the order of their arrival, with the separator (a comma) between them; at most 8 MiB",
    ),
    bound(
        Family::Aggregate,
        &["PERCENTILE"],
        "PERCENTILE(number, fraction)",
        "DOUBLE",
        "the value below which this fraction (0 to 1) of all lies, in proportion between its neighbours; at most a million values",
    ),
    bound(
        Family::Aggregate,
        &["STDDEV_POP"],
        "STDDEV_POP(number)",
        "as AVG",
        "the standard deviation; of integers it is computed in integers, as by Flink",
    ),
    bound(
        Family::Aggregate,
        &["STDDEV_SAMP", "STDDEV"],
        "STDDEV_SAMP(number)",
        "as AVG",
        "the standard deviation of a sample; NULL for one value",
    ),
    bound(Family::Aggregate, &["VAR_POP"], "VAR_POP(number)", "as AVG", "the variance"),
    bound(
        Family::Aggregate,
        &["VAR_SAMP", "VARIANCE"],
        "VAR_SAMP(number)",
        "as AVG",
        "the variance of a sample; NULL for one value",
    ),
    bound(
        Family::Aggregate,
        &["GROUPING", "GROUPING_ID"],
        "GROUPING(key [, key]..)",
        "BIGINT",
        "a bit for each key, 1 if the row's grouping set does not have it",
    ),
    bound(Family::Aggregate, &["GROUP_ID"], "GROUP_ID()", "BIGINT", "0: the first of equal grouping sets"),
    bound(Family::Condition, &["COALESCE"], "COALESCE(value [, value]..)", "common type", "the first that is not NULL"),
    bound(
        Family::Condition,
        &["GREATEST"],
        "GREATEST(value [, value]..)",
        "common type",
        "the greatest; NULL if one is NULL",
    ),
    bound(
        Family::Condition,
        &["IF"],
        "IF(condition, yes, no)",
        "common type",
        "the second if the condition is TRUE, else the third",
    ),
    bound(Family::Condition, &["IFNULL"], "IFNULL(value, other)", "common type", "the other if the value is NULL"),
    bound(Family::Condition, &["LEAST"], "LEAST(value [, value]..)", "common type", "the least; NULL if one is NULL"),
    bound(
        Family::Condition,
        &["NULLIF"],
        "NULLIF(value, other)",
        "the value's type",
        "NULL if both are equal, else the value",
    ),
    bound(
        Family::Cast,
        &["CAST"],
        "CAST(value AS type)",
        "the type",
        "the value in another type; the job fails if it has none there",
    ),
    bound(Family::Cast, &["TRY_CAST"], "TRY_CAST(value AS type)", "the type", "as CAST, but NULL where CAST fails"),
    bound(
        Family::Text,
        &["BTRIM"],
        "BTRIM(text [, characters])",
        "STRING",
        "the text without these characters (blanks) on both sides",
    ),
    bound(Family::Text, &["CHAR_LENGTH", "CHARACTER_LENGTH"], "CHAR_LENGTH(text)", "INT", "how many characters it has"),
    bound(
        Family::Text,
        &["CONCAT"],
        "CONCAT(text [, text]..)",
        "STRING",
        "all of them in a row, as `||`; NULL if one is NULL",
    ),
    bound(Family::Text, &["LOWER"], "LOWER(text)", "STRING", "in lower case"),
    bound(
        Family::Text,
        &["LTRIM"],
        "LTRIM(text [, characters])",
        "STRING",
        "the text without these characters at its beginning",
    ),
    bound(
        Family::Text,
        &["POSITION"],
        "POSITION(what IN text)",
        "INT",
        "where it begins in the text, from 1; 0 if it is not there",
    ),
    bound(Family::Text, &["REPLACE"], "REPLACE(text, what, by)", "STRING", "the text with each occurrence replaced"),
    bound(
        Family::Text,
        &["RTRIM"],
        "RTRIM(text [, characters])",
        "STRING",
        "the text without these characters at its end",
    ),
    bound(
        Family::Text,
        &["SPLIT_INDEX"],
        "SPLIT_INDEX(text, delimiter, index)",
        "STRING",
        "the part at this index, from 0; NULL if there is none",
    ),
    bound(
        Family::Text,
        &["SUBSTRING", "SUBSTR"],
        "SUBSTRING(text FROM start [FOR length])",
        "STRING",
        "from this character on, counted from 1, or from the end below 0",
    ),
    bound(
        Family::Text,
        &["TRIM"],
        "TRIM([BOTH | LEADING | TRAILING] [characters] FROM text)",
        "STRING",
        "the text without these characters (blanks) at its sides",
    ),
    bound(Family::Text, &["UUID"], "UUID()", "STRING", "a random UUID, another one for each row"),
    bound(Family::Text, &["UPPER"], "UPPER(text)", "STRING", "in upper case"),
    bound(Family::Number, &["ABS"], "ABS(number)", "the number's type", "without its sign"),
    bound(
        Family::Number,
        &["CEIL", "CEILING"],
        "CEIL(number)",
        "the number's type",
        "the next integer that is not below it",
    ),
    bound(Family::Number, &["EXP"], "EXP(number)", "DOUBLE", "e to this power"),
    bound(Family::Number, &["FLOOR"], "FLOOR(number)", "the number's type", "the next integer that is not above it"),
    bound(Family::Number, &["LN"], "LN(number)", "DOUBLE", "the natural logarithm"),
    bound(
        Family::Number,
        &["MOD"],
        "MOD(number, divisor)",
        "the divisor's type",
        "the rest of a division, with the number's sign",
    ),
    bound(Family::Number, &["POWER"], "POWER(base, exponent)", "DOUBLE", "the base to this power"),
    bound(
        Family::Number,
        &["ROUND"],
        "ROUND(number [, digits])",
        "the number's type",
        "half up, away from 0, to so many digits after the point",
    ),
    bound(Family::Number, &["RAND"], "RAND()", "DOUBLE", "a random number from 0 up to 1, 1 not included"),
    bound(
        Family::Number,
        &["RAND_INTEGER"],
        "RAND_INTEGER(bound)",
        "INT",
        "a random number from 0 up to the bound, the bound not included",
    ),
    bound(Family::Number, &["SQRT"], "SQRT(number)", "DOUBLE", "the square root"),
    bound(
        Family::Time,
        &["CEIL"],
        "CEIL(time TO unit)",
        "the time's type",
        "the time itself if it begins a unit (MILLENNIUM to MILLISECOND), else the beginning of the next one",
    ),
    bound(
        Family::Time,
        &["CONVERT_TZ"],
        "CONVERT_TZ(text, zone, zone)",
        "STRING",
        "what clocks of the second zone show when those of the first show `yyyy-MM-dd HH:mm:ss`",
    ),
    bound(
        Family::Time,
        &["DATE_FORMAT"],
        "DATE_FORMAT(time, pattern)",
        "STRING",
        "the time, or a text that is one, in a pattern of letters: yyyy yy MM MMM MMMM dd EEE EEEE D HH hh a mm ss SSS",
    ),
    bound(Family::Time, &["DAYOFMONTH"], "DAYOFMONTH(time)", "BIGINT", "1 to 31"),
    bound(Family::Time, &["DAYOFWEEK"], "DAYOFWEEK(time)", "BIGINT", "Sunday 1 to Saturday 7"),
    bound(Family::Time, &["DAYOFYEAR"], "DAYOFYEAR(time)", "BIGINT", "1 to 366"),
    bound(
        Family::Time,
        &["EXTRACT"],
        "EXTRACT(field FROM time)",
        "BIGINT",
        "MILLENNIUM, CENTURY, DECADE, YEAR, ISOYEAR, QUARTER, MONTH, WEEK, DAY, DOW, ISODOW, DOY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, NANOSECOND or EPOCH",
    ),
    bound(
        Family::Time,
        &["FLOOR"],
        "FLOOR(time TO unit)",
        "the time's type",
        "the beginning of the unit (MILLENNIUM to MILLISECOND) that it is in; weeks begin on Sunday",
    ),
    bound(
        Family::Time,
        &["FROM_UNIXTIME"],
        "FROM_UNIXTIME(seconds [, pattern])",
        "STRING",
        "the moment so many seconds after 1970, in UTC",
    ),
    bound(
        Family::Time,
        &["CURRENT_TIMESTAMP", "NOW", "CURRENT_ROW_TIMESTAMP"],
        "CURRENT_TIMESTAMP, NOW()",
        "TIMESTAMP_LTZ(3)",
        "the broker's clock when the row is computed; what is committed stays, what was not may get another time",
    ),
    bound(Family::Time, &["LOCALTIMESTAMP"], "LOCALTIMESTAMP", "TIMESTAMP(3)", "CURRENT_TIMESTAMP as clocks show it"),
    bound(Family::Time, &["CURRENT_DATE"], "CURRENT_DATE", "DATE", "the date of LOCALTIMESTAMP"),
    bound(Family::Time, &["CURRENT_TIME", "LOCALTIME"], "CURRENT_TIME", "TIME", "the time of day of LOCALTIMESTAMP"),
    bound(Family::Time, &["HOUR"], "HOUR(time)", "BIGINT", "0 to 23"),
    bound(Family::Time, &["MINUTE"], "MINUTE(time)", "BIGINT", "0 to 59"),
    bound(Family::Time, &["MONTH"], "MONTH(time)", "BIGINT", "1 to 12"),
    bound(Family::Time, &["QUARTER"], "QUARTER(time)", "BIGINT", "1 to 4"),
    bound(Family::Time, &["SECOND"], "SECOND(time)", "BIGINT", "0 to 59"),
    bound(
        Family::Time,
        &["TIMESTAMPADD"],
        "TIMESTAMPADD(unit, count, time)",
        "the time's type",
        "the time so many units (SECOND to YEAR) later; a DATE and a unit below a day make a TIMESTAMP",
    ),
    bound(
        Family::Time,
        &["TIMESTAMPDIFF"],
        "TIMESTAMPDIFF(unit, from, to)",
        "INT",
        "how many whole units lie between; below 0 if `to` is earlier",
    ),
    bound(
        Family::Time,
        &["TO_DATE"],
        "TO_DATE(text [, pattern])",
        "DATE",
        "the date, of `yyyy-MM-dd` by default; NULL if the text is none",
    ),
    bound(
        Family::Time,
        &["TO_TIMESTAMP"],
        "TO_TIMESTAMP(text [, pattern])",
        "TIMESTAMP(3)",
        "the time, of `yyyy-MM-dd HH:mm:ss` by default; NULL if the text is none",
    ),
    bound(
        Family::Time,
        &["TO_TIMESTAMP_LTZ"],
        "TO_TIMESTAMP_LTZ(number [, 0 or 3])",
        "TIMESTAMP_LTZ(3)",
        "the moment so many seconds (0) or milliseconds (3) after 1970; or of a text [, pattern [, zone]]",
    ),
    bound(
        Family::Time,
        &["UNIX_TIMESTAMP"],
        "UNIX_TIMESTAMP([text [, pattern]])",
        "BIGINT",
        "seconds since 1970, of CURRENT_TIMESTAMP or of a text's time in UTC; the lowest BIGINT if the text is none",
    ),
    bound(Family::Time, &["WEEK"], "WEEK(time)", "BIGINT", "the ISO week, 1 to 53"),
    bound(Family::Time, &["YEAR"], "YEAR(time)", "BIGINT", "the year"),
    bound(
        Family::Collection,
        &["ARRAY"],
        "ARRAY[value [, value]..]",
        "ARRAY of the common type",
        "an array; `array[1]` is its first element, NULL if there is none",
    ),
    bound(
        Family::Collection,
        &["MAP"],
        "MAP[key, value [, key, value]..]",
        "MAP of the common types",
        "a map; `map[key]` is a value, NULL if there is none",
    ),
    bound(Family::Collection, &["ROW"], "ROW(value [, value]..)", "ROW", "a row; `row.field` is a field of it"),
    bound(
        Family::Json,
        &["JSON"],
        "JSON(text)",
        "STRING",
        "the JSON that the text is, put into JSON_OBJECT and JSON_ARRAY as it is; if it is none, the job fails",
    ),
    bound(
        Family::Json,
        &["JSON_ARRAY"],
        "JSON_ARRAY([value [, value]..] [NULL | ABSENT ON NULL])",
        "STRING",
        "a JSON array; NULLs are left out by default",
    ),
    bound(
        Family::Json,
        &["JSON_EXISTS"],
        "JSON_EXISTS(text, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])",
        "BOOLEAN",
        "whether the path leads to something",
    ),
    bound(
        Family::Json,
        &["JSON_OBJECT"],
        "JSON_OBJECT([[KEY] key VALUE value [, ..]] [NULL | ABSENT ON NULL])",
        "STRING",
        "a JSON object, its keys in order; `key: value` too",
    ),
    bound(
        Family::Json,
        &["JSON_QUERY"],
        "JSON_QUERY(text, path [RETURNING type] [WITH [CONDITIONAL] WRAPPER] [.. ON EMPTY] [.. ON ERROR])",
        "STRING or the type",
        "the object or array that the path leads to; types are STRING and ARRAY<STRING>",
    ),
    bound(Family::Json, &["JSON_QUOTE"], "JSON_QUOTE(text)", "STRING", "the text as a JSON string"),
    bound(Family::Json, &["JSON_STRING"], "JSON_STRING(value)", "STRING", "the value as JSON; NULL for NULL"),
    bound(
        Family::Json,
        &["JSON_UNQUOTE"],
        "JSON_UNQUOTE(text)",
        "STRING",
        "the content of a JSON string; what is none stays",
    ),
    bound(
        Family::Json,
        &["JSON_VALUE"],
        "JSON_VALUE(text, path [RETURNING type] [.. ON EMPTY] [.. ON ERROR])",
        "STRING or the type",
        "the scalar that the path leads to; types are STRING, BOOLEAN, INT and DOUBLE",
    ),
    bound(
        Family::Aggregate,
        &["AVG"],
        "AVG([DISTINCT] number)",
        "the number's type",
        "the average; of integers it is truncated, of DECIMAL(p, s) it is DECIMAL(38, max(6, s))",
    ),
    bound(
        Family::Aggregate,
        &["ARRAY_AGG"],
        "ARRAY_AGG([DISTINCT] value)",
        "ARRAY of the value's type",
        "the values in the order of their arrival, NULLs too; at most 8 MiB",
    ),
    bound(
        Family::Aggregate,
        &["JSON_ARRAYAGG"],
        "JSON_ARRAYAGG(value [NULL | ABSENT ON NULL])",
        "STRING",
        "a JSON array of the values in the order of their arrival; NULLs are left out by default; at most 8 MiB",
    ),
    bound(
        Family::Aggregate,
        &["JSON_OBJECTAGG"],
        "JSON_OBJECTAGG([KEY] key VALUE value [NULL | ABSENT ON NULL])",
        "STRING",
        "a JSON object, its keys in order; of one key the last value; at most 8 MiB",
    ),
    bound(
        Family::Aggregate,
        &["COUNT"],
        "COUNT(*), COUNT([DISTINCT] value)",
        "BIGINT",
        "rows, or values that are not NULL",
    ),
    bound(Family::Aggregate, &["MAX"], "MAX(value)", "the value's type", "the greatest"),
    bound(Family::Aggregate, &["MIN"], "MIN(value)", "the value's type", "the least"),
    bound(
        Family::Aggregate,
        &["SUM"],
        "SUM([DISTINCT] number)",
        "the number's type",
        "the sum; integers wrap around, of DECIMAL(p, s) it is DECIMAL(38, s)",
    ),
];

/// All names, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let library = library_tables()
        .flat_map(|(_, table)| table.iter())
        .flat_map(|function| std::iter::once(function.name).chain(function.also.iter().copied()));
    BOUND.iter().flat_map(|bound| bound.names.iter().copied()).chain(library)
}

/// How a function is called.
pub(crate) fn form(name: &str) -> Option<&'static str> {
    let bound = BOUND.iter().find(|bound| bound.names.contains(&name)).map(|bound| bound.form);
    let has = |function: &&crate::expr::library::Function| function.name == name || function.also.contains(&name);
    bound.or_else(|| library_tables().flat_map(|(_, table)| table.iter()).find(has).map(|function| function.form))
}

/// A row of the page: form, result, what it gives.
pub(crate) fn rows(family: Family) -> Vec<(&'static str, String, &'static str)> {
    let bound = BOUND.iter().filter(|bound| bound.family == family);
    let mut rows: Vec<_> = bound.map(|bound| (bound.form, bound.result.to_owned(), bound.about)).collect();
    for (_, table) in library_tables().filter(|(of, _)| *of == family) {
        rows.extend(table.iter().map(|function| {
            let result = match function.result {
                Returns::Is(data_type) => data_type.to_string(),
                Returns::By(word, _) => word.to_owned(),
            };
            (function.form, result, function.about)
        }));
    }
    rows.sort();
    rows
}
