//! One pass: choose a log, compact it, note the result (Kafka: CleanerThread.tryCleanFilthiestLog).

use std::sync::Arc;

use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, Timestamp};
use forebay_storage::log::{CleanStats, CleanTask, Log};

use super::busy::Taken;
use super::pick::{Candidate, dirtiest, filthiest};
use super::state::{Book, Shared};
use crate::clock;
use crate::config::settings::CleanerSettings;
use crate::partition::Partition;

/// A pass that was prepared.
struct Pass {
    partition: Arc<Partition>,
    task: CleanTask,
    /// Where the dirty part began.
    from: Offset,
    _taken: Taken,
}

/// Compacts the log that needs it most; false if there is none, or it could not be done.
pub fn clean_filthiest(shared: &Shared, settings: &CleanerSettings) -> bool {
    let now = clock::now();
    let Some(pass) = grab(shared, settings, now) else { return false };
    let (partition, from) = (pass.partition.clone(), pass.from);
    match run(shared, settings, pass) {
        Ok(stats) if stats.map_full && stats.cleaned_up_to <= from => {
            let why = "log.cleaner.dedupe.buffer.size has no room for the keys of a single batch";
            give_up(shared, &partition, why);
            false
        }
        Ok(_) => true,
        Err(error) => {
            failed(shared, &partition, &error);
            false
        }
    }
}

/// Chooses a log and prepares its pass. The checkpoints are brought up to date on the way.
fn grab(shared: &Shared, settings: &CleanerSettings, now: Timestamp) -> Option<Pass> {
    let logs = shared.logs();
    let mut book = shared.book.lock();
    let Book { checkpoints, uncleanable } = &mut *book;
    let mut candidates = Vec::new();
    let (mut blocked, mut blocked_bytes) = (0, 0);
    for (partition, _) in &logs {
        let (name, id) = (partition.name(), partition.topic_id());
        let known = checkpoints.of(name, id);
        let (looked, cleaned_up_to, size) = partition.with_log(|log| look(log, known, now));
        if let Some(offset) = cleaned_up_to {
            checkpoints.note(name, id, offset);
        }
        if uncleanable.get(name) == Some(&id) {
            blocked += 1;
            blocked_bytes += i64::try_from(size).unwrap_or(i64::MAX);
            continue;
        }
        match looked {
            Ok(Some((plan, min_ratio))) if !shared.partitions.busy().is_taken(name) => {
                candidates.push(Candidate { partition: partition.clone(), plan, min_ratio });
            }
            Ok(_) => {}
            Err(error) => {
                partition.report(&error);
                tracing::warn!(partition = %name, "a log cannot be looked at for compaction: {error}");
            }
        }
    }
    shared.write_book(&mut book, &logs);
    shared.metrics.uncleanable_partitions.set(blocked);
    shared.metrics.uncleanable_bytes.set(blocked_bytes);
    shared.metrics.max_dirty_percent.set((dirtiest(&candidates) * 100.0) as i64);
    let chosen = filthiest(candidates)?;
    // Taken while the book is locked, so that no other thread chooses the same.
    let taken = shared.partitions.busy().take(chosen.partition.name())?;
    drop(book);
    prepare(shared, settings, chosen, taken, now)
}

/// What there is to compact in a log, if it is to be compacted at all, and `min.cleanable.dirty.ratio`.
type Looked = Result<Option<(forebay_storage::log::CleanPlan, f64)>, StorageError>;

/// What there is to compact, and what the checkpoint is to say; a log that was just opened takes over what it said.
fn look(log: &mut Log, known: Option<Offset>, now: Timestamp) -> (Looked, Option<Offset>, u64) {
    if log.cleaned_up_to().is_none() {
        log.set_cleaned_up_to(known);
    }
    let ratio = log.compaction_config().min_cleanable_dirty_ratio;
    let plan = log.cleanable(now).map(|plan| plan.map(|plan| (plan, ratio)));
    (plan, log.cleaned_up_to(), log.size_in_bytes())
}

fn prepare(
    shared: &Shared,
    settings: &CleanerSettings,
    chosen: Candidate,
    taken: Taken,
    now: Timestamp,
) -> Option<Pass> {
    let Candidate { partition, plan, .. } = chosen;
    let memory = usize::try_from(settings.dedupe_buffer_size.max(0)).unwrap_or(usize::MAX);
    let memory = memory / usize::try_from(settings.threads.max(1)).expect("a positive i32 fits");
    match partition.with_log(|log| log.begin_clean(now, memory)) {
        Ok(task) => task.map(|task| Pass { partition, task, from: plan.first_dirty, _taken: taken }),
        Err(error) => {
            failed(shared, &partition, &error);
            None
        }
    }
}

/// Does the work, without the log's lock but for the end.
fn run(shared: &Shared, settings: &CleanerSettings, pass: Pass) -> Result<CleanStats, StorageError> {
    let Pass { partition, task, from, _taken } = pass;
    let started = clock::instant();
    let cancelled = task.cancellation();
    let go_on = || {
        if shared.is_stopped() {
            cancelled.cancel();
        }
        !cancelled.is_cancelled()
    };
    let per_second = settings.max_bytes_per_second;
    let cleaned = task.run(&mut |bytes| shared.throttle.throttle(bytes, per_second, &go_on))?;
    let (stats, retired) = partition.with_log(|log| {
        let stats = log.finish_clean(cleaned)?;
        Ok::<_, StorageError>((stats, log.take_retired()))
    })?;
    shared.partitions.remove_later(&partition, retired, clock::now());
    let took = started.elapsed();
    shared.metrics.passed(&stats, took);
    tracing::debug!(
        partition = %partition.name(),
        "compacted offsets {from} to {} in {took:?}: {} bytes to {}, {} records to {}",
        stats.cleaned_up_to, stats.bytes_before, stats.bytes_after, stats.records_before, stats.records_after
    );
    if stats.keyless > 0 {
        tracing::warn!(partition = %partition.name(), "compaction dropped {} records without a key", stats.keyless);
    }
    Ok(stats)
}

/// A pass did not succeed: a disk that failed takes its folder offline, one that is full is tried again, all else is given up.
fn failed(shared: &Shared, partition: &Arc<Partition>, error: &StorageError) {
    if partition.is_deleted() {
        return;
    }
    partition.report(error);
    if error.is_disk_failure() {
        tracing::error!(partition = %partition.name(), "compaction failed with its disk: {error}");
    } else if error.is_full() {
        tracing::warn!(partition = %partition.name(), "compaction waits for room on the disk: {error}");
    } else {
        give_up(shared, partition, &error.to_string());
    }
}

fn give_up(shared: &Shared, partition: &Partition, why: &str) {
    tracing::error!(
        partition = %partition.name(),
        "this log cannot be compacted and is left alone until the broker starts anew: {why}"
    );
    shared.book.lock().uncleanable.insert(partition.name().clone(), partition.topic_id());
}
