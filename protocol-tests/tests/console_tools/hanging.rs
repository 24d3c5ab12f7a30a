//! kafka-transactions.sh finds a hanging transaction and aborts it: one whose records lie in a partition while the coordinator
//! knows nothing of them. Since KIP-890 no broker takes such records; Apache Kafka does when that check is switched off. So it
//! takes them here, and then the broker under test takes over its folder.

use crate::{TOOL_LIMIT, TOOLS, expect};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse, ProducerId,
    TopicName, TransactionalId, create_topics_request::CreatableTopic,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use protocol_tests::binary;
use protocol_tests::broker::{self, Broker, Node};
use protocol_tests::process::{self, until};
use protocol_tests::suite::Report;
use protocol_tests::wire::{self, Answer, Connection};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const NAMES: &[&str] = &["kafka-transactions-find-hanging", "kafka-transactions-abort"];

const TOPIC: &str = "hangs";
const ID: &str = "forgotten";
const LIMIT: Duration = Duration::from_secs(30);
/// Longer ago than the tool's limit (15 minutes) and its reserve.
const AGE_MS: i64 = 3 * 3_600_000;

/// Both checks, with a broker of their own.
pub fn report() -> Result<Report, String> {
    let unchecked = [("transaction.partition.verification.enable", "false")];
    let mut node = Broker::ApacheKafka.start_with("hanging", &unchecked)?;
    let (id, epoch) = forget_a_transaction(&node)?;
    if Broker::under_test() == Broker::Forebay {
        node.stop()?;
        let mut adopt = Command::new(binary::forebay());
        adopt.args(["log", "adopt", "--yes"]).arg(node.log_dir());
        process::run(adopt, "", LIMIT)?;
        node.hand_over_to(Broker::Forebay);
        node.start()?;
    }
    let found = transactions(&node, "find-hanging --broker-id 1").and_then(|found| {
        expect(&found, &["Topic Partition ProducerId ProducerEpoch", &format!("{TOPIC} 0 {id} {epoch}")])
    });
    Ok(Report::from([(NAMES[0].into(), found), (NAMES[1].into(), abort(&node))]))
}

fn abort(node: &Node) -> Result<(), String> {
    let stable = || {
        let mut offsets = broker::java(&format!("{TOOLS}GetOffsetShell"))?;
        let words = ["--bootstrap-server", &node.bootstrap(), "--topic", TOPIC];
        offsets.args(words);
        process::run(offsets, "", TOOL_LIMIT)
    };
    expect(&stable()?, &["hangs:0:1"])?;
    transactions(node, "abort --topic hangs --partition 0 --start-offset 0")?;
    // The marker is the second record; nothing hangs any more.
    expect(&stable()?, &["hangs:0:2"])?;
    let left = transactions(node, "find-hanging --broker-id 1")?;
    if left.contains("hangs 0") { Err(format!("still there: {left}")) } else { Ok(()) }
}

fn transactions(node: &Node, words: &str) -> Result<String, String> {
    let mut command = broker::java(&format!("{TOOLS}TransactionsCommand"))?;
    command.args(["--bootstrap-server", &node.bootstrap()]).args(words.split_whitespace());
    process::run(command, "", TOOL_LIMIT)
}

/// Writes one record of a transaction that the coordinator was never told of; answers its producer.
fn forget_a_transaction(node: &Node) -> Result<(i64, i16), String> {
    let topic =
        CreatableTopic::default().with_name(TopicName(text(TOPIC))).with_num_partitions(1).with_replication_factor(1);
    ask(node, 5, &CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000))?;
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(text(ID))))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    // The coordinator's topic is made by the first who asks for the coordinator.
    transactions(node, &format!("describe --transactional-id {ID}")).err();
    let producer: InitProducerIdResponse =
        until("a producer id", LIMIT, || ask(node, 4, &init).ok().filter(|answer| answer.error_code == 0))?;
    let (id, epoch) = (producer.producer_id.0, producer.producer_epoch);
    let data = PartitionProduceData::default().with_index(0).with_records(Some(batch(id, epoch)?));
    let produce = ProduceRequest::default()
        .with_transactional_id(Some(TransactionalId(text(ID))))
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![
            TopicProduceData::default().with_name(TopicName(text(TOPIC))).with_partition_data(vec![data]),
        ]);
    let answer: ProduceResponse = ask(node, 9, &produce)?;
    match answer.responses[0].partition_responses[0].error_code {
        0 => Ok((id, epoch)),
        code => Err(format!("the record was refused with {code}")),
    }
}

fn batch(id: i64, epoch: i16) -> Result<Bytes, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
    let record = Record {
        transactional: true,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: id,
        producer_epoch: epoch,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: 0,
        timestamp: i64::try_from(now.as_millis()).map_err(|e| e.to_string())? - AGE_MS,
        key: None,
        value: Some(Bytes::from_static(b"forgotten")),
        headers: Default::default(),
    };
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, [&record], &options).map_err(|e| e.to_string())?;
    Ok(out.freeze())
}

/// One request on a connection of its own.
fn ask<R: Request>(node: &Node, version: i16, request: &R) -> Result<R::Response, String>
where
    R::Response: Decodable + HeaderVersion,
{
    let mut body = BytesMut::new();
    request.encode(&mut body, version).map_err(|e| e.to_string())?;
    let header = u8::try_from(R::header_version(version)).map_err(|e| e.to_string())?;
    let mut connection = Connection::open(node.port()).map_err(|e| e.to_string())?;
    connection.send(&wire::request(R::KEY, version, header, 1, &body));
    let Answer::Frame(frame) = connection.answer() else { return Err(format!("no answer to key {}", R::KEY)) };
    // The correlation id, and from header version 1 on an empty set of tagged fields.
    let head = 4 + usize::from(R::Response::header_version(version) > 0);
    R::Response::decode(&mut Bytes::from(frame).slice(head..), version).map_err(|e| e.to_string())
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
