//! A signal that was generated, as it is told.

use std::fmt;
use std::time::Duration;

use super::super::super::siginfo::Raw;
use super::program::{INFO, NAME, NO_INFO, PRIVILEGED, record};
use crate::signal::Signal;
use crate::signal::info::{Info, Origin};

/// si_code values that the kernel gives to what no process has sent (uapi
/// asm-generic/siginfo.h).
const SI_KERNEL: i32 = 128;
const SI_ASYNCIO: i32 = -4;
const SI_ASYNCNL: i32 = -60;

/// A signal that was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// When: time since boot, sleep included (CLOCK_BOOTTIME, as it is outside of
    /// any time namespace); see [`wall_time`](super::wall_time).
    pub time: Duration,
    /// Who ran when it was sent: the sender, unless it is only a
    /// [bystander](Generated::is_bystander).
    pub sender: Party,
    /// Whom it is for.
    pub target: Party,
    /// Whether it is for the whole process, or for the thread alone.
    pub for_process: bool,
    /// The signal.
    pub signal: Signal,
    /// What was told with it.
    pub told: Told,
    /// Whether the siginfo lay on the kernel stack of the thread that ran: made
    /// by it, and not by an interrupt or a timer.
    pub on_stack: bool,
    /// What has become of it at once.
    pub outcome: Outcome,
}

/// A thread, in the moment of the sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its process's number in our pid namespace; 0 where it has none in it.
    pub pid: u32,
    /// Its own number in our pid namespace; 0 where it has none in it.
    pub tid: u32,
    /// Its real user, as the first user namespace numbers them, which is ours:
    /// in another one BPF is not permitted.
    pub uid: u32,
    /// The thread's name.
    pub name: Name,
}

/// A thread's name: up to 15 bytes of any kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; NAME as usize]);

/// What the kernel was told with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A siginfo. Its process numbers are those of the *sender's* pid namespace,
    /// and whatever the sender chose where the code is not
    /// [verified](Info::is_verified).
    Siginfo(Info),
    /// Nothing: it counts as from the process that ran (SEND_SIG_NOINFO).
    Nothing,
    /// That it comes from the kernel (SEND_SIG_PRIV).
    Kernel,
}

/// What has become of a signal at once (TRACE_SIGNAL_* in
/// include/trace/events/signal.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is pending now.
    Delivered,
    /// The target ignores it: nothing happens.
    Ignored,
    /// A standard signal that was pending already: nothing happens.
    AlreadyPending,
    /// The queue was full: the sender got EAGAIN.
    Overflow,
    /// The queue was full: it is pending, its siginfo is lost.
    InfoLost,
}

impl Generated {
    /// Whether who ran then is no sender: the signal was raised by a timer, an
    /// interrupt or a worker of the kernel (a terminal's keys), and anybody may
    /// have run meanwhile. Where the kernel tells only that it comes from the
    /// kernel, it counts as this, too.
    ///
    /// A child's end comes from the child itself, and a fault from the thread
    /// that made it, which is the target: those are no bystanders. Nor is who
    /// gives its signal a timer's code by rt_sigqueueinfo(2).
    pub fn is_bystander(&self) -> bool {
        let info = match self.told {
            Told::Nothing => return false,
            Told::Kernel => return true,
            Told::Siginfo(info) => info,
        };
        match info.origin() {
            Origin::Timer { .. } | Origin::Descriptor { .. } => !self.on_stack,
            Origin::Kernel | Origin::Fault { .. } | Origin::Syscall { .. } => {
                self.sender.tid != self.target.tid
            }
            // Of the asynchronous ones an interrupt tells.
            Origin::Process { .. } | Origin::Outside { .. } => {
                matches!(info.code, SI_ASYNCIO | SI_ASYNCNL) && !self.on_stack
            }
            Origin::Child { .. } => false,
        }
    }

    /// What a receiver would be told: the siginfo, or the one that the kernel
    /// makes up where there is none. Of that, the process number is that of our
    /// pid namespace.
    pub fn info(&self) -> Info {
        match self.told {
            Told::Siginfo(info) => info,
            Told::Nothing => Info { pid: self.sender.pid, uid: self.sender.uid, ..Info::bare(self.signal) },
            Told::Kernel => Info { code: SI_KERNEL, ..Info::bare(self.signal) },
        }
    }
}

