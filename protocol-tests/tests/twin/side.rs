//! One of the two brokers as a scenario sees it: requests go out, answers come back and are written down.

use crate::coverage;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DescribeTransactionsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
    InitProducerIdRequest, ListOffsetsRequest, ProducerId, RequestHeader, ResponseHeader, TopicName, TransactionalId,
    create_topics_request, list_offsets_request,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use protocol_tests::process::until;
use protocol_tests::wire::{Answer, Connection};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{Debug, Display, Formatter};
use std::time::Duration;
use uuid::Uuid;

/// How long a topic may take until it has leaders.
const TOPIC_LIMIT: Duration = Duration::from_secs(30);

/// What was asked and answered, in order.
#[derive(Debug, Default)]
pub struct Transcript(pub Vec<Entry>);

impl Display for Transcript {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|entry| writeln!(f, "{}\n  {}", entry.label, entry.lines.join("\n  ")))
    }
}

/// One answer.
#[derive(Debug)]
pub struct Entry {
    /// What was asked: a number, the API, its version, and what the scenario says of it.
    pub label: String,
    /// The answer, a field a line.
    pub lines: Vec<String>,
}

/// A topic by its two names.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
}

/// A broker during one scenario.
pub struct Side {
    port: u16,
    scenario: &'static str,
    connections: BTreeMap<&'static str, Open>,
    current: &'static str,
    correlation_id: i32,
    transcript: Transcript,
    masks: Vec<(String, String)>,
    /// Ids of producers that have a mask.
    producers: BTreeSet<i64>,
    note: String,
    client_id: &'static str,
}

/// A connection, and what was sent over it and is not answered yet.
struct Open {
    connection: Connection,
    waiting: VecDeque<i32>,
}

impl Side {
    /// The broker at a port of this machine.
    pub fn new(port: u16, scenario: &'static str) -> Self {
        Self {
            port,
            scenario,
            connections: BTreeMap::new(),
            current: "",
            correlation_id: 0,
            transcript: Transcript::default(),
            masks: Vec::new(),
            producers: BTreeSet::new(),
            note: String::new(),
            client_id: "twin",
        }
    }

    /// Forgets all connections: the broker was started again.
    pub fn reconnect(&mut self) {
        self.connections.clear();
    }

    /// Goes on over the connection of that name, which is opened when it is first used.
    pub fn on(&mut self, connection: &'static str) -> &mut Self {
        self.current = connection;
        self
    }

    /// Calls itself that from now on; "twin" before.
    pub fn as_client(&mut self, client_id: &'static str) -> &mut Self {
        self.client_id = client_id;
        self
    }

