//! What has to be told when configs of the broker change, as it does not ask for them whenever it uses them (Kafka: DynamicBrokerConfig's
//! BrokerReconfigurables).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Rooms, StartError};
use crate::cleaner::Cleaner;
use crate::config::BrokerConfig;
use crate::config::dynamic::in_force;
use crate::net::{self, ConnectionQuotas};

/// Limits of single addresses.
const OVERRIDES: &str = "max.connections.per.ip.overrides";

/// Tells the doors and the cleaner until the task is dropped.
pub async fn run(rooms: Arc<Rooms>, connections: Arc<ConnectionQuotas>, cleaner: Arc<Cleaner>) {
    let mut changes = rooms.metadata.broker_config_changes();
    let mut overrides = text_of_overrides(&rooms.config);
    loop {
        changes.borrow_and_update();
        let dynamic = rooms.metadata.dynamic();
        let now = in_force(rooms.config.values(), &dynamic, OVERRIDES).unwrap_or_default();
        if overrides != now {
            match look_up(now.to_owned()).await {
                Ok(limits) => {
                    connections.set_overrides(limits);
                    overrides = now.to_owned();
                }
                // As in Kafka, where the reconfiguration fails then; the next change tries again.
                Err(why) => tracing::error!("{why}; the limits of addresses stay as they were"),
            }
        }
        let cleaner = cleaner.clone();
        match tokio::task::spawn_blocking(move || cleaner.resize()).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::error!("a thread of the log cleaner cannot be made: {why}"),
            Err(why) => tracing::error!("the log cleaner cannot be reconfigured: {why}"),
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The limits of single addresses that the broker starts with.
///
/// # Errors
/// They cannot be read, or a host has no address.
pub async fn connection_overrides(config: &BrokerConfig) -> Result<HashMap<IpAddr, usize>, StartError> {
    look_up(text_of_overrides(config)).await.map_err(StartError)
}

fn text_of_overrides(config: &BrokerConfig) -> String {
    config.values().text(OVERRIDES).unwrap_or_default().to_owned()
}

/// Names of hosts may have to be looked up.
async fn look_up(text: String) -> Result<HashMap<IpAddr, usize>, String> {
    let looked_up = tokio::task::spawn_blocking(move || net::overrides(&text)).await;
    looked_up.unwrap_or_else(|error| Err(format!("looking up hosts failed: {error}")))
}
