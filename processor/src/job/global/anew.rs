//! What a merging task forgets when the job's input is another topic under the old name: the windows of the old one, and how far its partitions
//! had come.

use forebay_storage::ids::Timestamp;

use super::times::Times;
use crate::commit::RecordBuffer;
use crate::job::clock::{Closing, EventClock};
use crate::job::error::TaskError;
use crate::operator::Pipeline;
use crate::state::TaskState;
use crate::time::NO_WATERMARK;

/// Bytes of rows that nobody sees, after which they are given up.
const MOST: u64 = 1 << 20;

/// Closes all windows without a result, and begins with time anew in a topic of so many `partitions`. Says what is lost, if anything is.
pub fn forget(
    pipeline: &mut Pipeline,
    clock: &mut EventClock,
    times: &mut Times,
    partitions: i32,
    now: Timestamp,
) -> Result<Option<String>, TaskError> {
    let open = pipeline.state().map_or(0, TaskState::windows);
    clock.raise(i64::MAX);
    while clock.is_behind() {
        let mut nowhere = RecordBuffer::default();
        let closing = Closing { pipeline, out: &mut nowhere, most: MOST, now, late: &mut |_, _| () };
        clock.advance(false, closing)?;
    }
    times.begin_anew(partitions);
    *clock = EventClock::new(NO_WATERMARK, std::iter::empty());
    Ok((open > 0)
        .then(|| format!("the topic was deleted and made anew: {open} open windows of the old one were dropped")))
}
