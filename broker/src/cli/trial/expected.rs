//! Rows as a person expects them, in a file, a row a line, in any order.

use std::collections::BTreeMap;
use std::path::Path;

use super::TrialError;

/// Where rows and expected rows differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Expected rows that did not come, as the file has them.
    pub missing: Vec<String>,
    /// Rows that nobody expected.
    pub unexpected: Vec<String>,
}

impl Differences {
    /// Compares rows without regard to their order; JSON without regard to blanks and the order of fields.
    #[must_use]
    pub fn between(expected: &[String], rows: &[String]) -> Differences {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows {
            *counts.entry(normal(row)).or_default() += 1;
        }
        let mut missing = Vec::new();
        for row in expected {
            let count = counts.entry(normal(row)).or_default();
            *count -= 1;
            if *count < 0 {
                missing.push(row.clone());
            }
        }
        let mut unexpected = Vec::new();
        for row in rows.iter().rev() {
            let count = counts.entry(normal(row)).or_default();
            if *count > 0 {
                *count -= 1;
                unexpected.push(row.clone());
            }
        }
        unexpected.reverse();
        Differences { missing, unexpected }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

/// serde_json keeps the fields of an object in the order of their names.
fn normal(row: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(row) {
        Ok(value) => value.to_string(),
        Err(_) => row.to_owned(),
    }
}

/// The rows of a file, without empty lines.
///
/// # Errors
/// The file cannot be read.
pub fn read_rows(file: &Path) -> Result<Vec<String>, TrialError> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|e| TrialError::Invalid(format!("cannot read {}: {e}", file.display())))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Writes rows as [`read_rows`] reads them, sorted, so that two files of the same rows are the same.
///
/// # Errors
/// The file cannot be written.
pub fn write_rows(file: &Path, rows: &[String]) -> Result<(), TrialError> {
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    rows.sort_unstable();
    let text: String = rows.iter().flat_map(|row| [*row, "\n"]).collect();
    std::fs::write(file, text).map_err(|e| TrialError::Failed(format!("cannot write {}: {e}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_as_often_as_they_are_there() {
        let rows = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expected = rows(&[r#"{"u":"a","n":1}"#, r#"{"u":"a","n":1}"#, r#"{"u":"b","n":2}"#]);
        let same = rows(&[r#"{"n":2,"u":"b"}"#, r#"{"u":"a", "n":1}"#, r#"{"u":"a","n":1}"#]);
        assert!(Differences::between(&expected, &same).is_empty());
        let other = rows(&[r#"{"u":"a","n":1}"#, r#"{"u":"b","n":2}"#, r#"{"u":"b","n":2}"#, "text"]);
        let differences = Differences::between(&expected, &other);
        assert_eq!(differences.missing, rows(&[r#"{"u":"a","n":1}"#]));
        assert_eq!(differences.unexpected, rows(&[r#"{"u":"b","n":2}"#, "text"]));
    }
}
