//! The exit statuses of all commands.

/// An exit status of sigtool. Scripts rely on the numbers, which every man page and the
/// README document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: success; also if the reader of the output has closed it.
    #[default]
    Success,
    /// 1: nothing matched, nothing could be signalled, or a requirement is not met.
    Failure,
    /// 64: some targets were signalled and others failed.
    Partial,
    /// 2: usage error; nothing was done.
    UsageError,
    /// 3: a named process or file could not be read.
    Unreadable,
    /// 124: a timeout expired.
    TimedOut,
    /// 128+N: signal N ended `watch`, or killed its command.
    KilledBySignal(u8),
    /// 125: sigtool itself failed, for example to write its output.
    InternalError,
    /// 126: `watch -- COMMAND`: the command could not be executed.
    CommandNotExecutable,
    /// 127: `watch -- COMMAND`: the command was not found.
    CommandNotFound,
    /// `watch -- COMMAND`: the exit status of the command.
    CommandStatus(u8),
}

impl ExitStatus {
    /// The number for exit(3).
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

    /// The number for exit(3) under the name kill(1): 1 for all failures, except 64 as in
    /// util-linux.
    pub const fn kill_code(self) -> u8 {
        match self {
            ExitStatus::Success | ExitStatus::Partial => self.code(),
            _ => 1,
        }
    }

    /// The status after several attempts, some of which failed.
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
        for (attempts, failures, expected) in [
            (0, 0, ExitStatus::Success),
            (3, 0, ExitStatus::Success),
            (3, 3, ExitStatus::Failure),
            (3, 1, ExitStatus::Partial),
        ] {
            assert_eq!(ExitStatus::from_attempts(attempts, failures), expected);
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
