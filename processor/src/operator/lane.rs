//! The short way of a record into its window, where nothing is between them: columns of texts and integers, an event time that is one of
//! them, and rows that may wait to be counted.
//!
//! No row is made: what the window keeps of a record is taken from its fields. A record that is anything but plain goes the long way, so
//! that there is one place that says what is wrong with it; both ways come to the same.

use super::error::RowError;
use super::graph::{Entrance, Segment};
use super::keeper::Keeper;
use super::pipeline::{Place, Taken};
use super::session::Added;
use super::source::PlainTime;
use crate::expr::QuickExpr;
use crate::format::RawField;
use crate::state::StageState;

/// A record has so many needed columns at most.
const MOST_COLUMNS: usize = 8;

/// From the one source of a topic to the windows of the first stage.
#[derive(Debug)]
pub struct Lane {
    columns: usize,
    time: PlainTime,
    keys: Vec<usize>,
}

impl Lane {
    /// If there is one from `entrance` to `segment`, the first.
    #[must_use]
    pub fn new(entrance: &Entrance, segment: &Segment) -> Option<Lane> {
        let Entrance { source, before, to } = entrance;
        let Keeper::Grid(operator) = &segment.keeper else { return None };
        if !before.is_empty() || to.is_none_or(|port| port.segment != 0) || segment.behind != 0 {
            return None;
        }
        let time = source.plain_time()?;
        let columns = source.columns();
        let is_text = |at: usize| columns.get(at).is_some_and(|column| column.data_type.is_text());
        let is_integer = |at: usize| columns.get(at).is_some_and(|column| column.data_type.is_integer());
        let keys = operator.plain_keys(time.time_column, is_text, is_integer)?;
        (columns.len() <= MOST_COLUMNS && is_integer(time.column)).then_some(Lane {
            columns: columns.len(),
            time,
            keys,
        })
    }

    /// Takes a record in as [`Pipeline::process`](super::Pipeline::process) does; `None` if it is to go the long way.
    #[inline]
    pub fn take(
        &self,
        entrance: &mut Entrance,
        (segment, state): (&mut Segment, &mut StageState),
        value: &[u8],
        place: &Place,
    ) -> Result<Option<Taken>, RowError> {
        let (Keeper::Grid(operator), StageState::Grid(state)) = (&mut segment.keeper, state) else { return Ok(None) };
        let mut fields = [RawField::Null; MOST_COLUMNS];
        let fields = &mut fields[..self.columns];
        let Some(json) = entrance.source.json_mut() else { return Ok(None) };
        if !json.fields(value, fields) {
            return Ok(None);
        }
        let RawField::Integer(number) = fields[self.time.column] else { return Ok(None) };
        let Some(time) = QuickExpr::epoch_millis(number, self.time.seconds) else { return Ok(None) };
        let times = (time, place.watermark.max(place.closed));
        let late = match operator.add_fields(state, times, &self.keys, fields)? {
            Added::Late(late) => Some(late),
            Added::Taken | Added::Waits => None,
        };
        Ok(Some(Taken { watermark: Some(time.wrapping_add(self.time.ms)), waits: None, late }))
    }
}

#[cfg(test)]
mod tests {
    use forebay_storage::batch::{BatchStamp, Headers, Record};
    use forebay_storage::ids::{Offset, Timestamp};
    use proptest::prelude::*;

    use super::super::pipeline::Pipeline;
    use super::super::source::BatchOrigin;
    use super::*;
    use crate::commit::RecordBuffer;
    use crate::plan::RowKind;
    use crate::sql::{PlanContext, plan_job};
    use crate::time::{Frontier, NO_WATERMARK};

    const METRICS: &str = include_str!("../../../docs/examples/user-metrics.sql");

