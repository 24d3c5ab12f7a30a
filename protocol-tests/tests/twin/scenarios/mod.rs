//! The scenarios, by family.

mod api_versions;
mod cluster;
mod consumer_groups;
mod list_offsets;
mod metadata;
mod produce;
mod topics;

use crate::side::Side;

/// Asks one broker.
pub type Scenario = fn(&mut Side) -> Result<(), String>;

/// Every scenario with its name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    [
        api_versions::SCENARIOS,
        cluster::SCENARIOS,
        consumer_groups::SCENARIOS,
        list_offsets::SCENARIOS,
        metadata::SCENARIOS,
        produce::SCENARIOS,
        topics::SCENARIOS,
    ]
    .concat()
}
