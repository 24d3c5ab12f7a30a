//! The scenarios, by family.

mod aborted_lists;
mod api_versions;
mod between_brokers;
mod classic_groups;
mod cluster;
mod configs;
mod configs_at_run_time;
mod consumer_group_lives;
mod consumer_groups;
pub mod features;
mod fetch;
pub mod limits;
mod list_offsets;
mod log_dirs;
mod long_polls;
mod member;
mod membership;
mod metadata;
mod migrations;
mod offsets;
mod prepared;
mod produce;
mod quotas;
mod rebalances;
mod restarted;
mod scram;
mod share_fetch;
mod share_group_offsets;
mod share_groups;
mod share_newer_versions;
mod share_states;
mod topics;
mod transactional_offsets;
mod transactions;
mod transactions_v2;
mod zombies;

use crate::restart::Story;
use crate::side::Side;

/// Asks one broker.
pub type Scenario = fn(&mut Side) -> Result<(), String>;

/// Every scenario with its name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    [
        aborted_lists::SCENARIOS,
        api_versions::SCENARIOS,
        between_brokers::SCENARIOS,
        classic_groups::SCENARIOS,
        cluster::SCENARIOS,
        configs::SCENARIOS,
        configs_at_run_time::SCENARIOS,
        consumer_group_lives::SCENARIOS,
        consumer_groups::SCENARIOS,
        fetch::SCENARIOS,
        list_offsets::SCENARIOS,
        log_dirs::SCENARIOS,
        long_polls::SCENARIOS,
        membership::SCENARIOS,
        metadata::SCENARIOS,
        migrations::SCENARIOS,
        offsets::SCENARIOS,
        produce::SCENARIOS,
        quotas::SCENARIOS,
        rebalances::SCENARIOS,
        scram::SCENARIOS,
        share_fetch::SCENARIOS,
        share_group_offsets::SCENARIOS,
        share_groups::SCENARIOS,
        share_newer_versions::SCENARIOS,
        share_states::SCENARIOS,
        topics::SCENARIOS,
        transactional_offsets::SCENARIOS,
        transactions::SCENARIOS,
        transactions_v2::SCENARIOS,
        zombies::SCENARIOS,
    ]
    .concat()
}

/// Every scenario that goes on after a restart, with its name.
pub fn restarts() -> Vec<(&'static str, Story)> {
    [prepared::STORIES, restarted::STORIES, share_fetch::STORIES].concat()
}
