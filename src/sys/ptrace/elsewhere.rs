//! Where it is not supported: nothing is ever seen or traced.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::{Event, Refusal, Seen, Stops, Wanted};

pub(super) fn look(_: u32, _: Wanted, _: std::time::Duration) -> Result<Seen, Refusal> {
    Err(Refusal::Architecture)
}

pub(super) fn foresee(_: u32) -> Option<Refusal> {
    Some(Refusal::Architecture)
}

/// A process whose signals are told as they are delivered.
#[derive(Debug)]
pub struct Tracer(std::convert::Infallible);

impl Tracer {
    pub(super) fn begin(_: u32) -> Result<Tracer, Refusal> {
        Err(Refusal::Architecture)
    }

    /// Takes what has happened by now, and whether the process is still traced.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read(&mut self, _: &mut Vec<Event>) -> io::Result<bool> {
        match self.0 {}
    }

    /// Asks for the end of the tracing.
    pub fn ask(&self) {
        match self.0 {}
    }

    /// Ends the tracing, if it has not ended; gives what it has cost.
    pub fn finish(&mut self) -> Stops {
        match self.0 {}
    }
}

impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
