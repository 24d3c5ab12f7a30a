//! From a configuration to open rooms, and the orderly way back.

use std::sync::Arc;

use forebay_control::group::{ConsumerGroupConfig, GroupConfig, MigrationPolicy};
use forebay_control::metadata::MetadataConfig;
use forebay_control::metadata::command::{Endpoint, RegisterBroker};
use forebay_control::share::group::ShareGroupConfig;
use forebay_control::share::state::ShareCoordinatorConfig;
use forebay_control::transaction::TransactionConfig;
use forebay_storage::disk::{Disk, raise_open_file_limit};
use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId, TopicPartition};
use forebay_storage::log::LogConfig;
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::data_dirs::{self, DataDir};
use super::owner;
use super::run::{StartError, Surroundings};
use super::{Cluster, Limits, Rooms};
use crate::api;
use crate::api::fetch_session::FetchSessions;
use crate::config::BrokerConfig;
use crate::config::key::{Key, Scope};
use crate::config::table::table;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::share_states::ShareStates;
use crate::coordinator::transactions::Transactions;
use crate::coordinator::{METADATA_LOG, OFFSETS_TOPIC, SHARE_STATE_TOPIC, TRANSACTIONS_TOPIC, internal_topics};
use crate::jobs::{BrokerHost, Jobs};
use crate::metrics::Metrics;
use crate::net::Listener;
use crate::partition::{FoundDir, NewPartition, PartitionConfig, Partitions};
use crate::quota::{Quotas, Windows};
use crate::share::ShareGroups;

/// The data of an open node, to be closed in order.
pub struct Data {
    disk: Arc<dyn Disk>,
    _dirs: Vec<DataDir>,
}

