//! Listeners: sockets that accept clients, each connection a task of its own.

mod accept;
mod foreign;
mod limits;
mod quotas;
mod seldom;

pub use accept::{Door, accept_loop, bind};
pub use foreign::Foreign;
pub use limits::{ConnectionLimits, overrides};
pub use quotas::{ConnectionQuotas, Place};

use std::net::SocketAddr;

/// One of the broker's listeners and the address under which it is advertised.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The listener's name, `PLAINTEXT` for example.
    pub name: String,
    /// Host given to clients in metadata.
    pub advertised_host: String,
    /// Port given to clients in metadata.
    pub advertised_port: u16,
    /// The address it is bound to.
    pub local: SocketAddr,
}
