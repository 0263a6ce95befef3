//! Access to the memory of a target, by a separate process.
//!
//! A page of a target may never arrive: the target may serve it itself
//! (userfaultfd(2)), or a file server may (FUSE). A process that waits for such a
//! page may not be killable. If the tracer waited, its tracee would stay stopped.
//! So another process, the memory helper, reads and writes. If it misses its
//! deadline, the tracer abandons it.
//!
//! Memory is accessed only through a descriptor of /proc/PID/mem, which the tracer
//! opens while the thread is stopped. The descriptor refers to the address space of
//! that moment. After an exec it reaches nothing of the new program.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libc::pid_t;

use super::deadline::Deadline;
use super::helper::{self, PlainData, SharedMemory};
use super::inspect_error::InspectError;
use super::procfs_noalloc;

/// Maximum number of accesses in one request.
const MAX_ACCESSES: usize = 6;
/// Maximum number of data bytes in one request.
pub(super) const DATA_SIZE: usize = 24 << 10;
/// How long the thread is kept stopped for its memory. A page that was swapped out
/// arrives within that time.
const PAGE_TIMEOUT: Duration = Duration::from_millis(250);
/// The same limit while the memory helper is runnable: it waits for a processor and
/// not for a page.
const STARVED_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval between two checks of the limits.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct MemoryAccess {
    address: u64,
    length: u32,
    /// 1 to write, 0 to read.
    is_write: u32,
    /// Offset of the access's data in the data of the request.
    offset: u32,
    /// Number of bytes read or written; 0 after a failure.
    count: u32,
}

/// A request and its answer, in memory that both processes share. While `requested`
/// and `answered` are equal, the tracer owns it; otherwise the memory helper does.
#[repr(C)]
struct RequestBoard {
    requested: AtomicU32,
    answered: AtomicU32,
    file: AtomicI32,
    count: AtomicU32,
    accesses: UnsafeCell<[MemoryAccess; MAX_ACCESSES]>,
    data: UnsafeCell<[u8; DATA_SIZE]>,
}

// SAFETY: numbers and bytes, for which every value is valid.
unsafe impl PlainData for RequestBoard {}

/// The tracer's access to the memory of targets.
pub(super) struct TargetMemory {
    board: SharedMemory<RequestBoard>,
    helper: pid_t,
    /// The open /proc/PID/mem; negative if there is none.
    file: c_int,
    is_abandoned: bool,
}

impl TargetMemory {
    /// Maps the shared memory without starting a process.
    ///
    /// # Errors
    /// The errors of mmap(2).
    pub(super) fn new() -> io::Result<TargetMemory> {
        Ok(TargetMemory { board: SharedMemory::new()?, helper: 0, file: -1, is_abandoned: false })
    }

    /// Starts the memory helper, as a child of the calling process that exits with
    /// it and shares its descriptors.
    ///
    /// # Errors
    /// The errors of clone(2).
    pub(super) fn start(&mut self) -> io::Result<()> {
        let board = self.board.get();
        self.helper = helper::start_sharing_descriptors(|| serve(board))?;
        Ok(())
    }

    /// Opens the memory of a stopped thread. The caller must then check that the
    /// thread is still its tracee: otherwise the descriptor may refer to another
    /// program and must not be used.
    ///
    /// # Errors
    /// The errors of open(2).
    pub(super) fn open(&mut self, pid: pid_t, tid: pid_t) -> io::Result<()> {
        self.close();
        self.file = procfs_noalloc::open(pid, tid, "mem", libc::O_RDWR)?;
        Ok(())
    }

    /// Closes the descriptor of [`TargetMemory::open`].
    pub(super) fn close(&mut self) {
        if self.file >= 0 {
            procfs_noalloc::close(self.file);
            self.file = -1;
        }
    }

    /// Ends the memory helper. A helper that waits for a page is left behind and
    /// exits when the page arrives.
    pub(super) fn end(&mut self) {
        self.close();
        if self.helper > 0 {
            helper::kill_and_reap(self.helper, !self.is_abandoned);
            self.helper = 0;
        }
    }

    /// Reads several pieces, each from an address into a buffer. Returns the number
    /// of bytes read of each piece; 0 for one that is not readable.
    ///
    /// # Errors
    /// [`InspectError::MemoryTimeout`] if a page did not arrive in time, or if
    /// `deadline` is given and expired. No access is possible after that.
    pub(super) fn read<const N: usize>(
        &mut self,
        pieces: [(u64, &mut [u8]); N],
        deadline: Option<Deadline<'_>>,
    ) -> Result<[usize; N], InspectError> {
        let mut accesses = [MemoryAccess::default(); N];
        let mut next = 0;
        for (access, (address, buffer)) in accesses.iter_mut().zip(&pieces) {
            let (length, offset) = (buffer.len() as u32, next as u32);
            *access = MemoryAccess { address: *address, length, offset, ..MemoryAccess::default() };
            next += buffer.len();
        }
        self.run(&mut accesses, &[], deadline)?;
        let data = self.data(next)?;
        let mut counts = [0; N];
        for ((count, access), (_, buffer)) in counts.iter_mut().zip(&accesses).zip(pieces) {
            let (offset, length) = (access.offset as usize, (access.count as usize).min(buffer.len()));
            buffer[..length].copy_from_slice(&data[offset..offset + length]);
            *count = length;
        }
        Ok(counts)
    }

