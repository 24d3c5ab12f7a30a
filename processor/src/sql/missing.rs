//! Flink's functions that are not there: whoever calls one is told so, and the reference page lists them.

/// Flink's functions that are not there, with the reason where it is not only that nobody has written them.
pub(crate) const MISSING: &[(&str, &[&str])] =
    &[("give or take MULTISET, VARIANT or several arrays at once", OF_COLLECTIONS), ("not written yet", LATER)];

const OF_COLLECTIONS: &[&str] = &["COLLECT", "PARSE_JSON", "REGEXP_EXTRACT_ALL", "TRY_PARSE_JSON"];

const LATER: &[&str] = &[
    "CURRENT_WATERMARK",
    "CUME_DIST",
    "DENSE_RANK",
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
