//! Waiting for one blocked signal: rt_sigtimedwait(2), the shortest way there
//! is. What queues behind it is read by the batch, from a `signalfd`.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use libc::c_void;

use super::mask::{KERNEL_SIGSET_SIZE, to_kernel_sigset};
use super::siginfo::RawSiginfo;
use crate::signal::{Siginfo, SignalSet};

/// Takes the next of these signals, which must be blocked; waits for it, or
/// until the time is up (`None`: for ever). `None` where none has come, also
/// where the waiting was interrupted.
///
/// # Errors
/// What rt_sigtimedwait(2) says.
pub fn sigtimedwait(set: SignalSet, time: Option<Duration>) -> io::Result<Option<Siginfo>> {
    let mask = to_kernel_sigset(set);
    let mut raw = MaybeUninit::<RawSiginfo>::zeroed();
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), |time| &raw const *time);
    // SAFETY: the mask is as long as is said, the siginfo is whole, and both,
    // like the time, outlive the call; no time at all is allowed.
    let answer = unsafe {
        let mask = (&raw const mask).cast::<c_void>();
        libc::syscall(libc::SYS_rt_sigtimedwait, mask, raw.as_mut_ptr(), time, KERNEL_SIGSET_SIZE)
    };
    if answer < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: zeroes are valid, and the kernel has written over them.
    Ok(unsafe { raw.assume_init() }.to_siginfo())
}
