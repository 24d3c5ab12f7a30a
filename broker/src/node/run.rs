//! Starting and stopping: sockets first, then the data, then the tasks; and back.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use forebay_processor::expr::Functions;
use forebay_storage::disk::{Disk, RealDisk};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::open::{Data, close_rooms, open_rooms};
use super::{Rooms, reconfigure, upkeep};
use crate::cleaner::Cleaner;
use crate::config::BrokerConfig;
use crate::config::settings::CleanerSettings;
use crate::connection::RequestMemory;
use crate::http;
use crate::jobs::Jobs;
use crate::net::{self, ConnectionLimits, ConnectionQuotas, Door, Listener, accept_loop};

/// Why a broker does not start: one line for its operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// A broker at work.
pub struct Running {
    /// Its rooms.
    pub rooms: Arc<Rooms>,
    /// Its jobs.
    pub jobs: Arc<Jobs>,
    /// Its Kafka listeners.
    pub listeners: Vec<Arc<Listener>>,
    /// Where its HTTP server listens.
    pub http: Vec<SocketAddr>,
    /// What its clients' requests may take together (`queued.max.request.bytes`).
    pub request_memory: Arc<RequestMemory>,
    data: Data,
    cleaner: Arc<Cleaner>,
    stop: watch::Sender<bool>,
    ready: watch::Sender<bool>,
    serving: JoinSet<()>,
    background: JoinSet<()>,
}

/// What the program around a broker gives it beside a configuration.
#[derive(Clone)]
pub struct Surroundings {
    /// Where its data is; a disk that fails on demand, say.
    pub disk: Arc<dyn Disk>,
    /// What jobs can call beside SQL's own functions.
    pub functions: Arc<Functions>,
}

impl Default for Surroundings {
    /// The machine's disk, and no functions.
    fn default() -> Surroundings {
        Surroundings { disk: Arc::new(RealDisk), functions: Arc::default() }
    }
}

/// Binds the sockets, opens the data and starts to serve.
pub async fn start(config: BrokerConfig) -> Result<Running, StartError> {
    start_in(Surroundings::default(), config).await
}

/// Like [`start`], in surroundings of one's own.
pub async fn start_in(surroundings: Surroundings, config: BrokerConfig) -> Result<Running, StartError> {
    let config = Arc::new(config);
    let sockets = bind_kafka(&config).await?;
    let http_sockets = bind_http(&config).await?;
    let overrides = reconfigure::connection_overrides(&config).await?;
    let (stop, stopped) = watch::channel(false);
    let (ready, serving_now) = watch::channel(false);
    let (rooms, jobs, data) = {
        let (config, sockets) = (config.clone(), sockets.iter().map(|(_, l)| l.clone()).collect::<Vec<_>>());
        let stopped = stopped.clone();
        tokio::task::spawn_blocking(move || open_rooms(config, surroundings, &sockets, stopped))
            .await
            .map_err(|e| StartError(format!("opening the data failed: {e}")))??
    };
    let door = door(&rooms, overrides, &sockets);
    let request_memory = door.memory.clone();
    let mut serving = JoinSet::new();
    let mut background = JoinSet::new();
    background.spawn(rooms.groups.clone().drive_timers());
    background.spawn(rooms.transactions.clone().drive_timers());
    background.spawn(rooms.transactions.clone().drive_markers());
    background.spawn(rooms.share_states.clone().run_upkeep());
    background.spawn(rooms.share_groups.clone().drive_timers());
    background.spawn(upkeep::load_coordinators(rooms.clone()));
    background.spawn(upkeep::run(config.clone(), rooms.partitions.clone(), rooms.metadata.clone()));
    let listeners: Vec<Arc<Listener>> = sockets.iter().map(|(_, listener)| listener.clone()).collect();
    for (number, (socket, listener)) in sockets.into_iter().enumerate() {
        serving.spawn(accept_loop(socket, number, listener, rooms.clone(), door.clone(), stopped.clone()));
    }
    let mut http = Vec::new();
    for socket in http_sockets {
        http.extend(socket.local_addr());
        let state = http::HttpState { jobs: jobs.clone(), metrics: rooms.metrics.clone(), ready: serving_now.clone() };
        let mut stopped = stopped.clone();
        let server = http::serve(socket, state, async move {
            // An error means that the broker is gone already.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        background.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!("the HTTP server failed: {error}");
            }
        });
    }
    let cleaner = Arc::new(start_cleaner(&rooms)?);
    background.spawn(reconfigure::run(rooms.clone(), door.quotas.clone(), cleaner.clone()));
    rooms.metrics.observe_jobs(jobs.clone());
    jobs.start();
    let _ = ready.send(true);
    Ok(Running { rooms, jobs, listeners, http, request_memory, data, cleaner, stop, ready, serving, background })
}

