//! Waiting for one blocked signal: rt_sigtimedwait(2), the shortest way there
//! is. What queues behind it is read by the batch, from a `signalfd`.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use libc::c_void;

use super::hold::{MASK_BYTES, bits};
use super::siginfo::{LONG, Raw};
use crate::signal::info::Layout;
use crate::signal::{Info, Signal, SignalSet};

/// Takes the next of these signals, which must be blocked; waits for it, or
/// until the time is up (`None`: for ever). `None` where none has come, also
/// where the waiting was interrupted.
///
/// # Errors
/// What rt_sigtimedwait(2) says.
pub fn next(set: SignalSet, time: Option<Duration>) -> io::Result<Option<Info>> {
    let mask = bits(set);
    let mut raw = MaybeUninit::<Raw>::zeroed();
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), |time| &raw const *time);
    // SAFETY: the mask is as long as is said, the siginfo is whole, and both,
    // like the time, outlive the call; no time at all is allowed.
    let answer = unsafe {
        let mask = (&raw const mask).cast::<c_void>();
        libc::syscall(libc::SYS_rt_sigtimedwait, mask, raw.as_mut_ptr(), time, MASK_BYTES)
    };
    if answer < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: zeroes are valid, and the kernel has written over them.
    Ok(info(&unsafe { raw.assume_init() }))
}

/// The fields that this signal and this code have (uapi asm-generic/siginfo.h).
fn info(raw: &Raw) -> Option<Info> {
    let signal = Signal::new(u8::try_from(raw.signo).ok()?)?;
    let mut info = Info { code: raw.code, errno: raw.errno, ..Info::bare(signal) };
    let (word, long) = (|at| raw.word(at), |at| raw.long(at));
    match info.layout() {
        Layout::Sender => {
            (info.pid, info.uid, info.value, info.pointer) = (word(0), word(1), word(2) as i32, long(2));
        }
        Layout::Timer => {
            (info.timer, info.overrun, info.value, info.pointer) =
                (word(0), word(1), word(2) as i32, long(2));
        }
        Layout::Child => {
            (info.pid, info.uid, info.status) = (word(0), word(1), word(2) as i32);
            let times = 3 + (LONG - 1);
            (info.user_ticks, info.system_ticks) = (long(times), long(times + LONG));
        }
        Layout::Fault => info.address = long(0),
        Layout::Descriptor => (info.band, info.descriptor) = (long(0) as u32, word(LONG) as i32),
        Layout::Syscall => (info.call_address, info.syscall) = (long(0), word(LONG) as i32),
    }
    Some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(signo: i32, code: i32, words: &[u32]) -> Info {
        let signal = Signal::new(u8::try_from(signo).expect("a number"));
        let mut raw = Raw::new(signal, 3, code);
        words.iter().enumerate().for_each(|(at, word)| raw.put_word(at, *word));
        info(&raw).expect("a signal")
    }

    #[test]
    fn fields_are_those_of_the_kind() {
        let user = read(15, 0, &[7, 1000]);
        assert_eq!((user.pid, user.uid, user.errno), (7, 1000, 3));
        let queued = read(40, -1, &[7, 1000, u32::MAX]);
        assert_eq!((queued.pid, queued.uid, queued.value), (7, 1000, -1));
        let timer = read(40, -2, &[3, 2, 5]);
        assert_eq!((timer.timer, timer.overrun, timer.value, timer.pid), (3, 2, 5, 0));
        let child = read(17, 1, &[7, 1000, 9]);
        assert_eq!((child.pid, child.uid, child.status), (7, 1000, 9));
        let kernel = read(2, 128, &[0, 0]);
        assert_eq!((kernel.pid, kernel.code), (0, 128));
    }
}
