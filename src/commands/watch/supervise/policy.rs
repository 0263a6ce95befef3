//! What becomes of a signal on its way to the command; pure.

use super::SuperviseOptions;
use crate::signal::consts::{CHLD, CONT, HUP, INT, PIPE, QUIT, TSTP, TTIN, TTOU, WINCH};
use crate::signal::{Siginfo, Signal};

/// What the terminal, and the end of a session, send to a whole group.
const TERMINAL_SIGNALS: [Signal; 8] = [INT, QUIT, TSTP, TTIN, TTOU, WINCH, HUP, CONT];

/// si_code of what the kernel sends.
pub(super) const SI_KERNEL: i32 = 128;

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForwardOutcome {
    /// It goes on as this signal.
    Forwarded(Signal),
    /// It does not.
    NotForwarded(NotForwardedReason),
    /// It is sigtool's own: the time has run out.
    SentOnTimeout,
}

/// Why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotForwardedReason {
    /// It was to be dropped.
    Dropped,
    /// The terminal has sent it to the command as well.
    SentByTerminal,
    /// Nobody is left.
    CommandExited,
    /// The kernel refused.
    Failed(String),
}

/// How things stand when a signal arrives.
pub(super) trait JobContext {
    /// Whether the command is in sigtool's own process group.
    fn shares_group(&self) -> bool;
    /// Whether sigtool leads its session.
    fn leads_session(&self) -> bool;
}

/// Whether it only tells what sigtool knows or did itself: of its children, or
/// of its log, which nobody reads any more.
pub(super) fn is_own_notification(info: &Siginfo, own: u32) -> bool {
    (info.signal == CHLD && info.code > 0) || (info.signal == PIPE && info.code == 0 && info.pid == own)
}

/// What is to become of a signal.
pub(super) fn decide_forwarding(
    plan: &SuperviseOptions,
    info: &Siginfo,
    scene: &impl JobContext,
) -> ForwardOutcome {
    let signal = info.signal;
    if plan.dropped.contains(signal) {
        return ForwardOutcome::NotForwarded(NotForwardedReason::Dropped);
    }
    if let Some((_, to)) = plan.mappings.iter().find(|(from, _)| *from == signal) {
        return ForwardOutcome::Forwarded(*to);
    }
    // At a hang-up the leader of the session is told alone.
    let to_all = info.code == SI_KERNEL
        && TERMINAL_SIGNALS.contains(&signal)
        && !(signal == HUP && scene.leads_session())
        && scene.shares_group();
    if to_all {
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

    struct TestJobContext(bool, bool);

    impl JobContext for TestJobContext {
        fn shares_group(&self) -> bool {
            self.0
        }
        fn leads_session(&self) -> bool {
            self.1
        }
    }

    fn decide_for(signal: Signal, code: i32, stage: &TestJobContext) -> ForwardOutcome {
        let plan = SuperviseOptions {
            mappings: vec![(TERM, INT), (QUIT, TERM)],
            dropped: [PIPE].into_iter().collect::<SignalSet>(),
            ..SuperviseOptions::new(Vec::new())
        };
        decide_forwarding(&plan, &Siginfo { code, ..Siginfo::from_signal(signal) }, stage)
    }

    #[test]
    fn forwards_signals_except_those_the_terminal_sent() {
        let (together, apart) = (TestJobContext(true, false), TestJobContext(false, false));
        let there = ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal);
        for (signal, code, stage, expected) in [
            (INT, 0, &together, ForwardOutcome::Forwarded(INT)),
            (INT, SI_KERNEL, &together, there.clone()),
            (WINCH, SI_KERNEL, &together, there.clone()),
            (INT, SI_KERNEL, &apart, ForwardOutcome::Forwarded(INT)),
            (HUP, SI_KERNEL, &together, there),
            (HUP, SI_KERNEL, &TestJobContext(true, true), ForwardOutcome::Forwarded(HUP)),
            (TERM, 0, &together, ForwardOutcome::Forwarded(INT)),
            (QUIT, SI_KERNEL, &together, ForwardOutcome::Forwarded(TERM)),
            (PIPE, 0, &apart, ForwardOutcome::NotForwarded(NotForwardedReason::Dropped)),
            (CHLD, 0, &apart, ForwardOutcome::Forwarded(CHLD)),
        ] {
            assert_eq!(decide_for(signal, code, stage), expected, "{signal:?} {code}");
        }
    }

    #[test]
    fn keeps_notifications_about_own_children() {
        let own = |signal, code, pid| {
            is_own_notification(&Siginfo { code, pid, ..Siginfo::from_signal(signal) }, 7)
        };
        assert!(own(CHLD, 1, 9) && own(PIPE, 0, 7));
        assert!(!own(CHLD, 0, 9) && !own(PIPE, 0, 9) && !own(TERM, 0, 7));
    }
}
