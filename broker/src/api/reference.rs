//! The reference page of the APIs, `docs/reference/apis.md`, made from the table and from what Apache Kafka offers.

use std::fmt::Write;

use super::kafka_apis::{KAFKA_APIS, KafkaApi};
use super::{Api, TABLE};

/// What stands above the table.
const INTRODUCTION: &str = "\
# Kafka APIs

Made from the table in `broker/src/api/mod.rs` and the list in `broker/src/api/kafka_apis.rs`; change them there, then run
`FOREBAY_REWRITE=1 cargo test -p forebay --lib api::reference`.

Each API of the Kafka protocol with the versions that a broker of Apache Kafka 4.3.1 offers, and those that are served
here. Clients learn the latter from ApiVersions and choose what both sides know. A request for an API or a version that
is not served ends the connection, as in Kafka; ApiVersions itself is answered in version 0 with UNSUPPORTED_VERSION.

Produce is listed from version 0 on, as Kafka lists it for the sake of librdkafka, and served from version 3 on, as Kafka
serves it.

";

/// What stands below the table.
const LIMITS: &str = "
## Narrower than Kafka

- One node: every coordinator, leader and replica is this broker. A replication factor above 1 is refused.
- Listeners are PLAINTEXT, and everyone may do everything: authorized operations are told as without an authorizer.
- DeleteTopics refuses `__consumer_offsets`, `__transaction_state` and `__share_group_state` by INVALID_TOPIC_EXCEPTION.
- ListTransactions takes patterns without Unicode classes (`\\pL`).
- Regular expressions of consumer groups have no Unicode classes (`\\pL`); topic names have no use for them.
- The assignors of consumer groups are `uniform` and `range`.
- AlterConfigs and IncrementalAlterConfigs store every key of brokers that Kafka lets change; which act at once is said in
  [configuration.md](configuration.md). Log levels are refused. Client metrics subscriptions are stored and asked of nobody, as
  by Kafka without a plugin for them.
- Quotas: every user is ANONYMOUS; an `ip` that is a host's name limits nobody; a request's percentage is the time that threads
  work on it, without that of sending the answer; topics that Metadata creates by itself do not count as mutations.
";

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let served = KAFKA_APIS.iter().filter(|api| of(api).is_some()).count();
    let _ = writeln!(page, "{served} of {} are served.\n", KAFKA_APIS.len());
    page.push_str("| Key | API | For | Kafka 4.3.1 | Here | Missing |\n|---|---|---|---|---|---|\n");
    for kafka in KAFKA_APIS {
        let offered = kafka.versions.map_or("with a plugin".to_owned(), range);
        let here = of(kafka).map(|api| range((api.listed_min, api.max))).unwrap_or_default();
        let (key, name, about) = (kafka.key, kafka.name, kafka.about);
        let _ = writeln!(page, "| {key} | {name} | {about} | {offered} | {here} | {} |", missing(kafka));
    }
    page.push_str(LIMITS);
    page
}

fn of(kafka: &KafkaApi) -> Option<&'static Api> {
    TABLE.iter().find(|api| api.key as i16 == kafka.key)
}

/// The versions that Kafka offers and we do not, or `all`.
fn missing(kafka: &KafkaApi) -> String {
    let (Some(api), Some((first, last))) = (of(kafka), kafka.versions) else { return "all".to_owned() };
    let below = (first < api.listed_min).then(|| range((first, api.listed_min - 1)));
    let above = (last > api.max).then(|| range((api.max + 1, last)));
    below.into_iter().chain(above).collect::<Vec<_>>().join(", ")
}

fn range((first, last): (i16, i16)) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/apis.md");

    #[test]
    fn the_page_is_up_to_date() {
        if std::env::var_os("FOREBAY_REWRITE").is_some() {
            std::fs::write(PAGE, page()).unwrap();
        }
        let found = std::fs::read_to_string(PAGE).unwrap_or_default();
        let stale = found.lines().zip(page().lines().map(str::to_owned)).find(|(old, new)| old != new);
        assert!(
            found == page(),
            "docs/reference/apis.md is stale at {stale:?}; run FOREBAY_REWRITE=1 cargo test -p forebay --lib api::reference"
        );
    }

    #[test]
    fn nothing_is_served_that_kafka_does_not_offer() {
        for api in TABLE {
            let kafka = KAFKA_APIS.iter().find(|kafka| kafka.key == api.key as i16);
            let kafka = kafka.unwrap_or_else(|| panic!("Kafka has no {}", api.name));
            assert_eq!(kafka.name, api.name);
            let (first, last) = kafka.versions.unwrap();
            assert!((first..=last).contains(&api.listed_min) && (first..=last).contains(&api.max), "{api:?}");
        }
    }

    #[test]
    fn both_lists_are_in_the_order_of_their_keys() {
        assert!(KAFKA_APIS.is_sorted_by_key(|api| api.key));
        assert!(TABLE.is_sorted_by_key(|api| api.key as i16));
    }
}
