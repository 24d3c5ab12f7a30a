//! Why nothing comes out of a task, in sentences.

use super::status::{Hold, TaskStatus};
use super::subtask::Stage;

/// A watermark that is ahead of the clock by more than this (ms) is no matter of clocks that differ.
const FAR_AHEAD_MS: i64 = 3_600_000;

/// Sentences that say what a task waits for, the most telling one first; none if results come as soon as records do. `now` is the wall
/// clock in ms.
#[must_use]
pub fn why(status: &TaskStatus, now: i64) -> Vec<String> {
    let topic = status.source.as_str();
    if status.finished {
        return vec![format!("the input has ended: topic {topic} is read up to its bound")];
    }
    let mut reasons = Vec::new();
    if status.stage != Stage::Global && status.inputs.iter().all(|input| input.end == 0) {
        reasons.push(format!("no input: topic {topic} has no records"));
    }
    if let Some(end) = status.next_close.filter(|_| status.processing_time) {
        reasons.push(format!("the next window closes at {} by the broker's clock", time_text(end)));
    } else if let Some(end) = status.next_close {
        reasons.push(match &status.held_by {
            Some(hold) => held(hold, now),
            None => "every partition is idle: the watermark stands until records come".to_owned(),
        });
        reasons.push(closes(end, status.watermark));
    } else if status.windowed && status.lag() == 0 && reasons.is_empty() {
        reasons.push(match status.records_in > 0 && status.records_out == 0 {
            true => "no window is open, and nothing has come out".to_owned(),
            false => "no window is open: everything read so far is put out".to_owned(),
        });
    }
    reasons.extend(left_out(status, now));
    if !status.waiting_for_others.is_empty() {
        let partitions: Vec<String> = status.waiting_for_others.iter().map(i32::to_string).collect();
        let list = partitions.join(", ");
        reasons.push(format!("partition {list} waits for the slowest one (scan.watermark.alignment.max-drift)"));
    }
    reasons.extend(status.inputs.iter().filter_map(|input| input.gap.clone()));
    if let Some(bad) = &status.last_bad {
        let (count, partition, offset) = (status.undecodable, bad.partition, bad.offset);
        reasons
            .push(format!("{count} records passed over, the last one {topic}-{partition}@{offset}: {}", bad.message));
    }
    reasons
}

/// Where records go that were read and did not become rows.
fn left_out(status: &TaskStatus, now: i64) -> Option<String> {
    if status.records_out > 0 || status.stage == Stage::Local {
        return None;
    }
    if status.late > 0 {
        let ahead = status.watermark.map_or(0, |watermark| watermark.saturating_sub(now));
        let future = match ahead > FAR_AHEAD_MS {
            true => format!(
                "; the watermark is {} h ahead of the clock: a row with a time in the future has moved it",
                ahead / 3_600_000
            ),
            false => {
                "; a longer delay in the table's WATERMARK, or 'forebay.allowed-lateness', lets such rows in".to_owned()
            }
        };
        return Some(format!("{} rows came after their windows had closed{future}", status.late));
    }
    let passed = !status.windowed && status.records_in > 0 && status.undecodable == 0;
    let read = status.records_in;
    passed.then(|| {
        format!("none of the {read} records read became a row: WHERE has let none through, or they have no value")
    })
}

fn held(hold: &Hold, now: i64) -> String {
    let topic = &hold.topic;
    let at =
        hold.watermark.map_or("before its first row".to_owned(), |watermark| format!("at {}", time_text(watermark)));
    let partition = format!("partition {topic}-{} holds the watermark {at}", hold.partition);
    let Some(since) = hold.resting_since else { return format!("{partition}, more of it is being read") };
    let silent = format!("{partition}, nothing has come for {} s", (now - since).max(0) / 1_000);
    match hold.idle_at {
        Some(at) if at > now => format!("{silent}, it is left out as idle in {} s", (at - now + 999) / 1_000),
        Some(_) => silent,
        None => format!("{silent}, it is never left out (idle timeout 0)"),
    }
}

fn closes(end: i64, watermark: Option<i64>) -> String {
    let last = end.saturating_sub(1);
    let left = watermark.map(|watermark| last.saturating_sub(watermark).max(0));
    let left = left.map_or(String::new(), |ms| format!(", {}.{:03} s of event time away", ms / 1_000, ms % 1_000));
    format!("the next window closes when the watermark reaches {}{left}", time_text(last))
}

