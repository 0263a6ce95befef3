//! Failures: what happened, why, and the exit status that tells of it.

use std::fmt;
use std::io;

use crate::exit::Exit;

/// A failure that ends a subcommand.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// What happened and why; its causes follow, each after a colon.
    pub cause: anyhow::Error,
}

/// What a subcommand gives back: its status, and the complaints that belong on
/// stderr, in order.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The exit status.
    pub exit: Exit,
    /// One line each, naming the target and the reason.
    pub complaints: Vec<String>,
}

impl Failure {
    /// What was typed makes no sense: exit 2, nothing done.
    pub fn usage(cause: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Usage, cause: anyhow::anyhow!("{cause}") }
    }
}

/// What an error of the system says, without the number that std puts behind.
pub fn bare(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(end)) => text[..end].to_owned(),
        _ => text,
    }
}

/// A failure is an outcome with one complaint; none where the reader of our
/// output went away, which is no fault.
impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Outcome {
        let complaints = match failure.exit {
            Exit::Done => Vec::new(),
            _ => vec![failure.to_string()],
        };
        Outcome { exit: failure.exit, complaints }
    }
}

/// Output that cannot be written: quiet where its reader went away (a closed
/// pipe is how `| head` ends us), else exit 125.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Failed,
        };
        Failure { exit, cause: anyhow::anyhow!("standard output: {}", bare(&error)) }
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
    fn a_reader_that_went_away_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit, Exit::Done);
    }

    #[test]
    fn a_full_disk_is() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(bare(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert!(failure.to_string().starts_with("standard output: "), "{failure}");
    }
}
