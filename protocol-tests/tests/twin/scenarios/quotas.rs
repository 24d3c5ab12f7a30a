//! Client quotas: what is refused and in which words, what is stored, what is shown.

use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] =
    &[("quotas::alter", alter), ("quotas::refused", refused), ("quotas::filters", filters)];

/// How long a change may take until it is seen.
const LIMIT: Duration = Duration::from_secs(30);

type Parts<'a> = &'a [(&'a str, Option<&'a str>)];
type Ops<'a> = &'a [(&'a str, f64, bool)];

fn entry(parts: Parts<'_>, ops: Ops<'_>) -> EntryData {
    let entity = |(kind, name): &(&str, Option<&str>)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    };
    let op = |(key, value, remove): &(&str, f64, bool)| {
        OpData::default().with_key(text(key)).with_value(*value).with_remove(*remove)
    };
    EntryData::default().with_entity(parts.iter().map(entity).collect()).with_ops(ops.iter().map(op).collect())
}

/// Asks, with entities in the order of their names.
fn change(side: &mut Side, version: i16, entries: Vec<EntryData>, validate_only: bool) -> Result<(), String> {
    let request = AlterClientQuotasRequest::default().with_entries(entries).with_validate_only(validate_only);
    side.ask_sorted(version, &request, |answer| {
        for entry in &mut answer.entries {
            entry.entity.sort_by(|a, b| a.entity_type.cmp(&b.entity_type));
        }
        answer.entries.sort_by_key(|entry| format!("{:?}", entry.entity));
    })?;
    Ok(())
}

fn component(kind: &str, how: i8, name: Option<&str>) -> ComponentData {
    ComponentData::default().with_entity_type(text(kind)).with_match_type(how).with_match(name.map(text))
}

/// Waits until all that was changed is seen: a broker of Kafka learns of it a moment after the controller has answered. Changes come
/// in one log, so that a last one shows that all are there.
pub fn settled(side: &mut Side) -> Result<(), String> {
    // No name of the scenario, or it would be shown.
    let mark = side.name("").replace('-', "_");
    let filter = DescribeClientQuotasRequest::default().with_components(vec![component("user", 0, Some(&mark))]);
    let rate = |answer: &DescribeClientQuotasResponse| {
        answer.entries.iter().flatten().flat_map(|entry| &entry.values).map(|value| value.value).next()
    };
    let before = side.quietly(1, &filter)?.as_ref().and_then(rate).unwrap_or(0.0);
    let next = before + 1.0;
    let marked = entry(&[("user", Some(&mark))], &[("producer_byte_rate", next, false)]);
    side.quietly(1, &AlterClientQuotasRequest::default().with_entries(vec![marked]))?;
    until("a change that is seen", LIMIT, || match side.quietly(1, &filter) {
        Ok(answer) => (answer.as_ref().and_then(rate) == Some(next)).then_some(Ok(())),
        Err(error) => Some(Err(error)),
    })?
}

/// Asks, sorted, and of entities of other scenarios nothing.
fn show(side: &mut Side, version: i16, components: Vec<ComponentData>, strict: bool) -> Result<(), String> {
    settled(side)?;
    let own = side.name("");
    let request = DescribeClientQuotasRequest::default().with_components(components).with_strict(strict);
    side.ask_sorted(version, &request, |answer| {
        let Some(entries) = &mut answer.entries else { return };
        entries.retain(|entry| format!("{entry:?}").contains(&own));
        for entry in entries.iter_mut() {
            entry.entity.sort_by(|a, b| a.entity_type.cmp(&b.entity_type));
            entry.values.sort_by(|a, b| a.key.cmp(&b.key));
        }
        entries.sort_by_key(|entry| format!("{:?}", entry.entity));
    })?;
    Ok(())
}

fn alter(side: &mut Side) -> Result<(), String> {
    let (user, client) = (side.name("user"), side.name("client"));
    let of_user: Parts<'_> = &[("user", Some(&user))];
    let of_both: Parts<'_> = &[("user", Some(&user)), ("client-id", Some(&client))];
    for version in 0..=1 {
        let entries = || {
            vec![
                entry(of_user, &[("producer_byte_rate", 1e6, false), ("request_percentage", 12.5, false)]),
                entry(of_both, &[("consumer_byte_rate", 2e6, false), ("controller_mutation_rate", 0.5, false)]),
                entry(&[("client-id", Some(&client))], &[("consumer_byte_rate", 1e18, false)]),
            ]
        };
        for validate_only in [true, false] {
            change(side, version, entries(), validate_only)?;
            show(side, version, vec![], false)?;
        }
        side.about("one is set again, one is taken back, one was never there");
        let ops: Ops<'_> =
            &[("producer_byte_rate", 5.0, false), ("request_percentage", 0.0, true), ("consumer_byte_rate", 0.0, true)];
        change(side, version, vec![entry(of_user, ops)], false)?;
        show(side, version, vec![], false)?;
        side.about("all are taken back");
        let gone = vec![
            entry(of_user, &[("producer_byte_rate", 0.0, true)]),
            entry(of_both, &[("consumer_byte_rate", 0.0, true), ("controller_mutation_rate", 0.0, true)]),
            entry(&[("client-id", Some(&client))], &[("consumer_byte_rate", 0.0, true)]),
        ];
        change(side, version, gone, false)?;
        show(side, version, vec![], false)?;
    }
    Ok(())
}

fn refused(side: &mut Side) -> Result<(), String> {
    let user = side.name("user");
    let of_user: Parts<'_> = &[("user", Some(&user))];
    let cases: &[(Parts<'_>, Ops<'_>)] = &[
        (&[], &[("producer_byte_rate", 1.0, false)]),
        (&[("who", Some("x"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("", Some("x"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("user", Some(""))], &[("producer_byte_rate", 1.0, false)]),
        (&[("client-id", Some(""))], &[("producer_byte_rate", 1.0, false)]),
        (&[("user", Some("u")), ("ip", Some("1.2.3.4"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("ip", Some("not an address"))], &[("connection_creation_rate", 1.0, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("producer_byte_rate", 1.0, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("connection_creation_rate", 1.5, false)]),
        (&[("ip", Some("1.2.3.4"))], &[("connection_creation_rate", 3e9, false)]),
        (of_user, &[("no_such_key", 1.0, false)]),
        (of_user, &[("no_such_key", 1.0, true)]),
        (of_user, &[("connection_creation_rate", 1.0, false)]),
        (of_user, &[("producer_byte_rate", 0.0, false)]),
        (of_user, &[("producer_byte_rate", -1.0, false)]),
        (of_user, &[("producer_byte_rate", 1.5, false)]),
        (of_user, &[("producer_byte_rate", 1.000_000_1, false)]),
        (of_user, &[("producer_byte_rate", 1e19, false)]),
        (of_user, &[("request_percentage", 0.0, false)]),
        (of_user, &[("request_percentage", 1.0, false), ("no_such_key", 1.0, false)]),
        (of_user, &[("producer_byte_rate", 1.0, false), ("producer_byte_rate", 2.0, false)]),
        (of_user, &[]),
    ];
    for (parts, ops) in cases {
        side.about(format!("{parts:?} {ops:?}"));
        change(side, 1, vec![entry(parts, ops)], false)?;
    }
    side.about("in the first version");
    change(side, 0, vec![entry(of_user, &[("no_such_key", 1.0, false)])], false)?;
    side.about("one entity twice");
    let twice = |rate| entry(of_user, &[("consumer_byte_rate", rate, false)]);
    change(side, 1, vec![twice(1.0), twice(2.0)], false)?;
    side.about("nothing at all");
    change(side, 1, vec![], false)?;
    side.about("what has become of it");
    show(side, 1, vec![], false)?;
    let all: Vec<(&str, f64, bool)> =
        ["producer_byte_rate", "consumer_byte_rate", "request_percentage"].map(|key| (key, 0.0, true)).into();
    change(side, 1, vec![entry(of_user, &all)], false)
}

fn filters(side: &mut Side) -> Result<(), String> {
    let (user, client) = (side.name("user"), side.name("client"));
    let entities: &[Parts<'_>] = &[
        &[("user", Some(&user))],
        &[("client-id", Some(&client))],
        &[("user", Some(&user)), ("client-id", Some(&client))],
        &[("user", Some(&user)), ("client-id", None)],
        &[("user", None), ("client-id", Some(&client))],
    ];
    let key = "controller_mutation_rate";
    change(side, 1, entities.iter().map(|parts| entry(parts, &[(key, 1e6, false)])).collect(), false)?;
    let (exact, default, any) = (0, 1, 2);
    let user_is = || component("user", exact, Some(&user));
    let cases = vec![
        vec![],
        vec![user_is()],
        vec![component("user", default, None)],
        vec![component("user", any, None)],
        vec![component("client-id", any, None)],
        vec![user_is(), component("client-id", default, None)],
        vec![user_is(), component("client-id", any, None)],
        vec![component("user", any, None), component("client-id", any, None)],
        vec![component("ip", any, None)],
        vec![component("user", exact, Some("nobody"))],
        // What is refused.
        vec![component("", exact, Some("x"))],
        vec![component("who", exact, Some("x"))],
        vec![user_is(), user_is()],
        vec![component("user", exact, None)],
        vec![component("user", default, Some("x"))],
        vec![component("user", any, Some("x"))],
        vec![component("user", 3, None)],
        vec![component("user", any, None), component("ip", any, None)],
    ];
    for version in 0..=1 {
        for components in &cases {
            for strict in [false, true] {
                side.about(format!("{components:?}, strict {strict}"));
                show(side, version, components.clone(), strict)?;
            }
        }
    }
    change(side, 1, entities.iter().map(|parts| entry(parts, &[(key, 0.0, true)])).collect(), false)
}
