//! The process that findings are about, and its properties that several findings need.

use crate::explain::requirement::SignalSetKind;
use crate::procfs::context::ProcessContext;
use crate::procfs::{ProcStatus, ProcessSnapshot, WaitReason, process_has_exited};
use crate::signal::SignalSet;

/// The process that findings are about.
pub(super) struct FindingContext<'a> {
    pub(super) snapshot: &'a ProcessSnapshot,
    pub(super) status: &'a ProcStatus,
    pub(super) context: &'a ProcessContext,
}

impl FindingContext<'_> {
    pub(super) fn is_zombie(&self) -> bool {
        process_has_exited(self.status, self.snapshot.threads.as_ref())
    }

    /// Returns `true` if the process is the init of its PID namespace.
    pub(super) fn is_init(&self) -> bool {
        self.status.namespace_pids.last().or(self.status.tgid.as_ref()) == Some(&1)
    }

    pub(super) fn is_kernel_thread(&self) -> bool {
        self.status.is_kernel_thread == Some(true)
    }

    pub(super) fn pid(&self) -> u32 {
        self.status.tgid.or(self.status.pid).unwrap_or(0)
    }

    /// Returns the signals that every thread blocks. Returns `None` if the masks of some
    /// threads are unknown.
    pub(super) fn blocked_by_all_threads(&self) -> Option<SignalSet> {
        SignalSetKind::Blocked.signals_of(self.snapshot)
    }

    pub(super) fn pending_signals(&self) -> SignalSet {
        let thread_pending = match &self.snapshot.threads {
            Some(threads) => threads.pending_for_any(),
            None => self.status.pending.unwrap_or_default(),
        };
        thread_pending | self.status.shared_pending.unwrap_or_default()
    }

    /// Returns the signals that a thread waits for right now, in sigwait(3) or by reading
    /// a signalfd.
    pub(super) fn signals_being_read(&self) -> SignalSet {
        let sets = self.snapshot.wait_reasons.iter().filter_map(|(_, reason)| match reason {
            WaitReason::Sigwait(set) | WaitReason::Signalfd(_, set) => Some(*set),
            _ => None,
        });
        sets.fold(SignalSet::EMPTY, |all, set| all | set)
    }

    /// Returns the signals that a thread waits for, or for which a signalfd is open.
    pub(super) fn signals_read_without_handler(&self) -> SignalSet {
        let sets = self.snapshot.signalfds.iter().flatten().map(|(_, set)| *set);
        sets.fold(self.signals_being_read(), |all, set| all | set)
    }
}
