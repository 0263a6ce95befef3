//! sigtool's side of a tracer: it starts the helper that traces, and reads events
//! from a pipe that can be polled.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::pid_t;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::event_pipe::{self, EventPipe};
use super::helper::{self, BlockedSignals, HelperProcess, SharedMemory};
use super::inspect::explain_error;
use super::inspect_error::InspectError;
use super::procfs_noalloc::ThreadFileReader;
use super::record::{self, EventRecord, RECORD_SIZE};
use super::stop_stats::StopCounter;
use super::tracer_child::TracerLoop;
use crate::sys::ptrace::{PtraceError, StopStats, TracerEvent};
use crate::sys::signal::siginfo::RawSiginfo;

/// The default limit for the size of a pipe (/proc/sys/fs/pipe-max-size).
const PIPE_SIZE: i32 = 1 << 20;

/// A process whose signals are reported at their delivery.
#[derive(Debug)]
pub struct Tracer {
    /// `None` once the helper was reaped.
    helper: Option<HelperProcess>,
    stops: SharedMemory<StopCounter>,
    pipe: File,
    /// Beginning of a record whose rest has not been read.
    partial_record: Vec<u8>,
}

impl Tracer {
    pub(in crate::sys::ptrace) fn start(pid: u32) -> Result<Tracer, PtraceError> {
        let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(PtraceError::Gone)?;
        let (reader, writer) = io::pipe().map_err(PtraceError::SystemCall)?;
        // SAFETY: fcntl(2) takes plain numbers. If the pipe cannot be so large, its
        // size stays as it is.
        unsafe {
            libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_SIZE);
            libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
        }
        let write_end = writer.as_raw_fd();
        let mut stops = SharedMemory::<StopCounter>::new().map_err(PtraceError::SystemCall)?;
        let mut tracer_loop = TracerLoop {
            pid,
            events: EventPipe::new(write_end).map_err(PtraceError::SystemCall)?,
            reader: ThreadFileReader::new(),
            dir_buffer: vec![0; 32 << 10].into_boxed_slice(),
            stops: stops.get_mut(),
            is_stopped: false,
        };
        let parent = std::process::id() as pid_t;
        let work = || {
            helper::exit_with_parent(parent);
            helper::start_interrupt_timer(event_pipe::RETRY_INTERVAL, event_pipe::RETRY_INTERVAL);
            tracer_loop.run();
        };
        let signals = BlockedSignals::block_all().map_err(PtraceError::SystemCall)?;
        let helper =
            HelperProcess::start(&signals, Some(write_end), work).map_err(PtraceError::SystemCall)?;
        drop((signals, writer));
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
        let error = InspectError::ALL.into_iter().find(|error| u64::from(*error as u32) == first.value);
        Err(error.map_or(PtraceError::HelperKilled, |error| explain_error(pid, first.tid, error)))
    }

    /// Reads the pending events; returns whether the process is still traced, which
    /// ends when its last thread exits.
    ///
    /// # Errors
    /// The errors of read(2).
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

    /// Requests the end of the tracing, for which [`Tracer::finish`] waits. To end
    /// several tracers, call this on all of them first.
    pub fn request_stop(&self) {
        if let Some(helper) = &self.helper {
            self.stops.get().cancel();
            helper.interrupt();
        }
    }

    /// Ends the tracing if it is still active, and returns its cost. Events that
    /// happened before can still be read.
    pub fn finish(&mut self) -> StopStats {
        self.request_stop();
        if let Some(helper) = self.helper.take() {
            // The helper closes the pipe after the last event. If it missed the
            // request just before a wait, it sees it after the next timer
            // interrupt.
            let timeout = PollTimeout::try_from(2 * event_pipe::RETRY_INTERVAL).unwrap_or(PollTimeout::ZERO);
            let _ = poll(&mut [PollFd::new(self.pipe.as_fd(), PollFlags::empty())], timeout);
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

/// Readable if there are events, or after the last one.
impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Releases the process. A signal at its delivery is delivered.
impl Drop for Tracer {
    fn drop(&mut self) {
        self.finish();
    }
}
