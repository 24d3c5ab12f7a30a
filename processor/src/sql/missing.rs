//! Flink's functions that are not there: whoever calls one is told so, and the reference page lists them.

/// Flink's functions that are not there, with the reason where it is not only that nobody has written them.
pub(crate) const MISSING: &[(&str, &[&str])] = &[
    ("give or take ARRAY, MAP, ROW or VARIANT, which are not among the types yet", OF_COLLECTIONS),
    ("not written yet", LATER),
];

const OF_COLLECTIONS: &[&str] = &[
    "ARRAY",
    "ARRAY_AGG",
    "ARRAY_APPEND",
    "ARRAY_CONCAT",
    "ARRAY_CONTAINS",
    "ARRAY_DISTINCT",
    "ARRAY_EXCEPT",
    "ARRAY_INTERSECT",
    "ARRAY_JOIN",
    "ARRAY_MAX",
    "ARRAY_MIN",
    "ARRAY_POSITION",
    "ARRAY_PREPEND",
    "ARRAY_REMOVE",
    "ARRAY_REVERSE",
    "ARRAY_SLICE",
    "ARRAY_SORT",
    "ARRAY_UNION",
    "CARDINALITY",
    "COLLECT",
    "ELEMENT",
    "MAP",
    "MAP_ENTRIES",
    "MAP_FROM_ARRAYS",
    "MAP_KEYS",
    "MAP_UNION",
    "MAP_VALUES",
    "PARSE_JSON",
    "REGEXP_EXTRACT_ALL",
    "ROW",
    "SPLIT",
    "STR_TO_MAP",
    "TRY_PARSE_JSON",
];

const LATER: &[&str] = &[
    "CURRENT_WATERMARK",
    "CUME_DIST",
    "DENSE_RANK",
    "JSON",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
    "LAG",
    "LEAD",
    "NTILE",
    "PERCENT_RANK",
    "PRINTF",
    "RANK",
    "TYPEOF",
    "URL_DECODE_RECURSIVE",
];

/// Whether Flink has a function of this name that is not there.
pub(crate) fn is_missing(name: &str) -> bool {
    MISSING.iter().any(|(_, names)| names.contains(&name))
}
