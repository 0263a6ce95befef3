//! What the kernel tells beside a signal: siginfo_t, as plain values.
//!
//! Which of its fields mean anything depends on the signal and the code
//! together (sigaction(2)); [`Siginfo::origin`] chooses.

use super::si_code::{self, SiginfoCode};
use super::{Arch, Signal};

// si_code values that decide which fields are set (uapi asm-generic/siginfo.h).

/// That of kill(2).
pub const SI_USER: i32 = 0;
/// That of what the kernel sends, with nothing more to tell.
pub const SI_KERNEL: i32 = 128;
const SI_QUEUE: i32 = -1;
const SI_TIMER: i32 = -2;
const SI_MESGQ: i32 = -3;
const SI_SIGIO: i32 = -5;
const SI_TKILL: i32 = -6;
/// Of a child that exited; its status is a number then, else a signal.
const CLD_EXITED: i32 = 1;

/// A signal that was received, with all that signalfd(2) tells of it.
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
    /// si_int, of the value.
    pub value: i32,
    /// si_ptr, of the value.
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

/// A pending signal, as it waits in a queue. What it tells of its sender is
/// *claimed*: a process may forge any code to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedSignal {
    /// What was queued with it; process numbers are those of the target's pid
    /// namespace.
    pub siginfo: Siginfo,
    /// The thread it is pending for; `None` for the process.
    pub tid: Option<u32>,
}

/// Where a signal came from, with the fields that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOrigin {
    /// A process sent it.
    Process {
        /// Its number in our pid namespace.
        pid: u32,
        /// Its real user.
        uid: u32,
        /// The value it was queued with.
        value: Option<i32>,
        /// Whether the kernel filled pid and uid in itself; else the sender
        /// chose them (rt_sigqueueinfo(2)).
        verified: bool,
    },
    /// A process outside our pid namespace, or the kernel in its name: pid 0.
    OutsideNamespace {
        /// Whether the siginfo was lost, which only a real-time signal tells:
        /// the queue was full.
        siginfo_lost: bool,
        /// The value it was queued with.
        value: Option<i32>,
    },
    /// A child ended, stopped or continued.
    Child {
        /// The child.
        pid: u32,
        /// Its real user.
        uid: u32,
        /// Its exit status, or the signal.
        status: i32,
    },
    /// A POSIX timer expired.
    Timer {
        /// The kernel's number of it.
        id: u32,
        /// How often more it has expired meanwhile.
        overrun: u32,
        /// The value it was made with.
        value: i32,
    },
    /// Input or output is possible.
    Descriptor {
        /// The descriptor.
        descriptor: i32,
        /// The events, as poll(2) has them.
        band: u32,
    },
    /// An instruction's fault at an address.
    Fault {
        /// The address.
        address: u64,
    },
    /// A system call that is not allowed.
    Syscall {
        /// Its number.
        number: i32,
        /// Where it was called.
        address: u64,
    },
    /// The kernel, with nothing more to tell.
    Kernel,
}

/// Which fields of the kernel's union are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiginfoLayout {
    /// Process, user and value.
    Sender,
    /// Timer, overrun and value.
    Timer,
    /// Child, user, status and times.
    Child,
    /// An address.
    Fault,
    /// Events and a descriptor.
    Descriptor,
    /// An address and a number.
    Syscall,
}

impl Siginfo {
    /// The fields that signal and code, which must be there, go with.
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

    /// A signal of which nothing else is known.
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

    /// Where it came from.
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

    /// Where a signal came from whose code means something else with each.
    fn signal_specific_origin(&self, code: i32) -> SignalOrigin {
        let name = Arch::NATIVE.standard_signal(self.signal).map_or("", |facts| facts.name);
        match (name, code) {
            ("CHLD", _) => SignalOrigin::Child { pid: self.pid, uid: self.uid, status: self.status },
            ("ILL" | "FPE" | "SEGV" | "BUS" | "TRAP" | "EMT", _) => {
                SignalOrigin::Fault { address: self.address }
            }
            ("SYS", _) => SignalOrigin::Syscall { number: self.syscall, address: self.call_address },
            ("IO", _) => SignalOrigin::Descriptor { descriptor: self.descriptor, band: self.band },
            // A descriptor's own signal (F_SETSIG) has the codes of IO.
            (_, 1..=6) => SignalOrigin::Descriptor { descriptor: self.descriptor, band: self.band },
            _ => SignalOrigin::Kernel,
        }
    }

    /// Whether the kernel vouches for all of it: it fills in the codes of kill(2)
    /// and tkill(2), and its own, which are positive. Any other can come from
    /// rt_sigqueueinfo(2), and a POSIX timer, whose code it lets others claim,
    /// does not outlive an execve(2).
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

    /// Why it was generated, in words: its code, and what that goes with.
    pub fn description(&self) -> String {
        let words = match self.known_code() {
            Some(code) => code.description.to_owned(),
            None => format!("unknown si_code {}", self.code),
        };
        let name = |number: i32| {
            let signal = u8::try_from(number).ok().and_then(|number| Arch::NATIVE.signal(number));
            signal.map_or_else(|| number.to_string(), |signal| Arch::NATIVE.signal_name(signal).to_string())
        };
        words
            + &match self.origin() {
                SignalOrigin::Child { status, .. } if self.code == CLD_EXITED => {
                    format!(" with status {status}")
                }
                SignalOrigin::Child { status, .. } => format!(" ({})", name(status)),
                SignalOrigin::Timer { overrun, .. } if overrun > 0 => {
                    format!(" (overrun count {overrun})")
                }
                SignalOrigin::Fault { address } => format!(" (address 0x{address:x})"),
                SignalOrigin::Syscall { number, address } => {
                    format!(" (system call {number}, address 0x{address:x})")
                }
                SignalOrigin::Descriptor { descriptor, .. } => format!(" (descriptor {descriptor})"),
                _ => String::new(),
            }
    }

    /// What is known of its code; `None` for a code that no table has.
    pub fn known_code(&self) -> Option<&'static SiginfoCode> {
        let name = Arch::NATIVE.standard_signal(self.signal).map_or("", |facts| facts.name);
        let own = si_code::CODES.iter().find(|code| code.value == self.code && code.signal == Some(name));
        // Codes of IO come with any signal that a descriptor was given.
        let io = || si_code::CODES.iter().find(|code| code.value == self.code && code.signal == Some("IO"));
        let any = || si_code::CODES.iter().find(|code| code.value == self.code && code.signal.is_none());
        own.or_else(any).or_else(|| io().filter(|_| matches!(self.origin(), SignalOrigin::Descriptor { .. })))
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
        let nobody = |number, uid| Siginfo { pid: 0, uid, ..info(number, 0) }.origin();
        assert_eq!(nobody(15, 0), SignalOrigin::OutsideNamespace { siginfo_lost: false, value: None });
        assert_eq!(nobody(40, 0), SignalOrigin::OutsideNamespace { siginfo_lost: true, value: None });
        assert_eq!(nobody(40, 65534), SignalOrigin::OutsideNamespace { siginfo_lost: false, value: None });
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