    /// Writes several pieces.
    ///
    /// # Errors
    /// [`InspectError::MemoryTimeout`] if a page did not arrive in time. Then, or
    /// if a page is not writable, some pieces may not have been written.
    pub(super) fn write<const N: usize>(&mut self, pieces: [(u64, &[u8]); N]) -> Result<(), InspectError> {
        let mut accesses = [MemoryAccess::default(); N];
        let mut next = 0;
        for (access, (address, bytes)) in accesses.iter_mut().zip(pieces) {
            let (length, offset) = (bytes.len() as u32, next as u32);
            *access = MemoryAccess { address, length, is_write: 1, offset, count: 0 };
            next += bytes.len();
        }
        self.run(&mut accesses, &pieces.map(|(_, bytes)| bytes), None)
    }

    /// Passes the accesses to the memory helper and waits for the answer.
    fn run(
        &mut self,
        accesses: &mut [MemoryAccess],
        to_write: &[&[u8]],
        deadline: Option<Deadline<'_>>,
    ) -> Result<(), InspectError> {
        if self.is_abandoned || self.helper <= 0 || self.file < 0 {
            return Err(InspectError::MemoryTimeout);
        }
        let total: usize = accesses.iter().map(|access| access.length as usize).sum();
        if accesses.len() > MAX_ACCESSES || total > DATA_SIZE {
            return Err(InspectError::Failed);
        }
        let board = self.board.get();
        // SAFETY: no request is open since the last answer, so both cells belong to
        // this process. The lengths were checked above.
        unsafe {
            (&mut *board.accesses.get())[..accesses.len()].copy_from_slice(accesses);
            let mut next = 0;
            for bytes in to_write {
                (&mut *board.data.get())[next..next + bytes.len()].copy_from_slice(bytes);
                next += bytes.len();
            }
        }
        board.file.store(self.file, Ordering::Relaxed);
        board.count.store(accesses.len() as u32, Ordering::Relaxed);
        let number = board.requested.load(Ordering::Relaxed).wrapping_add(1);
        board.requested.store(number, Ordering::Release);
        helper::futex_wake(&board.requested);
        let start = Instant::now();
        loop {
            let waited = start.elapsed();
            let is_starved = || waited < STARVED_TIMEOUT && procfs_noalloc::is_runnable(self.helper);
            let is_late = waited >= PAGE_TIMEOUT && !is_starved();
            let is_over = is_late || deadline.is_some_and(|deadline| deadline.is_expired());
            // The helper may have answered during the checks.
            let answered = board.answered.load(Ordering::Acquire);
            if answered == number {
                break;
            }
            // A helper that was killed never answers.
            if is_over || helper::is_ended(self.helper) {
                self.is_abandoned = true;
                return Err(InspectError::MemoryTimeout);
            }
            helper::futex_wait(&board.answered, answered, Some(CHECK_INTERVAL));
        }
        // SAFETY: the request was answered, so the cell belongs to this process
        // again.
        accesses.copy_from_slice(unsafe { &(&*board.accesses.get())[..accesses.len()] });
        Ok(())
    }

    /// Returns the data of the last request.
    fn data(&self, length: usize) -> Result<&[u8], InspectError> {
        // SAFETY: the last request was answered, and no request can be made while
        // this is borrowed, so the cell belongs to this process.
        let data = unsafe { &*self.board.get().data.get() };
        data.get(..length).ok_or(InspectError::Failed)
    }
}

/// The memory helper's work: answers requests until it is killed.
fn serve(board: &RequestBoard) {
    let mut last = 0;
    loop {
        let requested = board.requested.load(Ordering::Acquire);
        if requested == last {
            helper::futex_wait(&board.requested, last, None);
            continue;
        }
        last = requested;
        let file = board.file.load(Ordering::Relaxed);
        let count = (board.count.load(Ordering::Relaxed) as usize).min(MAX_ACCESSES);
        // SAFETY: a request was made and not answered, so both cells belong to this
        // process.
        let (accesses, data) = unsafe { (&mut *board.accesses.get(), &mut *board.data.get()) };
        for access in &mut accesses[..count] {
            let (offset, length) = (access.offset as usize, access.length as usize);
            let bytes = data.get_mut(offset..offset + length).unwrap_or_default();
            let transferred = match access.is_write {
                0 => procfs_noalloc::read_at(file, access.address, bytes),
                _ => procfs_noalloc::write_at(file, access.address, bytes),
            };
            access.count = transferred.unwrap_or(0) as u32;
        }
        board.answered.store(requested, Ordering::Release);
        helper::futex_wake(&board.answered);
    }
}

#[cfg(test)]
mod tests {
    use super::super::deadline::CancelFlag;
    use super::*;

    #[test]
    fn memory_helper_accesses_only_mapped_memory() {
        let own = pid_t::try_from(std::process::id()).expect("a pid");
        let cancel = CancelFlag::new().expect("memory");
        let deadline = Deadline { end: Instant::now() + Duration::from_secs(20), cancel: &cancel };
        let mut memory = TargetMemory::new().expect("memory");
        memory.start().expect("a process");
        memory.open(own, own).expect("our own");
        let bytes = Box::new([1u8, 2, 3]);
        let address = bytes.as_ptr() as u64;
        let (mut mapped, mut unmapped) = ([0; 3], [0; 8]);
        let counts = memory.read([(address, &mut mapped[..]), (16, &mut unmapped[..])], Some(deadline));
        assert_eq!((counts, mapped), (Ok([3, 0]), [1, 2, 3]));
        assert_eq!(memory.write([(address, &[7, 8][..]), (16, &[1][..])]), Ok(()));
        assert_eq!(std::hint::black_box(*bytes), [7, 8, 3]);
        memory.end();
        assert_eq!(memory.write([(address, &[9][..])]), Err(InspectError::MemoryTimeout));
    }
}
