//! Compacted topics are really compacted, while they are written to; retention and deletion take files from the disk; and both follow
//! the topic's configs as they change.

use std::collections::BTreeMap;

use forebay_storage::checkpoint::{CLEANER_OFFSET_FILE, read_offset_checkpoint};
use forebay_storage::disk::RealDisk;
use forebay_storage::ids::{Timestamp, TopicPartition};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;

use crate::support::client::Client;
use crate::support::groups::{commit_request, fetch_offset, lone_member};
use crate::support::records::{Origin, keyed, now_ms, pairs};
use crate::support::requests::{
    Topic, append, create_topic, end_txn, fetch_partition, fetch_request, init_producer, list_offset, produce_in,
};
use crate::support::{Broker, eventually, text, topic};

/// A cleaner and a retention that look for work all the time.
const EAGER: [&str; 2] = ["log.cleaner.backoff.ms=5", "log.retention.check.interval.ms=100"];
/// Configs of a topic that is compacted as soon as it can be, in small segments.
const COMPACTED: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "1048576"),
    ("min.cleanable.dirty.ratio", "0"),
    ("file.delete.delay.ms", "0"),
];
const MIB: u64 = 1 << 20;

fn size(broker: &Broker, topic: &str) -> u64 {
    broker.partition(topic, 0).with_log(|log| log.size_in_bytes())
}

/// Everything in partition 0: keys and values in their order.
fn everything(client: &mut Client, of: &Topic, committed: bool) -> Vec<(String, Option<String>)> {
    let end = list_offset(client, 10, of, -1, false).offset;
    let (mut next, mut found) = (0, Vec::new());
    while next < end {
        let request = fetch_request(13, of, vec![fetch_partition(0, next)]).with_isolation_level(i8::from(committed));
        let answer = client.call(13, &request).responses.remove(0).partitions.remove(0);
        assert_eq!(answer.error_code, 0);
        let records = answer.records.unwrap();
        assert!(!records.is_empty(), "nothing at {next} of {end}");
        next = end_of(&records);
        found.extend(pairs(records));
    }
    found
}

fn end_of(records: &[u8]) -> i64 {
    let (mut rest, mut end) = (records, 0);
    while let Ok(header) = forebay_storage::batch::BatchHeader::parse(rest) {
        end = header.next_offset().0;
        rest = &rest[header.size_in_bytes()..];
    }
    end
}

/// A record of 10 KiB for each of these keys, many times over, until `mib` MiB are written; the last value of each key.
fn write(client: &mut Client, to: &Topic, keys: &[&str], mib: u64) -> BTreeMap<String, String> {
    let mut last = BTreeMap::new();
    let padding = "x".repeat(10 * 1024);
    for round in 0..mib * MIB / (keys.len() as u64 * 10 * 1024) {
        let values: Vec<String> = keys.iter().map(|key| format!("{key} {round} {padding}")).collect();
        let records: Vec<_> = keys.iter().zip(&values).map(|(key, value)| (*key, Some(value.as_str()))).collect();
        append(client, to, &keyed(&records, None));
        last = keys.iter().map(|key| (*key).to_owned()).zip(values).collect();
    }
    last
}

fn alter(client: &mut Client, name: &str, configs: &[(&str, &str)]) {
    let set =
        |(name, value): &(&str, &str)| AlterableConfig::default().with_name(text(name)).with_value(Some(text(value)));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(name))
        .with_configs(configs.iter().map(set).collect());
    let answer = client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
    assert_eq!((answer.responses[0].error_code, &answer.responses[0].error_message), (0, &None));
}

