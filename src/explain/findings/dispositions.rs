//! What a process does with signals by habit, and what may not be seen of it.

use super::finding::{Finding, FindingId, Severity};
use super::{FindingContext, new_finding, signal_names, signal_set};
use crate::procfs::context::UnreadableFile;
use crate::procfs::{Thread, Threads, WaitReason};
use crate::signal::SignalSet;
use crate::signal::consts::{CHLD, HUP, INT, PIPE, QUIT, TERM, URG, XFSZ};

impl FindingContext<'_> {
    pub(super) fn ignored_signal_findings(&self) -> Vec<Finding> {
        let (Some(ignored), false) = (self.status.ignored, self.is_zombie() || self.is_kernel_thread())
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut add =
            |id, severity, what: &str, why: &str| found.push(new_finding(id, severity, what, why, None));
        if ignored.contains(TERM) {
            let why = "TERM does not end it; an interactive shell does so; what it starts may inherit that";
            add(FindingId::TermIgnored, Severity::Warning, "it ignores TERM", why);
        }
        if ignored.contains(HUP) {
            let why = "it outlives its terminal; likely it was started by nohup(1)";
            add(FindingId::HupIgnored, Severity::Note, "it ignores HUP", why);
        }
        if ignored.contains(INT) && ignored.contains(QUIT) {
            let why = match self.waits_in_system() {
                true => "likely it waits in system(3) for what it runs",
                false => {
                    "Ctrl-C does nothing; likely a shell without job control (a script) started it with &"
                }
            };
            add(FindingId::IntQuitIgnored, Severity::Note, "it ignores INT and QUIT", why);
        }
        if ignored.contains(PIPE) && ignored.contains(XFSZ) {
            let why = "a write to a pipe that nobody reads fails instead of ending it; likely Python or Node.js, or started by them";
            add(FindingId::PipeIgnored, Severity::Note, "it ignores PIPE and XFSZ", why);
        } else if ignored.contains(PIPE) {
            let why = "a write to a pipe that nobody reads fails (EPIPE) instead of ending it; what it starts inherits that";
            add(FindingId::PipeIgnored, Severity::Note, "it ignores PIPE", why);
        }
        if ignored.contains(CHLD) {
            let why = "the kernel reaps its children by itself, and wait(2) for them fails (ECHILD); what it starts \
                       inherits that";
            add(FindingId::ChldIgnored, Severity::Warning, "it ignores CHLD", why);
        }
        found
    }

    /// Whether a thread waits in system(3): with INT and QUIT ignored, it blocks
    /// CHLD and waits for one child by its number (POSIX, `system`). A shell
    /// that waits, with CHLD blocked for that moment, does so for any child.
    fn waits_in_system(&self) -> bool {
        let threads = self.snapshot.threads.iter().flat_map(Threads::live);
        let wait = |task: &Thread| (self.snapshot.wait_reason(task.tid), task.blocked);
        // What may not be seen: a shell catches CHLD, to learn of its jobs.
        let unseen = || !self.status.caught.unwrap_or_default().contains(CHLD);
        let is = |(wait, blocked): (WaitReason, SignalSet)| match wait {
            WaitReason::Child(Some(_)) => blocked.contains(CHLD),
            WaitReason::Child(None) | WaitReason::Unknown => blocked == signal_set(&[CHLD]) && unseen(),
            _ => false,
        };
        match &self.snapshot.threads {
            Some(_) => threads.map(wait).any(is),
            None => self.blocked_by_all_threads().is_some_and(|blocked| is((WaitReason::Unknown, blocked))),
        }
    }

    /// What is taken in another way than by a handler.
    pub(super) fn wait_findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let waits =
            |is: fn(&WaitReason) -> bool| self.snapshot.wait_reasons.iter().find(move |(_, wait)| is(wait));
        if let Some((tid, WaitReason::Sigwait(set))) = waits(|wait| matches!(wait, WaitReason::Sigwait(_))) {
            let what = format!("thread {tid} waits in sigwait(3) for {}", signal_names(*set));
            let why = "the kernel shows these as unblocked meanwhile; whichever comes is taken there, and no handler \
                       or default action follows";
            found.push(new_finding(FindingId::Sigwait, Severity::Note, what, why, None));
        }
        if let Some((tid, _)) = waits(|wait| *wait == WaitReason::Sigsuspend) {
            let what = format!("thread {tid} waits in sigsuspend(2)");
            let why = "its mask is a temporary one, and another when it goes on";
            found.push(new_finding(FindingId::Sigsuspend, Severity::Note, what, why, None));
        }
        for (descriptor, set) in self.snapshot.signalfds.iter().flatten() {
            let what = format!("descriptor {descriptor} is a signalfd of {}", signal_names(*set));
            let why = "it may read these there, instead of handling them, as long as they are blocked";
            found.push(new_finding(FindingId::Signalfd, Severity::Note, what, why, None));
        }
        found
    }

    /// What kind of program it is.
    pub(super) fn program_kind_findings(&self) -> Vec<Finding> {
        if self.is_kernel_thread() {
            let why = "it takes no signals but those that its own code asks for; it cannot be ended";
            return vec![new_finding(
                FindingId::KernelThread,
                Severity::Note,
                "it is a kernel thread",
                why,
                None,
            )];
        }
        let caught = self.status.caught.unwrap_or_default();
        let mut found = Vec::new();
        let own = caught.iter().filter(|signal| signal.is_reserved_by_libc()).collect::<SignalSet>();
        if matches_go_runtime(caught) {
            let why = "the Go runtime catches all it can, and interrupts its threads by URG many times a second: that is \
                       no fault";
            let what = "it is likely a Go program";
            found.push(new_finding(FindingId::GoRuntime, Severity::Note, what, why, None));
        } else if !own.is_empty() {
            let why = "the C library uses 32 to cancel threads and 33 to change the user of all of them";
            let what = format!("it catches {}, the C library's own", signal_names(own));
            found.push(new_finding(FindingId::LibcSignals, Severity::Note, what, why, None));
        }
        found
    }

    pub(super) fn unreadable_findings(&self) -> Vec<Finding> {
        let what = |denied: &UnreadableFile| match denied {
            UnreadableFile::Syscall => {
                "whether a thread waits in sigwait(3) may not be read (/proc/PID/syscall)"
            }
            UnreadableFile::SyscallAndWchan => "in what it sleeps may not be read (/proc/PID/syscall, wchan)",
            UnreadableFile::StatExitCode => "by which signal it was stopped may not be read (/proc/PID/stat)",
            UnreadableFile::FdDirectory => {
                "whether it reads signals from a descriptor may not be read (/proc/PID/fd)"
            }
        };
        let why = "that takes the right to ptrace(2) it: the same user, if kernel.yama.ptrace_scope allows, or CAP_SYS_PTRACE";
        let found = |denied| new_finding(FindingId::Unreadable, Severity::Note, what(denied), why, None);
        self.context.unreadable_files.iter().map(found).collect()
    }
}

