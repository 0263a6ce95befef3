//! The exit statuses of every subcommand.

/// How sigtool ends. The numbers are a contract with scripts, documented in
/// every man page and in the README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; also where the reader of our output went away.
    #[default]
    Done,
    /// 2: usage error; nothing was done.
    Usage,
    /// 3: a named process or file could not be read.
    Unreadable,
    /// 125: sigtool itself failed, such as output that could not be written.
    Failed,
}

impl Exit {
    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Usage => 2,
            Exit::Unreadable => 3,
            Exit::Failed => 125,
        }
    }

    /// The status of two results together: the graver one.
    #[must_use]
    pub fn and(self, other: Exit) -> Exit {
        if other.code() > self.code() { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_status_wins_either_way() {
        for (one, other, together) in [
            (Exit::Done, Exit::Done, Exit::Done),
            (Exit::Done, Exit::Unreadable, Exit::Unreadable),
            (Exit::Unreadable, Exit::Failed, Exit::Failed),
            (Exit::Usage, Exit::Done, Exit::Usage),
        ] {
            assert_eq!(one.and(other), together);
            assert_eq!(other.and(one), together);
        }
    }
}
