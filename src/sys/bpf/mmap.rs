//! Kernel memory that is mapped into ours.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_void, off_t};

/// A mapping, until it is dropped.
#[derive(Debug)]
pub(super) struct Mmap {
    start: *mut c_void,
    length: usize,
}

/// Who else writes what is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MmapAccess {
    /// We only read, and see what the kernel writes.
    ReadShared,
    /// We write, too.
    WriteShared,
    /// We only read what does not change.
    ReadPrivate,
}

impl Mmap {
    /// Maps so many bytes of a descriptor's, from an offset.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub(super) fn new(
        descriptor: BorrowedFd<'_>,
        offset: usize,
        length: usize,
        access: MmapAccess,
    ) -> io::Result<Mmap> {
        let (protection, flags): (c_int, c_int) = match access {
            MmapAccess::ReadShared => (libc::PROT_READ, libc::MAP_SHARED),
            MmapAccess::WriteShared => (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED),
            MmapAccess::ReadPrivate => (libc::PROT_READ, libc::MAP_PRIVATE),
        };
        let offset = off_t::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, flags, descriptor.as_raw_fd(), offset)
        };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Mmap { start, length }) }
    }

    /// Where it begins; it is as long as it was asked for, and there as long as
    /// this is.
    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start.cast()
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Mmap {
    fn drop(&mut self) {
        // SAFETY: it is ours, and whoever has its pointer borrows from us.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

// SAFETY: a mapping belongs to the process, not to the thread that made it;
// what lies in it is only touched through its owner.
unsafe impl Send for Mmap {}

/// How large a page is.
pub(super) fn page_size() -> usize {
    // SAFETY: sysconf(3) takes a plain number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}
