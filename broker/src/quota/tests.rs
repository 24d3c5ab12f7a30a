//! Quotas in force, under a clock that the test moves.

use super::*;
use forebay_control::metadata::client_quotas::QuotaValue;

/// Types and names of an entity, a key and its value.
type Set<'a> = (&'a [(&'a str, Option<&'a str>)], &'a str, f64);

const KAFKAS: Windows = Windows { count: 11, length_ms: 1000 };

fn with(set: &[Set<'_>]) -> Quotas {
    let quotas = Quotas::new(KAFKAS, KAFKAS, usize::MAX);
    set_all(&quotas, set);
    quotas
}

fn set_all(quotas: &Quotas, set: &[Set<'_>]) {
    let mut all = ClientQuotas::new();
    for (entity, key, value) in set {
        let entity = entity.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect();
        all.entry(entity).or_default().insert((*key).to_owned(), QuotaValue(*value));
    }
    quotas.update(&all);
}

fn client(client_id: &str) -> Client<'_> {
    Client { user: "ANONYMOUS", client_id }
}

#[test]
fn without_quotas_nothing_is_counted() {
    let quotas = with(&[]);
    assert!(Kind::ALL.into_iter().all(|kind| !quotas.is_active(kind)));
    assert_eq!(
        (quotas.produced(client("c"), usize::MAX, 0), quotas.most_fetched_at_once(client("c"))),
        (0, usize::MAX)
    );
    assert!(quotas.produced.lock().is_empty());
}

#[test]
fn clients_of_a_default_are_counted_each_for_itself() {
    let quotas = with(&[(&[("client-id", None)], "producer_byte_rate", 100.0)]);
    assert_eq!(quotas.produced(client("a"), 2000, 0), 10_000, "200 a second over ten seconds");
    assert_eq!(quotas.produced(client("b"), 500, 0), 0);
    let of_user = with(&[(&[("user", None)], "producer_byte_rate", 100.0)]);
    assert_eq!(of_user.produced(client("a"), 1000, 0), 0);
    assert_eq!(of_user.produced(client("b"), 1000, 0), 10_000, "those of a user share one");
}

#[test]
fn a_quota_that_changes_counts_at_once_and_one_that_is_gone_no_more() {
    let quotas = with(&[(&[("client-id", Some("a"))], "producer_byte_rate", 100.0)]);
    assert_eq!(quotas.produced(client("a"), 1000, 0), 0);
    set_all(&quotas, &[(&[("client-id", Some("a"))], "producer_byte_rate", 50.0)]);
    assert_eq!(quotas.produced(client("a"), 0, 0), 10_000);
    set_all(&quotas, &[]);
    assert_eq!(quotas.produced(client("a"), 1000, 0), 0);
}

#[test]
fn a_fetch_that_goes_out_empty_was_not_fetched() {
    let quotas = with(&[(&[("client-id", Some("a"))], "consumer_byte_rate", 100.0)]);
    assert_eq!(quotas.most_fetched_at_once(client("a")), 1000);
    assert_eq!(quotas.fetched(client("a"), 1000, 0), 0);
    assert_eq!(quotas.fetched(client("a"), 500, 0), 5000);
    assert_eq!(quotas.fetched(client("a"), 500, 0), 5000, "the second try weighs what the first did");
    // The first thousand counts until the windows have passed it by.
    assert_eq!(quotas.fetched(client("a"), 500, 11_000), 0);
}

#[test]
fn what_goes_out_all_the_same_counts() {
    let quotas = with(&[(&[("client-id", Some("a"))], "consumer_byte_rate", 100.0)]);
    assert_eq!(quotas.sent(client("a"), 1000, 0), 0);
    assert_eq!(quotas.sent(client("a"), 500, 0), 5000);
    assert_eq!(quotas.sent(client("a"), 500, 0), 10_000, "the second one comes on top");
    assert_eq!(quotas.fetched(client("a"), 0, 0), 10_000);
}

#[test]
fn what_is_no_number_or_has_no_end_limits_nobody() {
    const ONE: Windows = Windows { count: 1, length_ms: 1000 };
    for value in [f64::NAN, f64::INFINITY] {
        let quotas = Quotas::new(ONE, ONE, 500);
        let keys = ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
        // It comes before the one that would.
        let nearer = keys.map(|key| (&[("client-id", Some("a"))][..], key, value));
        let farther = keys.map(|key| (&[("client-id", None)][..], key, 1.0));
        set_all(&quotas, &[nearer, farther].concat());
        assert_eq!(quotas.produced(client("a"), 1_000_000, 0), 0);
        assert_eq!((quotas.fetched(client("a"), 1_000_000, 0), quotas.most_fetched_at_once(client("a"))), (0, 500));
        assert_eq!(quotas.requested(client("a"), u64::MAX, 0), 0);
        for strict in [true, false] {
            let mut mutations = quotas.mutations(client("a"), strict, 0);
            assert_eq!(
                (mutations.charge(1_000_000), mutations.charge(1), mutations.throttle_ms()),
                (Ok(()), Ok(()), 0)
            );
        }
        let addresses = with(&[(&[("ip", None)], "connection_creation_rate", value)]);
        assert!((0..1000).all(|_| addresses.connected([10, 0, 0, 1].into(), 0) == 0));
    }
}

#[test]
fn time_is_counted_in_percents_of_a_thread_and_holds_up_for_a_second_at_most() {
    let quotas = with(&[(&[("client-id", Some("a"))], "request_percentage", 1.0)]);
    assert_eq!(quotas.requested(client("a"), 100_000_000, 0), 0, "a tenth of a second within ten");
    // 1 ms more is 0.1 percent seconds: 0.01 percent above 1, over 10 s.
    assert_eq!(quotas.requested(client("a"), 1_000_000, 0), 100);
    assert_eq!(quotas.requested(client("a"), 10_000_000_000, 0), 1000);
}

#[test]
fn mutations_are_refused_or_held_up() {
    let set: &[Set<'_>] = &[(&[("client-id", Some("a"))], "controller_mutation_rate", 1.0)];
    let quotas = with(set);
    let mut strict = quotas.mutations(client("a"), true, 0);
    assert_eq!((strict.charge(5), strict.charge(10), strict.throttle_ms()), (Ok(()), Ok(()), 0), "a burst of eleven");
    assert_eq!((strict.charge(1), strict.throttle_ms()), (Err(mutations::Exceeded), 4000));
    assert_eq!(quotas.mutations(client("a"), true, 4000).charge(1), Ok(()));
    let quotas = with(set);
    let mut permissive = quotas.mutations(client("a"), false, 0);
    assert_eq!((permissive.charge(15), permissive.throttle_ms()), (Ok(()), 4000));
    assert_eq!((permissive.charge(1), permissive.throttle_ms()), (Ok(()), 5000));
    assert!(!quotas.mutations(client("b"), true, 0).are_limited());
}

#[test]
fn connections_of_an_address_beyond_its_rate_are_refused() {
    let quotas = with(&[(&[("ip", Some("10.0.0.1"))], "connection_creation_rate", 2.0)]);
    let (mut accepted, mut refused) = (0, 0);
    // A hundred a second for ten seconds; a burst of ten seconds' worth is accepted at once.
    for now_ms in (0..10_000).step_by(10) {
        match quotas.connected([10, 0, 0, 1].into(), now_ms) {
            0 => accepted += 1,
            waits => {
                assert!((1..=1000).contains(&waits));
                refused += 1;
            }
        }
        assert_eq!(quotas.connected([10, 0, 0, 2].into(), now_ms), 0);
    }
    assert!((20..=40).contains(&accepted), "{accepted} accepted, {refused} refused");
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    assert!(quotas.connected(mapped, 10_000) > 0, "the same address in another form");
}
