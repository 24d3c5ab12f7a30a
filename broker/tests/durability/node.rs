//! A broker with several data folders on a disk that fails on demand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay::config::{Sources, load};
use forebay::node::{Running, StartError, start_on};
use forebay_storage::disk::{FaultyDisk, RealDisk};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest};

use crate::support::client::Client;
use crate::support::requests::Topic;
use crate::support::{text, topic};

/// KAFKA_STORAGE_ERROR.
pub const STORAGE_ERROR: i16 = 56;

/// A broker; its folders are gone when it is dropped.
pub struct Node {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    /// Its disk.
    pub disk: FaultyDisk,
    root: tempfile::TempDir,
    settings: Vec<String>,
    dirs: usize,
}

impl Node {
    /// One with that many folders and these settings, each `key=value`.
    pub fn start(dirs: usize, settings: &[&str]) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut node = Node {
            runtime,
            running: None,
            disk: FaultyDisk::new(Arc::new(RealDisk)),
            root: tempfile::tempdir().unwrap(),
            settings: settings.iter().map(|&s| s.to_owned()).collect(),
            dirs,
        };
        node.try_run().unwrap();
        node
    }

    /// Starts it, which may fail.
    pub fn try_run(&mut self) -> Result<(), StartError> {
        let dirs: Vec<String> = (0..self.dirs).map(|n| self.dir(n).display().to_string()).collect();
        let overrides = [
            "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
            "http.listeners=".to_owned(),
            format!("log.dirs={}", dirs.join(",")),
            "group.initial.rebalance.delay.ms=0".to_owned(),
            "offsets.topic.num.partitions=4".to_owned(),
            "transaction.state.log.num.partitions=4".to_owned(),
        ];
        let overrides = overrides.into_iter().chain(self.settings.clone()).collect();
        let config = load(Sources { overrides, ..Sources::default() }).unwrap().config;
        self.running = Some(self.runtime.block_on(start_on(Arc::new(self.disk.clone()), config))?);
        Ok(())
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        self.runtime.block_on(self.running.take().unwrap().stop()).unwrap();
    }

    /// The folder of that number; the metadata lie in the first.
    pub fn dir(&self, number: usize) -> PathBuf {
        self.root.path().join(format!("data-{number}"))
    }

    /// The folder of a partition's log.
    pub fn log_of(&self, of: &Topic, partition: i32) -> PathBuf {
        // Logs are made when they are first used.
        let _ = self.running().rooms.partitions.get(&of.name, partition);
        let name = format!("{}-{partition}", of.name);
        (0..self.dirs).map(|n| self.dir(n).join(&name)).find(|log| log.exists()).expect("it has a log")
    }

    /// The number of a partition whose log lies in `dir`.
    pub fn partition_in(&self, dir: &Path, of: &Topic, partitions: i32) -> i32 {
        (0..partitions).find(|p| self.log_of(of, *p).starts_with(dir)).expect("partitions are spread")
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.running().listeners[0].local)
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// The end of the log of partition 0, committed or not.
    pub fn end_of(&self, of: &Topic) -> i64 {
        self.running().rooms.partitions.get(&of.name, 0).unwrap().log_end().0
    }

    /// Waits until the broker says that it must halt.
    pub fn doomed(&self) -> String {
        self.runtime.block_on(self.running().doomed())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.disk.let_syncs_go();
        if let Some(running) = self.running.take() {
            let _ = self.runtime.block_on(running.stop());
        }
    }
}

/// What Metadata says of each partition.
pub fn partitions_of(client: &mut Client, of: &Topic) -> Vec<MetadataResponsePartition> {
    let named = MetadataRequestTopic::default().with_name(Some(topic(&of.name)));
    let mut response = client.call(12, &MetadataRequest::default().with_topics(Some(vec![named])));
    let mut partitions = response.topics.remove(0).partitions;
    partitions.sort_by_key(|p| p.partition_index);
    partitions
}

/// The error of FindCoordinator for a group.
pub fn find_group(client: &mut Client, group: &str) -> i16 {
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
    client.call(6, &request).coordinators[0].error_code
}
