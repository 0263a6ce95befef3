//! The helper's end of the pipe. What is not taken is kept, up to a limit, so
//! that nobody who reads slowly holds the traced process up.

use std::ffi::c_int;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::pid_t;

use super::helper::{self, Plain, Shared};
use super::record::{self, LENGTH, Record};

/// So many records are kept at most.
const KEPT: usize = 1 << 16;
/// How long what comes in a row waits for what comes after it.
const WAIT: Duration = Duration::from_millis(5);
/// How often what was not taken is offered again.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What is kept, record by record.
#[repr(transparent)]
struct Kept([u8; KEPT * LENGTH]);

// SAFETY: plain bytes only.
unsafe impl Plain for Kept {}

pub(super) struct Outlet {
    pipe: c_int,
    /// Made before the helper is forked: it never grows.
    kept: Shared<Kept>,
    /// What of it is to be written.
    begin: usize,
    end: usize,
    lost: u64,
    written: Duration,
    is_timed: bool,
}

impl Outlet {
    /// To a pipe that does not block.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub(super) fn new(pipe: c_int) -> io::Result<Outlet> {
        let kept = Shared::on_demand()?;
        Ok(Outlet { pipe, kept, begin: 0, end: 0, lost: 0, written: Duration::ZERO, is_timed: false })
    }

    /// Tells something. At once, if nothing was for a while; what then follows
    /// goes together.
    pub(super) fn tell(&mut self, kind: u32, tid: pid_t, number: u64, info: &[u8; 128]) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.keep(&Record { kind, tid, number, time, info: *info });
        // A clock that is set back is no reason to wait.
        if time.checked_sub(self.written).is_none_or(|since| since >= WAIT) {
            self.write(time);
        } else if !self.is_timed {
            self.is_timed = true;
            helper::set_timer(WAIT, TICK);
        }
    }

    fn keep(&mut self, record: &Record) {
        self.tell_of_loss(record.time);
        match self.has_room() && self.lost == 0 {
            true => self.put(record),
            false => self.lost += 1,
        }
    }

    /// Puts how many are lost in their place, if there is room again.
    fn tell_of_loss(&mut self, time: Duration) {
        if self.lost > 0 && self.has_room() {
            self.put(&Record { kind: record::LOST, tid: 0, number: self.lost, time, info: [0; 128] });
            self.lost = 0;
        }
    }

    /// For one more.
    fn has_room(&self) -> bool {
        KEPT * LENGTH - self.end >= LENGTH
    }

    fn put(&mut self, record: &Record) {
        self.kept.get_mut().0[self.end..self.end + LENGTH].copy_from_slice(&record.bytes());
        self.end += LENGTH;
    }

    /// Offers what is kept; to be called at every tick, too.
    pub(super) fn offer(&mut self) {
        self.is_timed = false;
        if self.begin < self.end {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.write(now);
            self.tell_of_loss(now);
        }
    }

    fn write(&mut self, now: Duration) {
        self.written = now;
        while self.begin < self.end {
            let rest = &self.kept.get().0[self.begin..self.end];
            // SAFETY: the bytes are as many as is said.
            let count = unsafe { libc::write(self.pipe, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(count) {
                Ok(count) => self.begin += count,
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // It is full, or nobody reads any more.
                Err(_) => break,
            }
        }
        if self.begin > 0 {
            self.kept.get_mut().0.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
    }

    /// Writes everything, however long that takes: nothing is held up any more.
    pub(super) fn finish(&mut self) {
        // SAFETY: fcntl(2) takes plain numbers.
        unsafe { libc::fcntl(self.pipe, libc::F_SETFL, 0) };
        self.offer();
        // What was lost, if anything.
        self.offer();
    }
}