#[test]
fn a_compacted_topic_stays_small_while_it_is_written() {
    let broker = Broker::start_with(&EAGER);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &COMPACTED);
    let keys = ["a", "b", "c"];
    let mut last = BTreeMap::new();
    for _ in 0..12 {
        last = write(&mut client, &t, &keys, 2);
        // The writer is held up by nothing; this only keeps the measure from depending on who is quicker: 2 MiB more are the most.
        eventually("the cleaner keeps up", || size(&broker, "t") < 3 * MIB);
    }
    let found: BTreeMap<_, _> = everything(&mut client, &t, false).into_iter().collect();
    let expected: BTreeMap<_, _> = last.into_iter().map(|(key, value)| (key, Some(value))).collect();
    assert!(found == expected, "the last value of each key is kept");
    let numbers = broker.cleaner();
    assert!(numbers.passes.get() > 0 && numbers.read_bytes.get() > numbers.written_bytes.get());
    assert!(numbers.removed_records.get() > 1000 && numbers.time.get() > 0.0);
}

#[test]
fn tombstones_go_after_their_time_and_aborted_records_at_once() {
    let broker = Broker::start_with(&EAGER);
    let mut client = broker.client();
    let configs: Vec<_> = COMPACTED.into_iter().chain([("delete.retention.ms", "3600000")]).collect();
    let t = create_topic(&mut client, "t", 1, &configs);
    let (id, epoch) = init_producer(&mut client, 5, Some("txn"));
    let of = |epoch, sequence| Some(Origin { id, epoch, sequence, transactional: true });
    let aborted = keyed(&[("kept", Some("aborted")), ("never", Some("aborted"))], of(epoch, 0));
    append(&mut client, &t, &keyed(&[("kept", Some("first")), ("deleted", Some("value"))], None));
    assert_eq!(produce_in(&mut client, 13, &t, 0, &aborted, Some("txn")).error_code, 0);
    let ended = end_txn(&mut client, 5, "txn", id, epoch, false);
    assert_eq!(ended.error_code, 0);
    let committed = keyed(&[("kept", Some("committed"))], of(ended.producer_epoch, 0));
    assert_eq!(produce_in(&mut client, 13, &t, 0, &committed, Some("txn")).error_code, 0);
    assert_eq!(end_txn(&mut client, 5, "txn", id, ended.producer_epoch, true).error_code, 0);
    append(&mut client, &t, &keyed(&[("deleted", None)], None));
    // `of` keys other than those of the padding.
    let seen = |client: &mut Client, committed| {
        let all = everything(client, &t, committed).into_iter();
        all.filter(|(key, _)| key != "padding").collect::<Vec<_>>()
    };
    let tick = |client: &mut Client| drop(write(client, &t, &["padding"], 2));
    let kept = ("kept".to_owned(), Some("committed".to_owned()));
    let tombstone = ("deleted".to_owned(), None);
    tick(&mut client);
    eventually("all but the last of each key is gone, the tombstone is kept", || {
        seen(&mut client, false) == [kept.clone(), tombstone.clone()]
    });
    assert_eq!(seen(&mut client, true), [kept.clone(), tombstone.clone()]);
    tick(&mut client);
    eventually("another pass", || size(&broker, "t") < 2 * MIB);
    assert_eq!(seen(&mut client, false), [kept.clone(), tombstone], "its time has not come");
    // From now on a tombstone's time is short; the one that is there has its horizon in its batch already, so a new one is written.
    alter(&mut client, "t", &[("delete.retention.ms", "1")]);
    append(&mut client, &t, &keyed(&[("deleted", None)], None));
    eventually("the tombstone is gone", || {
        tick(&mut client);
        seen(&mut client, false) == [kept.clone()]
    });
}

