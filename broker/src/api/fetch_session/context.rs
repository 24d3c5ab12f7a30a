//! One request on its way through its session.

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::Offset;

use super::session::{FetchKey, PartitionRequest};

/// What a request says about its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRequest {
    /// The session; 0 for none.
    pub session_id: i32,
    /// Its epoch: 0 asks for a new session, -1 for none or closes it; requests before version 7 count as -1.
    pub epoch: i32,
    /// Whether the request names topics by id: version 13 and later.
    pub uses_topic_ids: bool,
    /// Whether a follower asks; its sessions are not pushed out by those of consumers.
    pub privileged: bool,
}

/// A request between [`super::FetchSessions::begin`] and [`super::FetchSessions::finish`].
#[derive(Debug)]
pub struct SessionContext {
    kind: Kind,
    partitions: Vec<(FetchKey, PartitionRequest)>,
}

/// How a request relates to sessions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It has none and wants none.
    Sessionless,
    /// It wants a new one.
    Full(SessionRequest),
    /// It goes on with one, whose epoch it has moved to `epoch`.
    Incremental { session_id: i32, epoch: i32 },
}

impl SessionContext {
    pub(super) fn new(kind: Kind, partitions: Vec<(FetchKey, PartitionRequest)>) -> SessionContext {
        SessionContext { kind, partitions }
    }

    /// The partitions to read, in the order in which they are due.
    #[must_use]
    pub fn partitions(&self) -> &[(FetchKey, PartitionRequest)] {
        &self.partitions
    }

    /// Whether unchanged partitions are left out of the answer.
    #[must_use]
    pub fn is_incremental(&self) -> bool {
        matches!(self.kind, Kind::Incremental { .. })
    }

    /// The session that goes on with this request, or 0.
    #[must_use]
    pub fn session_id(&self) -> i32 {
        match self.kind {
            Kind::Incremental { session_id, .. } => session_id,
            Kind::Sessionless | Kind::Full(_) => 0,
        }
    }

    pub(super) fn into_parts(self) -> (Kind, Vec<(FetchKey, PartitionRequest)>) {
        (self.kind, self.partitions)
    }
}

/// What became of one partition, as far as sessions care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOutcome {
    /// The error in its answer.
    pub error: ErrorCode,
    /// The high watermark in its answer.
    pub high_watermark: Offset,
    /// The log's start in its answer.
    pub log_start_offset: Offset,
    /// Whether there are records in its answer.
    pub has_records: bool,
    /// Whether its answer sends the client to another replica, or tells of a diverging epoch.
    pub redirects: bool,
}

/// What goes into the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The error of the whole answer; there are no partitions with one.
    pub error: ErrorCode,
    /// The session id in the answer.
    pub session_id: i32,
    /// The partitions in the answer, as ascending positions in [`SessionContext::partitions`].
    pub included: Vec<usize>,
}

impl Finished {
    pub(super) fn everything(session_id: i32, count: usize) -> Finished {
        Finished { error: ErrorCode::None, session_id, included: (0..count).collect() }
    }
}
