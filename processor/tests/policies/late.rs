//! Late rows: into a topic, with the reason.

use forebay_processor::job::header;

use crate::support::plans::{INPUT, click};
use crate::support::run_and_finish;
use crate::{host, metric, open, rows, send, windowed};

const LATE: &str = ", 'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late', 'scan.watermark.idle-timeout' = '0'";

#[test]
fn a_late_row_goes_to_its_topic_with_the_window_and_the_watermark() {
    let host = host(2);
    send(&host, 0, "a", &[5_000, 12_000]);
    let late = click("a", Some(7), 9_999, 0);
    host.produce_record(INPUT, 0, (55, Some(b"key"), Some(late.as_bytes())), &[("h", Some(b"1"))]);
    // Partition 1 is behind: the window is open, and yet the row of partition 0 is late by its own partition's watermark.
    send(&host, 1, "b", &[1_000]);
    let mut task = open(&windowed(LATE), &host);
    run_and_finish(&mut task, &host).unwrap();
    let found = host.records("late");
    assert_eq!(found.len(), 1);
    let record = &found[0];
    assert_eq!((record.partition, record.timestamp, record.key.as_deref()), (0, 55, Some("key")));
    assert_eq!(record.value.as_ref(), Some(&late));
    assert_eq!(record.headers[0], ("h".to_owned(), Some("1".to_owned())));
    for (key, value) in [
        (header::JOB, "job"),
        (header::TOPIC, INPUT),
        (header::PARTITION, "0"),
        (header::OFFSET, "2"),
        (header::WINDOW_END, "10000"),
        (header::WATERMARK, "10000"),
    ] {
        assert_eq!(record.header(key), value);
    }
    let status = task.status();
    assert_eq!((status.late, status.records_aside, status.records_out), (1, 1, 0));
    send(&host, 0, "z", &[40_000]);
    send(&host, 1, "z", &[40_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(
        rows(&host),
        [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))]
    );
}

#[test]
fn without_a_word_it_is_dropped_and_counted() {
    let host = host(1);
    send(&host, 0, "a", &[30_000, 1_000]);
    let mut task = open(&windowed(""), &host);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!((task.status().late, task.status().records_aside), (1, 0));
}
