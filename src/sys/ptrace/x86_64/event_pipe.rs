//! The helper's end of the pipe. What is not taken is kept, up to a limit, so
//! that nobody who reads slowly holds the traced process up.

use std::ffi::c_int;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::pid_t;

use super::helper::{self, PlainData, SharedMemory};
use super::record::{self, EventRecord, RECORD_SIZE};

/// So many records are kept at most.
const MAX_RECORDS: usize = 1 << 16;
/// How long what comes in a row waits for what comes after it.
const BATCH_DELAY: Duration = Duration::from_millis(5);
/// How often what was not taken is offered again.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// What is kept, record by record.
#[repr(transparent)]
struct RecordBuffer([u8; MAX_RECORDS * RECORD_SIZE]);

// SAFETY: plain bytes only.
unsafe impl PlainData for RecordBuffer {}

pub(super) struct EventPipe {
    pipe: c_int,
    /// Made before the helper is forked: it never grows.
    buffer: SharedMemory<RecordBuffer>,
    /// What of it is to be written.
    start: usize,
    end: usize,
    lost: u64,
    last_write: Duration,
    is_timed: bool,
}

impl EventPipe {
    /// To a pipe that does not block.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub(super) fn new(pipe: c_int) -> io::Result<EventPipe> {
        let kept = SharedMemory::new_on_demand()?;
        Ok(EventPipe {
            pipe,
            buffer: kept,
            start: 0,
            end: 0,
            lost: 0,
            last_write: Duration::ZERO,
            is_timed: false,
        })
    }

    /// Tells something. At once, if nothing was for a while; what then follows
    /// goes together.
    pub(super) fn report(&mut self, kind: u32, tid: pid_t, number: u64, info: &[u8; 128]) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.store(&EventRecord { kind, tid, value: number, time, info: *info });
        // A clock that is set back is no reason to wait.
        if time.checked_sub(self.last_write).is_none_or(|since| since >= BATCH_DELAY) {
            self.write(time);
        } else if !self.is_timed {
            self.is_timed = true;
            helper::set_interrupt_timer(BATCH_DELAY, RETRY_INTERVAL);
        }
    }

    fn store(&mut self, record: &EventRecord) {
        self.report_loss(record.time);
        match self.has_room() && self.lost == 0 {
            true => self.push(record),
            false => self.lost += 1,
        }
    }

    /// Puts how many are lost in their place, if there is room again.
    fn report_loss(&mut self, time: Duration) {
        if self.lost > 0 && self.has_room() {
            self.push(&EventRecord { kind: record::LOST, tid: 0, value: self.lost, time, info: [0; 128] });
            self.lost = 0;
        }
    }

    /// For one more.
    fn has_room(&self) -> bool {
        MAX_RECORDS * RECORD_SIZE - self.end >= RECORD_SIZE
    }

    fn push(&mut self, record: &EventRecord) {
        self.buffer.get_mut().0[self.end..self.end + RECORD_SIZE].copy_from_slice(&record.to_bytes());
        self.end += RECORD_SIZE;
    }

    /// Offers what is kept; to be called at every tick, too.
    pub(super) fn flush(&mut self) {
        self.is_timed = false;
        if self.start < self.end {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.write(now);
            self.report_loss(now);
        }
    }

    fn write(&mut self, now: Duration) {
        self.last_write = now;
        while self.start < self.end {
            let rest = &self.buffer.get().0[self.start..self.end];
            // SAFETY: the bytes are as many as is said.
            let count = unsafe { libc::write(self.pipe, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(count) {
                Ok(count) => self.start += count,
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // It is full, or nobody reads any more.
                Err(_) => break,
            }
        }
        if self.start > 0 {
            self.buffer.get_mut().0.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// Writes everything, however long that takes: nothing is held up any more.
    pub(super) fn finish(&mut self) {
        // SAFETY: fcntl(2) takes plain numbers.
        unsafe { libc::fcntl(self.pipe, libc::F_SETFL, 0) };
        self.flush();
        // What was lost, if anything.
        self.flush();
    }
}
