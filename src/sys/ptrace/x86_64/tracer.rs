//! Tracing from the side of the room: a helper does it, and what it tells comes
//! through a pipe that can be waited for with others.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::helper::{self, Held, Helper, Shared};
use super::look::refusal;
use super::outlet::{self, Outlet};
use super::record::{self, LENGTH, Record};
use super::stops::Counted;
use super::text::Text;
use super::trace::Trace;
use super::visit::Fault;
use crate::sys::ptrace::{Event, Refusal, Stops};
use crate::sys::siginfo::Raw;

/// As much as a pipe may hold where nobody has said otherwise
/// (/proc/sys/fs/pipe-max-size).
const PIPE: i32 = 1 << 20;

/// A process whose signals are told as they are delivered.
#[derive(Debug)]
pub struct Tracer {
    /// `None` once it has been waited for.
    helper: Option<Helper>,
    stops: Shared<Counted>,
    pipe: File,
    /// A part of a record.
    rest: Vec<u8>,
}

impl Tracer {
    pub(in crate::sys::ptrace) fn begin(pid: u32) -> Result<Tracer, Refusal> {
        let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Refusal::Gone)?;
        let (reader, writer) = io::pipe().map_err(Refusal::Failed)?;
        // SAFETY: fcntl(2) takes plain numbers. Where the pipe cannot be so large
        // it stays as it is.
        unsafe {
            libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE);
            libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
        }
        let end = writer.as_raw_fd();
        let entries = vec![0; 32 << 10].into_boxed_slice();
        let mut stops = Shared::<Counted>::new().map_err(Refusal::Failed)?;
        let (outlet, text) = (Outlet::new(end).map_err(Refusal::Failed)?, Text::new());
        let mut trace = Trace { pid, outlet, text, entries, stops: stops.get_mut(), is_stopped: false };
        let own = std::process::id() as pid_t;
        let work = || {
            helper::end_with_parent(own);
            helper::tick(outlet::TICK, outlet::TICK);
            trace.run();
        };
        let held = Held::all().map_err(Refusal::Failed)?;
        let helper = Helper::start(&held, Some(end), work).map_err(Refusal::Failed)?;
        drop((held, writer));
        let mut pipe = File::from(OwnedFd::from(reader));
        let mut first = [0; LENGTH];
        let read = pipe.read_exact(&mut first);
        let tracer = Tracer { helper: Some(helper), stops, pipe, rest: Vec::new() };
        let first = match read {
            Ok(()) => Record::of(&first),
            Err(_) => return Err(Refusal::Helper),
        };
        if first.kind == record::ATTACHED {
            // SAFETY: fcntl(2) takes plain numbers.
            unsafe { libc::fcntl(tracer.pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
            return Ok(tracer);
        }
        let fault = Fault::ALL.into_iter().find(|fault| u64::from(*fault as u32) == first.number);
        Err(fault.map_or(Refusal::Helper, |fault| refusal(pid, first.tid, fault)))
    }

    /// Takes what has happened by now, and whether the process is still traced:
    /// it is not once its last thread has ended.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        let mut buffer = [0; 256 * LENGTH];
        let is_traced = loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => break false,
                Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.take(events);
        };
        Ok(is_traced)
    }

    /// Asks for the end of the tracing, which [`Tracer::finish`] waits for: of
    /// several, all are asked first.
    pub fn ask(&self) {
        if let Some(helper) = &self.helper {
            self.stops.get().end();
            helper.wake();
        }
    }

    /// Ends the tracing, if it has not ended; gives what it has cost. What has
    /// happened by then can still be read.
    pub fn finish(&mut self) -> Stops {
        self.ask();
        if let Some(helper) = self.helper.take() {
            // Its end of the pipe closes when it has told all; a word that came a
            // moment before it waited is heard at its next tick.
            let patience = PollTimeout::try_from(2 * outlet::TICK).unwrap_or(PollTimeout::ZERO);
            let _ = poll(&mut [PollFd::new(self.pipe.as_fd(), PollFlags::empty())], patience);
            helper.end();
        }
        self.stops.get().stops()
    }

    fn take(&mut self, events: &mut Vec<Event>) {
        let (records, rest) = self.rest.as_chunks::<LENGTH>();
        let event = |bytes| Record::of(bytes).event(|info| Raw::from_bytes(info).info());
        events.extend(records.iter().filter_map(event));
        self.rest = rest.to_vec();
    }
}

/// Has something to read when something has happened, or nothing more will.
impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// The process is let go, and a signal that is being delivered comes through.
impl Drop for Tracer {
    fn drop(&mut self) {
        self.finish();
    }
}
