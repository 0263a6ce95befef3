//! What a process does with signals by habit, and what may not be seen of it.

use super::finding::{Finding, Id, Severity};
use super::findings::{Process, finding, names, set};
use crate::proc::surroundings::Denied;
use crate::proc::{Task, Threads, Wait};
use crate::signal::SignalSet;
use crate::signal::known::{CHLD, HUP, INT, PIPE, QUIT, TERM, URG, XFSZ};

impl Process<'_> {
    pub(super) fn ignored(&self) -> Vec<Finding> {
        let (Some(ignored), false) = (self.status.ignored, self.is_zombie() || self.is_kernel_thread())
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut add =
            |id, severity, what: &str, why: &str| found.push(finding(id, severity, what, why, None));
        if ignored.contains(TERM) {
            let why = "TERM does not end it; an interactive shell does so; what it starts may inherit that";
            add(Id::TermIgnored, Severity::Warning, "it ignores TERM", why);
        }
        if ignored.contains(HUP) {
            let why = "it outlives its terminal; likely it was started by nohup(1)";
            add(Id::HupIgnored, Severity::Note, "it ignores HUP", why);
        }
        if ignored.contains(INT) && ignored.contains(QUIT) {
            let why = match self.is_in_system() {
                true => "likely it waits in system(3) for what it runs",
                false => {
                    "Ctrl-C does nothing; likely a shell without job control (a script) started it with &"
                }
            };
            add(Id::InterruptIgnored, Severity::Note, "it ignores INT and QUIT", why);
        }
        if ignored.contains(PIPE) && ignored.contains(XFSZ) {
            let why = "a write to a pipe that nobody reads fails instead of ending it; likely Python or Node.js, or started by them";
            add(Id::PipeIgnored, Severity::Note, "it ignores PIPE and XFSZ", why);
        } else if ignored.contains(PIPE) {
            let why = "a write to a pipe that nobody reads fails (EPIPE) instead of ending it; what it starts inherits that";
            add(Id::PipeIgnored, Severity::Note, "it ignores PIPE", why);
        }
        if ignored.contains(CHLD) {
            let why = "the kernel reaps its children by itself, and wait(2) for them fails (ECHILD); what it starts \
                       inherits that";
            add(Id::ChildIgnored, Severity::Warning, "it ignores CHLD", why);
        }
        found
    }

    /// Whether a thread waits in system(3): with INT and QUIT ignored, it blocks
    /// CHLD and waits for one child by its number (POSIX, `system`). A shell
    /// that waits, with CHLD blocked for that moment, does so for any child.
    fn is_in_system(&self) -> bool {
        let threads = self.situation.threads.iter().flat_map(Threads::live);
        let wait = |task: &Task| (self.situation.wait(task.tid), task.blocked);
        // What may not be seen: a shell catches CHLD, to learn of its jobs.
        let unseen = || !self.status.caught.unwrap_or_default().contains(CHLD);
        let is = |(wait, blocked): (Wait, SignalSet)| match wait {
            Wait::Child(Some(_)) => blocked.contains(CHLD),
            Wait::Child(None) | Wait::Unknown => blocked == set(&[CHLD]) && unseen(),
            _ => false,
        };
        match &self.situation.threads {
            Some(_) => threads.map(wait).any(is),
            None => self.blocked().is_some_and(|blocked| is((Wait::Unknown, blocked))),
        }
    }

    /// What is taken in another way than by a handler.
    pub(super) fn waiting(&self) -> Vec<Finding> {
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
            let why = "it may read these there, instead of handling them, as long as they are blocked";
            found.push(finding(Id::Signalfd, Severity::Note, what, why, None));
        }
        found
    }

    /// What kind of program it is.
    pub(super) fn kind(&self) -> Vec<Finding> {
        if self.is_kernel_thread() {
            let why = "it takes no signals but those that its own code asks for; it cannot be ended";
            return vec![finding(Id::KernelThread, Severity::Note, "it is a kernel thread", why, None)];
        }
        let caught = self.status.caught.unwrap_or_default();
        let mut found = Vec::new();
        let own = caught.iter().filter(|signal| signal.is_of_c_library()).collect::<SignalSet>();
        if is_all_of_go(caught) {
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

    pub(super) fn denied(&self) -> Vec<Finding> {
        let what = |denied: &Denied| match denied {
            Denied::Call => "whether a thread waits in sigwait(3) may not be read (/proc/PID/syscall)",
            Denied::Sleep => "in what it sleeps may not be read (/proc/PID/syscall, wchan)",
            Denied::StopSignal => "by which signal it was stopped may not be read (/proc/PID/stat)",
            Denied::Descriptors => {
                "whether it reads signals from a descriptor may not be read (/proc/PID/fd)"
            }
        };
        let why = "that takes the right to ptrace(2) it: the same user, if kernel.yama.ptrace_scope allows, or CAP_SYS_PTRACE";
        let found = |denied| finding(Id::Unreadable, Severity::Note, what(denied), why, None);
        self.around.denied.iter().map(found).collect()
    }
}

/// Whether this is what Go's runtime catches: all it can, and URG, by which it
/// wakes its threads.
pub(super) fn is_all_of_go(caught: SignalSet) -> bool {
    caught.contains(URG) && caught.len() >= 50
}

#[cfg(test)]
mod tests {
    use super::super::findings::findings;
    use super::*;
    use crate::proc::Situation;
    use crate::proc::surroundings::Surroundings;
    use crate::proc::task::sample;

    /// What is said of one that ignores INT and QUIT.
    fn why(blocked: &[SignalSet], waits: &[Wait], caught: SignalSet) -> &'static str {
        let tasks = (7..).zip(blocked).map(|(tid, blocked)| sample(tid, b'S', 0, blocked.bits()));
        let mut situation = Situation {
            threads: Some(Threads::new(tasks.collect())),
            waits: (7..).zip(waits.iter().copied()).collect(),
            ..Situation::default()
        };
        situation.status.ignored = Some(set(&[INT, QUIT]));
        situation.status.caught = Some(caught);
        let found = findings(&situation, &Surroundings::default());
        let said = found.iter().find(|finding| finding.id == Id::InterruptIgnored).expect("it ignores both");
        if said.why.contains("system(3)") { "system" } else { "&" }
    }

    #[test]
    fn who_waits_in_system_is_told_from_a_shell_that_waits() {
        let (chld, none) = (set(&[CHLD]), SignalSet::EMPTY);
        for (blocked, wait, caught, expected) in [
            (chld, Wait::Child(Some(8)), none, "system"),
            (chld | set(&[TERM]), Wait::Child(Some(8)), none, "system"),
            (chld, Wait::Child(Some(8)), chld, "system"),
            (none, Wait::Child(Some(8)), none, "&"),
            // bash in `wait`.
            (chld, Wait::Elsewhere, chld, "&"),
            (chld, Wait::Elsewhere, none, "&"),
            // The call may not be read.
            (chld, Wait::Child(None), none, "system"),
            (chld, Wait::Unknown, none, "system"),
            (chld, Wait::Child(None), chld, "&"),
            (chld | set(&[TERM]), Wait::Unknown, none, "&"),
        ] {
            assert_eq!(why(&[blocked], &[wait], caught), expected, "{blocked:?} {wait:?} {caught:?}");
        }
        let threads = [Wait::Elsewhere, Wait::Child(Some(8))];
        assert_eq!(why(&[none, chld], &threads, none), "system", "one thread of two");
    }
}
