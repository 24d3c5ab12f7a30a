//! Which quota a client has: those that are set, and the order in which they count (Kafka: ClientQuotaManager.DefaultQuotaCallback).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use forebay_control::metadata::client_quotas::{
    CLIENT_ID, CONNECTION_CREATION_RATE, CONSUMER_BYTE_RATE, CONTROLLER_MUTATION_RATE, ClientQuotas, IP,
    PRODUCER_BYTE_RATE, QuotaEntity, REQUEST_PERCENTAGE, USER,
};

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes a second of produce requests.
    Produce,
    /// Bytes a second of fetch answers.
    Fetch,
    /// Percents of one thread's time.
    Request,
    /// Partitions made or deleted a second.
    Mutation,
    /// Connections a second from one address.
    Connection,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Produce, Kind::Fetch, Kind::Request, Kind::Mutation, Kind::Connection];

    /// The key of the quota.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Kind::Produce => PRODUCER_BYTE_RATE,
            Kind::Fetch => CONSUMER_BYTE_RATE,
            Kind::Request => REQUEST_PERCENTAGE,
            Kind::Mutation => CONTROLLER_MUTATION_RATE,
            Kind::Connection => CONNECTION_CREATION_RATE,
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The user.
    pub user: &'a str,
    /// What the client calls itself.
    pub client_id: &'a str,
}

/// Who shares one sensor: all of a user, all of a client id, or one client id of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    user: Option<Box<str>>,
    client_id: Option<Box<str>>,
}

/// Longer names are told apart by their beginning and a hash, in bytes: a client may call itself by 32 KiB, and is remembered.
const MAX_NAME: usize = 128;

/// A name as sensors remember it. One that was made to collide shares a quota with the one it was made for, which its owner could have
/// without.
fn remembered(name: &str) -> Box<str> {
    if name.len() <= MAX_NAME {
        return name.into();
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("{}{:016x}", &name[..name.floor_char_boundary(MAX_NAME)], hasher.finish()).into()
}

/// A type's part of an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Absent,
    Default,
    Named(Box<str>),
}

impl Part {
    fn of(entity: &QuotaEntity, kind: &str) -> Part {
        match entity.get(kind) {
            None => Part::Absent,
            Some(None) => Part::Default,
            Some(Some(name)) => Part::Named(name.as_str().into()),
        }
    }
}

/// The quotas that are set.
#[derive(Debug, Default)]
pub struct Limits {
    clients: BTreeMap<(Kind, Part, Part), f64>,
    addresses: BTreeMap<IpAddr, f64>,
    every_address: Option<f64>,
}

impl Limits {
    /// From the controller's state. A host that is not written as an address limits nobody.
    #[must_use]
    pub fn new(quotas: &ClientQuotas) -> Limits {
        let mut limits = Limits::default();
        for (entity, values) in quotas {
            let value = |kind: Kind| values.get(kind.key()).map(|value| value.0);
            match (entity.get(IP), value(Kind::Connection)) {
                (None, _) => {
                    let (user, client_id) = (Part::of(entity, USER), Part::of(entity, CLIENT_ID));
                    let set = Kind::ALL.into_iter().filter_map(|kind| Some((kind, value(kind)?)));
                    limits.clients.extend(set.map(|(kind, limit)| ((kind, user.clone(), client_id.clone()), limit)));
                }
                (Some(None), limit) => limits.every_address = limit,
                (Some(Some(name)), Some(limit)) => {
                    if let Ok(address) = name.parse::<IpAddr>() {
                        limits.addresses.insert(address.to_canonical(), limit);
                    }
                }
                _ => {}
            }
        }
        limits
    }

