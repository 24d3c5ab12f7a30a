//! The floor of the measurements: a server that does the least that a broker must do, and loads of real frames for it, for Forebay
//! and for Apache Kafka alike.
//!
//! ```text
//! forebay-floor serve FOLDER
//! forebay-floor produce --address HOST:PORT --topic T --gb 1 [--connections 1 --partitions 4 --record-bytes 1024
//!                       --batch-bytes 65536 --compression none|lz4 --in-flight 5]
//! forebay-floor acks    --address HOST:PORT --topic T [--connections 1 --record-bytes 1024 --seconds 10]
//! forebay-floor fetch   --address HOST:PORT --topic T [--floor] [--connections 1 --partitions 4 --partition-bytes 1048576]
//! forebay-floor follow  --address HOST:PORT --topic T --gb 1 [--partitions 4 --record-bytes 1024 --batch-bytes 65536]
//! forebay-floor probe   --address HOST:PORT --topic T [--partition 0 --seconds 10]
//! forebay-floor latency --address HOST:PORT --topic T [--rate 1000 --record-bytes 1024 --seconds 10 --to T2 --value TEXT]
//! forebay-floor idle    --address HOST:PORT [--connections 1]     until its input ends
//! forebay-floor group   --address HOST:PORT --topic T [--classic --connections 200 --partitions 200 --seconds 60]
//! forebay-floor create|delete --address HOST:PORT --topic T [--topics 1 --partitions 4 --at-once]
//! ```
//!
//! A load prints one line of JSON.

mod acks;
mod batch;
mod fetch;
mod follow;
mod group;
mod idle;
mod latency;
mod options;
mod probe;
mod produce;
mod serve;
mod topics;
mod wire;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let done = match what.as_str() {
        "serve" => serve::run(&arguments.next().unwrap_or_else(|| ".".to_owned())),
        "acks" => Options::parse(arguments).and_then(|options| acks::run(&options)),
        "produce" => Options::parse(arguments).and_then(|options| produce::run(&options)),
        "fetch" => Options::parse(arguments).and_then(|options| fetch::run(&options)),
        "follow" => Options::parse(arguments).and_then(|options| follow::run(&options)),
        "probe" => Options::parse(arguments).and_then(|options| probe::run(&options)),
        "latency" => Options::parse(arguments).and_then(|options| latency::run(&options)),
        "idle" => Options::parse(arguments).and_then(|options| idle::run(&options)),
        "group" => Options::parse(arguments).and_then(|options| group::run(&options)),
        "create" => Options::parse(arguments).and_then(|options| topics::create(&options)),
        "delete" => Options::parse(arguments).and_then(|options| topics::delete(&options)),
        other => Err(format!(
            "{other:?} is none of serve, produce, acks, fetch, follow, probe, latency, idle, group, create, delete"
        )
        .into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forebay-floor {what}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Anything that ends a run.
type Failure = Box<dyn std::error::Error + Send + Sync>;
