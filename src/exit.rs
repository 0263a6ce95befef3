//! The exit statuses of every subcommand.

/// How sigtool ends. The numbers are a contract with scripts, documented in
/// every man page and in the README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done; also where the reader of our output went away.
    #[default]
    Success,
    /// 1: the answer is no; nothing could be signalled.
    Failure,
    /// 64: some targets were signalled and others failed.
    Partial,
    /// 2: usage error; nothing was done.
    UsageError,
    /// 3: a named process or file could not be read.
    Unreadable,
    /// 124: a time ran out.
    TimedOut,
    /// 128+N: `watch` was ended by signal N before what it waited for, or its
    /// command was killed by it.
    KilledBySignal(u8),
    /// 125: sigtool itself failed, such as output that could not be written.
    InternalError,
    /// 126: `watch -- COMMAND`: the command could not be executed.
    CommandNotExecutable,
    /// 127: `watch -- COMMAND`: the command was not found.
    CommandNotFound,
    /// `watch -- COMMAND`: the command's own status.
    CommandStatus(u8),
}

impl ExitStatus {
    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            ExitStatus::Success => 0,
            ExitStatus::Failure => 1,
            ExitStatus::Partial => 64,
            ExitStatus::UsageError => 2,
            ExitStatus::Unreadable => 3,
            ExitStatus::TimedOut => 124,
            ExitStatus::InternalError => 125,
            ExitStatus::CommandNotExecutable => 126,
            ExitStatus::CommandNotFound => 127,
            ExitStatus::CommandStatus(status) => status,
            ExitStatus::KilledBySignal(number) => 128u8.saturating_add(number),
        }
    }

    /// The number under the name kill(1), which knows failure only as 1, but
    /// for util-linux's 64.
    pub const fn kill_code(self) -> u8 {
        match self {
            ExitStatus::Success | ExitStatus::Partial => self.code(),
            _ => 1,
        }
    }

    /// The status of several attempts: done, some of them, or none.
    pub const fn from_attempts(attempts: usize, failures: usize) -> ExitStatus {
        match failures {
            0 => ExitStatus::Success,
            _ if failures == attempts => ExitStatus::Failure,
            _ => ExitStatus::Partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_attempts_counts_failures() {
        for (attempts, failures, exit) in [
            (0, 0, ExitStatus::Success),
            (3, 0, ExitStatus::Success),
            (3, 3, ExitStatus::Failure),
            (3, 1, ExitStatus::Partial),
        ] {
            assert_eq!(ExitStatus::from_attempts(attempts, failures), exit);
        }
    }

    #[test]
    fn kill_code_is_0_1_or_64() {
        let all = [
            ExitStatus::Success,
            ExitStatus::Failure,
            ExitStatus::Partial,
            ExitStatus::UsageError,
            ExitStatus::Unreadable,
            ExitStatus::InternalError,
        ];
        assert_eq!(all.map(ExitStatus::code), [0, 1, 64, 2, 3, 125]);
        assert_eq!(all.map(ExitStatus::kill_code), [0, 1, 64, 1, 1, 1]);
    }
}
