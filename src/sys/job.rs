//! The terminal's foreground, and stopping as a job does.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use libc::pid_t;

use super::hold;
use super::process::{group_of, own_session};
use super::signalfd::is_ignored;
use crate::signal::{Signal, SignalSet};

/// The terminal that controls this process.
#[derive(Debug)]
pub struct Terminal(File);

impl Terminal {
    /// It; `None` where there is none.
    pub fn open() -> Option<Terminal> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        options.open("/dev/tty").ok().map(Terminal)
    }

    /// The process group in its foreground.
    pub fn foreground(&self) -> Option<u32> {
        // SAFETY: tcgetpgrp(3) takes a descriptor, which is open.
        u32::try_from(unsafe { libc::tcgetpgrp(self.0.as_raw_fd()) }).ok().filter(|group| *group != 0)
    }

    /// Puts a process group into its foreground. TTOU, which a process of the
    /// background would stop by, must be blocked.
    pub fn hand_to(&self, group: u32) {
        let Ok(group) = pid_t::try_from(group) else { return };
        // SAFETY: tcsetpgrp(3) takes an open descriptor and a plain number.
        unsafe { libc::tcsetpgrp(self.0.as_raw_fd(), group) };
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this process leads its session: then what the terminal tells at a
/// hang-up reaches it alone.
pub fn leads_session() -> bool {
    own_session() == Some(std::process::id())
}

/// Whether a process is in the same process group as this one.
pub fn shares_group(pid: u32) -> bool {
    group_of(pid) == Some(super::deliver::own_group())
}

/// Stops this process, or all of its process group, by a signal of job control,
/// which is blocked, and is so again when the process has been continued. In an
/// orphaned process group, where nobody could continue it, the kernel drops the
/// signal.
pub fn stop_by(signal: Signal, group: bool) {
    let number = libc::c_int::from(signal.get());
    let ignored = is_ignored(signal);
    if ignored {
        hold::dispose(signal, libc::SIG_DFL);
    }
    // SAFETY: kill(2) and getpid(2) take plain numbers; the process is this one,
    // and 0 is its group.
    unsafe { libc::kill(if group { 0 } else { libc::getpid() }, number) };
    let one: SignalSet = [signal].into_iter().collect();
    let _ = hold::change(libc::SIG_UNBLOCK, one);
    let _ = hold::change(libc::SIG_BLOCK, one);
    if ignored {
        hold::dispose(signal, libc::SIG_IGN);
    }
}
