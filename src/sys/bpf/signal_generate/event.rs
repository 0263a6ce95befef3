//! A generated signal, parsed from a record of the program.

use std::fmt;
use std::time::Duration;

use super::super::super::signal::siginfo::RawSiginfo;
use super::program::{KIND_KERNEL, KIND_NO_INFO, KIND_SIGINFO, TASK_COMM_LEN, record};
use crate::signal::Signal;
use crate::signal::siginfo::{SI_KERNEL, Siginfo, SignalOrigin};

/// si_code values that the kernel uses for signals without a sending process (uapi
/// asm-generic/siginfo.h).
const SI_ASYNCIO: i32 = -4;
const SI_ASYNCNL: i32 = -60;

/// A generated signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedSignal {
    /// Time since boot, including sleep (CLOCK_BOOTTIME outside of time
    /// namespaces); see [`to_wall_time`](super::to_wall_time).
    pub time_since_boot: Duration,
    /// The thread that ran at that time: the sender, unless it is a
    /// [bystander](GeneratedSignal::is_sender_bystander).
    pub sender: TaskIdentity,
    /// The target.
    pub target: TaskIdentity,
    /// Whether the signal is for the whole process, not for the thread alone.
    pub for_process: bool,
    /// Signal number.
    pub signal: Signal,
    /// The siginfo, or its substitute.
    pub siginfo_kind: SiginfoKind,
    /// Whether the siginfo was on the kernel stack of the running thread: the
    /// thread made it, not an interrupt or a timer.
    pub siginfo_on_stack: bool,
    /// The immediate effect.
    pub result: GenerateResult,
}

/// A thread at the time of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskIdentity {
    /// PID in our PID namespace; 0 if it has none there.
    pub pid: u32,
    /// TID in our PID namespace; 0 if it has none there.
    pub tid: u32,
    /// Real UID in the initial user namespace, which is ours: BPF is not permitted
    /// in another one.
    pub uid: u32,
    /// Name of the thread.
    pub name: TaskComm,
}

/// The name of a thread: up to 15 arbitrary bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TaskComm([u8; TASK_COMM_LEN as usize]);

/// The siginfo argument of a signal in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiginfoKind {
    /// A siginfo. Its PIDs are those of the *sender's* PID namespace. The sender
    /// chose all fields, unless the code is [verified](Siginfo::is_verified).
    Siginfo(Siginfo),
    /// None; the signal counts as sent by the running process (SEND_SIG_NOINFO).
    NoInfo,
    /// None; the signal comes from the kernel (SEND_SIG_PRIV).
    Kernel,
}

/// The immediate effect of a signal (TRACE_SIGNAL_* in
/// include/trace/events/signal.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerateResult {
    /// The signal became pending.
    Delivered,
    /// The target ignores the signal; nothing happens.
    Ignored,
    /// A standard signal was already pending; nothing happens.
    AlreadyPending,
    /// The queue was full; the sender got EAGAIN.
    Overflow,
    /// The queue was full; the signal became pending without its siginfo.
    SiginfoLost,
}

impl GeneratedSignal {
    /// Whether the running thread is not the sender: a timer, an interrupt or a
    /// kernel worker (terminal keys) raised the signal while any thread ran. A
    /// signal from the kernel without details counts as such.
    ///
    /// A child's exit comes from the child itself, and a fault from the thread that
    /// caused it, which is the target; neither is a bystander. A sender that claims
    /// the code of a timer with rt_sigqueueinfo(2) is not one either.
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
            // An interrupt reports asynchronous I/O.
            SignalOrigin::Process { .. } | SignalOrigin::OutsideNamespace { .. } => {
                matches!(info.code, SI_ASYNCIO | SI_ASYNCNL) && !self.siginfo_on_stack
            }
            SignalOrigin::Child { .. } => false,
        }
    }

    /// Returns the siginfo that a receiver would get. If there is none, returns the
    /// one that the kernel makes up, with the PID in our PID namespace.
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
    /// Returns the name without trailing NUL bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Debug for TaskComm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

/// Parses a record; `None` if it does not have the format of the program.
pub(super) fn parse_record(bytes: &[u8]) -> Option<GeneratedSignal> {
    let field = |offset: i16, length: usize| bytes.get(usize::try_from(offset).ok()?..)?.get(..length);
    let read_u32 = |offset| Some(u32::from_le_bytes(field(offset, 4)?.try_into().ok()?));
    let read_name = |offset| Some(TaskComm(field(offset, TASK_COMM_LEN as usize)?.try_into().ok()?));
    Some(GeneratedSignal {
        time_since_boot: Duration::from_nanos(u64::from_le_bytes(field(record::TIME, 8)?.try_into().ok()?)),
        sender: TaskIdentity {
            pid: read_u32(record::SENDER_PID)?,
            tid: read_u32(record::SENDER_TID)?,
            uid: read_u32(record::SENDER_UID)?,
            name: read_name(record::SENDER_NAME)?,
        },
        target: TaskIdentity {
            pid: read_u32(record::TARGET_PID)?,
            tid: read_u32(record::TARGET_TID)?,
            uid: read_u32(record::TARGET_UID)?,
            name: read_name(record::TARGET_NAME)?,
        },
        for_process: read_u32(record::FOR_PROCESS)? != 0,
        signal: Signal::new(u8::try_from(read_u32(record::SIGNAL)?).ok()?)?,
        siginfo_kind: match read_u32(record::SIGINFO_KIND)? {
            KIND_NO_INFO => SiginfoKind::NoInfo,
            KIND_KERNEL => SiginfoKind::Kernel,
            KIND_SIGINFO => SiginfoKind::Siginfo(
                RawSiginfo::from_bytes(bytes.get(record::SIGINFO as usize..)?).to_siginfo()?,
            ),
            _ => return None,
        },
        siginfo_on_stack: read_u32(record::SIGINFO_ON_STACK)? != 0,
        result: match read_u32(record::RESULT)? {
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

    fn generated_signal(
        number: u8,
        siginfo_kind: SiginfoKind,
        on_stack: bool,
        to_itself: bool,
    ) -> GeneratedSignal {
        GeneratedSignal {
            time_since_boot: Duration::ZERO,
            sender: task_identity(7),
            target: task_identity(if to_itself { 7 } else { 8 }),
            for_process: true,
            signal: Signal::new(number).expect("a signal"),
            siginfo_kind,
            siginfo_on_stack: on_stack,
            result: GenerateResult::Delivered,
        }
    }

    fn is_bystander_with_code(number: u8, code: i32, on_stack: bool, to_itself: bool) -> bool {
        let info = Siginfo { code, pid: 7, ..Siginfo::from_signal(Signal::new(number).expect("a signal")) };
        generated_signal(number, SiginfoKind::Siginfo(info), on_stack, to_itself).is_sender_bystander()
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
        let no_info = generated_signal(15, SiginfoKind::NoInfo, true, false).siginfo();
        assert_eq!((no_info.code, no_info.pid, no_info.uid), (libc::SI_USER, 7, 0));
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
