//! Decides whether a received signal is forwarded to the command; pure.

use super::SuperviseOptions;
use crate::signal::consts::{CHLD, CONT, HUP, INT, PIPE, QUIT, TSTP, TTIN, TTOU, WINCH};
use crate::signal::siginfo::SI_KERNEL;
use crate::signal::{Siginfo, Signal};

/// The signals that the kernel sends to a whole process group, for the terminal or at
/// the end of a session.
const TERMINAL_SIGNALS: [Signal; 8] = [INT, QUIT, TSTP, TTIN, TTOU, WINCH, HUP, CONT];

/// The outcome of forwarding a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForwardOutcome {
    /// It is or will be sent as this signal.
    Forwarded(Signal),
    /// It is not sent.
    NotForwarded(NotForwardedReason),
    /// sigtool itself sent it because of the timeout.
    SentOnTimeout,
}

/// The reason why a signal is not forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotForwardedReason {
    /// The user has requested it.
    Dropped,
    /// The kernel has sent it to the command too.
    SentByTerminal,
    /// The command and the descendants that would get it have exited.
    CommandExited,
    /// The system call failed, with this message.
    Failed(String),
}

/// The process group and session state when a signal arrives.
pub(super) trait JobContext {
    /// Whether the command is in the process group of sigtool.
    fn shares_group(&self) -> bool;
    /// Whether sigtool is a session leader.
    fn leads_session(&self) -> bool;
}

/// Whether a signal concerns only sigtool: CHLD for its children, or PIPE for a log
/// whose reader has exited.
pub(super) fn is_own_notification(info: &Siginfo, own_pid: u32) -> bool {
    (info.signal == CHLD && info.code > 0) || (info.signal == PIPE && info.code == 0 && info.pid == own_pid)
}

/// Decides whether, and as which signal, a received signal is forwarded.
pub(super) fn decide_forwarding(
    options: &SuperviseOptions,
    info: &Siginfo,
    context: &impl JobContext,
) -> ForwardOutcome {
    let signal = info.signal;
    if options.dropped.contains(signal) {
        return ForwardOutcome::NotForwarded(NotForwardedReason::Dropped);
    }
    if let Some((_, to)) = options.mappings.iter().find(|(from, _)| *from == signal) {
        return ForwardOutcome::Forwarded(*to);
    }
    // At a hangup the kernel sends HUP to the session leader alone.
    let is_sent_to_group = info.code == SI_KERNEL
        && TERMINAL_SIGNALS.contains(&signal)
        && !(signal == HUP && context.leads_session())
        && context.shares_group();
    if is_sent_to_group {
        ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal)
    } else {
        ForwardOutcome::Forwarded(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::SignalSet;
    use crate::signal::consts::TERM;

    /// `shares_group` and `leads_session`.
    struct TestJobContext(bool, bool);

    impl JobContext for TestJobContext {
        fn shares_group(&self) -> bool {
            self.0
        }
        fn leads_session(&self) -> bool {
            self.1
        }
    }

    fn decide_for(signal: Signal, code: i32, context: &TestJobContext) -> ForwardOutcome {
        let options = SuperviseOptions {
            mappings: vec![(TERM, INT), (QUIT, TERM)],
            dropped: [PIPE].into_iter().collect::<SignalSet>(),
            ..SuperviseOptions::new(Vec::new())
        };
        decide_forwarding(&options, &Siginfo { code, ..Siginfo::from_signal(signal) }, context)
    }

    #[test]
    fn forwards_signals_except_dropped_and_terminal_ones() {
        let (same_group, other_group) = (TestJobContext(true, false), TestJobContext(false, false));
        let sent_by_terminal = ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal);
        for (signal, code, context, expected) in [
            (INT, 0, &same_group, ForwardOutcome::Forwarded(INT)),
            (INT, SI_KERNEL, &same_group, sent_by_terminal.clone()),
            (WINCH, SI_KERNEL, &same_group, sent_by_terminal.clone()),
            (INT, SI_KERNEL, &other_group, ForwardOutcome::Forwarded(INT)),
            (HUP, SI_KERNEL, &same_group, sent_by_terminal),
            (HUP, SI_KERNEL, &TestJobContext(true, true), ForwardOutcome::Forwarded(HUP)),
            (TERM, 0, &same_group, ForwardOutcome::Forwarded(INT)),
            (QUIT, SI_KERNEL, &same_group, ForwardOutcome::Forwarded(TERM)),
            (PIPE, 0, &other_group, ForwardOutcome::NotForwarded(NotForwardedReason::Dropped)),
            (CHLD, 0, &other_group, ForwardOutcome::Forwarded(CHLD)),
        ] {
            assert_eq!(decide_for(signal, code, context), expected, "{signal:?} {code}");
        }
    }

    #[test]
    fn recognizes_own_notifications() {
        let is_own = |signal, code, pid| {
            is_own_notification(&Siginfo { code, pid, ..Siginfo::from_signal(signal) }, 7)
        };
        assert!(is_own(CHLD, 1, 9) && is_own(PIPE, 0, 7));
        assert!(!is_own(CHLD, 0, 9) && !is_own(PIPE, 0, 9) && !is_own(TERM, 0, 7));
    }
}
