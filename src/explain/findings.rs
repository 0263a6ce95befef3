//! From what /proc tells of a process to what is wrong or surprising about it.

use super::finding::{Finding, Id, Severity};
use super::require::Set;
use super::{claims, queue};
use crate::proc::situation::Situation;
use crate::proc::surroundings::{Relative, Surroundings};
use crate::proc::{Freezer, ProcessName, State, Status, Threads, Wait, has_ended};
use crate::signal::known::{CHLD, CONT, HUP, INT, KILL, QUIT, TERM, URG, WINCH};
use crate::signal::{Arch, Signal, SignalSet};

/// Everything that is found of a process, gravest first.
pub fn findings(situation: &Situation, around: &Surroundings) -> Vec<Finding> {
    let process = Process { situation, status: &situation.status, around };
    let found = [
        process.ending(),
        process.held_back(),
        process.sleeping(),
        process.stopped(),
        process.init(),
        process.ignored(),
        process.waiting(),
        process.kind(),
        process.denied(),
    ];
    let mut found: Vec<Finding> = found.into_iter().flatten().collect();
    found.extend(queue::finding_of(&situation.status, around));
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Makes a finding.
pub(super) fn finding(
    id: Id,
    severity: Severity,
    what: impl Into<String>,
    why: impl Into<String>,
    todo: Option<String>,
) -> Finding {
    Finding { id, severity, what: what.into(), why: why.into(), todo }
}

/// `77 (make)`.
pub(super) fn named(pid: u32, name: Option<&ProcessName>) -> String {
    match name {
        Some(name) => format!("{pid} ({})", name.in_sentence()),
        None => pid.to_string(),
    }
}

pub(super) struct Process<'a> {
    pub(super) situation: &'a Situation,
    pub(super) status: &'a Status,
    pub(super) around: &'a Surroundings,
}

