//! New metadata take the place of the old ones in one step, and the old ones are kept.

use std::path::{Path, PathBuf};

use forebay_storage::disk::{Disk, RealDisk, exchange};
use forebay_storage::error::StorageError;

use super::super::text;
use super::folder::failed;
use crate::cli::exit::{CliError, Exit};
use crate::clock;
use crate::node::owner::{METADATA_FOLDER, is_kept, kept_name};

/// In a folder whose content is not complete, or was not put in force.
const UNFINISHED_FILE: &str = "unfinished";

/// A folder for new metadata, beside those in force.
pub(super) struct Staged {
    data: PathBuf,
    name: String,
}

impl Staged {
    /// An empty folder. What commands left that were interrupted before their last step is removed.
    pub(super) fn begin(data: &Path) -> Result<Staged, CliError> {
        remove_unfinished(data).map_err(failed)?;
        let when: String = text::time(clock::now().0).chars().take(23).filter(|c| c.is_ascii_alphanumeric()).collect();
        let name = kept_name(&when);
        let path = data.join(&name);
        if RealDisk.exists(&path).map_err(failed)? {
            let message = format!("{} is there already; repeat the command", path.display());
            return Err(CliError::new(Exit::AlreadyThere, message));
        }
        RealDisk.create_dir_all(&path).map_err(failed)?;
        RealDisk.write_atomic(&path.join(UNFINISHED_FILE), b"").map_err(failed)?;
        Ok(Staged { data: data.to_owned(), name })
    }

    /// Where to write.
    pub(super) fn path(&self) -> PathBuf {
        self.data.join(&self.name)
    }

    /// Puts the folder, whose files are on disk, in the place of the metadata in force; where those are kept now.
    pub(super) fn put_in_force(self) -> Result<PathBuf, CliError> {
        let (staged, place) = (self.path(), self.data.join(METADATA_FOLDER));
        let put = || -> Result<PathBuf, StorageError> {
            RealDisk.remove_file(&staged.join(UNFINISHED_FILE))?;
            RealDisk.sync_dir(&staged)?;
            if exchange(&staged, &place)? {
                RealDisk.sync_dir(&self.data)?;
                return Ok(staged.clone());
            }
            // A file system without that step: between these two there are no metadata in force, and both brokers' commands say so.
            let kept = self.data.join(self.name.replace("-stray", "-before-stray"));
            RealDisk.rename(&place, &kept)?;
            RealDisk.rename(&staged, &place)?;
            RealDisk.sync_dir(&self.data)?;
            Ok(kept)
        };
        put().map_err(failed)
    }
}

fn remove_unfinished(data: &Path) -> Result<(), StorageError> {
    for entry in RealDisk.list(data)?.iter().filter(|entry| entry.is_dir && is_kept(&entry.name)) {
        let path = data.join(&entry.name);
        if RealDisk.exists(&path.join(UNFINISHED_FILE))? {
            RealDisk.remove_dir_all(&path)?;
        }
    }
    Ok(())
}
