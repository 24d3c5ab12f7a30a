//! The `transaction.version` feature as a client used it (Kafka: TransactionVersion).

use crate::error_code::ErrorCode;

/// Which transaction protocol a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(i16)]
pub enum TransactionVersion {
    /// The protocol before KIP-890: the epoch moves only when a producer is initialised.
    #[default]
    V0 = 0,
    /// As V0, with flexible records in the log.
    V1 = 1,
    /// KIP-890: partitions are added by the append itself, and every end of a transaction moves the epoch.
    V2 = 2,
}

impl TransactionVersion {
    /// What this broker runs with, as a fresh Kafka 4.x cluster does.
    pub const SERVER: TransactionVersion = TransactionVersion::V2;

    /// From a feature level; `None` for one that does not exist yet.
    #[must_use]
    pub fn from_level(level: i16) -> Option<TransactionVersion> {
        match level {
            0 => Some(TransactionVersion::V0),
            1 => Some(TransactionVersion::V1),
            2 => Some(TransactionVersion::V2),
            _ => None,
        }
    }

    /// The feature level.
    #[must_use]
    pub fn level(self) -> i16 {
        self as i16
    }

    /// Whether each end of a transaction moves the epoch.
    #[must_use]
    pub fn bumps_epoch(self) -> bool {
        self >= TransactionVersion::V2
    }

    /// What an EndTxn request of this API version speaks: 5 and above is version 2.
    #[must_use]
    pub fn of_end_txn(api_version: i16) -> TransactionVersion {
        if api_version > 4 { TransactionVersion::V2 } else { TransactionVersion::V0 }
    }

    /// What an AddPartitionsToTxn request of this API version speaks: 4 and above is version 2.
    #[must_use]
    pub fn of_add_partitions(api_version: i16) -> TransactionVersion {
        if api_version > 3 { TransactionVersion::V2 } else { TransactionVersion::V0 }
    }
}

/// The code an old client understands: PRODUCER_FENCED is INVALID_PRODUCER_EPOCH for it. `knows_fenced` is version >= 4 for
/// InitProducerId and version >= 2 for AddPartitionsToTxn, AddOffsetsToTxn and EndTxn (Kafka: KafkaApis).
#[must_use]
pub fn for_client(error: ErrorCode, knows_fenced: bool) -> ErrorCode {
    if error == ErrorCode::ProducerFenced && !knows_fenced { ErrorCode::InvalidProducerEpoch } else { error }
}
