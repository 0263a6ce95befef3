//! The values of si_code, which report why a signal was generated.
//!
//! The numbers are from uapi asm-generic/siginfo.h. Codes of one signal are positive;
//! those of any signal are 0, negative, or 128.

use super::{Arch, Signal, name};

/// A value of si_code.
#[derive(Debug)]
pub struct SiginfoCode {
    /// The signal of the code; `None` if any signal can have it.
    pub signal: Option<&'static str>,
    /// The value of si_code.
    pub value: i32,
    /// The name of the constant in signal.h.
    pub name: &'static str,
    /// The reason for the signal.
    pub description: &'static str,
}

const fn entry(
    signal: Option<&'static str>,
    value: i32,
    name: &'static str,
    description: &'static str,
) -> SiginfoCode {
    SiginfoCode { signal, value, name, description }
}

/// All codes, those of any signal first.
#[rustfmt::skip]
pub const CODES: &[SiginfoCode] = &[
    entry(None, 0, "SI_USER", "sent by kill(2)"),
    entry(None, 128, "SI_KERNEL", "sent by the kernel"),
    entry(None, -1, "SI_QUEUE", "sent by sigqueue(3), with a value"),
    entry(None, -2, "SI_TIMER", "a POSIX timer expired"),
    entry(None, -3, "SI_MESGQ", "a POSIX message queue is no longer empty"),
    entry(None, -4, "SI_ASYNCIO", "an asynchronous request of aio(7) completed"),
    entry(None, -5, "SI_SIGIO", "queued SIGIO (used by old kernels)"),
    entry(None, -6, "SI_TKILL", "sent to one thread by tkill(2) or tgkill(2)"),
    entry(None, -7, "SI_DETHREAD", "sent by execve(2) to end the other threads"),
    entry(None, -60, "SI_ASYNCNL", "an asynchronous name look-up completed"),
    entry(Some("ILL"), 1, "ILL_ILLOPC", "illegal opcode"),
    entry(Some("ILL"), 2, "ILL_ILLOPN", "illegal operand"),
    entry(Some("ILL"), 3, "ILL_ILLADR", "illegal addressing mode"),
    entry(Some("ILL"), 4, "ILL_ILLTRP", "illegal trap"),
    entry(Some("ILL"), 5, "ILL_PRVOPC", "privileged opcode"),
    entry(Some("ILL"), 6, "ILL_PRVREG", "privileged register"),
    entry(Some("ILL"), 7, "ILL_COPROC", "coprocessor error"),
    entry(Some("ILL"), 8, "ILL_BADSTK", "internal stack error"),
    entry(Some("ILL"), 9, "ILL_BADIADDR", "unimplemented instruction address"),
    entry(Some("FPE"), 1, "FPE_INTDIV", "integer division by zero"),
    entry(Some("FPE"), 2, "FPE_INTOVF", "integer overflow"),
    entry(Some("FPE"), 3, "FPE_FLTDIV", "floating-point division by zero"),
    entry(Some("FPE"), 4, "FPE_FLTOVF", "floating-point overflow"),
    entry(Some("FPE"), 5, "FPE_FLTUND", "floating-point underflow"),
    entry(Some("FPE"), 6, "FPE_FLTRES", "inexact floating-point result"),
    entry(Some("FPE"), 7, "FPE_FLTINV", "invalid floating-point operation"),
    entry(Some("FPE"), 8, "FPE_FLTSUB", "subscript out of range"),
    entry(Some("FPE"), 14, "FPE_FLTUNK", "floating-point exception of unknown kind"),
    entry(Some("FPE"), 15, "FPE_CONDTRAP", "trap on a condition"),
    entry(Some("SEGV"), 1, "SEGV_MAPERR", "nothing is mapped at the address"),
    entry(Some("SEGV"), 2, "SEGV_ACCERR", "the mapping does not allow the access"),
    entry(Some("SEGV"), 3, "SEGV_BNDERR", "a bounds check failed"),
    entry(Some("SEGV"), 4, "SEGV_PKUERR", "a memory protection key forbids the access"),
    entry(Some("SEGV"), 5, "SEGV_ACCADI", "ADI is not enabled for the address (sparc)"),
    entry(Some("SEGV"), 6, "SEGV_ADIDERR", "ADI version mismatch, reported late (sparc)"),
    entry(Some("SEGV"), 7, "SEGV_ADIPERR", "ADI version mismatch, reported exactly (sparc)"),
    entry(Some("SEGV"), 8, "SEGV_MTEAERR", "memory tag mismatch, reported late (arm)"),
    entry(Some("SEGV"), 9, "SEGV_MTESERR", "memory tag mismatch, reported exactly (arm)"),
    entry(Some("SEGV"), 10, "SEGV_CPERR", "control-flow protection fault"),
    entry(Some("BUS"), 1, "BUS_ADRALN", "misaligned address"),
    entry(Some("BUS"), 2, "BUS_ADRERR", "no memory behind the address (past the end of a mapped file)"),
    entry(Some("BUS"), 3, "BUS_OBJERR", "hardware error of the object behind the address"),
    entry(Some("BUS"), 4, "BUS_MCEERR_AR", "hardware memory error in data that was used: action required"),
    entry(Some("BUS"), 5, "BUS_MCEERR_AO", "hardware memory error found before use: action optional"),
    entry(Some("TRAP"), 1, "TRAP_BRKPT", "breakpoint"),
    entry(Some("TRAP"), 2, "TRAP_TRACE", "single step"),
    entry(Some("TRAP"), 3, "TRAP_BRANCH", "branch traced"),
    entry(Some("TRAP"), 4, "TRAP_HWBKPT", "hardware breakpoint or watchpoint"),
    entry(Some("TRAP"), 5, "TRAP_UNK", "trap of unknown kind"),
    entry(Some("TRAP"), 6, "TRAP_PERF", "a perf event with a signal"),
    entry(Some("CHLD"), 1, "CLD_EXITED", "the child exited"),
    entry(Some("CHLD"), 2, "CLD_KILLED", "a signal ended the child"),
    entry(Some("CHLD"), 3, "CLD_DUMPED", "a signal ended the child, with a core dump"),
    entry(Some("CHLD"), 4, "CLD_TRAPPED", "the traced child has a trap"),
    entry(Some("CHLD"), 5, "CLD_STOPPED", "the child stopped"),
    entry(Some("CHLD"), 6, "CLD_CONTINUED", "the stopped child continued"),
    entry(Some("IO"), 1, "POLL_IN", "data to read"),
    entry(Some("IO"), 2, "POLL_OUT", "room to write"),
    entry(Some("IO"), 3, "POLL_MSG", "a message to read"),
    entry(Some("IO"), 4, "POLL_ERR", "input or output error"),
    entry(Some("IO"), 5, "POLL_PRI", "data of high priority to read"),
    entry(Some("IO"), 6, "POLL_HUP", "the other end hung up"),
    entry(Some("SYS"), 1, "SYS_SECCOMP", "trapped by a seccomp filter"),
    entry(Some("SYS"), 2, "SYS_USER_DISPATCH", "system call user dispatch"),
    entry(Some("EMT"), 1, "EMT_TAGOVF", "tag overflow (sparc)"),
];

