//! Fetches that wait, topics that come and go beneath their readers, and more sessions than one.

use kafka_protocol::messages::fetch_request::FetchTopic;
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::{Duration, Instant};

use super::Scenario;
use super::fetch::{ask, of, part, request};
use super::produce::append;
use crate::records;
use crate::side::{Side, Topic, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("long_polls::waiting_for_bytes", waiting_for_bytes),
    ("long_polls::several_partitions", several_partitions),
    ("long_polls::topic_deleted_beneath", topic_deleted_beneath),
    ("long_polls::gone_from_a_session", gone_from_a_session),
    ("long_polls::made_again", made_again),
    ("long_polls::session_over_time", session_over_time),
    ("long_polls::first_comes_first", first_comes_first),
];

/// When the scenarios' records are from.
const THEN: i64 = 1_700_000_000_000;
/// A fetch that says so waits longer than any scenario: only records end it.
const LONG_MS: i32 = 9_000;

fn kept(side: &mut Side, suffix: &str, partitions: i32) -> Result<Topic, String> {
    side.topic(suffix, partitions, &[("retention.ms", "-1")])
}

fn one(value: &str) -> bytes::Bytes {
    records::batch_at(&[(THEN, value)])
}

/// Whether an answer took a while: how long exactly is each broker's own.
fn took(side: &mut Side, since: Instant) {
    let long = since.elapsed() >= Duration::from_millis(290);
    side.write_down("it took", if long { "a while" } else { "no time" });
}

fn waiting_for_bytes(side: &mut Side) -> Result<(), String> {
    let made = kept(side, "log", 1)?;
    append(side, &made.name, 0, one("a"))?;
    let asking = |version: i16, from: i64, min_bytes: i32, wait: i32| {
        request(version, vec![of(version, &made, vec![part(0, from, 1 << 20)])])
            .with_min_bytes(min_bytes)
            .with_max_wait_ms(wait)
    };
    for version in [4, 11, 13, 17] {
        let since = Instant::now();
        side.about("nothing comes in time");
        ask(side, version, &asking(version, 1, 1, 300))?;
        took(side, since);
        side.about("less than is wanted comes in time");
        ask(side, version, &asking(version, 0, 100_000, 300))?;
        side.about("enough is there");
        let since = Instant::now();
        ask(side, version, &asking(version, 0, 1, LONG_MS))?;
        took(side, since);
        side.about("an error does not wait");
        ask(side, version, &asking(version, 99, 1, LONG_MS))?;
        side.about("nothing is wanted");
        ask(side, version, &asking(version, 1, 0, LONG_MS))?;
    }
    // Records end the wait, once there are as many bytes as were wanted: one batch of these has 69.
    for (min_bytes, batches, from) in [(1, 1, 1), (100, 2, 2)] {
        side.on("waiting").send(17, &asking(17, from, min_bytes, LONG_MS))?;
        for _ in 0..batches {
            append(side.on(""), &made.name, 0, one("b"))?;
        }
        let answer = side.on("waiting").answer::<FetchRequest>(17)?;
        side.about(format!("{min_bytes} bytes have come"));
        side.record::<FetchRequest>(17, answer.as_ref());
        side.on("");
    }
    Ok(())
}

fn several_partitions(side: &mut Side) -> Result<(), String> {
    let made = kept(side, "log", 3)?;
    for (partition, values) in [(0, vec!["a", "b", "c"]), (1, vec!["d"]), (2, vec!["e", "f"])] {
        for value in values {
            append(side, &made.name, partition, one(value))?;
        }
    }
    for version in [4, 10, 12, 16, 18] {
        for (all, each) in [(1, 1000), (69, 1000), (70, 1000), (138, 1000), (139, 69), (200, 69), (1000, 1), (207, 138)]
        {
            side.about(format!("{all} bytes in all, {each} of each"));
            let parts = vec![part(1, 0, each), part(0, 0, each), part(2, 0, each)];
            let asked = request(version, vec![of(version, &made, parts)]).with_max_bytes(all);
            side.ask(version, &asked)?;
        }
        side.about("a partition twice");
        let parts = vec![part(1, 0, 1000), part(1, 0, 1000)];
        side.ask_or_closed(version, &request(version, vec![of(version, &made, parts)]))?;
        side.about("one that is not there between others");
        let parts = vec![part(1, 0, 1000), part(7, 0, 1000), part(0, 9, 1000), part(2, 1, 1000)];
        side.ask_or_closed_sorted(version, &request(version, vec![of(version, &made, parts)]), |a| {
            a.responses.iter_mut().for_each(|t| t.partitions.sort_by_key(|p| p.partition_index));
        })?;
    }
    Ok(())
}

