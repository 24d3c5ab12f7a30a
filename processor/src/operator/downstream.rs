//! What comes after a stage that keeps rows: the other such stages, and the sink.

use forebay_storage::ids::Timestamp;

use super::error::RowError;
use super::graph::{Port, Segment};
use super::session::Added;
use super::sink::{RecordSink, Spread};
use super::stages;
use super::window::RowPlace;
use crate::commit::RecordBuffer;
use crate::expr::Value;
use crate::plan::RowKind;
use crate::state::StageState;

/// The segments from one on, with their state, and the sink.
#[derive(Debug)]
pub struct Downstream<'p> {
    /// The segments.
    pub segments: &'p mut [Segment],
    /// The state of each.
    pub windows: &'p mut [StageState],
    /// Number of the first of them.
    pub first: usize,
    /// The sink.
    pub sink: &'p mut RecordSink,
    /// What is to be written.
    pub out: &'p mut RecordBuffer,
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Wall clock.
    pub now: Timestamp,
}

impl Downstream<'_> {
    /// Takes a row of the group `group` in at `to`; none is the sink.
    pub fn take(&mut self, to: Option<Port>, row: &[Value<'_>], kind: RowKind, group: &[u8]) -> Result<(), RowError> {
        let Some(port) = to else { return self.sink.write(row, kind, Spread::Group(group), self.now, self.out) };
        let (closed, now) = (self.closed, self.now.0);
        self.enter(port, |segment, windows, mut next| {
            let Segment { keeper, after, to, behind, late, .. } = segment;
            let closed = closed.saturating_sub(*behind);
            let place = RowPlace { watermark: closed, closed, partition: 0, side: port.side, kind, now };
            let mut scratch = Vec::new();
            let added = keeper.add(windows, row, place, &mut |row, kind, group| {
                stages::run(after, row, &mut scratch, &mut |row| next.take(*to, row, kind, group))
            });
            *late += u64::from(matches!(added?, Added::Late(_)));
            Ok(())
        })
    }

    /// Hands the segment at `port`, its state, and what comes after it to `work`.
    pub fn enter<T>(&mut self, port: Port, work: impl FnOnce(&mut Segment, &mut StageState, Downstream<'_>) -> T) -> T {
        let at = port.segment - self.first;
        let (segment, segments) = self.segments[at..].split_first_mut().expect("a port is of a segment that there is");
        let (own, windows) = self.windows[at..].split_first_mut().expect("each segment has its state");
        let (first, closed, now) = (port.segment + 1, self.closed, self.now);
        work(segment, own, Downstream { segments, windows, first, sink: self.sink, out: self.out, closed, now })
    }
}
