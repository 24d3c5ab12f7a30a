//! Why a producer's batch is refused.

use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence};

/// A batch does not follow on what its producer wrote before. One variant for each of Kafka's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProducerError {
    #[error("sequence {found} of producer {producer_id} does not follow on {last}")]
    OutOfOrderSequence { producer_id: ProducerId, found: Sequence, last: Sequence },
    #[error("epoch {found} of producer {producer_id} is older than {current}, the last one seen")]
    InvalidProducerEpoch { producer_id: ProducerId, found: ProducerEpoch, current: ProducerEpoch },
    #[error("producer {producer_id} wrote outside of its transaction, which has been open since offset {since}")]
    InvalidTxnState { producer_id: ProducerId, since: Offset },
    #[error(
        "epoch {found} of the transaction coordinator is older than {current}, the last one seen for {producer_id}"
    )]
    CoordinatorFenced { producer_id: ProducerId, found: i32, current: i32 },
}
