//! A broker inside another program: a real one in a Rust project's own tests, or a part of an application.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use forebay_processor::expr::{Closure, Functions};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::config::{self, Sources};
use crate::jobs::Jobs;
use crate::node::{self, Rooms, Running, StartError, Surroundings};
use crate::stream::Stream;

/// A broker at work on threads of its own. It stops in order when it is dropped.
///
/// Every Kafka client can connect to it; as many as one likes run side by side in one process.
///
/// ```
/// use forebay::Forebay;
///
/// let broker = Forebay::builder().topic("clicks", 3).start()?;
/// let address: std::net::SocketAddr = broker.bootstrap_servers().parse()?;
/// # std::net::TcpStream::connect(address)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Forebay {
    inside: Inside,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), StartError>>>,
}

/// How a broker is to be started; see [`Forebay::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing runs before it is started"]
pub struct Builder {
    data: Option<PathBuf>,
    settings: Vec<String>,
    topics: Vec<(String, i32)>,
    jobs: Vec<(String, String)>,
    functions: Functions,
}

/// What is known of a broker once it serves.
struct Inside {
    bootstrap_servers: String,
    rooms: Arc<Rooms>,
    jobs: Arc<Jobs>,
    runtime: Handle,
}

impl Builder {
    /// Keeps its data in this folder. Without, the data is in a temporary one and gone with the broker.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.data = Some(folder.into());
        self
    }

    /// One of Kafka's settings, such as `num.partitions`. It listens on a free port of 127.0.0.1, and not for HTTP, unless that is set.
    pub fn set(mut self, key: &str, value: &str) -> Builder {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// Makes a topic if it is not there.
    pub fn topic(mut self, name: &str, partitions: i32) -> Builder {
        self.topics.push((name.to_owned(), partitions));
        self
    }

    /// Registers a job if it is not there, after the topics.
    pub fn job(mut self, name: &str, sql: &str) -> Builder {
        self.jobs.push((name.to_owned(), sql.to_owned()));
        self
    }

    /// Registers a job that is written in Rust if it is not there, after the topics.
    pub fn stream(mut self, name: &str, stream: Stream) -> Builder {
        self.functions.extend(stream.functions());
        self.job(name, stream.sql())
    }

    /// A function that the statements of its jobs can call: a closure of up to five arguments ([`SqlType`](crate::SqlType):
    /// `bool`, `i32`, `i64`, `f64`, `String`, `Vec<u8>`, or an `Option` of one that sees NULL too), which answers one, an `Option` or a
    /// `Result` of one. An error or a panic of it is an error of the record, for which the job's table has a policy. It must give the same
    /// for the same arguments: after a crash it is called again. A broker with kept data needs it at each start.
    ///
    /// ```
    /// use forebay::Forebay;
    ///
    /// let broker = Forebay::builder()
    ///     .function("domain", |address: String| address.split_once('@').map(|(_, domain)| domain.to_owned()))
    ///     .topic("sign-ups", 1)
    ///     .job("domains", "CREATE TABLE sign_ups (email STRING) WITH ('connector' = 'kafka', 'topic' = 'sign-ups', 'format' = 'json');
    ///         CREATE TABLE domains (domain STRING) WITH ('connector' = 'kafka', 'topic' = 'domains', 'format' = 'json');
    ///         INSERT INTO domains SELECT domain(email) FROM sign_ups;")
    ///     .start()?;
    /// # Ok::<(), forebay::node::StartError>(())
    /// ```
    pub fn function<Arguments>(mut self, name: &str, closure: impl Closure<Arguments>) -> Builder {
        self.functions.add(name, closure);
        self
    }

    /// Starts it; when this returns it serves. May be called from anywhere, also from the tasks of another runtime, which wait for the
    /// few milliseconds that it takes.
    ///
    /// # Errors
    /// A setting is wrong, its port is taken, its data cannot be opened, or a topic or job cannot be made. Nothing runs then.
    pub fn start(self) -> Result<Forebay, StartError> {
        let (started, inside) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let (topics, jobs) = (self.topics.clone(), self.jobs.clone());
        let thread = std::thread::Builder::new().name("forebay".to_owned());
        let thread = thread.spawn(move || self.run(&started, stopped));
        let thread = thread.map_err(|e| StartError(format!("its thread cannot be made: {e}")))?;
        let Ok(inside) = inside.recv() else {
            return Err(ended(thread).err().unwrap_or_else(|| StartError("it ended at once".to_owned())));
        };
        let forebay = Forebay { inside, stop: Some(stop), thread: Some(thread) };
        topics.iter().try_for_each(|(name, partitions)| forebay.topic(name, *partitions))?;
        jobs.iter().try_for_each(|(name, sql)| forebay.job(name, sql))?;
        Ok(forebay)
    }

    fn run(self, started: &mpsc::Sender<Inside>, stopped: oneshot::Receiver<()>) -> Result<(), StartError> {
        let failed = |what: &str, e: &dyn std::fmt::Display| StartError(format!("{what}: {e}"));
        let temporary = match self.data {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(|e| failed("a temporary folder cannot be made", &e))?),
        };
        let data = self.data.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path));
        let mut overrides = vec!["listeners=PLAINTEXT://127.0.0.1:0".to_owned(), "http.listeners=".to_owned()];
        overrides.extend(data.map(|folder| format!("log.dirs={}", folder.display())));
        overrides.extend(self.settings);
        let loaded = config::load(Sources { overrides, ..Sources::default() });
        let config = loaded.map_err(|e| StartError(e.to_string()))?.config;
        let runtime = node::runtime().map_err(|e| failed("its threads cannot be made", &e))?;
        runtime.block_on(async {
            let surroundings = Surroundings { functions: Arc::new(self.functions), ..Surroundings::default() };
            let running = node::start_in(surroundings, config).await?;
            // Nobody waits for it any more if this fails; it is told to stop then, too.
            let _ = started.send(Inside::of(&running));
            let _ = stopped.await;
            running.stop().await
        })
    }
}

