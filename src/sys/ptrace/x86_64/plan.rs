//! The plan of an inspection, made before any thread is stopped: which threads to
//! stop, and for what.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;

use libc::pid_t;

use super::procfs_noalloc::{ThreadFileReader, ThreadStatus};
use super::syscall_restart::{CurrentSyscall, MIN_DISTURBANCE};
use crate::sys::process;
use crate::sys::ptrace::PtraceError;

/// PF_KTHREAD among the flags of /proc/PID/stat (include/linux/sched.h).
const PF_KTHREAD: u64 = 0x0020_0000;
/// AT_SYSINFO_EHDR in /proc/PID/auxv: the address of the vdso (getauxval(3)).
const AT_SYSINFO_EHDR: u64 = 33;
/// The bytes of `syscall`.
pub(super) const SYSCALL_INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// A thread that will be stopped once, with the work on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadPlan {
    pub(super) tid: pid_t,
    /// Read the thread's own queue.
    pub(super) read_own_queue: bool,
    /// Read the queue of the process.
    pub(super) read_shared_queue: bool,
    /// Read the actions by injected calls.
    pub(super) read_actions: bool,
    /// Whether seccomp(2) filters its system calls.
    pub(super) is_filtered: bool,
}

/// The planned threads, in the order in which they are stopped.
#[derive(Debug)]
pub(super) struct InspectPlan {
    pub(super) pid: pid_t,
    pub(super) threads: Vec<ThreadPlan>,
    /// Address of a `syscall` instruction in the vdso.
    pub(super) instruction: Option<u64>,
    /// Address of the vdso.
    pub(super) vdso: Option<u64>,
}

/// A thread that may be stopped.
#[derive(Clone, Copy, Debug)]
struct CandidateThread {
    tid: pid_t,
    status: ThreadStatus,
    /// Cost of a stop of this thread, if any thread would do.
    cost: u8,
}

impl InspectPlan {
    /// Makes the plan. `actions` and `queue`: what to read.
    pub(super) fn new(pid: pid_t, actions: bool, queue: bool) -> Result<InspectPlan, PtraceError> {
        let mut reader = ThreadFileReader::new();
        let candidates = find_candidates(pid, actions, queue, &mut reader)?;
        let threads = plan_threads(&candidates, actions, queue);
        let injected = threads.iter().find(|thread| thread.read_actions);
        let vdso = injected.and_then(|thread| vdso_base(pid, thread.tid, &mut reader));
        let instruction = vdso.and_then(|base| base.checked_add(vdso_syscall_offset()?));
        for planned in &threads {
            let candidate = candidates.iter().find(|each| each.tid == planned.tid);
            if let Some(tracer) = candidate.map(|each| each.status.tracer).filter(|tracer| *tracer != 0) {
                return Err(PtraceError::Traced { tracer });
            }
        }
        Ok(InspectPlan { pid, threads, instruction, vdso })
    }
}

/// Lists living threads. Stops early if one thread is enough.
fn find_candidates(
    pid: pid_t,
    actions: bool,
    queue: bool,
    reader: &mut ThreadFileReader,
) -> Result<Vec<CandidateThread>, PtraceError> {
    // The process may exist but be hidden (hidepid in proc_pid(5)).
    let tids = list_threads(pid).map_err(|_| match process::exists(pid.cast_unsigned()) {
        true => PtraceError::Forbidden,
        false => PtraceError::Gone,
    })?;
    let (mut candidates, mut min_cost) = (Vec::new(), u8::MAX);
    let mut has_zombie = false;
    for tid in tids {
        let Ok(status) = reader.status(pid, tid) else { continue };
        // A kernel thread ignores all signals.
        if status.is_kernel_thread || (status.ignored == u64::MAX && is_kernel_thread(pid, reader)) {
            return Err(PtraceError::KernelThread);
        }
        if status.has_exited() {
            has_zombie = true;
            continue;
        }
        // After a thread of minimal cost, the others need not be checked.
        let syscall = match min_cost {
            MIN_DISTURBANCE => CurrentSyscall::Unknown,
            _ => reader.read(pid, tid, "syscall").map_or(CurrentSyscall::Unknown, CurrentSyscall::parse),
        };
        let cost = candidate_cost(syscall, &status, actions);
        min_cost = min_cost.min(cost);
        candidates.push(CandidateThread { tid, status, cost });
        if !queue && min_cost == MIN_DISTURBANCE {
            break;
        }
    }
    match candidates.is_empty() {
        false => Ok(candidates),
        true if has_zombie => Err(PtraceError::Zombie),
        true => Err(PtraceError::Gone),
    }
}

/// Returns the cost of a stop. A filter costs more than any system call, and an
/// uninterruptible sleep costs most.
fn candidate_cost(syscall: CurrentSyscall, status: &ThreadStatus, actions: bool) -> u8 {
    match status.state {
        b'D' => 100,
        _ if actions && status.is_filtered => 10 + syscall.disturbance(true),
        _ => syscall.disturbance(status.is_filtered),
    }
}

