//! What is to be done with which thread, found out before any stands still.

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
/// AT_SYSINFO_EHDR in /proc/PID/auxv: where the vdso lies (getauxval(3)).
const AT_SYSINFO_EHDR: u64 = 33;
/// `syscall`.
pub(super) const SYSCALL_INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// One thread that is to be stopped, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadPlan {
    pub(super) tid: pid_t,
    /// Its own queue is read.
    pub(super) read_own_queue: bool,
    /// That of the process is read.
    pub(super) read_shared_queue: bool,
    /// The actions are asked for in it.
    pub(super) read_actions: bool,
    /// Its system calls are filtered.
    pub(super) is_filtered: bool,
}

/// All of them, in order.
#[derive(Debug)]
pub(super) struct InspectPlan {
    pub(super) pid: pid_t,
    pub(super) threads: Vec<ThreadPlan>,
    /// Where a `syscall` instruction lies in its vdso.
    pub(super) instruction: Option<u64>,
    /// Where the vdso begins.
    pub(super) vdso: Option<u64>,
}

/// A thread as it was found.
#[derive(Clone, Copy, Debug)]
struct CandidateThread {
    tid: pid_t,
    status: ThreadStatus,
    /// How little it is wanted for what can be done in any thread.
    cost: u8,
}

impl InspectPlan {
    /// `actions` and `queue`: what is wanted.
    pub(super) fn new(pid: pid_t, actions: bool, queue: bool) -> Result<InspectPlan, PtraceError> {
        let mut text = ThreadFileReader::new();
        let found = find_candidates(pid, actions, queue, &mut text)?;
        let visits = plan_threads(&found, actions, queue);
        let first = visits.iter().find(|visit| visit.read_actions);
        let vdso = first.and_then(|visit| vdso_base(pid, visit.tid, &mut text));
        let instruction = vdso.and_then(|base| base.checked_add(vdso_syscall_offset()?));
        for visit in &visits {
            let thread = found.iter().find(|each| each.tid == visit.tid);
            if let Some(by) = thread.map(|each| each.status.tracer).filter(|tracer| *tracer != 0) {
                return Err(PtraceError::Traced { tracer: by });
            }
        }
        Ok(InspectPlan { pid, threads: visits, instruction, vdso })
    }
}

