//! Why the kernel has not let us look.

use std::error::Error;
use std::fmt;
use std::io;

use libc::c_int;

use super::super::process::capabilities;
use super::permission::BpfPermissionError;
use crate::sys::errno::message_without_errno;

/// How many of the verifier's last lines are kept.
const MAX_LOG_LINES: usize = 20;

/// What was refused, and why.
#[derive(Debug)]
pub struct BpfError {
    /// What was tried, in words: `loading the task iterator`.
    pub operation: &'static str,
    /// Why it did not work.
    pub kind: BpfErrorKind,
    /// The last lines of the verifier's log, where it has said something.
    pub verifier_log: Vec<String>,
}

/// Why BPF cannot be used.
#[derive(Debug)]
pub enum BpfErrorKind {
    /// A right is missing, or counts for nothing here (EPERM).
    NotPermitted(BpfPermissionError),
    /// The kernel does not describe its types in /sys/kernel/btf/vmlinux.
    NoBtf(io::Error),
    /// What it describes does not follow the format: what is wrong with it.
    InvalidBtf(&'static str),
    /// This kernel has no such structure, or no such member of it, or it is not
    /// what it is elsewhere.
    MissingType(String),
    /// The verifier has refused the program.
    RejectedByVerifier(io::Error),
    /// Another answer of the kernel.
    Os(io::Error),
    /// Only 64-bit little-endian machines are known.
    Unsupported,
    /// The program does not fit BPF's instructions: a structure is too large.
    ProgramTooLarge,
}

impl BpfError {
    /// What the kernel's answer means.
    pub(super) fn from_os_error(what: &'static str, error: io::Error) -> BpfError {
        let reason = match error.raw_os_error() {
            Some(libc::EPERM) => BpfErrorKind::NotPermitted(BpfPermissionError::diagnose()),
            _ => BpfErrorKind::Os(error),
        };
        reason.during(what)
    }

    /// A refused program, with all that the verifier has said.
    pub(super) fn from_verifier(what: &'static str, error: io::Error, log: &[u8]) -> BpfError {
        const NO_RIGHT: c_int = libc::EPERM;
        let log = log.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(log);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let kept = lines[lines.len().saturating_sub(MAX_LOG_LINES)..].iter().map(|line| (*line).to_owned());
        let reason = match error.raw_os_error() {
            Some(NO_RIGHT) => BpfErrorKind::NotPermitted(BpfPermissionError::diagnose()),
            // It has no helper then that reads the kernel's memory.
            _ if capabilities::is_confidentiality_lockdown() => {
                BpfErrorKind::NotPermitted(BpfPermissionError::Lockdown)
            }
            _ if lines.is_empty() => BpfErrorKind::Os(error),
            _ => BpfErrorKind::RejectedByVerifier(error),
        };
        BpfError { verifier_log: kept.collect(), ..reason.during(what) }
    }
}

impl BpfErrorKind {
    /// The same, of what was tried.
    pub(super) fn during(self, what: &'static str) -> BpfError {
        BpfError { operation: what, kind: self, verifier_log: Vec::new() }
    }
}

impl fmt::Display for BpfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.kind)
    }
}

impl fmt::Display for BpfErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BpfErrorKind::NotPermitted(error) => write!(f, "BPF is not permitted{error}"),
            BpfErrorKind::NoBtf(error) => write!(
                f,
                "BPF needs /sys/kernel/btf/vmlinux, which cannot be read ({})",
                message_without_errno(error)
            ),
            BpfErrorKind::InvalidBtf(fault) => {
                write!(f, "BPF needs /sys/kernel/btf/vmlinux, which is invalid ({fault})")
            }
            BpfErrorKind::MissingType(name) => {
                write!(f, "BPF is not usable with this kernel's layout of {name}")
            }
            BpfErrorKind::RejectedByVerifier(error) => write!(
                f,
                "BPF is not usable because the kernel's verifier rejected the program ({})",
                message_without_errno(error)
            ),
            BpfErrorKind::Os(error) => write!(f, "BPF failed ({})", message_without_errno(error)),
            BpfErrorKind::Unsupported => f.write_str("BPF is not supported on this architecture"),
            BpfErrorKind::ProgramTooLarge => {
                f.write_str("BPF is not usable because a kernel structure is too large for the program")
            }
        }
    }
}

impl Error for BpfError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: c_int) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn from_verifier_keeps_last_log_lines() {
        let log: String = (0..50).map(|line| format!("line {line}\n")).collect();
        let refused = BpfError::from_verifier("x", error(libc::EACCES), format!("{log}\0rest").as_bytes());
        assert!(matches!(refused.kind, BpfErrorKind::RejectedByVerifier(_)));
        assert_eq!(refused.verifier_log.len(), MAX_LOG_LINES);
        assert_eq!(refused.verifier_log.last().map(String::as_str), Some("line 49"));
    }

    #[test]
    fn eperm_is_not_permitted() {
        assert!(matches!(
            BpfError::from_os_error("x", error(libc::EPERM)).kind,
            BpfErrorKind::NotPermitted(_)
        ));
        assert!(matches!(BpfError::from_os_error("x", error(libc::ENOSYS)).kind, BpfErrorKind::Os(_)));
        assert!(matches!(
            BpfError::from_verifier("x", error(libc::EPERM), b"").kind,
            BpfErrorKind::NotPermitted(_)
        ));
        assert!(matches!(BpfError::from_verifier("x", error(libc::E2BIG), b"\0").kind, BpfErrorKind::Os(_)));
        let text =
            BpfErrorKind::NotPermitted(BpfPermissionError::UserNamespace).during("looking").to_string();
        assert!(text.starts_with("looking: BPF is not permitted in a user namespace"), "{text}");
    }
}
