//! Where the rows of one record go in: the first windows of a pipeline, or its sink.
//!
//! Most records make one row. Where a record makes several (one for each of its windows, before an aggregation or without one, or for each
//! of several sources that read its topic), all of them are taken or none: a record that is put aside for an error of one row has left
//! nothing behind.

use super::downstream::Downstream;
use super::error::RowError;
use super::graph::{Port, Segment};
use super::local::LocalKeeper;
use super::pipeline::{LateRow, Place, Taken};
use super::session::Added;
use super::sink::Spread;
use super::stages;
use super::window::RowPlace;
use crate::expr::Value;
use crate::plan::RowKind;

/// A row of its own, and where it goes in; none is the sink.
pub type OwnedRow = (Option<Port>, Vec<Value<'static>>);

/// The way in for one record.
#[derive(Debug)]
pub struct Entry<'p> {
    /// Where rows are gathered for another task, if they are.
    pub local: Option<&'p mut LocalKeeper>,
    /// All segments, and the sink.
    pub rest: Downstream<'p>,
    /// Where the record is.
    pub place: Place,
    /// Whether a row is in a window, or waits.
    pub taken: bool,
    /// In which segment a row waits for the time to be placed.
    pub waits: Option<usize>,
    /// The last row that was late.
    pub late: Option<LateRow>,
}

impl Entry<'_> {
    /// What became of the record, which stands for `watermark`.
    #[must_use]
    pub fn outcome(self, watermark: Option<i64>) -> Taken {
        let late = self.late.filter(|_| !self.taken);
        Taken { watermark, waits: self.waits, late }
    }

    /// Takes all rows of the record or, if that fails by the record's fault, none.
    pub fn add_all(&mut self, rows: &[OwnedRow]) -> Result<(), RowError> {
        for (to, row) in rows {
            match (&self.local, to) {
                (Some(local), _) => local.check(row)?,
                (None, Some(port)) => self.rest.segments[port.segment].keeper.check(row, port.side)?,
                (None, None) => {}
            }
        }
        self.rest.out.hold();
        let added = rows.iter().enumerate().try_for_each(|(at, (to, row))| {
            // What was taken in before it cannot be taken out: this is not to be taken for an error of its record.
            let is_half = at > 0 && (self.local.is_some() || rows[..at].iter().any(|(to, _)| to.is_some()));
            let added = self.add(*to, row);
            added.map_err(|error| if is_half { RowError::Change(Box::new(error)) } else { error })
        });
        match added {
            Ok(()) => self.rest.out.keep(),
            Err(_) => self.rest.out.undo(),
        }
        added
    }

    /// Takes one row in at `to`.
    pub fn add(&mut self, to: Option<Port>, row: &[Value<'_>]) -> Result<(), RowError> {
        let Entry { local, rest, place, taken, waits, late } = self;
        let Place { watermark, closed, number, kind, .. } = *place;
        let side = to.map_or_else(Default::default, |port| port.side);
        let row_place = RowPlace { watermark, closed, partition: number, side, kind, now: place.now.0 };
        let added = match (&mut *local, to) {
            (Some(local), _) => local.add(row, row_place)?,
            (None, Some(port)) => rest.enter(port, |segment, windows, mut next| {
                let Segment { keeper, after, to, behind, .. } = segment;
                // As it is for rows that come from a stage before it.
                let closed = closed.saturating_sub(*behind);
                let row_place = RowPlace { closed, ..row_place };
                let mut scratch = Vec::new();
                let mut take = |row: &[Value<'_>], kind: RowKind, group: &[u8]| {
                    stages::run(after, row, &mut scratch, &mut |row| next.take(*to, row, kind, group))
                };
                let added = keeper.add(windows, row, row_place, &mut take)?;
                // The row counts already: this is not to be taken for an error of its record.
                let corrected = keeper.correct(windows, closed, &mut take);
                corrected.map_err(|error| RowError::Correction(Box::new(error)))?;
                Ok::<_, RowError>(added)
            })?,
            (None, None) => return rest.sink.write(row, kind, Spread::Input(place.partition), place.now, rest.out),
        };
        match added {
            Added::Taken => *taken = true,
            Added::Waits => (*taken, *waits) = (true, Some(to.map_or(0, |port| port.segment))),
            Added::Late(row) => *late = Some(row),
        }
        Ok(())
    }
}