/// The codes that only this signal can have.
pub fn codes_for_signal(signal: Signal, arch: Arch) -> impl Iterator<Item = &'static SiginfoCode> {
    CODES.iter().filter(move |code| code.signal.is_some_and(|name| name::parse(name, arch) == Ok(signal)))
}

/// The codes that any signal can have.
pub fn codes_for_any_signal() -> impl Iterator<Item = &'static SiginfoCode> {
    CODES.iter().filter(|code| code.signal.is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut seen = HashSet::new();
        let mut names = HashSet::new();
        for code in CODES {
            assert!(seen.insert((code.signal, code.value)), "{}", code.name);
            assert!(names.insert(code.name), "{}", code.name);
        }
    }

    #[test]
    fn signal_specific_codes_are_positive() {
        for code in CODES {
            assert_eq!(code.signal.is_some(), (1..128).contains(&code.value), "{}", code.name);
        }
    }

    #[test]
    fn codes_for_signal_returns_its_codes() {
        let count = |text: &str| {
            name::parse(text, Arch::Common).map_or(0, |signal| codes_for_signal(signal, Arch::Common).count())
        };
        assert_eq!(count("SEGV"), 10);
        assert_eq!(count("CHLD"), 6);
        assert_eq!(count("POLL"), 6);
        assert_eq!(count("TERM"), 0);
        assert_eq!(codes_for_any_signal().count(), 10);
    }
}
