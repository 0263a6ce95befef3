//! Access to the memory of a target, by a process of its own.
//!
//! A page of a target may never arrive: the target answers for it itself
//! (userfaultfd(2)) or a file server does (FUSE). A process that waits for such a
//! page may not be killable. If the tracer waited, its tracee would stay stopped.
//! So another process, the memory helper, reads and writes; if it misses its
//! deadline, the tracer abandons it.
//!
//! Memory is accessed through a descriptor of /proc/PID/mem alone, which the
//! tracer opens while the thread is stopped. The descriptor refers to the address
//! space of that moment. After an exec it reaches nothing of the new program.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libc::pid_t;

use super::helper::{self, Plain, Shared};
use super::patience::Patience;
use super::text;
use super::visit::Fault;

/// Accesses in one request at most.
const ACCESSES: usize = 6;
/// Bytes of data in one request at most.
pub(super) const SPACE: usize = 24 << 10;
/// How long the thread is kept stopped for its memory: a page that was swapped
/// out arrives within that time.
const TIME: Duration = Duration::from_millis(250);
/// The same while the memory helper waits for a processor, and not for a page.
const TIME_IF_RUNNABLE: Duration = Duration::from_secs(2);

/// The time between two tests whether that is over.
const TICK: Duration = Duration::from_millis(10);

/// One access to memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Access {
    address: u64,
    length: u32,
    /// 1 to write, 0 to read.
    is_write: u32,
    /// Where its data begins, in the data of the request.
    offset: u32,
    /// How many bytes were read or written; 0 if that failed.
    count: u32,
}

/// A request and its answer, in memory that both processes share. The tracer
/// owns it while `asked` and `done` are equal, and else the memory helper.
#[repr(C)]
struct Board {
    asked: AtomicU32,
    done: AtomicU32,
    file: AtomicI32,
    count: AtomicU32,
    accesses: UnsafeCell<[Access; ACCESSES]>,
    data: UnsafeCell<[u8; SPACE]>,
}

// SAFETY: numbers and bytes, of which every value is valid.
unsafe impl Plain for Board {}

/// The memory of targets, as the tracer reaches it.
pub(super) struct Memory {
    board: Shared<Board>,
    helper: pid_t,
    /// The open /proc/PID/mem; negative if there is none.
    file: c_int,
    is_abandoned: bool,
}

impl Memory {
    /// Maps the shared memory. No process is started.
    ///
    /// # Errors
    /// The errors of mmap(2).
    pub(super) fn new() -> io::Result<Memory> {
        Ok(Memory { board: Shared::new()?, helper: 0, file: -1, is_abandoned: false })
    }

    /// Starts the memory helper, as a child of the calling process that ends with
    /// it and shares its descriptors.
    ///
    /// # Errors
    /// The errors of clone(2).
    pub(super) fn start(&mut self) -> io::Result<()> {
        let board = self.board.get();
        self.helper = helper::start_sharing_descriptors(|| serve(board))?;
        Ok(())
    }

    /// Opens the memory of a thread that is stopped. The caller must then check
    /// that the thread is still its tracee: otherwise the descriptor may be of
    /// another program, and must not be used.
    ///
    /// # Errors
    /// The errors of open(2).
    pub(super) fn open(&mut self, pid: pid_t, tid: pid_t) -> io::Result<()> {
        self.close();
        self.file = text::open(pid, tid, "mem", libc::O_RDWR)?;
        Ok(())
    }

    /// Closes what [`Memory::open`] opened.
    pub(super) fn close(&mut self) {
        if self.file >= 0 {
            text::close(self.file);
            self.file = -1;
        }
    }

    /// Ends the memory helper. A helper that waits for a page is left behind: it
    /// ends when the page arrives.
    pub(super) fn end(&mut self) {
        self.close();
        if self.helper > 0 {
            helper::end_child(self.helper, !self.is_abandoned);
            self.helper = 0;
        }
    }

