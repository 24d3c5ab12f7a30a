//! Record value to source row: decode the needed columns, compute the others, and see what time it is.

use super::error::RowError;
use crate::expr::Value;
use crate::format::{JsonDecoder, recycle};
use crate::plan::{Format, Source};

/// Makes rows of a source table.
#[derive(Debug)]
pub struct RowSource {
    plan: Source,
    decoder: JsonDecoder,
    ignore_parse_errors: bool,
    processing_time: bool,
    row: Vec<Value<'static>>,
}

impl RowSource {
    /// For the table of `plan`.
    #[must_use]
    pub fn new(plan: &Source) -> RowSource {
        let Format::Json(format) = &plan.format;
        RowSource {
            decoder: JsonDecoder::new(&plan.columns, format),
            ignore_parse_errors: format.ignore_parse_errors,
            processing_time: plan.is_processing_time(),
            plan: plan.clone(),
            row: Vec::new(),
        }
    }

    /// Whether undecodable records are skipped instead of failing the job.
    #[must_use]
    pub fn ignores_parse_errors(&self) -> bool {
        self.ignore_parse_errors
    }

    /// Hands the row in `value` to `take`. Returns the watermark that the row stands for, if it has one.
    ///
    /// `take` gets the row before its watermark counts, as in Flink. PROCTIME() is `now`, in ms.
    pub fn read(
        &mut self,
        value: &[u8],
        now: i64,
        take: &mut dyn FnMut(&[Value<'_>]) -> Result<(), RowError>,
    ) -> Result<Option<i64>, RowError> {
        let mut row: Vec<Value<'_>> = std::mem::take(&mut self.row);
        self.decoder
            .decode(value, &mut row)
            .map_err(|error| RowError::Decode { table: self.plan.table.clone(), error })?;
        for computed in &self.plan.computed {
            // Owned, as it joins the row it is computed from: that costs something only for a text that is a mere copy.
            row.push(match computed.expr.is_proctime() {
                true => Value::timestamp(now),
                false => computed.expr.eval(&row)?.into_owned(),
            });
        }
        let watermark = self.watermark(&row)?;
        take(&row)?;
        self.row = recycle(row);
        Ok(watermark)
    }

    fn watermark(&self, row: &[Value<'_>]) -> Result<Option<i64>, RowError> {
        let Some(event_time) = self.plan.event_time.as_ref().filter(|_| !self.processing_time) else { return Ok(None) };
        if row[event_time.column].is_null() {
            return Err(self.null_event_time(event_time.column));
        }
        Ok(match event_time.watermark.eval(row)? {
            Value::Timestamp(time) => Some(time.millis),
            _ => None,
        })
    }

    fn null_event_time(&self, position: usize) -> RowError {
        let decoded = self.plan.columns.iter().map(|column| &column.name);
        let computed = self.plan.computed.iter().map(|column| &column.name);
        let column = decoded.chain(computed).nth(position).cloned().unwrap_or_default();
        RowError::NullEventTime { table: self.plan.table.clone(), column }
    }
}
