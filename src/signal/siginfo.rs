//! siginfo_t as plain values: the information of the kernel about a signal.
//!
//! The valid fields depend on the signal and the code (sigaction(2));
//! [`Siginfo::origin`] selects them.

use super::si_code::{self, SiginfoCode};
use super::{Arch, Signal};

/// The size of the siginfo_t of the kernel in bytes (uapi asm-generic/siginfo.h).
pub const SI_MAX_SIZE: u32 = 128;

// Values of si_code that decide which fields are set (uapi asm-generic/siginfo.h).

/// The code of kill(2).
pub const SI_USER: i32 = 0;
/// The code of signals that the kernel sends without further fields.
pub const SI_KERNEL: i32 = 128;
const SI_QUEUE: i32 = -1;
const SI_TIMER: i32 = -2;
const SI_MESGQ: i32 = -3;
const SI_SIGIO: i32 = -5;
const SI_TKILL: i32 = -6;
/// The code for a child that exited. Then the status is an exit status, otherwise a
/// signal.
const CLD_EXITED: i32 = 1;

/// A received signal with all fields of signalfd(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Siginfo {
    /// The signal.
    pub signal: Signal,
    /// si_code.
    pub code: i32,
    /// si_errno.
    pub errno: i32,
    /// si_pid.
    pub pid: u32,
    /// si_uid.
    pub uid: u32,
    /// si_int: the value as a number.
    pub value: i32,
    /// si_ptr: the value as a pointer.
    pub value_pointer: u64,
    /// si_timerid.
    pub timer_id: u32,
    /// si_overrun.
    pub overrun: u32,
    /// si_status.
    pub status: i32,
    /// si_utime, in clock ticks.
    pub user_ticks: u64,
    /// si_stime, in clock ticks.
    pub system_ticks: u64,
    /// si_addr.
    pub address: u64,
    /// si_fd.
    pub descriptor: i32,
    /// si_band.
    pub band: u32,
    /// si_syscall.
    pub syscall: i32,
    /// si_call_addr.
    pub call_address: u64,
}

/// An entry of a queue of pending signals. Its sender is *unverified*, because a process
/// may send itself a signal with any code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedSignal {
    /// The queued siginfo. Its PIDs are those of the PID namespace of the target.
    pub siginfo: Siginfo,
    /// The thread for which the signal is pending; `None` for the process.
    pub tid: Option<u32>,
}

/// The origin of a signal, with the fields that are valid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOrigin {
    /// A process sent it.
    Process {
        /// The sender in the PID namespace of sigtool.
        pid: u32,
        /// The real UID of the sender.
        uid: u32,
        /// The queued value.
        value: Option<i32>,
        /// Whether the kernel set PID and UID; otherwise the sender chose them
        /// (rt_sigqueueinfo(2)).
        verified: bool,
    },
    /// A process outside the PID namespace of sigtool, or the kernel on its behalf: PID 0.
    OutsideNamespace {
        /// Whether the siginfo was lost because the queue was full. Known only for
        /// real-time signals.
        siginfo_lost: bool,
        /// The queued value.
        value: Option<i32>,
    },
    /// A child exited, stopped or continued.
    Child {
        /// The child.
        pid: u32,
        /// The real UID of the child.
        uid: u32,
        /// The exit status, or the signal.
        status: i32,
    },
    /// A POSIX timer expired.
    Timer {
        /// The timer ID of the kernel.
        id: u32,
        /// The number of further expirations.
        overrun: u32,
        /// The value of the timer.
        value: i32,
    },
    /// Input or output is possible.
    Descriptor {
        /// The descriptor.
        descriptor: i32,
        /// The events of poll(2).
        band: u32,
    },
    /// An instruction caused a fault.
    Fault {
        /// The address of the fault.
        address: u64,
    },
    /// A system call was not allowed.
    Syscall {
        /// The number of the system call.
        number: i32,
        /// The address of the call.
        address: u64,
    },
    /// The kernel, without further fields.
    Kernel,
}

/// The fields of the union in siginfo_t that are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiginfoLayout {
    /// PID, UID and value.
    Sender,
    /// Timer ID, overrun and value.
    Timer,
    /// PID, UID, status and times of a child.
    Child,
    /// An address.
    Fault,
    /// Events and a descriptor.
    Descriptor,
    /// An address and the number of a system call.
    Syscall,
}

