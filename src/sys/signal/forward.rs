//! Forwarding of received signals, together with their sender and value.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libc::{c_int, pid_t};

use super::send::check_syscall;
use super::siginfo::{LONG_WORDS, RawSiginfo};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Siginfo, Signal};
use crate::sys::process::pidfd::{PIDFD_SIGNAL_PROCESS_GROUP, PidFd};

/// The si_code for forwarding a signal. The kernel does not let processes set the
/// codes that it guarantees; SI_QUEUE replaces them.
fn forwardable_code(info: &Siginfo) -> i32 {
    if info.code >= 0 || info.code == libc::SI_TKILL { libc::SI_QUEUE } else { info.code }
}

/// The siginfo for forwarding a received signal. The words of PID and UID contain the
/// timer ID and the overrun for SI_TIMER, and one long, the events, for SI_SIGIO.
fn to_raw_siginfo(info: &Siginfo, signal: Signal) -> RawSiginfo {
    let mut raw = RawSiginfo::new(Some(signal), info.errno, forwardable_code(info));
    let value = |value: Option<i32>| value.map_or(0, |_| info.value_pointer);
    match info.origin() {
        SignalOrigin::Process { pid, uid, value: sent, .. } => raw.with_fields(pid, uid, value(sent)),
        SignalOrigin::OutsideNamespace { value: sent, .. } => raw.with_fields(0, info.uid, value(sent)),
        SignalOrigin::Timer { id, overrun, .. } => raw.with_fields(id, overrun, info.value_pointer),
        SignalOrigin::Descriptor { descriptor, band } if info.code < 0 => {
            raw.set_long(0, band.into());
            raw.set_word(LONG_WORDS, descriptor as u32);
            raw
        }
        // From the kernel: PID and UID are 0.
        _ => raw,
    }
}

/// Forwards a received signal, as `signal`, to the process of a pidfd.
///
/// # Errors
/// ESRCH if the process has been reaped, EPERM; EAGAIN if the queue is full.
pub fn to_pidfd(pidfd: &PidFd, info: &Siginfo, signal: Signal) -> io::Result<()> {
    send_raw(pidfd, &to_raw_siginfo(info, signal), 0)
}

/// Forwards a received signal to the process group that the process of a pidfd leads.
///
/// # Errors
/// EINVAL before Linux 6.9; otherwise as [`to_pidfd`].
pub fn to_pidfd_group(pidfd: &PidFd, info: &Siginfo, signal: Signal) -> io::Result<()> {
    send_raw(pidfd, &to_raw_siginfo(info, signal), PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Forwards a received signal to a process by its PID. The process must be a child
/// that has not been reaped.
///
/// # Errors
/// As [`to_pidfd`].
pub fn to_pid(pid: u32, info: &Siginfo, signal: Signal) -> io::Result<()> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0);
    let pid = pid.ok_or(io::Error::from_raw_os_error(libc::ESRCH))?;
    let raw = to_raw_siginfo(info, signal);
    // SAFETY: the pointer is to a whole siginfo, which the call only reads.
    check_syscall(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, raw.signo, raw.as_ptr()) })
}

/// Whether the error means that the process does not exist.
pub fn is_no_such_process(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}

fn send_raw(pidfd: &PidFd, raw: &RawSiginfo, flags: c_int) -> io::Result<()> {
    let descriptor = pidfd.as_fd().as_raw_fd();
    // SAFETY: the pointer is to a whole siginfo that outlives the call, which only
    // reads it.
    check_syscall(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, descriptor, raw.signo, raw.as_ptr(), flags)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(number: u8, code: i32) -> Siginfo {
        let signal = Signal::new(number).expect("a signal");
        Siginfo {
            code,
            pid: 7,
            uid: 1000,
            value: 5,
            value_pointer: 1 << 40 | 5,
            ..Siginfo::from_signal(signal)
        }
    }

    #[test]
    fn to_raw_siginfo_replaces_kernel_codes() {
        for (number, code, expected) in [
            (15, 0, (-1, 7, 1000, 0)),
            (15, -6, (-1, 7, 1000, 0)),
            (15, 128, (-1, 0, 0, 0)),
            (40, -1, (-1, 7, 1000, 1 << 40 | 5)),
            (40, -3, (-3, 7, 1000, 1 << 40 | 5)),
        ] {
            let raw = to_raw_siginfo(&info(number, code), Signal::new(2).expect("a signal"));
            assert_eq!((raw.code, raw.word(0), raw.word(1), raw.long(2)), expected, "{number} {code}");
            assert_eq!(raw.signo, 2);
        }
    }

    #[test]
    fn to_raw_siginfo_keeps_timer_and_descriptor_fields() {
        let signal = Signal::new(40).expect("a signal");
        let timer = Siginfo { timer_id: 3, overrun: 2, ..info(40, -2) };
        let timer = to_raw_siginfo(&timer, signal);
        assert_eq!((timer.code, timer.word(0), timer.word(1), timer.long(2)), (-2, 3, 2, 1 << 40 | 5));
        let io = Siginfo { descriptor: 4, band: 1, ..info(29, -5) };
        let io = to_raw_siginfo(&io, signal);
        assert_eq!((io.code, io.long(0), io.word(LONG_WORDS)), (-5, 1, 4));
    }
}
