//! Sending on what was received, with all that it told of its sender.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libc::{c_int, pid_t};

use super::send::check_syscall;
use super::siginfo::{LONG_WORDS, RawSiginfo};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::{Siginfo, Signal};
use crate::sys::process::pidfd::{PIDFD_SIGNAL_PROCESS_GROUP, PidFd};

/// si_code of tkill(2), which the kernel keeps to itself.
const SI_TKILL: i32 = libc::SI_TKILL;

/// The code that a signal can be sent on with: the kernel refuses others those
/// that it vouches for, so they become SI_QUEUE.
fn forwardable_code(info: &Siginfo) -> i32 {
    if info.code >= 0 || info.code == SI_TKILL { libc::SI_QUEUE } else { info.code }
}

/// What was received, as it is sent on: pid and uid are a timer's number and
/// overrun for SI_TIMER, and one long, the events, for SI_SIGIO.
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
        // The kernel: no process, and no user.
        _ => raw,
    }
}

/// Sends to a held process what was received, as this signal.
///
/// # Errors
/// ESRCH where it has been reaped, EPERM; EAGAIN where the queue is full.
pub fn to_pidfd(held: &PidFd, info: &Siginfo, signal: Signal) -> io::Result<()> {
    send_raw(held, &to_raw_siginfo(info, signal), 0)
}

/// Sends it to the process group that the held process leads.
///
/// # Errors
/// EINVAL before Linux 6.9; else as [`to_pidfd`].
pub fn to_pidfd_group(held: &PidFd, info: &Siginfo, signal: Signal) -> io::Result<()> {
    send_raw(held, &to_raw_siginfo(info, signal), PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Sends it to a process by its number, which must be a child's that has not
/// been reaped.
///
/// # Errors
/// As [`to_pidfd`].
pub fn to_pid(pid: u32, info: &Siginfo, signal: Signal) -> io::Result<()> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0);
    let pid = pid.ok_or(io::Error::from_raw_os_error(libc::ESRCH))?;
    let raw = to_raw_siginfo(info, signal);
    // SAFETY: the pointer is to a whole siginfo, which is read only.
    check_syscall(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, raw.signo, raw.as_ptr()) })
}

/// Whether an error of sending says that nobody is there.
pub fn is_no_such_process(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}

fn send_raw(held: &PidFd, raw: &RawSiginfo, flags: c_int) -> io::Result<()> {
    let descriptor = held.as_fd().as_raw_fd();
    // SAFETY: the pointer is to a whole siginfo that outlives the call and is
    // read only.
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
    fn keeps_sender_and_value_but_not_kernel_codes() {
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
    fn keeps_timer_and_descriptor_fields() {
        let signal = Signal::new(40).expect("a signal");
        let timer = Siginfo { timer_id: 3, overrun: 2, ..info(40, -2) };
        let timer = to_raw_siginfo(&timer, signal);
        assert_eq!((timer.code, timer.word(0), timer.word(1), timer.long(2)), (-2, 3, 2, 1 << 40 | 5));
        let ready = Siginfo { descriptor: 4, band: 1, ..info(29, -5) };
        let ready = to_raw_siginfo(&ready, signal);
        assert_eq!((ready.code, ready.long(0), ready.word(LONG_WORDS)), (-5, 1, 4));
    }
}
