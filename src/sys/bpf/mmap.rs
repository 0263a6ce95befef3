//! Memory mappings of kernel objects.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_int, c_void, off_t};

/// A mapping that is unmapped on drop.
#[derive(Debug)]
pub(super) struct Mmap {
    start: *mut c_void,
    length: usize,
}

/// Access to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MmapAccess {
    /// Read-only, with the changes that the kernel makes.
    ReadShared,
    /// Read and write.
    WriteShared,
    /// Read-only, for content that does not change.
    ReadPrivate,
}

impl Mmap {
    /// Maps `length` bytes of a descriptor, from an offset.
    ///
    /// # Errors
    /// The errors of mmap(2).
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
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, flags, descriptor.as_raw_fd(), offset)
        };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Mmap { start, length }) }
    }

    /// Returns the start of the mapping, valid for [`Mmap::len`] bytes while `self`
    /// lives.
    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start.cast()
    }

    /// Returns the length in bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Mmap {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and users of its pointer borrow `self`.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

// SAFETY: a mapping belongs to the process and not to a thread; its content is
// accessed only through its owner.
unsafe impl Send for Mmap {}

/// Returns the size of a page in bytes.
pub(super) fn page_size() -> usize {
    // SAFETY: sysconf(3) takes a plain number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}
