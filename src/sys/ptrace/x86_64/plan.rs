//! What is to be done with which thread, found out before any stands still.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;

use libc::pid_t;

use super::call::{LEAST, Place};
use super::text::{Status, Text};
use crate::sys::process;
use crate::sys::ptrace::Refusal;

/// PF_KTHREAD among the flags of /proc/PID/stat (include/linux/sched.h).
const PF_KTHREAD: u64 = 0x0020_0000;
/// AT_SYSINFO_EHDR in /proc/PID/auxv: where the vdso lies (getauxval(3)).
const AT_SYSINFO_EHDR: u64 = 33;
/// `syscall`.
pub(super) const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// One thread that is to be stopped, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) tid: pid_t,
    /// Its own queue is read.
    pub(super) own: bool,
    /// That of the process is read.
    pub(super) shared: bool,
    /// The actions are asked for in it.
    pub(super) actions: bool,
    /// Its system calls are filtered.
    pub(super) filters: bool,
}

/// All of them, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) pid: pid_t,
    pub(super) visits: Vec<Visit>,
    /// Where a `syscall` instruction lies in its vdso.
    pub(super) instruction: Option<u64>,
    /// Where the vdso begins.
    pub(super) vdso: Option<u64>,
}

/// A thread as it was found.
#[derive(Clone, Copy, Debug)]
struct Found {
    tid: pid_t,
    status: Status,
    /// How little it is wanted for what can be done in any thread.
    cost: u8,
}

impl Plan {
    /// `actions` and `queue`: what is wanted.
    pub(super) fn make(pid: pid_t, actions: bool, queue: bool) -> Result<Plan, Refusal> {
        let mut text = Text::new();
        let found = find(pid, actions, queue, &mut text)?;
        let visits = visits(&found, actions, queue);
        let first = visits.iter().find(|visit| visit.actions);
        let vdso = first.and_then(|visit| vdso(pid, visit.tid, &mut text));
        let instruction = vdso.and_then(|base| base.checked_add(instruction_offset()?));
        for visit in &visits {
            let thread = found.iter().find(|each| each.tid == visit.tid);
            if let Some(by) = thread.map(|each| each.status.tracer).filter(|tracer| *tracer != 0) {
                return Err(Refusal::Traced { by });
            }
        }
        Ok(Plan { pid, visits, instruction, vdso })
    }
}

