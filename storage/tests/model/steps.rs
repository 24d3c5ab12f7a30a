//! What may happen to a log.

use forebay_storage::disk::Fault;
use proptest::prelude::*;
use proptest::sample::Index;

/// A record: its key, and whether it has a value or is a tombstone.
pub type Keyed = (u8, bool);

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A batch of nobody in particular.
    Append {
        records: Vec<Keyed>,
        codec: usize,
    },
    /// Several batches at once, as a coordinator writes them.
    AppendMany {
        batches: Vec<Vec<Keyed>>,
    },
    /// The next batch of an idempotent producer.
    Idempotent {
        producer: i64,
        records: Vec<Keyed>,
        codec: usize,
    },
    /// The next batch of a producer's transaction.
    InTransaction {
        producer: i64,
        records: Vec<Keyed>,
        codec: usize,
    },
    /// A producer sends one of its last batches again.
    Repeat {
        producer: i64,
        back: Index,
    },
    /// A producer leaves sequences out.
    Gap {
        producer: i64,
    },
    /// A producer that was fenced writes.
    Fenced {
        producer: i64,
    },
    /// The coordinator ends a transaction.
    End {
        producer: i64,
        commit: bool,
    },
    /// A producer begins a new epoch with its next batch.
    NewProducerEpoch {
        producer: i64,
    },
    /// The next batches are written in a new leader epoch.
    NewLeaderEpoch,
    Roll,
    /// Batches, indexes, snapshots.
    Flush,
    /// Batches only.
    Sync,
    /// The broker writes the checkpoints.
    Checkpoint,
    Truncate(Index),
    TruncateFully {
        ahead: i64,
    },
    DeleteRecords(Index),
    Retain,
    Wait(i64),
    /// With memory for so many keys.
    Clean {
        keys: usize,
    },
    /// The system writes some dirty pages and names.
    WriteBack(u64),
    /// The process is killed; by hand, some indexes or all snapshots are removed before it starts again.
    Kill {
        lose: Lose,
    },
    /// The power goes.
    Crash(u64),
    /// Closed and opened.
    Restart,
    /// The disk begins to fail after so many operations, for so many.
    Fail {
        fault: Fault,
        skip: u64,
        count: u64,
    },
    /// There is room for so many bytes more.
    Space(u64),
    /// The disk is well again, and has room.
    Heal,
}

/// What is lost between two lives of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lose {
    Nothing,
    Indexes(u64),
    Snapshots,
}

fn records() -> impl Strategy<Value = Vec<Keyed>> {
    prop::collection::vec((0u8..6, prop::bool::weighted(0.75)), 1..4)
}

/// Mostly none: compressing is slow, and the log does not look inside.
fn codec() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0usize), 1 => 1usize..5]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        1 => Just(Fault::ReadFails),
        3 => Just(Fault::WriteFails),
        3 => Just(Fault::SyncFails),
        1 => Just(Fault::EverythingFails),
        2 => Just(Fault::Full),
    ]
}

fn lose() -> impl Strategy<Value = Lose> {
    prop_oneof![3 => Just(Lose::Nothing), 1 => any::<u64>().prop_map(Lose::Indexes), 1 => Just(Lose::Snapshots)]
}

fn writing() -> BoxedStrategy<Step> {
    let (idempotent, transactional) = (1i64..3, 10i64..13);
    let anyone = prop_oneof![1i64..3, 10i64..13];
    prop_oneof![
        6 => (records(), codec()).prop_map(|(records, codec)| Step::Append { records, codec }),
        1 => prop::collection::vec(records(), 1..4).prop_map(|batches| Step::AppendMany { batches }),
        5 => (idempotent, records(), codec())
            .prop_map(|(producer, records, codec)| Step::Idempotent { producer, records, codec }),
        6 => (transactional.clone(), records(), codec())
            .prop_map(|(producer, records, codec)| Step::InTransaction { producer, records, codec }),
        5 => (transactional, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        2 => (anyone.clone(), any::<Index>()).prop_map(|(producer, back)| Step::Repeat { producer, back }),
        1 => anyone.clone().prop_map(|producer| Step::Gap { producer }),
        1 => anyone.clone().prop_map(|producer| Step::Fenced { producer }),
        1 => anyone.prop_map(|producer| Step::NewProducerEpoch { producer }),
        1 => Just(Step::NewLeaderEpoch),
    ]
    .boxed()
}

fn keeping() -> BoxedStrategy<Step> {
    prop_oneof![
        2 => Just(Step::Roll),
        3 => Just(Step::Flush),
        2 => Just(Step::Sync),
        2 => Just(Step::Checkpoint),
        2 => any::<Index>().prop_map(Step::Truncate),
        1 => (0i64..5).prop_map(|ahead| Step::TruncateFully { ahead }),
        2 => any::<Index>().prop_map(Step::DeleteRecords),
        1 => Just(Step::Retain),
        2 => (0i64..2000).prop_map(Step::Wait),
        4 => prop_oneof![3 => Just(1000usize), 1 => 1usize..4].prop_map(|keys| Step::Clean { keys }),
        2 => any::<u64>().prop_map(Step::WriteBack),
    ]
    .boxed()
}

fn trouble() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => lose().prop_map(|lose| Step::Kill { lose }),
        4 => any::<u64>().prop_map(Step::Crash),
        2 => Just(Step::Restart),
        4 => (fault(), 0u64..12, 1u64..6).prop_map(|(fault, skip, count)| Step::Fail { fault, skip, count }),
        2 => (0u64..600).prop_map(Step::Space),
        3 => Just(Step::Heal),
    ]
    .boxed()
}

pub fn steps() -> impl Strategy<Value = (bool, Vec<Step>)> {
    let step = prop_oneof![6 => writing(), 3 => keeping(), 2 => trouble()];
    (any::<bool>(), prop::collection::vec(step, 1..30))
}
