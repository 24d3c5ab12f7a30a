//! A running node: which rooms there are, how they are opened and closed. It has no business of its own.

mod data_dirs;
mod open;
pub mod owner;
mod reconfigure;
mod run;
mod upkeep;

pub use run::{Running, StartError, Surroundings, runtime, start, start_in, stop_signal};

use std::sync::Arc;

use forebay_storage::ids::BrokerId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::api::fetch_session::FetchSessions;
use crate::config::BrokerConfig;
use crate::coordinator::features::Features;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::share_states::ShareStates;
use crate::coordinator::transactions::Transactions;
use crate::metrics::Metrics;
use crate::partition::Partitions;
use crate::quota::Quotas;
use crate::share::ShareGroups;

/// Everything a request can be given; each handler is given what the API table says.
pub struct Rooms {
    /// Who we are.
    pub cluster: Cluster,
    /// The configuration.
    pub config: Arc<BrokerConfig>,
    /// Limits on what clients may ask.
    pub limits: Limits,
    /// Topics and their configs.
    pub metadata: Arc<Metadata>,
    /// Logs.
    pub partitions: Arc<Partitions>,
    /// Consumer groups.
    pub groups: Arc<Groups>,
    /// Transactions.
    pub transactions: Arc<Transactions>,
    /// What share groups have delivered.
    pub share_states: Arc<ShareStates>,
    /// What members of share groups have.
    pub share_groups: Arc<ShareGroups>,
    /// Incremental fetch sessions.
    pub fetch_sessions: Arc<Mutex<FetchSessions>>,
    /// The features that are on.
    pub features: Arc<Features>,
    /// Client quotas.
    pub quotas: Arc<Quotas>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Turns true when the broker stops.
    pub stop: watch::Receiver<bool>,
}

/// The cluster and this node in it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Kafka's cluster id, 22 characters.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: BrokerId,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// Limits on what clients may ask.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `socket.request.max.bytes`.
    pub max_frame_bytes: usize,
    /// `connections.max.idle.ms`; very large when it is off.
    pub max_idle_ms: u64,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn of(config: &BrokerConfig) -> Limits {
        let network = &config.network;
        let at_least_0 = |n: i32| usize::try_from(n).unwrap_or(0);
        Limits {
            max_frame_bytes: at_least_0(network.request_max_bytes),
            // Kafka: a negative time is none; ten years are none as well.
            max_idle_ms: u64::try_from(network.connections_max_idle_ms).unwrap_or(315_360_000_000),
        }
    }
}