#[test]
fn a_change_of_policy_retention_or_size_acts_on_the_live_topic() {
    let broker = Broker::start_with(&EAGER);
    let mut client = broker.client();
    let configs = [("retention.ms", "-1"), ("min.cleanable.dirty.ratio", "0"), ("file.delete.delay.ms", "1000")];
    let t = create_topic(&mut client, "t", 1, &configs);
    write(&mut client, &t, &["a", "b"], 3);
    let segments = || broker.partition("t", 0).with_log(|log| log.segment_count());
    assert_eq!(segments(), 1, "a segment takes a gigabyte");
    alter(&mut client, "t", &[("segment.bytes", "1048576")]);
    write(&mut client, &t, &["a", "b"], 3);
    assert!(segments() > 2, "{}", segments());
    let before = size(&broker, "t");
    assert!(before > 5 * MIB);
    alter(&mut client, "t", &[("cleanup.policy", "compact")]);
    let produced = produce_in(&mut client, 13, &t, 0, &crate::support::records::batch(&["no key"]), None);
    assert_eq!(produced.error_code, 87, "INVALID_RECORD: it needs keys now");
    eventually("it is compacted", || size(&broker, "t") < 2 * MIB);
    let deleted = || {
        let files = std::fs::read_dir(broker.dir().join("t-0")).unwrap();
        files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".deleted")).count()
    };
    assert!(deleted() > 0, "what was replaced waits for file.delete.delay.ms");
    eventually("and is removed then", || deleted() == 0);
    alter(&mut client, "t", &[("cleanup.policy", "delete"), ("retention.bytes", "0")]);
    eventually("everything goes by size", || size(&broker, "t") == 0);
    assert!(list_offset(&mut client, 10, &t, -2, false).offset > 0);
    alter(&mut client, "t", &[("retention.bytes", "-1")]);
    write(&mut client, &t, &["a"], 1);
    let end = list_offset(&mut client, 10, &t, -1, false).offset;
    assert!(list_offset(&mut client, 10, &t, -2, false).offset < end);
    alter(&mut client, "t", &[("retention.ms", "1")]);
    eventually("everything goes by age", || list_offset(&mut client, 10, &t, -2, false).offset == end);
}

#[test]
fn a_restart_goes_on_where_the_checkpoint_says() {
    let mut broker = Broker::start_with(&EAGER);
    let mut client = broker.client();
    let t = create_topic(&mut client, "t", 1, &COMPACTED);
    write(&mut client, &t, &["a", "b"], 4);
    let cleaned = |broker: &Broker| broker.partition("t", 0).with_log(|log| log.cleaned_up_to());
    let plan = |broker: &Broker| broker.partition("t", 0).with_log(|log| log.clean_plan(Timestamp(now_ms())).unwrap());
    let done = |broker: &Broker| plan(broker).is_none() && !broker.is_busy("t", 0) && cleaned(broker).is_some();
    eventually("it is compacted", || done(&broker));
    let before = everything(&mut client, &t, false);
    broker.restart();
    let file = broker.dir().join(CLEANER_OFFSET_FILE);
    let written = || read_offset_checkpoint(&RealDisk, &file).unwrap().get(&TopicPartition::new("t", 0)).copied();
    eventually("the checkpoint is taken over", || cleaned(&broker).is_some());
    assert_eq!(cleaned(&broker), written());
    assert!(written().unwrap().0 > 100);
    assert_eq!(broker.cleaner().passes.get(), 0, "there was nothing left to do");
    let mut client = broker.client();
    assert!(everything(&mut client, &t, false) == before);
    // Without the checkpoint, as if the process had died before it was written, all is compacted once more, which changes nothing.
    let offset = written();
    broker.stop();
    std::fs::remove_file(&file).unwrap();
    broker.run();
    eventually("it is compacted anew", || done(&broker) && broker.cleaner().passes.get() > 0);
    assert!(everything(&mut broker.client(), &t, false) == before);
    eventually("the checkpoint is there again", || written() == offset);
}