/// The threads that live; not all of them where one is enough.
fn find_candidates(
    pid: pid_t,
    actions: bool,
    queue: bool,
    text: &mut ThreadFileReader,
) -> Result<Vec<CandidateThread>, PtraceError> {
    // It may be there and hidden (hidepid in proc_pid(5)).
    let tids = list_threads(pid).map_err(|_| match process::exists(pid.cast_unsigned()) {
        true => PtraceError::Forbidden,
        false => PtraceError::Gone,
    })?;
    let (mut found, mut least) = (Vec::new(), u8::MAX);
    let mut is_ended = false;
    for tid in tids {
        let Ok(status) = text.status(pid, tid) else { continue };
        // A kernel thread ignores all.
        if status.is_kernel_thread || (status.ignored == u64::MAX && is_kernel_thread(pid, text)) {
            return Err(PtraceError::KernelThread);
        }
        if status.has_exited() {
            is_ended = true;
            continue;
        }
        // Once there is none better, the others' need not be known.
        let place = match least {
            MIN_DISTURBANCE => CurrentSyscall::Unknown,
            _ => text.read(pid, tid, "syscall").map_or(CurrentSyscall::Unknown, CurrentSyscall::parse),
        };
        let cost = candidate_cost(place, &status, actions);
        least = least.min(cost);
        found.push(CandidateThread { tid, status, cost });
        if !queue && least == MIN_DISTURBANCE {
            break;
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true if is_ended => Err(PtraceError::Zombie),
        true => Err(PtraceError::Gone),
    }
}

/// A filter stands more in the way than any call, and nothing more than a sleep
/// that is not interrupted.
fn candidate_cost(place: CurrentSyscall, status: &ThreadStatus, actions: bool) -> u8 {
    match status.state {
        b'D' => 100,
        _ if actions && status.is_filtered => 10 + place.disturbance(true),
        _ => place.disturbance(status.is_filtered),
    }
}

/// Who is stopped for what: those with a queue of their own, and, for what any
/// can be asked, the one that it costs least.
fn plan_threads(found: &[CandidateThread], actions: bool, queue: bool) -> Vec<ThreadPlan> {
    let shared = queue && found.iter().any(|each| each.status.shared_pending != 0);
    let best = found.iter().min_by_key(|each| each.cost).map(|each| each.tid);
    // Whoever is stopped anyway can tell of the process's queue too.
    let has_own = |each: &&CandidateThread| queue && each.status.pending != 0;
    let owner = found.iter().filter(has_own).min_by_key(|each| each.cost).map(|each| each.tid);
    let teller = owner.filter(|_| !actions).or(best);
    let visit = |each: &CandidateThread| ThreadPlan {
        tid: each.tid,
        read_own_queue: has_own(&each),
        read_shared_queue: shared && teller == Some(each.tid),
        read_actions: actions && best == Some(each.tid),
        is_filtered: each.status.is_filtered,
    };
    let is_wanted =
        |visit: &ThreadPlan| visit.read_own_queue || visit.read_shared_queue || visit.read_actions;
    found.iter().map(visit).filter(is_wanted).collect()
}

/// The threads of a process.
fn list_threads(pid: pid_t) -> io::Result<Vec<pid_t>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Whether it is a kernel thread, as kernels tell that do not say so in its
/// status (before about Linux 6.8).
fn is_kernel_thread(pid: pid_t, text: &mut ThreadFileReader) -> bool {
    let stat = text.read(pid, pid, "stat").unwrap_or_default();
    let after = stat.iter().rposition(|byte| *byte == b')').map_or(&[][..], |end| &stat[end + 1..]);
    let mut words = after.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.nth(6).is_some_and(|flags| super::procfs_noalloc::parse_number(flags, 10) & PF_KTHREAD != 0)
}

/// Where the target's vdso lies: by its auxiliary vector, which the kernel keeps.
fn vdso_base(pid: pid_t, tid: pid_t, text: &mut ThreadFileReader) -> Option<u64> {
    let vector = text.read(pid, tid, "auxv").ok()?;
    let pairs = vector.chunks_exact(16).filter_map(|pair| {
        let half = |at: usize| pair.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
        Some((half(0)?, half(8)?))
    });
    { pairs }.find(|(kind, _)| *kind == AT_SYSINFO_EHDR).map(|(_, base)| base)
}

/// Where in this process's vdso a `syscall` instruction is: all 64-bit processes
/// have the same. Bytes that look like one within another instruction do as well:
/// they are executed by themselves.
fn vdso_syscall_offset() -> Option<u64> {
    let own = std::process::id() as pid_t;
    let base = vdso_base(own, own, &mut ThreadFileReader::new())?;
    let mut bytes = [0; 16 << 10];
    let count = fs::File::open("/proc/self/mem").ok()?.read_at(&mut bytes, base).ok()?;
    bytes[..count].windows(2).position(|window| window == SYSCALL_INSTRUCTION).map(|at| at as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tid: pid_t, cost: u8, pending: u64) -> CandidateThread {
        CandidateThread {
            tid,
            cost,
            status: ThreadStatus { pending, shared_pending: 1, ..ThreadStatus::default() },
        }
    }

    #[test]
    fn plan_stops_fewest_threads() {
        let threads = [found(1, 3, 0), found(2, 0, 0), found(3, 1, 4)];
        let plain = |tid| ThreadPlan { tid, ..ThreadPlan::default() };
        assert_eq!(plan_threads(&threads, true, false), [ThreadPlan { read_actions: true, ..plain(2) }]);
        // The queue of the process is told by whoever is stopped anyway.
        assert_eq!(
            plan_threads(&threads, false, true),
            [ThreadPlan { read_own_queue: true, read_shared_queue: true, ..plain(3) }]
        );
        let both = [
            ThreadPlan { read_actions: true, read_shared_queue: true, ..plain(2) },
            ThreadPlan { read_own_queue: true, ..plain(3) },
        ];
        assert_eq!(plan_threads(&threads, true, true), both);
        assert_eq!(
            plan_threads(&threads[..2], false, true),
            [ThreadPlan { read_shared_queue: true, ..plain(2) }]
        );
        assert_eq!(plan_threads(&threads, false, false), []);
    }

    #[test]
    fn plan_avoids_filters_and_uninterruptible_sleep() {
        let in_state =
            |state, filters| ThreadStatus { state, is_filtered: filters, ..ThreadStatus::default() };
        let futex = CurrentSyscall::Call(202);
        let costs = [(b'S', false), (b'S', true), (b'D', false)]
            .map(|(state, filters)| candidate_cost(futex, &in_state(state, filters), true));
        assert!(costs.is_sorted_by(|less, more| less < more), "{costs:?}");
        assert_eq!(
            candidate_cost(CurrentSyscall::Call(34), &in_state(b'S', true), false),
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