impl Inside {
    fn of(running: &Running) -> Inside {
        let address =
            |listener: &crate::net::Listener| format!("{}:{}", listener.advertised_host, listener.advertised_port);
        let bootstrap_servers = running.listeners.first().map(|listener| address(listener)).unwrap_or_default();
        let (rooms, jobs) = (running.rooms.clone(), running.jobs.clone());
        Inside { bootstrap_servers, rooms, jobs, runtime: Handle::current() }
    }
}

impl Forebay {
    /// A broker with Kafka's defaults, on a free port.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where clients connect: `host:port` of its first listener, for their `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.inside.bootstrap_servers
    }

    /// Makes a topic if it is not there.
    ///
    /// # Errors
    /// Its name or number of partitions is not allowed.
    pub fn topic(&self, name: &str, partitions: i32) -> Result<(), StartError> {
        let (rooms, name) = (self.inside.rooms.clone(), name.to_owned());
        let made = self.inside.runtime.spawn_blocking(move || {
            if rooms.metadata.topic_partitions(&name).is_some() {
                return Ok(());
            }
            let made = rooms.metadata.create_topic(&name, partitions, &[]);
            made.map(drop).map_err(|(error, message)| StartError(format!("topic {name}: {error} {message}")))
        });
        self.wait(async { made.await.map_err(|e| StartError(format!("making a topic: {e}")))? })
    }

    /// Registers a job if it is not there, and starts it.
    ///
    /// # Errors
    /// The statements have a mistake, which the error shows with its line and column.
    pub fn job(&self, name: &str, sql: &str) -> Result<(), StartError> {
        let (jobs, name, sql) = (self.inside.jobs.clone(), name.to_owned(), sql.to_owned());
        self.wait(async move {
            if jobs.describe(&name).is_ok() {
                return Ok(());
            }
            jobs.apply(Some(&name), &sql).await.map(drop).map_err(|e| StartError(format!("job {name}: {e}")))
        })
    }

    /// Stops it: jobs at a commit, logs flushed, the mark of a clean shutdown. Dropping it does the same, and tells nobody of errors.
    ///
    /// # Errors
    /// Its data could not be closed in order.
    pub fn stop(mut self) -> Result<(), StartError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StartError> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.thread.take().map_or(Ok(()), ended)
    }

    /// Waits for work on the broker's threads, wherever this thread comes from.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StartError>> + Send + 'static,
    ) -> Result<T, StartError> {
        let (done, answer) = mpsc::channel();
        self.inside.runtime.spawn(async move {
            let _ = done.send(work.await);
        });
        answer.recv().map_err(|_| StartError("the broker has stopped".to_owned()))?
    }
}

impl Drop for Forebay {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!("a broker inside this process did not stop in order: {error}");
        }
    }
}

/// How the broker's thread ended.
fn ended(thread: JoinHandle<Result<(), StartError>>) -> Result<(), StartError> {
    thread.join().unwrap_or_else(|_| Err(StartError("the broker's thread has panicked".to_owned())))
}