impl Siginfo {
    /// The fields that are set for the signal and the code. Uses only these two fields.
    pub fn layout(&self) -> SiginfoLayout {
        match self.origin() {
            SignalOrigin::Process { .. } | SignalOrigin::OutsideNamespace { .. } | SignalOrigin::Kernel => {
                SiginfoLayout::Sender
            }
            SignalOrigin::Timer { .. } => SiginfoLayout::Timer,
            SignalOrigin::Child { .. } => SiginfoLayout::Child,
            SignalOrigin::Fault { .. } => SiginfoLayout::Fault,
            SignalOrigin::Descriptor { .. } => SiginfoLayout::Descriptor,
            SignalOrigin::Syscall { .. } => SiginfoLayout::Syscall,
        }
    }

    /// A siginfo of a signal with all other fields 0.
    pub const fn from_signal(signal: Signal) -> Siginfo {
        Siginfo {
            signal,
            code: 0,
            errno: 0,
            pid: 0,
            uid: 0,
            value: 0,
            value_pointer: 0,
            timer_id: 0,
            overrun: 0,
            status: 0,
            user_ticks: 0,
            system_ticks: 0,
            address: 0,
            descriptor: 0,
            band: 0,
            syscall: 0,
            call_address: 0,
        }
    }

    /// The origin of the signal.
    pub fn origin(&self) -> SignalOrigin {
        match self.code {
            SI_USER | SI_TKILL => self.process_origin(None, true),
            SI_TIMER => SignalOrigin::Timer { id: self.timer_id, overrun: self.overrun, value: self.value },
            SI_QUEUE | SI_MESGQ => self.process_origin(Some(self.value), false),
            SI_SIGIO => SignalOrigin::Descriptor { descriptor: self.descriptor, band: self.band },
            SI_KERNEL => SignalOrigin::Kernel,
            code if code < 0 => self.process_origin(Some(self.value), false),
            code => self.signal_specific_origin(code),
        }
    }

    /// The origin according to a code whose meaning depends on the signal.
    fn signal_specific_origin(&self, code: i32) -> SignalOrigin {
        let name = Arch::NATIVE.standard_signal(self.signal).map_or("", |facts| facts.name);
        match (name, code) {
            ("CHLD", _) => SignalOrigin::Child { pid: self.pid, uid: self.uid, status: self.status },
            ("ILL" | "FPE" | "SEGV" | "BUS" | "TRAP" | "EMT", _) => {
                SignalOrigin::Fault { address: self.address }
            }
            ("SYS", _) => SignalOrigin::Syscall { number: self.syscall, address: self.call_address },
            ("IO", _) => SignalOrigin::Descriptor { descriptor: self.descriptor, band: self.band },
            // A signal that was set for a descriptor (F_SETSIG) has the codes of IO.
            (_, 1..=6) => SignalOrigin::Descriptor { descriptor: self.descriptor, band: self.band },
            _ => SignalOrigin::Kernel,
        }
    }

    /// Whether the kernel has set all fields: for kill(2) and tkill(2), and for its own
    /// codes, which are positive. Any other code can come from rt_sigqueueinfo(2). That
    /// includes the code of POSIX timers, which processes may set.
    pub fn is_verified(&self) -> bool {
        matches!(self.code, SI_USER | SI_TKILL) || self.code > 0
    }

    fn process_origin(&self, value: Option<i32>, verified: bool) -> SignalOrigin {
        match self.pid {
            0 => {
                let lost = self.signal.is_realtime() && self.code == SI_USER && self.uid == 0;
                SignalOrigin::OutsideNamespace { siginfo_lost: lost, value }
            }
            pid => SignalOrigin::Process { pid, uid: self.uid, value, verified },
        }
    }

    /// The reason for the signal as text: the code and the fields that belong to it.
    pub fn description(&self) -> String {
        let reason = match self.known_code() {
            Some(code) => code.description.to_owned(),
            None => format!("code {}", self.code),
        };
        let name = |number: i32| {
            let signal = u8::try_from(number).ok().and_then(|number| Arch::NATIVE.signal(number));
            signal.map_or_else(|| number.to_string(), |signal| Arch::NATIVE.signal_name(signal).to_string())
        };
        reason
            + &match self.origin() {
                SignalOrigin::Child { status, .. } if self.code == CLD_EXITED => {
                    format!(" with status {status}")
                }
                SignalOrigin::Child { status, .. } => format!(": {}", name(status)),
                SignalOrigin::Timer { overrun, .. } if overrun > 0 => {
                    format!(", and {overrun} times more meanwhile")
                }
                SignalOrigin::Fault { address } => format!(", at 0x{address:x}"),
                SignalOrigin::Syscall { number, address } => format!(": number {number}, at 0x{address:x}"),
                SignalOrigin::Descriptor { descriptor, .. } => format!(", descriptor {descriptor}"),
                _ => String::new(),
            }
    }

