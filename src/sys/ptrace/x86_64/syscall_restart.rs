//! What stopping a thread does to the system call that it sleeps in.
//!
//! Most calls are begun again by the kernel itself, which leaves one of its own
//! numbers (-512 to -516) as their result until the thread goes on; timeouts
//! then go on from where they were. Some return EINTR instead, as signal(7)
//! says under "Interruption of system calls by stop signals": those are begun
//! again here, with the whole of their timeout where it is a relative one.
//!
//! Where system calls are filtered (seccomp(2)), some of the others are begun
//! again here, too: the kernel would go on by restart_syscall(2), which a filter
//! may forbid, and end the process for.
//!
//! What cannot be mended: a call that has done a part of its work (write(2) to
//! a full pipe, recv(2) with MSG_WAITALL) returns with that part, as it may
//! whenever a signal comes. Another thread is chosen wherever there is one.

use super::inject_sigaction::USER_CS;
use super::tracee::{Registers, Tracee};

/// Calls of x86-64 that return EINTR where nothing has been done yet, so that
/// they may be begun again. Others that can return it may not: close(2) has
/// closed its descriptor by then.
const RETRYABLE_AFTER_EINTR: [u64; 26] = [
    0,   // read: a socket with SO_RCVTIMEO
    1,   // write: one with SO_SNDTIMEO
    19,  // readv
    20,  // writev
    42,  // connect
    43,  // accept
    44,  // sendto
    45,  // recvfrom
    46,  // sendmsg
    47,  // recvmsg
    65,  // semop
    128, // rt_sigtimedwait
    208, // io_getevents
    220, // semtimedop
    232, // epoll_wait
    281, // epoll_pwait
    288, // accept4
    299, // recvmmsg
    307, // sendmmsg
    327, // preadv2
    328, // pwritev2
    333, // io_pgetevents
    295, // preadv
    296, // pwritev
    426, // io_uring_enter
    441, // epoll_pwait2
];

/// Calls of x86-64 that the kernel always begins again with what is left of
/// their time, and that do no part of their work before they sleep.
const RESTARTED_BY_KERNEL: [u64; 14] = [
    7,   // poll
    23,  // select
    34,  // pause
    35,  // nanosleep
    61,  // wait4
    71,  // msgrcv
    73,  // flock
    130, // rt_sigsuspend
    202, // futex
    219, // restart_syscall
    230, // clock_nanosleep
    247, // waitid
    270, // pselect6
    271, // ppoll
];

/// Those among them that go on by restart_syscall(2) where they have a timeout:
/// poll, nanosleep, futex, clock_nanosleep.
const RESUMED_BY_RESTART_SYSCALL: [u64; 4] = [7, 35, 202, 230];
const RESTART_SYSCALL: u64 = 219;
/// What stands for the result of a call that goes on so, ERESTART_RESTARTBLOCK
/// (include/linux/errno.h).
const ERESTART_RESTARTBLOCK: i64 = -516;

/// Calls of x86-64 that return what they have written, or got, so far.
const PARTIAL_RESULT: [u64; 14] = [1, 18, 20, 40, 44, 45, 46, 47, 275, 276, 278, 299, 307, 318];

/// Where a thread is, as /proc/PID/task/TID/syscall tells (proc_pid_syscall(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CurrentSyscall {
    /// In its own code, or not to be known.
    Unknown,
    /// It sleeps in the call of this number.
    Call(u64),
}

impl CurrentSyscall {
    pub(super) fn parse(text: &[u8]) -> CurrentSyscall {
        let word = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        match std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()) {
            Some(number) => CurrentSyscall::Call(number),
            None => CurrentSyscall::Unknown,
        }
    }

    /// How much is disturbed where it is stopped: the less the better. `filters`:
    /// whether its system calls are filtered.
    pub(super) fn disturbance(self, filters: bool) -> u8 {
        match self {
            CurrentSyscall::Call(number) if filters && RESUMED_BY_RESTART_SYSCALL.contains(&number) => 3,
            CurrentSyscall::Call(number) if RESTARTED_BY_KERNEL.contains(&number) => 0,
            CurrentSyscall::Unknown => 1,
            CurrentSyscall::Call(number) if PARTIAL_RESULT.contains(&number) => 4,
            CurrentSyscall::Call(number) if RETRYABLE_AFTER_EINTR.contains(&number) => 3,
            CurrentSyscall::Call(_) => 2,
        }
    }
}

/// The least that a thread can cost.
pub(super) const MIN_DISTURBANCE: u8 = 0;

/// What decides whether a thread is interrupted by a signal of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadSignals {
    pub(super) pending: u64,
    pub(super) blocked: u64,
    pub(super) ignored: u64,
    pub(super) caught: u64,
    /// Whether its system calls are filtered.
    pub(super) is_filtered: bool,
}

/// Signals whose default action is none (signal(7)). They are queued for a
/// traced thread and interrupt it, which they would not do else.
const IGNORED_BY_DEFAULT: u64 =
    bit(libc::SIGCHLD) | bit(libc::SIGCONT) | bit(libc::SIGURG) | bit(libc::SIGWINCH);

pub(super) const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

impl ThreadSignals {
    /// Those among them that do nothing once they are delivered.
    fn ineffective(self) -> u64 {
        self.ignored | (IGNORED_BY_DEFAULT & !self.caught)
    }

    /// Whether one waits that interrupts the thread by itself.
    fn interrupts(self) -> bool {
        self.pending & !self.blocked & !self.ineffective() != 0
    }
}

