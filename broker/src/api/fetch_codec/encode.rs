//! The encoder: everything but the records goes into one buffer, which is then cut where the records belong.

use bytes::{BufMut, BytesMut};

use super::answer::{Aborted, EpochEnd, FetchAnswer, Leader, NodeEndpoint, PartitionAnswer, TopicAnswer};
use crate::api::piece::Piece;

/// First version with the error and the session (KIP-227).
const SESSIONS: i16 = 7;
/// First version with the log's start.
const LOG_START: i16 = 5;
/// First version with the preferred replica (KIP-392).
const PREFERRED_REPLICA: i16 = 11;
/// First version with compact lengths and tagged fields (KIP-482).
const FLEXIBLE: i16 = 12;
/// First version with topic ids instead of names (KIP-516).
const TOPIC_IDS: i16 = 13;
/// First version with the endpoints of leaders (KIP-951).
const NODE_ENDPOINTS: i16 = 16;

const TAG_DIVERGING_EPOCH: u32 = 0;
const TAG_CURRENT_LEADER: u32 = 1;
const TAG_NODE_ENDPOINTS: u32 = 0;

/// Bytes that a partition takes besides its records and aborted transactions, roughly.
const PARTITION_BYTES: usize = 64;

/// Encodes `answer` as a whole frame, its length and the response header included, in pieces to be written one after the
/// other. The records are the same pieces as in `answer`; empty pieces are left out.
///
/// # Panics
/// If the frame is larger than 2 GiB; what is fetched is limited far below by `fetch.max.bytes`.
#[must_use]
pub fn encode_fetch_response(version: i16, correlation_id: i32, answer: &FetchAnswer) -> Vec<Piece> {
    debug_assert!((4..=18).contains(&version), "Fetch has no version {version}");
    let partitions: usize = answer.topics.iter().map(|topic| topic.partitions.len() + 1).sum();
    let mut writer = Writer {
        out: BytesMut::with_capacity(64 + partitions * PARTITION_BYTES),
        flexible: version >= FLEXIBLE,
        version,
        records: Vec::new(),
        records_len: 0,
    };
    writer.out.put_i32(0);
    writer.out.put_i32(correlation_id);
    writer.end_of_struct();
    writer.body(answer);
    writer.finish()
}

struct Writer<'a> {
    out: BytesMut,
    version: i16,
    flexible: bool,
    /// The records with the positions in `out` at which they belong.
    records: Vec<(usize, &'a [Piece])>,
    records_len: usize,
}

impl<'a> Writer<'a> {
    fn body(&mut self, answer: &'a FetchAnswer) {
        self.out.put_i32(answer.throttle_ms);
        if self.version >= SESSIONS {
            self.out.put_i16(answer.error.code());
            self.out.put_i32(answer.session_id);
        }
        self.count(answer.topics.len());
        for topic in &answer.topics {
            self.topic(topic);
        }
        if self.version >= NODE_ENDPOINTS && !answer.node_endpoints.is_empty() {
            self.varint(1);
            self.tagged(TAG_NODE_ENDPOINTS, |inner| inner.node_endpoints(&answer.node_endpoints));
        } else {
            self.end_of_struct();
        }
    }

    fn topic(&mut self, topic: &'a TopicAnswer) {
        if self.version >= TOPIC_IDS {
            self.out.put_slice(topic.id.0.as_bytes());
        } else {
            self.string(&topic.name);
        }
        self.count(topic.partitions.len());
        for partition in &topic.partitions {
            self.partition(partition);
        }
        self.end_of_struct();
    }

    fn partition(&mut self, partition: &'a PartitionAnswer) {
        self.out.put_i32(partition.partition);
        self.out.put_i16(partition.error.code());
        self.out.put_i64(partition.high_watermark.0);
        self.out.put_i64(partition.last_stable_offset.0);
        if self.version >= LOG_START {
            self.out.put_i64(partition.log_start_offset.0);
        }
        self.aborted_transactions(partition.aborted_transactions.as_deref());
        if self.version >= PREFERRED_REPLICA {
            self.out.put_i32(partition.preferred_read_replica.0);
        }
        self.records(partition);
        if self.flexible {
            self.partition_tags(partition.diverging_epoch, partition.current_leader);
        }
    }

