//! Logs move between data folders while they are served.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use forebay_storage::disk::Fault;
use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, DescribeLogDirsRequest};

use crate::node::{Node, STORAGE_ERROR};
use crate::support::client::Client;
use crate::support::records::{Origin, batch, batch_of, values};
use crate::support::requests::{Topic, append, create_topic, fetch_in, init_producer, produce_in};
use crate::support::{eventually, text, topic};

fn move_to(client: &mut Client, of: &Topic, partition: i32, to: &str) -> i16 {
    let named = AlterReplicaLogDirTopic::default().with_name(topic(&of.name)).with_partitions(vec![partition]);
    let dir = AlterReplicaLogDir::default().with_path(text(to)).with_topics(vec![named]);
    let answer = client.call(2, &AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]));
    assert_eq!(*answer.results[0].topic_name, *topic(&of.name));
    answer.results[0].partitions[0].error_code
}

fn describe(client: &mut Client, of: Option<(&Topic, i32)>) -> Vec<DescribeLogDirsResult> {
    let named = of.map(|(of, partition)| {
        vec![DescribableLogDirTopic::default().with_topic(topic(&of.name)).with_partitions(vec![partition])]
    });
    let answer = client.call(4, &DescribeLogDirsRequest::default().with_topics(named));
    assert_eq!(answer.error_code, 0);
    answer.results
}

/// Folder, size, lag, and whether it is on its way, of each log of a partition.
fn logs_of(client: &mut Client, of: &Topic, partition: i32) -> Vec<(String, i64, i64, bool)> {
    let mut found = Vec::new();
    for result in describe(client, Some((of, partition))) {
        for topic in &result.topics {
            assert_eq!(**topic.name, *of.name);
            for p in &topic.partitions {
                found.push((result.log_dir.to_string(), p.partition_size, p.offset_lag, p.is_future_key));
            }
        }
    }
    found
}

fn wait_until_in(client: &mut Client, of: &Topic, dir: &str) {
    eventually(
        "the log is in the other folder",
        || matches!(logs_of(client, of, 0).as_slice(), [(found, _, _, false)] if found == dir),
    );
}

fn all(client: &mut Client, of: &Topic) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let read = fetch_in(client, 13, of, 0, found.len() as i64);
        assert_eq!(read.error_code, 0);
        let read = values(read.records.unwrap_or_default());
        if read.is_empty() {
            return found;
        }
        found.extend(
            read.into_iter().filter(|(offset, _)| *offset >= found.len() as i64).map(|(_, v)| v).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn a_log_moves_while_it_is_written_and_read() {
    let mut node = Node::start(2, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 1, &[("segment.bytes", "1048576"), ("file.delete.delay.ms", "0")]);
    let dirs: Vec<String> = (0..2).map(|n| node.dir(n).display().to_string()).collect();
    let old = node.log_of(&known, 0);
    let (from, to) = if old.starts_with(node.dir(0)) { (0, 1) } else { (1, 0) };
    let filler = "x".repeat(200_000);
    for _ in 0..20 {
        append(&mut client, &known, &batch(&[&filler]));
    }
    let (id, epoch) = init_producer(&mut client, 5, None);
    let stop = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let mut writer = node.client();
        let (known, stop) = (&known, &stop);
        let writing = scope.spawn(move || {
            let mut count = 0;
            while !stop.load(Ordering::Acquire) {
                let origin = Origin { id, epoch, sequence: count, transactional: false };
                let answer = produce_in(&mut writer, 13, known, 0, &batch_of(origin, &[&format!("{count}")]), None);
                assert_eq!((answer.error_code, answer.base_offset), (0, 20 + i64::from(count)));
                count += 1;
            }
            count
        });
        let mut reader = node.client();
        let (stop, filler) = (stop, &filler);
        let reading = scope.spawn(move || {
            let mut seen = 20;
            while !stop.load(Ordering::Acquire) {
                let found = all(&mut reader, known);
                assert!(found[..20].iter().all(|value| value == filler), "the first ones are as they were written");
                assert!(found[20..].iter().enumerate().all(|(n, value)| *value == n.to_string()));
                assert!(found.len() >= seen, "{} records after {seen}", found.len());
                seen = found.len();
            }
            seen
        });
        for (there, back) in [(to, from), (from, to), (to, from)] {
            assert_eq!(move_to(&mut client, known, 0, &dirs[there]), 0);
            wait_until_in(&mut client, known, &dirs[there]);
            assert!(!node.dir(back).join("known-0").exists());
        }
        stop.store(true, Ordering::Release);
        assert!(reading.join().unwrap() > 20, "something was read that was written meanwhile");
        writing.join().unwrap()
    });
    let expected: Vec<String> = (0..20).map(|_| filler.clone()).chain((0..written).map(|n| n.to_string())).collect();
    assert!(all(&mut client, &known) == expected);
    // The producer's numbers moved along: a repeated batch is known as one.
    let last = Origin { id, epoch, sequence: written - 1, transactional: false };
    let repeated = produce_in(&mut client, 13, &known, 0, &batch_of(last, &["again"]), None);
    assert_eq!((repeated.error_code, repeated.base_offset), (0, 20 + i64::from(written) - 1));
    node.stop();
    node.try_run().unwrap();
    assert!(all(&mut node.client(), &known) == expected);
    assert!(node.log_of(&known, 0).starts_with(node.dir(to)));
}

