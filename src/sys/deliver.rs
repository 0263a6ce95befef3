//! Sending signals by number: kill(2), tgkill(2), rt_sigqueueinfo(2) and
//! rt_tgsigqueueinfo(2). Where a process can be held, `pidfd` is the way.

use std::io;

use libc::{c_int, c_long, pid_t};

use super::siginfo::Raw;
use crate::signal::Signal;

/// What is sent: a signal, or the null signal, which only checks.
pub type Sent = Option<Signal>;

/// The number that goes to the kernel: 0 for the null signal.
pub(super) fn number(signal: Sent) -> c_int {
    signal.map_or(0, |signal| c_int::from(signal.get()))
}

/// A siginfo as sigqueue(3) fills it in.
pub(super) fn queued(signal: Sent, value: i32) -> Raw {
    let pid = u32::try_from(own_pid()).unwrap_or(0);
    // sival_int is the lower half of the union; the upper one is 0.
    Raw::new(signal, 0, libc::SI_QUEUE).with(pid, own_uid(), u64::from(value as u32))
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
pub fn own_group() -> u32 {
    // SAFETY: getpgrp(2) takes nothing and cannot fail.
    let group = unsafe { libc::getpgrp() };
    u32::try_from(group).unwrap_or(0)
}

/// Sends to a process or thread by its number alone: what the number means is
/// looked up only now.
///
/// # Errors
/// ESRCH, EPERM; with a value EAGAIN where the queue is full.
pub fn to_number(id: u32, signal: Sent, value: Option<i32>) -> io::Result<()> {
    let id = pid(id)?;
    match value {
        // SAFETY: kill(2) takes plain numbers; id is positive, so one process.
        None => check(unsafe { libc::kill(id, number(signal)) }.into()),
        Some(value) => {
            let info = queued(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which is read only.
            check(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, id, number(signal), info.as_ptr()) })
        }
    }
}

/// Sends to one thread of a process.
///
/// # Errors
/// ESRCH, also where the thread is another process's; EPERM, EAGAIN.
pub fn to_thread(process: u32, thread: u32, signal: Sent, value: Option<i32>) -> io::Result<()> {
    let (process, thread) = (pid(process)?, pid(thread)?);
    match value {
        // SAFETY: tgkill(2) takes plain numbers.
        None => check(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, number(signal)) }),
        Some(value) => {
            let info = queued(signal, value);
            // SAFETY: the pointer is to a whole siginfo, which is read only.
            let sent = unsafe {
                libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, number(signal), info.as_ptr())
            };
            check(sent)
        }
    }
}

/// Sends to every process of a group.
///
/// # Errors
/// ESRCH where it has no member, EPERM where none may be signalled.
pub fn to_group(group: u32, signal: Sent) -> io::Result<()> {
    let group = pid(group)?;
    if group == 1 {
        // kill(-1) would be everybody.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: kill(2) takes plain numbers; a number below -1 is a group.
    check(unsafe { libc::kill(-group, number(signal)) }.into())
}

/// Sends to every process but init and sigtool itself (kill(2), pid -1).
///
/// # Errors
/// ESRCH, EPERM.
pub fn to_all(signal: Sent) -> io::Result<()> {
    // SAFETY: kill(2) takes plain numbers; that -1 is everybody is meant.
    check(unsafe { libc::kill(-1, number(signal)) }.into())
}

/// A number as the kernel takes it: positive, never a group or everybody.
fn pid(id: u32) -> io::Result<pid_t> {
    pid_t::try_from(id).ok().filter(|id| *id > 0).ok_or(io::Error::from_raw_os_error(libc::ESRCH))
}

pub(super) fn check(answer: c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errno(result: io::Result<()>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn impossible_numbers_never_become_another_target() {
        for id in [0, u32::MAX, 1 << 31, u32::MAX - 1] {
            assert_eq!(errno(to_number(id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_thread(id, id, None, None)), Some(libc::ESRCH), "{id}");
            assert_eq!(errno(to_group(id, None)), Some(libc::ESRCH), "{id}");
        }
        assert_eq!(errno(to_group(1, None)), Some(libc::ESRCH), "-1 is everybody");
    }

    #[test]
    fn the_null_signal_checks_ourselves() {
        let own = std::process::id();
        assert!(to_number(own, None, None).is_ok());
        assert!(to_thread(own, own, None, None).is_ok());
        assert!(to_number(own, None, Some(-7)).is_ok());
    }
}
