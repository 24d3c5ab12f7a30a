//! Records of a topic, oldest and newest, from which a table is proposed.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{PartitionReader, ReadFailure};
use forebay_processor::sql::infer::{FoundField, Proposal, Sample, propose};
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use super::host::BrokerHost;
use super::sql::listing;
use super::{JobError, Jobs};
use crate::http::{Lines, SqlEnd};

/// Records that are looked at from each end, over all partitions.
const RECORDS: usize = 1_000;
/// Partitions that are looked at.
const PARTITIONS: i32 = 100;
/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;
/// Bytes of batches after which no more is read of a partition's end.
const MOST_BYTES: usize = 4 * 1024 * 1024;

impl Jobs {
    /// Proposes a table: what was found of each field, and the statement.
    pub(super) async fn infer(&self, table: String, options: Vec<(String, String)>) -> Result<Lines, JobError> {
        let option = |name: &str| options.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let invalid = |message: &str| JobError::Invalid(message.to_owned());
        if option("connector").is_none_or(|connector| connector != "kafka") {
            return Err(invalid("columns are proposed for WITH ('connector' = 'kafka', 'topic' = '..')"));
        }
        let topic =
            option("topic").ok_or_else(|| invalid("'topic' is missing: there is nothing to tell the columns from"))?;
        self.check_topic(&topic)?;
        let host = self.host.clone();
        let all = host.partitions(&topic);
        let read = tokio::task::spawn_blocking(move || {
            samples(&host, &topic).map(|samples| propose(&table, &options, &samples))
        });
        let read = read.await.map_err(|error| JobError::Failed(error.to_string()))?;
        let Proposal { ddl, fields, mut notes } = read.map_err(JobError::Failed)?.map_err(JobError::Invalid)?;
        if let Some(all) = all.filter(|all| *all > PARTITIONS) {
            notes.push(format!("only the first {PARTITIONS} of {all} partitions were looked at"));
        }
        let row = |field: FoundField| {
            let share = format!("{}.{} %", field.present_per_mille / 10, field.present_per_mille % 10);
            vec![Some(field.name), Some(field.data_type), Some(share), Some(field.example), Some(field.note)]
        };
        let rows: Vec<_> = fields.into_iter().map(row).collect();
        let end = SqlEnd { message: notes.join("\n"), ddl: Some(ddl), ..SqlEnd::default() };
        Ok(listing(&["column", "type", "present", "example", "note"], &rows, Vec::new(), end))
    }
}

fn samples(host: &Arc<BrokerHost>, topic: &str) -> Result<Vec<Sample>, String> {
    let partitions = host.partitions(topic).unwrap_or(0).min(PARTITIONS);
    let each = RECORDS.div_ceil(usize::try_from(partitions).unwrap_or(1).max(1));
    let mut samples = Vec::new();
    for number in 0..partitions {
        let partition = TopicPartition::new(topic, number);
        let range = host.offset_range(&partition).map_err(|error| error.to_string())?;
        let behind = some(host, &partition, range.start, each, &mut samples)?;
        let newest = Offset(range.stable_end.0.saturating_sub(i64::try_from(each).unwrap_or(i64::MAX)));
        some(host, &partition, newest.max(behind), each, &mut samples)?;
    }
    Ok(samples)
}

/// Takes so many records from an offset on; returns the offset behind the last one.
fn some(
    host: &Arc<BrokerHost>,
    partition: &TopicPartition,
    from: Offset,
    count: usize,
    samples: &mut Vec<Sample>,
) -> Result<Offset, String> {
    let mut reader = PartitionReader::new(partition.clone(), from, LeaderEpoch::UNKNOWN);
    let (mut left, mut bytes, mut behind) = (count, 0, from);
    while left > 0 && bytes < MOST_BYTES {
        let read = reader.read_until(&**host, READ_BYTES, |record, _| {
            samples.push(Sample { partition: partition.partition, value: record.value.map(<[u8]>::to_vec) });
            left -= 1;
            behind = Offset(record.offset.0 + 1);
            Ok::<_, Infallible>(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        match read {
            Ok(0) => break,
            Ok(read) => bytes += read,
            Err(ReadFailure::Host(error)) => return Err(error.to_string()),
            Err(ReadFailure::Batch { offset, error }) => return Err(format!("{partition}@{offset}: {error}")),
            Err(ReadFailure::Sink(_, never)) => match never {},
        }
    }
    Ok(behind)
}
