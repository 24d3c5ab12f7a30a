//! Stretches of files that go to a socket from the page cache, without passing through this process.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::mapped::Mapped;

/// Keeps a file as long as it is while something is sent from it, as a mapping does.
#[derive(Debug)]
pub(super) struct Lease {
    file: Arc<File>,
    _mapped: Mapped,
}

impl Lease {
    pub(super) fn new(file: &Arc<File>) -> io::Result<Lease> {
        Ok(Lease { _mapped: Mapped::new(file)?, file: file.clone() })
    }
}

/// A stretch of a file. What it holds does not change while it lives: a log that is cut gets a copy of its file, and one that is
/// removed or replaced lives on under its descriptor.
#[derive(Clone, Debug)]
pub struct FileRegion {
    lease: Arc<Lease>,
    position: u64,
    length: usize,
}

impl FileRegion {
    /// A stretch that lies within what was written of the file.
    pub(super) fn new(lease: Arc<Lease>, position: u64, length: usize) -> FileRegion {
        FileRegion { lease, position, length }
    }

    /// Bytes of it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Leaves out the first `count` bytes, at most all of them.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.length);
        self.position += count as u64;
        self.length -= count;
    }

    /// The bytes, copied. The disk may be slow.
    ///
    /// # Errors
    /// The disk fails; the file is shorter than it was.
    #[cfg(target_os = "linux")]
    pub fn read(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        std::os::unix::fs::FileExt::read_exact_at(&*self.lease.file, &mut bytes, self.position)?;
        Ok(bytes.into())
    }

    /// There are no regions here.
    #[cfg(not(target_os = "linux"))]
    pub fn read(&self) -> io::Result<Bytes> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends at most `max` bytes from the start of it, and returns how many the socket took. The stretch stays as it is; see
    /// [`FileRegion::advance`].
    ///
    /// # Errors
    /// The socket fails, or takes nothing now (`WouldBlock`); the file is shorter than it was, so that what was announced
    /// cannot be sent any more: the connection is lost.
    #[cfg(target_os = "linux")]
    pub fn send_to(&self, socket: impl std::os::fd::AsFd, max: usize) -> io::Result<usize> {
        let mut position = self.position;
        match rustix::fs::sendfile(socket, &*self.lease.file, Some(&mut position), self.length.min(max))? {
            0 if !self.is_empty() && max > 0 => Err(io::Error::other("the file became shorter while it was sent")),
            sent => Ok(sent),
        }
    }

    /// There is no such call here; [`super::DiskFile::region`] gives no regions.
    #[cfg(not(target_os = "linux"))]
    pub fn send_to<S>(&self, _socket: S, _max: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{IoSlice, Read};
    use std::os::unix::net::UnixStream;

    use crate::disk::{Disk, RealDisk};

    /// No mapping holds the file here, so it is the region alone that keeps the bytes.
    #[test]
    fn a_region_stays_as_it_was_when_its_file_is_cut_and_grows_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&folder.path().join("a.log")).unwrap();
        file.append(&mut [IoSlice::new(b"0123456789")]).unwrap();
        assert!(file.region(4, 7).is_none(), "beyond what was written");
        let mut region = file.region(2, 6).unwrap();
        file.truncate(3).unwrap();
        file.append(&mut [IoSlice::new(b"abcdefgh")]).unwrap();
        assert!(!region.is_empty());
        assert_eq!(region.read().unwrap().as_ref(), b"234567");
        let (near, mut far) = UnixStream::pair().unwrap();
        while !region.is_empty() {
            let sent = region.send_to(&near, 4).unwrap();
            assert!((1..=4).contains(&sent));
            region.advance(sent);
        }
        drop(near);
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"234567");
        assert_eq!(file.read_at(0, 100).unwrap().as_ref(), b"012abcdefgh");
    }
}
