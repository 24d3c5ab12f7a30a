//! Bytes as a small folder of a log: the names are plausible, the content is anything.
//!
//! Three bytes for how the log is opened, then the files one after the other: a byte that chooses the name, two for the length (little
//! endian), the content. What is cut off counts as shorter.

use forebay_storage::batch::HEADER_SIZE;

/// Base offsets that names are made of; the last ones are the largest that there is, and one beyond it.
const BASES: [u64; 8] = [0, 1, 2, 3, 4, 2_147_483_648, i64::MAX as u64, i64::MAX as u64 + 1];
/// What follows a base offset in a name.
const SUFFIXES: [&str; 14] = [
    ".log",
    ".index",
    ".timeindex",
    ".txnindex",
    ".snapshot",
    ".log.swap",
    ".log.cleaned",
    ".log.deleted",
    ".index.swap",
    ".timeindex.swap",
    ".index.cleaned",
    ".txnindex.deleted",
    ".log.cut",
    ".snapshot.deleted",
];
/// Names without a base offset.
const PLAIN: [&str; 5] =
    ["leader-epoch-checkpoint", "partition.metadata", "leader-epoch-checkpoint.tmp", "notes.txt", "1.log"];

/// Name and content of files; a name that comes again replaces.
pub type Contents = Vec<(String, Vec<u8>)>;

/// A folder and how it is opened.
#[derive(Debug)]
pub struct Tree {
    /// The log was closed in order.
    pub clean: bool,
    /// The topic is compacted.
    pub compact: bool,
    /// From the checkpoints.
    pub recovery_point: i64,
    /// From the checkpoints.
    pub log_start: i64,
    /// What is in it.
    pub files: Contents,
}

/// Batches and snapshots get the checksum of their content, which no mutation finds by itself.
const REPAIR: u8 = 4;

impl Tree {
    /// The folder that the bytes mean.
    pub fn decode(data: &[u8]) -> Option<Tree> {
        let [how, recovery_point, log_start, rest @ ..] = data else { return None };
        let mut rest = rest;
        let mut files = Vec::new();
        while let [name, low, high, after @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
            let (content, after) = after.split_at(length);
            let (name, mut content) = (name_of(*name), content.to_vec());
            if how & REPAIR != 0 && name.contains(".log") {
                repair_batches(&mut content);
            } else if how & REPAIR != 0 && name.ends_with(".snapshot") {
                repair_snapshot(&mut content);
            }
            files.push((name, content));
            rest = after;
        }
        let (clean, compact) = (how & 1 != 0, how & 2 != 0);
        Some(Tree { clean, compact, recovery_point: (*recovery_point).into(), log_start: (*log_start).into(), files })
    }

    /// Bytes that mean this folder, with the checksums made good; files whose names or lengths have no form are left out.
    #[allow(dead_code, reason = "for those who make corpora, not for those who run them")]
    pub fn encode(&self) -> Vec<u8> {
        let how = u8::from(self.clean) | u8::from(self.compact) << 1 | REPAIR;
        let mut out = vec![how, self.recovery_point as u8, self.log_start as u8];
        for (name, content) in &self.files {
            let byte = (0..=u8::MAX).find(|byte| name_of(*byte) == *name);
            if let (Some(byte), Ok(length)) = (byte, u16::try_from(content.len())) {
                out.push(byte);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(content);
            }
        }
        out
    }
}

fn name_of(byte: u8) -> String {
    let (byte, dated) = (usize::from(byte), BASES.len() * SUFFIXES.len());
    if byte < dated {
        return format!("{:020}{}", BASES[byte % BASES.len()], SUFFIXES[byte / BASES.len()]);
    }
    PLAIN[(byte - dated) % PLAIN.len()].to_owned()
}

/// Gives the batches that stand back to back the checksum of their content, as far as they are framed.
pub fn repair_batches(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + HEADER_SIZE) {
        let length = i32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        let Some(size) = usize::try_from(length).ok().map(|length| length + 12).filter(|size| *size >= HEADER_SIZE)
        else {
            return;
        };
        let Some(batch) = bytes.get_mut(at..at.saturating_add(size)) else { return };
        let crc = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        at += size;
    }
}

/// Gives a snapshot the checksum of its content.
pub fn repair_snapshot(bytes: &mut [u8]) {
    if let Some((head, content)) = bytes.split_at_mut_checked(6) {
        head[2..6].copy_from_slice(&crc32c::crc32c(content).to_be_bytes());
    }
}
