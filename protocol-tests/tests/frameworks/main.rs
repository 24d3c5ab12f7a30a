//! What Apache Kafka ships, as it is: its client, the stream library and the connector framework, through kills and restarts of the
//! broker and of themselves.

#[path = "../support/block_on.rs"]
mod block_on;
mod client;
mod connect;
mod restarts;
mod streams;

use protocol_tests::suite;
use std::process::ExitCode;

fn main() -> ExitCode {
    suite::main(|| [streams::trials(), connect::trials(), restarts::trials()].into_iter().flatten().collect())
}
