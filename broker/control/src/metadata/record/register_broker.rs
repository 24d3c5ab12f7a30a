//! RegisterBrokerRecord, api key 0: a node has come up. Version 3 is written, versions 0 to 4 are read.

use forebay_storage::ids::BrokerId;
use uuid::Uuid;

use super::check_version;
use crate::metadata::command::Endpoint;
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 0;
pub(super) const VERSION: u32 = 3;
/// Version 4 adds, as a tagged field, the directories that take no new partitions (KIP-1066).
const NEWEST: u32 = 4;

/// A node has come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBrokerRecord {
    /// Its number.
    pub broker: BrokerId,
    /// A random id of this start of the process.
    pub incarnation: Uuid,
    /// Rises with every registration of the node.
    pub broker_epoch: i64,
    /// Its listeners.
    pub endpoints: Vec<Endpoint>,
    /// The features it supports: name, lowest and highest level.
    pub features: Vec<(String, i16, i16)>,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it takes no part yet.
    pub fenced: bool,
}

impl RegisterBrokerRecord {
    pub(super) fn write(&self, w: &mut Writer) {
        w.i32(self.broker.0);
        w.bool(false); // is migrating from ZooKeeper
        w.uuid(self.incarnation);
        w.i64(self.broker_epoch);
        w.compact_array(self.endpoints.len());
        for endpoint in &self.endpoints {
            w.compact_string(&endpoint.name);
            w.compact_string(&endpoint.host);
            w.u16(endpoint.port);
            w.i16(endpoint.security_protocol);
            w.no_tags();
        }
        w.compact_array(self.features.len());
        for (name, lowest, highest) in &self.features {
            w.compact_string(name);
            w.i16(*lowest);
            w.i16(*highest);
            w.no_tags();
        }
        w.compact_nullable_string(self.rack.as_deref());
        w.bool(self.fenced);
        w.bool(false); // in controlled shutdown
        w.no_tags(); // tag 0: log directories, not known to the controller
    }

    pub(super) fn read(version: u32, r: &mut Reader<'_>) -> Result<RegisterBrokerRecord, DecodeError> {
        check_version("RegisterBrokerRecord", version, NEWEST)?;
        let broker = BrokerId(r.i32("broker id")?);
        if version >= 2 {
            r.bool("is migrating")?;
        }
        let incarnation = r.uuid("incarnation id")?;
        let broker_epoch = r.i64("broker epoch")?;
        let record = RegisterBrokerRecord {
            broker,
            incarnation,
            broker_epoch,
            endpoints: read_endpoints(r)?,
            features: read_features(r)?,
            rack: r.compact_nullable_string("rack")?.map(str::to_owned),
            fenced: r.bool("fenced")?,
        };
        if version >= 1 {
            r.bool("in controlled shutdown")?;
        }
        r.skip_tags()?;
        Ok(record)
    }
}

fn read_endpoints(r: &mut Reader<'_>) -> Result<Vec<Endpoint>, DecodeError> {
    let mut endpoints = Vec::new();
    for _ in 0..r.compact_array(7, "endpoints")? {
        endpoints.push(Endpoint {
            name: r.compact_string("endpoint name")?.to_owned(),
            host: r.compact_string("host")?.to_owned(),
            port: r.u16("port")?,
            security_protocol: r.i16("security protocol")?,
        });
        r.skip_tags()?;
    }
    Ok(endpoints)
}

fn read_features(r: &mut Reader<'_>) -> Result<Vec<(String, i16, i16)>, DecodeError> {
    let mut features = Vec::new();
    for _ in 0..r.compact_array(6, "features")? {
        let name = r.compact_string("feature name")?.to_owned();
        features.push((name, r.i16("lowest level")?, r.i16("highest level")?));
        r.skip_tags()?;
    }
    Ok(features)
}
