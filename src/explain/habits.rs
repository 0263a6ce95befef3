//! What a process does with signals by habit, and what may not be seen of it.

use super::finding::{Finding, Id, Severity};
use super::findings::{Process, finding, names, set};
use crate::proc::Wait;
use crate::proc::surroundings::Denied;
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
            let system = self.blocked().is_some_and(|blocked| blocked == set(&[CHLD]));
            let why = match system {
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
