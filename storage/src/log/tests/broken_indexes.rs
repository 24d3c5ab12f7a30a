//! Indexes that are missing, cut or hold garbage: no record is hidden, no answer is wrong, and what can be told to be broken is made
//! anew.

use super::*;
use crate::disk::Disk;

#[derive(Clone, Copy, Debug)]
enum Damage {
    Missing,
    Empty,
    Ragged,
    Half,
    Zeros,
    Ones,
    Noise,
}

const ALL: [Damage; 7] =
    [Damage::Missing, Damage::Empty, Damage::Ragged, Damage::Half, Damage::Zeros, Damage::Ones, Damage::Noise];

/// Segments with several entries in each index, transactions that end well and badly, and times that jump.
fn written(disk: &MemoryDisk) -> Log {
    let config = LogConfig { segment_bytes: 2_000, index_interval_bytes: 100, ..LogConfig::default() };
    let mut log = open(disk, config);
    for at in 0..40 {
        let time = NOW.0 + i64::from(at * 10) - if at % 7 == 3 { 25 } else { 0 };
        append(&mut log, at_time(time, &format!("value {at}")), as_client());
        if at % 5 == 4 {
            let sequence = at / 5 * 2;
            let kind = if at % 10 == 4 { ControlKind::Abort } else { ControlKind::Commit };
            append(&mut log, stamped(&["a", "b"], &transactional(9, 0, sequence)), in_transaction());
            append(&mut log, marker(9, 0, kind), as_coordinator());
        }
    }
    log
}

/// Everything that readers can ask.
fn answers(log: &Log) -> impl PartialEq + std::fmt::Debug + use<> {
    let end = log.log_end_offset().0;
    let read = |from| log.read(Offset(from), 300, Offset(end), true).unwrap().bytes.to_vec();
    let time = |at| log.offset_for_timestamp(Timestamp(NOW.0 + at)).unwrap();
    let aborted = |from| log.aborted_transactions(Offset(from), Offset(from + 9)).unwrap();
    (
        (log.log_start_offset(), end, values(log, Offset(0))),
        (0..end).map(read).collect::<Vec<_>>(),
        (-30..430).step_by(7).map(time).collect::<Vec<_>>(),
        (0..end).map(aborted).collect::<Vec<_>>(),
        log.max_timestamp_offset().unwrap(),
    )
}

fn do_harm(disk: &MemoryDisk, path: &std::path::Path, damage: Damage) {
    let change = |bytes: &mut Vec<u8>| match damage {
        Damage::Missing => {}
        Damage::Empty => bytes.clear(),
        Damage::Ragged => bytes.truncate(bytes.len() - 3),
        Damage::Half => bytes.truncate(bytes.len() / 2),
        Damage::Zeros => bytes.fill(0),
        Damage::Ones => bytes.fill(0xff),
        Damage::Noise => {
            let mut seed = 1u32;
            bytes.fill_with(|| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            });
        }
    };
    if matches!(damage, Damage::Missing) {
        disk.remove_file(path).unwrap();
        disk.sync_dir(path.parent().unwrap()).unwrap();
    } else {
        disk.damage(path, change);
    }
}

/// Does each kind of harm to each index of that kind, in turn, and opens the log again.
fn try_all(kind: &str, clean: bool, tried: &[Damage]) {
    let count = {
        let disk = MemoryDisk::new();
        let mut log = written(&disk);
        log.close().unwrap();
        disk.files().keys().filter(|path| path.extension().is_some_and(|end| end == kind)).count()
    };
    assert!(count >= 2, "{count} files of {kind}");
    for damage in tried {
        for at in 0..count {
            let disk = MemoryDisk::new();
            let mut log = written(&disk);
            let (config, before) = (log.config().clone(), answers(&log));
            log.close().unwrap();
            let point = log.recovery_point();
            drop(log);
            let files = disk.files();
            let (path, content) =
                files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == kind)).nth(at).unwrap();
            if content.is_empty() {
                continue;
            }
            do_harm(&disk, path, *damage);
            let log = Log::open(LogOptions { clean, recovery_point: point, ..options(&disk, config) }).unwrap();
            assert_eq!(answers(&log), before, "{damage:?} {}, clean: {clean}", path.display());
            if matches!(damage, Damage::Missing | Damage::Ragged) && content.len() > 3 {
                let now = disk.files().get(path).cloned();
                drop(log);
                let whole = kind == "txnindex" || now.as_ref() == Some(content);
                assert!(whole, "{damage:?} {} was not made anew, clean: {clean}", path.display());
            }
        }
    }
}

#[test]
fn broken_offset_indexes_hide_nothing() {
    [true, false].into_iter().for_each(|clean| try_all("index", clean, &ALL));
}

#[test]
fn broken_time_indexes_hide_nothing() {
    [true, false].into_iter().for_each(|clean| try_all("timeindex", clean, &ALL));
}

/// A missing one cannot be told from one that was never needed, nor a shorter one from a whole one (so it is with Kafka).
#[test]
fn broken_transaction_indexes_are_made_anew() {
    let told = [Damage::Ragged, Damage::Zeros, Damage::Ones, Damage::Noise];
    [true, false].into_iter().for_each(|clean| try_all("txnindex", clean, &told));
}

/// Bytes of a record that read as the header of a batch which ends where the next one begins, and an index that leads there.
#[test]
fn an_index_that_leads_into_a_record_is_not_believed() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig { index_interval_bytes: 1, ..LogConfig::default() });
    append(&mut log, plain(&["first"]), as_client());
    let position = log.size_in_bytes() as usize;
    let mut value = plain(&["another"]).to_vec();
    // With the count of the record's headers, a byte, it reaches to the end of the batch; its length counts from byte 12 on.
    let length = value.len() as u32 + 1 - 12;
    value[8..12].copy_from_slice(&length.to_be_bytes());
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(NOW, None, Some(&value), &[]);
    append(&mut log, builder.finish(&BatchStamp::default()), as_client());
    append(&mut log, plain(&["third"]), as_client());
    let answers = |log: &Log| [0, 1, 2].map(|from| log.read(Offset(from), 10, Offset(3), true).unwrap().bytes);
    let (before, config) = (answers(&log), log.config().clone());
    log.close().unwrap();
    drop(log);
    let file = disk.files()[&PathBuf::from("/data/t-0/00000000000000000000.log")].clone();
    let planted = position + file[position..].windows(value.len()).position(|bytes| bytes == value).unwrap();
    let entry = [1u32.to_be_bytes(), (planted as u32).to_be_bytes()].concat();
    disk.damage(&PathBuf::from("/data/t-0/00000000000000000000.index"), |bytes| *bytes = entry.clone());
    let log = Log::open(LogOptions { clean: true, recovery_point: Offset(3), ..options(&disk, config) }).unwrap();
    assert_eq!(answers(&log), before);
}
