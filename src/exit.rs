//! The exit statuses of every subcommand.

/// How sigtool ends. The numbers are a contract with scripts, documented in
/// every man page and in the README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; also where the reader of our output went away.
    #[default]
    Done,
    /// 1: the answer is no; nothing could be signalled.
    No,
    /// 64: some targets were signalled and others failed.
    Partial,
    /// 2: usage error; nothing was done.
    Usage,
    /// 3: a named process or file could not be read.
    Unreadable,
    /// 124: a time ran out.
    TimedOut,
    /// 128+N: `watch` was ended by signal N before what it waited for, or its
    /// command was killed by it.
    BySignal(u8),
    /// 125: sigtool itself failed, such as output that could not be written.
    Failed,
    /// 126: `watch -- COMMAND`: the command could not be executed.
    NotExecutable,
    /// 127: `watch -- COMMAND`: the command was not found.
    NotFound,
    /// `watch -- COMMAND`: the command's own status.
    Passed(u8),
}

impl Exit {
    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Partial => 64,
            Exit::Usage => 2,
            Exit::Unreadable => 3,
            Exit::TimedOut => 124,
            Exit::Failed => 125,
            Exit::NotExecutable => 126,
            Exit::NotFound => 127,
            Exit::Passed(status) => status,
            Exit::BySignal(number) => 128u8.saturating_add(number),
        }
    }

    /// The number under the name kill(1), which knows failure only as 1, but
    /// for util-linux's 64.
    pub const fn code_of_kill(self) -> u8 {
        match self {
            Exit::Done | Exit::Partial => self.code(),
            _ => 1,
        }
    }

    /// The status of several attempts: done, some of them, or none.
    pub const fn of_attempts(attempts: usize, failures: usize) -> Exit {
        match failures {
            0 => Exit::Done,
            _ if failures == attempts => Exit::No,
            _ => Exit::Partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_make_a_status() {
        for (attempts, failures, exit) in
            [(0, 0, Exit::Done), (3, 0, Exit::Done), (3, 3, Exit::No), (3, 1, Exit::Partial)]
        {
            assert_eq!(Exit::of_attempts(attempts, failures), exit);
        }
    }

    #[test]
    fn kill_knows_three() {
        let all = [Exit::Done, Exit::No, Exit::Partial, Exit::Usage, Exit::Unreadable, Exit::Failed];
        assert_eq!(all.map(Exit::code), [0, 1, 64, 2, 3, 125]);
        assert_eq!(all.map(Exit::code_of_kill), [0, 1, 64, 1, 1, 1]);
    }
}
