//! Reads everything back and holds it against the ledger.

use crate::ledger::{Fate, Ledger, NOTHING, NUMBER, Record};
use crate::support;
use rdkafka::message::{Headers, Message, OwnedMessage, Timestamp};
use std::collections::BTreeMap;

/// Checks every topic, as read_committed consumers see them.
pub fn all(bootstrap: &str, topics: &[&str], ledger: &Ledger) -> Result<(), String> {
    topics.iter().try_for_each(|topic| {
        let messages = support::read_all(bootstrap, topic)?;
        one(&messages, &ledger.of(topic), ledger).map_err(|error| format!("{topic}: {error}"))
    })
}

fn one(messages: &[OwnedMessage], sent: &BTreeMap<u64, (Record, Fate)>, ledger: &Ledger) -> Result<(), String> {
    let mut found: BTreeMap<u64, &OwnedMessage> = BTreeMap::new();
    let mut last: BTreeMap<i32, (i64, u64)> = BTreeMap::new();
    for message in messages {
        let number = number_of(message)?;
        let place = format!("record {number} at {}-{}", message.partition(), message.offset());
        if let Some(before) = found.insert(number, message) {
            return Err(format!("{place} is also at {}-{}", before.partition(), before.offset()));
        }
        let (record, _) = sent.get(&number).ok_or_else(|| format!("{place} was never sent"))?;
        same(message, record, ledger).map_err(|what| format!("{place} has another {what}"))?;
        if let Some((offset, before)) = last.insert(message.partition(), (message.offset(), number))
            && (message.offset() <= offset || number < before)
        {
            return Err(format!("{place} comes after record {before} at offset {offset}"));
        }
    }
    for (number, (_, fate)) in sent {
        let place = found.get(number).map(|message| (message.partition(), message.offset()));
        let right = match (fate, place) {
            (Fate::Unknown, _) => true,
            (Fate::Acknowledged { partition, offset }, Some((at, found))) => {
                at == *partition && (*offset < 0 || found == *offset)
            }
            (Fate::Committed, place) => place.is_some(),
            (Fate::Acknowledged { .. }, None) => false,
            (Fate::Refused | Fate::Aborted, place) => place.is_none(),
        };
        if !right {
            return Err(format!("record {number}, {fate:?}, was found at {place:?}"));
        }
    }
    Ok(())
}

fn number_of(message: &OwnedMessage) -> Result<u64, String> {
    let header = message.headers().and_then(|headers| headers.iter().find(|header| header.key == NUMBER)?.value);
    let number = header.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    number.ok_or_else(|| format!("the record at {}-{} has no number", message.partition(), message.offset()))
}

/// The name of what is not as it was sent.
fn same(message: &OwnedMessage, record: &Record, ledger: &Ledger) -> Result<(), &'static str> {
    let number = record.number.to_string();
    let headers: Vec<(&str, Option<&[u8]>)> =
        message.headers().into_iter().flat_map(Headers::iter).map(|header| (header.key, header.value)).collect();
    let checks = [
        ("partition", message.partition() == record.partition),
        ("key", message.key() == Some(record.key().as_bytes())),
        ("value", message.payload().unwrap_or_default() == ledger.value(record)),
        ("headers", headers == [(NUMBER, Some(number.as_bytes())), (NOTHING, None)]),
        ("timestamp", message.timestamp() == Timestamp::CreateTime(record.timestamp())),
    ];
    checks.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(what))
}
