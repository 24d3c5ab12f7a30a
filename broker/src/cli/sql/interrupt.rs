//! Ctrl-C while statements run: it ends the one that runs. Where that does not come to it, a second one ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::exit::{CliError, CliResult, Exit};
use crate::clock;

/// How long a statement has to end in before Ctrl-C ends everything.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sets `interrupted` at each Ctrl-C, until the program's end. A shell's line editor takes the key itself while it reads.
pub(super) fn listen(interrupted: Arc<AtomicBool>) -> CliResult {
    let failed = |error: std::io::Error| CliError::failed(format!("cannot listen for Ctrl-C: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let listen = move || {
        runtime.block_on(async {
            let mut first = clock::instant();
            while tokio::signal::ctrl_c().await.is_ok() {
                if !interrupted.swap(true, Ordering::Relaxed) {
                    first = clock::instant();
                } else if first.elapsed() >= PATIENCE {
                    std::process::exit(Exit::Interrupted as i32);
                }
            }
        });
    };
    std::thread::Builder::new().name("ctrl-c".to_owned()).spawn(listen).map(drop).map_err(failed)
}
