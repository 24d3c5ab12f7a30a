//! Whatever is produced in whatever order, and wherever the broker crashes, the committed output is that of a plain computation.
#![allow(clippy::unwrap_used)]

mod support;

use forebay_processor::job::TaskOptions;
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::host::MemoryHost;
use support::plans::{self, INPUT, OUTPUT};
use support::world::{Action, World, action, state_memory};

const SIZE: i64 = 10_000;
const DELAY: i64 = 7_000;
/// Time of the events that close everything.
const FAR: i64 = 10_000_000;

#[derive(Clone, Debug)]
struct Event {
    partition: i32,
    user: String,
    ts: i64,
    bytes: Option<i64>,
}

/// The result by the rule, with nothing of the engine: a row is late if the watermark of its partition before it has reached the
/// last millisecond of its window.
fn expected(events: &[Event]) -> (Vec<String>, u64) {
    let mut watermarks: BTreeMap<i32, i64> = BTreeMap::new();
    let mut groups: BTreeMap<(i64, &str), Vec<Option<i64>>> = BTreeMap::new();
    let mut late = 0;
    for event in events {
        let watermark = watermarks.entry(event.partition).or_insert(i64::MIN);
        let end = event.ts - event.ts % SIZE + SIZE;
        if *watermark >= end - 1 {
            late += 1;
        } else {
            groups.entry((end, &event.user)).or_default().push(event.bytes);
        }
        *watermark = (*watermark).max(event.ts - DELAY);
    }
    let row = |((end, user), bytes): (&(i64, &str), &Vec<Option<i64>>)| {
        let known: Vec<i64> = bytes.iter().flatten().copied().collect();
        let total = (!known.is_empty()).then(|| known.iter().sum());
        plans::metric(user, end - SIZE, *end, bytes.len() as i64, total, known.iter().max().copied())
    };
    let mut rows: Vec<String> = groups.iter().filter(|((end, _), _)| *end < FAR).map(row).collect();
    rows.sort();
    (rows, late)
}

fn events(partitions: i32) -> impl Strategy<Value = Vec<Event>> {
    let event = (0..partitions, "[a-d]", 0..200_000i64, prop::option::weighted(0.9, -5..1_000i64))
        .prop_map(|(partition, user, ts, bytes)| Event { partition, user, ts, bytes });
    prop::collection::vec(event, 0..12)
}

fn produce(host: &MemoryHost, events: &[Event]) {
    for event in events {
        let value = plans::click(&event.user, event.bytes, event.ts, event.ts - DELAY);
        host.produce(INPUT, event.partition, &[Some(value)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn not_one_row_is_lost_doubled_or_different(
        (partitions, actions) in (1..4i32).prop_flat_map(|n| (Just(n), prop::collection::vec(action(events(n)), 1..60))),
        step_bytes in 100..5_000usize,
        read_bytes in 100..1_000usize,
        state_memory_bytes in state_memory(),
        behind_records in prop_oneof![Just(0), Just(u64::MAX)],
        parallelism in 1..4usize,
    ) {
        let host = MemoryHost::new();
        host.create_topic(INPUT, partitions);
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, behind_records, ..TaskOptions::default() };
        let mut plan = (*plans::tumbling(SIZE, Some(0), false)).clone();
        plan.pipelines[0].parallelism = parallelism;
        let plan = std::sync::Arc::new(plan);
        let mut world = World::new(host, plan, options);
        let mut all = Vec::new();
        // Events come with time moving on, and are up to 15 s out of order, more than the delay allows.
        let mut clock = 0;
        for action in actions {
            match action {
                Action::Produce(mut events) => {
                    for event in &mut events {
                        clock += 1_500;
                        event.ts = (clock - event.ts % 15_000).max(0);
                    }
                    produce(&world.host, &events);
                    all.extend(events);
                }
                other => world.act(&other),
            }
        }
        let far = |partition| Event { partition, user: "z".to_owned(), ts: FAR + DELAY, bytes: None };
        let last: Vec<Event> = (0..partitions).map(far).collect();
        produce(&world.host, &last);
        all.extend(last);
        world.finish();
        let (rows, late) = expected(&all);
        let mut output: Vec<String> = world.host.consume(OUTPUT).into_iter().flatten().collect();
        output.sort();
        prop_assert_eq!(output, rows);
        let status = world.status();
        prop_assert_eq!(status.late, late, "late records are counted exactly once");
        prop_assert_eq!(status.lag(), 0);
    }
}