    /// Reads several pieces, each from an address into a buffer; returns how many
    /// bytes of each are there. A piece that cannot be read at all counts 0.
    ///
    /// # Errors
    /// [`Fault::MemoryTimeout`] if a page did not arrive in time, or if `patience`
    /// is given and was cancelled. Nothing can be read or written any longer then.
    pub(super) fn read<const N: usize>(
        &mut self,
        pieces: [(u64, &mut [u8]); N],
        patience: Option<Patience<'_>>,
    ) -> Result<[usize; N], Fault> {
        let mut accesses = [Access::default(); N];
        let mut used = 0;
        for (access, (address, buffer)) in accesses.iter_mut().zip(&pieces) {
            let (length, offset) = (buffer.len() as u32, used as u32);
            *access = Access { address: *address, length, offset, ..Access::default() };
            used += buffer.len();
        }
        self.run(&mut accesses, &[], patience)?;
        let data = self.data(used)?;
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
    /// [`Fault::MemoryTimeout`] if a page did not arrive in time. Then, and if a
    /// page is gone, some may not have been written.
    pub(super) fn write<const N: usize>(&mut self, pieces: [(u64, &[u8]); N]) -> Result<(), Fault> {
        let mut accesses = [Access::default(); N];
        let mut used = 0;
        for (access, (address, bytes)) in accesses.iter_mut().zip(pieces) {
            let (length, offset) = (bytes.len() as u32, used as u32);
            *access = Access { address, length, is_write: 1, offset, count: 0 };
            used += bytes.len();
        }
        self.run(&mut accesses, &pieces.map(|(_, bytes)| bytes), None)
    }

    /// Has the memory helper make the accesses, and waits for that.
    fn run(
        &mut self,
        accesses: &mut [Access],
        to_write: &[&[u8]],
        patience: Option<Patience<'_>>,
    ) -> Result<(), Fault> {
        if self.is_abandoned || self.helper <= 0 || self.file < 0 {
            return Err(Fault::MemoryTimeout);
        }
        let total: usize = accesses.iter().map(|access| access.length as usize).sum();
        if accesses.len() > ACCESSES || total > SPACE {
            return Err(Fault::Failed);
        }
        let board = self.board.get();
        // SAFETY: nothing has been asked for since the last answer, so both cells
        // are this process's alone. The lengths were checked above.
        unsafe {
            (&mut *board.accesses.get())[..accesses.len()].copy_from_slice(accesses);
            let mut used = 0;
            for bytes in to_write {
                (&mut *board.data.get())[used..used + bytes.len()].copy_from_slice(bytes);
                used += bytes.len();
            }
        }
        board.file.store(self.file, Ordering::Relaxed);
        board.count.store(accesses.len() as u32, Ordering::Relaxed);
        let number = board.asked.load(Ordering::Relaxed).wrapping_add(1);
        board.asked.store(number, Ordering::Release);
        helper::futex_wake(&board.asked);
        let begin = Instant::now();
        loop {
            let waited = begin.elapsed();
            let is_late = waited >= TIME && (waited >= TIME_IF_RUNNABLE || !is_runnable(self.helper));
            let is_over = is_late || patience.is_some_and(|patience| patience.is_over());
            // The helper may have answered since.
            let done = board.done.load(Ordering::Acquire);
            if done == number {
                break;
            }
            // A helper that was killed never answers.
            if is_over || helper::is_ended(self.helper) {
                self.is_abandoned = true;
                return Err(Fault::MemoryTimeout);
            }
            helper::futex_wait(&board.done, done, Some(TICK));
        }
        // SAFETY: the request was answered, so the cell is this process's again.
        accesses.copy_from_slice(unsafe { &(&*board.accesses.get())[..accesses.len()] });
        Ok(())
    }

    /// The data of the last request.
    fn data(&self, length: usize) -> Result<&[u8], Fault> {
        // SAFETY: the last request was answered, and nothing can be asked for
        // while this is borrowed, so the cell is this process's.
        let data = unsafe { &*self.board.get().data.get() };
        data.get(..length).ok_or(Fault::Failed)
    }
}

/// Whether a process runs or waits for a processor (R in proc_pid_stat(5)).
fn is_runnable(pid: pid_t) -> bool {
    let Ok(file) = text::open(pid, pid, "stat", 0) else { return false };
    let mut stat = [0; 128];
    let count = text::read_at(file, 0, &mut stat).unwrap_or(0);
    text::close(file);
    let end = stat[..count].iter().rposition(|byte| *byte == b')');
    end.is_some_and(|end| stat.get(end + 2) == Some(&b'R'))
}

/// The memory helper's work: answers requests until it is killed.
fn serve(board: &Board) {
    let mut last = 0;
    loop {
        let asked = board.asked.load(Ordering::Acquire);
        if asked == last {
            helper::futex_wait(&board.asked, last, None);
            continue;
        }
        last = asked;
        let file = board.file.load(Ordering::Relaxed);
        let count = (board.count.load(Ordering::Relaxed) as usize).min(ACCESSES);
        // SAFETY: a request was made and not answered, so both cells are this
        // process's alone.
        let (accesses, data) = unsafe { (&mut *board.accesses.get(), &mut *board.data.get()) };
        for access in &mut accesses[..count] {
            let (offset, length) = (access.offset as usize, access.length as usize);
            let bytes = data.get_mut(offset..offset + length).unwrap_or_default();
            let moved = match access.is_write {
                0 => text::read_at(file, access.address, bytes),
                _ => text::write_at(file, access.address, bytes),
            };
            access.count = moved.unwrap_or(0) as u32;
        }
        board.done.store(asked, Ordering::Release);
        helper::futex_wake(&board.done);
    }
}

#[cfg(test)]
mod tests {
    use super::super::patience::Word;
    use super::*;

    #[test]
    fn memory_helper_reads_and_writes_what_is_mapped() {
        let own = pid_t::try_from(std::process::id()).expect("a pid");
        let word = Word::new().expect("memory");
        let patience = Patience { end: Instant::now() + Duration::from_secs(20), word: &word };
        let mut memory = Memory::new().expect("memory");
        memory.start().expect("a process");
        memory.open(own, own).expect("our own");
        let bytes = Box::new([1u8, 2, 3]);
        let address = bytes.as_ptr() as u64;
        let (mut three, mut none) = ([0; 3], [0; 8]);
        let counts = memory.read([(address, &mut three[..]), (16, &mut none[..])], Some(patience));
        assert_eq!((counts, three), (Ok([3, 0]), [1, 2, 3]));
        assert_eq!(memory.write([(address, &[7, 8][..]), (16, &[1][..])]), Ok(()));
        assert_eq!(std::hint::black_box(*bytes), [7, 8, 3]);
        memory.end();
        assert_eq!(memory.write([(address, &[9][..])]), Err(Fault::MemoryTimeout));
    }
}
