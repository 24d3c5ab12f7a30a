//! What a group coordinator wants done outside of itself.

use super::consumer::ResolveRegexes;
use crate::share::group::InitializeShareState;

/// Work for the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEffect {
    /// A line for the operator's log: why a group rebalances, who was removed.
    Log(String),
    /// Match regular expressions with the topics' names, and bring what comes out as
    /// [`GroupCommand::RegexesResolved`](super::GroupCommand::RegexesResolved). One that is dropped is asked for again.
    ResolveRegexes(ResolveRegexes),
    /// Let the share coordinator begin states, and say what came of it with
    /// [`GroupCommand::ShareStateInitialized`](super::GroupCommand::ShareStateInitialized). One that is dropped is asked for again.
    InitializeShareState(InitializeShareState),
}
