//! `listeners`, `advertised.listeners` and `listener.security.protocol.map`, read as Kafka reads them.
//!
//! Kafka: `SocketServerConfigs.listenerListToEndPoints`, `AbstractKafkaConfig.effectiveAdvertisedBrokerListeners`.

use std::fmt;

use super::value::list;

/// How bytes travel on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// No encryption, no authentication.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name of the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// A listener: a name, how it is secured, and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The name, in upper case.
    pub name: String,
    /// How bytes travel.
    pub protocol: SecurityProtocol,
    /// The host without brackets; empty is every interface.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl Listener {
    /// The addresses to try when binding, best first. Every interface means IPv6 and IPv4, as Java's wildcard does,
    /// and IPv4 alone where the machine has no IPv6.
    #[must_use]
    pub fn bind_candidates(&self) -> Vec<String> {
        let port = self.port;
        if is_wildcard(&self.host) {
            vec![format!("[::]:{port}"), format!("0.0.0.0:{port}")]
        } else {
            vec![host_and_port(&self.host, port)]
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.name, host_and_port(&self.host, self.port))
    }
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether a host stands for every interface.
#[must_use]
pub fn is_wildcard(host: &str) -> bool {
    matches!(host, "" | "0.0.0.0" | "::")
}

/// What was read of the keys, with the key to blame if it cannot be.
pub(super) type Read<T> = Result<T, (&'static str, String)>;

/// The texts of the keys that say where the broker listens.
pub(super) struct ListenerKeys<'a> {
    pub listeners: &'a str,
    pub advertised: Option<&'a str>,
    pub protocol_map: &'a str,
    pub controller_names: &'a str,
    pub inter_broker_name: Option<&'a str>,
}

/// The addresses of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// Where to listen; never empty. Listeners of the controller are not among them.
    pub bind: Vec<Listener>,
    /// What clients that came in by the listener of that name are told. A port 0 stands for the one that was bound.
    pub advertised: Vec<Listener>,
    /// The name of the listener brokers use among themselves.
    pub inter_broker: String,
    /// Listeners of the controller; not opened, as a single node needs none.
    pub controller: Vec<Listener>,
}

impl ListenerKeys<'_> {
    /// Reads all of them. `hostname` gives the name to advertise for a listener on every interface.
    pub(super) fn read(&self, hostname: &dyn Fn() -> String) -> Read<Listeners> {
        let controller_names: Vec<String> =
            list(self.controller_names).iter().map(|n| n.to_ascii_uppercase()).collect();
        let map = protocols(self.protocol_map, &controller_names)?;
        let all = parse_list("listeners", self.listeners, &map)?;
        distinct(&all)?;
        let (controller, bind): (Vec<_>, Vec<_>) = all.into_iter().partition(|l| controller_names.contains(&l.name));
        if bind.is_empty() {
            return Err((
                "listeners",
                "no listener is left for clients; name one such as PLAINTEXT://:9092".to_owned(),
            ));
        }
        let advertised = match self.advertised.filter(|text| !text.trim().is_empty()) {
            Some(text) => {
                let all = parse_list("advertised.listeners", text, &map)?;
                all.into_iter().filter(|l| !controller_names.contains(&l.name)).collect()
            }
            None => inherit(&bind, hostname),
        };
        check_advertised(&bind, &advertised)?;
        let inter_broker = self.inter_broker(&bind)?;
        Ok(Listeners { bind, advertised, inter_broker, controller })
    }

    /// Kafka wants a listener called PLAINTEXT if none is named; one node has nobody to talk to, so the first will do.
    fn inter_broker(&self, bind: &[Listener]) -> Read<String> {
        let Some(name) = self.inter_broker_name.map(str::to_ascii_uppercase) else {
            let plaintext = bind.iter().find(|l| l.name == "PLAINTEXT").or(bind.first());
            return Ok(plaintext.map(|l| l.name.clone()).unwrap_or_default());
        };
        if bind.iter().any(|l| l.name == name) {
            return Ok(name);
        }
        let known: Vec<&str> = bind.iter().map(|l| l.name.as_str()).collect();
        Err(("inter.broker.listener.name", format!("{name} is not among the listeners ({})", known.join(", "))))
    }
}

