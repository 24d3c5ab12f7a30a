//! The limits of connections as they are configured: for all, for an address, for a listener (Kafka: SocketServerConfigs).

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};

use crate::config::Values;
use crate::config::dynamic::Dynamic;
use crate::config::settings::ConnectionSettings;

/// How many connections there may be and how fast they may come. All counts are of connections open at one time, rates of new ones a second.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionLimits {
    /// Of all listeners together, but see [`super::ConnectionQuotas`].
    pub total: usize,
    /// Of one address.
    pub per_ip: usize,
    /// New ones a second, of all listeners together.
    pub rate: f64,
    /// By the number of the listener.
    pub listeners: Vec<ListenerLimits>,
}

/// The limits of one listener.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListenerLimits {
    /// Connections.
    pub total: usize,
    /// New ones a second.
    pub rate: f64,
}

impl ConnectionLimits {
    /// As set when the broker started, and since. A listener without a limit of its own has the broker's
    /// (Kafka: `valuesWithPrefixOverride`).
    #[must_use]
    pub fn in_force(values: &Values, dynamic: &Dynamic, listeners: &[String]) -> ConnectionLimits {
        let broker = ConnectionSettings::in_force(values, dynamic);
        let of = |name: &String| {
            let own = ConnectionSettings::of_listener(values, dynamic, name);
            ListenerLimits { total: count(own.max), rate: f64::from(own.creation_rate) }
        };
        ConnectionLimits {
            total: count(broker.max),
            per_ip: count(broker.max_per_ip),
            rate: f64::from(broker.creation_rate),
            listeners: listeners.iter().map(of).collect(),
        }
    }
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

/// The addresses that `max.connections.per.ip.overrides` names, with their limits. Names of hosts are looked up: this may take a while.
///
/// # Errors
/// An entry is not `host:count`, or its host has no address: what, and what to do.
pub fn overrides(text: &str) -> Result<HashMap<IpAddr, usize>, String> {
    let mut limits = HashMap::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let wrong =
            |what: &str| format!("max.connections.per.ip.overrides: {entry}: {what}; write host:count,host:count");
        let (host, limit) = entry.rsplit_once(':').ok_or_else(|| wrong("there is no count"))?;
        let limit = limit.trim().parse().map_err(|_| wrong("the count is not a whole number of at least 0"))?;
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let mut found = (host, 0).to_socket_addrs().map_err(|e| wrong(&format!("the host has no address: {e}")))?;
        // Kafka: InetAddress.getByName gives one.
        let address = found.next().ok_or_else(|| wrong("the host has no address"))?;
        limits.insert(address.ip().to_canonical(), limit);
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn limits(settings: &[&str], dynamic: &Dynamic) -> ConnectionLimits {
        let overrides = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let config = load(Sources { overrides, ..Sources::default() }).unwrap().config;
        ConnectionLimits::in_force(config.values(), dynamic, &["INTERNAL".to_owned(), "EXTERNAL".to_owned()])
    }

    #[test]
    fn a_listener_has_its_own_limits_or_the_broker_s() {
        let settings = [
            "max.connections=10",
            "max.connection.creation.rate=7",
            "listener.name.external.max.connections=3",
            "listener.name.internal.max.connection.creation.rate=2",
        ];
        let found = limits(&settings, &Dynamic::default());
        assert_eq!((found.total, found.per_ip, found.rate), (10, 2_147_483_647, 7.0));
        let listener = |total, rate| ListenerLimits { total, rate };
        assert_eq!(found.listeners, [listener(10, 2.0), listener(3, 7.0)]);
    }

    #[test]
    fn what_is_set_at_run_time_comes_first() {
        let dynamic = Dynamic {
            cluster: [("max.connections".to_owned(), "4".to_owned())].into(),
            node: [("max.connections.per.ip".to_owned(), "2".to_owned())].into(),
        };
        let found = limits(&["max.connections=10", "listener.name.external.max.connections=3"], &dynamic);
        assert_eq!((found.total, found.per_ip), (4, 2));
        assert_eq!(found.listeners.iter().map(|l| l.total).collect::<Vec<_>>(), [4, 3]);
    }

    #[test]
    fn overrides_name_addresses_of_both_families_and_hosts() {
        let found = overrides("127.0.0.1:5, [::1]:6,::2:7").unwrap();
        let of = |ip: &str| found.get(&ip.parse::<IpAddr>().unwrap()).copied();
        assert_eq!((of("127.0.0.1"), of("::1"), of("::2"), found.len()), (Some(5), Some(6), Some(7), 3));
        assert!(overrides("localhost:5").unwrap().keys().all(IpAddr::is_loopback));
        for wrong in ["localhost", "127.0.0.1:many", "127.0.0.1:-1"] {
            assert!(overrides(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
