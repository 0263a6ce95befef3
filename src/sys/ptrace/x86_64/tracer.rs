//! Tracing from the side of the room: a helper does it, and what it tells comes
//! through a pipe that can be waited for with others.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::event_pipe::{self, EventPipe};
use super::helper::{self, BlockedSignals, HelperProcess, SharedMemory};
use super::inspect::explain_error;
use super::inspect_thread::InspectError;
use super::procfs_noalloc::ThreadFileReader;
use super::record::{self, EventRecord, RECORD_SIZE};
use super::stop_stats::StopCounter;
use super::tracer_child::TracerLoop;
use crate::sys::ptrace::{PtraceError, StopStats, TracerEvent};
use crate::sys::signal::siginfo::RawSiginfo;

/// As much as a pipe may hold where nobody has said otherwise
/// (/proc/sys/fs/pipe-max-size).
const PIPE_SIZE: i32 = 1 << 20;

/// A process whose signals are told as they are delivered.
#[derive(Debug)]
pub struct Tracer {
    /// `None` once it has been waited for.
    helper: Option<HelperProcess>,
    stops: SharedMemory<StopCounter>,
    pipe: File,
    /// A part of a record.
    partial_record: Vec<u8>,
}

impl Tracer {
    pub(in crate::sys::ptrace) fn start(pid: u32) -> Result<Tracer, PtraceError> {
        let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(PtraceError::Gone)?;
        let (reader, writer) = io::pipe().map_err(PtraceError::SystemCall)?;
        // SAFETY: fcntl(2) takes plain numbers. Where the pipe cannot be so large
        // it stays as it is.
        unsafe {
            libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_SIZE);
            libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
        }
        let end = writer.as_raw_fd();
        let entries = vec![0; 32 << 10].into_boxed_slice();
        let mut stops = SharedMemory::<StopCounter>::new().map_err(PtraceError::SystemCall)?;
        let (outlet, text) = (EventPipe::new(end).map_err(PtraceError::SystemCall)?, ThreadFileReader::new());
        let mut trace = TracerLoop {
            pid,
            events: outlet,
            reader: text,
            dir_buffer: entries,
            stops: stops.get_mut(),
            is_stopped: false,
        };
        let own = std::process::id() as pid_t;
        let work = || {
            helper::exit_with_parent(own);
            helper::start_interrupt_timer(event_pipe::RETRY_INTERVAL, event_pipe::RETRY_INTERVAL);
            trace.run();
        };
        let held = BlockedSignals::block_all().map_err(PtraceError::SystemCall)?;
        let helper = HelperProcess::start(&held, Some(end), work).map_err(PtraceError::SystemCall)?;
        drop((held, writer));
        let mut pipe = File::from(OwnedFd::from(reader));
        let mut first = [0; RECORD_SIZE];
        let read = pipe.read_exact(&mut first);
        let tracer = Tracer { helper: Some(helper), stops, pipe, partial_record: Vec::new() };
        let first = match read {
            Ok(()) => EventRecord::from_bytes(&first),
            Err(_) => return Err(PtraceError::HelperKilled),
        };
        if first.kind == record::ATTACHED {
            // SAFETY: fcntl(2) takes plain numbers.
            unsafe { libc::fcntl(tracer.pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
            return Ok(tracer);
        }
        let fault = InspectError::ALL.into_iter().find(|fault| u64::from(*fault as u32) == first.value);
        Err(fault.map_or(PtraceError::HelperKilled, |fault| explain_error(pid, first.tid, fault)))
    }

    /// Takes what has happened by now, and whether the process is still traced:
    /// it is not once its last thread has ended.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read(&mut self, events: &mut Vec<TracerEvent>) -> io::Result<bool> {
        let mut buffer = [0; 256 * RECORD_SIZE];
        let is_traced = loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => break false,
                Ok(count) => self.partial_record.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.parse_records(events);
        };
        Ok(is_traced)
    }

    /// Asks for the end of the tracing, which [`Tracer::finish`] waits for: of
    /// several, all are asked first.
    pub fn request_stop(&self) {
        if let Some(helper) = &self.helper {
            self.stops.get().cancel();
            helper.interrupt();
        }
    }

    /// Ends the tracing, if it has not ended; gives what it has cost. What has
    /// happened by then can still be read.
    pub fn finish(&mut self) -> StopStats {
        self.request_stop();
        if let Some(helper) = self.helper.take() {
            // Its end of the pipe closes when it has told all; a word that came a
            // moment before it waited is heard at its next tick.
            let patience = PollTimeout::try_from(2 * event_pipe::RETRY_INTERVAL).unwrap_or(PollTimeout::ZERO);
            let _ = poll(&mut [PollFd::new(self.pipe.as_fd(), PollFlags::empty())], patience);
            helper.kill();
        }
        self.stops.get().stats()
    }

    fn parse_records(&mut self, events: &mut Vec<TracerEvent>) {
        let (records, rest) = self.partial_record.as_chunks::<RECORD_SIZE>();
        let event =
            |bytes| EventRecord::from_bytes(bytes).to_event(|info| RawSiginfo::from_bytes(info).to_siginfo());
        events.extend(records.iter().filter_map(event));
        self.partial_record = rest.to_vec();
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
