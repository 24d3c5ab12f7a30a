//! Rows of a table that is read by its changes, written under a key that several of them have: of those that are there the last one counts,
//! wherever tasks are killed.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_processor::job::TaskOptions;
use proptest::prelude::*;

use super::support::host::MemoryHost;
use super::support::world::{Action, World, action, state_memory};
use super::try_plan;

const SQL: &str = "
    CREATE TABLE u (k STRING, g STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
      WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
    CREATE TABLE o (g STRING, k STRING, n BIGINT, PRIMARY KEY (g) NOT ENFORCED)
      WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
    INSERT INTO o SELECT g, k, n FROM u WHERE n <> 3;";

/// A row of the table, or that it is gone.
#[derive(Clone, Debug)]
struct Change {
    k: String,
    row: Option<(String, i64)>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = ("[a-e]", prop::option::weighted(0.8, ("[xy]", 0..5i64)));
    prop::collection::vec(change.prop_map(|(k, row)| Change { k, row }), 0..8)
}

fn produce(host: &MemoryHost, changes: &[Change]) {
    for Change { k, row } in changes {
        let key = format!(r#"{{"k":"{k}"}}"#);
        let value = row.as_ref().map(|(g, n)| format!(r#"{{"k":"{k}","g":"{g}","n":{n}}}"#));
        host.produce_record("u", 0, (0, Some(key.as_bytes()), value.as_deref().map(str::as_bytes)), &[]);
    }
}

/// What is left: each key's rows in the order of their coming, of which the last one counts.
fn expected(changes: &[Change]) -> Vec<String> {
    let mut table: BTreeMap<&str, &(String, i64)> = BTreeMap::new();
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let text = |k: &str, (g, n): &(String, i64)| format!(r#"{{"g":"{g}","k":"{k}","n":{n}}}"#);
    for Change { k, row } in changes {
        if row.is_some() && table.get(&k[..]).copied() == row.as_ref() {
            continue;
        }
        if let Some(before) = table.remove(&k[..]).filter(|(_, n)| *n != 3) {
            let of_key = rows.get_mut(&before.0[..]).unwrap();
            let at = of_key.iter().position(|row| *row == text(k, before)).unwrap();
            of_key.remove(at);
        }
        let Some(row) = row else { continue };
        table.insert(k, row);
        if row.1 != 3 {
            rows.entry(&row.0).or_default().push(text(k, row));
        }
    }
    rows.into_values().filter_map(|mut rows| rows.pop()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]
    #[test]
    fn the_last_row_of_a_key_that_is_there_counts(
        actions in prop::collection::vec(action(changes()), 1..50),
        step_bytes in 50..1_000usize,
        state_memory_bytes in state_memory(),
    ) {
        let host = MemoryHost::new();
        host.create_topic("u", 1);
        host.create_topic("o", 2);
        let read_bytes = step_bytes / 3;
        let options =
            TaskOptions { step_bytes, read_bytes, snapshot_floor: 300, state_memory_bytes, ..TaskOptions::default() };
        let mut world = World::new(host, Arc::new(try_plan(SQL).unwrap()), options);
        let mut all = Vec::new();
        for action in actions {
            match action {
                Action::Produce(changes) => {
                    produce(&world.host, &changes);
                    all.extend(changes);
                }
                other => world.act(&other),
            }
        }
        world.finish();
        let mut left = BTreeMap::new();
        for record in world.host.records("o") {
            left.insert(record.key.unwrap(), record.value);
        }
        let left: Vec<String> = left.into_values().flatten().collect();
        prop_assert_eq!(left, expected(&all));
    }
}
