//! The frames of Produce version 9, Fetch version 12 and the making of topics, and as much of their answers as a load needs.

pub mod group;

use std::io::Read;
use std::net::TcpStream;

use crate::batch::Whole;
use crate::{Failure, batch};

/// Produce, as the first two bytes of a frame have it.
pub const PRODUCE: i16 = 0;
/// Fetch.
pub const FETCH: i16 = 1;
const CREATE_TOPICS: i16 = 19;
const DELETE_TOPICS: i16 = 20;
const PRODUCE_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 12;
/// Where the correlation id stands in a frame with its length.
pub const CORRELATION: usize = 8;

/// One partition to fetch.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Its number.
    pub partition: i32,
    /// Where to go on.
    pub offset: i64,
}

fn header(out: &mut Vec<u8>, key: i16, version: i16) {
    out.extend([0; 4]); // length, see `finish`
    out.extend(key.to_be_bytes());
    out.extend(version.to_be_bytes());
    out.extend([0; 4]); // correlation id
    let client = b"load";
    out.extend((client.len() as i16).to_be_bytes());
    out.extend(client);
    out.push(0); // no tagged fields
}

fn finish(mut frame: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let length = i32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

fn unsigned(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn name(out: &mut Vec<u8>, text: &str) {
    unsigned(out, text.len() + 1);
    out.extend(text.as_bytes());
}

/// A frame that produces one batch, with acks=all.
pub fn produce(topic: &str, partition: i32, records: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::with_capacity(records.len() + 64);
    header(&mut frame, PRODUCE, PRODUCE_VERSION);
    frame.push(0); // no transactional id
    frame.extend((-1i16).to_be_bytes());
    frame.extend(30_000i32.to_be_bytes());
    frame.push(2); // one topic
    name(&mut frame, topic);
    frame.push(2); // one partition
    frame.extend(partition.to_be_bytes());
    unsigned(&mut frame, records.len() + 1);
    frame.extend_from_slice(records);
    frame.extend([0; 3]); // no tagged fields of partition, topic and request
    finish(frame)
}

/// A frame that makes topics with one replica.
pub fn create_topics(topics: &[String], partitions: usize) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, CREATE_TOPICS, 5);
    unsigned(&mut frame, topics.len() + 1);
    for topic in topics {
        name(&mut frame, topic);
        frame.extend(i32::try_from(partitions)?.to_be_bytes());
        frame.extend(1i16.to_be_bytes());
        frame.extend([1, 1, 0]); // no assignments, no configs, no tagged fields
    }
    frame.extend(120_000i32.to_be_bytes());
    frame.extend([0, 0]); // not only to be checked, no tagged fields
    finish(frame)
}

/// A frame that asks which versions there are.
pub fn api_versions() -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, 18, 3);
    name(&mut frame, "load");
    name(&mut frame, "1");
    frame.push(0);
    finish(frame)
}

/// A frame that removes a topic.
pub fn delete_topic(topic: &str) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, DELETE_TOPICS, 6);
    frame.push(2); // one topic
    name(&mut frame, topic);
    frame.extend([0; 16 + 1]); // no id, no tagged fields
    frame.extend(30_000i32.to_be_bytes());
    frame.push(0);
    finish(frame)
}

/// Fails if a broker's answer to [`produce`] has an error. The floor's answer ends after the correlation id.
pub fn check_produced(frame: &[u8]) -> Result<(), Failure> {
    let mut answer = Cursor(frame);
    answer.skip(4)?;
    if answer.0.is_empty() {
        return Ok(());
    }
    answer.skip(2)?; // tagged fields, one topic
    let name = answer.unsigned()?;
    answer.skip(name - 1 + 1 + 4)?; // one partition, its number
    error("Produce", answer.i16()?)
}

/// Fails if a broker's answer to [`create_topics`] has an error for the first of them.
pub fn check_created(frame: &[u8]) -> Result<(), Failure> {
    let mut answer = Cursor(frame);
    answer.skip(4 + 1 + 4)?; // correlation id, tagged fields, throttle time
    answer.unsigned()?;
    let name = answer.unsigned()?;
    answer.skip(name - 1)?;
    error("CreateTopics", answer.i16()?)
}

/// Where the batch of a [`produce`] was put: its base offset, from an answer without an error.
pub fn produced_at(frame: &[u8]) -> Result<i64, Failure> {
    let mut answer = Cursor(frame);
    answer.skip(4 + 2)?;
    let name = answer.unsigned()?;
    answer.skip(name - 1 + 1 + 4 + 2)?; // one partition, its number, no error
    Ok((i64::from(answer.i32()?) << 32) | i64::from(answer.i32()?.cast_unsigned()))
}

