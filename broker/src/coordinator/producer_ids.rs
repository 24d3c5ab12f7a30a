//! Producer ids, handed out from blocks that the controller reserves.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::ProducerId;
use parking_lot::Mutex;

use super::metadata::Metadata;

/// Ids that nobody has.
pub struct ProducerIds {
    metadata: Arc<Metadata>,
    /// Next id and the end of the block it is from.
    block: Mutex<(i64, i64)>,
}

impl ProducerIds {
    /// Takes its first block when the first id is asked for.
    pub fn new(metadata: Arc<Metadata>) -> ProducerIds {
        ProducerIds { metadata, block: Mutex::new((0, 0)) }
    }

    /// An id that was never given out before.
    pub fn fresh(&self) -> Result<ProducerId, ErrorCode> {
        let mut block = self.block.lock();
        if block.0 == block.1 {
            let (first, count) = self.metadata.allocate_producer_ids()?;
            *block = (first.0, first.0 + i64::from(count));
        }
        let id = ProducerId(block.0);
        block.0 += 1;
        Ok(id)
    }
}
