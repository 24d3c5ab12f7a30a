//! Where the rows of one record go in: the first windows of a pipeline, or its sink.
//!
//! Most records make one row. Where a record makes several (one for each of its windows, before an aggregation or without one), all of
//! them are taken or none: a record that is put aside for an error of one row has left nothing behind.

use super::error::RowError;
use super::pipeline::{LateRow, Place, Segment, Taken};
use super::session::Added;
use super::sink::{RecordSink, Spread};
use super::stages;
use super::window::RowPlace;
use crate::commit::RecordBuffer;
use crate::expr::Value;
use crate::state::TaskState;

/// The way in for one record.
#[derive(Debug)]
pub struct Entry<'p> {
    /// The first windows, if there are any.
    pub windows: Option<(&'p mut Segment, &'p mut TaskState)>,
    /// Where rows go without windows, and corrected ones.
    pub sink: &'p mut RecordSink,
    /// What is to be written.
    pub out: &'p mut RecordBuffer,
    /// Where the record is.
    pub place: Place,
    /// Whether a row is in a window.
    pub taken: bool,
    /// The last row that was late.
    pub late: Option<LateRow>,
}

impl Entry<'_> {
    /// What became of the record, which stands for `watermark`.
    #[must_use]
    pub fn outcome(self, watermark: Option<i64>) -> Taken {
        let late = self.late.filter(|_| !self.taken);
        Taken { watermark, late }
    }

    /// Takes all rows of the record or, if that fails by the record's fault, none.
    pub fn add_all(&mut self, rows: &[Vec<Value<'static>>]) -> Result<(), RowError> {
        if let Some((segment, _)) = &self.windows {
            rows.iter().try_for_each(|row| segment.keeper.check(row))?;
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
        let Entry { windows, sink, out, place, taken, late } = self;
        let Some((segment, state)) = windows else {
            return sink.write(row, Spread::Input(place.partition), place.now, out);
        };
        let row_place = RowPlace { watermark: place.watermark, closed: place.closed, partition: place.partition };
        let Segment { keeper, after, .. } = &mut **segment;
        match keeper.add(state.first(), row, row_place)? {
            Added::Taken => *taken = true,
            Added::Late(row) => *late = Some(row),
        }
        let mut corrected = Vec::new();
        let done = keeper.correct(state.first(), place.closed, &mut |row, group| {
            stages::run(after, row, &mut corrected, &mut |row| sink.write(row, Spread::Group(group), place.now, out))
        });
        // The row counts already: this is not to be taken for an error of its record.
        done.map_err(|error| RowError::Correction(Box::new(error)))
    }
}