/// Whether the thread is about to see EINTR of a call that may be begun again.
pub(super) fn is_interrupted(registers: &Registers) -> bool {
    // From anything but a system call the kernel is entered with a negative
    // number in orig_rax; so is rt_sigreturn(2) left.
    registers.rax.cast_signed() == -i64::from(libc::EINTR)
        && RETRYABLE_AFTER_EINTR.contains(&registers.orig_rax)
}

/// Whether the thread is about to go on by restart_syscall(2). Where it has done
/// so before, no filter forbids it.
fn is_resumed_by_restart_syscall(registers: &Registers) -> bool {
    registers.rax.cast_signed() == ERESTART_RESTARTBLOCK && registers.orig_rax != RESTART_SYSCALL
}

/// The registers with which the call is begun again: `syscall` is two bytes
/// long. `None` where it was not interrupted, or by a signal that has an effect
/// of its own, which must not be lost; or where it goes on by itself. `filters`:
/// whether system calls may be filtered.
pub(super) fn restarted_registers(
    registers: &Registers,
    filters: bool,
    signals: impl FnOnce() -> Option<ThreadSignals>,
) -> Option<Registers> {
    // The numbers above are those of 64-bit code.
    if registers.cs != USER_CS {
        return None;
    }
    let is_interrupted = is_interrupted(registers);
    if !(is_interrupted || filters && is_resumed_by_restart_syscall(registers)) {
        return None;
    }
    let signals = signals()?;
    if signals.interrupts() || !(is_interrupted || signals.is_filtered) {
        return None;
    }
    let number = registers.orig_rax;
    // No call is left any more that the kernel would look at once more.
    Some(Registers { rip: registers.rip - 2, rax: number, orig_rax: u64::MAX, ..*registers })
}

/// Sets them, if need be, in a thread that stands still.
pub(super) fn restart(tracee: Tracee, filters: bool, signals: impl FnOnce() -> Option<ThreadSignals>) {
    let Ok(registers) = tracee.registers() else { return };
    if let Some(registers) = restarted_registers(&registers, filters, signals) {
        let _ = tracee.set_registers(&registers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rax: i64, call: i64) -> Registers {
        // SAFETY: a user_regs_struct is plain numbers.
        let zeroes = unsafe { std::mem::zeroed::<Registers>() };
        let (rax, orig_rax) = (rax.cast_unsigned(), call.cast_unsigned());
        Registers { rip: 0x1002, rax, orig_rax, cs: USER_CS, ..zeroes }
    }

    fn signals(pending: u64) -> Option<ThreadSignals> {
        Some(ThreadSignals {
            pending,
            blocked: bit(15),
            ignored: bit(1),
            caught: bit(10) | bit(18),
            is_filtered: false,
        })
    }

    #[test]
    fn filtered_thread_avoids_restart_syscall() {
        let filtered = |pending| Some(ThreadSignals { is_filtered: true, ..signals(pending)? });
        let again = restarted_registers(&at(-516, 35), true, || filtered(bit(1))).expect("nanosleep");
        assert_eq!((again.rip, again.rax, again.orig_rax), (0x1000, 35, u64::MAX));
        assert!(restarted_registers(&at(-516, 35), true, || filtered(bit(10))).is_none(), "a handler runs");
        assert!(restarted_registers(&at(-516, 219), true, || filtered(0)).is_none(), "it is allowed");
        assert!(restarted_registers(&at(-516, 35), true, || signals(0)).is_none(), "it is not filtered");
        assert!(restarted_registers(&at(-516, 35), false, || panic!("nobody is asked")).is_none());
        let sleep = CurrentSyscall::parse(b"35 0x1");
        assert!(sleep.disturbance(true) > sleep.disturbance(false));
    }

    #[test]
    fn interrupted_call_is_restarted() {
        let again = restarted_registers(&at(-4, 232), false, || signals(0)).expect("epoll_wait");
        assert_eq!((again.rip, again.rax, again.orig_rax), (0x1000, 232, u64::MAX));
    }

    #[test]
    fn call_of_32_bit_code_is_not_restarted() {
        let registers = Registers { cs: 0x23, ..at(-4, 232) };
        assert!(restarted_registers(&registers, false, || signals(0)).is_none());
    }

    #[test]
    fn uninterrupted_call_is_left_alone() {
        for registers in [at(0, 232), at(-514, 34), at(-516, 230), at(-4, -1), at(-11, 45), at(-4, 3)] {
            assert!(restarted_registers(&registers, false, || signals(0)).is_none(), "{registers:?}");
        }
    }

    #[test]
    fn effective_signal_prevents_restart() {
        // Caught, to end it, caught although ignored by default.
        for signal in [10, 2, 18] {
            assert!(restarted_registers(&at(-4, 65), false, || signals(bit(signal))).is_none(), "{signal}");
        }
        // Blocked, ignored, ignored by default.
        for signal in [15, 1, 17, 28] {
            assert!(restarted_registers(&at(-4, 65), false, || signals(bit(signal))).is_some(), "{signal}");
        }
        assert!(restarted_registers(&at(-4, 65), false, || None).is_none());
    }

    #[test]
    fn disturbance_orders_system_calls() {
        let cost = |text: &[u8]| CurrentSyscall::parse(text).disturbance(false);
        assert_eq!(cost(b"202 0x7f 0x0\n"), MIN_DISTURBANCE);
        let costs = [&b"202 0x1"[..], b"running", b"16 0x1", b"232 0x1", b"1 0x1"].map(cost);
        assert!(costs.is_sorted_by(|less, more| less < more), "{costs:?}");
        assert_eq!(cost(b"-1 0x7f 0x7e"), cost(b"running"));
    }
}
