//! Many transactions in one partition, interleaved: what a reader of committed records is told of the aborted ones, from each offset.

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::*;

use super::Scenario;
use super::fetch::committed_from;
use super::transactions::{self, id_of, settled};
use super::transactions_v2::{produce, stable};
use crate::records::{self, Origin};
use crate::side::{Side, topic};

pub const SCENARIOS: &[(&str, Scenario)] =
    &[("aborted_lists::interleaved", interleaved), ("aborted_lists::after_deleted_records", after_deleted_records)];

/// One of the writers: its name, id, epoch, next sequence.
pub struct Writer {
    pub name: String,
    pub id: i64,
    pub epoch: i16,
    pub sequence: i32,
}

/// So many new writers.
pub fn writers(side: &mut Side, count: usize) -> Result<Vec<Writer>, String> {
    let one = |at: usize| {
        let name = side.name(&format!("writer-{at}"));
        let (id, epoch) = side.producer(Some(&name))?;
        Ok(Writer { name, id, epoch, sequence: 0 })
    };
    (0..count).map(one).collect()
}

impl Writer {
    /// Appends a batch of some records.
    pub fn write(&mut self, side: &mut Side, to: &str, values: &[&str]) -> Result<(), String> {
        let origin = Origin { id: self.id, epoch: self.epoch, sequence: self.sequence, transactional: true };
        let answer = side.quietly(12, &produce(Some(&self.name), to, 0, records::batch_of(origin, values)))?;
        let code = answer.ok_or("closed")?.responses[0].partition_responses[0].error_code;
        self.sequence += i32::try_from(values.len()).unwrap();
        if code == 0 { Ok(()) } else { Err(format!("{} writes: error {code}", self.name)) }
    }

    /// Ends, and waits for the markers: the next epoch begins.
    pub fn end(&mut self, side: &mut Side, committed: bool) -> Result<(), String> {
        let request = EndTxnRequest::default()
            .with_transactional_id(id_of(&self.name))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(committed);
        let answer = side.quietly(5, &request)?.ok_or("closed")?;
        if answer.error_code != 0 {
            return Err(format!("{} ends: error {}", self.name, answer.error_code));
        }
        settled(side, &self.name)?;
        (self.epoch, self.sequence) = (answer.producer_epoch, 0);
        Ok(())
    }
}

/// A fixed play of three writers, with every order of beginning and ending; the last transaction stays open.
pub fn play(side: &mut Side, to: &str, writers: &mut [Writer]) -> Result<(), String> {
    // Who writes (w), commits (c), aborts (a).
    const PLAY: &str =
        "0w 1w 2w 0a 1c 2a 0w 0w 1w 0c 2w 1a 2w 0w 2c 0a 1w 1a 2w 2a 0w 1w 2w 2a 1a 0a 0w 1w 1c 2w 2a 0w 0c 1w 2w 2a";
    for step in PLAY.split(' ') {
        let who = &mut writers[usize::from(step.as_bytes()[0] - b'0')];
        match step.as_bytes()[1] {
            b'w' => who.write(side, to, &["x", "y"][..1 + usize::from(who.epoch % 2 == 1)])?,
            end => who.end(side, end == b'c')?,
        }
    }
    Ok(())
}

/// What is told from each offset, and where the stable records end.
pub fn told(side: &mut Side, of: &crate::side::Topic, to: i64) -> Result<(), String> {
    stable(side, &of.name, &[0])?;
    for from in 0..to {
        for (version, max_bytes) in [(12, 1 << 20), (17, 1)] {
            committed_from(side, version, of, from, max_bytes)?;
        }
    }
    Ok(())
}

fn interleaved(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    let mut writers = writers(side, 3)?;
    play(side, &made.name, &mut writers)?;
    told(side, &made, 52)?;
    transactions::end(side, &writers[1].name, writers[1].id, writers[1].epoch, true)?;
    told(side, &made, 2)
}

fn after_deleted_records(side: &mut Side) -> Result<(), String> {
    let made = side.topic("log", 1, &[])?;
    let mut writers = writers(side, 3)?;
    play(side, &made.name, &mut writers)?;
    for before in [1, 4, 17, 30] {
        side.about(format!("before {before}"));
        let part = DeleteRecordsPartition::default().with_offset(before);
        let of = DeleteRecordsTopic::default().with_name(topic(&made.name)).with_partitions(vec![part]);
        side.ask(2, &DeleteRecordsRequest::default().with_timeout_ms(5000).with_topics(vec![of]))?;
        for from in before..before + 3 {
            committed_from(side, 12, &made, from, 1 << 20)?;
        }
    }
    transactions::end(side, &writers[1].name, writers[1].id, writers[1].epoch, true)
}
