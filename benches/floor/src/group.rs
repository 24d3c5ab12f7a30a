//! Consumers that join one group at the same time, with either protocol, as clients do: heartbeats come at the interval of the clients,
//! and a member that finds a rebalance under way joins again.

mod classic;
mod consumer;

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::wire::group::{Answer, find_coordinator};
use crate::{Failure, wire};

/// The coordinator has to be found and loaded before anything counts.
const PAUSE: Duration = Duration::from_millis(100);

/// What the members have, until each has its part.
struct Progress {
    state: Mutex<State>,
    changed: Condvar,
    wanted: usize,
}

#[derive(Default)]
struct State {
    /// By the number of the member: in which generation or epoch, and how many partitions.
    members: HashMap<usize, (i32, usize)>,
    over: bool,
}

impl Progress {
    /// Member `number` has so many partitions.
    fn has(&self, number: usize, generation: i32, partitions: usize) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.members.insert(number, (generation, partitions));
        self.changed.notify_all();
    }

    fn is_over(&self) -> bool {
        self.state.lock().unwrap_or_else(|e| e.into_inner()).over
    }

    fn end(&self) {
        self.state.lock().unwrap_or_else(|e| e.into_inner()).over = true;
        self.changed.notify_all();
    }

    /// Waits until the end, for no longer than `limit`.
    fn rest(&self, limit: Duration) {
        let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        drop(self.changed.wait_timeout_while(state, limit, |state| !state.over));
    }

    /// Waits until every member has one partition, all in one generation.
    fn wait(&self, limit: Duration) -> Result<(), Failure> {
        let done = |state: &State| {
            let newest = state.members.values().map(|(generation, _)| *generation).max();
            let settled = |(generation, partitions): &(i32, usize)| Some(*generation) == newest && *partitions == 1;
            state.members.len() == self.wanted && state.members.values().all(settled)
        };
        let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        let waited = self.changed.wait_timeout_while(state, limit, |state| !state.over && !done(state));
        let (state, _) = waited.map_err(|_| "a member panicked")?;
        if done(&state) {
            return Ok(());
        }
        let parts: usize = state.members.values().map(|(_, partitions)| partitions).sum();
        Err(format!("{} of {} members have {parts} partitions", state.members.len(), self.wanted).into())
    }
}

/// Has `--connections` members join the group of the topic's name, which has as many partitions, and prints how long it took until
/// each had its partition.
pub fn run(options: &Options) -> Result<(), Failure> {
    let group = format!("{}-{}", options.topic, if options.classic { "classic" } else { "consumer" });
    loaded(options, &group)?;
    let progress = Progress { state: Mutex::default(), changed: Condvar::new(), wanted: options.connections };
    let took = std::thread::scope(|scope| -> Result<Duration, Failure> {
        let streams = (0..options.connections).map(|_| Ok(TcpStream::connect(&options.address)?));
        let streams = streams.collect::<Result<Vec<_>, Failure>>()?;
        let began = Instant::now();
        for (number, stream) in streams.into_iter().enumerate() {
            let (progress, group) = (&progress, &group);
            scope.spawn(move || {
                let played = stream.set_nodelay(true).map_err(Failure::from).and_then(|()| {
                    let member = Member { number, stream, group, options, progress, answer: Vec::new() };
                    if options.classic { classic::play(member) } else { consumer::play(member) }
                });
                if let Err(error) = played {
                    eprintln!("member {number}: {error}");
                    progress.end();
                }
            });
        }
        let done = progress.wait(Duration::from_secs_f64(options.seconds));
        let took = began.elapsed();
        progress.end();
        done.map(|()| took)
    })?;
    println!("{{\"members\": {}, \"wall_s\": {:.3}}}", options.connections, took.as_secs_f64());
    Ok(())
}

/// Waits until the coordinator is found and answers.
fn loaded(options: &Options, group: &str) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&options.address)?;
    let mut answer = Vec::new();
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    loop {
        let mut code = -1;
        for frame in [find_coordinator(group)?, wire::group::heartbeat(group, 1, "nobody")?] {
            stream.write_all(&frame)?;
            let length = wire::read_frame(&mut stream, &mut answer)?;
            code = Answer::new(&answer[..length])?.error()?;
        }
        // UNKNOWN_MEMBER_ID: it knows its groups.
        if code == 25 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("the coordinator is not there: error {code}").into());
        }
        sleep(PAUSE);
    }
}

/// One consumer.
struct Member<'a> {
    number: usize,
    stream: TcpStream,
    group: &'a str,
    options: &'a Options,
    progress: &'a Progress,
    answer: Vec<u8>,
}

impl Member<'_> {
    fn ask(&mut self, frame: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(frame)?;
        let length = wire::read_frame(&mut self.stream, &mut self.answer)?;
        Answer::new(&self.answer[..length])
    }
}
