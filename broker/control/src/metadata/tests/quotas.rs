//! Client quotas and SCRAM credentials: what is refused, what is stored, what is shown. Messages and rules are those of Kafka's
//! ClientQuotaControlManager, ClientQuotasImage and ScramControlManager.

use super::*;
use crate::metadata::client_quotas::{QuotaEntity, QuotaFilter, QuotaMatch, QuotaValue};
use crate::metadata::scram::{ScramCredential, ScramMechanism};

fn entity(parts: &[(&str, Option<&str>)]) -> QuotaEntity {
    parts.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect()
}

fn alteration(parts: &[(&str, Option<&str>)], ops: &[(&str, Option<f64>)]) -> QuotaAlteration {
    let op = |(key, value): &(&str, Option<f64>)| ((*key).to_owned(), value.map(QuotaValue));
    QuotaAlteration { entity: entity(parts), ops: ops.iter().map(op).collect() }
}

fn alter(world: &mut World, alterations: Vec<QuotaAlteration>, validate_only: bool) -> Vec<(ErrorCode, String)> {
    let command = AlterClientQuotas { reply_to: ASKER, alterations, validate_only };
    match world.run(Command::AlterClientQuotas(command)) {
        Some(Reply::AlterClientQuotas(results)) => {
            results.into_iter().map(|r| (r.error, r.message.unwrap_or_default())).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Types and names of an entity.
type Entity<'a> = &'a [(&'a str, Option<&'a str>)];

const ALICE: Entity<'_> = &[("user", Some("alice"))];
const FINE: (ErrorCode, String) = (ErrorCode::None, String::new());

#[test]
fn what_is_wrong_is_said_in_kafkas_words() {
    let address: Entity<'_> = &[("ip", Some("1.2.3.4"))];
    let cases: &[(Entity<'_>, &str, f64, &str)] = &[
        (&[], "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
        (&[("who", None)], "producer_byte_rate", 1.0, "Unhandled client quota entity type: who"),
        (&[("user", Some(""))], "producer_byte_rate", 1.0, "Empty user not supported"),
        (
            &[("user", None), ("ip", None)],
            "producer_byte_rate",
            1.0,
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
        ),
        (ALICE, "no_such_key", 1.0, "Invalid configuration key no_such_key"),
        (ALICE, "connection_creation_rate", 1.0, "Invalid configuration key connection_creation_rate"),
        (ALICE, "producer_byte_rate", 0.0, "Quota producer_byte_rate must be greater than 0"),
        (ALICE, "consumer_byte_rate", 2.245, "consumer_byte_rate cannot be a fractional value."),
        (ALICE, "producer_byte_rate", 3.7e19, "Proposed value for producer_byte_rate is too large for a LONG."),
        (address, "producer_byte_rate", 1.0, "Invalid configuration key producer_byte_rate"),
        (
            address,
            "connection_creation_rate",
            3e9,
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
    ];
    let mut world = World::new();
    for (entity, key, value, message) in cases {
        let both = vec![alteration(entity, &[("request_percentage", Some(5.0)), (key, Some(*value))])];
        let single = vec![alteration(entity, &[(key, Some(*value))])];
        let expected = vec![(ErrorCode::InvalidRequest, (*message).to_owned())];
        assert_eq!(alter(&mut world, single, false), expected);
        assert!(!alter(&mut world, both, false)[0].0.is_ok(), "one fault refuses all of an entity");
    }
    assert!(world.machine.client_quotas().is_empty());
}

#[test]
fn one_entity_is_altered_once() {
    let mut world = World::new();
    let message = "Ignoring duplicate entity ClientQuotaEntity(entries={user=alice})".to_owned();
    let rate = |value| alteration(ALICE, &[("producer_byte_rate", Some(value))]);
    let answers = alter(&mut world, vec![rate(1.0), rate(2.0)], false);
    assert_eq!(answers, [(ErrorCode::InvalidRequest, message.clone())]);
    assert_eq!(
        world.machine.client_quotas()[&entity(ALICE)]["producer_byte_rate"],
        QuotaValue(1.0),
        "the first counts"
    );
    let twice = alteration(ALICE, &[("request_percentage", Some(5.0)), ("request_percentage", None)]);
    assert_eq!(alter(&mut world, vec![twice], false), [(ErrorCode::InvalidRequest, message)]);
}

#[test]
fn quotas_are_set_told_and_taken_back() {
    let mut world = World::new();
    let set = || alteration(ALICE, &[("producer_byte_rate", Some(1024.0)), ("request_percentage", Some(12.5))]);
    assert_eq!(alter(&mut world, vec![set()], true), std::slice::from_ref(&FINE));
    assert!(world.machine.client_quotas().is_empty(), "validate only");
    world.effects.clear();
    alter(&mut world, vec![set()], false);
    assert_eq!(world.effects, [Effect::ClientQuotasChanged]);
    let records = world.log.len();
    alter(&mut world, vec![set()], false);
    assert_eq!(world.log.len(), records, "what is set already makes no record");
    alter(&mut world, vec![alteration(ALICE, &[("producer_byte_rate", None), ("consumer_byte_rate", None)])], false);
    assert_eq!(world.log.len(), records + 1);
    assert_eq!(world.machine.client_quotas()[&entity(ALICE)].len(), 1);
    alter(&mut world, vec![alteration(ALICE, &[("request_percentage", None)])], false);
    assert!(world.machine.client_quotas().is_empty());
}

#[test]
fn filters_are_exact_by_type_and_strict() {
    let mut world = World::new();
    let both: &[(&str, Option<&str>)] = &[("user", Some("alice")), ("client-id", None)];
    for parts in [ALICE, &[("user", None)], both, &[("client-id", Some("c"))]] {
        assert_eq!(alter(&mut world, vec![alteration(parts, &[("request_percentage", Some(1.0))])], false), [FINE]);
    }
    let exactly = |name: Option<&str>| QuotaMatch::Exactly(name.map(str::to_owned));
    let ask = |strict: bool, components: &[(&str, QuotaMatch)]| {
        let components = components.iter().map(|(kind, m)| ((*kind).to_owned(), m.clone())).collect();
        world.machine.describe_client_quotas(&QuotaFilter { components, strict }).into_keys().collect::<Vec<_>>()
    };
    assert_eq!(ask(false, &[]).len(), 4);
    assert_eq!(ask(true, &[]).len(), 0);
    assert_eq!(ask(false, &[("user", exactly(Some("alice")))]), [entity(both), entity(ALICE)]);
    assert_eq!(ask(true, &[("user", exactly(Some("alice")))]), [entity(ALICE)]);
    assert_eq!(ask(false, &[("user", exactly(None))]), [entity(&[("user", None)])]);
    assert_eq!(ask(true, &[("user", QuotaMatch::Specified)]).len(), 2);
    assert_eq!(ask(true, &[("user", QuotaMatch::Specified), ("client-id", exactly(None))]), [entity(both)]);
}

fn credential(iterations: i32) -> ScramCredential {
    ScramCredential { salt: vec![1], stored_key: vec![2], server_key: vec![3], iterations }
}

fn upsertion(user: &str, mechanism: i8, iterations: i32) -> ScramUpsertion {
    ScramUpsertion { user: user.to_owned(), mechanism, credential: credential(iterations) }
}

fn alter_scram(
    world: &mut World,
    deletions: &[(&str, i8)],
    upsertions: Vec<ScramUpsertion>,
) -> Vec<(String, ErrorCode, Option<String>)> {
    let deletion = |(user, mechanism): &(&str, i8)| ScramDeletion { user: (*user).to_owned(), mechanism: *mechanism };
    let deletions = deletions.iter().map(deletion).collect();
    let command = AlterScramCredentials { reply_to: ASKER, deletions, upsertions };
    match world.run(Command::AlterScramCredentials(command)) {
        Some(Reply::AlterScramCredentials(results)) => {
            results.into_iter().map(|r| (r.user, r.error, r.message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn credentials_are_refused_in_kafkas_words() {
    let cases = [
        (upsertion("", 1, 4096), ErrorCode::UnacceptableCredential, "Username must not be empty"),
        (upsertion("a", 3, 4096), ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"),
        (upsertion("a", 1, 4095), ErrorCode::UnacceptableCredential, "Too few iterations"),
        (upsertion("a", 2, 16385), ErrorCode::UnacceptableCredential, "Too many iterations"),
    ];
    let mut world = World::new();
    for (upsertion, error, message) in cases {
        let user = upsertion.user.clone();
        assert_eq!(alter_scram(&mut world, &[], vec![upsertion]), [(user, error, Some(message.to_owned()))]);
    }
    let gone = "Attempt to delete a user credential that does not exist".to_owned();
    let answers = alter_scram(&mut world, &[("a", 1)], Vec::new());
    assert_eq!(answers, [("a".to_owned(), ErrorCode::ResourceNotFound, Some(gone))]);
    let twice = "A user credential cannot be altered twice in the same request".to_owned();
    let answers = alter_scram(&mut world, &[], vec![upsertion("a", 1, 4096), upsertion("a", 2, 4096)]);
    assert_eq!(answers, [("a".to_owned(), ErrorCode::DuplicateResource, Some(twice))]);
    assert!(world.machine.scram_credentials().is_empty());
}

#[test]
fn credentials_are_made_replaced_and_taken_away() {
    let mut world = World::new();
    let fine = |user: &str| (user.to_owned(), ErrorCode::None, None);
    let answers = alter_scram(&mut world, &[], vec![upsertion("a", 1, 4096), upsertion("b", 2, 16384)]);
    assert_eq!(answers, [fine("a"), fine("b")]);
    alter_scram(&mut world, &[], vec![upsertion("a", 1, 5000), upsertion("b", 1, 4096)]);
    assert_eq!(world.machine.scram_credentials()["a"], [(ScramMechanism::Sha256, credential(5000))].into());
    assert_eq!(world.machine.scram_credentials()["b"].len(), 2);
    assert_eq!(alter_scram(&mut world, &[("b", 2)], Vec::new()), [fine("b")]);
    alter_scram(&mut world, &[("a", 1), ("b", 1)], Vec::new());
    assert!(world.machine.scram_credentials().is_empty());
    assert_eq!(format!("{:?}", credential(1)), "ScramCredential(hidden)");
}