#[test]
fn a_topic_can_be_deleted_and_made_anew_while_it_is_compacted() {
    // At this rate a pass takes hours.
    let broker = Broker::start_with(&[EAGER[0], "log.cleaner.io.max.bytes.per.second=100"]);
    let mut client = broker.client();
    let configs: Vec<_> = COMPACTED.into_iter().filter(|(key, _)| *key != "file.delete.delay.ms").collect();
    let t = create_topic(&mut client, "t", 1, &configs);
    write(&mut client, &t, &["a"], 2);
    eventually("a pass has begun", || {
        let mut files = std::fs::read_dir(broker.dir().join("t-0")).unwrap();
        files.any(|file| file.unwrap().file_name().to_string_lossy().ends_with(".cleaned")) || pass_began(&broker)
    });
    let delete = DeleteTopicsRequest::default().with_topic_names(vec![topic("t")]).with_timeout_ms(5000);
    assert_eq!(client.call(5, &delete).responses[0].error_code, 0);
    let folders = |end: &str| {
        let all = std::fs::read_dir(broker.dir()).unwrap();
        all.filter(|folder| folder.as_ref().unwrap().file_name().to_string_lossy().ends_with(end)).count()
    };
    assert_eq!(folders("-delete"), 1, "the folder waits for file.delete.delay.ms");
    let t = create_topic(&mut client, "t", 1, &configs);
    assert_eq!(append(&mut client, &t, &keyed(&[("a", Some("anew"))], None)), 0);
    assert_eq!(everything(&mut client, &t, false).len(), 1);
}

/// The first bytes of a pass are read before there is a file; then somebody has the log.
fn pass_began(broker: &Broker) -> bool {
    broker.is_busy("t", 0)
}

#[test]
fn a_damaged_log_is_left_alone_and_the_others_are_compacted() {
    let broker = Broker::start_with(&["log.cleaner.backoff.ms=5", "log.cleaner.threads=2"]);
    let mut client = broker.client();
    let configs: Vec<_> = COMPACTED.into_iter().chain([("min.compaction.lag.ms", "3600000")]).collect();
    let damaged = create_topic(&mut client, "damaged", 1, &configs);
    write(&mut client, &damaged, &["a"], 3);
    assert!(size(&broker, "damaged") >= 2 * MIB, "nothing of it may be compacted yet");
    let log =
        std::fs::File::options().write(true).open(broker.dir().join("damaged-0/00000000000000000000.log")).unwrap();
    std::os::unix::fs::FileExt::write_at(&log, b"damage", 5000).unwrap();
    alter(&mut client, "damaged", &[("min.compaction.lag.ms", "0")]);
    eventually("it is found to be damaged", || broker.cleaner().uncleanable_partitions.get() == 1);
    assert!(broker.cleaner().uncleanable_bytes.get() >= 2 << 20);
    assert!(size(&broker, "damaged") >= 2 * MIB, "what cannot be read stays");
    let good = create_topic(&mut client, "good", 1, &COMPACTED);
    write(&mut client, &good, &["a", "b"], 4);
    eventually("the others are compacted", || size(&broker, "good") < 2 * MIB);
    assert_eq!(
        append(&mut client, &damaged, &keyed(&[("a", Some("on"))], None)),
        list_offset(&mut client, 10, &damaged, -1, false).offset - 1
    );
    assert_eq!(broker.cleaner().dead_threads.get(), 0);
}

#[test]
fn the_topic_of_committed_offsets_is_compacted() {
    let small = "offsets.topic.segment.bytes=1048576";
    let mut broker = Broker::start_with(&[EAGER[0], small, "log.cleaner.min.cleanable.ratio=0.01"]);
    let mut client = broker.client();
    create_topic(&mut client, "known", 1, &[]);
    let (member, generation) = lone_member(&mut client, "readers");
    let note = "n".repeat(4000);
    let mut last = 0;
    let total = |broker: &Broker| -> u64 {
        let one = |number| broker.partition("__consumer_offsets", number).with_log(|log| log.size_in_bytes());
        (0..3).map(one).sum()
    };
    for offset in 0..1500 {
        let mut request = commit_request(9, "readers", (generation, &member), ("known", 0, offset));
        request.topics[0].partitions[0].committed_metadata = Some(text(&note));
        assert_eq!(client.call(9, &request).topics[0].partitions[0].error_code, 0);
        last = offset;
    }
    eventually("commits that were superseded are gone", || total(&broker) < 2 * MIB);
    assert!(broker.cleaner().removed_records.get() > 500);
    broker.restart();
    let found = fetch_offset(&mut broker.client(), "readers", ("known", 0), true);
    assert_eq!(found.committed_offset, last);
}
