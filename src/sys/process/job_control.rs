//! Job control: the foreground of the terminal, and stopping or terminating sigtool
//! itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use libc::pid_t;
use nix::sys::prctl::set_dumpable;
use nix::unistd::{Pid, setpgid, tcgetpgrp, tcsetpgrp};

use super::{own_session_id, process_group_of};
use crate::signal::consts::{CONT, TSTP};
use crate::signal::{Signal, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::own_process_group;
use crate::sys::signal::signalfd::is_ignored;

/// The controlling terminal of this process.
#[derive(Debug)]
pub struct ControllingTerminal(File);

impl ControllingTerminal {
    /// Opens the terminal; `None` if this process has none.
    pub fn open() -> Option<ControllingTerminal> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
        options.open("/dev/tty").ok().map(ControllingTerminal)
    }

    /// The foreground process group.
    pub fn foreground_group(&self) -> Option<u32> {
        u32::try_from(tcgetpgrp(&self.0).ok()?.as_raw()).ok().filter(|group| *group != 0)
    }

    /// Whether this process is in the foreground. TTIN must be blocked.
    pub fn is_in_foreground(&self) -> bool {
        if own_process_group() != 0 {
            return self.foreground_group() == Some(own_process_group());
        }
        // The group is outside the PID namespace and has no ID here. But in the background
        // even a read of no bytes fails.
        // SAFETY: read(2) of no bytes does not use the null pointer.
        let read = unsafe { libc::read(self.0.as_raw_fd(), std::ptr::null_mut(), 0) };
        read == 0 || io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
    }

    /// Puts a process group into the foreground and returns whether that succeeded.
    /// TTOU, which would stop a process in the background, must be blocked.
    pub fn set_foreground_group(&self, group: u32) -> bool {
        pid_t::try_from(group).is_ok_and(|group| tcsetpgrp(&self.0, Pid::from_raw(group)).is_ok())
    }
}

impl AsFd for ControllingTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this process leads its session. Then only this process receives the HUP of
/// a hang-up of the terminal.
pub fn is_session_leader() -> bool {
    own_session_id() == Some(std::process::id())
}

/// Whether a process is in the same process group as this one.
pub fn is_in_own_group(pid: u32) -> bool {
    process_group_of(pid) == Some(own_process_group())
}

/// Whether this process is a job of a shell at a terminal: there is a terminal, and
/// the parent is in another process group.
pub fn is_shell_job() -> bool {
    let parent_group = process_group_of(std::os::unix::process::parent_id());
    parent_group.is_some_and(|group| group != own_process_group()) && ControllingTerminal::open().is_some()
}

/// Waits until a signal that is being sent to this process group is pending for all
/// members. The kernel sends such a signal under the tasklist lock, and setpgid(2)
/// waits for that lock.
pub fn wait_for_group_signals() {
    // No process has this PID, which is above the greatest one (2^22), so nothing
    // changes.
    let _ = setpgid(Pid::from_raw(pid_t::MAX), Pid::from_raw(0));
}

/// Stops this process, or with `group` its whole process group, by a job control
/// signal. The signal must be blocked, and is blocked again after the process has been
/// continued. In an orphaned process group the kernel drops the signal, because no
/// shell would continue the process.
pub fn stop_self(signal: Signal, group: bool) {
    let number = libc::c_int::from(signal.get());
    let was_ignored = is_ignored(signal);
    if was_ignored {
        mask::set_disposition(signal, libc::SIG_DFL);
    }
    // SAFETY: the arguments of kill(2) are plain numbers: this process, or 0 for its
    // process group.
    unsafe { libc::kill(if group { 0 } else { libc::getpid() }, number) };
    let set: SignalSet = [signal].into_iter().collect();
    let _ = mask::change_mask(libc::SIG_UNBLOCK, set);
    let _ = mask::change_mask(libc::SIG_BLOCK, set);
    if was_ignored {
        mask::set_disposition(signal, libc::SIG_IGN);
    }
}

/// Terminates this process, or with `group` its whole process group, by the default
/// action of a blocked signal, but without a core dump. Returns if the kernel drops the
/// signal (PID 1).
pub fn terminate_self(signal: Signal, group: bool) {
    let _ = set_dumpable(false);
    mask::set_disposition(signal, libc::SIG_DFL);
    // SAFETY: the arguments of kill(2) are plain numbers: this process, or 0 for its
    // process group.
    unsafe { libc::kill(if group { 0 } else { libc::getpid() }, libc::c_int::from(signal.get())) };
    let _ = mask::change_mask(libc::SIG_UNBLOCK, [signal].into_iter().collect());
}

/// Whether a job control signal stops this process. It does not in an orphaned process
/// group, nor for the first process of a PID namespace, unless its process group is
/// outside the namespace: then the signal stops other members of the group. A child
/// process tries it.
pub fn can_be_stopped() -> bool {
    if std::process::id() == 1 && own_process_group() != 0 {
        return false;
    }
    let mut status = 0;
    // SAFETY: this process has one thread. The child only makes system calls, and ends
    // with _exit(2). waitpid(2) fills in the status, and the PID is that of a child that
    // has not been reaped.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            stop_self(TSTP, false);
            // Another process may continue and stop the group again meanwhile.
            while mask::is_pending(TSTP) && !mask::is_pending(CONT) {
                stop_self(TSTP, false);
            }
            libc::_exit(mask::is_pending(CONT).into());
        }
        if pid < 0 || libc::waitpid(pid, &raw mut status, libc::WUNTRACED) != pid {
            return false;
        }
        if libc::WIFSTOPPED(status) {
            libc::kill(pid, libc::SIGKILL);
            return libc::waitpid(pid, &raw mut status, 0) == pid;
        }
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) != 0
    }
}
