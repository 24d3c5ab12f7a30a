//! The scenarios, by family.

mod cluster;

use crate::side::Side;

/// Asks one broker.
pub type Scenario = fn(&mut Side) -> Result<(), String>;

/// Every scenario with its name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    [cluster::SCENARIOS].concat()
}
