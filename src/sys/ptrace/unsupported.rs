//! Stubs for architectures without support: every call fails.

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

/// Uninhabited counterpart of the x86-64 tracer.
#[derive(Debug)]
pub struct Tracer(std::convert::Infallible);

impl Tracer {
    pub(super) fn start(_: u32) -> Result<Tracer, PtraceError> {
        Err(PtraceError::Architecture)
    }

    /// Reads the pending events; returns whether the process is still traced.
    ///
    /// # Errors
    /// The errors of read(2).
    pub fn read(&mut self, _: &mut Vec<TracerEvent>) -> io::Result<bool> {
        match self.0 {}
    }

    /// Requests the end of the tracing.
    pub fn request_stop(&self) {
        match self.0 {}
    }

    /// Ends the tracing if it is still active, and returns its cost.
    pub fn finish(&mut self) -> StopStats {
        match self.0 {}
    }
}

impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
