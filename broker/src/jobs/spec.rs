//! What is remembered of a job: its name, its text, and whether it should run. One record of `__forebay_jobs`, keyed by the name.

use serde::{Deserialize, Serialize};

/// A registered job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Version of this record's form.
    pub version: u32,
    /// The job's name; also its consumer group unless the text names another.
    pub name: String,
    /// The SQL as it was given.
    pub sql: String,
    /// Whether a person has paused it.
    pub paused: bool,
    /// When it was registered, milliseconds since 1970.
    pub created_ms: i64,
}

/// The form written today.
pub const VERSION: u32 = 1;

/// Longest name of a job, in characters.
pub const MAX_NAME: usize = 100;

/// A name that can be part of topic names and transactional ids: letters, digits, '.', '_' and '-'.
pub fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !legal(*c)) {
        _ if name.is_empty() => Err("a job needs a name; give one with --name".into()),
        _ if name.len() > MAX_NAME => {
            Err(format!("the job's name has {} characters, more than {MAX_NAME}", name.len()))
        }
        _ if name == "." || name == ".." => Err(format!("the job's name cannot be {name:?}")),
        Some(bad) => {
            Err(format!("the job's name {name:?} has {bad:?} in it; letters, digits, '.', '_' and '-' are allowed"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_must_fit_into_topic_names() {
        assert!(check_name("user-metrics_5s.v2").is_ok());
        for bad in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_spec_reads_back_from_its_record() {
        let spec =
            JobSpec { version: VERSION, name: "j".into(), sql: "SELECT 'ü'".into(), paused: true, created_ms: 5 };
        let bytes = serde_json::to_vec(&spec).unwrap();
        assert_eq!(serde_json::from_slice::<JobSpec>(&bytes).unwrap(), spec);
    }
}
