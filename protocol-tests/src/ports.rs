//! Free ports for brokers that are killed and started again on the same port.
//!
//! They lie below the range from which the operating system takes ports for outgoing connections: there, a client that
//! keeps connecting to the port of a broker that is down could take that very port as its own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on 127.0.0.1 on which nothing listens and that this process has not handed out before.
///
/// # Panics
/// When all of them are taken.
pub fn free_port() -> u16 {
    // Processes start at different places, so that two that run at once rarely meet.
    let start = (std::process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT - 1);
}
