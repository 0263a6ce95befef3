//! From what /proc tells of a process to what is wrong or surprising about it.

mod dispositions;
pub mod finding;
pub(super) mod handlers;
mod senders;

use super::requirement::SignalSetKind;
use crate::procfs::context::{ParentInfo, ProcessContext, QUEUE_NEARLY_FULL_PERCENT};
use crate::procfs::snapshot::ProcessSnapshot;
use crate::procfs::{
    FreezerState, ProcStatus, ProcessName, TaskState, Threads, WaitReason, process_has_exited,
};
use crate::signal::consts::{CHLD, CONT, HUP, INT, KILL, QUIT, TERM, URG, WINCH};
use crate::signal::{Arch, Signal, SignalSet};
use finding::{Finding, FindingId, Severity};

/// Everything that is found of a process, gravest first.
pub fn collect_findings(situation: &ProcessSnapshot, around: &ProcessContext) -> Vec<Finding> {
    let process = FindingContext { snapshot: situation, status: &situation.status, context: around };
    let found = [
        process.exit_findings(),
        process.blocked_findings(),
        process.sleep_findings(),
        process.stop_findings(),
        process.init_findings(),
        process.ignored_signal_findings(),
        process.wait_findings(),
        process.program_kind_findings(),
        process.unreadable_findings(),
    ];
    let mut found: Vec<Finding> = found.into_iter().flatten().collect();
    found.extend(queue_finding(&situation.status, around));
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Makes a finding.
pub(super) fn new_finding(
    id: FindingId,
    severity: Severity,
    what: impl Into<String>,
    why: impl Into<String>,
    todo: Option<String>,
) -> Finding {
    Finding { id, severity, summary: what.into(), explanation: why.into(), advice: todo }
}

/// `77 (make)`.
pub(super) fn format_process(pid: u32, name: Option<&ProcessName>) -> String {
    match name {
        Some(name) => format!("{pid} ({})", name.escape_invalid_utf8()),
        None => pid.to_string(),
    }
}

pub(super) struct FindingContext<'a> {
    pub(super) snapshot: &'a ProcessSnapshot,
    pub(super) status: &'a ProcStatus,
    pub(super) context: &'a ProcessContext,
}

