//! Sending on what was received, with all that it told of its sender.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libc::{c_int, pid_t};

use super::deliver::check;
use super::pidfd::{PIDFD_SIGNAL_PROCESS_GROUP, PidFd};
use super::siginfo::{LONG, Raw};
use crate::signal::info::Origin;
use crate::signal::{Info, Signal};

/// si_code of tkill(2), which the kernel keeps to itself.
const SI_TKILL: i32 = libc::SI_TKILL;

/// The code that a signal can be sent on with: the kernel refuses others those
/// that it vouches for, so they become SI_QUEUE.
fn code(info: &Info) -> i32 {
    if info.code >= 0 || info.code == SI_TKILL { libc::SI_QUEUE } else { info.code }
}

/// What was received, as it is sent on: pid and uid are a timer's number and
/// overrun for SI_TIMER, and one long, the events, for SI_SIGIO.
fn raw(info: &Info, signal: Signal) -> Raw {
    let mut raw = Raw::new(Some(signal), info.errno, code(info));
    let value = |value: Option<i32>| value.map_or(0, |_| info.pointer);
    match info.origin() {
        Origin::Process { pid, uid, value: sent, .. } => raw.with(pid, uid, value(sent)),
        Origin::Outside { value: sent, .. } => raw.with(0, info.uid, value(sent)),
        Origin::Timer { id, overrun, .. } => raw.with(id, overrun, info.pointer),
        Origin::Descriptor { descriptor, band } if info.code < 0 => {
            raw.put_long(0, band.into());
            raw.put_word(LONG, descriptor as u32);
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
pub fn to_process(held: &PidFd, info: &Info, signal: Signal) -> io::Result<()> {
    send(held, &raw(info, signal), 0)
}

/// Sends it to the process group that the held process leads.
///
/// # Errors
/// EINVAL before Linux 6.9; else as [`to_process`].
pub fn to_group(held: &PidFd, info: &Info, signal: Signal) -> io::Result<()> {
    send(held, &raw(info, signal), PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Sends it to a process by its number, which must be a child's that has not
/// been reaped.
///
/// # Errors
/// As [`to_process`].
pub fn to_number(pid: u32, info: &Info, signal: Signal) -> io::Result<()> {
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0);
    let pid = pid.ok_or(io::Error::from_raw_os_error(libc::ESRCH))?;
    let raw = raw(info, signal);
    // SAFETY: the pointer is to a whole siginfo, which is read only.
    check(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, raw.signo, raw.as_ptr()) })
}

/// Whether an error of sending says that nobody is there.
pub fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}

fn send(held: &PidFd, raw: &Raw, flags: c_int) -> io::Result<()> {
    let descriptor = held.as_fd().as_raw_fd();
    // SAFETY: the pointer is to a whole siginfo that outlives the call and is
    // read only.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, raw.signo, raw.as_ptr(), flags) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(number: u8, code: i32) -> Info {
        let signal = Signal::new(number).expect("a signal");
        Info { code, pid: 7, uid: 1000, value: 5, pointer: 1 << 40 | 5, ..Info::bare(signal) }
    }

    #[test]
    fn sender_and_value_are_kept_and_the_kernels_codes_are_not() {
        for (number, code, expected) in [
            (15, 0, (-1, 7, 1000, 0)),
            (15, -6, (-1, 7, 1000, 0)),
            (15, 128, (-1, 0, 0, 0)),
            (40, -1, (-1, 7, 1000, 1 << 40 | 5)),
            (40, -3, (-3, 7, 1000, 1 << 40 | 5)),
        ] {
            let raw = raw(&info(number, code), Signal::new(2).expect("a signal"));
            assert_eq!((raw.code, raw.word(0), raw.word(1), raw.long(2)), expected, "{number} {code}");
            assert_eq!(raw.signo, 2);
        }
    }

    #[test]
    fn timers_and_descriptors_have_their_own_fields() {
        let signal = Signal::new(40).expect("a signal");
        let timer = Info { timer: 3, overrun: 2, ..info(40, -2) };
        let timer = raw(&timer, signal);
        assert_eq!((timer.code, timer.word(0), timer.word(1), timer.long(2)), (-2, 3, 2, 1 << 40 | 5));
        let ready = Info { descriptor: 4, band: 1, ..info(29, -5) };
        let ready = raw(&ready, signal);
        assert_eq!((ready.code, ready.long(0), ready.word(LONG)), (-5, 1, 4));
    }
}
