//! Sending signals by number: kill(2), tgkill(2), rt_sigqueueinfo(2) and
//! rt_tgsigqueueinfo(2). Where a process can be held, `pidfd` is the way.

use std::io;

use libc::{c_int, c_long, pid_t};

use super::siginfo::RawSiginfo;
use crate::signal::Signal;

/// What is sent: a signal, or the null signal, which only checks.
pub type MaybeSignal = Option<Signal>;

/// The number that goes to the kernel: 0 for the null signal.
pub(in crate::sys) fn signal_number(signal: MaybeSignal) -> c_int {
    signal.map_or(0, |signal| c_int::from(signal.get()))
}

/// A siginfo as sigqueue(3) fills it in.
pub(in crate::sys) fn sigqueue_siginfo(signal: MaybeSignal, value: i32) -> RawSiginfo {
    let pid = u32::try_from(own_pid()).unwrap_or(0);
    // sival_int is the lower half of the union; the upper one is 0.
    RawSiginfo::new(signal, 0, libc::SI_QUEUE).with_fields(pid, own_uid(), u64::from(value as u32))
}

fn own_pid() -> pid_t {
    // SAFETY: getpid(2) takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

/// The real user id of sigtool.
pub fn own_uid() -> u32 {
    // SAFETY: getuid(2) takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

/// The effective user id of sigtool, which rights are judged by.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The process group of sigtool.
pub fn own_process_group() -> u32 {
    // SAFETY: getpgrp(2) takes nothing and cannot fail.
    let group = unsafe { libc::getpgrp() };
    u32::try_from(group).unwrap_or(0)
}

/// Sends to a process or thread by its number alone: what the number means is
/// looked up only now.
///
/// # Errors
/// ESRCH, EPERM; with a value EAGAIN where the queue is full.
pub fn to_pid(id: u32, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
    let id = checked_pid(id)?;
    match value {
        // SAFETY: kill(2) takes plain numbers; id is positive, so one process.
        None => check_syscall(unsafe { libc::kill(id, signal_number(signal)) }.into()),
        Some(value) => {
            let info = sigqueue_siginfo(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which is read only.
            check_syscall(unsafe {
                libc::syscall(libc::SYS_rt_sigqueueinfo, id, signal_number(signal), info.as_ptr())
            })
        }
    }
}

/// Sends to one thread of a process.
///
/// # Errors
/// ESRCH, also where the thread is another process's; EPERM, EAGAIN.
pub fn to_thread(process: u32, thread: u32, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
    let (process, thread) = (checked_pid(process)?, checked_pid(thread)?);
    match value {
        // SAFETY: tgkill(2) takes plain numbers.
        None => {
            check_syscall(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal_number(signal)) })
        }
        Some(value) => {
            let info = sigqueue_siginfo(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which is read only.
            let sent = unsafe {
                libc::syscall(
                    libc::SYS_rt_tgsigqueueinfo,
                    process,
                    thread,
                    signal_number(signal),
                    info.as_ptr(),
                )
            };
            check_syscall(sent)
        }
    }
}

/// Sends to every process of a group.
///
/// # Errors
/// ESRCH where it has no member, EPERM where none may be signalled.
pub fn to_group(group: u32, signal: MaybeSignal) -> io::Result<()> {
    let group = checked_pid(group)?;
    if group == 1 {
        // kill(-1) would be everybody.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: kill(2) takes plain numbers; a number below -1 is a group.
    check_syscall(unsafe { libc::kill(-group, signal_number(signal)) }.into())
}

/// Sends to every process but init and sigtool itself (kill(2), pid -1).
///
/// # Errors
/// ESRCH, EPERM.
pub fn to_all(signal: MaybeSignal) -> io::Result<()> {
    // SAFETY: kill(2) takes plain numbers; that -1 is everybody is meant.
    check_syscall(unsafe { libc::kill(-1, signal_number(signal)) }.into())
}

/// A number as the kernel takes it: positive, never a group or everybody.
fn checked_pid(id: u32) -> io::Result<pid_t> {
    pid_t::try_from(id).ok().filter(|id| *id > 0).ok_or(io::Error::from_raw_os_error(libc::ESRCH))
}

pub(in crate::sys) fn check_syscall(answer: c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errno(result: io::Result<()>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn rejects_invalid_pids() {
        for id in [0, u32::MAX, 1 << 31, u32::MAX - 1] {
            assert_eq!(errno(to_pid(id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_thread(id, id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_group(id, None)), Some(libc::ESRCH), "{id}");
        }
        assert_eq!(errno(to_group(1, None)), Some(libc::ESRCH), "-1 is everybody");
    }

    #[test]
    fn null_signal_checks_own_process() {
        let own = std::process::id();
        assert!(to_pid(own, None, None).is_ok());
        assert!(to_thread(own, own, None, None).is_ok());
        assert!(to_pid(own, None, Some(-7)).is_ok());
    }
}