/// The map of listener names to protocols. Controller listeners nobody mapped are plaintext, as in Kafka.
fn protocols(text: &str, controller_names: &[String]) -> Read<Vec<(String, SecurityProtocol)>> {
    let key = "listener.security.protocol.map";
    let mut map = Vec::new();
    for entry in list(text) {
        let pair = entry.rsplit_once(':').map(|(name, protocol)| (name.trim(), protocol.trim()));
        let Some((name, protocol)) = pair.filter(|(name, _)| !name.is_empty()) else {
            return Err((key, format!("{entry} is not of the form NAME:PROTOCOL")));
        };
        let Some(protocol) = SecurityProtocol::from_name(protocol) else {
            return Err((key, format!("{protocol} is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL")));
        };
        map.push((name.to_ascii_uppercase(), protocol));
    }
    for name in controller_names {
        if !map.iter().any(|(mapped, _)| mapped == name) {
            map.push((name.clone(), SecurityProtocol::Plaintext));
        }
    }
    Ok(map)
}

fn parse_list(key: &'static str, text: &str, map: &[(String, SecurityProtocol)]) -> Read<Vec<Listener>> {
    list(text).into_iter().map(|entry| parse_one(key, entry, map)).collect()
}

fn parse_one(key: &'static str, entry: &str, map: &[(String, SecurityProtocol)]) -> Read<Listener> {
    let malformed = || (key, format!("{entry} is not of the form NAME://host:port, such as PLAINTEXT://:9092"));
    let (name, address) = entry.split_once("://").filter(|(name, _)| !name.is_empty()).ok_or_else(malformed)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
    if !host.chars().all(plain) {
        return Err(malformed());
    }
    let port = port.parse().map_err(|_| (key, format!("{entry}: {port} is not a port from 0 to 65535")))?;
    let name = name.to_ascii_uppercase();
    let Some((_, protocol)) = map.iter().find(|(mapped, _)| *mapped == name) else {
        let advice =
            format!("listener {name} has no security protocol; add {name}:PLAINTEXT to listener.security.protocol.map");
        return Err((key, advice));
    };
    Ok(Listener { name, protocol: *protocol, host: host.to_owned(), port })
}

/// Names and ports must differ; one port may serve IPv4 and IPv6 (Kafka: KIP-797).
fn distinct(listeners: &[Listener]) -> Read<()> {
    for (i, one) in listeners.iter().enumerate() {
        for other in &listeners[i + 1..] {
            if one.name == other.name {
                return Err(("listeners", format!("the name {} is used twice", one.name)));
            }
            let two_families = one.host.contains(':') != other.host.contains(':')
                && [one, other].iter().all(|l| l.host.parse::<std::net::IpAddr>().is_ok());
            if one.port == other.port && one.port != 0 && !two_families {
                return Err(("listeners", format!("{one} and {other} use the same port")));
            }
        }
    }
    Ok(())
}

/// Without `advertised.listeners`, clients are told the listeners; the machine's name stands in for every interface.
fn inherit(bind: &[Listener], hostname: &dyn Fn() -> String) -> Vec<Listener> {
    let tell = |listener: &Listener| {
        let host = if is_wildcard(&listener.host) { hostname() } else { listener.host.clone() };
        Listener { host, ..listener.clone() }
    };
    bind.iter().map(tell).collect()
}

