//! Receiving of signals from a descriptor with signalfd(2).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::c_int;

use super::mask;
use crate::signal::{Siginfo, Signal, SignalSet};

/// The greatest number of signals that one read returns.
pub const MAX_BATCH: usize = 256;

/// Adds signals to the mask of this thread, which its new threads inherit. Signals
/// that are sent from now on stay pending until they are read.
///
/// # Errors
/// The errors of sigprocmask(2).
pub fn block(set: SignalSet) -> io::Result<()> {
    mask::change_mask(libc::SIG_BLOCK, set).map(drop)
}

/// Whether this process ignores a signal. sigtool inherits this disposition and never
/// sets it for itself.
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null new action the call only reads the current one. The zeroes
    // are a valid action if it fails.
    let action = unsafe {
        libc::sigaction(c_int::from(signal.get()), std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Sets the disposition of a signal to the default. The kernel does not generate an
/// ignored SIGCHLD, even if it is blocked (do_notify_parent in kernel/signal.c).
pub fn set_default_disposition(signal: Signal) {
    mask::set_disposition(signal, libc::SIG_DFL);
}

/// Reaps every child that has exited, as the kernel does if SIGCHLD is ignored.
pub fn reap_exited_children() {
    // SAFETY: a null status is valid for waitpid(2).
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

/// A descriptor from which blocked signals are read.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
    buffer: Vec<MaybeUninit<libc::signalfd_siginfo>>,
}

impl SignalFd {
    /// Opens a descriptor for these signals, which must be blocked. They may include
    /// the internal signals of the C library.
    ///
    /// # Errors
    /// The errors of signalfd(2).
    pub fn open(set: SignalSet) -> io::Result<SignalFd> {
        let descriptor = mask::open_signalfd(set)?;
        // SAFETY: the kernel has just opened this descriptor, and nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(SignalFd { fd, buffer: vec![MaybeUninit::uninit(); MAX_BATCH] })
    }

    /// Dequeues pending signals, in order and at most [`MAX_BATCH`], and appends them
    /// to `received`. Does not wait.
    ///
    /// # Errors
    /// The errors of read(2).
    pub fn read(&mut self, received: &mut Vec<Siginfo>) -> io::Result<()> {
        let length = size_of_val(self.buffer.as_slice());
        // SAFETY: the pointer and the length are those of the buffer. The kernel writes
        // whole structures into it from its beginning.
        let count = unsafe { libc::read(self.fd.as_raw_fd(), self.buffer.as_mut_ptr().cast(), length) };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            };
        }
        let count = count.unsigned_abs() / size_of::<libc::signalfd_siginfo>();
        // SAFETY: the kernel has just written `count` structures.
        let raw = self.buffer[..count].iter().map(|entry| unsafe { entry.assume_init_ref() });
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
