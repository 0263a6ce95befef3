//! Waiting for one blocked signal with rt_sigtimedwait(2), which has the lowest
//! latency. Signals that are queued behind it are read in batches from a `signalfd`.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use libc::c_void;

use super::mask::{KERNEL_SIGSET_SIZE, to_kernel_sigset};
use super::siginfo::RawSiginfo;
use crate::signal::{Siginfo, SignalSet};

/// Waits for one of these signals, which must be blocked, at most for `time` (`None`:
/// without a limit), and dequeues it. Returns `None` on a timeout or an interruption.
///
/// # Errors
/// The errors of rt_sigtimedwait(2).
pub fn sigtimedwait(set: SignalSet, time: Option<Duration>) -> io::Result<Option<Siginfo>> {
    let mask = to_kernel_sigset(set);
    let mut raw = MaybeUninit::<RawSiginfo>::zeroed();
    let timeout = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the mask is at least as long as the size argument, and the siginfo is
    // whole. Both outlive the call, as does the timeout, which may be null.
    let result = unsafe {
        let mask = (&raw const mask).cast::<c_void>();
        libc::syscall(libc::SYS_rt_sigtimedwait, mask, raw.as_mut_ptr(), timeout, KERNEL_SIGSET_SIZE)
    };
    if result < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: zeroes are a valid siginfo, and so is the result of the kernel.
    Ok(unsafe { raw.assume_init() }.to_siginfo())
}