impl Process<'_> {
    /// Dead, or on its way out.
    fn ending(&self) -> Vec<Finding> {
        let parent = self.status.parent.unwrap_or(0);
        if self.is_zombie() {
            let how = self.around.ending.map_or(String::new(), |ending| format!(": it was {ending}"));
            let how = how.replace("it was exited", "it exited");
            let relative = self.around.parent.as_ref();
            let name = named(parent, relative.and_then(|parent| parent.name.as_ref()));
            let is_in = |set: Option<SignalSet>| set.is_some_and(|set| set.contains(CHLD));
            let stopped = |parent: &Relative| parent.state.is_some_and(State::is_stopped);
            let chld = relative.map(|parent| match parent {
                parent if stopped(parent) => "; the parent is stopped",
                parent if is_in(parent.caught) => "; the parent catches CHLD",
                parent if is_in(parent.blocked) => "; the parent blocks CHLD",
                parent if is_in(parent.ignored) => {
                    "; the parent ignores CHLD, and did not when this one ended"
                }
                _ => "; the parent leaves CHLD at its default, and is to call wait(2) by itself",
            });
            if let Some(tracer) = self.status.tracer {
                let name = named(tracer, self.around.tracer.as_ref());
                let why = format!(
                    "its tracer {name} has to reap it first, then its parent; no signal does anything to it"
                );
                return vec![finding(
                    Id::Zombie,
                    Severity::Problem,
                    format!("it is a zombie{how}"),
                    why,
                    None,
                )];
            }
            let others = match self.around.zombies {
                Some(count @ 2..) => format!("; it has {count} zombies"),
                _ => String::new(),
            };
            let why = if parent == 0 {
                "its parent, outside this pid namespace, has not called wait(2); no signal does anything to it"
                    .to_owned()
            } else {
                format!(
                    "its parent {name} has not called wait(2) for it{}{others}; no signal does anything to a zombie",
                    chld.unwrap_or_default()
                )
            };
            let todo = (parent > 1)
                .then(|| format!("make the parent reap it, or end the parent: sigtool send {parent}"));
            return vec![finding(Id::Zombie, Severity::Problem, format!("it is a zombie{how}"), why, todo)];
        }
        let mut found = Vec::new();
        if self.pending().contains(KILL) {
            let why = match self.situation.freezer {
                Freezer::One => "KILL is pending: it ends once its control group is thawed",
                _ => "KILL is pending: it ends as soon as what it sleeps in lets it",
            };
            found.push(finding(Id::Dying, Severity::Problem, "it is dying", why, None));
        }
        let several = self.status.threads.is_some_and(|count| count > 1);
        if several && self.status.state.is_some_and(State::is_ended) {
            let why = "it looks like a zombie, but its other threads run, and take signals; the mask of the main \
                       thread counts no more";
            found.push(finding(
                Id::LeaderEnded,
                Severity::Warning,
                "its main thread has ended, others live",
                why,
                None,
            ));
        }
        found
    }

    /// What is pending or blocked, by every thread.
    fn held_back(&self) -> Vec<Finding> {
        let (Some(blocked), false) = (self.blocked(), self.is_zombie()) else { return Vec::new() };
        let read = self.read_otherwise();
        let (ignored, caught) =
            (self.status.ignored.unwrap_or_default(), self.status.caught.unwrap_or_default());
        // What is ignored is dropped once it is unblocked: nothing is kept from anybody.
        let nothing = (set(&[CHLD, URG, WINCH, CONT]) - caught) | ignored;
        let stuck = (self.pending() & blocked) - self.awaited() - nothing;
        let asked = set(&[TERM, INT, HUP, QUIT]);
        // A descriptor that may be read, or may be there unseen.
        let unseen = self.situation.threads.is_some() && self.situation.signalfds.is_none();
        let (readable, held) = (stuck & read, stuck - read);
        let grave = if unseen { Severity::Warning } else { Severity::Problem };
        let mut found = Vec::new();
        for (signals, severity) in
            [(held & asked, grave), (held - asked, Severity::Warning), (readable, Severity::Warning)]
        {
            if signals.is_empty() {
                continue;
            }
            let them = if signals.len() == 1 { "it" } else { "them" };
            let why = match () {
                () if signals == readable => {
                    format!("it has a signalfd for {them}, and has not read {them} from there")
                }
                () if unseen => format!(
                    "nothing becomes of {them} before a thread unblocks {them}, or reads {them} from a signalfd, which may not be seen"
                ),
                () => format!("nothing becomes of {them} before a thread unblocks {them}"),
            };
            let names = names(signals);
            let by = match self.situation.threads.as_ref().map_or(1, |threads| threads.count()) {
                1 => "the process blocks".to_owned(),
                count => format!("all {count} threads block"),
            };
            let pid = self.pid();
            let todo = (severity == Severity::Problem && self.around.here && !self.is_init()).then(|| {
                format!("wait until it unblocks {them}, or end it: sigtool send -KILL {pid} (nobody can block KILL)")
            });
            found.push(finding(
                Id::PendingBlocked,
                severity,
                format!(
                    "{names} {} pending{}, and {by} {them}",
                    if signals.len() == 1 { "is" } else { "are" },
                    claims::claims(self.around, signals)
                ),
                why,
                todo,
            ));
        }
        if blocked.contains(TERM) && !(read | stuck).contains(TERM) {
            let why = "TERM would stay pending: what asks it to end waits in vain";
            found.push(finding(Id::TermBlocked, Severity::Warning, "every thread blocks TERM", why, None));
        }
        let parent = self.around.parent.as_ref();
        // A shell blocks CHLD for a moment while it waits; its children do not.
        let lasting = |of: SignalSet| of - set(&[CHLD]);
        let same = |of: SignalSet| lasting(of) == lasting(blocked) && !lasting(blocked).is_empty();
        if let Some(parent) = parent.filter(|parent| parent.blocked.is_some_and(same)) {
            let name = named(parent.pid, parent.name.as_ref());
            let why = format!(
                "it likely inherited {} from its parent {name}, which blocks the same; masks outlive fork(2) and execve(2)",
                names(lasting(blocked))
            );
            let todo = "let the parent restore the mask before it starts others".to_owned();
            found.push(finding(
                Id::MaskInherited,
                Severity::Warning,
                "its mask is its parent's",
                why,
                Some(todo),
            ));
        }
        found
    }

    fn sleeping(&self) -> Vec<Finding> {
        // The freezer of version 1 shows as such a sleep, and has its own finding.
        let frozen = self.situation.freezer == Freezer::One;
        let Some(sleep) = self.around.sleep.as_ref().filter(|_| !frozen) else { return Vec::new() };
        let place = match (sleep.call, &sleep.channel) {
            (Some(call), Some(channel)) => format!(", in system call {call}, in the kernel's {channel}"),
            (Some(call), None) => format!(", in system call {call}"),
            (None, Some(channel)) => format!(", in the kernel's {channel}"),
            (None, None) => String::new(),
        };
        let vfork = |name: &String| name.contains("vfork") || name.contains("kernel_clone");
        let likely = match sleep.channel.as_ref().is_some_and(vfork) {
            true => "likely it waits for its child of a vfork(2) to execute or end; ",
            false => "",
        };
        let end = match self.situation.threads.as_ref().and_then(Threads::are_killable) {
            Some(true) => "KILL, and what terminates it by default, end it at once",
            Some(false) => "nothing ends it before that sleep is over, not even KILL",
            None => {
                "KILL, and what terminates it by default, end it at once or only when the sleep ends: /proc does \
                 not tell which kind it is"
            }
        };
        let what = format!("a thread is in an uninterruptible sleep (D){place}");
        vec![finding(
            Id::Uninterruptible,
            Severity::Problem,
            what,
            format!("{likely}no handler runs meanwhile; {end}"),
            None,
        )]
    }

    fn stopped(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let pid = self.pid();
        if let Some(tracer) = self.status.tracer {
            let name = named(tracer, self.around.tracer.as_ref());
            let why = "the tracer sees every signal but KILL first, and decides what becomes of it";
            found.push(finding(Id::Traced, Severity::Warning, format!("it is traced by {name}"), why, None));
        }
        if self.status.state.is_some_and(|state| state.letter() == 'T') {
            let by = self.around.stopped_by.map(|signal| format!(" by {}", Arch::NATIVE.name(signal)));
            let pending = self.pending() - self.blocked().unwrap_or_default();
            let waiting = match pending.is_empty() {
                true => String::new(),
                false => format!("; pending until then: {}", names(pending)),
            };
            let why = format!("signals wait until CONT, but for KILL and CONT{waiting}");
            let todo = self.around.here.then(|| format!("sigtool send -CONT {pid}"));
            let what = format!("it is stopped{}", by.unwrap_or_default());
            found.push(finding(Id::Stopped, Severity::Problem, what, why, todo));
        }
        if self.status.state.is_some_and(|state| state.letter() == 't') {
            let waiting = match self.pending().is_empty() {
                true => String::new(),
                false => format!("; pending meanwhile: {}", names(self.pending())),
            };
            let why = format!("it stands still until the tracer lets it go on{waiting}");
            found.push(finding(Id::Stopped, Severity::Problem, "it is stopped by its tracer", why, None));
        }
        let why = match self.situation.freezer {
            Freezer::No => return found,
            Freezer::Two => "KILL still ends it, and so does what terminates it by default; all else waits",
            Freezer::One => "every signal waits until the group is thawed, KILL too",
        };
        found.push(finding(Id::Frozen, Severity::Problem, "its control group is frozen", why, None));
        found
    }

    fn init(&self) -> Vec<Finding> {
        let (Some(caught), true) = (self.status.caught, self.is_init() && !self.situation.is_global_init)
        else {
            return Vec::new();
        };
        if (caught | self.read_otherwise()).contains(TERM) {
            return Vec::new();
        }
        let why = "the kernel drops what an init has no handler for; what stops a container (docker stop) waits 10 s in vain, then kills it";
        let todo = "handle TERM, or run it under an init that forwards it".to_owned();
        let what = "it is the init of a pid namespace, without a handler for TERM";
        vec![finding(Id::InitWithoutTerm, Severity::Problem, what, why, Some(todo))]
    }

    pub(super) fn is_zombie(&self) -> bool {
        has_ended(self.status, self.situation.threads.as_ref())
    }

    fn is_init(&self) -> bool {
        self.status.namespace_pids.last().or(self.status.tgid.as_ref()) == Some(&1)
    }

    pub(super) fn is_kernel_thread(&self) -> bool {
        self.status.kernel_thread == Some(true)
    }

    fn pid(&self) -> u32 {
        self.status.tgid.or(self.status.pid).unwrap_or(0)
    }

    /// What every thread blocks; of a text of several threads nothing is known.
    pub(super) fn blocked(&self) -> Option<SignalSet> {
        Set::Blocked.members(self.situation)
    }

    fn pending(&self) -> SignalSet {
        let own = match &self.situation.threads {
            Some(threads) => threads.pending(),
            None => self.status.pending.unwrap_or_default(),
        };
        own | self.status.shared_pending.unwrap_or_default()
    }

    /// What is awaited, or read from a descriptor at this moment.
    fn awaited(&self) -> SignalSet {
        let waits = self.situation.waits.iter().filter_map(|(_, wait)| match wait {
            Wait::Sigwait(set) | Wait::Signalfd(_, set) => Some(*set),
            _ => None,
        });
        waits.fold(SignalSet::EMPTY, |all, set| all | set)
    }

    /// The same, and what it has a descriptor for.
    fn read_otherwise(&self) -> SignalSet {
        let fds = self.situation.signalfds.iter().flatten().map(|(_, set)| *set);
        fds.fold(self.awaited(), |all, set| all | set)
    }
}

