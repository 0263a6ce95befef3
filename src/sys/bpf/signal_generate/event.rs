//! A signal that was generated, as it is told.

use std::fmt;
use std::time::Duration;

use super::super::super::signal::siginfo::RawSiginfo;
use super::program::{KIND_KERNEL, KIND_NO_INFO, KIND_SIGINFO, TASK_COMM_LEN, record};
use crate::signal::Signal;
use crate::signal::siginfo::{Siginfo, SignalOrigin};

/// si_code values that the kernel gives to what no process has sent (uapi
/// asm-generic/siginfo.h).
const SI_KERNEL: i32 = 128;
const SI_ASYNCIO: i32 = -4;
const SI_ASYNCNL: i32 = -60;

/// A signal that was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedSignal {
    /// When: time since boot, sleep included (CLOCK_BOOTTIME, as it is outside of
    /// any time namespace); see [`wall_time`](super::to_wall_time).
    pub time_since_boot: Duration,
    /// Who ran when it was sent: the sender, unless it is only a
    /// [bystander](GeneratedSignal::is_sender_bystander).
    pub sender: TaskIdentity,
    /// Whom it is for.
    pub target: TaskIdentity,
    /// Whether it is for the whole process, or for the thread alone.
    pub for_process: bool,
    /// The signal.
    pub signal: Signal,
    /// What was told with it.
    pub siginfo_kind: SiginfoKind,
    /// Whether the siginfo lay on the kernel stack of the thread that ran: made
    /// by it, and not by an interrupt or a timer.
    pub siginfo_on_stack: bool,
    /// What has become of it at once.
    pub result: GenerateResult,
}

/// A thread, in the moment of the sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskIdentity {
    /// Its process's number in our pid namespace; 0 where it has none in it.
    pub pid: u32,
    /// Its own number in our pid namespace; 0 where it has none in it.
    pub tid: u32,
    /// Its real user, as the first user namespace numbers them, which is ours:
    /// in another one BPF is not permitted.
    pub uid: u32,
    /// The thread's name.
    pub name: TaskComm,
}

/// A thread's name: up to 15 bytes of any kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TaskComm([u8; TASK_COMM_LEN as usize]);

/// What the kernel was told with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiginfoKind {
    /// A siginfo. Its process numbers are those of the *sender's* pid namespace,
    /// and whatever the sender chose where the code is not
    /// [verified](Siginfo::is_verified).
    Siginfo(Siginfo),
    /// Nothing: it counts as from the process that ran (SEND_SIG_NOINFO).
    NoInfo,
    /// That it comes from the kernel (SEND_SIG_PRIV).
    Kernel,
}

/// What has become of a signal at once (TRACE_SIGNAL_* in
/// include/trace/events/signal.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerateResult {
    /// It is pending now.
    Delivered,
    /// The target ignores it: nothing happens.
    Ignored,
    /// A standard signal that was pending already: nothing happens.
    AlreadyPending,
    /// The queue was full: the sender got EAGAIN.
    Overflow,
    /// The queue was full: it is pending, its siginfo is lost.
    SiginfoLost,
}

impl GeneratedSignal {
    /// Whether who ran then is no sender: the signal was raised by a timer, an
    /// interrupt or a worker of the kernel (a terminal's keys), and anybody may
    /// have run meanwhile. Where the kernel tells only that it comes from the
    /// kernel, it counts as this, too.
    ///
    /// A child's end comes from the child itself, and a fault from the thread
    /// that made it, which is the target: those are no bystanders. Nor is who
    /// gives its signal a timer's code by rt_sigqueueinfo(2).
    pub fn is_sender_bystander(&self) -> bool {
        let info = match self.siginfo_kind {
            SiginfoKind::NoInfo => return false,
            SiginfoKind::Kernel => return true,
            SiginfoKind::Siginfo(info) => info,
        };
        match info.origin() {
            SignalOrigin::Timer { .. } | SignalOrigin::Descriptor { .. } => !self.siginfo_on_stack,
            SignalOrigin::Kernel | SignalOrigin::Fault { .. } | SignalOrigin::Syscall { .. } => {
                self.sender.tid != self.target.tid
            }
            // Of the asynchronous ones an interrupt tells.
            SignalOrigin::Process { .. } | SignalOrigin::OutsideNamespace { .. } => {
                matches!(info.code, SI_ASYNCIO | SI_ASYNCNL) && !self.siginfo_on_stack
            }
            SignalOrigin::Child { .. } => false,
        }
    }

    /// What a receiver would be told: the siginfo, or the one that the kernel
    /// makes up where there is none. Of that, the process number is that of our
    /// pid namespace.
    pub fn siginfo(&self) -> Siginfo {
        match self.siginfo_kind {
            SiginfoKind::Siginfo(info) => info,
            SiginfoKind::NoInfo => {
                Siginfo { pid: self.sender.pid, uid: self.sender.uid, ..Siginfo::from_signal(self.signal) }
            }
            SiginfoKind::Kernel => Siginfo { code: SI_KERNEL, ..Siginfo::from_signal(self.signal) },
        }
    }
}