/// Whether this is what Go's runtime catches: all it can, and URG, by which it
/// wakes its threads.
pub(super) fn matches_go_runtime(caught: SignalSet) -> bool {
    caught.contains(URG) && caught.len() >= 50
}

#[cfg(test)]
mod tests {
    use super::super::collect_findings;
    use super::*;
    use crate::procfs::ProcessSnapshot;
    use crate::procfs::context::ProcessContext;
    use crate::procfs::task::test_thread;

    /// What is said of one that ignores INT and QUIT.
    fn interrupt_finding_cause(
        blocked: &[SignalSet],
        waits: &[WaitReason],
        caught: SignalSet,
    ) -> &'static str {
        let tasks = (7..).zip(blocked).map(|(tid, blocked)| test_thread(tid, b'S', 0, blocked.bits()));
        let mut situation = ProcessSnapshot {
            threads: Some(Threads::new(tasks.collect())),
            wait_reasons: (7..).zip(waits.iter().copied()).collect(),
            ..ProcessSnapshot::default()
        };
        situation.status.ignored = Some(signal_set(&[INT, QUIT]));
        situation.status.caught = Some(caught);
        let found = collect_findings(&situation, &ProcessContext::default());
        let said =
            found.iter().find(|finding| finding.id == FindingId::IntQuitIgnored).expect("it ignores both");
        if said.explanation.contains("system(3)") { "system" } else { "&" }
    }

    #[test]
    fn system3_is_distinguished_from_waiting_shell() {
        let (chld, none) = (signal_set(&[CHLD]), SignalSet::EMPTY);
        for (blocked, wait, caught, expected) in [
            (chld, WaitReason::Child(Some(8)), none, "system"),
            (chld | signal_set(&[TERM]), WaitReason::Child(Some(8)), none, "system"),
            (chld, WaitReason::Child(Some(8)), chld, "system"),
            (none, WaitReason::Child(Some(8)), none, "&"),
            // bash in `wait`.
            (chld, WaitReason::Other, chld, "&"),
            (chld, WaitReason::Other, none, "&"),
            // The call may not be read.
            (chld, WaitReason::Child(None), none, "system"),
            (chld, WaitReason::Unknown, none, "system"),
            (chld, WaitReason::Child(None), chld, "&"),
            (chld | signal_set(&[TERM]), WaitReason::Unknown, none, "&"),
        ] {
            assert_eq!(
                interrupt_finding_cause(&[blocked], &[wait], caught),
                expected,
                "{blocked:?} {wait:?} {caught:?}"
            );
        }
        let threads = [WaitReason::Other, WaitReason::Child(Some(8))];
        assert_eq!(interrupt_finding_cause(&[none, chld], &threads, none), "system", "one thread of two");
    }
}