    /// Whether anybody has a quota of that kind.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Connection => self.every_address.is_some() || !self.addresses.is_empty(),
            kind => self.clients.keys().any(|(of, _, _)| *of == kind),
        }
    }

    /// The quota of a client, and with whom it shares it.
    #[must_use]
    pub fn of_client(&self, kind: Kind, client: Client<'_>) -> Option<(f64, Group)> {
        let user = || Part::Named(client.user.into());
        let client_id = || Part::Named(client.client_id.into());
        let order = [
            (user(), client_id()),
            (user(), Part::Default),
            (user(), Part::Absent),
            (Part::Default, client_id()),
            (Part::Default, Part::Default),
            (Part::Default, Part::Absent),
            (Part::Absent, client_id()),
            (Part::Absent, Part::Default),
        ];
        order.into_iter().find_map(|(of_user, of_client)| {
            let group = Group {
                user: (of_user != Part::Absent).then(|| remembered(client.user)),
                client_id: (of_client != Part::Absent).then(|| remembered(client.client_id)),
            };
            Some((*self.clients.get(&(kind, of_user, of_client))?, group))
        })
    }

    /// The quota of an address.
    #[must_use]
    pub fn of_address(&self, address: IpAddr) -> Option<f64> {
        self.addresses.get(&address).copied().or(self.every_address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay_control::metadata::client_quotas::QuotaValue;

    /// Types and names of an entity, a key and its value.
    type Set<'a> = (&'a [(&'a str, Option<&'a str>)], &'a str, f64);

    fn quotas(set: &[Set<'_>]) -> Limits {
        let mut quotas = ClientQuotas::new();
        for (entity, key, value) in set {
            let entity = entity.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect();
            quotas.entry(entity).or_default().insert((*key).to_owned(), QuotaValue(*value));
        }
        Limits::new(&quotas)
    }

    /// The order of the list in Kafka's ClientQuotaManager: each quota is taken away in turn, and the next one counts.
    #[test]
    fn the_nearest_quota_counts() {
        let order: [&[(&str, Option<&str>)]; 8] = [
            &[("user", Some("u")), ("client-id", Some("c"))],
            &[("user", Some("u")), ("client-id", None)],
            &[("user", Some("u"))],
            &[("user", None), ("client-id", Some("c"))],
            &[("user", None), ("client-id", None)],
            &[("user", None)],
            &[("client-id", Some("c"))],
            &[("client-id", None)],
        ];
        let groups = [
            (true, true),
            (true, true),
            (true, false),
            (true, true),
            (true, true),
            (true, false),
            (false, true),
            (false, true),
        ];
        let client = Client { user: "u", client_id: "c" };
        for (first, shares) in groups.iter().enumerate() {
            let set: Vec<_> =
                (first..order.len()).map(|at| (order[at], "producer_byte_rate", at as f64 + 1.0)).collect();
            let limits = quotas(&set);
            let (limit, group) = limits.of_client(Kind::Produce, client).unwrap();
            assert_eq!(
                (limit, group.user.is_some(), group.client_id.is_some()),
                (first as f64 + 1.0, shares.0, shares.1)
            );
            assert!(limits.has(Kind::Produce) && !limits.has(Kind::Fetch));
        }
        assert!(quotas(&[(order[0], "request_percentage", 1.0)]).of_client(Kind::Fetch, client).is_none());
    }

    #[test]
    fn what_is_remembered_of_a_client_is_short() {
        let limits = quotas(&[(&[("client-id", None)], "producer_byte_rate", 1.0)]);
        let group = |client_id: &str| limits.of_client(Kind::Produce, Client { user: "u", client_id }).unwrap().1;
        let (long, other) = ("é".repeat(10_000), "é".repeat(10_001));
        assert!(group(&long).client_id.unwrap().len() < 2 * MAX_NAME);
        assert_eq!(group(&long), group(&long));
        assert_ne!(group(&long), group(&other));
        assert_ne!(group(&long), group(&group(&long).client_id.unwrap()), "nobody is called as another is remembered");
        assert_eq!(&*group("c").client_id.unwrap(), "c");
    }

    #[test]
    fn addresses_have_their_own_or_the_default() {
        let one: &[(&str, Option<&str>)] = &[("ip", Some("10.0.0.1"))];
        let limits =
            quotas(&[(one, "connection_creation_rate", 5.0), (&[("ip", None)], "connection_creation_rate", 7.0)]);
        assert_eq!(limits.of_address([10, 0, 0, 1].into()), Some(5.0));
        assert_eq!(limits.of_address([10, 0, 0, 2].into()), Some(7.0));
        assert!(limits.has(Kind::Connection) && !limits.has(Kind::Request));
        assert_eq!(quotas(&[(one, "connection_creation_rate", 5.0)]).of_address([10, 0, 0, 2].into()), None);
    }
}