/// A frame that fetches from the partitions, without a session, waiting for up to 500 ms for at least one byte; only what is committed, or
/// all there is.
pub fn fetch(
    topic: &str,
    positions: &[Position],
    partition_bytes: usize,
    is_committed: bool,
) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    header(&mut frame, FETCH, FETCH_VERSION);
    for number in [-1, 500, 1, 50 << 20] {
        frame.extend(i32::to_be_bytes(number)); // replica, longest wait, least and most bytes
    }
    frame.push(u8::from(is_committed));
    frame.extend(0i32.to_be_bytes());
    frame.extend((-1i32).to_be_bytes()); // no session
    frame.push(2); // one topic
    name(&mut frame, topic);
    unsigned(&mut frame, positions.len() + 1);
    for position in positions {
        frame.extend(position.partition.to_be_bytes());
        frame.extend((-1i32).to_be_bytes()); // any leader epoch
        frame.extend(position.offset.to_be_bytes());
        frame.extend((-1i32).to_be_bytes());
        frame.extend((-1i64).to_be_bytes());
        frame.extend(i32::try_from(partition_bytes)?.to_be_bytes());
        frame.push(0);
    }
    frame.extend([0, 1, 1, 0]); // tagged fields, no forgotten topics, no rack, tagged fields
    finish(frame)
}

/// What a frame of [`fetch`] asks for, as the floor reads it: partition, position, bytes.
pub fn floor_positions(frame: &[u8]) -> Option<Vec<(usize, u64, usize)>> {
    let mut request = Cursor(frame);
    request.skip(CORRELATION + 4 + 2 + 4 + 1 + 4 * 4 + 1 + 4 + 4 + 1).ok()?; // up to the topic's name
    let name = request.unsigned().ok()?;
    request.skip(name - 1).ok()?;
    let count = request.unsigned().ok()? - 1;
    let mut positions = Vec::with_capacity(count);
    for _ in 0..count {
        let partition = request.i32().ok()?;
        request.skip(4).ok()?;
        let position = (i64::from(request.i32().ok()?) << 32) | i64::from(request.i32().ok()?.cast_unsigned());
        request.skip(4 + 8).ok()?;
        let bytes = request.i32().ok()?;
        request.skip(1).ok()?;
        positions.push((partition as usize, position as u64, bytes as usize));
    }
    Some(positions)
}

/// Moves the positions behind the whole batches of an answer to [`fetch`]; returns what those batches are. An aborted transaction is a
/// failure: no load aborts one.
pub fn take_fetched(frame: &[u8], positions: &mut [Position]) -> Result<Whole, Failure> {
    let mut answer = Cursor(frame);
    answer.skip(4 + 1 + 4)?; // correlation id, tagged fields, throttle time
    error("Fetch", answer.i16()?)?;
    answer.skip(4)?;
    if answer.unsigned()? < 2 {
        return Ok(Whole::default());
    }
    let name = answer.unsigned()?;
    answer.skip(name - 1)?;
    let partitions = answer.unsigned()? - 1;
    let mut all = Whole::default();
    for _ in 0..partitions {
        let partition = answer.i32()?;
        error("Fetch of a partition", answer.i16()?)?;
        answer.skip(3 * 8)?; // offsets
        if answer.unsigned()? > 1 {
            return Err("a transaction was aborted".into());
        }
        answer.skip(4)?; // preferred replica
        let length = answer.unsigned()?.saturating_sub(1);
        let whole = batch::whole(answer.skip(length)?);
        answer.skip(1)?;
        all.bytes += whole.bytes;
        all.records += whole.records;
        if let (Some(next), Some(position)) = (whole.next, positions.iter_mut().find(|p| p.partition == partition)) {
            position.offset = next;
        }
    }
    Ok(all)
}

/// Reads a frame without its length into `buffer`.
pub fn read_frame(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize, Failure> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length))?;
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    stream.read_exact(&mut buffer[..length])?;
    Ok(length)
}

fn error(what: &str, code: i16) -> Result<(), Failure> {
    if code == 0 { Ok(()) } else { Err(format!("{what} was answered with error {code}").into()) }
}

/// What is left of an answer.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn skip(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("an answer is too short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn i16(&mut self) -> Result<i16, Failure> {
        Ok(i16::from_be_bytes(self.skip(2)?.try_into()?))
    }

    fn i32(&mut self) -> Result<i32, Failure> {
        Ok(i32::from_be_bytes(self.skip(4)?.try_into()?))
    }

    /// A compact string, empty where it is null.
    fn text(&mut self) -> Result<String, Failure> {
        let length = self.unsigned()?.saturating_sub(1);
        Ok(String::from_utf8_lossy(self.skip(length)?).into_owned())
    }

    fn unsigned(&mut self) -> Result<usize, Failure> {
        let mut value = 0;
        for at in 0..5 {
            let byte = self.skip(1)?[0];
            value |= usize::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number in an answer is too long".into())
    }
}
