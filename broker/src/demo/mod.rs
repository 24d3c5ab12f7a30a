//! `forebay demo`: a broker, a web shop, a windowed job and its results, live, checked row by row.

mod read;
mod screen;
mod shop;
mod snapshot;
mod tally;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock;
use crate::config::{self, Sources};
use crate::node::{self, Running};
use screen::Screen;
use watch::Watch;

/// The job, as anybody could apply it.
const JOB_SQL: &str = include_str!("../../../docs/examples/user-metrics.sql");
const JOB: &str = "user-metrics";
const INPUT: &str = "website-clicks";
const OUTPUT: &str = "user-metrics";
const PARTITIONS: i32 = 4;
const KAFKA_PORT: u16 = 9092;
const HTTP_PORT: u16 = 9644;
/// Clicks that are there before the live ones, so that the first windows close at once.
const BACKLOG_SECONDS: i64 = 20;
/// How often clicks are appended.
const TICK: Duration = Duration::from_millis(20);

/// What the person asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// End by itself after this time.
    pub run_for: Option<Duration>,
    /// Clicks a second.
    pub rate: u32,
    /// Keep the data here instead of in a temporary folder.
    pub data_dir: Option<PathBuf>,
    /// Plain lines even on a terminal.
    pub plain: bool,
}

/// Runs the demo to its end; the error is one line for the person.
pub async fn run(options: Options) -> Result<(), String> {
    let started = clock::now().0;
    let (dir, temporary) = data_dir(&options)?;
    let running = boot(&dir).await?;
    let result = show(&options, &running, started).await;
    running.stop().await.map_err(|e| e.to_string())?;
    match &temporary {
        Some(_) => println!("data removed; keep it next time with --data-dir DIR"),
        None => println!("data kept in {}; go on with: forebay serve --data {0}", dir.display()),
    }
    result
}

