//! The command as a job of the terminal: who is in the foreground, and
//! stopping together.

use std::os::fd::{AsFd, BorrowedFd};

use crate::signal::consts::{CONT, INT, QUIT, STOP, TSTP, TTIN, TTOU};
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::process::child;
use crate::sys::process::job_control::{
    ControllingTerminal, can_be_stopped, is_in_own_group, is_shell_job, stop_self, terminate_self,
    wait_for_group_signals,
};
use crate::sys::signal::{mask, send};

/// The command's place at the terminal.
#[derive(Debug)]
pub(super) struct CommandJob {
    /// The command; 0 where there is none yet.
    pid: u32,
    /// The terminal that may be handed over; only where the command leads a
    /// group of its own.
    terminal: Option<ControllingTerminal>,
    /// The command's group.
    process_group: Option<u32>,
    /// Whether the terminal is handed over. Where sigtool's group lies outside
    /// the pid namespace, it could not be taken back for whoever is outside: so
    /// only to a command that has asked for it.
    may_hand_over_terminal: bool,
    /// Whether the command has been continued by the CONT that is pending.
    got_pending_cont: bool,
    /// What has been typed at the terminal, and what a process has sent: the
    /// later of both.
    typed_signals: SignalSet,
    sent_signals: SignalSet,
}

impl CommandJob {
    /// Nothing runs yet.
    pub(in crate::commands::watch) fn new(own_group: bool) -> CommandJob {
        let terminal = own_group.then(ControllingTerminal::open).flatten();
        CommandJob {
            pid: 0,
            terminal,
            process_group: None,
            may_hand_over_terminal: send::own_process_group() != 0,
            got_pending_cont: false,
            typed_signals: SignalSet::EMPTY,
            sent_signals: SignalSet::EMPTY,
        }
    }

    /// The terminal, where sigtool is in its foreground, and may hand it over.
    pub(super) fn foreground_terminal(&self) -> Option<BorrowedFd<'_>> {
        let terminal = self
            .terminal
            .as_ref()
            .filter(|terminal| self.may_hand_over_terminal && terminal.is_in_foreground());
        terminal.map(AsFd::as_fd)
    }

    /// The command has started.
    pub(super) fn set_started(&mut self, pid: u32) {
        self.pid = pid;
        self.process_group = self.terminal.is_some().then_some(pid);
    }

    /// Looks whether the command has stopped or been continued; gives whether
    /// it is for sigtool to continue it.
    pub(super) fn check_state(&mut self) -> bool {
        if child::poll_continued(self.pid) {
            self.got_pending_cont = self.shares_process_group() && mask::is_pending(CONT);
            self.hand_over_terminal();
        }
        child::poll_stopped(self.pid).is_some_and(|signal| self.handle_stop(signal))
    }

    /// CONT has come; gives whether the command has been continued by it as
    /// well, as a shell continues the whole group. Sent on late, it would undo
    /// the next stop.
    pub(super) fn handle_cont(&mut self) -> bool {
        // Whoever continues sigtool may have put it into the foreground.
        self.hand_over_terminal();
        std::mem::take(&mut self.got_pending_cont)
            || (self.shares_process_group() && child::poll_continued(self.pid))
    }

    /// Whether what is sent to sigtool's group reaches the command; what has
    /// been has then done so.
    fn shares_process_group(&self) -> bool {
        let shares = is_in_own_group(self.pid);
        if shares {
            wait_for_group_signals();
        }
        shares
    }

    /// The command has stopped by this signal: sigtool does, too, so that the
    /// shell sees its job stop. The terminal sends such a signal to a whole
    /// group: where the command has one of its own, the rest of the job is
    /// still to be stopped.
    fn handle_stop(&mut self, signal: Signal) -> bool {
        if mask::is_pending(CONT) {
            return false;
        }
        // It has been taken back by the kernel, if it had not been taken yet.
        self.got_pending_cont = false;
        let asks = [TTIN, TTOU].contains(&signal);
        self.may_hand_over_terminal |= asks;
        // A shell that puts a running job into the foreground tells nobody.
        if asks && self.hand_over_terminal() {
            return true;
        }
        let is_of_job = self.process_group.is_some() && (asks || self.command_has_foreground());
        self.take_back_terminal();
        if signal == STOP && !is_shell_job() && !self.command_has_foreground() {
            // A process has stopped the command: only a shell would care; or
            // who has lost the terminal.
            return false;
        }
        // Where nobody could continue sigtool, the kernel drops TSTP, but not STOP.
        stop_self(if signal == STOP { TSTP } else { signal }, is_of_job);
        // CONT is blocked, so that it is pending if it has ended the stop; but
        // the next stop may have taken it back.
        let over = mask::is_pending(CONT) || can_be_stopped();
        let refused = signal == TSTP && !over;
        if over || refused {
            self.hand_over_terminal();
        }
        refused
    }

    /// Gives the command the foreground that sigtool has; gives whether it did.
    fn hand_over_terminal(&self) -> bool {
        match (&self.terminal, self.process_group) {
            (Some(terminal), Some(group)) if self.foreground_terminal().is_some() => {
                terminal.set_foreground_group(group)
            }
            _ => false,
        }
    }

    /// The terminal, or a process, has sent this to the command.
    pub(super) fn record_signal(&mut self, signal: Signal, typed: bool) {
        let one: SignalSet = [signal].into_iter().collect();
        (self.typed_signals, self.sent_signals) = if typed {
            (self.typed_signals | one, self.sent_signals - one)
        } else {
            (self.typed_signals - one, self.sent_signals | one)
        };
    }

    /// The command has ended; what is typed where it has the foreground, it has
    /// got alone.
    pub(super) fn handle_exit(&mut self) {
        if self.command_has_foreground() {
            self.typed_signals = SignalSet::all(Arch::NATIVE) - self.sent_signals;
        }
        self.take_back_terminal();
    }

    /// Ends sigtool by the signal that has killed the command, if that was typed:
    /// a shell ends its script or loop only where what it ran has died of it. What
    /// was typed to the command's own group is for the rest of the job as well.
    pub(super) fn exit_by_signal(&self, signal: Signal) {
        if [INT, QUIT].contains(&signal) && self.typed_signals.contains(signal) && std::process::id() != 1 {
            terminate_self(signal, self.process_group.is_some());
        }
    }

    /// Takes back the foreground that the command has.
    fn take_back_terminal(&self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.command_has_foreground()) {
            terminal.set_foreground_group(send::own_process_group());
        }
    }

    /// Whether the command has the foreground, in a group of its own.
    fn command_has_foreground(&self) -> bool {
        self.process_group.is_some()
            && self.terminal.as_ref().and_then(ControllingTerminal::foreground_group) == self.process_group
    }
}
