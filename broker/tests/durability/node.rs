//! A broker with several data folders on a disk that fails on demand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay::config::{Sources, load};
use forebay::jobs::{BrokerHost, Jobs};
use forebay::node::{Rooms, Running, StartError, Surroundings, start_in};
use forebay_storage::disk::{FaultyDisk, RealDisk};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest};

use crate::support::client::Client;
use crate::support::requests::Topic;
use crate::support::{text, topic, until_received};

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
        let surroundings = Surroundings { disk: Arc::new(self.disk.clone()), ..Surroundings::default() };
        self.running = Some(self.runtime.block_on(start_in(surroundings, config))?);
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

    /// Does `send` and returns when it has read the frame that this sent.
    pub fn until_received<R>(&self, send: impl FnOnce() -> R) -> R {
        until_received(&self.running().rooms.metrics, send)
    }

    /// Its jobs.
    pub fn jobs(&self) -> &Arc<Jobs> {
        &self.running().jobs
    }

    /// A port for jobs that shares nothing with the broker's own but the rooms.
    pub fn host(&self) -> BrokerHost {
        let rooms = &self.running().rooms;
        let (metadata, partitions) = (rooms.metadata.clone(), rooms.partitions.clone());
        BrokerHost::new(metadata, partitions, rooms.groups.clone(), rooms.transactions.clone())
    }

    /// Does something with its jobs.
    pub fn with_jobs<T>(&self, work: impl AsyncFnOnce(&Arc<Jobs>) -> T) -> T {
        self.runtime.block_on(work(self.jobs()))
    }

    /// First offset, last stable offset and high watermark of a partition.
    pub fn offsets_of(&self, topic: &str, partition: i32) -> (i64, i64, i64) {
        let (start, stable, high) = self.running().rooms.partitions.get(topic, partition).unwrap().offsets();
        (start.0, stable.0, high.0)
    }

    /// `host:port` where it listens.
    pub fn address(&self) -> String {
        self.running().listeners[0].local.to_string()
    }

    /// The names of the topics that begin so.
    pub fn topics_like(&self, prefix: &str) -> Vec<String> {
        let names = |machine: &forebay_control::metadata::MetadataMachine| {
            machine.topics().map(|topic| topic.name.to_string()).filter(|name| name.starts_with(prefix)).collect()
        };
        self.running().rooms.metadata.query(names)
    }

    /// The id of a topic.
    pub fn topic_id(&self, topic: &str) -> uuid::Uuid {
        self.running().rooms.metadata.query(|machine| machine.topic(topic).map(|topic| topic.topic_id.0)).unwrap()
    }

    /// Number of partitions of a topic.
    pub fn partitions_of_topic(&self, topic: &str) -> i32 {
        self.running().rooms.metadata.topic_partitions(topic).unwrap()
    }

    /// Leaves so many bytes of room in the logs whose folders' names begin so; [`FaultyDisk::heal_all`] makes room again.
    pub fn fill(&self, logs: &str, room: u64) {
        let folders = (0..self.dirs).flat_map(|n| std::fs::read_dir(self.dir(n)).unwrap());
        let mut found = 0;
        for folder in
            folders.map(Result::unwrap).filter(|folder| folder.file_name().to_string_lossy().starts_with(logs))
        {
            self.disk.set_space(&folder.path(), room);
            found += 1;
        }
        assert!(found > 0, "there is no log {logs}");
    }

    /// All that it works with.
    pub fn rooms(&self) -> &Rooms {
        &self.running().rooms
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
