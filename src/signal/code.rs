//! The si_code values: why a signal was generated.
//!
//! Numbers from uapi asm-generic/siginfo.h. Codes of one signal are positive;
//! those that any signal can carry are 0, negative, or 128.

use super::{Arch, Signal, name};

/// One si_code value.
#[derive(Debug)]
pub struct Code {
    /// The signal it belongs to; `None` where any signal can carry it.
    pub signal: Option<&'static str>,
    /// The value of si_code.
    pub number: i32,
    /// The constant's name, as signal.h has it.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn code(signal: Option<&'static str>, number: i32, name: &'static str, meaning: &'static str) -> Code {
    Code { signal, number, name, meaning }
}

/// Every code, those of any signal first.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    code(None, 0, "SI_USER", "sent by kill(2)"),
    code(None, 128, "SI_KERNEL", "sent by the kernel"),
    code(None, -1, "SI_QUEUE", "sent by sigqueue(3), with a value"),
    code(None, -2, "SI_TIMER", "a POSIX timer expired"),
    code(None, -3, "SI_MESGQ", "a POSIX message queue is no longer empty"),
    code(None, -4, "SI_ASYNCIO", "an asynchronous request of aio(7) completed"),
    code(None, -5, "SI_SIGIO", "queued SIGIO (used by old kernels)"),
    code(None, -6, "SI_TKILL", "sent to one thread by tkill(2) or tgkill(2)"),
    code(None, -7, "SI_DETHREAD", "sent by execve(2) to end the other threads"),
    code(None, -60, "SI_ASYNCNL", "an asynchronous name look-up completed"),
    code(Some("ILL"), 1, "ILL_ILLOPC", "illegal opcode"),
    code(Some("ILL"), 2, "ILL_ILLOPN", "illegal operand"),
    code(Some("ILL"), 3, "ILL_ILLADR", "illegal addressing mode"),
    code(Some("ILL"), 4, "ILL_ILLTRP", "illegal trap"),
    code(Some("ILL"), 5, "ILL_PRVOPC", "privileged opcode"),
    code(Some("ILL"), 6, "ILL_PRVREG", "privileged register"),
    code(Some("ILL"), 7, "ILL_COPROC", "coprocessor error"),
    code(Some("ILL"), 8, "ILL_BADSTK", "internal stack error"),
    code(Some("ILL"), 9, "ILL_BADIADDR", "unimplemented instruction address"),
    code(Some("FPE"), 1, "FPE_INTDIV", "integer division by zero"),
    code(Some("FPE"), 2, "FPE_INTOVF", "integer overflow"),
    code(Some("FPE"), 3, "FPE_FLTDIV", "floating-point division by zero"),
    code(Some("FPE"), 4, "FPE_FLTOVF", "floating-point overflow"),
    code(Some("FPE"), 5, "FPE_FLTUND", "floating-point underflow"),
    code(Some("FPE"), 6, "FPE_FLTRES", "inexact floating-point result"),
    code(Some("FPE"), 7, "FPE_FLTINV", "invalid floating-point operation"),
    code(Some("FPE"), 8, "FPE_FLTSUB", "subscript out of range"),
    code(Some("FPE"), 14, "FPE_FLTUNK", "floating-point exception of unknown kind"),
    code(Some("FPE"), 15, "FPE_CONDTRAP", "trap on a condition"),
    code(Some("SEGV"), 1, "SEGV_MAPERR", "nothing is mapped at the address"),
    code(Some("SEGV"), 2, "SEGV_ACCERR", "the mapping does not allow the access"),
    code(Some("SEGV"), 3, "SEGV_BNDERR", "a bounds check failed"),
    code(Some("SEGV"), 4, "SEGV_PKUERR", "a memory protection key forbids the access"),
    code(Some("SEGV"), 5, "SEGV_ACCADI", "ADI is not enabled for the address (sparc)"),
    code(Some("SEGV"), 6, "SEGV_ADIDERR", "ADI version mismatch, reported late (sparc)"),
    code(Some("SEGV"), 7, "SEGV_ADIPERR", "ADI version mismatch, reported exactly (sparc)"),
    code(Some("SEGV"), 8, "SEGV_MTEAERR", "memory tag mismatch, reported late (arm)"),
    code(Some("SEGV"), 9, "SEGV_MTESERR", "memory tag mismatch, reported exactly (arm)"),
    code(Some("SEGV"), 10, "SEGV_CPERR", "control-flow protection fault"),
    code(Some("BUS"), 1, "BUS_ADRALN", "misaligned address"),
    code(Some("BUS"), 2, "BUS_ADRERR", "no memory behind the address (past the end of a mapped file)"),
    code(Some("BUS"), 3, "BUS_OBJERR", "hardware error of the object behind the address"),
    code(Some("BUS"), 4, "BUS_MCEERR_AR", "hardware memory error in data that was used: action required"),
    code(Some("BUS"), 5, "BUS_MCEERR_AO", "hardware memory error found before use: action optional"),
    code(Some("TRAP"), 1, "TRAP_BRKPT", "breakpoint"),
    code(Some("TRAP"), 2, "TRAP_TRACE", "single step"),
    code(Some("TRAP"), 3, "TRAP_BRANCH", "branch traced"),
    code(Some("TRAP"), 4, "TRAP_HWBKPT", "hardware breakpoint or watchpoint"),
    code(Some("TRAP"), 5, "TRAP_UNK", "trap of unknown kind"),
    code(Some("TRAP"), 6, "TRAP_PERF", "a perf event with a signal"),
    code(Some("CHLD"), 1, "CLD_EXITED", "the child exited"),
    code(Some("CHLD"), 2, "CLD_KILLED", "a signal ended the child"),
    code(Some("CHLD"), 3, "CLD_DUMPED", "a signal ended the child, with a core dump"),
    code(Some("CHLD"), 4, "CLD_TRAPPED", "the traced child has a trap"),
    code(Some("CHLD"), 5, "CLD_STOPPED", "the child stopped"),
    code(Some("CHLD"), 6, "CLD_CONTINUED", "the stopped child continued"),
    code(Some("IO"), 1, "POLL_IN", "data to read"),
    code(Some("IO"), 2, "POLL_OUT", "room to write"),
    code(Some("IO"), 3, "POLL_MSG", "a message to read"),
    code(Some("IO"), 4, "POLL_ERR", "input or output error"),
    code(Some("IO"), 5, "POLL_PRI", "data of high priority to read"),
    code(Some("IO"), 6, "POLL_HUP", "the other end hung up"),
    code(Some("SYS"), 1, "SYS_SECCOMP", "trapped by a seccomp filter"),
    code(Some("SYS"), 2, "SYS_USER_DISPATCH", "system call user dispatch"),
    code(Some("EMT"), 1, "EMT_TAGOVF", "tag overflow (sparc)"),
];

/// The codes that belong to one signal alone.
pub fn specific(signal: Signal, arch: Arch) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |code| code.signal.is_some_and(|name| name::parse(name, arch) == Ok(signal)))
}

/// The codes that any signal can carry.
pub fn general() -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(|code| code.signal.is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_value_is_there_twice() {
        let mut seen = HashSet::new();
        let mut names = HashSet::new();
        for code in CODES {
            assert!(seen.insert((code.signal, code.number)), "{}", code.name);
            assert!(names.insert(code.name), "{}", code.name);
        }
    }

    #[test]
    fn a_signal_of_its_own_has_positive_codes() {
        for code in CODES {
            assert_eq!(code.signal.is_some(), (1..128).contains(&code.number), "{}", code.name);
        }
    }

    #[test]
    fn codes_are_found_by_signal() {
        let count = |text: &str| {
            name::parse(text, Arch::Common).map_or(0, |signal| specific(signal, Arch::Common).count())
        };
        assert_eq!(count("SEGV"), 10);
        assert_eq!(count("CHLD"), 6);
        assert_eq!(count("POLL"), 6);
        assert_eq!(count("TERM"), 0);
        assert_eq!(general().count(), 10);
    }
}
