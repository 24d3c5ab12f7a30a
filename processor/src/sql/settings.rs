//! SET 'key' = 'value': the few settings of a Flink session that a job here can have.

use sqlparser::tokenizer::Span;

use super::error::{SqlError, did_you_mean};
use super::options::duration_ms;
use super::policy::{self, PolicyOptions};
use super::statement::Set;
use crate::plan::MAX_PARALLELISM;

/// What SET has set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Whether a person at a shell sets them.
    pub shell: bool,
    /// `table.exec.source.idle-timeout`, in milliseconds, if it is set; 0 means that idle partitions hold the watermark back.
    pub idle_timeout_ms: Option<i64>,
    /// `parallelism.default`: tasks of each stage; `None` if it is not set, which is 1.
    pub parallelism: Option<usize>,
    /// Where `execution.runtime-mode` is `batch`, which only a query by itself can have: it ends where its input ends now.
    pub batch: Option<Span>,
    /// `pipeline.name`, for a shell's jobs.
    pub name: Option<String>,
    /// `table.exec.state.ttl` in ms: how long state without windows is kept after it was last written; `None`, or 0 in the text: for ever.
    pub state_ttl_ms: Option<i64>,
    /// `table.exec.sink.upsert-materialize`.
    pub upsert_materialize: UpsertMaterialize,
    /// What is done with bad records and late rows where a table does not say.
    pub policies: PolicyOptions,
}

/// Whether the rows of each key of a table of upsert-kafka are kept (Flink: `ExecutionConfigOptions.UpsertMaterialize`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UpsertMaterialize {
    /// Where the query's rows are told apart by another key.
    #[default]
    Auto,
    /// Always.
    Force,
    /// Never.
    None,
}

impl UpsertMaterialize {
    /// Whether the rows of each key are kept, where different rows of the query may have one key or where they do not.
    pub(crate) fn is_done(self, mixes: bool) -> bool {
        self == UpsertMaterialize::Force || (mixes && self == UpsertMaterialize::Auto)
    }
}

const UPSERT_MATERIALIZE: &str = "table.exec.sink.upsert-materialize";
const IDLE_TIMEOUT: &str = "table.exec.source.idle-timeout";
const STATE_TTL: &str = "table.exec.state.ttl";
const TIME_ZONE: &str = "table.local-time-zone";
const RUNTIME_MODE: &str = "execution.runtime-mode";
const NULL_ENFORCER: &str = "table.exec.sink.not-null-enforcer";
const PARALLELISM: &str = "parallelism.default";
const PIPELINE_NAME: &str = "pipeline.name";

/// Beginnings of settings that change how Flink runs, not what comes out.
const WITHOUT_EFFECT: &[&str] = &[
    "execution.",
    "fs.",
    "high-availability.",
    "jobmanager.",
    "metrics.",
    "parallelism.",
    "pipeline.",
    "rest.",
    "restart-strategy.",
    "sql-client.",
    "state.",
    "table.exec.async-state.",
    "table.exec.mini-batch.",
    "table.exec.resource.",
    "table.exec.simplify-operator-name-enabled",
    "table.optimizer.",
    "taskmanager.",
];

impl Settings {
    /// Refuses a job in batch mode.
    pub(crate) fn check_streaming(&self) -> Result<(), SqlError> {
        let Some(span) = self.batch else { return Ok(()) };
        let hint = "SET 'execution.runtime-mode' = 'streaming' first, or give the table that is read 'scan.bounded.mode' = 'latest-offset'";
        Err(SqlError::new(span, "a job is streaming, there is no batch mode").hint(hint))
    }

    /// Takes a SET statement.
    pub(crate) fn set(&mut self, set: &Set, warnings: &mut Vec<String>) -> Result<(), SqlError> {
        let value = set.value.text.as_str();
        let refuse = |message: String| Err(SqlError::new(set.value.span, message));
        match set.key.text.as_str() {
            IDLE_TIMEOUT | STATE_TTL => match duration_ms(value) {
                Some(ms) if set.key.text == STATE_TTL => self.state_ttl_ms = Some(ms).filter(|ms| *ms > 0),
                Some(ms) => self.idle_timeout_ms = Some(ms),
                None => {
                    return Err(SqlError::new(set.value.span, format!("'{value}' is no duration"))
                        .hint("a duration is a number and a unit: '500 ms', '30 s', '5 min', '1 h'"));
                }
            },
            PARALLELISM => match value.trim().parse() {
                Ok(tasks) if (1..=MAX_PARALLELISM).contains(&tasks) => self.parallelism = Some(tasks),
                _ => return refuse(format!("'{PARALLELISM}' is a number of tasks, 1 to {MAX_PARALLELISM}")),
            },
            TIME_ZONE if !matches!(value, "UTC" | "Etc/UTC" | "GMT" | "Z" | "+00:00") => {
                return refuse(format!("the time zone {value} is not supported yet, only UTC"));
            }
            RUNTIME_MODE => match value.to_ascii_lowercase().as_str() {
                "streaming" => self.batch = None,
                "batch" => self.batch = Some(set.value.span),
                _ => return refuse(format!("'{RUNTIME_MODE}' is streaming or batch")),
            },
            UPSERT_MATERIALIZE => match value.to_ascii_uppercase().as_str() {
                "AUTO" => self.upsert_materialize = UpsertMaterialize::Auto,
                "FORCE" => self.upsert_materialize = UpsertMaterialize::Force,
                "NONE" => self.upsert_materialize = UpsertMaterialize::None,
                _ => return refuse(format!("'{UPSERT_MATERIALIZE}' is AUTO, FORCE or NONE")),
            },
            NULL_ENFORCER if !value.eq_ignore_ascii_case("error") => {
                return refuse("only ERROR is supported: NULL for a NOT NULL column fails the job".to_owned());
            }
            TIME_ZONE | NULL_ENFORCER => {}
            PIPELINE_NAME if self.shell => self.name = Some(value.to_owned()),
            PIPELINE_NAME => {
                warnings.push(format!("'{PIPELINE_NAME}' has no effect: the job's name is given when it is applied"))
            }
            key if WITHOUT_EFFECT.iter().any(|family| key.starts_with(family)) => {
                warnings.push(format!("'{key}' has no effect here"))
            }
            key if policy::KEYS.contains(&key) || key == policy::ALLOW_LATENESS => {
                self.policies.take(key, &set.value)?;
            }
            key => {
                let known = [
                    UPSERT_MATERIALIZE,
                    IDLE_TIMEOUT,
                    STATE_TTL,
                    TIME_ZONE,
                    RUNTIME_MODE,
                    NULL_ENFORCER,
                    PARALLELISM,
                    PIPELINE_NAME,
                ];
                let known = known.into_iter().chain(policy::KEYS.iter().copied());
                return Err(SqlError::new(set.key.span, format!("there is no setting '{key}'"))
                    .maybe_hint(did_you_mean(key, known)));
            }
        }
        Ok(())
    }
}