fn delete(side: &mut Side, gone: &Topic) -> Result<(), String> {
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic(&gone.name)]).with_timeout_ms(10_000);
    side.quietly(5, &request)?;
    // Kafka's metadata runs ahead of its logs.
    until("the topic is gone", Duration::from_secs(20), || {
        let asked = request_of(13, gone, 0);
        let answer = side.quietly(13, &asked).ok()??;
        (answer.responses.first().is_some_and(|t| t.partitions[0].error_code == 100)).then_some(())
    })
}

fn request_of(version: i16, asked: &Topic, from: i64) -> FetchRequest {
    request(version, vec![of(version, asked, vec![part(0, from, 1 << 20)])])
}

fn topic_deleted_beneath(side: &mut Side) -> Result<(), String> {
    for version in [12, 13, 17] {
        let (made, answer) = deleted_beneath_a_fetch(side, version)?;
        side.about("its topic is deleted");
        side.record::<FetchRequest>(version, answer.as_ref());
        side.on("").about("after that");
        ask(side, version, &request_of(version, &made, 0))?;
    }
    Ok(())
}

/// A topic that was deleted while a fetch waited for it, and what the fetch was told. Nobody tells that a fetch waits; but one that comes when
/// the topic is gone already is told so with an empty list of aborted transactions, and one that waited with none: so the first kind is
/// begun again.
fn deleted_beneath_a_fetch(side: &mut Side, version: i16) -> Result<(Topic, Option<FetchResponse>), String> {
    const ATTEMPTS: usize = 10;
    let mut attempt = 1;
    loop {
        let made = kept(side, &format!("log-{version}"), 1)?;
        let asked = request_of(version, &made, 0).with_min_bytes(1).with_max_wait_ms(LONG_MS);
        side.on("waiting").send(version, &asked)?;
        side.on("").settle()?;
        delete(side, &made)?;
        let answer = side.on("waiting").answer::<FetchRequest>(version)?;
        let first = answer.as_ref().and_then(|answer| answer.responses.first()?.partitions.first());
        let came_too_late = first.is_some_and(|partition| partition.aborted_transactions.is_some());
        if !came_too_late || attempt == ATTEMPTS {
            return Ok((made, answer));
        }
        attempt += 1;
        side.on("");
    }
}

/// A session remembers the name that a topic had.
fn gone_from_a_session(side: &mut Side) -> Result<(), String> {
    let unknown = Topic { name: "nowhere".into(), id: uuid::Uuid::from_u128(0x77) };
    for version in [12, 13, 17] {
        let made = kept(side, &format!("log-{version}"), 1)?;
        append(side, &made.name, 0, one("a"))?;
        let both = vec![of(version, &made, vec![part(0, 0, 1000)]), of(version, &unknown, vec![part(0, 0, 1000)])];
        let opened = side.quietly(version, &request(version, both).with_session_epoch(0))?.ok_or("closed")?;
        side.mask(opened.session_id, format!("session of v{version}"));
        delete(side, &made)?;
        let next = |topics: Vec<FetchTopic>, epoch: i32| {
            request(version, topics).with_session_id(opened.session_id).with_session_epoch(epoch)
        };
        side.about("nothing is named");
        ask(side, version, &next(vec![], 1))?;
        side.about("it is named again");
        ask(side, version, &next(vec![of(version, &made, vec![part(0, 1, 1000)])], 2))?;
        side.about("without a session");
        ask(side, version, &request(version, vec![of(version, &made, vec![part(0, 0, 1000)])]))?;
    }
    Ok(())
}

