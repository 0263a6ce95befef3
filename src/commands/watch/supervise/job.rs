//! Job control for the supervised command: the foreground process group of the
//! terminal, and stopping and continuing sigtool together with the command.

use std::os::fd::{AsFd, BorrowedFd};

use crate::signal::consts::{CONT, INT, QUIT, STOP, TSTP, TTIN, TTOU};
use crate::signal::{Arch, Signal, SignalSet};
use crate::sys::process::child;
use crate::sys::process::job_control::{
    ControllingTerminal, can_be_stopped, is_in_own_group, is_shell_job, stop_self, terminate_self,
    wait_for_group_signals,
};
use crate::sys::signal::{mask, send};

/// The supervised command as a job of the controlling terminal.
#[derive(Debug)]
pub(super) struct CommandJob {
    /// The PID of the command; 0 before it starts.
    pid: u32,
    /// The controlling terminal, if the command leads its own process group.
    terminal: Option<ControllingTerminal>,
    /// The process group of the command, if it has its own and there is a terminal.
    process_group: Option<u32>,
    /// Whether sigtool may put the command into the foreground. If the process group
    /// of sigtool is outside the PID namespace, sigtool cannot take the foreground
    /// back, so this is set only after the command has accessed the terminal.
    may_hand_over_terminal: bool,
    /// Whether the CONT that is pending for sigtool has continued the command too.
    got_pending_cont: bool,
    /// The signals whose last instance came from the terminal.
    typed_signals: SignalSet,
    /// The signals whose last instance came from a process.
    sent_signals: SignalSet,
}

impl CommandJob {
    /// Creates the state before the command starts.
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

    /// Returns the terminal if sigtool is in its foreground and may put the command
    /// there.
    pub(super) fn foreground_terminal(&self) -> Option<BorrowedFd<'_>> {
        let terminal = self
            .terminal
            .as_ref()
            .filter(|terminal| self.may_hand_over_terminal && terminal.is_in_foreground());
        terminal.map(AsFd::as_fd)
    }

    /// Records that the command has started.
    pub(super) fn set_started(&mut self, pid: u32) {
        self.pid = pid;
        self.process_group = self.terminal.is_some().then_some(pid);
    }

    /// Checks whether the command has stopped or continued. Returns whether sigtool
    /// must continue the command.
    pub(super) fn check_state(&mut self) -> bool {
        if child::poll_continued(self.pid) {
            self.got_pending_cont = self.shares_process_group() && mask::is_pending(CONT);
            self.hand_over_terminal();
        }
        child::poll_stopped(self.pid).is_some_and(|signal| self.handle_stop(signal))
    }

    /// Handles a CONT that sigtool received. Returns whether the same CONT has
    /// continued the command, as when a shell continues the whole group. Then it must
    /// not be forwarded: a late CONT would undo the next stop.
    pub(super) fn handle_cont(&mut self) -> bool {
        // The shell that continues sigtool may have put it into the foreground.
        self.hand_over_terminal();
        std::mem::take(&mut self.got_pending_cont)
            || (self.shares_process_group() && child::poll_continued(self.pid))
    }

    /// Whether the command is in the process group of sigtool. If so, waits until it
    /// has received the signals sent to the group.
    fn shares_process_group(&self) -> bool {
        let shares = is_in_own_group(self.pid);
        if shares {
            wait_for_group_signals();
        }
        shares
    }

    /// Stops sigtool after `signal` has stopped the command, so that the shell sees its
    /// job stop. The terminal sends the signal to the process group of the command. If
    /// that is not the group of sigtool, this also stops the rest of the job. Returns
    /// whether sigtool must continue the command.
    fn handle_stop(&mut self, signal: Signal) -> bool {
        if mask::is_pending(CONT) {
            return false;
        }
        // The stop has discarded a pending CONT.
        self.got_pending_cont = false;
        let accessed_terminal = [TTIN, TTOU].contains(&signal);
        self.may_hand_over_terminal |= accessed_terminal;
        // A shell that puts a running job into the foreground sends no signal.
        if accessed_terminal && self.hand_over_terminal() {
            return true;
        }
        let stops_job = self.process_group.is_some() && (accessed_terminal || self.command_has_foreground());
        self.take_back_terminal();
        if signal == STOP && !is_shell_job() && !self.command_has_foreground() {
            // A process has stopped the command. There is no shell to notify and no
            // terminal to take back.
            return false;
        }
        // The kernel drops TSTP, but not STOP, for an orphaned process group.
        stop_self(if signal == STOP { TSTP } else { signal }, stops_job);
        // CONT is blocked, so it is pending if it has ended the stop, unless another
        // stop has discarded it.
        let was_stopped = mask::is_pending(CONT) || can_be_stopped();
        let was_dropped = signal == TSTP && !was_stopped;
        if was_stopped || was_dropped {
            self.hand_over_terminal();
        }
        was_dropped
    }

    /// Puts the command into the foreground if sigtool is there. Returns whether it did.
    fn hand_over_terminal(&self) -> bool {
        match (&self.terminal, self.process_group) {
            (Some(terminal), Some(group)) if self.foreground_terminal().is_some() => {
                terminal.set_foreground_group(group)
            }
            _ => false,
        }
    }

    /// Records that the terminal (`typed`) or a process has sent a signal to the command.
    pub(super) fn record_signal(&mut self, signal: Signal, typed: bool) {
        let set: SignalSet = [signal].into_iter().collect();
        (self.typed_signals, self.sent_signals) = if typed {
            (self.typed_signals | set, self.sent_signals - set)
        } else {
            (self.typed_signals - set, self.sent_signals | set)
        };
    }

    /// Handles the exit of the command. If it was in the foreground, only the command
    /// received the signals of the terminal, so all others count as typed.
    pub(super) fn handle_exit(&mut self) {
        if self.command_has_foreground() {
            self.typed_signals = SignalSet::all(Arch::NATIVE) - self.sent_signals;
        }
        self.take_back_terminal();
    }

    /// Terminates sigtool with the signal that killed the command, if the terminal sent
    /// it: a shell ends its script or loop only if its child was killed by that signal.
    /// If the command has its own process group, the rest of the job gets the signal too.
    pub(super) fn exit_by_signal(&self, signal: Signal) {
        if [INT, QUIT].contains(&signal) && self.typed_signals.contains(signal) && std::process::id() != 1 {
            terminate_self(signal, self.process_group.is_some());
        }
    }

    /// Puts sigtool into the foreground if the command is there.
    fn take_back_terminal(&self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.command_has_foreground()) {
            terminal.set_foreground_group(send::own_process_group());
        }
    }

    /// Whether the command is in the foreground and has its own process group.
    fn command_has_foreground(&self) -> bool {
        self.process_group.is_some()
            && self.terminal.as_ref().and_then(ControllingTerminal::foreground_group) == self.process_group
    }
}
