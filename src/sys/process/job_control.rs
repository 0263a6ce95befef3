//! The terminal's foreground, and stopping as a job does.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use libc::pid_t;

use super::{own_session_id, process_group_of};
use crate::signal::consts::{CONT, TSTP};
use crate::signal::{Signal, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::own_process_group;
use crate::sys::signal::signalfd::is_ignored;

/// The terminal that controls this process.
#[derive(Debug)]
pub struct ControllingTerminal(File);

impl ControllingTerminal {
    /// It; `None` where there is none.
    pub fn open() -> Option<ControllingTerminal> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
        options.open("/dev/tty").ok().map(ControllingTerminal)
    }

    /// The process group in its foreground.
    pub fn foreground_group(&self) -> Option<u32> {
        // SAFETY: tcgetpgrp(3) takes a descriptor, which is open.
        u32::try_from(unsafe { libc::tcgetpgrp(self.0.as_raw_fd()) }).ok().filter(|group| *group != 0)
    }

    /// Whether this process is in its foreground. TTIN must be blocked.
    pub fn is_in_foreground(&self) -> bool {
        if own_process_group() != 0 {
            return self.foreground_group() == Some(own_process_group());
        }
        // The group lies outside the pid namespace, and has no number here. But
        // who is in the background may not even read nothing.
        // SAFETY: read(2) of no bytes writes none; the descriptor is open.
        let read = unsafe { libc::read(self.0.as_raw_fd(), std::ptr::null_mut(), 0) };
        read == 0 || io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
    }

    /// Puts a process group into its foreground. TTOU, which a process of the
    /// background would stop by, must be blocked. Gives whether it is there.
    pub fn set_foreground_group(&self, group: u32) -> bool {
        let Ok(group) = pid_t::try_from(group) else { return false };
        // SAFETY: tcsetpgrp(3) takes an open descriptor and a plain number.
        unsafe { libc::tcsetpgrp(self.0.as_raw_fd(), group) == 0 }
    }
}

impl AsFd for ControllingTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this process leads its session: then what the terminal tells at a
/// hang-up reaches it alone.
pub fn is_session_leader() -> bool {
    own_session_id() == Some(std::process::id())
}

/// Whether a process is in the same process group as this one.
pub fn is_in_own_group(pid: u32) -> bool {
    process_group_of(pid) == Some(own_process_group())
}

/// Whether this process is, by itself, what a shell at a terminal sees as its
/// job: the parent is in another process group.
pub fn is_shell_job() -> bool {
    let shell = process_group_of(std::os::unix::process::parent_id());
    shell.is_some_and(|group| group != own_process_group()) && ControllingTerminal::open().is_some()
}

/// Waits until what is just being sent to this whole process group has reached
/// all of it: the kernel sends it under the lock of all processes, which
/// setpgid(2) takes for itself.
pub fn wait_for_group_signals() {
    // SAFETY: setpgid(2) takes plain numbers. No process has this one (it is
    // above the kernel's greatest, 2^22), so nothing changes.
    unsafe { libc::setpgid(pid_t::MAX, 0) };
}

/// Stops this process, or all of its process group, by a signal of job control,
/// which is blocked, and is so again when the process has been continued. In an
/// orphaned process group, where nobody could continue it, the kernel drops the
/// signal.
pub fn stop_self(signal: Signal, group: bool) {
    let number = libc::c_int::from(signal.get());
    let ignored = is_ignored(signal);
    if ignored {
        mask::set_disposition(signal, libc::SIG_DFL);
    }
    // SAFETY: kill(2) and getpid(2) take plain numbers; the process is this one,
    // and 0 is its group.
    unsafe { libc::kill(if group { 0 } else { libc::getpid() }, number) };
    let one: SignalSet = [signal].into_iter().collect();
    let _ = mask::change_mask(libc::SIG_UNBLOCK, one);
    let _ = mask::change_mask(libc::SIG_BLOCK, one);
    if ignored {
        mask::set_disposition(signal, libc::SIG_IGN);
    }
}

/// Ends this process by a signal, which is blocked, as its default action does,
/// but without a core; with `group`, its whole process group. Returns where the
/// kernel does not do it (PID 1).
pub fn terminate_self(signal: Signal, group: bool) {
    // SAFETY: this option takes a plain number, as kill(2) and getpid(2) do; the
    // process is this one.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        mask::set_disposition(signal, libc::SIG_DFL);
        libc::kill(if group { 0 } else { libc::getpid() }, libc::c_int::from(signal.get()));
    }
    let _ = mask::change_mask(libc::SIG_UNBLOCK, [signal].into_iter().collect());
}

/// Whether a signal of job control stops this process: not so in an orphaned
/// process group, nor the first process of a pid namespace. One whose group
/// lies outside is counted in: others of the group are stopped for it. A child
/// tries it.
pub fn can_be_stopped() -> bool {
    if std::process::id() == 1 && own_process_group() != 0 {
        return false;
    }
    let mut status = 0;
    // SAFETY: this process has one thread, and the child does nothing but system
    // calls, and ends by _exit(2). The status is filled in by waitpid(2), and
    // the number is that of a child that has not been reaped.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            stop_self(TSTP, false);
            // The group may be continued, and stopped once more, meanwhile.
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
