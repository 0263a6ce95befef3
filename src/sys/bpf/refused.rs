//! Why the kernel has not let us look.

use std::error::Error;
use std::fmt;
use std::io;

use libc::c_int;

use super::super::rights;
use super::right::NoRight;

/// How many of the verifier's last lines are kept.
const LINES_KEPT: usize = 20;

/// What was refused, and why.
#[derive(Debug)]
pub struct Refused {
    /// What was tried, in words: `loading the task iterator`.
    pub what: &'static str,
    /// Why it did not work.
    pub reason: Reason,
    /// The last lines of the verifier's log, where it has said something.
    pub verifier: Vec<String>,
}

/// Why BPF cannot be used.
#[derive(Debug)]
pub enum Reason {
    /// A right is missing, or counts for nothing here (EPERM).
    NoRight(NoRight),
    /// The kernel does not describe its types in /sys/kernel/btf/vmlinux.
    NoBtf(io::Error),
    /// What it describes does not follow the format: what is wrong with it.
    BadBtf(&'static str),
    /// This kernel has no such structure, or no such member of it, or it is not
    /// what it is elsewhere.
    Missing(String),
    /// The verifier has refused the program.
    Verifier(io::Error),
    /// Another answer of the kernel.
    Kernel(io::Error),
    /// Only 64-bit little-endian machines are known.
    Unsupported,
    /// The program does not fit BPF's instructions: a structure is too large.
    TooLarge,
}

impl Refused {
    /// What the kernel's answer means.
    pub(super) fn by_kernel(what: &'static str, error: io::Error) -> Refused {
        let reason = match error.raw_os_error() {
            Some(libc::EPERM) => Reason::NoRight(NoRight::find()),
            _ => Reason::Kernel(error),
        };
        reason.of(what)
    }

    /// A refused program, with all that the verifier has said.
    pub(super) fn by_verifier(what: &'static str, error: io::Error, log: &[u8]) -> Refused {
        const NO_RIGHT: c_int = libc::EPERM;
        let log = log.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(log);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let kept = lines[lines.len().saturating_sub(LINES_KEPT)..].iter().map(|line| (*line).to_owned());
        let reason = match error.raw_os_error() {
            Some(NO_RIGHT) => Reason::NoRight(NoRight::find()),
            // It has no helper then that reads the kernel's memory.
            _ if rights::is_confidential() => Reason::NoRight(NoRight::Lockdown),
            _ if lines.is_empty() => Reason::Kernel(error),
            _ => Reason::Verifier(error),
        };
        Refused { verifier: kept.collect(), ..reason.of(what) }
    }
}

impl Reason {
    /// The same, of what was tried.
    pub(super) fn of(self, what: &'static str) -> Refused {
        Refused { what, reason: self, verifier: Vec::new() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoRight(right) => write!(f, "not permitted: {right}"),
            Reason::NoBtf(error) => {
                write!(f, "the kernel does not describe its types (/sys/kernel/btf/vmlinux): {error}")
            }
            Reason::BadBtf(fault) => write!(f, "/sys/kernel/btf/vmlinux cannot be understood: {fault}"),
            Reason::Missing(what) => write!(f, "this kernel has no {what} as it is known"),
            Reason::Verifier(error) => write!(f, "the kernel's verifier refused the program: {error}"),
            Reason::Kernel(error) => error.fmt(f),
            Reason::Unsupported => f.write_str("not supported on this architecture"),
            Reason::TooLarge => f.write_str("the program is too large"),
        }
    }
}

impl Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: c_int) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn the_last_lines_are_kept() {
        let log: String = (0..50).map(|line| format!("line {line}\n")).collect();
        let refused = Refused::by_verifier("x", error(libc::EACCES), format!("{log}\0rest").as_bytes());
        assert!(matches!(refused.reason, Reason::Verifier(_)));
        assert_eq!(refused.verifier.len(), LINES_KEPT);
        assert_eq!(refused.verifier.last().map(String::as_str), Some("line 49"));
    }

    #[test]
    fn a_missing_right_is_told_from_the_rest() {
        assert!(matches!(Refused::by_kernel("x", error(libc::EPERM)).reason, Reason::NoRight(_)));
        assert!(matches!(Refused::by_kernel("x", error(libc::ENOSYS)).reason, Reason::Kernel(_)));
        assert!(matches!(Refused::by_verifier("x", error(libc::EPERM), b"").reason, Reason::NoRight(_)));
        assert!(matches!(Refused::by_verifier("x", error(libc::E2BIG), b"\0").reason, Reason::Kernel(_)));
        let text = Reason::NoRight(NoRight::UserNamespace).of("looking").to_string();
        assert!(text.starts_with("looking: not permitted: CAP_BPF and CAP_PERFMON do not count"), "{text}");
    }
}
