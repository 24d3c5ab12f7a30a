//! A broker as a process: Forebay, or Apache Kafka as its twin, started, killed and started again on one folder.

use crate::language::{self, Language};
use crate::process::{self, Process, until};
use crate::{binary, ports, wire, workspace};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// How long a broker may take until it answers. Apache Kafka needs seconds, and the machine may be busy.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a broker may take to stop after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What both brokers are given so that tests are quick on one node; the rest is Kafka's defaults.
const SETTINGS: &[(&str, &str)] = &[
    ("offsets.topic.num.partitions", "4"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("share.coordinator.state.topic.num.partitions", "4"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
];

/// Which broker is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// The binary of this workspace.
    Forebay,
    /// Apache Kafka 4.3.1 from Maven Central, one node that is broker and controller.
    ApacheKafka,
}

impl Broker {
    /// Forebay, unless PROTOCOL_TESTS_BROKER is `apache-kafka`: so a scenario is tried on what it must be true of.
    ///
    /// # Panics
    /// When the variable has another value.
    pub fn under_test() -> Self {
        match std::env::var("PROTOCOL_TESTS_BROKER").as_deref() {
            Err(_) | Ok("forebay") => Self::Forebay,
            Ok("apache-kafka") => Self::ApacheKafka,
            Ok(other) => panic!("PROTOCOL_TESTS_BROKER is forebay or apache-kafka, not {other}"),
        }
    }

    /// Starts the broker in a folder of its own and waits until it answers.
    ///
    /// # Errors
    /// A sentence with the end of its log.
    pub fn start(self, name: &str) -> Result<Node, String> {
        self.start_with(name, &[])
    }

    /// As [`Broker::start`], with more settings.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn start_with(self, name: &str, settings: &[(&str, &str)]) -> Result<Node, String> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = workspace::logs().join(format!("{name}-{}-{number}.log", std::process::id()));
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let settings =
            SETTINGS.iter().chain(settings).map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let (port, second_port) = (ports::free_port(), ports::free_port());
        let mut node = Node { broker: self, folder, port, second_port, settings, log, process: None };
        if self == Self::ApacheKafka {
            node.format_storage()?;
        }
        node.start()?;
        Ok(node)
    }
}

/// One broker with its folder and its ports, running or not. Killed and removed when dropped.
#[derive(Debug)]
pub struct Node {
    broker: Broker,
    folder: TempDir,
    port: u16,
    /// Forebay: the HTTP listener. Apache Kafka: the controller's listener.
    second_port: u16,
    settings: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Process>,
}

impl Node {
    /// Which broker this is.
    pub fn broker(&self) -> Broker {
        self.broker
    }

    /// Makes another broker the one that is started next on this folder and these ports. This one must be stopped.
    ///
    /// # Panics
    /// When it runs.
    pub fn hand_over_to(&mut self, broker: Broker) {
        assert!(self.process.is_none(), "{:?} still runs", self.broker);
        self.broker = broker;
    }

    /// Sets a configuration key for the next start.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// `127.0.0.1:port`, for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port of the Kafka listener on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port` of Apache Kafka's controller.
    pub fn controller(&self) -> String {
        format!("127.0.0.1:{}", self.second_port)
    }

