//! What becomes of a signal on its way to the command; pure.

use super::Plan;
use crate::signal::known::{CHLD, CONT, HUP, INT, PIPE, QUIT, TSTP, TTIN, TTOU, WINCH};
use crate::signal::{Info, Signal};

/// What the terminal, and the end of a session, send to a whole group.
const OF_TERMINAL: [Signal; 8] = [INT, QUIT, TSTP, TTIN, TTOU, WINCH, HUP, CONT];

/// si_code of what the kernel sends.
pub(super) const SI_KERNEL: i32 = 128;

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on as this signal.
    Forwarded(Signal),
    /// It does not.
    Kept(Why),
    /// It is sigtool's own: the time has run out.
    Sent,
}

/// Why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It was to be dropped.
    Dropped,
    /// The terminal has sent it to the command as well.
    Terminal,
    /// Nobody is left.
    Ended,
    /// The kernel refused.
    Failed(String),
}

/// How things stand when a signal arrives.
pub(super) trait Scene {
    /// Whether the command is in sigtool's own process group.
    fn shares_group(&self) -> bool;
    /// Whether sigtool leads its session.
    fn leads_session(&self) -> bool;
}

/// Whether it only tells what sigtool knows or did itself: of its children, or
/// of its log, which nobody reads any more.
pub(super) fn is_own(info: &Info, own: u32) -> bool {
    (info.signal == CHLD && info.code > 0) || (info.signal == PIPE && info.code == 0 && info.pid == own)
}

/// What is to become of a signal.
pub(super) fn decide(plan: &Plan, info: &Info, scene: &impl Scene) -> Fate {
    let signal = info.signal;
    if plan.drops.contains(signal) {
        return Fate::Kept(Why::Dropped);
    }
    if let Some((_, to)) = plan.maps.iter().find(|(from, _)| *from == signal) {
        return Fate::Forwarded(*to);
    }
    // At a hang-up the leader of the session is told alone.
    let to_all = info.code == SI_KERNEL
        && OF_TERMINAL.contains(&signal)
        && !(signal == HUP && scene.leads_session())
        && scene.shares_group();
    if to_all { Fate::Kept(Why::Terminal) } else { Fate::Forwarded(signal) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::SignalSet;
    use crate::signal::known::TERM;

    struct Stage(bool, bool);

    impl Scene for Stage {
        fn shares_group(&self) -> bool {
            self.0
        }
        fn leads_session(&self) -> bool {
            self.1
        }
    }

    fn fate(signal: Signal, code: i32, stage: &Stage) -> Fate {
        let plan = Plan {
            maps: vec![(TERM, INT), (QUIT, TERM)],
            drops: [PIPE].into_iter().collect::<SignalSet>(),
            ..Plan::of(Vec::new())
        };
        decide(&plan, &Info { code, ..Info::bare(signal) }, stage)
    }

    #[test]
    fn signals_go_on_but_for_those_that_are_there_already() {
        let (together, apart) = (Stage(true, false), Stage(false, false));
        let there = Fate::Kept(Why::Terminal);
        for (signal, code, stage, expected) in [
            (INT, 0, &together, Fate::Forwarded(INT)),
            (INT, SI_KERNEL, &together, there.clone()),
            (WINCH, SI_KERNEL, &together, there.clone()),
            (INT, SI_KERNEL, &apart, Fate::Forwarded(INT)),
            (HUP, SI_KERNEL, &together, there),
            (HUP, SI_KERNEL, &Stage(true, true), Fate::Forwarded(HUP)),
            (TERM, 0, &together, Fate::Forwarded(INT)),
            (QUIT, SI_KERNEL, &together, Fate::Forwarded(TERM)),
            (PIPE, 0, &apart, Fate::Kept(Why::Dropped)),
            (CHLD, 0, &apart, Fate::Forwarded(CHLD)),
        ] {
            assert_eq!(fate(signal, code, stage), expected, "{signal:?} {code}");
        }
    }

    #[test]
    fn news_of_children_are_for_sigtool() {
        let own = |signal, code, pid| is_own(&Info { code, pid, ..Info::bare(signal) }, 7);
        assert!(own(CHLD, 1, 9) && own(PIPE, 0, 7));
        assert!(!own(CHLD, 0, 9) && !own(PIPE, 0, 9) && !own(TERM, 0, 7));
    }
}
