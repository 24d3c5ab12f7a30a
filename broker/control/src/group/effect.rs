//! What a group coordinator wants done outside of itself.

/// Work for the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEffect {
    /// A line for the operator's log: why a group rebalances, who was removed.
    Log(String),
}
