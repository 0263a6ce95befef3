//! Failures: what happened, why, and the exit status that tells of it.

use std::fmt;
use std::io;

use crate::exit::ExitStatus;

/// A failure that ends a subcommand.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub exit_status: ExitStatus,
    /// What happened and why; its causes follow, each after a colon.
    pub cause: anyhow::Error,
}

/// What a subcommand gives back: its status, and the complaints that belong on
/// stderr, in order.
#[derive(Debug, Default)]
pub struct CommandOutcome {
    /// The exit status.
    pub exit_status: ExitStatus,
    /// One line each, naming the target and the reason.
    pub error_messages: Vec<String>,
}

impl Failure {
    /// What was typed makes no sense: exit 2, nothing done.
    pub fn usage_error(cause: impl fmt::Display) -> Failure {
        Failure { exit_status: ExitStatus::UsageError, cause: anyhow::anyhow!("{cause}") }
    }
}

/// What an error of the system says, without the number that std puts behind.
pub fn message_without_errno(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(end)) => text[..end].to_owned(),
        _ => text,
    }
}

/// A failure is an outcome with one complaint; none where the reader of our
/// output went away, which is no fault.
impl From<Failure> for CommandOutcome {
    fn from(failure: Failure) -> CommandOutcome {
        let complaints = match failure.exit_status {
            ExitStatus::Success => Vec::new(),
            _ => vec![failure.to_string()],
        };
        CommandOutcome { exit_status: failure.exit_status, error_messages: complaints }
    }
}

/// Output that cannot be written: quiet where its reader went away (a closed
/// pipe is how `| head` ends us), else exit 125.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => ExitStatus::Success,
            _ => ExitStatus::InternalError,
        };
        Failure {
            exit_status: exit,
            cause: anyhow::anyhow!("standard output: {}", message_without_errno(&error)),
        }
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
    fn full_disk_is_internal_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit_status, ExitStatus::InternalError);
        assert_eq!(message_without_errno(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert!(failure.to_string().starts_with("standard output: "), "{failure}");
    }
}