    /// `http://127.0.0.1:port` of Forebay's HTTP listener.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.second_port)
    }

    /// The folder with the logs (`log.dirs`).
    pub fn log_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything the broker has written to its two outputs so far.
    pub fn log_text(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of what the broker wrote, for a failure's message.
    pub fn tail(&self) -> String {
        process::tail(&self.log)
    }

    /// The process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts the broker on its folder and waits until it answers ApiVersions.
    ///
    /// # Errors
    /// When it ends or does not answer in time; with the end of its log.
    pub fn start(&mut self) -> Result<(), String> {
        let mut process = Process::spawn(self.command()?, &self.log)?;
        let port = self.port;
        let ready = until("an answer to ApiVersions", START_LIMIT, || match process.exited() {
            Some(status) => Some(Err(format!("it ended with {status}"))),
            None => wire::answers_api_versions(port).then_some(Ok(())),
        });
        match ready.and_then(|ready| ready) {
            Ok(()) => {
                self.process = Some(process);
                Ok(())
            }
            Err(reason) => Err(format!("{:?} did not start: {reason}\n{}", self.broker, process.tail())),
        }
    }

    /// Starts the broker and kills it with SIGKILL when `now` says so, whether it answers by then or not.
    ///
    /// # Errors
    /// When it ends by itself, or `now` has not said so in time; with the end of its log.
    pub fn start_and_kill(&mut self, mut now: impl FnMut() -> bool) -> Result<(), String> {
        let mut process = Process::spawn(self.command()?, &self.log)?;
        until("the moment to kill it", START_LIMIT, || match process.exited() {
            Some(status) => Some(Err(format!("it ended with {status}\n{}", process.tail()))),
            None => now().then_some(Ok(())),
        })?
    }

    /// SIGTERM, and waits for the end, which must be exit code 0 (143, a JVM's end by SIGTERM, for Apache Kafka).
    ///
    /// # Errors
    /// When it ends otherwise or not at all; with the end of its log.
    pub fn stop(&mut self) -> Result<(), String> {
        let mut process = self.process.take().ok_or("it does not run")?;
        process.terminate();
        let status = process.wait(STOP_LIMIT).map_err(|late| format!("{late}\n{}", self.tail()))?;
        let expected = if self.broker == Broker::Forebay { 0 } else { 143 };
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(format!("{:?} ended with {status} after SIGTERM\n{}", self.broker, self.tail()))
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// An error when the broker, which should run, does not.
    ///
    /// # Errors
    /// How it ended, with the end of its log.
    pub fn check_running(&mut self) -> Result<(), String> {
        match self.process.as_mut().map(Process::exited) {
            Some(None) => Ok(()),
            Some(Some(status)) => Err(format!("the broker ended with {status}\n{}", self.tail())),
            None => Err("the broker was stopped".into()),
        }
    }

    fn command(&self) -> Result<Command, String> {
        match self.broker {
            Broker::Forebay => Ok(self.forebay()),
            Broker::ApacheKafka => self.apache_kafka("kafka.Kafka", &[&self.properties()?.display().to_string()]),
        }
    }

    fn forebay(&self) -> Command {
        let mut command = Command::new(binary::forebay());
        command.arg("serve");
        let own = [
            ("listeners".to_owned(), format!("PLAINTEXT://{}", self.bootstrap())),
            ("http.listeners".to_owned(), self.admin_url()),
            ("log.dirs".to_owned(), self.log_dir().display().to_string()),
        ];
        for (key, value) in own.iter().chain(&self.settings) {
            command.arg("--override").arg(format!("{key}={value}"));
        }
        // Variables of the shell that runs the tests must not change the broker.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KAFKA_")) {
            command.env_remove(name);
        }
        command
    }

    fn properties(&self) -> Result<PathBuf, String> {
        let path = self.folder.path().join("server.properties");
        let controller = format!("127.0.0.1:{}", self.second_port);
        let mut text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{controller}\n\
             listeners=PLAINTEXT://{0},CONTROLLER://{controller}\nadvertised.listeners=PLAINTEXT://{0}\n\
             controller.listener.names=CONTROLLER\nlog.dirs={1}\n\
             share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n",
            self.bootstrap(),
            self.log_dir().display()
        );
        for (key, value) in &self.settings {
            text.push_str(&format!("{key}={value}\n"));
        }
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(path)
    }

    fn apache_kafka(&self, class: &str, arguments: &[&str]) -> Result<Command, String> {
        let mut command = java(class)?;
        command.args(arguments);
        Ok(command)
    }

    fn format_storage(&self) -> Result<(), String> {
        let properties = self.properties()?.display().to_string();
        let arguments = ["format", "--cluster-id", "Zm9yZWJheS10ZXN0cyEhIQ", "--config", &properties];
        process::run(self.apache_kafka("kafka.tools.StorageTool", &arguments)?, "", START_LIMIT).map(drop)
    }
}

/// A command that runs a class of Apache Kafka (broker, tool) with plain logging of warnings to standard error.
///
/// # Errors
/// When Java cannot be set up.
pub fn java(class: &str) -> Result<Command, String> {
    language::set_up(Language::Java)?;
    Ok(language::java_program(Language::Java.name(), class, "warn"))
}
