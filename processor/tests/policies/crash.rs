//! Whatever is killed and wherever the broker crashes: each bad record is a dead letter once, each late row in the late topic once,
//! in the order of the log, and the rest is as if there had been no such records.

use std::collections::BTreeMap;

use forebay_processor::job::{TaskOptions, header};
use proptest::prelude::*;

use crate::support::plans::{INPUT, OUTPUT, click};
use crate::support::world::{Action, World, action};
use crate::{DELAY, SIZE, metric, parallel, windowed};

const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    partition: i32,
    user: String,
    ts: i64,
    /// `None` is a record that is no row; 0 is a row that cannot be computed.
    bytes: Option<i64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    rows: Vec<String>,
    /// Partition and offset of each, by partition.
    dead: BTreeMap<i32, Vec<i64>>,
    /// With the end of the window.
    late: BTreeMap<i32, Vec<(i64, i64)>>,
}

/// By the rules, with nothing of the engine.
fn expected(events: &[Event]) -> Outcome {
    let mut watermarks: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    let mut groups: BTreeMap<(i64, &str), (i64, i64)> = BTreeMap::new();
    let mut outcome = Outcome::default();
    for event in events {
        let (next, watermark) = watermarks.entry(event.partition).or_insert((0, i64::MIN));
        let offset = *next;
        *next += 1;
        let end = event.ts - event.ts % SIZE + SIZE;
        // A row that is late is not computed; one that fails moves no time.
        let is_late = event.bytes.is_some() && *watermark >= end - 1;
        match event.bytes {
            _ if is_late => outcome.late.entry(event.partition).or_default().push((offset, end)),
            None | Some(0) => {
                outcome.dead.entry(event.partition).or_default().push(offset);
                continue;
            }
            Some(bytes) => {
                let group = groups.entry((end, &event.user)).or_default();
                *group = (group.0 + 1, group.1 + 100 / bytes);
            }
        }
        *watermark = (*watermark).max(event.ts - DELAY);
    }
    let closed = groups.iter().filter(|((end, _), _)| *end < FAR);
    outcome.rows = closed.map(|((end, user), (n, x))| metric(user, *end, *n, Some(*x))).collect();
    outcome.rows.sort();
    outcome
}

fn events(partitions: i32) -> impl Strategy<Value = Vec<Event>> {
    let event = (0..partitions, "[a-d]", 0..200_000i64, prop::option::weighted(0.8, 0..4i64))
        .prop_map(|(partition, user, ts, bytes)| Event { partition, user, ts, bytes });
    prop::collection::vec(event, 0..12)
}

#[test]
fn windows_that_do_not_fit_one_commit_close_in_the_next() {
    let host = crate::host(1);
    let plan = windowed(", 'scan.watermark.idle-timeout' = '0'");
    let options = TaskOptions { output_bytes: 1, ..TaskOptions::default() };
    let mut task = crate::open_with(&plan, &host, options).unwrap();
    crate::send(&host, 0, "a", &[40_500, 79_500, 79_999]);
    crate::send(&host, 0, "b", &[89_999, FAR + DELAY]);
    crate::support::run_and_finish(&mut task, &host).unwrap();
    let expected =
        [metric("a", 50_000, 1, Some(100)), metric("a", 80_000, 2, Some(200)), metric("b", 90_000, 1, Some(100))];
    assert_eq!(crate::rows(&host), expected);
    assert_eq!(host.commits(), 4, "one for each window, and one for the time up to the last event");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_is_put_aside_is_there_exactly_once(
        (partitions, actions) in (1..4i32).prop_flat_map(|n| (Just(n), prop::collection::vec(action(events(n)), 1..60))),
        step_bytes in 100..5_000usize,
        output_bytes in 1..500u64,
        behind_records in prop_oneof![Just(0), Just(u64::MAX)],
        parallelism in 1..4usize,
    ) {
        let host = crate::host(partitions);
        host.create_topic("dead", partitions);
        host.create_topic("late", partitions);
        let plan = parallel(
            parallelism,
            ", 'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'dead', 'forebay.on-late' = 'topic', \
             'forebay.late.topic' = 'late', 'scan.watermark.idle-timeout' = '0'",
        );
        let options = TaskOptions {
            step_bytes, read_bytes: 300, output_bytes, snapshot_floor: 300, behind_records, ..TaskOptions::default()
        };
        let mut world = World::new(host, plan, options);
        let (mut all, mut clock) = (Vec::new(), 0);
        let produce = |world: &World, event: &Event| {
            let value = match event.bytes {
                None => "no row".to_owned(),
                bytes => click(&event.user, bytes, event.ts, 0),
            };
            world.host.produce(INPUT, event.partition, &[Some(value)]);
        };
        for action in actions {
            match action {
                Action::Produce(events) => {
                    for mut event in events {
                        clock += 1_500;
                        event.ts = (clock - event.ts % 15_000).max(0);
                        produce(&world, &event);
                        all.push(event);
                    }
                }
                other => world.act(&other),
            }
        }
        for partition in 0..partitions {
            let far = Event { partition, user: "z".to_owned(), ts: FAR + DELAY, bytes: Some(1) };
            produce(&world, &far);
            all.push(far);
        }
        world.finish();
        let mut found = Outcome { rows: world.host.consume(OUTPUT).into_iter().flatten().collect(), ..Outcome::default() };
        found.rows.sort();
        let number = |record: &crate::support::log::Got, key| record.header(key).parse::<i64>().unwrap();
        for record in world.host.records("dead") {
            found.dead.entry(record.partition).or_default().push(number(&record, header::OFFSET));
        }
        for record in world.host.records("late") {
            let late = (number(&record, header::OFFSET), number(&record, header::WINDOW_END));
            found.late.entry(record.partition).or_default().push(late);
        }
        let expected = expected(&all);
        let counted = |map: &BTreeMap<i32, Vec<i64>>| map.values().map(Vec::len).sum::<usize>() as u64;
        let status = world.status();
        prop_assert_eq!(status.undecodable, counted(&expected.dead));
        prop_assert_eq!(status.late, expected.late.values().map(Vec::len).sum::<usize>() as u64);
        prop_assert_eq!(found, expected);
    }
}