    /// A name that no other scenario uses.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.scenario.replace("::", "-"))
    }

    /// Says what the next request is about, for the label of its answer.
    pub fn about(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    /// Writes `stands_for` instead of a value that each broker makes up by itself.
    pub fn mask(&mut self, value: impl ToString, stands_for: impl Into<String>) {
        self.masks.push((value.to_string(), format!("<{}>", stands_for.into())));
    }

    /// Asks, and writes the answer down. An error when the broker closes the connection or the answer cannot be read.
    pub fn ask<R>(&mut self, version: i16, request: &R) -> Result<R::Response, String>
    where
        R: Request,
        R::Response: Debug + Clone,
    {
        self.ask_sorted(version, request, |_| {})
    }

    /// As [`Side::ask`]; `sort` brings into an order what a broker may answer in any, and drops what is not the scenario's.
    pub fn ask_sorted<R>(
        &mut self,
        version: i16,
        request: &R,
        sort: impl FnOnce(&mut R::Response),
    ) -> Result<R::Response, String>
    where
        R: Request,
        R::Response: Debug + Clone,
    {
        let answered = self.quietly(version, request)?.ok_or("the connection was closed")?;
        let mut sorted = answered.clone();
        sort(&mut sorted);
        self.record::<R>(version, Some(&sorted));
        Ok(answered)
    }

    /// As [`Side::ask`], where the end of the connection may be the answer, which is written down as well.
    pub fn ask_or_closed<R>(&mut self, version: i16, request: &R) -> Result<Option<R::Response>, String>
    where
        R: Request,
        R::Response: Debug,
    {
        let answered = self.quietly(version, request)?;
        self.record::<R>(version, answered.as_ref());
        Ok(answered)
    }

    /// As [`Side::ask_or_closed`], sorted as by [`Side::ask_sorted`].
    pub fn ask_or_closed_sorted<R>(
        &mut self,
        version: i16,
        request: &R,
        sort: impl FnOnce(&mut R::Response),
    ) -> Result<(), String>
    where
        R: Request,
        R::Response: Debug,
    {
        let mut answered = self.quietly(version, request)?;
        if let Some(answer) = &mut answered {
            sort(answer);
        }
        self.record::<R>(version, answered.as_ref());
        Ok(())
    }

    /// Sends and does not wait: [`Side::answer`] does, over the same connection.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), String> {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).map_err(|e| format!("{}: the request: {e}", label::<R>(version)))?;
        self.dispatch(R::KEY, version, R::header_version(version), &body)
    }

    /// The answer to the oldest request of this connection that is not answered, which must be an `R` of that version.
    /// Not written down: [`Side::record`] does that.
    pub fn answer<R: Request>(&mut self, version: i16) -> Result<Option<R::Response>, String> {
        self.receive(R::KEY, version)?.map(|frame| decode::<R>(version, frame)).transpose()
    }

    /// Writes an answer down; `None` is the end of the connection.
    pub fn record<R>(&mut self, version: i16, answered: Option<&R::Response>)
    where
        R: Request,
        R::Response: Debug,
    {
        let text = answered.map_or("the connection is closed".to_owned(), |answer| format!("{answer:#?}"));
        coverage::note(R::KEY, version, &text);
        self.write_down(&label::<R>(version), &text);
    }

    /// Asks without writing anything down: what only prepares the scenario. `None` when the connection was closed.
    pub fn quietly<R: Request>(&mut self, version: i16, request: &R) -> Result<Option<R::Response>, String> {
        self.send(version, request)?;
        self.answer::<R>(version)
    }

    /// As [`Side::ask`], in a version that `kafka-protocol` does not know: `body` goes out as it is, and the answer is read as one of
    /// version `like` once `strip` has taken out of its frame what is new.
    pub fn ask_beyond<R>(
        &mut self,
        version: i16,
        like: i16,
        body: &[u8],
        strip: impl FnOnce(&mut Vec<u8>),
    ) -> Result<R::Response, String>
    where
        R: Request,
        R::Response: Debug + Clone,
    {
        self.dispatch(R::KEY, version, R::header_version(like), body)?;
        let frame = self.receive(R::KEY, version)?;
        let mut frame: Vec<u8> = frame.ok_or("the connection was closed")?.into();
        strip(&mut frame);
        let mut frame = Bytes::from(frame);
        let read = |e| format!("{}: the answer cannot be read: {e}", label::<R>(version));
        ResponseHeader::decode(&mut frame, R::Response::header_version(like)).map_err(read)?;
        let answer = R::Response::decode(&mut frame, like).map_err(read)?;
        if !frame.is_empty() {
            return Err(format!("{}: {} bytes behind the answer", label::<R>(version), frame.len()));
        }
        self.record::<R>(version, Some(&answer));
        Ok(answer)
    }

    /// Sends any body under any key and version; whether it is answered, and the bytes behind the correlation id.
    pub fn ask_raw(&mut self, key: i16, version: i16, header_version: i16, body: &[u8]) -> Result<(), String> {
        self.dispatch(key, version, header_version, body)?;
        let answered = self.receive(key, version)?;
        let text = answered.map_or("the connection is closed".to_owned(), |frame| format!("{:02x?}", &frame[4..]));
        self.write_down(&format!("key {key} v{version}"), &text);
        Ok(())
    }

    fn dispatch(&mut self, key: i16, version: i16, header: i16, body: &[u8]) -> Result<(), String> {
        self.correlation_id += 1;
        let head = RequestHeader::default()
            .with_request_api_key(key)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(text(self.client_id)));
        let mut frame = BytesMut::new();
        frame.put_u32(0);
        head.encode(&mut frame, header).map_err(|e| e.to_string())?;
        frame.put_slice(body);
        let length = u32::try_from(frame.len() - 4).map_err(|e| e.to_string())?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        if !self.connections.contains_key(self.current) {
            let connection = Connection::open(self.port).map_err(|e| format!("cannot connect: {e}"))?;
            self.connections.insert(self.current, Open { connection, waiting: VecDeque::new() });
        }
        if let Some(open) = self.connections.get_mut(self.current) {
            open.connection.send(&frame);
            open.waiting.push_back(self.correlation_id);
        }
        Ok(())
    }

    fn receive(&mut self, key: i16, version: i16) -> Result<Option<Bytes>, String> {
        let Some(open) = self.connections.get_mut(self.current) else { return Ok(None) };
        let expected = open.waiting.pop_front().ok_or("nothing was asked")?;
        match open.connection.answer() {
            Answer::Frame(frame) if frame.get(..4) == Some(&expected.to_be_bytes()[..]) => Ok(Some(Bytes::from(frame))),
            Answer::Frame(_) => Err(format!("key {key} v{version}: the answer to another request")),
            Answer::Closed => {
                self.connections.remove(self.current);
                Ok(None)
            }
            Answer::Nothing => Err(format!("key {key} v{version}: no answer")),
        }
    }

    /// A text with its masks, by which to sort what each broker names in its own way.
    pub fn masked(&self, text: &str) -> String {
        self.masks.iter().fold(text.to_owned(), |text, (value, stands_for)| text.replace(value, stands_for))
    }

    /// Writes down what a scenario has found by other means.
    pub fn write_down(&mut self, what: &str, text: &str) {
        let note = std::mem::take(&mut self.note);
        let label = format!("{} {what}{}{note}", self.transcript.0.len(), if note.is_empty() { "" } else { ": " });
        let text = self.masked(text);
        self.transcript.0.push(Entry { label, lines: text.lines().map(str::to_owned).collect() });
    }

    /// Makes a topic, without writing it down, and waits until all its partitions have leaders. Its id is masked.
    pub fn topic(&mut self, suffix: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<Topic, String> {
        let name = self.name(suffix);
        let config = |(name, value): &(&str, &str)| {
            create_topics_request::CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        let wanted = create_topics_request::CreatableTopic::default()
            .with_name(topic(&name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default().with_topics(vec![wanted]).with_timeout_ms(10_000);
        let made = self.quietly(7, &request)?.ok_or("the connection was closed")?;
        let result = &made.topics[0];
        if result.error_code != 0 {
            return Err(format!("topic {name}: error {} {:?}", result.error_code, result.error_message));
        }
        self.mask(result.topic_id, format!("id of {name}"));
        let id = result.topic_id;
        self.await_leaders(&name, partitions)?;
        Ok(Topic { name, id })
    }

    /// Waits until the leader of every partition of a topic answers for it: Kafka's metadata runs ahead of its logs.
    pub fn await_leaders(&mut self, name: &str, partitions: i32) -> Result<(), String> {
        let part = |index: i32| {
            let part = list_offsets_request::ListOffsetsPartition::default();
            part.with_partition_index(index).with_timestamp(-1).with_current_leader_epoch(-1)
        };
        let of = list_offsets_request::ListOffsetsTopic::default()
            .with_name(topic(name))
            .with_partitions((0..partitions).map(part).collect());
        let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![of]);
        until(&format!("leaders of {name}"), TOPIC_LIMIT, || match self.quietly(9, &request) {
            Ok(Some(answer)) => {
                let led = answer.topics.first().is_some_and(|t| t.partitions.iter().all(|p| p.error_code == 0));
                led.then_some(Ok(()))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })?
    }

    /// Waits until what was changed before is in force: Kafka answers when the controller has it, and its broker learns of it behind
    /// that, in the order of the changes. A topic that is made now comes behind them all.
    pub fn settle(&mut self) -> Result<(), String> {
        self.correlation_id += 1;
        let name = format!("settled-{}", self.correlation_id);
        self.topic(&name, 1, &[]).map(drop)
    }

    /// Waits until the coordinator of transactions has read its log and answers for a transactional id.
    pub fn loaded(&mut self, transactional_id: &str) -> Result<(), String> {
        self.coordinator(1, transactional_id)?;
        let id = TransactionalId(text(transactional_id));
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id]);
        until(&format!("a loaded coordinator of {transactional_id}"), TOPIC_LIMIT, || {
            let answer = self.quietly(0, &request).ok()??;
            // COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR.
            (!(14..=16).contains(&answer.transaction_states[0].error_code)).then_some(())
        })
    }

    /// Waits until the coordinator of a group (kind 0) or of transactions (kind 1) is there, with its topic, and has read its log.
    pub fn coordinator(&mut self, kind: i8, key: &str) -> Result<(), String> {
        let request = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(vec![text(key)]);
        until(&format!("a coordinator of {key}"), TOPIC_LIMIT, || match self.quietly(4, &request) {
            Ok(Some(answer)) => (answer.coordinators[0].error_code == 0).then_some(Ok(())),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })??;
        if kind != 0 {
            return Ok(());
        }
        // UNKNOWN_MEMBER_ID: before it has, a coordinator says that all is well.
        let beat = HeartbeatRequest::default().with_group_id(GroupId(text(key))).with_member_id(text("nobody"));
        until(&format!("a loaded coordinator of {key}"), TOPIC_LIMIT, || match self.quietly(0, &beat) {
            Ok(Some(answer)) => (answer.error_code == 25).then_some(Ok(())),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })?
    }

    /// The id and epoch of a new producer, or of a transactional one.
    pub fn producer(&mut self, transactional_id: Option<&str>) -> Result<(i64, i16), String> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
            .with_transaction_timeout_ms(600_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        if let Some(id) = transactional_id {
            self.coordinator(1, id)?;
        }
        let (id, epoch) = until("a producer id", TOPIC_LIMIT, || match self.quietly(4, &request) {
            Ok(Some(answer)) if answer.error_code == 0 => Some(Ok((answer.producer_id.0, answer.producer_epoch))),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })??;
        // Which number a broker has come to depends on who else has asked it, and how often it was started.
        if self.producers.insert(id) {
            self.mask(format!("producer_id: {id},"), format!("producer_id: of producer {}", self.producers.len()));
        }
        Ok((id, epoch))
    }

    /// Everything that was written down.
    pub fn finish(self) -> Transcript {
        self.transcript
    }
}

fn decode<R: Request>(version: i16, mut frame: Bytes) -> Result<R::Response, String> {
    let read = |e| format!("{}: the answer cannot be read: {e}", label::<R>(version));
    ResponseHeader::decode(&mut frame, R::Response::header_version(version)).map_err(read)?;
    let answer = R::Response::decode(&mut frame, version).map_err(read)?;
    if !frame.is_empty() {
        return Err(format!("{}: {} bytes behind the answer", label::<R>(version), frame.len()));
    }
    Ok(answer)
}

fn label<R: Request>(version: i16) -> String {
    let name = std::any::type_name::<R>();
    let name = name.rsplit("::").next().unwrap_or(name);
    format!("{} v{version}", name.strip_suffix("Request").unwrap_or(name))
}

/// A string for the wire.
pub fn text(s: &str) -> StrBytes {
    StrBytes::from_string(s.to_owned())
}

/// A topic's name for the wire.
pub fn topic(s: &str) -> TopicName {
    TopicName(text(s))
}
