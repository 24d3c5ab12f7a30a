//! Where the rows of one record go in: the first windows of a pipeline, or its sink.
//!
//! Most records make one row. Where a record makes several (one for each of its windows, before an aggregation or without one), all of
//! them are taken or none: a record that is put aside for an error of one row has left nothing behind.

use super::error::RowError;
use super::local::LocalKeeper;
use super::pipeline::{LateRow, Place, Segment, Taken};
use super::session::Added;
use super::sink::{RecordSink, Spread};
use super::window::RowPlace;
use crate::commit::RecordBuffer;
use crate::expr::Value;
use crate::state::TaskState;

/// The way in for one record.
#[derive(Debug)]
pub struct Entry<'p> {
    /// Where rows are gathered for another task, if they are.
    pub local: Option<&'p mut LocalKeeper>,
    /// The first windows, if there are any.
    pub windows: Option<(&'p mut Segment, &'p mut TaskState)>,
    /// Where rows go without windows, and corrected ones.
    pub sink: &'p mut RecordSink,
    /// What is to be written.
    pub out: &'p mut RecordBuffer,
    /// Where the record is.
    pub place: Place,
    /// Whether a row is in a window, or waits.
    pub taken: bool,
    /// Whether a row waits for the time to be placed.
    pub waits: bool,
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
    pub fn add_all(&mut self, rows: &[Vec<Value<'static>>]) -> Result<(), RowError> {
        if let Some((segment, _)) = &self.windows {
            rows.iter().try_for_each(|row| segment.keeper.check(row))?;
        }
        if let Some(local) = &self.local {
            rows.iter().try_for_each(|row| local.check(row))?;
        }
        self.out.hold();
        let added = rows.iter().try_for_each(|row| self.add(row));
        match added {
            Ok(()) => self.out.keep(),
            Err(_) => self.out.undo(),
        }
        added
    }

    /// Takes one row.
    pub fn add(&mut self, row: &[Value<'_>]) -> Result<(), RowError> {
        let Entry { local, windows, sink, out, place, taken, waits, late } = self;
        let row_place = RowPlace { watermark: place.watermark, closed: place.closed, partition: place.partition };
        let added = match (&mut *local, &mut *windows) {
            (Some(local), _) => local.add(row, row_place)?,
            (None, Some((segment, state))) => segment.keeper.add(state.first(), row, row_place)?,
            (None, None) => return sink.write(row, Spread::Input(place.partition), place.now, out),
        };
        match added {
            Added::Taken => *taken = true,
            Added::Waits => (*taken, *waits) = (true, true),
            Added::Late(row) => *late = Some(row),
        }
        let Some((segment, state)) = windows else { return Ok(()) };
        let done = segment.correct(state, place.closed, &mut Vec::new(), &mut |row, group| {
            sink.write(row, Spread::Group(group), place.now, out)
        });
        // The row counts already: this is not to be taken for an error of its record.
        done.map_err(|error| RowError::Correction(Box::new(error)))
    }
}
