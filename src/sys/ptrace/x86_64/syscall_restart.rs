//! Effects of a stop on the system call in which a thread sleeps, and the restart
//! of interrupted calls.
//!
//! The kernel itself restarts most calls. Until the thread continues, their result
//! is an internal number (-512 to -516); timeouts then continue with the remaining
//! time. Some calls return EINTR instead (signal(7), "Interruption of system calls
//! by stop signals"). This module restarts those, with their full timeout if it is
//! relative.
//!
//! If system calls are filtered (seccomp(2)), this module also restarts some of the
//! others. The kernel would use restart_syscall(2), which a filter may forbid by
//! killing the process.
//!
//! One effect cannot be repaired: a call that did a part of its work (write(2) to a
//! full pipe, recv(2) with MSG_WAITALL) returns the partial result, as after any
//! signal. The plan therefore prefers other threads.

use std::ffi::c_long;

use super::tracee::{Registers, Tracee, USER_CS};

/// io_pgetevents(2), which libc lacks.
const SYS_IO_PGETEVENTS: c_long = 333;

/// System calls of x86-64 that return EINTR only if they have done nothing, so that
/// they can be restarted. Others that return EINTR cannot: close(2) has already
/// closed its descriptor.
const RETRYABLE_AFTER_EINTR: [c_long; 26] = [
    libc::SYS_read,  // a socket with SO_RCVTIMEO
    libc::SYS_write, // one with SO_SNDTIMEO
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_semop,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_io_getevents,
    libc::SYS_semtimedop,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_accept4,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    SYS_IO_PGETEVENTS,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_io_uring_enter,
    libc::SYS_epoll_pwait2,
];

/// System calls of x86-64 that the kernel always restarts with the remaining time,
/// and that do no part of their work before they sleep.
const RESTARTED_BY_KERNEL: [c_long; 14] = [
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_pause,
    libc::SYS_nanosleep,
    libc::SYS_wait4,
    libc::SYS_msgrcv,
    libc::SYS_flock,
    libc::SYS_rt_sigsuspend,
    libc::SYS_futex,
    libc::SYS_restart_syscall,
    libc::SYS_clock_nanosleep,
    libc::SYS_waitid,
    libc::SYS_pselect6,
    libc::SYS_ppoll,
];

/// System calls of [`RESTARTED_BY_KERNEL`] that continue by restart_syscall(2) if
/// they have a timeout: poll, nanosleep, futex, clock_nanosleep.
const RESUMED_BY_RESTART_SYSCALL: [c_long; 4] =
    [libc::SYS_poll, libc::SYS_nanosleep, libc::SYS_futex, libc::SYS_clock_nanosleep];
/// Internal result of a call that continues by restart_syscall(2)
/// (include/linux/errno.h).
const ERESTART_RESTARTBLOCK: i64 = -516;

/// System calls of x86-64 that return the amount written or read so far.
const PARTIAL_RESULT: [c_long; 14] = [
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_sendfile,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_getrandom,
];

/// The system call of a thread, from /proc/PID/task/TID/syscall
/// (proc_pid_syscall(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CurrentSyscall {
    /// The thread runs its own code, or its call is unknown.
    Unknown,
    /// The thread sleeps in the system call with this number.
    Call(c_long),
}

impl CurrentSyscall {
    pub(super) fn parse(text: &[u8]) -> CurrentSyscall {
        let field = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        match std::str::from_utf8(field).ok().and_then(|digits| digits.parse().ok()) {
            Some(number @ 0..) => CurrentSyscall::Call(number),
            _ => CurrentSyscall::Unknown,
        }
    }

    /// Returns how much a stop disturbs the thread; lower is better. `is_filtered`:
    /// seccomp(2) filters its system calls.
    pub(super) fn disturbance(self, is_filtered: bool) -> u8 {
        match self {
            CurrentSyscall::Call(number) if is_filtered && RESUMED_BY_RESTART_SYSCALL.contains(&number) => 3,
            CurrentSyscall::Call(number) if RESTARTED_BY_KERNEL.contains(&number) => 0,
            CurrentSyscall::Unknown => 1,
            CurrentSyscall::Call(number) if PARTIAL_RESULT.contains(&number) => 4,
            CurrentSyscall::Call(number) if RETRYABLE_AFTER_EINTR.contains(&number) => 3,
            CurrentSyscall::Call(_) => 2,
        }
    }
}

/// The lowest [`CurrentSyscall::disturbance`].
pub(super) const MIN_DISTURBANCE: u8 = 0;

/// Signal sets that decide whether a pending signal interrupts a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadSignals {
    pub(super) pending: u64,
    pub(super) blocked: u64,
    pub(super) ignored: u64,
    pub(super) caught: u64,
    /// Whether seccomp(2) filters the system calls of the thread.
    pub(super) is_filtered: bool,
}

/// Signals that are ignored by default (signal(7)). The kernel queues them for a
/// traced thread, which they interrupt; without a tracer it discards them.
const IGNORED_BY_DEFAULT: u64 =
    bit(libc::SIGCHLD) | bit(libc::SIGCONT) | bit(libc::SIGURG) | bit(libc::SIGWINCH);

pub(super) const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

impl ThreadSignals {
    /// Signals that have no effect when they are delivered.
    fn without_effect(self) -> u64 {
        self.ignored | (IGNORED_BY_DEFAULT & !self.caught)
    }

    /// Whether a pending signal interrupts the thread even without a tracer.
    fn interrupt_untraced(self) -> bool {
        self.pending & !self.blocked & !self.without_effect() != 0
    }
}