impl FindingContext<'_> {
    /// Dead, or on its way out.
    fn exit_findings(&self) -> Vec<Finding> {
        let parent = self.status.parent_pid.unwrap_or(0);
        if self.is_zombie() {
            let how = self.context.termination.map_or(String::new(), |ending| format!(": it was {ending}"));
            let how = how.replace("it was exited", "it exited");
            let relative = self.context.parent.as_ref();
            let name = format_process(parent, relative.and_then(|parent| parent.name.as_ref()));
            let is_in = |set: Option<SignalSet>| set.is_some_and(|set| set.contains(CHLD));
            let stopped = |parent: &ParentInfo| parent.state.is_some_and(TaskState::is_stopped);
            let chld = relative.map(|parent| match parent {
                parent if stopped(parent) => "; the parent is stopped",
                parent if is_in(parent.caught) => "; the parent catches CHLD",
                parent if is_in(parent.blocked) => "; the parent blocks CHLD",
                parent if is_in(parent.ignored) => {
                    "; the parent ignores CHLD, and did not when this one ended"
                }
                _ => "; the parent leaves CHLD at its default, and is to call wait(2) by itself",
            });
            if let Some(tracer) = self.status.tracer_pid {
                let name = format_process(tracer, self.context.tracer_name.as_ref());
                let why = format!(
                    "its tracer {name} has to reap it first, then its parent; no signal does anything to it"
                );
                return vec![new_finding(
                    FindingId::Zombie,
                    Severity::Problem,
                    format!("it is a zombie{how}"),
                    why,
                    None,
                )];
            }
            let others = match self.context.zombie_count {
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
            return vec![new_finding(
                FindingId::Zombie,
                Severity::Problem,
                format!("it is a zombie{how}"),
                why,
                todo,
            )];
        }
        let mut found = Vec::new();
        if self.pending_signals().contains(KILL) {
            let why = match self.snapshot.freezer_state {
                FreezerState::V1 => "KILL is pending: it ends once its control group is thawed",
                _ => "KILL is pending: it ends as soon as what it sleeps in lets it",
            };
            found.push(new_finding(FindingId::Dying, Severity::Problem, "it is dying", why, None));
        }
        let several = self.status.thread_count.is_some_and(|count| count > 1);
        if several && self.status.state.is_some_and(TaskState::has_exited) {
            let why = "it looks like a zombie, but its other threads run, and take signals; the mask of the main \
                       thread counts no more";
            found.push(new_finding(
                FindingId::LeaderExited,
                Severity::Warning,
                "its main thread has ended, others live",
                why,
                None,
            ));
        }
        found
    }

    /// What is pending or blocked, by every thread.
    fn blocked_findings(&self) -> Vec<Finding> {
        let (Some(blocked), false) = (self.blocked_by_all_threads(), self.is_zombie()) else {
            return Vec::new();
        };
        let read = self.signals_read_without_handler();
        let (ignored, caught) =
            (self.status.ignored.unwrap_or_default(), self.status.caught.unwrap_or_default());
        // What is ignored is dropped once it is unblocked: nothing is kept from anybody.
        let nothing = (signal_set(&[CHLD, URG, WINCH, CONT]) - caught) | ignored;
        let stuck = (self.pending_signals() & blocked) - self.signals_being_read() - nothing;
        let asked = signal_set(&[TERM, INT, HUP, QUIT]);
        // A descriptor that may be read, or may be there unseen.
        let unseen = self.snapshot.threads.is_some() && self.snapshot.signalfds.is_none();
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
            let names = signal_names(signals);
            let by = match self.snapshot.threads.as_ref().map_or(1, |threads| threads.live_count()) {
                1 => "the process blocks".to_owned(),
                count => format!("all {count} threads block"),
            };
            let pid = self.pid();
            let todo = (severity == Severity::Problem && self.context.is_live && !self.is_init()).then(|| {
                format!("wait until it unblocks {them}, or end it: sigtool send -KILL {pid} (nobody can block KILL)")
            });
            found.push(new_finding(
                FindingId::PendingBlocked,
                severity,
                format!(
                    "{names} {} pending{}, and {by} {them}",
                    if signals.len() == 1 { "is" } else { "are" },
                    senders::describe_senders(self.context, signals)
                ),
                why,
                todo,
            ));
        }
        if blocked.contains(TERM) && !(read | stuck).contains(TERM) {
            let why = "TERM would stay pending: what asks it to end waits in vain";
            found.push(new_finding(
                FindingId::TermBlocked,
                Severity::Warning,
                "every thread blocks TERM",
                why,
                None,
            ));
        }
        let parent = self.context.parent.as_ref();
        // A shell blocks CHLD for a moment while it waits; its children do not.
        let lasting = |of: SignalSet| of - signal_set(&[CHLD]);
        let same = |of: SignalSet| lasting(of) == lasting(blocked) && !lasting(blocked).is_empty();
        if let Some(parent) = parent.filter(|parent| parent.blocked.is_some_and(same)) {
            let name = format_process(parent.pid, parent.name.as_ref());
            let why = format!(
                "it likely inherited {} from its parent {name}, which blocks the same; masks outlive fork(2) and execve(2)",
                signal_names(lasting(blocked))
            );
            let todo = "let the parent restore the mask before it starts others".to_owned();
            found.push(new_finding(
                FindingId::MaskInherited,
                Severity::Warning,
                "its mask is its parent's",
                why,
                Some(todo),
            ));
        }
        found
    }

    fn sleep_findings(&self) -> Vec<Finding> {
        // The freezer of version 1 shows as such a sleep, and has its own finding.
        let frozen = self.snapshot.freezer_state == FreezerState::V1;
        let Some(sleep) = self.context.sleep_location.as_ref().filter(|_| !frozen) else { return Vec::new() };
        let place = match (sleep.syscall, &sleep.wchan) {
            (Some(call), Some(channel)) => format!(", in system call {call}, in the kernel's {channel}"),
            (Some(call), None) => format!(", in system call {call}"),
            (None, Some(channel)) => format!(", in the kernel's {channel}"),
            (None, None) => String::new(),
        };
        let vfork = |name: &String| name.contains("vfork") || name.contains("kernel_clone");
        let likely = match sleep.wchan.as_ref().is_some_and(vfork) {
            true => "likely it waits for its child of a vfork(2) to execute or end; ",
            false => "",
        };
        let end = match self.snapshot.threads.as_ref().and_then(Threads::all_killable) {
            Some(true) => "KILL, and what terminates it by default, end it at once",
            Some(false) => "nothing ends it before that sleep is over, not even KILL",
            None => {
                "KILL, and what terminates it by default, end it at once or only when the sleep ends: /proc does \
                 not tell which kind it is"
            }
        };
        let what = format!("a thread is in an uninterruptible sleep (D){place}");
        vec![new_finding(
            FindingId::UninterruptibleSleep,
            Severity::Problem,
            what,
            format!("{likely}no handler runs meanwhile; {end}"),
            None,
        )]
    }

    fn stop_findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let pid = self.pid();
        if let Some(tracer) = self.status.tracer_pid {
            let name = format_process(tracer, self.context.tracer_name.as_ref());
            let why = "the tracer sees every signal but KILL first, and decides what becomes of it";
            found.push(new_finding(
                FindingId::Traced,
                Severity::Warning,
                format!("it is traced by {name}"),
                why,
                None,
            ));
        }
        if self.status.state.is_some_and(|state| state.letter() == 'T') {
            let by =
                self.context.stop_signal.map(|signal| format!(" by {}", Arch::NATIVE.signal_name(signal)));
            let pending = self.pending_signals() - self.blocked_by_all_threads().unwrap_or_default();
            let waiting = match pending.is_empty() {
                true => String::new(),
                false => format!("; pending until then: {}", signal_names(pending)),
            };
            let why = format!("signals wait until CONT, but for KILL and CONT{waiting}");
            let todo = self.context.is_live.then(|| format!("sigtool send -CONT {pid}"));
            let what = format!("it is stopped{}", by.unwrap_or_default());
            found.push(new_finding(FindingId::Stopped, Severity::Problem, what, why, todo));
        }
        if self.status.state.is_some_and(|state| state.letter() == 't') {
            let waiting = match self.pending_signals().is_empty() {
                true => String::new(),
                false => format!("; pending meanwhile: {}", signal_names(self.pending_signals())),
            };
            let why = format!("it stands still until the tracer lets it go on{waiting}");
            found.push(new_finding(
                FindingId::Stopped,
                Severity::Problem,
                "it is stopped by its tracer",
                why,
                None,
            ));
        }
        let why = match self.snapshot.freezer_state {
            FreezerState::NotFrozen => return found,
            FreezerState::V2 => {
                "KILL still ends it, and so does what terminates it by default; all else waits"
            }
            FreezerState::V1 => "every signal waits until the group is thawed, KILL too",
        };
        found.push(new_finding(
            FindingId::Frozen,
            Severity::Problem,
            "its control group is frozen",
            why,
            None,
        ));
        found
    }

    fn init_findings(&self) -> Vec<Finding> {
        let (Some(caught), true) = (self.status.caught, self.is_init() && !self.snapshot.is_global_init)
        else {
            return Vec::new();
        };
        if (caught | self.signals_read_without_handler()).contains(TERM) {
            return Vec::new();
        }
        let why = "the kernel drops what an init has no handler for; what stops a container (docker stop) waits 10 s in vain, then kills it";
        let todo = "handle TERM, or run it under an init that forwards it".to_owned();
        let what = "it is the init of a pid namespace, without a handler for TERM";
        vec![new_finding(FindingId::InitWithoutTermHandler, Severity::Problem, what, why, Some(todo))]
    }

    pub(super) fn is_zombie(&self) -> bool {
        process_has_exited(self.status, self.snapshot.threads.as_ref())
    }

    fn is_init(&self) -> bool {
        self.status.namespace_pids.last().or(self.status.tgid.as_ref()) == Some(&1)
    }

    pub(super) fn is_kernel_thread(&self) -> bool {
        self.status.is_kernel_thread == Some(true)
    }

    fn pid(&self) -> u32 {
        self.status.tgid.or(self.status.pid).unwrap_or(0)
    }

    /// What every thread blocks; of a text of several threads nothing is known.
    pub(super) fn blocked_by_all_threads(&self) -> Option<SignalSet> {
        SignalSetKind::Blocked.signals_of(self.snapshot)
    }

    fn pending_signals(&self) -> SignalSet {
        let own = match &self.snapshot.threads {
            Some(threads) => threads.pending_for_any(),
            None => self.status.pending.unwrap_or_default(),
        };
        own | self.status.shared_pending.unwrap_or_default()
    }

    /// What is awaited, or read from a descriptor at this moment.
    fn signals_being_read(&self) -> SignalSet {
        let waits = self.snapshot.wait_reasons.iter().filter_map(|(_, wait)| match wait {
            WaitReason::Sigwait(set) | WaitReason::Signalfd(_, set) => Some(*set),
            _ => None,
        });
        waits.fold(SignalSet::EMPTY, |all, set| all | set)
    }

    /// The same, and what it has a descriptor for.
    fn signals_read_without_handler(&self) -> SignalSet {
        let fds = self.snapshot.signalfds.iter().flatten().map(|(_, set)| *set);
        fds.fold(self.signals_being_read(), |all, set| all | set)
    }
}

