//! Where it is not supported: nothing is ever seen or traced.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::{InspectRequest, PtraceError, PtraceInspection, StopStats, TracerEvent};

pub(super) fn inspect(
    _: u32,
    _: InspectRequest,
    _: std::time::Duration,
) -> Result<PtraceInspection, PtraceError> {
    Err(PtraceError::Architecture)
}

pub(super) fn preflight(_: u32) -> Option<PtraceError> {
    Some(PtraceError::Architecture)
}

/// A process whose signals are told as they are delivered.
#[derive(Debug)]
pub struct Tracer(std::convert::Infallible);

impl Tracer {
    pub(super) fn start(_: u32) -> Result<Tracer, PtraceError> {
        Err(PtraceError::Architecture)
    }

    /// Takes what has happened by now, and whether the process is still traced.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read(&mut self, _: &mut Vec<TracerEvent>) -> io::Result<bool> {
        match self.0 {}
    }

    /// Asks for the end of the tracing.
    pub fn request_stop(&self) {
        match self.0 {}
    }

    /// Ends the tracing, if it has not ended; gives what it has cost.
    pub fn finish(&mut self) -> StopStats {
        match self.0 {}
    }
}

impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