fn made_again(side: &mut Side) -> Result<(), String> {
    let old = kept(side, "log", 1)?;
    append(side, &old.name, 0, one("a"))?;
    append(side, &old.name, 0, one("b"))?;
    let open = |version: i16| request_of(version, &old, 2).with_session_epoch(0);
    let by_name = side.quietly(12, &open(12))?.ok_or("closed")?.session_id;
    let by_id = side.quietly(17, &open(17))?.ok_or("closed")?.session_id;
    delete(side, &old)?;
    let new = kept(side, "log", 1)?;
    append(side, &new.name, 0, one("c"))?;
    for version in [12, 13, 17] {
        side.about("the old one, at its old offset");
        ask(side, version, &request_of(version, &old, 2))?;
        side.about("the old one, from the beginning");
        ask(side, version, &request_of(version, &old, 0))?;
        side.about("the new one");
        ask(side, version, &request_of(version, &new, 0))?;
    }
    for (version, id) in [(12, by_name), (17, by_id)] {
        side.mask(id, format!("session of v{version}"));
        for epoch in 1..=2 {
            side.about("the session from before");
            ask(side, version, &request(version, vec![]).with_session_id(id).with_session_epoch(epoch))?;
        }
        side.about("the session from before takes up the new one");
        let new = vec![of(version, &new, vec![part(0, 0, 1000)])];
        ask(side, version, &request(version, new).with_session_id(id).with_session_epoch(3))?;
    }
    Ok(())
}

fn session_over_time(side: &mut Side) -> Result<(), String> {
    let (a, b) = (kept(side, "a", 2)?, kept(side, "b", 1)?);
    for version in [7, 12, 15, 18] {
        append(side, &a.name, 0, one("a"))?;
        let end = append(side, &a.name, 1, one("a"))?;
        let topics = || -> Vec<FetchTopic> {
            vec![of(version, &a, vec![part(0, end, 1000), part(1, end, 1000)]), of(version, &b, vec![part(0, 0, 1000)])]
        };
        side.about("opened");
        let opened = side.quietly(version, &request(version, topics()).with_session_epoch(0))?.ok_or("closed")?;
        let id = opened.session_id;
        side.mask(id, format!("session of v{version}"));
        let mut epoch = 0;
        let mut next = |topics: Vec<FetchTopic>| {
            epoch += 1;
            request(version, topics).with_session_id(id).with_session_epoch(epoch)
        };
        side.about("unread records stay in the answer");
        ask(side, version, &next(vec![]))?;
        side.about("read on");
        ask(side, version, &next(vec![of(version, &a, vec![part(0, end + 1, 1000), part(1, end + 1, 1000)])]))?;
        side.about("nothing new");
        ask(side, version, &next(vec![]))?;
        append(side, &a.name, 1, one("new"))?;
        side.about("one has something new");
        ask(side, version, &next(vec![]))?;
        side.about("an offset that is not there, asked for once");
        ask(side, version, &next(vec![of(version, &a, vec![part(0, 99, 1000)])]))?;
        side.about("which is told again");
        ask(side, version, &next(vec![]))?;
        side.about("and a partition that is not there");
        ask(side, version, &next(vec![of(version, &a, vec![part(0, end + 1, 1000), part(7, 0, 1000)])]))?;
        side.about("which is told again");
        ask(side, version, &next(vec![]))?;
        side.about("opened anew in its place");
        let anew = request(version, topics()).with_session_id(id).with_session_epoch(0);
        let opened = side.quietly(version, &anew)?.ok_or("closed")?;
        side.write_down("the same id", &(opened.session_id == id).to_string());
        side.mask(opened.session_id, format!("second session of v{version}"));
        side.about("the first session");
        ask(side, version, &next(vec![]))?;
        for part in 0..2 {
            let rest = append(side, &a.name, part, one("rest"))?;
            // Both logs are equally long when the next version begins.
            (rest..end + 4).try_for_each(|_| append(side, &a.name, part, one("rest")).map(drop))?;
        }
    }
    Ok(())
}

/// With little room, the partition that was answered goes behind the others.
fn first_comes_first(side: &mut Side) -> Result<(), String> {
    let made = kept(side, "log", 3)?;
    for partition in 0..3 {
        append(side, &made.name, partition, one("a"))?;
        append(side, &made.name, partition, one("b"))?;
    }
    for version in [7, 12, 17] {
        let parts = (0..3).map(|index| part(index, 0, 1000)).collect();
        let opened = request(version, vec![of(version, &made, parts)]).with_session_epoch(0).with_max_bytes(1);
        let answer = side.quietly(version, &opened)?.ok_or("closed")?;
        side.mask(answer.session_id, format!("session of v{version}"));
        side.about("opened");
        side.record::<FetchRequest>(version, Some(&answer));
        for epoch in 1..=4 {
            side.about("with room for one");
            let next = request(version, vec![]).with_session_id(answer.session_id).with_session_epoch(epoch);
            side.ask(version, &next.with_max_bytes(1))?;
        }
    }
    Ok(())
}