impl TaskComm {
    /// Its bytes, without the zeroes behind.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Debug for TaskComm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

/// Reads a record; `None` where it is not as the program writes them.
pub(super) fn parse_record(bytes: &[u8]) -> Option<GeneratedSignal> {
    let part = |at: i16, length: usize| bytes.get(usize::try_from(at).ok()?..)?.get(..length);
    let word = |at| Some(u32::from_le_bytes(part(at, 4)?.try_into().ok()?));
    let name = |at| Some(TaskComm(part(at, TASK_COMM_LEN as usize)?.try_into().ok()?));
    Some(GeneratedSignal {
        time_since_boot: Duration::from_nanos(u64::from_le_bytes(part(record::TIME, 8)?.try_into().ok()?)),
        sender: TaskIdentity {
            pid: word(record::SENDER_PID)?,
            tid: word(record::SENDER_TID)?,
            uid: word(record::SENDER_UID)?,
            name: name(record::SENDER_NAME)?,
        },
        target: TaskIdentity {
            pid: word(record::TARGET_PID)?,
            tid: word(record::TARGET_TID)?,
            uid: word(record::TARGET_UID)?,
            name: name(record::TARGET_NAME)?,
        },
        for_process: word(record::FOR_PROCESS)? != 0,
        signal: Signal::new(u8::try_from(word(record::SIGNAL)?).ok()?)?,
        siginfo_kind: match word(record::SIGINFO_KIND)? {
            KIND_NO_INFO => SiginfoKind::NoInfo,
            KIND_KERNEL => SiginfoKind::Kernel,
            KIND_SIGINFO => SiginfoKind::Siginfo(
                RawSiginfo::from_bytes(bytes.get(record::SIGINFO as usize..)?).to_siginfo()?,
            ),
            _ => return None,
        },
        siginfo_on_stack: word(record::SIGINFO_ON_STACK)? != 0,
        result: match word(record::RESULT)? {
            0 => GenerateResult::Delivered,
            1 => GenerateResult::Ignored,
            2 => GenerateResult::AlreadyPending,
            3 => GenerateResult::Overflow,
            4 => GenerateResult::SiginfoLost,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task_identity(tid: u32) -> TaskIdentity {
        TaskIdentity { pid: tid, tid, uid: 0, name: TaskComm(*b"name\0\xff\0\0\0\0\0\0\0\0\0\0") }
    }

    fn generated_signal(number: u8, told: SiginfoKind, on_stack: bool, itself: bool) -> GeneratedSignal {
        GeneratedSignal {
            time_since_boot: Duration::ZERO,
            sender: task_identity(7),
            target: task_identity(if itself { 7 } else { 8 }),
            for_process: true,
            signal: Signal::new(number).expect("a signal"),
            siginfo_kind: told,
            siginfo_on_stack: on_stack,
            result: GenerateResult::Delivered,
        }
    }

    fn is_bystander_with_code(number: u8, code: i32, on_stack: bool, itself: bool) -> bool {
        let info = Siginfo { code, pid: 7, ..Siginfo::from_signal(Signal::new(number).expect("a signal")) };
        generated_signal(number, SiginfoKind::Siginfo(info), on_stack, itself).is_sender_bystander()
    }

    #[test]
    fn is_sender_bystander_depends_on_code_and_stack() {
        for code in [libc::SI_USER, libc::SI_TKILL, libc::SI_QUEUE, libc::SI_MESGQ, -99] {
            assert!(!is_bystander_with_code(15, code, true, false), "{code}");
        }
        for code in [libc::SI_TIMER, libc::SI_SIGIO, SI_ASYNCIO, SI_ASYNCNL] {
            assert!(is_bystander_with_code(15, code, false, false), "{code}");
            assert!(!is_bystander_with_code(15, code, true, false), "claimed: {code}");
        }
        let (child, fault, io) = (17, 11, 29);
        assert!(!is_bystander_with_code(child, 1, true, false));
        assert!(!is_bystander_with_code(fault, 1, true, true));
        assert!(is_bystander_with_code(fault, 1, true, false));
        assert!(is_bystander_with_code(io, 1, false, false));
        assert!(!is_bystander_with_code(fault, SI_KERNEL, true, true));
        assert!(is_bystander_with_code(15, SI_KERNEL, true, false));
        assert!(!generated_signal(15, SiginfoKind::NoInfo, true, false).is_sender_bystander());
        assert!(generated_signal(15, SiginfoKind::Kernel, true, false).is_sender_bystander());
    }

    #[test]
    fn siginfo_is_synthesized_as_the_kernel_does() {
        let nothing = generated_signal(15, SiginfoKind::NoInfo, true, false).siginfo();
        assert_eq!((nothing.code, nothing.pid, nothing.uid), (libc::SI_USER, 7, 0));
        let kernel = generated_signal(15, SiginfoKind::Kernel, true, false).siginfo();
        assert_eq!((kernel.code, kernel.pid), (SI_KERNEL, 0));
    }

    #[test]
    fn comm_ends_at_nul() {
        assert_eq!(task_identity(1).name.as_bytes(), b"name");
        assert_eq!(TaskComm(*b"sixteen-bytes-xx").as_bytes(), b"sixteen-bytes-xx");
    }

    #[test]
    fn parse_record_rejects_invalid_records() {
        let mut bytes = vec![0; 88];
        bytes[record::SIGNAL as usize] = 15;
        assert_eq!(parse_record(&bytes).map(|event| event.siginfo_kind), Some(SiginfoKind::NoInfo));
        assert_eq!(parse_record(&bytes[..80]), None);
        bytes[record::SIGINFO_KIND as usize] = 9;
        assert_eq!(parse_record(&bytes), None);
        bytes[record::SIGINFO_KIND as usize] = 1;
        bytes[record::RESULT as usize] = 5;
        assert_eq!(parse_record(&bytes), None);
    }
}