impl Running {
    /// Stops: no new connections, answers to what is in flight, jobs at a commit, logs flushed, the mark of a clean shutdown.
    pub async fn stop(mut self) -> Result<(), StartError> {
        let _ = self.ready.send(false);
        let _ = self.stop.send(true);
        while self.serving.join_next().await.is_some() {}
        self.jobs.stop().await;
        self.background.shutdown().await;
        let (rooms, data, cleaner) = (self.rooms, self.data, self.cleaner);
        let close = move || {
            cleaner.stop();
            close_rooms(&rooms, &data)
        };
        tokio::task::spawn_blocking(close).await.map_err(|e| StartError(format!("closing the data failed: {e}")))
    }

    /// Waits until the broker can no longer serve, and tells why: the folder of the metadata has failed, or all have. Kafka halts
    /// then (Exit.halt), and so should who runs this.
    pub async fn doomed(&self) -> String {
        let partitions = &self.rooms.partitions;
        let metadata = self.rooms.metadata.log().clone();
        let mut failed = partitions.alarm().failed();
        let mut doomed = |_: &Vec<_>| metadata.is_offline() || partitions.dirs().all(|dir| dir.is_offline());
        // The sender lives in the partitions, which we hold.
        let _ = failed.wait_for(&mut doomed).await;
        let dir = metadata.dir();
        match dir.failure() {
            Some(why) => format!("the data folder of the metadata failed: {why}"),
            None => "every data folder has failed".to_owned(),
        }
    }
}

fn door(rooms: &Arc<Rooms>, overrides: HashMap<IpAddr, usize>, sockets: &[(TcpListener, Arc<Listener>)]) -> Door {
    let names: Vec<String> = sockets.iter().map(|(_, listener)| listener.name.clone()).collect();
    let inter_broker = names.iter().position(|name| *name == rooms.config.listeners.inter_broker);
    let quotas = Arc::new(ConnectionQuotas::new(names.len(), inter_broker, overrides));
    let (config, metadata) = (rooms.config.clone(), rooms.metadata.clone());
    let limits = move || ConnectionLimits::in_force(config.values(), &metadata.dynamic(), &names);
    let memory = Arc::new(RequestMemory::new(rooms.config.network.queued_max_request_bytes));
    Door { quotas, limits: Arc::new(limits), memory }
}

fn start_cleaner(rooms: &Arc<Rooms>) -> Result<Cleaner, StartError> {
    let (config, metadata) = (rooms.config.clone(), rooms.metadata.clone());
    let settings = move || CleanerSettings::in_force(config.values(), &metadata.dynamic());
    Cleaner::start(rooms.partitions.clone(), rooms.metrics.cleaner.clone(), settings)
        .map_err(|e| StartError(format!("the threads of the log cleaner cannot be made: {e}")))
}

async fn bind_kafka(config: &BrokerConfig) -> Result<Vec<(TcpListener, Arc<Listener>)>, StartError> {
    let mut bound = Vec::new();
    for wanted in &config.listeners.bind {
        let socket = net::bind(wanted).await.map_err(StartError)?;
        let local = socket.local_addr().map_err(|e| StartError(format!("listener {wanted}: {e}")))?;
        let advertised = config.listeners.advertised.iter().find(|l| l.name == wanted.name).unwrap_or(wanted);
        let listener = Listener {
            name: wanted.name.clone(),
            advertised_host: advertised.host.clone(),
            advertised_port: if advertised.port == 0 { local.port() } else { advertised.port },
            local,
        };
        bound.push((socket, Arc::new(listener)));
    }
    Ok(bound)
}

async fn bind_http(config: &BrokerConfig) -> Result<Vec<TcpListener>, StartError> {
    let mut bound = Vec::new();
    for address in &config.http_listeners {
        bound.push(http::bind(address).await.map_err(|e| StartError(e.to_string()))?);
    }
    Ok(bound)
}

/// A runtime for the broker: as many threads as the machine has cores, with names a person recognises.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name_fn(|| format!("forebay-{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
        .build()
}

/// Waits for SIGTERM or Ctrl-C; a second one ends the process at once.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(130);
        });
    })
}
