//! The command as a job of the terminal: who is in the foreground, and
//! stopping together.

use std::os::fd::{AsFd, BorrowedFd};

use crate::signal::known::{CONT, INT, QUIT, STOP, TSTP, TTIN, TTOU};
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::job::{Terminal, await_group_signals, can_stop, end_by, is_job, shares_group, stop_by};
use crate::sys::{child, deliver, hold};

/// The command's place at the terminal.
#[derive(Debug)]
pub(super) struct Job {
    /// The command; 0 where there is none yet.
    pid: u32,
    /// The terminal that may be handed over; only where the command leads a
    /// group of its own.
    terminal: Option<Terminal>,
    /// The command's group.
    group: Option<u32>,
    /// Whether the terminal is handed over. Where sigtool's group lies outside
    /// the pid namespace, it could not be taken back for whoever is outside: so
    /// only to a command that has asked for it.
    hands_over: bool,
    /// Whether the command has been continued by the CONT that is pending.
    has_cont: bool,
    /// What has been typed at the terminal, and what a process has sent: the
    /// later of both.
    typed: SignalSet,
    sent: SignalSet,
}

impl Job {
    /// Nothing runs yet.
    pub(super) fn new(own_group: bool) -> Job {
        let terminal = own_group.then(Terminal::open).flatten();
        Job {
            pid: 0,
            terminal,
            group: None,
            hands_over: deliver::own_group() != 0,
            has_cont: false,
            typed: SignalSet::EMPTY,
            sent: SignalSet::EMPTY,
        }
    }

    /// The terminal, where sigtool is in its foreground, and may hand it over.
    pub(super) fn foreground(&self) -> Option<BorrowedFd<'_>> {
        let terminal = self.terminal.as_ref().filter(|terminal| self.hands_over && terminal.is_ours());
        terminal.map(AsFd::as_fd)
    }

    /// The command has started.
    pub(super) fn began(&mut self, pid: u32) {
        self.pid = pid;
        self.group = self.terminal.is_some().then_some(pid);
    }

    /// Looks whether the command has stopped or been continued; gives whether
    /// it is for sigtool to continue it.
    pub(super) fn look(&mut self) -> bool {
        if child::continued(self.pid) {
            self.has_cont = self.shares_signals() && hold::is_pending(CONT);
            self.hand_over();
        }
        child::stopped(self.pid).is_some_and(|signal| self.stopped(signal))
    }

    /// CONT has come; gives whether the command has been continued by it as
    /// well, as a shell continues the whole group. Sent on late, it would undo
    /// the next stop.
    pub(super) fn continued(&mut self) -> bool {
        // Whoever continues sigtool may have put it into the foreground.
        self.hand_over();
        std::mem::take(&mut self.has_cont) || (self.shares_signals() && child::continued(self.pid))
    }

    /// Whether what is sent to sigtool's group reaches the command; what has
    /// been has then done so.
    fn shares_signals(&self) -> bool {
        let shares = shares_group(self.pid);
        if shares {
            await_group_signals();
        }
        shares
    }

    /// The command has stopped by this signal: sigtool does, too, so that the
    /// shell sees its job stop. The terminal sends such a signal to a whole
    /// group: where the command has one of its own, the rest of the job is
    /// still to be stopped.
    fn stopped(&mut self, signal: Signal) -> bool {
        if hold::is_pending(CONT) {
            return false;
        }
        // It has been taken back by the kernel, if it had not been taken yet.
        self.has_cont = false;
        let asks = [TTIN, TTOU].contains(&signal);
        self.hands_over |= asks;
        // A shell that puts a running job into the foreground tells nobody.
        if asks && self.hand_over() {
            return true;
        }
        let is_of_job = self.group.is_some() && (asks || self.has_foreground());
        self.take_back();
        if signal == STOP && !is_job() && !self.has_foreground() {
            // A process has stopped the command: only a shell would care; or
            // who has lost the terminal.
            return false;
        }
        // Where nobody could continue sigtool, the kernel drops TSTP, but not STOP.
        stop_by(if signal == STOP { TSTP } else { signal }, is_of_job);
        // CONT is blocked, so that it is pending if it has ended the stop; but
        // the next stop may have taken it back.
        let over = hold::is_pending(CONT) || can_stop();
        let refused = signal == TSTP && !over;
        if over || refused {
            self.hand_over();
        }
        refused
    }

    /// Gives the command the foreground that sigtool has; gives whether it did.
    fn hand_over(&self) -> bool {
        match (&self.terminal, self.group) {
            (Some(terminal), Some(group)) if self.foreground().is_some() => terminal.hand_to(group),
            _ => false,
        }
    }

    /// The terminal, or a process, has sent this to the command.
    pub(super) fn came(&mut self, signal: Signal, typed: bool) {
        let one: SignalSet = [signal].into_iter().collect();
        (self.typed, self.sent) =
            if typed { (self.typed | one, self.sent - one) } else { (self.typed - one, self.sent | one) };
    }

    /// The command has ended; what is typed where it has the foreground, it has
    /// got alone.
    pub(super) fn ended(&mut self) {
        if self.has_foreground() {
            self.typed = SignalSet::all(Arch::NATIVE) - self.sent;
        }
        self.take_back();
    }

    /// Ends sigtool by the signal that has killed the command, if that was typed:
    /// a shell ends its script or loop only where what it ran has died of it. What
    /// was typed to the command's own group is for the rest of the job as well.
    pub(super) fn end_by(&self, signal: Signal) {
        if [INT, QUIT].contains(&signal) && self.typed.contains(signal) && std::process::id() != 1 {
            end_by(signal, self.group.is_some());
        }
    }

    /// Takes back the foreground that the command has.
    fn take_back(&self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.has_foreground()) {
            terminal.hand_to(deliver::own_group());
        }
    }

    /// Whether the command has the foreground, in a group of its own.
    fn has_foreground(&self) -> bool {
        self.group.is_some() && self.terminal.as_ref().and_then(Terminal::foreground) == self.group
    }
}