/// Whether the thread is about to return EINTR from a call that can be restarted.
pub(super) fn is_interrupted(registers: &Registers) -> bool {
    // After an entry that is not a system call, and after rt_sigreturn(2), orig_rax
    // is negative.
    registers.rax.cast_signed() == -i64::from(libc::EINTR)
        && RETRYABLE_AFTER_EINTR.contains(&registers.orig_rax.cast_signed())
}

/// Whether the thread is about to continue by restart_syscall(2). If it did so
/// before, no filter forbids it.
fn is_resumed_by_restart_syscall(registers: &Registers) -> bool {
    registers.rax.cast_signed() == ERESTART_RESTARTBLOCK
        && registers.orig_rax.cast_signed() != libc::SYS_restart_syscall
}

/// Returns the registers that restart the call; the `syscall` instruction is two
/// bytes long. `None` if the call was not interrupted, if a signal with an effect
/// interrupted it (it must return EINTR then), or if the kernel restarts it.
/// `may_be_filtered`: seccomp(2) may filter the system calls.
pub(super) fn restarted_registers(
    registers: &Registers,
    may_be_filtered: bool,
    signals: impl FnOnce() -> Option<ThreadSignals>,
) -> Option<Registers> {
    // The numbers above are those of 64-bit code.
    if registers.cs != USER_CS {
        return None;
    }
    let is_interrupted = is_interrupted(registers);
    if !(is_interrupted || may_be_filtered && is_resumed_by_restart_syscall(registers)) {
        return None;
    }
    let signals = signals()?;
    if signals.interrupt_untraced() || !(is_interrupted || signals.is_filtered) {
        return None;
    }
    let number = registers.orig_rax;
    // With -1 in orig_rax, the kernel itself does not restart a call.
    Some(Registers { rip: registers.rip - 2, rax: number, orig_rax: u64::MAX, ..*registers })
}

/// Restarts the interrupted call of a stopped thread, if necessary.
pub(super) fn restart(
    tracee: Tracee,
    may_be_filtered: bool,
    signals: impl FnOnce() -> Option<ThreadSignals>,
) {
    let Ok(registers) = tracee.registers() else { return };
    if let Some(registers) = restarted_registers(&registers, may_be_filtered, signals) {
        let _ = tracee.set_registers(&registers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers(rax: i64, syscall: i64) -> Registers {
        // SAFETY: a user_regs_struct is plain numbers.
        let zeroes = unsafe { std::mem::zeroed::<Registers>() };
        let (rax, orig_rax) = (rax.cast_unsigned(), syscall.cast_unsigned());
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
        let restarted =
            restarted_registers(&registers(-516, 35), true, || filtered(bit(1))).expect("nanosleep");
        assert_eq!((restarted.rip, restarted.rax, restarted.orig_rax), (0x1000, 35, u64::MAX));
        assert!(
            restarted_registers(&registers(-516, 35), true, || filtered(bit(10))).is_none(),
            "a handler runs"
        );
        assert!(
            restarted_registers(&registers(-516, 219), true, || filtered(0)).is_none(),
            "no filter forbids it"
        );
        assert!(
            restarted_registers(&registers(-516, 35), true, || signals(0)).is_none(),
            "it is not filtered"
        );
        assert!(restarted_registers(&registers(-516, 35), false, || panic!("the status is read")).is_none());
        let nanosleep = CurrentSyscall::parse(b"35 0x1");
        assert!(nanosleep.disturbance(true) > nanosleep.disturbance(false));
    }

    #[test]
    fn interrupted_call_is_restarted() {
        let restarted = restarted_registers(&registers(-4, 232), false, || signals(0)).expect("epoll_wait");
        assert_eq!((restarted.rip, restarted.rax, restarted.orig_rax), (0x1000, 232, u64::MAX));
    }

    #[test]
    fn call_of_32_bit_code_is_not_restarted() {
        let registers = Registers { cs: 0x23, ..registers(-4, 232) };
        assert!(restarted_registers(&registers, false, || signals(0)).is_none());
    }

    #[test]
    fn uninterrupted_call_is_left_alone() {
        for registers in [
            registers(0, 232),
            registers(-514, 34),
            registers(-516, 230),
            registers(-4, -1),
            registers(-11, 45),
            registers(-4, 3),
        ] {
            assert!(restarted_registers(&registers, false, || signals(0)).is_none(), "{registers:?}");
        }
    }

    #[test]
    fn effective_signal_prevents_restart() {
        // Caught, fatal, and caught although ignored by default.
        for signal in [10, 2, 18] {
            assert!(
                restarted_registers(&registers(-4, 65), false, || signals(bit(signal))).is_none(),
                "{signal}"
            );
        }
        // Blocked, ignored, and ignored by default.
        for signal in [15, 1, 17, 28] {
            assert!(
                restarted_registers(&registers(-4, 65), false, || signals(bit(signal))).is_some(),
                "{signal}"
            );
        }
        assert!(restarted_registers(&registers(-4, 65), false, || None).is_none());
    }

    #[test]
    fn disturbance_orders_system_calls() {
        let disturbance = |text: &[u8]| CurrentSyscall::parse(text).disturbance(false);
        assert_eq!(disturbance(b"202 0x7f 0x0\n"), MIN_DISTURBANCE);
        let ascending = [&b"202 0x1"[..], b"running", b"16 0x1", b"232 0x1", b"1 0x1"].map(disturbance);
        assert!(ascending.is_sorted_by(|a, b| a < b), "{ascending:?}");
        assert_eq!(disturbance(b"-1 0x7f 0x7e"), disturbance(b"running"));
    }
}