pub(super) fn signal_set(signals: &[Signal]) -> SignalSet {
    signals.iter().copied().collect()
}

/// A few names, or a compact form of many.
pub(super) fn signal_names(signals: SignalSet) -> String {
    signals.display(Arch::NATIVE).to_string()
}

/// The finding, where the queue is close to the process's own limit.
pub(super) fn queue_finding(status: &ProcStatus, around: &ProcessContext) -> Option<Finding> {
    let queue = status
        .queue_usage
        .filter(|queue| queue.used * 100 >= queue.limit.saturating_mul(QUEUE_NEARLY_FULL_PERCENT))?;
    let full = queue.used >= queue.limit;
    let uid = status.uids.map_or_else(String::new, |(real, _)| format!(" of uid {real}"));
    let what = format!(
        "the signal queue{uid} holds {} of the {} that this process may bring it to",
        queue.used, queue.limit
    );
    let mut why = String::from(
        "when it is full, sigqueue(3) and timer_create(2) fail (EAGAIN), and real-time signals lose their sender and value",
    );
    if let Some(timers) = around.timer_count.filter(|timers| *timers > 0) {
        why.push_str(&format!("; it has {timers} POSIX timers itself, each of which keeps a place"));
    }
    let holders: Vec<String> = around
        .queue_consumers
        .iter()
        .map(|holder| {
            let timers =
                holder.timer_count.filter(|timers| *timers > 0).map(|timers| format!("{timers} timers"));
            let pending = holder.has_pending_realtime.then(|| "real-time signals pending".to_owned());
            let held: Vec<String> = timers.into_iter().chain(pending).collect();
            format!("{}: {}", format_process(holder.pid, holder.name.as_ref()), held.join(", "))
        })
        .collect();
    let todo = (!holders.is_empty()).then(|| format!("look at who holds it: {}", holders.join("; ")));
    let severity = if full { Severity::Problem } else { Severity::Warning };
    Some(new_finding(FindingId::QueueNearlyFull, severity, what, why, todo))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::Thread;
    use crate::procfs::context::SleepLocation;
    use crate::procfs::task::test_thread;

    #[test]
    fn sleep_finding_states_whether_kill_ends_the_sleep() {
        let said = |kinds: &[Option<bool>]| {
            let threads = (7..)
                .zip(kinds)
                .map(|(tid, kind)| Thread { killable: *kind, ..test_thread(tid, b'D', 0, 0) });
            let threads = Some(Threads::new(threads.collect()));
            let situation = ProcessSnapshot { threads, ..ProcessSnapshot::default() };
            let around = ProcessContext {
                sleep_location: Some(SleepLocation::default()),
                ..ProcessContext::default()
            };
            let found = collect_findings(&situation, &around);
            let sleep = found
                .into_iter()
                .find(|found| found.id == FindingId::UninterruptibleSleep)
                .expect("it sleeps");
            sleep.explanation.strip_prefix("no handler runs meanwhile; ").expect("as in any sleep").to_owned()
        };
        let (killable, deep) = (said(&[Some(true), Some(true)]), said(&[Some(true), Some(false), None]));
        assert_eq!(killable, "KILL, and what terminates it by default, end it at once");
        assert_eq!(deep, "nothing ends it before that sleep is over, not even KILL");
        for kinds in [&[None][..], &[Some(true), None]] {
            assert!(said(kinds).ends_with("/proc does not tell which kind it is"), "{kinds:?}");
        }
    }
}
