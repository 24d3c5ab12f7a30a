//! Control records of a KRaft log and its snapshots (Kafka: ControlRecordType, SnapshotHeaderRecord, SnapshotFooterRecord,
//! KRaftVersionRecord, VotersRecord).

use bytes::Bytes;
use forebay_storage::ids::{BrokerId, Timestamp};
use uuid::Uuid;

use crate::metadata::wire::{DecodeError, Reader, Writer};

const SNAPSHOT_HEADER: i16 = 3;
const SNAPSHOT_FOOTER: i16 = 4;
const KRAFT_VERSION: i16 = 5;
const VOTERS: i16 = 6;

/// Longest list of voters that is believed; real ones have at most nine.
const MAX_VOTERS: usize = 1_000;

/// Where a voter listens as a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoterEndpoint {
    /// The listener's name, `CONTROLLER` for example.
    pub listener: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A member of a dynamic quorum (KIP-853).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its node.
    pub node: BrokerId,
    /// The id of the directory with its metadata log.
    pub directory: Uuid,
    /// Where it listens.
    pub endpoints: Vec<VoterEndpoint>,
}

/// A control record of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumRecord {
    /// Opens a snapshot; the time of the last record in it.
    SnapshotHeader(Timestamp),
    /// Ends a snapshot.
    SnapshotFooter,
    /// The level of `kraft.version`: 1 with a dynamic quorum.
    KraftVersion(i16),
    /// The members of a dynamic quorum.
    Voters(Vec<Voter>),
    /// A leader change, or another that says nothing of the metadata.
    Other,
}

impl QuorumRecord {
    /// Key and value of the record. `None` for [`QuorumRecord::Other`].
    #[must_use]
    pub fn encode(&self) -> Option<(Bytes, Bytes)> {
        let (kind, mut w) = match self {
            QuorumRecord::SnapshotHeader(time) => {
                let mut w = versioned();
                w.i64(time.0);
                (SNAPSHOT_HEADER, w)
            }
            QuorumRecord::SnapshotFooter => (SNAPSHOT_FOOTER, versioned()),
            QuorumRecord::KraftVersion(level) => {
                let mut w = versioned();
                w.i16(*level);
                (KRAFT_VERSION, w)
            }
            QuorumRecord::Voters(voters) => {
                let mut w = versioned();
                w.compact_array(voters.len());
                voters.iter().for_each(|voter| write_voter(&mut w, voter));
                (VOTERS, w)
            }
            QuorumRecord::Other => return None,
        };
        w.no_tags();
        let mut key = versioned();
        key.i16(kind);
        Some((key.finish(), w.finish()))
    }

    /// Reads key and value of a record in a control batch.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<QuorumRecord, DecodeError> {
        let mut key = Reader::new(key);
        key.i16("key version")?;
        let kind = key.i16("control record type")?;
        let mut r = Reader::new(value);
        match kind {
            SNAPSHOT_HEADER => {
                r.i16("version")?;
                Ok(QuorumRecord::SnapshotHeader(Timestamp(r.i64("last contained log timestamp")?)))
            }
            SNAPSHOT_FOOTER => Ok(QuorumRecord::SnapshotFooter),
            KRAFT_VERSION => {
                r.i16("version")?;
                Ok(QuorumRecord::KraftVersion(r.i16("kraft version")?))
            }
            VOTERS => {
                r.i16("version")?;
                read_voters(&mut r).map(QuorumRecord::Voters)
            }
            _ => Ok(QuorumRecord::Other),
        }
    }
}

/// A message that begins with its version, 0.
fn versioned() -> Writer {
    let mut w = Writer::default();
    w.i16(0);
    w
}

fn write_voter(w: &mut Writer, voter: &Voter) {
    w.i32(voter.node.0);
    w.uuid(voter.directory);
    w.compact_array(voter.endpoints.len());
    for endpoint in &voter.endpoints {
        w.compact_string(&endpoint.listener);
        w.compact_string(&endpoint.host);
        w.u16(endpoint.port);
        w.no_tags();
    }
    // The levels of kraft.version that the voter supports.
    w.i16(0);
    w.i16(1);
    w.no_tags();
    w.no_tags();
}

fn read_voters(r: &mut Reader<'_>) -> Result<Vec<Voter>, DecodeError> {
    let count = r.compact_array(27, "voters")?;
    if count > MAX_VOTERS {
        return Err(DecodeError::invalid("voters", format!("{count} of them")));
    }
    let mut voters = Vec::with_capacity(count);
    for _ in 0..count {
        let node = BrokerId(r.i32("voter id")?);
        let directory = r.uuid("voter directory id")?;
        let mut endpoints = Vec::new();
        for _ in 0..r.compact_array(5, "endpoints")? {
            let listener = r.compact_string("listener")?.to_owned();
            let host = r.compact_string("host")?.to_owned();
            endpoints.push(VoterEndpoint { listener, host, port: r.u16("port")? });
            r.skip_tags()?;
        }
        r.i16("lowest kraft version")?;
        r.i16("highest kraft version")?;
        r.skip_tags()?;
        r.skip_tags()?;
        voters.push(Voter { node, directory, endpoints });
    }
    Ok(voters)
}