#[test]
fn folders_are_described_with_their_logs_and_failures() {
    let node = Node::start(2, &[]);
    let mut client = node.client();
    let known = create_topic(&mut client, "known", 2, &[]);
    for partition in 0..2 {
        assert_eq!(produce_in(&mut client, 13, &known, partition, &batch(&["a"]), None).error_code, 0);
    }
    let described = describe(&mut client, None);
    let dirs: Vec<String> = described.iter().map(|d| d.log_dir.to_string()).collect();
    assert_eq!(dirs, (0..2).map(|n| node.dir(n).display().to_string()).collect::<Vec<_>>());
    for dir in &described {
        assert!(dir.usable_bytes > 0 && dir.total_bytes >= dir.usable_bytes);
        assert_eq!(dir.topics.iter().map(|t| t.partitions.len()).sum::<usize>(), 1, "the metadata are no topic");
        let path = node.log_of(&known, dir.topics[0].partitions[0].partition_index).join("00000000000000000000.log");
        assert_eq!(dir.topics[0].partitions[0].partition_size, std::fs::metadata(path).unwrap().len() as i64);
    }
    assert_eq!(logs_of(&mut client, &known, 1).len(), 1);
    assert_eq!(move_to(&mut client, &known, 0, "/nowhere"), 57, "LOG_DIR_NOT_FOUND");
    assert_eq!(move_to(&mut client, &Topic::unknown(), 0, &dirs[0]), 3, "UNKNOWN_TOPIC_OR_PARTITION");
    let lost = node.partition_in(&node.dir(1), &known, 2);
    node.disk.inject(&node.dir(1), Fault::EverythingFails);
    assert_eq!(produce_in(&mut client, 13, &known, lost, &batch(&["b"]), None).error_code, STORAGE_ERROR);
    assert_eq!(move_to(&mut client, &known, lost, &dirs[0]), STORAGE_ERROR);
    assert_eq!(move_to(&mut client, &known, 1 - lost, &dirs[1]), STORAGE_ERROR);
    let described = describe(&mut client, None);
    assert_eq!(described.iter().map(|d| d.error_code).collect::<Vec<_>>(), [0, STORAGE_ERROR]);
    assert!(described[1].topics.is_empty());
}

#[test]
fn a_target_that_fails_or_is_full_leaves_the_log_where_it_is() {
    for fault in [Fault::Full, Fault::WriteFails] {
        let node = Node::start(2, &[]);
        let mut client = node.client();
        let known = create_topic(&mut client, "known", 2, &[]);
        let partition = node.partition_in(&node.dir(0), &known, 2);
        assert_eq!(produce_in(&mut client, 13, &known, partition, &batch(&["a"]), None).error_code, 0);
        node.disk.inject(&node.dir(1), fault);
        assert_eq!(move_to(&mut client, &known, partition, &node.dir(1).display().to_string()), 0, "it will be tried");
        let here = node.dir(0).display().to_string();
        eventually("the move is given up", || logs_of(&mut client, &known, partition).len() == 1);
        let (dir, _, _, on_its_way) = logs_of(&mut client, &known, partition).remove(0);
        assert_eq!((dir, on_its_way), (here, false), "{fault:?}");
        let errors: Vec<i16> = describe(&mut client, None).iter().map(|d| d.error_code).collect();
        assert_eq!(errors, if fault == Fault::Full { [0, 0] } else { [0, STORAGE_ERROR] });
        assert_eq!(produce_in(&mut client, 13, &known, partition, &batch(&["b"]), None).base_offset, 1);
    }
}