/// The threads that live; not all of them where one is enough.
fn find(pid: pid_t, actions: bool, queue: bool, text: &mut Text) -> Result<Vec<Found>, Refusal> {
    // It may be there and hidden (hidepid in proc_pid(5)).
    let tids = threads(pid).map_err(|_| match process::exists(pid.cast_unsigned()) {
        true => Refusal::Forbidden,
        false => Refusal::Gone,
    })?;
    let (mut found, mut least) = (Vec::new(), u8::MAX);
    let mut is_ended = false;
    for tid in tids {
        let Ok(status) = text.status(pid, tid) else { continue };
        // A kernel thread ignores all.
        if status.is_kernel_thread || (status.ignored == u64::MAX && is_kernels(pid, text)) {
            return Err(Refusal::KernelThread);
        }
        if status.is_ended() {
            is_ended = true;
            continue;
        }
        // Once there is none better, the others' need not be known.
        let place = match least {
            LEAST => Place::Unknown,
            _ => text.read(pid, tid, "syscall").map_or(Place::Unknown, Place::of),
        };
        let cost = cost_of(place, &status, actions);
        least = least.min(cost);
        found.push(Found { tid, status, cost });
        if !queue && least == LEAST {
            break;
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true if is_ended => Err(Refusal::Zombie),
        true => Err(Refusal::Gone),
    }
}

/// A filter stands more in the way than any call, and nothing more than a sleep
/// that is not interrupted.
fn cost_of(place: Place, status: &Status, actions: bool) -> u8 {
    match status.state {
        b'D' => 100,
        _ if actions && status.filters => 10 + place.cost(true),
        _ => place.cost(status.filters),
    }
}

/// Who is stopped for what: those with a queue of their own, and, for what any
/// can be asked, the one that it costs least.
fn visits(found: &[Found], actions: bool, queue: bool) -> Vec<Visit> {
    let shared = queue && found.iter().any(|each| each.status.shared_pending != 0);
    let best = found.iter().min_by_key(|each| each.cost).map(|each| each.tid);
    // Whoever is stopped anyway can tell of the process's queue too.
    let has_own = |each: &&Found| queue && each.status.pending != 0;
    let owner = found.iter().filter(has_own).min_by_key(|each| each.cost).map(|each| each.tid);
    let teller = owner.filter(|_| !actions).or(best);
    let visit = |each: &Found| Visit {
        tid: each.tid,
        own: has_own(&each),
        shared: shared && teller == Some(each.tid),
        actions: actions && best == Some(each.tid),
        filters: each.status.filters,
    };
    let is_wanted = |visit: &Visit| visit.own || visit.shared || visit.actions;
    found.iter().map(visit).filter(is_wanted).collect()
}

/// The threads of a process.
fn threads(pid: pid_t) -> io::Result<Vec<pid_t>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Whether it is a kernel thread, as kernels tell that do not say so in its
/// status (before about Linux 6.8).
fn is_kernels(pid: pid_t, text: &mut Text) -> bool {
    let stat = text.read(pid, pid, "stat").unwrap_or_default();
    let after = stat.iter().rposition(|byte| *byte == b')').map_or(&[][..], |end| &stat[end + 1..]);
    let mut words = after.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.nth(6).is_some_and(|flags| super::text::number(flags, 10) & PF_KTHREAD != 0)
}

/// Where the target's vdso lies: by its auxiliary vector, which the kernel keeps.
fn vdso(pid: pid_t, tid: pid_t, text: &mut Text) -> Option<u64> {
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
fn instruction_offset() -> Option<u64> {
    let own = std::process::id() as pid_t;
    let base = vdso(own, own, &mut Text::new())?;
    let mut bytes = [0; 16 << 10];
    let count = fs::File::open("/proc/self/mem").ok()?.read_at(&mut bytes, base).ok()?;
    bytes[..count].windows(2).position(|window| window == SYSCALL).map(|at| at as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tid: pid_t, cost: u8, pending: u64) -> Found {
        Found { tid, cost, status: Status { pending, shared_pending: 1, ..Status::default() } }
    }

    #[test]
    fn as_few_as_can_be_are_stopped() {
        let threads = [found(1, 3, 0), found(2, 0, 0), found(3, 1, 4)];
        let plain = |tid| Visit { tid, ..Visit::default() };
        assert_eq!(visits(&threads, true, false), [Visit { actions: true, ..plain(2) }]);
        // The queue of the process is told by whoever is stopped anyway.
        assert_eq!(visits(&threads, false, true), [Visit { own: true, shared: true, ..plain(3) }]);
        let both = [Visit { actions: true, shared: true, ..plain(2) }, Visit { own: true, ..plain(3) }];
        assert_eq!(visits(&threads, true, true), both);
        assert_eq!(visits(&threads[..2], false, true), [Visit { shared: true, ..plain(2) }]);
        assert_eq!(visits(&threads, false, false), []);
    }

    #[test]
    fn a_filter_and_a_deep_sleep_are_avoided() {
        let in_state = |state, filters| Status { state, filters, ..Status::default() };
        let futex = Place::Call(202);
        let costs = [(b'S', false), (b'S', true), (b'D', false)]
            .map(|(state, filters)| cost_of(futex, &in_state(state, filters), true));
        assert!(costs.is_sorted_by(|less, more| less < more), "{costs:?}");
        assert_eq!(cost_of(Place::Call(34), &in_state(b'S', true), false), LEAST, "pause");
    }

    #[test]
    fn our_own_vdso_has_an_instruction() {
        let own = std::process::id() as pid_t;
        let base = vdso(own, own, &mut Text::new()).expect("a vdso");
        assert!(base > 0 && instruction_offset().is_some_and(|offset| offset < 16 << 10));
        assert!(!is_kernels(own, &mut Text::new()));
        assert!(threads(own).expect("ours").contains(&own));
    }
}
