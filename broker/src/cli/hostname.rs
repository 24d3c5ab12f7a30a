//! The name of this machine that clients are told when a listener takes every interface.

use std::net::ToSocketAddrs;

/// The machine's name if it resolves here, as Java's `getCanonicalHostName` would find it; otherwise `localhost`.
#[must_use]
pub fn reachable() -> String {
    let resolves = |name: &String| (name.as_str(), 0).to_socket_addrs().is_ok_and(|mut found| found.next().is_some());
    own_name().filter(resolves).unwrap_or_else(|| "localhost".to_owned())
}

/// Linux shows the name as a file; elsewhere the command of that name prints it.
fn own_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| {
        let printed = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(printed.stdout).ok()
    })?;
    Some(text.trim().to_owned()).filter(|name| !name.is_empty())
}
