//! What holds for every run of commands: legal transitions only, the log gives the same state, a zombie never succeeds.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Init { expect: bool, wait: bool },
    Add { partition: i32, lag: i16, v2: bool },
    End { commit: bool, lag: i16, v2: bool },
    Offsets,
    Markers { hold: bool },
    Advance(i64),
    NearTheLastEpoch,
}

fn any_step() -> impl Strategy<Value = Step> {
    // How far behind the present epoch the caller is; -1 is an epoch that the caller made up.
    let lag = prop_oneof![4 => Just(0i16), 1 => 1..3i16, 1 => Just(-1i16)];
    prop_oneof![
        2 => any::<(bool, bool)>().prop_map(|(expect, wait)| Step::Init { expect, wait }),
        4 => (0..4, lag.clone(), any::<bool>()).prop_map(|(partition, lag, v2)| Step::Add { partition, lag, v2 }),
        4 => (any::<bool>(), lag, any::<bool>()).prop_map(|(commit, lag, v2)| Step::End { commit, lag, v2 }),
        1 => Just(Step::Offsets),
        1 => any::<bool>().prop_map(|hold| Step::Markers { hold }),
        1 => (0i64..900_000_000).prop_map(Step::Advance),
        1 => Just(Step::NearTheLastEpoch),
    ]
}

/// The producer as a client would know itself: what the coordinator answered last.
struct Client {
    id: i64,
    epoch: i16,
}

fn version(v2: bool) -> TransactionVersion {
    if v2 { V2 } else { V0 }
}

/// Whether an epoch that was made up happens to be the present one: the coordinator's own abort moves it without telling anyone.
fn is_present(w: &World, epoch: i16) -> bool {
    w.machine.entry(TX).is_some_and(|entry| entry.producer_epoch.0 == epoch)
}

fn step(w: &mut World, client: &mut Client, step: Step) {
    match step {
        Step::Init { expect, wait } => {
            let expected = expect.then_some((client.id, client.epoch));
            if let (ErrorCode::None, id, epoch) = w.init_as(expected, wait) {
                *client = Client { id, epoch };
            }
        }
        Step::Add { partition, lag, v2 } => {
            let epoch = client.epoch.saturating_sub(lag);
            let present = is_present(w, epoch);
            let error = w.add(client.id, epoch, &[partition], version(v2));
            assert!(lag == 0 || present || error != ErrorCode::None, "a wrong epoch added a partition");
        }
        Step::End { commit, lag, v2 } => {
            let before = w.log.len();
            let present = is_present(w, client.epoch.saturating_sub(lag));
            let (error, id, epoch) = w.end(client.id, client.epoch.saturating_sub(lag), commit, version(v2));
            // A retry of the last end is answered again, but changes nothing.
            assert!(lag == 0 || present || w.log.len() == before, "a wrong epoch ended a transaction: {error}");
            if error == ErrorCode::None && v2 {
                *client = Client { id, epoch };
            }
        }
        Step::Offsets => {
            w.add_offsets(client.id, client.epoch, 1);
        }
        Step::Markers { hold } => {
            w.hold_markers = hold;
            if !hold && !w.markers.is_empty() {
                w.release_markers();
            }
        }
        Step::Advance(ms) => w.advance(ms),
        Step::NearTheLastEpoch => {
            if w.machine.entry(TX).is_some_and(|e| e.state == TransactionState::Empty && e.producer_id.0 == client.id) {
                w.force_epoch(i16::MAX - 2);
                client.epoch = i16::MAX - 2;
                let entry = w.machine.entry(TX).unwrap().clone();
                w.log.push(Event::Updated(Box::new(entry)).record().unwrap());
            }
        }
    }
}

/// The states that follow each other in the log of one id, compared with the table of Kafka's TransactionState.
fn assert_legal(log: &[LogRecord]) {
    let mut last: Option<TransactionState> = None;
    for record in log {
        match Event::from_record(&record.key, record.value.as_deref()).unwrap() {
            Event::Updated(entry) => {
                let fence = entry.state == TransactionState::PrepareAbort;
                if let Some(last) = last {
                    let legal = entry.state.valid_previous().contains(&last);
                    assert!(legal || fence && last == TransactionState::Ongoing, "{last} -> {}", entry.state);
                }
                assert!(!matches!(entry.state, TransactionState::Dead | TransactionState::PrepareEpochFence));
                last = Some(entry.state);
            }
            Event::Forgotten(_) => {
                assert!(last.is_some_and(TransactionState::is_expirable));
                last = None;
            }
        }
    }
}

proptest! {
    #[test]
    fn random_runs_keep_the_rules(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut w = World::new();
        let decision = w.machine.on_loaded(w.now);
        w.carry_out(decision);
        let (id, epoch) = w.init();
        let mut client = Client { id, epoch };
        for s in steps {
            step(&mut w, &mut client, s);
        }
        assert_legal(&w.log);
        let mut replayed = w.replayed().entries;
        for (id, entry) in &mut replayed {
            // Kafka does not store the last epoch.
            entry.last_producer_epoch = w.machine.entries[id].last_producer_epoch;
        }
        prop_assert_eq!(replayed, w.machine.entries);
    }

    /// Two producers of one id: after the second is initialised, the first never succeeds in anything.
    #[test]
    fn a_zombie_never_succeeds(steps in proptest::collection::vec(any_step(), 0..30), v2: bool, commit: bool) {
        let mut w = World::new();
        let (id, epoch) = w.init();
        let zombie = Client { id, epoch };
        w.add(id, epoch, &[0], version(v2));
        let (id, epoch) = w.init();
        let mut client = Client { id, epoch };
        for s in steps {
            if matches!(s, Step::Advance(_)) {
                continue; // An id that is forgotten starts again from nothing.
            }
            step(&mut w, &mut client, s);
            let before = w.log.len();
            prop_assert_ne!(w.add(zombie.id, zombie.epoch, &[9], version(v2)), ErrorCode::None);
            prop_assert_ne!(w.end(zombie.id, zombie.epoch, commit, version(v2)).0, ErrorCode::None);
            prop_assert_eq!(w.log.len(), before);
            // As in Kafka, this ends a transaction that is open; it gives the zombie nothing.
            prop_assert_ne!(w.init_as(Some((zombie.id, zombie.epoch)), true).0, ErrorCode::None);
        }
    }
}
