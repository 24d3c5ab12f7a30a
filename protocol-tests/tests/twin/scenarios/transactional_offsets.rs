//! Offsets that are committed in a transaction: who may, and who sees them when.

use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;

use super::Scenario;
use super::transactions::{self, ending, id_of, settled};
use super::transactions_v2::describe;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[("transactional_offsets::offsets", offsets)];

fn commit_offsets(name: &str, group: &str, id: i64, epoch: i16, of: &str, offset: i64) -> TxnOffsetCommitRequest {
    let part = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_metadata(None);
    let one = TxnOffsetCommitRequestTopic::default().with_name(topic(of)).with_partitions(vec![part]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(id_of(name))
        .with_group_id(GroupId(text(group)))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_topics(vec![one])
}

/// The committed offset, as those see it who wait for transactions, and those who do not.
fn committed(side: &mut Side, group: &str, of: &str) -> Result<(), String> {
    for stable in [false, true] {
        side.about(format!("only what is stable: {stable}"));
        let some = OffsetFetchRequestTopics::default().with_name(topic(of)).with_partition_indexes(vec![0, 1]);
        for topics in [Some(vec![some]), None] {
            let one = OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(text(group)))
                .with_member_id(None)
                .with_topics(topics);
            side.ask(9, &OffsetFetchRequest::default().with_groups(vec![one]).with_require_stable(stable))?;
        }
    }
    Ok(())
}

fn offsets(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let group = side.name("group");
    side.coordinator(0, &group)?;
    let name = side.name("id");
    let (id, mut epoch) = side.producer(Some(&name))?;
    for version in 3..=4 {
        side.about("of a group that was not added");
        side.ask(version, &commit_offsets(&name, &group, id, epoch, &made.name, 5))?;
    }
    for (about, name, id, epoch) in [
        ("of a name that is not there", "nobody", id, epoch),
        ("of no name", "", id, epoch),
        ("of another producer", name.as_str(), id + 200_000, 0),
        ("of an epoch to come", &name, id, epoch + 1),
    ] {
        side.about(about);
        side.ask(5, &commit_offsets(name, &group, id, epoch, &made.name, 5))?;
    }
    for end in [true, false] {
        side.about("as it should be");
        side.ask(5, &commit_offsets(&name, &group, id, epoch, &made.name, 5 + i64::from(epoch)))?;
        side.about("of a topic that is not there");
        side.ask(5, &commit_offsets(&name, &group, id, epoch, "nowhere", 5))?;
        side.about("of no group");
        side.ask(5, &commit_offsets(&name, "", id, epoch, &made.name, 5))?;
        committed(side, &group, &made.name)?;
        describe(side, &name)?;
        side.about("a group with offsets that are not decided");
        side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(&group))]))?;
        side.about(format!("ends, {end}"));
        side.ask(5, &ending(&name, id, epoch, end))?;
        settled(side, &name)?;
        epoch += 1;
        side.coordinator(0, &group)?;
        committed(side, &group, &made.name)?;
        side.about("of the epoch before");
        side.ask(5, &commit_offsets(&name, &group, id, epoch - 1, &made.name, 5))?;
    }
    side.about("two in turn");
    side.ask(5, &commit_offsets(&name, &group, id, epoch, &made.name, 70))?;
    side.ask(5, &commit_offsets(&name, &group, id, epoch, &made.name, 71))?;
    transactions::end(side, &name, id, epoch, true)?;
    committed(side, &group, &made.name)
}
