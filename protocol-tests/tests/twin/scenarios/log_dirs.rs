//! DescribeLogDirs and AlterReplicaLogDirs: in which folders logs lie, how large they are, and where they cannot go.

use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::*;

use super::Scenario;
use super::produce::append;
use crate::records;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[("log_dirs::described", described), ("log_dirs::altered", altered)];

/// Asks; folders are each broker's own, and of all topics the scenario's are kept.
fn describe(side: &mut Side, version: i16, topics: Option<Vec<(&str, Vec<i32>)>>) -> Result<(), String> {
    let own = side.name("");
    let one = |(name, partitions): (&str, Vec<i32>)| {
        DescribableLogDirTopic::default().with_topic(topic(name)).with_partitions(partitions)
    };
    let request = DescribeLogDirsRequest::default().with_topics(topics.map(|list| list.into_iter().map(one).collect()));
    side.ask_sorted(version, &request, |a| {
        for dir in &mut a.results {
            dir.log_dir = text("folder");
            (dir.total_bytes, dir.usable_bytes) = (dir.total_bytes.min(1), dir.usable_bytes.min(1));
            dir.topics.retain(|t| t.name.0.starts_with(&*own));
            dir.topics.sort_by(|a, b| a.name.cmp(&b.name));
            dir.topics.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
        }
    })?;
    Ok(())
}

fn described(side: &mut Side) -> Result<(), String> {
    let (a, b) = (side.topic("a", 2, &[])?, side.topic("b", 1, &[])?);
    append(side, &a.name, 0, records::batch(&["one", "two"]))?;
    for version in 1..=4 {
        side.about("all topics");
        describe(side, version, None)?;
        side.about("no topics");
        describe(side, version, Some(vec![]))?;
        side.about("some partitions, some of which are not there");
        describe(side, version, Some(vec![(&a.name, vec![0, 7]), (&b.name, vec![0]), ("nowhere", vec![0])]))?;
        side.about("a topic without partitions");
        describe(side, version, Some(vec![(&a.name, vec![])]))?;
    }
    Ok(())
}

fn altered(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let answer = side.quietly(4, &DescribeLogDirsRequest::default().with_topics(None))?.ok_or("closed")?;
    let here = answer.results[0].log_dir.clone();
    for version in 1..=2 {
        for (about, path, name, partitions) in [
            ("where it is", here.as_str(), made.name.as_str(), vec![0, 1]),
            ("to a folder that is not a broker's", "/no/such/folder", &made.name, vec![0]),
            ("to a folder that is not absolute", "here", &made.name, vec![0]),
            ("a partition that is not there", &here, &made.name, vec![9]),
            ("a topic that is not there", &here, "nowhere", vec![0]),
        ] {
            let one = AlterReplicaLogDirTopic::default().with_name(topic(name)).with_partitions(partitions);
            let dir = AlterReplicaLogDir::default().with_path(text(path)).with_topics(vec![one]);
            side.about(about);
            side.ask_sorted(version, &AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]), |a| {
                a.results.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
            })?;
        }
    }
    Ok(())
}