    /// Keys of two columns, one of them a number, over windows that overlap.
    const HOPS: &str = "CREATE TABLE t (k STRING, n BIGINT, v INT, s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts)
           WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
         CREATE TABLE o (n BIGINT, w TIMESTAMP(3), k STRING, least BIGINT NOT NULL, c BIGINT)
           WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'json.encode.ignore-null-fields' = 'true');
         INSERT INTO o SELECT n, window_time, k, MIN(v), COUNT(v)
           FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND)) GROUP BY k, n, window_start, window_end, window_time;";

    /// What comes of these records and, at the end, of their windows: of each record what became of it, and all that was put out.
    fn outcome(sql: &str, records: &[Option<String>], long: bool) -> (Vec<String>, Vec<(String, Vec<u8>)>) {
        let plan = plan_job(sql, &PlanContext::nowhere()).unwrap();
        let mut pipeline = Pipeline::new(&plan.pipelines[0], 3, u64::MAX);
        if long {
            assert_eq!(pipeline.take_long_ways(), (true, true), "there is a short way in and out");
        }
        let (mut out, mut told, mut watermark, mut closed) =
            (RecordBuffer::default(), Vec::new(), NO_WATERMARK, NO_WATERMARK);
        let now = Timestamp(7);
        for (offset, record) in (0..).zip(records) {
            let value = record.as_deref().map(str::as_bytes);
            let kind = if value.is_some() { RowKind::Insert } else { RowKind::Delete };
            let (topic, partition, number, timestamp_ms) = (0, 0, 0, 0);
            let batch = BatchOrigin::default();
            let place = Place { topic, partition, number, offset, timestamp_ms, batch, watermark, closed, now, kind };
            let headers = Headers::default();
            let record = Record { offset: Offset(offset), timestamp: Timestamp(0), key: None, value, headers };
            let taken = pipeline.process(&record, place, &mut out);
            told.push(format!("{taken:?}"));
            watermark = taken.ok().and_then(|taken| taken.watermark).unwrap_or(watermark).max(watermark);
            if offset % 16 == 15 {
                let frontier = Frontier { watermark, partition: i32::MAX };
                pipeline.settle(closed, now, &mut out).unwrap();
                told.push(format!("{:?}", pipeline.close_windows(closed, frontier, now, (&mut out, u64::MAX))));
                closed = watermark;
            }
        }
        let frontier = Frontier { watermark: i64::MAX, partition: i32::MAX };
        pipeline.settle(closed, now, &mut out).unwrap();
        told.push(format!("{:?}", pipeline.close_windows(closed, frontier, now, (&mut out, u64::MAX))));
        let batches = out.into_batches().into_iter();
        (told, batches.map(|(to, batch)| (to.to_string(), batch.finish(&BatchStamp::default()).to_vec())).collect())
    }

    fn values(of: &'static [&'static str], number: std::ops::Range<i64>) -> impl Strategy<Value = String> {
        prop_oneof![8 => number.prop_map(|n| n.to_string()), 1 => prop::sample::select(of).prop_map(str::to_owned)]
    }

    const TEXTS: [&str; 9] = ["\"a\"", "\"b\"", "\"b\"", "\"\"", "\"\u{fc}\"", "\"q\\\"\"", "\"\\n\"", "null", "12"];
    const NUMBERS: [&str; 6] = ["null", "\"5\"", "1.5", "true", "99999999999999999999", "\"x\""];

    proptest! {
        #[test]
        fn both_ways_come_to_the_same(
            clicks in prop::collection::vec(
                (prop::sample::select(&TEXTS[..]), values(&NUMBERS, -5..9), values(&NUMBERS, 1_700_000_000_000..1_700_000_020_000), 0..40u8), 1..80,
            ),
        ) {
            let record = |(user, bytes, time, form): &(&str, String, String, u8)| match form {
                0 => None,
                1 => Some(format!(r#"{{"event_time":{time},"user_id":{user},"bytes":{bytes}}}"#)),
                2 => Some(format!(r#"{{"user_id":{user},"event_time":{time}}}"#)),
                3 => Some(format!(r#"{{"user_id":{user},"bytes":{bytes}"#)),
                _ => Some(format!(r#"{{"user_id":{user},"url":"/","bytes":{bytes},"event_time":{time}}}"#)),
            };
            let records: Vec<_> = clicks.iter().map(record).collect();
            prop_assert_eq!(outcome(METRICS, &records, false), outcome(METRICS, &records, true));
        }

        #[test]
        fn so_they_do_for_several_keys_and_windows(
            rows in prop::collection::vec(
                (prop::sample::select(&TEXTS[..]), values(&NUMBERS, 0..3), values(&NUMBERS, -2..2), values(&NUMBERS, 1_700_000_000..1_700_000_020)),
                1..80,
            ),
        ) {
            let record = |(k, n, v, s): &(&str, String, String, String)| Some(format!(r#"{{"k":{k}, "n":{n}, "v":{v}, "s":{s}}}"#));
            let records: Vec<_> = rows.iter().map(record).collect();
            prop_assert_eq!(outcome(HOPS, &records, false), outcome(HOPS, &records, true));
        }
    }
}
