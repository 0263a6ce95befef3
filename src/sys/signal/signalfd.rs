//! Receiving signals from a descriptor: signalfd(2).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::c_int;

use super::mask;
use crate::signal::{Siginfo, Signal, SignalSet};

/// How many signals one read takes at most.
pub const MAX_BATCH: usize = 256;

/// Blocks signals for this thread and those that it starts, beside those that
/// are blocked already. Nothing that comes from now on is lost.
///
/// # Errors
/// What sigprocmask(2) says.
pub fn block(set: SignalSet) -> io::Result<()> {
    mask::change_mask(libc::SIG_BLOCK, set).map(drop)
}

/// Whether a signal is ignored: inherited so, for nothing here sets it.
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; zeroes are valid where it fails.
    let action = unsafe {
        libc::sigaction(c_int::from(signal.get()), std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Sets a signal's disposition to default: an ignored SIGCHLD is not generated
/// at all, blocked or not (do_notify_parent in kernel/signal.c).
pub fn set_default_disposition(signal: Signal) {
    mask::set_disposition(signal, libc::SIG_DFL);
}

/// Reaps every child that has ended, as the kernel itself would if SIGCHLD
/// were ignored.
pub fn reap_exited_children() {
    // SAFETY: waitpid(2) may be given a null status.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

/// A descriptor that blocked signals are read from.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
    buffer: Vec<MaybeUninit<libc::signalfd_siginfo>>,
}

impl SignalFd {
    /// Opens one for these signals, which must be blocked; also for the C
    /// library's own.
    ///
    /// # Errors
    /// What signalfd(2) says.
    pub fn open(set: SignalSet) -> io::Result<SignalFd> {
        let descriptor = mask::open_signalfd(set)?;
        // SAFETY: the kernel has just given this descriptor to us alone.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(SignalFd { fd: descriptor, buffer: vec![MaybeUninit::uninit(); MAX_BATCH] })
    }

    /// Takes what is pending, in order, up to a batch; nothing where nothing is.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read(&mut self, received: &mut Vec<Siginfo>) -> io::Result<()> {
        let length = size_of_val(self.buffer.as_slice());
        // SAFETY: the buffer is as long as is said, and the kernel writes whole
        // structures into it from its beginning.
        let count = unsafe { libc::read(self.fd.as_raw_fd(), self.buffer.as_mut_ptr().cast(), length) };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            };
        }
        let whole = count.unsigned_abs() / size_of::<libc::signalfd_siginfo>();
        // SAFETY: that many structures have just been written.
        let raw = self.buffer[..whole].iter().map(|each| unsafe { each.assume_init_ref() });
        received.extend(raw.filter_map(to_siginfo));
        Ok(())
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn to_siginfo(raw: &libc::signalfd_siginfo) -> Option<Siginfo> {
    Some(Siginfo {
        signal: Signal::new(u8::try_from(raw.ssi_signo).ok()?)?,
        code: raw.ssi_code,
        errno: raw.ssi_errno,
        pid: raw.ssi_pid,
        uid: raw.ssi_uid,
        value: raw.ssi_int,
        value_pointer: raw.ssi_ptr,
        timer_id: raw.ssi_tid,
        overrun: raw.ssi_overrun,
        status: raw.ssi_status,
        user_ticks: raw.ssi_utime,
        system_ticks: raw.ssi_stime,
        address: raw.ssi_addr,
        descriptor: raw.ssi_fd,
        band: raw.ssi_band,
        syscall: raw.ssi_syscall,
        call_address: raw.ssi_call_addr,
    })
}
