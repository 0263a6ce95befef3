//! Errors of commands with their exit status, and the text of system errors.

use std::fmt;
use std::io;

use crate::exit::ExitStatus;

/// An error that ends a command.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub exit_status: ExitStatus,
    /// The error, with its causes.
    pub cause: anyhow::Error,
}

/// The result of a command: its exit status and its messages for stderr, in order.
#[derive(Debug, Default)]
pub struct CommandOutcome {
    /// The exit status.
    pub exit_status: ExitStatus,
    /// One line each, with the target and the reason.
    pub error_messages: Vec<String>,
}

impl Failure {
    /// An error in the arguments: exit status 2, nothing was done.
    pub fn usage_error(cause: impl fmt::Display) -> Failure {
        Failure { exit_status: ExitStatus::UsageError, cause: anyhow::anyhow!("{cause}") }
    }
}

/// The message of an error, without the "(os error N)" that std appends.
pub fn message_without_errno(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) if text.ends_with(')') => text[..end].to_owned(),
        _ => text,
    }
}

/// The outcome has one message. It has none if the reader of the output has closed it,
/// which is normal.
impl From<Failure> for CommandOutcome {
    fn from(failure: Failure) -> CommandOutcome {
        let error_messages = match failure.exit_status {
            ExitStatus::Success => Vec::new(),
            _ => vec![failure.to_string()],
        };
        CommandOutcome { exit_status: failure.exit_status, error_messages }
    }
}

/// An error of writing to standard output: success if its reader has closed it (as
/// `| head` does), otherwise exit status 125.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let exit_status = match error.kind() {
            io::ErrorKind::BrokenPipe => ExitStatus::Success,
            _ => ExitStatus::InternalError,
        };
        Failure { exit_status, cause: anyhow::anyhow!("standard output: {}", message_without_errno(&error)) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_pipe_exits_with_success() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit_status, ExitStatus::Success);
    }

    #[test]
    fn message_without_errno_omits_number() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(message_without_errno(&error), "No such file or directory");
        let nested = io::Error::other(format!("cannot start: {error}"));
        assert_eq!(message_without_errno(&nested), "cannot start: No such file or directory");
        assert_eq!(message_without_errno(&io::Error::other("not a file")), "not a file");
    }

    #[test]
    fn full_disk_is_internal_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit_status, ExitStatus::InternalError);
        assert!(failure.to_string().starts_with("standard output: "), "{failure}");
    }
}
