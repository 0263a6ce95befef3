//! From what /proc tells of a process to what is wrong or surprising about it.

use super::finding::{Finding, Id, Severity};
use super::queue;
use crate::proc::situation::Situation;
use crate::proc::surroundings::{Denied, Surroundings};
use crate::proc::{Freezer, ProcessName, State, Status, Wait};
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
        Some(name) => format!("{pid} ({})", String::from_utf8_lossy(name.as_bytes())),
        None => pid.to_string(),
    }
}

struct Process<'a> {
    situation: &'a Situation,
    status: &'a Status,
    around: &'a Surroundings,
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
            let child = signal("CHLD");
            let is_in = |set: Option<SignalSet>| {
                set.is_some_and(|set| child.is_some_and(|child| set.contains(child)))
            };
            let chld = relative.map(|parent| match parent {
                parent if is_in(parent.caught) => {
                    "; the parent has a handler for CHLD, which does not call wait(2)"
                }
                parent if is_in(parent.blocked) => "; the parent blocks CHLD",
                parent if is_in(parent.ignored) => {
                    "; the parent ignores CHLD, and did not when this one ended"
                }
                _ => "; the parent leaves CHLD at its default and is to call wait(2) by itself",
            });
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
        if signal("KILL").is_some_and(|kill| self.pending().contains(kill)) {
            let why = "KILL is pending: it ends as soon as what it sleeps in lets it";
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
        let stuck = (self.pending() & blocked) - read;
        let asked = set(&["TERM", "INT", "HUP", "QUIT"]);
        let mut found = Vec::new();
        for (signals, severity) in [(stuck & asked, Severity::Problem), (stuck - asked, Severity::Warning)] {
            if signals.is_empty() {
                continue;
            }
            let names = names(signals);
            let by = match self.situation.threads.as_ref().map_or(1, |threads| threads.count()) {
                1 => "the process blocks".to_owned(),
                count => format!("all {count} threads block"),
            };
            let them = if signals.len() == 1 { "it" } else { "them" };
            let pid = self.pid();
            let todo = (severity == Severity::Problem).then(|| {
                format!("wait until it unblocks {them}, or end it: sigtool send -KILL {pid} (nobody can block KILL)")
            });
            found.push(finding(
                Id::PendingBlocked,
                severity,
                format!("{names} {} pending, and {by} {them}", if signals.len() == 1 { "is" } else { "are" }),
                "nothing becomes of a signal before a thread unblocks it",
                todo,
            ));
        }
        let term = set(&["TERM"]);
        if !(blocked & term).is_empty() && ((read | stuck) & term).is_empty() {
            let why = "TERM would stay pending: what asks it to end waits in vain";
            found.push(finding(Id::TermBlocked, Severity::Warning, "every thread blocks TERM", why, None));
        }
        let parent = self.around.parent.as_ref();
        // The parent may block more for a moment: a shell does while it waits.
        let includes = |of: SignalSet| (blocked - of).is_empty() && !blocked.is_empty();
        if let Some(parent) = parent.filter(|parent| parent.blocked.is_some_and(includes)) {
            let name = named(parent.pid, parent.name.as_ref());
            let why = format!(
                "it likely inherited {} from its parent {name}, which blocks them, too; masks outlive fork(2) and execve(2)",
                names(blocked)
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
        let Some(sleep) = &self.around.sleep else { return Vec::new() };
        let place = match (sleep.call, &sleep.channel) {
            (Some(call), Some(channel)) => format!(", in system call {call}, in the kernel's {channel}"),
            (Some(call), None) => format!(", in system call {call}"),
            (None, Some(channel)) => format!(", in the kernel's {channel}"),
            (None, None) => String::new(),
        };
        let why = "no handler runs meanwhile; KILL, and what terminates it by default, end it at once or only when the \
                   sleep ends: /proc does not tell which kind it is";
        let what = format!("a thread is in an uninterruptible sleep (D){place}");
        vec![finding(Id::Uninterruptible, Severity::Problem, what, why, None)]
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
            let todo = format!("sigtool send -CONT {pid}");
            let what = format!("it is stopped{}", by.unwrap_or_default());
            found.push(finding(Id::Stopped, Severity::Problem, what, why, Some(todo)));
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
        let init = self.status.namespace_pids.last().or(self.status.tgid.as_ref()) == Some(&1);
        let (Some(caught), true) = (self.status.caught, init && !self.situation.is_global_init) else {
            return Vec::new();
        };
        if !(set(&["TERM"]) & (caught | self.read_otherwise())).is_empty() {
            return Vec::new();
        }
        let why = "the kernel drops what an init has no handler for: `docker stop` waits 10 s in vain, then kills it";
        let todo = "handle TERM, or run it under an init that forwards it".to_owned();
        let what = "it is the init of a pid namespace, without a handler for TERM";
        vec![finding(Id::InitWithoutTerm, Severity::Problem, what, why, Some(todo))]
    }

    fn ignored(&self) -> Vec<Finding> {
        let (Some(ignored), false) = (self.status.ignored, self.is_zombie() || self.is_kernel_thread())
        else {
            return Vec::new();
        };
        let all = |names: &[&str]| {
            let wanted = set(names);
            wanted & ignored == wanted
        };
        let mut found = Vec::new();
        let mut add =
            |id, severity, what: &str, why: &str| found.push(finding(id, severity, what, why, None));
        if all(&["TERM"]) {
            let why = "what asks it to end asks in vain; ignored signals stay so over execve(2)";
            add(Id::TermIgnored, Severity::Warning, "it ignores TERM", why);
        }
        if all(&["HUP"]) {
            let why = "it outlives its terminal; likely it was started by nohup(1)";
            add(Id::HupIgnored, Severity::Note, "it ignores HUP", why);
        }
        if all(&["INT", "QUIT"]) {
            let why = "Ctrl-C does nothing; likely a shell without job control (a script) started it with &";
            add(Id::InterruptIgnored, Severity::Note, "it ignores INT and QUIT", why);
        }
        if all(&["PIPE", "XFSZ"]) {
            let why = "a write to a pipe that nobody reads fails instead of ending it; likely Python, or started by it";
            add(Id::PipeIgnored, Severity::Note, "it ignores PIPE and XFSZ", why);
        } else if all(&["PIPE"]) {
            let why = "a write to a pipe that nobody reads fails (EPIPE) instead of ending it; what it starts inherits that";
            add(Id::PipeIgnored, Severity::Note, "it ignores PIPE", why);
        }
        if all(&["CHLD"]) {
            let why = "the kernel reaps its children by itself, and wait(2) for them fails (ECHILD); what it starts \
                       inherits that";
            add(Id::ChildIgnored, Severity::Warning, "it ignores CHLD", why);
        }
        found
    }

    /// What is taken in another way than by a handler.
    fn waiting(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let waits = |is: fn(&Wait) -> bool| self.situation.waits.iter().find(move |(_, wait)| is(wait));
        if let Some((tid, Wait::Sigwait(set))) = waits(|wait| matches!(wait, Wait::Sigwait(_))) {
            let what = format!("thread {tid} waits in sigwait(3) for {}", names(*set));
            let why = "the kernel shows these as unblocked meanwhile; whichever comes is taken there, and no handler \
                       or default action follows";
            found.push(finding(Id::Sigwait, Severity::Note, what, why, None));
        }
        if let Some((tid, _)) = waits(|wait| *wait == Wait::Sigsuspend) {
            let what = format!("thread {tid} waits in sigsuspend(2)");
            let why = "its mask is a temporary one, and another when it goes on";
            found.push(finding(Id::Sigsuspend, Severity::Note, what, why, None));
        }
        for (descriptor, set) in self.situation.signalfds.iter().flatten() {
            let what = format!("descriptor {descriptor} is a signalfd of {}", names(*set));
            let why = "it reads these instead of handling them, as long as they are blocked";
            found.push(finding(Id::Signalfd, Severity::Note, what, why, None));
        }
        found
    }

    /// What kind of program it is.
    fn kind(&self) -> Vec<Finding> {
        if self.is_kernel_thread() {
            let why = "it takes no signals but those that its own code asks for; it cannot be ended";
            return vec![finding(Id::KernelThread, Severity::Note, "it is a kernel thread", why, None)];
        }
        let caught = self.status.caught.unwrap_or_default();
        let mut found = Vec::new();
        let own = caught.iter().filter(|signal| signal.is_of_c_library()).collect::<SignalSet>();
        // Go catches what it can; its runtime wakes its threads by URG.
        if !(caught & set(&["URG"])).is_empty() && caught.len() >= 50 {
            let why = "the Go runtime catches all it can, and interrupts its threads by URG many times a second: that is \
                       no fault";
            let what = "it is likely a Go program";
            found.push(finding(Id::GoRuntime, Severity::Note, what, why, None));
        } else if !own.is_empty() {
            let why = "the C library uses 32 to cancel threads and 33 to change the user of all of them";
            let what = format!("it catches {}, the C library's own", names(own));
            found.push(finding(Id::CLibrary, Severity::Note, what, why, None));
        }
        found
    }

    fn denied(&self) -> Vec<Finding> {
        let what = |denied: &Denied| match denied {
            Denied::Call => "whether a thread waits in sigwait(3) may not be read (/proc/PID/syscall)",
            Denied::Descriptors => {
                "whether it reads signals from a descriptor may not be read (/proc/PID/fd)"
            }
        };
        let why = "that takes the right to ptrace(2) it: the same user, if kernel.yama.ptrace_scope allows, or CAP_SYS_PTRACE";
        let found = |denied| finding(Id::Unreadable, Severity::Note, what(denied), why, None);
        self.around.denied.iter().map(found).collect()
    }

    fn is_zombie(&self) -> bool {
        let ended = self.status.state.is_some_and(State::is_ended);
        match &self.situation.threads {
            Some(threads) => threads.are_ended(),
            None => ended && self.status.threads.is_none_or(|count| count <= 1),
        }
    }

    fn is_kernel_thread(&self) -> bool {
        self.status.kernel_thread == Some(true)
    }

    fn pid(&self) -> u32 {
        self.status.tgid.or(self.status.pid).unwrap_or(0)
    }

    /// What every thread blocks; of a text of several threads nothing is known.
    fn blocked(&self) -> Option<SignalSet> {
        match &self.situation.threads {
            Some(threads) => Some(threads.blocked_by_all()),
            None if self.status.threads.is_some_and(|count| count > 1) => None,
            None => self.status.blocked,
        }
    }

    fn pending(&self) -> SignalSet {
        let own = match &self.situation.threads {
            Some(threads) => threads.pending(),
            None => self.status.pending.unwrap_or_default(),
        };
        own | self.status.shared_pending.unwrap_or_default()
    }

    /// What is read from a descriptor or awaited, blocked or not.
    fn read_otherwise(&self) -> SignalSet {
        let fds = self.situation.signalfds.iter().flatten().map(|(_, set)| *set);
        let waits = self.situation.waits.iter().filter_map(|(_, wait)| match wait {
            Wait::Sigwait(set) | Wait::Signalfd(_, set) => Some(*set),
            _ => None,
        });
        fds.chain(waits).fold(SignalSet::EMPTY, |all, set| all | set)
    }
}

fn signal(name: &str) -> Option<Signal> {
    crate::signal::name::parse(name, Arch::NATIVE).ok()
}

fn set(names: &[&str]) -> SignalSet {
    names.iter().filter_map(|name| signal(name)).collect()
}

/// A few names, or a compact form of many.
fn names(signals: SignalSet) -> String {
    signals.text(Arch::NATIVE).to_string()
}