pub(super) fn set(signals: &[Signal]) -> SignalSet {
    signals.iter().copied().collect()
}

/// A few names, or a compact form of many.
pub(super) fn names(signals: SignalSet) -> String {
    signals.text(Arch::NATIVE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::Task;
    use crate::proc::surroundings::Sleep;
    use crate::proc::task::sample;

    #[test]
    fn of_a_sleep_it_is_said_whether_it_may_be_killed_where_that_is_known() {
        let said = |kinds: &[Option<bool>]| {
            let threads =
                (7..).zip(kinds).map(|(tid, kind)| Task { killable: *kind, ..sample(tid, b'D', 0, 0) });
            let threads = Some(Threads::new(threads.collect()));
            let situation = Situation { threads, ..Situation::default() };
            let around = Surroundings { sleep: Some(Sleep::default()), ..Surroundings::default() };
            let found = findings(&situation, &around);
            let sleep = found.into_iter().find(|found| found.id == Id::Uninterruptible).expect("it sleeps");
            sleep.why.strip_prefix("no handler runs meanwhile; ").expect("as in any sleep").to_owned()
        };
        let (killable, deep) = (said(&[Some(true), Some(true)]), said(&[Some(true), Some(false), None]));
        assert_eq!(killable, "KILL, and what terminates it by default, end it at once");
        assert_eq!(deep, "nothing ends it before that sleep is over, not even KILL");
        for kinds in [&[None][..], &[Some(true), None]] {
            assert!(said(kinds).ends_with("/proc does not tell which kind it is"), "{kinds:?}");
        }
    }
}