    /// The table entry of the code; `None` if there is none.
    pub fn known_code(&self) -> Option<&'static SiginfoCode> {
        let name = Arch::NATIVE.standard_signal(self.signal).map_or("", |facts| facts.name);
        let specific =
            si_code::CODES.iter().find(|code| code.value == self.code && code.signal == Some(name));
        // Any signal can be set for a descriptor, and then has the codes of IO.
        let io = || si_code::CODES.iter().find(|code| code.value == self.code && code.signal == Some("IO"));
        let any = || si_code::CODES.iter().find(|code| code.value == self.code && code.signal.is_none());
        specific
            .or_else(any)
            .or_else(|| io().filter(|_| matches!(self.origin(), SignalOrigin::Descriptor { .. })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(number: u8, code: i32) -> Siginfo {
        Siginfo {
            signal: Signal::new(number).unwrap(),
            code,
            errno: 0,
            pid: 7,
            uid: 1000,
            value: 5,
            value_pointer: 5,
            timer_id: 3,
            overrun: 2,
            status: 9,
            user_ticks: 0,
            system_ticks: 0,
            address: 0x10,
            descriptor: 4,
            band: 1,
            syscall: 59,
            call_address: 0x20,
        }
    }

    #[test]
    fn origin_depends_on_signal_and_code() {
        let process = |value, verified| SignalOrigin::Process { pid: 7, uid: 1000, value, verified };
        for (number, code, origin) in [
            (15, 0, process(None, true)),
            (15, -6, process(None, true)),
            (15, -1, process(Some(5), false)),
            (15, -3, process(Some(5), false)),
            (15, -60, process(Some(5), false)),
            (15, -2, SignalOrigin::Timer { id: 3, overrun: 2, value: 5 }),
            (15, 128, SignalOrigin::Kernel),
            (17, 1, SignalOrigin::Child { pid: 7, uid: 1000, status: 9 }),
            (17, 0, process(None, true)),
            (17, -1, process(Some(5), false)),
            (11, 1, SignalOrigin::Fault { address: 0x10 }),
            (11, 0, process(None, true)),
            (31, 1, SignalOrigin::Syscall { number: 59, address: 0x20 }),
            (29, 1, SignalOrigin::Descriptor { descriptor: 4, band: 1 }),
            (40, 1, SignalOrigin::Descriptor { descriptor: 4, band: 1 }),
            (29, -5, SignalOrigin::Descriptor { descriptor: 4, band: 1 }),
            (40, 0, process(None, true)),
        ] {
            assert_eq!(info(number, code).origin(), origin, "{number} {code}");
        }
    }

    #[test]
    fn pid_zero_is_outside_namespace_or_lost_siginfo() {
        let origin = |number, uid| Siginfo { pid: 0, uid, ..info(number, 0) }.origin();
        assert_eq!(origin(15, 0), SignalOrigin::OutsideNamespace { siginfo_lost: false, value: None });
        assert_eq!(origin(40, 0), SignalOrigin::OutsideNamespace { siginfo_lost: true, value: None });
        assert_eq!(origin(40, 65534), SignalOrigin::OutsideNamespace { siginfo_lost: false, value: None });
    }

    #[test]
    fn forgeable_codes_are_unverified() {
        for (code, verified) in [
            (0, true),
            (-6, true),
            (128, true),
            (1, true),
            (-1, false),
            (-2, false),
            (-5, false),
            (-60, false),
        ] {
            assert_eq!(info(40, code).is_verified(), verified, "{code}");
        }
    }

    #[test]
    fn known_code_finds_names() {
        let name = |number, code| info(number, code).known_code().map(|code| code.name);
        assert_eq!(name(15, 0), Some("SI_USER"));
        assert_eq!(name(17, 1), Some("CLD_EXITED"));
        assert_eq!(name(17, -1), Some("SI_QUEUE"));
        assert_eq!(name(40, 1), Some("POLL_IN"));
        assert_eq!(name(15, -99), None);
    }
}