    fn aborted_transactions(&mut self, aborted: Option<&[Aborted]>) {
        let Some(aborted) = aborted else { return self.null() };
        self.count(aborted.len());
        for transaction in aborted {
            self.out.put_i64(transaction.producer_id.0);
            self.out.put_i64(transaction.first_offset.0);
            self.end_of_struct();
        }
    }

    fn records(&mut self, partition: &'a PartitionAnswer) {
        let len = partition.records_len();
        self.count(len);
        if len > 0 {
            self.records.push((self.out.len(), &partition.records));
            self.records_len += len;
        }
    }

    fn partition_tags(&mut self, diverging: Option<EpochEnd>, leader: Option<Leader>) {
        self.varint(u32::from(diverging.is_some()) + u32::from(leader.is_some()));
        if let Some(EpochEnd { epoch, end_offset }) = diverging {
            self.tagged(TAG_DIVERGING_EPOCH, |inner| {
                inner.out.put_i32(epoch.0);
                inner.out.put_i64(end_offset.0);
                inner.end_of_struct();
            });
        }
        if let Some(Leader { id, epoch }) = leader {
            self.tagged(TAG_CURRENT_LEADER, |inner| {
                inner.out.put_i32(id.0);
                inner.out.put_i32(epoch.0);
                inner.end_of_struct();
            });
        }
    }

    fn node_endpoints(&mut self, endpoints: &[NodeEndpoint]) {
        self.count(endpoints.len());
        for endpoint in endpoints {
            self.out.put_i32(endpoint.id.0);
            self.string(&endpoint.host);
            self.out.put_i32(endpoint.port);
            match &endpoint.rack {
                Some(rack) => self.string(rack),
                None => self.varint(0),
            }
            self.end_of_struct();
        }
    }

    /// A tagged field: its size stands before it, so it is written aside first.
    fn tagged(&mut self, tag: u32, content: impl FnOnce(&mut Writer<'_>)) {
        let mut inner = Writer {
            out: BytesMut::new(),
            version: self.version,
            flexible: self.flexible,
            records: Vec::new(),
            records_len: 0,
        };
        content(&mut inner);
        self.varint(tag);
        self.varint(length(inner.out.len()));
        self.out.put_slice(&inner.out);
    }

    /// A count of elements, or of the bytes of records.
    fn count(&mut self, count: usize) {
        let count = length(count);
        if self.flexible { self.varint(count + 1) } else { self.out.put_u32(count) }
    }

    fn null(&mut self) {
        if self.flexible { self.varint(0) } else { self.out.put_i32(-1) }
    }

    fn string(&mut self, text: &str) {
        if self.flexible {
            self.varint(length(text.len()) + 1);
        } else {
            self.out.put_i16(i16::try_from(text.len()).expect("a topic's name has at most 249 letters"));
        }
        self.out.put_slice(text.as_bytes());
    }

    /// No tagged fields, in versions that could have some.
    fn end_of_struct(&mut self) {
        if self.flexible {
            self.varint(0);
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }

    /// Fills in the frame's length and cuts the buffer where the records go.
    fn finish(mut self) -> Vec<Piece> {
        let frame = length(self.out.len() - 4 + self.records_len);
        self.out[..4].copy_from_slice(&frame.to_be_bytes());
        let count: usize = self.records.iter().map(|(_, records)| records.len() + 1).sum();
        let mut pieces = Vec::with_capacity(count + 1);
        let out = self.out.freeze();
        let mut from = 0;
        for (to, records) in self.records {
            pieces.push(out.slice(from..to).into());
            pieces.extend(records.iter().filter(|piece| !piece.is_empty()).cloned());
            from = to;
        }
        if from < out.len() {
            pieces.push(out.slice(from..).into());
        }
        pieces
    }
}

/// A length that fits the wire's signed 32 bits.
fn length(len: usize) -> u32 {
    i32::try_from(len).expect("fetch.max.bytes keeps an answer far below 2 GiB").cast_unsigned()
}