impl Name {
    /// Its bytes, without the zeroes behind.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

/// Reads a record; `None` where it is not as the program writes them.
pub(super) fn read(bytes: &[u8]) -> Option<Generated> {
    let part = |at: i16, length: usize| bytes.get(usize::try_from(at).ok()?..)?.get(..length);
    let word = |at| Some(u32::from_le_bytes(part(at, 4)?.try_into().ok()?));
    let name = |at| Some(Name(part(at, NAME as usize)?.try_into().ok()?));
    Some(Generated {
        time: Duration::from_nanos(u64::from_le_bytes(part(record::TIME, 8)?.try_into().ok()?)),
        sender: Party {
            pid: word(record::SENDER_PID)?,
            tid: word(record::SENDER_TID)?,
            uid: word(record::SENDER_UID)?,
            name: name(record::SENDER_NAME)?,
        },
        target: Party {
            pid: word(record::TARGET_PID)?,
            tid: word(record::TARGET_TID)?,
            uid: word(record::TARGET_UID)?,
            name: name(record::TARGET_NAME)?,
        },
        for_process: word(record::GROUP)? != 0,
        signal: Signal::new(u8::try_from(word(record::SIGNAL)?).ok()?)?,
        told: match word(record::TOLD)? {
            NO_INFO => Told::Nothing,
            PRIVILEGED => Told::Kernel,
            INFO => Told::Siginfo(Raw::from_bytes(bytes.get(record::SIGINFO as usize..)?).info()?),
            _ => return None,
        },
        on_stack: word(record::ON_STACK)? != 0,
        outcome: match word(record::RESULT)? {
            0 => Outcome::Delivered,
            1 => Outcome::Ignored,
            2 => Outcome::AlreadyPending,
            3 => Outcome::Overflow,
            4 => Outcome::InfoLost,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(tid: u32) -> Party {
        Party { pid: tid, tid, uid: 0, name: Name(*b"name\0\xff\0\0\0\0\0\0\0\0\0\0") }
    }

    fn generated(number: u8, told: Told, on_stack: bool, itself: bool) -> Generated {
        Generated {
            time: Duration::ZERO,
            sender: party(7),
            target: party(if itself { 7 } else { 8 }),
            for_process: true,
            signal: Signal::new(number).expect("a signal"),
            told,
            on_stack,
            outcome: Outcome::Delivered,
        }
    }

    fn coded(number: u8, code: i32, on_stack: bool, itself: bool) -> bool {
        let info = Info { code, pid: 7, ..Info::bare(Signal::new(number).expect("a signal")) };
        generated(number, Told::Siginfo(info), on_stack, itself).is_bystander()
    }

    #[test]
    fn a_bystander_is_told_from_a_sender() {
        for code in [libc::SI_USER, libc::SI_TKILL, libc::SI_QUEUE, libc::SI_MESGQ, -99] {
            assert!(!coded(15, code, true, false), "{code}");
        }
        for code in [libc::SI_TIMER, libc::SI_SIGIO, SI_ASYNCIO, SI_ASYNCNL] {
            assert!(coded(15, code, false, false), "{code}");
            assert!(!coded(15, code, true, false), "claimed: {code}");
        }
        let (child, fault, io) = (17, 11, 29);
        assert!(!coded(child, 1, true, false));
        assert!(!coded(fault, 1, true, true));
        assert!(coded(fault, 1, true, false));
        assert!(coded(io, 1, false, false));
        assert!(!coded(fault, SI_KERNEL, true, true));
        assert!(coded(15, SI_KERNEL, true, false));
        assert!(!generated(15, Told::Nothing, true, false).is_bystander());
        assert!(generated(15, Told::Kernel, true, false).is_bystander());
    }

    #[test]
    fn what_a_receiver_is_told_is_made_up_as_the_kernel_does() {
        let nothing = generated(15, Told::Nothing, true, false).info();
        assert_eq!((nothing.code, nothing.pid, nothing.uid), (libc::SI_USER, 7, 0));
        let kernel = generated(15, Told::Kernel, true, false).info();
        assert_eq!((kernel.code, kernel.pid), (SI_KERNEL, 0));
    }

    #[test]
    fn names_end_at_a_zero() {
        assert_eq!(party(1).name.as_bytes(), b"name");
        assert_eq!(Name(*b"sixteen-bytes-xx").as_bytes(), b"sixteen-bytes-xx");
    }

    #[test]
    fn records_cut_short_or_unknown_are_none() {
        let mut bytes = vec![0; 88];
        bytes[record::SIGNAL as usize] = 15;
        assert_eq!(read(&bytes).map(|event| event.told), Some(Told::Nothing));
        assert_eq!(read(&bytes[..80]), None);
        bytes[record::TOLD as usize] = 9;
        assert_eq!(read(&bytes), None);
        bytes[record::TOLD as usize] = 1;
        bytes[record::RESULT as usize] = 5;
        assert_eq!(read(&bytes), None);
    }
}
