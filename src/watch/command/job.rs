//! The command as a job of the terminal: who is in the foreground, and
//! stopping together.

use std::os::fd::{AsFd, BorrowedFd};

use crate::signal::Signal;
use crate::sys::deliver::own_group;
use crate::sys::hold;
use crate::sys::job::{Terminal, stop_by};
use crate::sys::numbers::{CONT, TSTP, TTIN, TTOU};

/// The command's place at the terminal.
#[derive(Debug)]
pub(super) struct Job {
    /// The terminal that may be handed over; only where the command leads a
    /// group of its own.
    terminal: Option<Terminal>,
    /// The command's group.
    group: Option<u32>,
}

/// What became of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The stop is nothing of the terminal's.
    Other,
    /// sigtool has stopped as well, and has been continued.
    Over,
    /// Nobody could continue it: the command has to be.
    Refused,
}

impl Job {
    /// Nothing runs yet.
    pub(super) fn new(own_group: bool) -> Job {
        Job { terminal: own_group.then(Terminal::open).flatten(), group: None }
    }

    /// The terminal, where sigtool is in its foreground.
    pub(super) fn foreground(&self) -> Option<BorrowedFd<'_>> {
        let terminal = self.terminal.as_ref()?;
        (terminal.foreground() == Some(own_group())).then(|| terminal.as_fd())
    }

    /// The command has started.
    pub(super) fn began(&mut self, pid: u32) {
        self.group = self.terminal.is_some().then_some(pid);
    }

    /// The command has stopped by this signal: sigtool does, too, so that the
    /// shell sees its job stop; where the terminal was behind it. It sends such
    /// a signal to a whole group: where the command has one of its own, the
    /// rest of the job is still to be stopped.
    pub(super) fn stopped(&self, signal: Signal) -> Stop {
        if ![TSTP, TTIN, TTOU].contains(&signal) || hold::is_pending(CONT) {
            return Stop::Other;
        }
        let is_of_job = self.group.is_some() && (signal != TSTP || self.has_foreground());
        self.take_back();
        stop_by(signal, is_of_job);
        // CONT is blocked, so that it is pending if it has ended the stop.
        let continued = hold::is_pending(CONT);
        self.hand_over();
        if signal == TSTP && !continued { Stop::Refused } else { Stop::Over }
    }

    /// Gives the command the foreground that sigtool has.
    pub(super) fn hand_over(&self) {
        if let (Some(terminal), Some(group)) = (&self.terminal, self.group)
            && terminal.foreground() == Some(own_group())
        {
            terminal.hand_to(group);
        }
    }

    /// Takes back the foreground that the command has.
    pub(super) fn take_back(&self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.has_foreground()) {
            terminal.hand_to(own_group());
        }
    }

    /// Whether the command has the foreground, in a group of its own.
    fn has_foreground(&self) -> bool {
        self.group.is_some() && self.terminal.as_ref().and_then(Terminal::foreground) == self.group
    }
}
