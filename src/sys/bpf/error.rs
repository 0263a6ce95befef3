//! Errors of BPF operations.

use std::error::Error;
use std::fmt;
use std::io;

use super::super::process::capabilities;
use super::permission::BpfPermissionError;
use crate::error::message_without_errno;

/// Number of lines kept from the end of the verifier's log.
const MAX_LOG_LINES: usize = 20;

/// A failed operation and the reason.
#[derive(Debug)]
pub struct BpfError {
    /// The operation in words: `loading the task iterator`.
    pub operation: &'static str,
    /// The reason.
    pub kind: BpfErrorKind,
    /// The last lines of the verifier's log, if any.
    pub verifier_log: Vec<String>,
}

/// Reason why BPF cannot be used.
#[derive(Debug)]
pub enum BpfErrorKind {
    /// A permission is missing or has no effect here (EPERM).
    NotPermitted(BpfPermissionError),
    /// The kernel does not describe its types in /sys/kernel/btf/vmlinux.
    NoBtf(io::Error),
    /// The description does not follow the format; with the fault.
    InvalidBtf(&'static str),
    /// The kernel lacks a structure or a member, or it differs from the known form.
    MissingType(String),
    /// The verifier rejected the program.
    RejectedByVerifier(io::Error),
    /// Another error of a system call.
    Os(io::Error),
    /// The machine is not 64-bit little-endian.
    Unsupported,
    /// The program does not fit into BPF instructions, because a structure is too
    /// large.
    ProgramTooLarge,
}

impl BpfError {
    /// Explains the error of a system call.
    pub(super) fn from_os_error(operation: &'static str, error: io::Error) -> BpfError {
        let kind = match error.raw_os_error() {
            Some(libc::EPERM) => BpfErrorKind::NotPermitted(BpfPermissionError::diagnose()),
            _ => BpfErrorKind::Os(error),
        };
        kind.during(operation)
    }

    /// Explains the rejection of a program, with the verifier's log.
    pub(super) fn from_verifier(operation: &'static str, error: io::Error, log: &[u8]) -> BpfError {
        let log = log.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(log);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let last_lines =
            lines[lines.len().saturating_sub(MAX_LOG_LINES)..].iter().map(|line| (*line).to_owned());
        let kind = match error.raw_os_error() {
            Some(libc::EPERM) => BpfErrorKind::NotPermitted(BpfPermissionError::diagnose()),
            // The kernel then has no helper that reads kernel memory.
            _ if capabilities::is_confidentiality_lockdown() => {
                BpfErrorKind::NotPermitted(BpfPermissionError::Lockdown)
            }
            _ if lines.is_empty() => BpfErrorKind::Os(error),
            _ => BpfErrorKind::RejectedByVerifier(error),
        };
        BpfError { verifier_log: last_lines.collect(), ..kind.during(operation) }
    }
}

impl BpfErrorKind {
    /// Adds the operation that failed.
    pub(super) fn during(self, operation: &'static str) -> BpfError {
        BpfError { operation, kind: self, verifier_log: Vec::new() }
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

    fn os_error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn from_verifier_keeps_last_log_lines() {
        let log: String = (0..50).map(|line| format!("line {line}\n")).collect();
        let rejected =
            BpfError::from_verifier("x", os_error(libc::EACCES), format!("{log}\0rest").as_bytes());
        assert!(matches!(rejected.kind, BpfErrorKind::RejectedByVerifier(_)));
        assert_eq!(rejected.verifier_log.len(), MAX_LOG_LINES);
        assert_eq!(rejected.verifier_log.last().map(String::as_str), Some("line 49"));
    }

    #[test]
    fn eperm_is_not_permitted() {
        assert!(matches!(
            BpfError::from_os_error("x", os_error(libc::EPERM)).kind,
            BpfErrorKind::NotPermitted(_)
        ));
        assert!(matches!(BpfError::from_os_error("x", os_error(libc::ENOSYS)).kind, BpfErrorKind::Os(_)));
        assert!(matches!(
            BpfError::from_verifier("x", os_error(libc::EPERM), b"").kind,
            BpfErrorKind::NotPermitted(_)
        ));
        assert!(matches!(
            BpfError::from_verifier("x", os_error(libc::E2BIG), b"\0").kind,
            BpfErrorKind::Os(_)
        ));
        let text =
            BpfErrorKind::NotPermitted(BpfPermissionError::UserNamespace).during("looking").to_string();
        assert!(text.starts_with("looking: BPF is not permitted in a user namespace"), "{text}");
    }
}
