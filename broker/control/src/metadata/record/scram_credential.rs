//! UserScramCredentialRecord, api key 11, and RemoveUserScramCredentialRecord, api key 22: a user may log in with SCRAM, or no more.

use super::check_version;
use crate::metadata::scram::{ScramCredential, ScramMechanism};
use crate::metadata::wire::{DecodeError, Reader, Writer};

pub(super) const API_KEY: u32 = 11;
pub(super) const REMOVE_API_KEY: u32 = 22;
pub(super) const VERSION: u32 = 0;

/// A user's credential for a mechanism is there, or is gone when it is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramCredentialRecord {
    /// The user.
    pub user: String,
    /// The mechanism.
    pub mechanism: ScramMechanism,
    /// The credential.
    pub credential: Option<ScramCredential>,
}

impl ScramCredentialRecord {
    pub(super) fn api_key(&self) -> u32 {
        if self.credential.is_some() { API_KEY } else { REMOVE_API_KEY }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.compact_string(&self.user);
        w.i8(self.mechanism as i8);
        if let Some(credential) = &self.credential {
            for bytes in [&credential.salt, &credential.stored_key, &credential.server_key] {
                w.compact_bytes(bytes);
            }
            w.i32(credential.iterations);
        }
        w.no_tags();
    }

    pub(super) fn read(api_key: u32, version: u32, r: &mut Reader<'_>) -> Result<ScramCredentialRecord, DecodeError> {
        check_version("UserScramCredentialRecord", version, VERSION)?;
        let user = r.compact_string("name")?.to_owned();
        let number = r.i8("mechanism")?;
        let mechanism = ScramMechanism::from_number(number).ok_or_else(|| {
            DecodeError::invalid("mechanism", format!("number {number} is not known to this program"))
        })?;
        let mut bytes = |field| Ok::<_, DecodeError>(r.compact_bytes(field)?.to_vec());
        let credential = if api_key == API_KEY {
            let (salt, stored_key, server_key) = (bytes("salt")?, bytes("stored key")?, bytes("server key")?);
            Some(ScramCredential { salt, stored_key, server_key, iterations: r.i32("iterations")? })
        } else {
            None
        };
        r.skip_tags()?;
        Ok(ScramCredentialRecord { user, mechanism, credential })
    }
}