fn data_dir(options: &Options) -> Result<(PathBuf, Option<tempfile::TempDir>), String> {
    if let Some(dir) = &options.data_dir {
        return Ok((dir.clone(), None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("forebay-demo-")
        .tempdir()
        .map_err(|e| format!("cannot make a temporary folder: {e}; give one with --data-dir DIR"))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

async fn boot(dir: &std::path::Path) -> Result<Running, String> {
    let kafka = free_port(KAFKA_PORT)?;
    let http = free_port(HTTP_PORT)?;
    let overrides = vec![
        format!("listeners=PLAINTEXT://127.0.0.1:{kafka}"),
        format!("log.dirs={}", dir.display()),
        format!("http.listeners=http://127.0.0.1:{http}"),
        // One person at a time joins in: nobody needs to be waited for.
        "group.initial.rebalance.delay.ms=0".to_owned(),
    ];
    let loaded = config::load(Sources { overrides, ..Sources::default() }).map_err(|e| e.to_string())?;
    let begun = clock::instant();
    let running = node::start(loaded.config).await.map_err(|e| e.to_string())?;
    let kept = dir.display();
    println!("forebay {}  pid {}  data in {kept}", env!("CARGO_PKG_VERSION"), std::process::id());
    println!("  kafka   127.0.0.1:{kafka}   ready in {} ms", begun.elapsed().as_millis());
    println!("  http    http://127.0.0.1:{http}   /v1/jobs /metrics /healthz");
    Ok(running)
}

/// The wanted port, or the next one that is free.
fn free_port(wanted: u16) -> Result<u16, String> {
    (wanted..wanted.saturating_add(100))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| format!("no port from {wanted} on is free"))
}

async fn show(options: &Options, running: &Running, started: i64) -> Result<(), String> {
    let rooms = &running.rooms;
    if rooms.metadata.topic_partitions(INPUT).is_none() {
        rooms
            .metadata
            .create_topic(INPUT, PARTITIONS, &[])
            .map_err(|(error, message)| format!("cannot create topic {INPUT}: {error} {message}"))?;
    }
    if running.jobs.describe(JOB).is_err() {
        running.jobs.apply(Some(JOB), JOB_SQL).await.map_err(|e| e.to_string())?;
    }
    println!("  topic   {INPUT}   {PARTITIONS} partitions, {}/s from the built-in web shop", options.rate);
    println!("  job     {JOB}   5-second windows per user: clicks, bytes, max_bytes");
    print_invitation(running);
    let mut watch = Watch::new(rooms.partitions.clone(), running.jobs.clone(), started, f64::from(options.rate))?;
    watch.backlog(BACKLOG_SECONDS * 1000)?;
    let on_screen = !options.plain && io::stdout().is_terminal();
    let outcome = if on_screen { on_terminal(options, &mut watch).await } else { in_lines(options, &mut watch).await };
    outcome?;
    watch.finish().await?;
    summarize(&watch)
}

fn print_invitation(running: &Running) {
    let address = running.listeners.first().map(|l| l.local.to_string()).unwrap_or_default();
    println!("join in from another terminal:");
    println!("  kcat -b {address} -t {OUTPUT} -o -5 -X isolation.level=read_committed");
    println!(
        "  kafka-console-consumer.sh --bootstrap-server {address} --topic {OUTPUT} --from-beginning --isolation-level read_committed"
    );
    println!(
        "  python3 -c \"from confluent_kafka import Consumer; c = Consumer({{'bootstrap.servers': '{address}', 'group.id': 'me', 'auto.offset.reset': 'earliest'}}); c.subscribe(['{OUTPUT}']); [print(m.value().decode()) for m in iter(lambda: c.poll(10), None) if not m.error()]\""
    );
    println!();
}

async fn on_terminal(options: &Options, watch: &mut Watch) -> Result<(), String> {
    let mut screen = Screen::open().map_err(|e| format!("the terminal cannot be used: {e}; try --plain"))?;
    let mut stop = stop(options)?;
    let mut tick = tokio::time::interval(TICK);
    let mut ticks = 0u32;
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = tick.tick() => {}
        }
        watch.tick()?;
        ticks += 1;
        if ticks.is_multiple_of(10) {
            screen.draw(&watch.snapshot()).map_err(|e| format!("the terminal cannot be drawn on: {e}"))?;
            if screen.wants_to_quit().map_err(|e| format!("the keyboard cannot be read: {e}"))? {
                return Ok(());
            }
        }
    }
}

async fn in_lines(options: &Options, watch: &mut Watch) -> Result<(), String> {
    let mut stop = stop(options)?;
    let mut tick = tokio::time::interval(TICK);
    let mut line = tokio::time::interval(Duration::from_secs(1));
    line.tick().await;
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = tick.tick() => watch.tick()?,
            _ = line.tick() => {
                let printed = writeln!(io::stdout(), "{}", watch.snapshot().line());
                // The reader of a pipe may have seen enough.
                if printed.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Done when the time is over or the person wants to stop.
fn stop(options: &Options) -> Result<Stop, String> {
    let signal = node::stop_signal().map_err(|e| format!("signals cannot be watched: {e}"))?;
    let run_for = options.run_for;
    Ok(Box::pin(async move {
        match run_for {
            None => signal.await,
            Some(time) => tokio::select! {
                () = signal => {}
                () = tokio::time::sleep(time) => {}
            },
        }
    }))
}

fn summarize(watch: &Watch) -> Result<(), String> {
    let snapshot = watch.snapshot();
    let findings = watch.findings();
    println!();
    println!(
        "{} clicks in, {} windows closed, {} rows out, {} late, in {:.1} s",
        snapshot.events,
        snapshot.windows,
        snapshot.rows,
        snapshot.late,
        snapshot.elapsed_ms as f64 / 1000.0
    );
    if let Some((median, worst)) = snapshot.latency_ms {
        println!(
            "from the click that closes a window to its rows being readable: median {median:.1} ms, worst {worst:.1} ms"
        );
    }
    match findings.first() {
        Some(first) => {
            Err(format!("{} of {} result rows are wrong, the first: {first}", findings.len(), snapshot.rows))
        }
        None if snapshot.rows == 0 => Err("no window has closed: run it for longer, with --for 10s for example".into()),
        None => {
            println!("checked {} result rows: all right", snapshot.rows);
            Ok(())
        }
    }
}