/// Opens everything that lies on disk and puts the rooms together.
pub fn open_rooms(
    config: Arc<BrokerConfig>,
    surroundings: Surroundings,
    listeners: &[Arc<Listener>],
    stop: watch::Receiver<bool>,
) -> Result<(Arc<Rooms>, Arc<Jobs>, Data), StartError> {
    if let Err(error) = raise_open_file_limit() {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
    let Surroundings { disk, functions } = surroundings;
    let node_id = BrokerId(config.node_id);
    owner::refuse_what_is_kafkas(&*disk, &config.log_dirs)?;
    let (dirs, cluster_id) = data_dirs::open(&*disk, &config.log_dirs, node_id)?;
    let found: Vec<FoundDir> = dirs.iter().map(|dir| dir.found.clone()).collect();
    let partitions = Arc::new(Partitions::new(disk.clone(), &found));
    partitions.settle_moves();
    partitions.look_around();
    let metadata = Arc::new(open_metadata(&config, listeners, &partitions)?);
    let internal_topic = |name| internal_topics::settings_of(name, &config).expect("it is one of the internal topics");
    let share_states = Arc::new(ShareStates::new(
        share_coordinator_config(&config),
        internal_topic(SHARE_STATE_TOPIC),
        metadata.clone(),
        partitions.clone(),
    ));
    let groups = Arc::new(Groups::new(
        group_config(&config),
        internal_topic(OFFSETS_TOPIC),
        metadata.clone(),
        partitions.clone(),
        share_states.clone(),
    ));
    let transactions = Arc::new(Transactions::new(
        transaction_config(&config),
        internal_topic(TRANSACTIONS_TOPIC),
        metadata.clone(),
        partitions.clone(),
        groups.clone(),
    ));
    open_logs_of_coordinators(&metadata, &partitions);
    // Groups first: ending a half-done transaction writes markers into their partitions.
    let loading = |e| StartError(format!("the coordinators cannot load: {e}; the log above says why"));
    groups.load_existing().map_err(loading)?;
    transactions.load_existing().map_err(loading)?;
    share_states.load_existing().map_err(loading)?;
    let share_groups = Arc::new(ShareGroups::new(
        config.share_fetch.clone(),
        metadata.clone(),
        partitions.clone(),
        share_states.clone(),
    ));
    // What serving needs is open; the others follow, and each at once when it is asked for.
    partitions.open_in_background();
    let host = BrokerHost::new(metadata.clone(), partitions.clone(), groups.clone(), transactions.clone());
    let jobs = Jobs::new(host, addresses(listeners), functions)
        .map_err(|e| StartError(format!("the threads for jobs cannot be made: {e}")))?;
    let rooms = Rooms {
        cluster: Cluster { cluster_id, node_id, rack: config.rack.clone() },
        limits: Limits::of(&config),
        fetch_sessions: Arc::new(Mutex::new(FetchSessions::new(
            usize::try_from(config.network.fetch_session_slots).unwrap_or(0),
        ))),
        features: metadata.features().clone(),
        quotas: metadata.quotas().clone(),
        metrics: Arc::new(Metrics::new(api::name)),
        config,
        metadata,
        partitions,
        groups,
        transactions,
        share_states,
        share_groups,
        stop,
    };
    Ok((Arc::new(rooms), Arc::new(jobs), Data { disk, _dirs: dirs }))
}

fn open_metadata(
    config: &Arc<BrokerConfig>,
    listeners: &[Arc<Listener>],
    partitions: &Arc<Partitions>,
) -> Result<Metadata, StartError> {
    let log = partitions
        .open_apart(NewPartition {
            name: TopicPartition::new(METADATA_LOG, 0),
            topic_id: TopicId::ZERO,
            leader_epoch: LeaderEpoch(0),
            config: PartitionConfig {
                log: LogConfig {
                    segment_bytes: u64::try_from(config.log.metadata_segment_bytes).unwrap_or(0),
                    // The log is the only copy of the metadata: nothing in it goes by age.
                    delete: false,
                    // A topic that was made is made, whatever happens to the machine (Kafka: KafkaRaftClient flushes its log, too).
                    flush_messages: 1,
                    ..LogConfig::default()
                },
                min_insync_replicas: 1,
            },
            is_new: true,
        })
        .map_err(|e| StartError(format!("the metadata log cannot be opened: {e}")))?;
    let node = RegisterBroker {
        broker: BrokerId(config.node_id),
        incarnation: Uuid::new_v4(),
        endpoints: listeners
            .iter()
            .map(|l| Endpoint {
                name: l.name.clone(),
                host: l.advertised_host.clone(),
                port: l.advertised_port,
                security_protocol: 0,
            })
            .collect(),
        rack: config.rack.clone(),
    };
    let expiration_ms = i64::from(config.log.producer_id_expiration_ms);
    let quotas = Arc::new(quotas(config));
    Metadata::open(node, metadata_config(config), log, partitions.clone(), expiration_ms, quotas).map_err(StartError)
}

fn quotas(config: &BrokerConfig) -> Quotas {
    let windows = |count: i32, seconds: i32| Windows {
        count: usize::try_from(count).unwrap_or(1),
        length_ms: i64::from(seconds).saturating_mul(1000),
    };
    let set = &config.quotas;
    Quotas::new(
        windows(set.window_num, set.window_size_seconds),
        windows(set.controller_window_num, set.controller_window_size_seconds),
        usize::try_from(config.network.fetch_max_bytes).unwrap_or(0),
    )
}

/// Opens the logs of the coordinators, several at a time: after a crash each has to be recovered before it can be read.
fn open_logs_of_coordinators(metadata: &Metadata, partitions: &Partitions) {
    let of_topic = |topic| {
        let numbers = 0..metadata.topic_partitions(topic).unwrap_or(0);
        numbers.map(move |number| TopicPartition::new(topic, number))
    };
    let names: Vec<TopicPartition> =
        [OFFSETS_TOPIC, TRANSACTIONS_TOPIC, SHARE_STATE_TOPIC].into_iter().flat_map(of_topic).collect();
    partitions.make(&names);
}

/// The names by which clients on this machine and elsewhere may know this broker.
fn addresses(listeners: &[Arc<Listener>]) -> Vec<String> {
    let of = |l: &Arc<Listener>| {
        let port = l.local.port();
        [
            format!("{}:{}", l.advertised_host, l.advertised_port),
            format!("{}:{port}", l.local.ip()),
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
        ]
    };
    listeners.iter().flat_map(of).collect()
}

fn metadata_config(config: &BrokerConfig) -> MetadataConfig {
    let values = config.values();
    let set = |key: &Key| values.setting(key.name).map(|setting| (key.name.to_owned(), setting.value.clone()));
    MetadataConfig {
        num_partitions: config.topics.num_partitions,
        default_replication_factor: i16::try_from(config.topics.default_replication_factor).unwrap_or(i16::MAX),
        delete_topic_enable: config.topics.delete_enable,
        server: table().scope(Scope::Broker).filter_map(set).collect(),
        ..MetadataConfig::default()
    }
}

fn group_config(config: &BrokerConfig) -> GroupConfig {
    GroupConfig {
        min_session_timeout_ms: config.groups.min_session_timeout_ms,
        max_session_timeout_ms: config.groups.max_session_timeout_ms,
        initial_rebalance_delay_ms: config.groups.initial_rebalance_delay_ms,
        max_size: config.groups.max_size,
        offset_metadata_max_bytes: config.offsets.metadata_max_bytes,
        offsets_retention_minutes: config.offsets.retention_minutes,
        offsets_retention_check_interval_ms: config.offsets.retention_check_interval_ms,
        consumer: consumer_group_config(config),
        share: share_group_config(config),
    }
}

fn share_group_config(config: &BrokerConfig) -> ShareGroupConfig {
    let settings = &config.share_groups;
    ShareGroupConfig {
        session_timeout_ms: settings.session_timeout_ms,
        heartbeat_interval_ms: settings.heartbeat_interval_ms,
        max_size: settings.max_size,
        assignment_interval_ms: settings.assignment_interval_ms,
        ..ShareGroupConfig::default()
    }
}

fn consumer_group_config(config: &BrokerConfig) -> ConsumerGroupConfig {
    let settings = &config.consumer_groups;
    ConsumerGroupConfig {
        session_timeout_ms: settings.session_timeout_ms,
        heartbeat_interval_ms: settings.heartbeat_interval_ms,
        max_size: settings.max_size,
        assignors: settings.assignors.iter().map(|name| name.as_str().into()).collect(),
        migration_policy: MigrationPolicy::parse(&settings.migration_policy).expect("it was checked when it was set"),
        assignment_interval_ms: settings.assignment_interval_ms,
        ..ConsumerGroupConfig::default()
    }
}

fn share_coordinator_config(config: &BrokerConfig) -> ShareCoordinatorConfig {
    ShareCoordinatorConfig {
        updates_per_snapshot: u32::try_from(config.share_state.updates_per_snapshot).unwrap_or(0),
        ..ShareCoordinatorConfig::default()
    }
}

fn transaction_config(config: &BrokerConfig) -> TransactionConfig {
    TransactionConfig {
        max_timeout_ms: config.transactions.max_timeout_ms,
        id_expiration_ms: i64::from(config.transactions.id_expiration_ms),
        expired_cleanup_interval_ms: i64::from(config.transactions.remove_expired_interval_ms),
        ..TransactionConfig::default()
    }
}

/// Flushes and closes every log, then leaves the mark of a clean shutdown in the folders where all of them could be.
pub fn close_rooms(rooms: &Rooms, data: &Data) {
    let mut clean = rooms.partitions.close();
    let log = rooms.metadata.log();
    if let Err(error) = log.try_with_log(forebay_storage::log::Log::close) {
        tracing::error!("the metadata log cannot be closed in order: {error}");
        clean.retain(|dir| *dir != log.dir().path());
    }
    data_dirs::mark_clean(&*data.disk, &clean);
}
