//! INSERT INTO .. VALUES: the rows of a statement, written in one transaction.

use forebay_processor::host::{CommitSet, Host, HostError, TopicSpec};
use forebay_processor::sql::Values;

use super::host::BrokerHost;
use super::{JobError, Jobs};

/// Statements write one after the other under this id: one for each would stay in the coordinator's state for days.
const TRANSACTIONAL_ID: &str = "__forebay-insert";

impl Jobs {
    /// Writes the rows, all or none; the table's topic is made if it is not there. Says what was done.
    pub(super) async fn insert(&self, values: Values) -> Result<String, JobError> {
        let _turn = self.turns.take(TRANSACTIONAL_ID).await;
        let host = self.host.clone();
        let written = tokio::task::spawn_blocking(move || write(&host, &values)).await;
        written.map_err(|error| JobError::Failed(format!("it ended badly: {error}")))?
    }
}

fn write(host: &BrokerHost, values: &Values) -> Result<String, JobError> {
    let failed = |error: HostError| JobError::Failed(error.to_string());
    let topic = &values.sink.topic;
    let spec = TopicSpec { name: topic.clone(), partitions: None, configs: Vec::new() };
    let partitions = host.ensure_topic(&spec).map_err(failed)?;
    let records = values.records(partitions, host.now());
    let records = records.map_err(|error| JobError::Invalid(error.to_string()))?;
    let mut session = host.open_session(TRANSACTIONAL_ID).map_err(failed)?;
    let written = host.commit(&mut session, CommitSet { records, ..CommitSet::default() });
    host.close_session(&session);
    written.map_err(failed)?;
    let rows = if values.len() == 1 { "row" } else { "rows" };
    Ok(format!("{} {rows} written to topic {topic}", values.len()))
}