/// A time in ms since 1970 as people read it.
#[must_use]
pub fn time_text(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::InputStatus;
    use crate::job::status::BadRecord;

    fn input(partition: i32, position: i64, end: i64) -> InputStatus {
        let lag = end - position;
        let topic = "t".to_owned();
        InputStatus {
            topic,
            partition,
            position,
            end,
            lag,
            bound: None,
            watermark: None,
            idle: false,
            late: 0,
            undecodable: 0,
            gap: None,
        }
    }

    fn status() -> TaskStatus {
        let inputs = vec![input(0, 5, 5), input(2, 0, 0)];
        TaskStatus { windowed: true, source: "t".to_owned(), inputs, ..TaskStatus::default() }
    }

    #[test]
    fn it_says_which_partition_holds_since_when_and_what_it_takes() {
        let topic = "t".to_owned();
        let hold = Hold { topic, partition: 2, watermark: None, resting_since: Some(1_000), idle_at: Some(16_000) };
        let waiting = TaskStatus { next_close: Some(10_000), held_by: Some(hold.clone()), ..status() };
        assert_eq!(
            why(&waiting, 5_500),
            [
                "partition t-2 holds the watermark before its first row, nothing has come for 4 s, it is left out as idle in 11 s",
                "the next window closes when the watermark reaches 1970-01-01T00:00:09.999Z",
            ]
        );
        let hold = Hold { watermark: Some(8_500), idle_at: None, ..hold };
        let waiting = TaskStatus { watermark: Some(8_500), held_by: Some(hold), ..waiting };
        assert_eq!(
            why(&waiting, 5_500),
            [
                "partition t-2 holds the watermark at 1970-01-01T00:00:08.500Z, nothing has come for 4 s, it is never left out (idle timeout 0)",
                "the next window closes when the watermark reaches 1970-01-01T00:00:09.999Z, 1.499 s of event time away",
            ]
        );
    }

    #[test]
    fn it_says_that_all_rows_were_late_and_what_is_to_be_done() {
        let late = TaskStatus { records_in: 3, late: 3, watermark: Some(10_000), ..status() };
        assert_eq!(
            why(&late, 10_000),
            [
                "no window is open, and nothing has come out",
                "3 rows came after their windows had closed; a longer delay in the table's WATERMARK, or 'forebay.allowed-lateness', \
                 lets such rows in",
            ]
        );
        let future = TaskStatus { watermark: Some(10_000_000_000), ..late.clone() };
        let reasons = why(&future, 2_800_000_000);
        assert!(
            reasons[1].contains("the watermark is 2000 h ahead of the clock: a row with a time in the future"),
            "{reasons:?}"
        );
        assert_eq!(why(&TaskStatus { records_out: 1, ..late }, 0).len(), 1, "something came out");
    }

    #[test]
    fn it_says_what_else_there_is() {
        let empty = TaskStatus { inputs: vec![input(0, 0, 0)], ..status() };
        assert_eq!(why(&empty, 0), ["no input: topic t has no records"]);
        assert_eq!(why(&status(), 0), ["no window is open: everything read so far is put out"]);
        let idle = TaskStatus { next_close: Some(10_000), waiting_for_others: vec![0, 2], ..status() };
        let reasons = why(&idle, 0);
        assert!(reasons[0].starts_with("every partition is idle") && reasons[2].starts_with("partition 0, 2 waits"));
        let bad = BadRecord { partition: 1, offset: 7, class: "decode", message: "no row".to_owned() };
        let stateless = TaskStatus { windowed: false, last_bad: Some(bad), undecodable: 3, ..status() };
        assert_eq!(why(&stateless, 0), ["3 records passed over, the last one t-1@7: no row"]);
        let none_out = TaskStatus { windowed: false, records_in: 4, ..status() };
        assert_eq!(
            why(&none_out, 0),
            ["none of the 4 records read became a row: WHERE has let none through, or they have no value"]
        );
        assert!(why(&TaskStatus { records_out: 1, ..none_out }, 0).is_empty());
        assert!(why(&TaskStatus { finished: true, ..status() }, 0)[0].starts_with("the input has ended"));
    }
}