/// Selects the threads with a queue of their own, and the cheapest thread for work
/// that any thread can do.
fn plan_threads(candidates: &[CandidateThread], actions: bool, queue: bool) -> Vec<ThreadPlan> {
    let shared = queue && candidates.iter().any(|each| each.status.shared_pending != 0);
    let cheapest = candidates.iter().min_by_key(|each| each.cost).map(|each| each.tid);
    // A thread that is stopped anyway can also serve the process's queue.
    let has_own_queue = |each: &&CandidateThread| queue && each.status.pending != 0;
    let cheapest_owner =
        candidates.iter().filter(has_own_queue).min_by_key(|each| each.cost).map(|each| each.tid);
    let shared_reader = cheapest_owner.filter(|_| !actions).or(cheapest);
    let plan = |each: &CandidateThread| ThreadPlan {
        tid: each.tid,
        read_own_queue: has_own_queue(&each),
        read_shared_queue: shared && shared_reader == Some(each.tid),
        read_actions: actions && cheapest == Some(each.tid),
        is_filtered: each.status.is_filtered,
    };
    let has_work = |plan: &ThreadPlan| plan.read_own_queue || plan.read_shared_queue || plan.read_actions;
    candidates.iter().map(plan).filter(has_work).collect()
}

/// Lists the threads of a process.
fn list_threads(pid: pid_t) -> io::Result<Vec<pid_t>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Whether the process is a kernel thread, for kernels whose status file lacks this
/// (before about Linux 6.8).
fn is_kernel_thread(pid: pid_t, reader: &mut ThreadFileReader) -> bool {
    let stat = reader.read(pid, pid, "stat").unwrap_or_default();
    let fields = stat.iter().rposition(|byte| *byte == b')').map_or(&[][..], |end| &stat[end + 1..]);
    let mut fields = fields.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    fields.nth(6).is_some_and(|flags| super::procfs_noalloc::parse_number(flags, 10) & PF_KTHREAD != 0)
}

/// Returns the address of a process's vdso, from its auxiliary vector, which the
/// kernel keeps.
fn vdso_base(pid: pid_t, tid: pid_t, reader: &mut ThreadFileReader) -> Option<u64> {
    let vector = reader.read(pid, tid, "auxv").ok()?;
    let pairs = vector.chunks_exact(16).filter_map(|pair| {
        let read_u64 = |at: usize| pair.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
        Some((read_u64(0)?, read_u64(8)?))
    });
    { pairs }.find(|(kind, _)| *kind == AT_SYSINFO_EHDR).map(|(_, base)| base)
}

/// Returns the offset of a `syscall` instruction in this process's vdso; all 64-bit
/// processes have the same vdso. Equal bytes within another instruction are usable
/// too, because they are executed alone.
fn vdso_syscall_offset() -> Option<u64> {
    let own = std::process::id() as pid_t;
    let base = vdso_base(own, own, &mut ThreadFileReader::new())?;
    let mut bytes = [0; 16 << 10];
    let count = fs::File::open("/proc/self/mem").ok()?.read_at(&mut bytes, base).ok()?;
    bytes[..count].windows(2).position(|window| window == SYSCALL_INSTRUCTION).map(|offset| offset as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(tid: pid_t, cost: u8, pending: u64) -> CandidateThread {
        CandidateThread {
            tid,
            cost,
            status: ThreadStatus { pending, shared_pending: 1, ..ThreadStatus::default() },
        }
    }

    #[test]
    fn plan_stops_fewest_threads() {
        let threads = [candidate(1, 3, 0), candidate(2, 0, 0), candidate(3, 1, 4)];
        let idle = |tid| ThreadPlan { tid, ..ThreadPlan::default() };
        assert_eq!(plan_threads(&threads, true, false), [ThreadPlan { read_actions: true, ..idle(2) }]);
        // A thread that is stopped anyway also serves the queue of the process.
        assert_eq!(
            plan_threads(&threads, false, true),
            [ThreadPlan { read_own_queue: true, read_shared_queue: true, ..idle(3) }]
        );
        let both = [
            ThreadPlan { read_actions: true, read_shared_queue: true, ..idle(2) },
            ThreadPlan { read_own_queue: true, ..idle(3) },
        ];
        assert_eq!(plan_threads(&threads, true, true), both);
        assert_eq!(
            plan_threads(&threads[..2], false, true),
            [ThreadPlan { read_shared_queue: true, ..idle(2) }]
        );
        assert_eq!(plan_threads(&threads, false, false), []);
    }

    #[test]
    fn plan_avoids_filters_and_uninterruptible_sleep() {
        let status = |state, is_filtered| ThreadStatus { state, is_filtered, ..ThreadStatus::default() };
        let futex = CurrentSyscall::Call(202);
        let costs = [(b'S', false), (b'S', true), (b'D', false)]
            .map(|(state, is_filtered)| candidate_cost(futex, &status(state, is_filtered), true));
        assert!(costs.is_sorted_by(|a, b| a < b), "{costs:?}");
        assert_eq!(
            candidate_cost(CurrentSyscall::Call(34), &status(b'S', true), false),
            MIN_DISTURBANCE,
            "pause"
        );
    }

    #[test]
    fn own_vdso_has_syscall_instruction() {
        let own = std::process::id() as pid_t;
        let base = vdso_base(own, own, &mut ThreadFileReader::new()).expect("a vdso");
        assert!(base > 0 && vdso_syscall_offset().is_some_and(|offset| offset < 16 << 10));
        assert!(!is_kernel_thread(own, &mut ThreadFileReader::new()));
        assert!(list_threads(own).expect("ours").contains(&own));
    }
}