fn check_advertised(bind: &[Listener], advertised: &[Listener]) -> Read<()> {
    let key = "advertised.listeners";
    if advertised.is_empty() {
        return Err((key, "no address is left to tell clients".to_owned()));
    }
    for listener in advertised {
        if !bind.iter().any(|l| l.name == listener.name) {
            return Err((key, format!("{listener}: no listener is called {}; add it to listeners", listener.name)));
        }
        if is_wildcard(&listener.host) {
            return Err((
                key,
                format!("{listener}: clients cannot connect to a wildcard address; name a host they reach"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT_MAP: &str = "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL";

    fn keys(listeners: &str) -> ListenerKeys<'_> {
        ListenerKeys {
            listeners,
            advertised: None,
            protocol_map: DEFAULT_MAP,
            controller_names: "",
            inter_broker_name: None,
        }
    }

    fn read(keys: &ListenerKeys<'_>) -> Read<Listeners> {
        keys.read(&|| "box".to_owned())
    }

    fn shown(listeners: &[Listener]) -> Vec<String> {
        listeners.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_interface_is_advertised_by_the_machine_s_name() {
        for text in ["PLAINTEXT://:9092", "PLAINTEXT://0.0.0.0:9092", "plaintext://[::]:9092", "PLAINTEXT://:::9092"] {
            let found = read(&keys(text)).unwrap();
            assert_eq!(found.bind[0].bind_candidates(), ["[::]:9092", "0.0.0.0:9092"], "{text}");
            assert_eq!(shown(&found.advertised), ["PLAINTEXT://box:9092"], "{text}");
        }
    }

    #[test]
    fn hosts_of_all_kinds() {
        for (text, host, bind) in [
            ("PLAINTEXT://localhost:9092", "localhost", "localhost:9092"),
            ("PLAINTEXT://127.0.0.1:0", "127.0.0.1", "127.0.0.1:0"),
            ("PLAINTEXT://[fe80::1%eth0]:9092", "fe80::1%eth0", "[fe80::1%eth0]:9092"),
            ("PLAINTEXT://::1:9092", "::1", "[::1]:9092"),
        ] {
            let found = read(&keys(text)).unwrap();
            assert_eq!((found.bind[0].host.as_str(), found.bind[0].bind_candidates()), (host, vec![bind.to_owned()]));
            assert_eq!(found.advertised, found.bind);
        }
    }

    #[test]
    fn named_listeners_as_in_a_compose_file() {
        let found = read(&ListenerKeys {
            advertised: Some("INTERNAL://kafka:29092, EXTERNAL://localhost:9092"),
            protocol_map: "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            controller_names: "CONTROLLER",
            inter_broker_name: Some("internal"),
            ..keys("INTERNAL://:29092,CONTROLLER://:9093,EXTERNAL://0.0.0.0:9092")
        })
        .unwrap();
        assert_eq!(shown(&found.bind), ["INTERNAL://:29092", "EXTERNAL://0.0.0.0:9092"]);
        assert_eq!(shown(&found.advertised), ["INTERNAL://kafka:29092", "EXTERNAL://localhost:9092"]);
        assert_eq!(shown(&found.controller), ["CONTROLLER://:9093"]);
        assert_eq!(found.inter_broker, "INTERNAL");
    }

    /// Kafka's quick start has no map and a controller listener.
    #[test]
    fn controller_listeners_need_no_map() {
        let found =
            read(&ListenerKeys { controller_names: "CONTROLLER", ..keys("PLAINTEXT://:9092,CONTROLLER://:9093") });
        assert_eq!(shown(&found.unwrap().bind), ["PLAINTEXT://:9092"]);
    }

    #[test]
    fn what_cannot_be_served_is_named() {
        for (text, part) in [
            (":9092", "is not of the form"),
            ("PLAINTEXT://localhost", "is not of the form"),
            ("PLAINTEXT://a b:1", "is not of the form"),
            ("PLAINTEXT://x:70000", "70000 is not a port"),
            ("PLAINTEXT://x:-1", "-1 is not a port"),
            ("EXTERNAL://:9092", "add EXTERNAL:PLAINTEXT"),
            ("PLAINTEXT://:9092,PLAINTEXT://:9093", "used twice"),
            ("PLAINTEXT://:9092,SSL://:9092", "same port"),
            ("", "no listener is left"),
        ] {
            let (key, reason) = read(&keys(text)).unwrap_err();
            assert!(key == "listeners" && reason.contains(part), "{text}: {key}: {reason}");
        }
    }

    #[test]
    fn advertised_addresses_are_checked() {
        for (advertised, part) in [("PLAINTEXT://0.0.0.0:9092", "wildcard"), ("SSL://x:1", "no listener is called SSL")]
        {
            let (key, reason) =
                read(&ListenerKeys { advertised: Some(advertised), ..keys("PLAINTEXT://:9092") }).unwrap_err();
            assert!(key == "advertised.listeners" && reason.contains(part), "{reason}");
        }
        let wrong = read(&ListenerKeys { inter_broker_name: Some("X"), ..keys("PLAINTEXT://:9092") }).unwrap_err();
        assert_eq!(wrong, ("inter.broker.listener.name", "X is not among the listeners (PLAINTEXT)".to_owned()));
    }

    #[test]
    fn one_port_may_serve_both_families() {
        let both =
            ListenerKeys { protocol_map: "A:PLAINTEXT,B:PLAINTEXT", ..keys("A://127.0.0.1:9092,B://[::1]:9092") };
        assert_eq!(read(&both).unwrap().bind.len(), 2);
    }
}
