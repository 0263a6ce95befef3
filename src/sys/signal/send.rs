//! Sending of signals by PID: kill(2), tgkill(2), rt_sigqueueinfo(2) and
//! rt_tgsigqueueinfo(2). `pidfd` sends without the risk that the PID is reused.

use std::io;

use libc::{c_long, pid_t};

use super::siginfo::{RawSiginfo, signal_number};
use crate::signal::Signal;

/// The signal to send; `None` for the null signal, which only checks permission.
pub type MaybeSignal = Option<Signal>;

/// A siginfo with the fields that sigqueue(3) sets.
pub(in crate::sys) fn sigqueue_siginfo(signal: MaybeSignal, value: i32) -> RawSiginfo {
    // sival_int is the lower half of the union; the upper one is 0.
    let value = u64::from(value as u32);
    RawSiginfo::new(signal, 0, libc::SI_QUEUE).with_fields(std::process::id(), own_uid(), value)
}

/// The real UID of sigtool.
pub fn own_uid() -> u32 {
    nix::unistd::getuid().as_raw()
}

/// The effective UID of sigtool, which decides its permissions.
pub fn effective_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The process group of sigtool; 0 if it is outside the PID namespace.
pub fn own_process_group() -> u32 {
    u32::try_from(nix::unistd::getpgrp().as_raw()).unwrap_or(0)
}

/// Sends a signal to a process or thread by its ID.
///
/// # Errors
/// ESRCH, EPERM; with a value EAGAIN if the queue is full.
pub fn to_pid(id: u32, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
    let id = checked_pid(id)?;
    match value {
        // SAFETY: the arguments of kill(2) are plain numbers.
        None => check_syscall(unsafe { libc::kill(id, signal_number(signal)) }.into()),
        Some(value) => {
            let info = sigqueue_siginfo(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which the call only reads.
            check_syscall(unsafe {
                libc::syscall(libc::SYS_rt_sigqueueinfo, id, signal_number(signal), info.as_ptr())
            })
        }
    }
}

/// Sends a signal to one thread of a process.
///
/// # Errors
/// ESRCH, also if the thread belongs to another process; EPERM, EAGAIN.
pub fn to_thread(process: u32, thread: u32, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
    let (process, thread) = (checked_pid(process)?, checked_pid(thread)?);
    match value {
        None => {
            // SAFETY: the arguments of tgkill(2) are plain numbers.
            let result = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal_number(signal)) };
            check_syscall(result)
        }
        Some(value) => {
            let info = sigqueue_siginfo(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which the call only reads.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_rt_tgsigqueueinfo,
                    process,
                    thread,
                    signal_number(signal),
                    info.as_ptr(),
                )
            };
            check_syscall(result)
        }
    }
}

/// Sends a signal to every process of a process group.
///
/// # Errors
/// ESRCH if it has no member, EPERM if no member may be signalled.
pub fn to_group(group: u32, signal: MaybeSignal) -> io::Result<()> {
    let group = checked_pid(group)?;
    if group == 1 {
        // kill(-1) would signal every process.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: the arguments of kill(2) are plain numbers.
    check_syscall(unsafe { libc::kill(-group, signal_number(signal)) }.into())
}

/// Sends a signal to every process except init and sigtool itself (kill(2), PID -1).
///
/// # Errors
/// ESRCH, EPERM.
pub fn to_all(signal: MaybeSignal) -> io::Result<()> {
    // SAFETY: the arguments of kill(2) are plain numbers.
    check_syscall(unsafe { libc::kill(-1, signal_number(signal)) }.into())
}

/// The ID as the argument of a system call, where 0 and negative numbers would mean
/// groups of processes.
fn checked_pid(id: u32) -> io::Result<pid_t> {
    pid_t::try_from(id).ok().filter(|id| *id > 0).ok_or(io::Error::from_raw_os_error(libc::ESRCH))
}

/// Returns the error of a system call from its result.
pub(in crate::sys) fn check_syscall(result: c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errno(result: io::Result<()>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn to_pid_rejects_invalid_pids() {
        for id in [0, u32::MAX, 1 << 31, u32::MAX - 1] {
            assert_eq!(errno(to_pid(id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_thread(id, id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_group(id, None)), Some(libc::ESRCH), "{id}");
        }
        assert_eq!(errno(to_group(1, None)), Some(libc::ESRCH), "-1 means every process");
    }

    #[test]
    fn to_pid_accepts_null_signal() {
        let own = std::process::id();
        assert!(to_pid(own, None, None).is_ok());
        assert!(to_thread(own, own, None, None).is_ok());
        assert!(to_pid(own, None, Some(-7)).is_ok());
    }
}
