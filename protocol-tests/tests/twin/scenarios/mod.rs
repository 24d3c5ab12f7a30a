//! The scenarios, by family.

mod api_versions;
mod classic_groups;
mod cluster;
mod configs;
mod consumer_groups;
mod fetch;
mod list_offsets;
mod metadata;
mod offsets;
mod produce;
mod quotas;
mod share_groups;
mod topics;
mod transactions;

use crate::side::Side;

/// Asks one broker.
pub type Scenario = fn(&mut Side) -> Result<(), String>;

/// Every scenario with its name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    [
        api_versions::SCENARIOS,
        classic_groups::SCENARIOS,
        cluster::SCENARIOS,
        configs::SCENARIOS,
        consumer_groups::SCENARIOS,
        fetch::SCENARIOS,
        list_offsets::SCENARIOS,
        metadata::SCENARIOS,
        offsets::SCENARIOS,
        produce::SCENARIOS,
        quotas::SCENARIOS,
        share_groups::SCENARIOS,
        topics::SCENARIOS,
        transactions::SCENARIOS,
    ]
    .concat()
}
