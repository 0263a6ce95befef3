//! What BPF tells: signals as they are generated.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use super::{BATCH, Event, Filter, MOST_WAITING, Named, Sender, Sent, What};
use crate::observe::Refused;
use crate::proc::{Files, Root};
use crate::signal::Info;
use crate::signal::info::Origin;
use crate::sys::bpf::generate::{self, Generated, Told, Watch, wall_time};

/// The signals that are watched for, and what has come of them.
#[derive(Debug)]
pub(super) struct Generation {
    watch: Watch,
    waiting: VecDeque<Generated>,
    batch: Vec<Generated>,
    /// How many it was told that are lost.
    told: u64,
    boot: SystemTime,
}

impl Generation {
    /// Begins to watch.
    ///
    /// # Errors
    /// Why there is nothing to be seen.
    pub(super) fn begin(filter: &Filter) -> Result<Generation, Refused> {
        let filter = generate::Filter {
            targets: filter.targets.clone().unwrap_or_default(),
            senders: filter.senders.clone(),
            signals: filter.signals,
        };
        let watch = Watch::start(&filter)
            .map_err(|refused| Refused { reason: refused.reason.to_string(), verifier: refused.verifier })?;
        let boot = wall_time(Duration::ZERO);
        Ok(Generation { watch, waiting: VecDeque::new(), batch: Vec::new(), told: 0, boot })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    /// Takes what has happened by now, unless too much waits.
    pub(super) fn gather(&mut self) {
        let mut more = true;
        while more && self.waiting.len() < MOST_WAITING {
            self.batch.clear();
            more = self.watch.read_batch(&mut self.batch);
            self.waiting.extend(self.batch.drain(..));
        }
    }

    /// Gives the next of what waits, and whether there is more.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        self.boot = calendar(self.boot);
        let mut numbers = OwnNumbers::default();
        let next = self.waiting.drain(..self.waiting.len().min(BATCH));
        events.extend(next.map(|signal| generated(&signal, self.boot, &mut numbers)));
        if self.waiting.is_empty() {
            self.waiting.shrink_to(BATCH);
            let lost = self.watch.lost()?;
            if lost > self.told {
                events.push(Event::of(None, None, SystemTime::now(), What::Lost(lost - self.told)));
                self.told = lost;
            }
        }
        Ok(!self.waiting.is_empty())
    }

    /// Lets nothing more come; what has, and how many are lost, is still to be
    /// taken.
    pub(super) fn finish(&mut self) {
        self.watch.stop();
    }
}

fn known(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

/// What a time since boot is added to, to be one of the calendar. It is kept as
/// long as the clock is not set anew, so that no event seems to be before
/// another that it came after.
fn calendar(kept: SystemTime) -> SystemTime {
    let now = wall_time(Duration::ZERO);
    let apart = now.duration_since(kept).unwrap_or_else(|error| error.duration());
    if apart < Duration::from_millis(1) { kept } else { now }
}

fn generated(signal: &Generated, boot: SystemTime, numbers: &mut OwnNumbers) -> Event {
    let (party, target) = (signal.sender, signal.target);
    let sender = Sender {
        pid: known(party.pid),
        tid: known(party.tid),
        uid: party.uid,
        name: party.name.as_bytes().to_vec(),
    };
    let info = signal.info();
    // A kill(2) is for a process. What is for a thread and tells nothing is the
    // kernel's doing, in a system call of whoever ran: a broken pipe's PIPE.
    let raised = matches!(signal.told, Told::Nothing) && !signal.for_process;
    let of_kernel = info.code > 0 && !matches!(info.origin(), Origin::Child { .. });
    let own = raised && signal.sender.tid == signal.target.tid;
    let sender = (!signal.is_bystander() && !of_kernel && !own).then_some(sender);
    let named = sender.as_ref().map(|sender| named(&info, sender, known(target.pid), numbers));
    let what = What::Generated(Sent {
        info,
        for_process: signal.for_process,
        sender,
        raised,
        named: named.unwrap_or(Named::Right),
        outcome: signal.outcome,
    });
    let name = Some(target.name.as_bytes().to_vec());
    Event { name, ..Event::of(known(target.pid), known(target.tid), boot + signal.time, what) }
}

/// Whether a signal names its sender, whom we number so. The number in it is one
/// of the sender's own pid namespace, which is the target's (from any other it is
/// 0), and the user one of the target's user namespace (`send_signal_locked` in
/// kernel/signal.c).
fn named(info: &Info, sender: &Sender, target: Option<u32>, numbers: &mut OwnNumbers) -> Named {
    let Origin::Process { pid: number, uid, verified: false, .. } = info.origin() else {
        return Named::Right;
    };
    let target = target.and_then(|pid| numbers.of(pid));
    let number_differs = match sender.pid {
        Some(pid) if pid == number => Some(false),
        Some(pid) => match (numbers.of(pid), target) {
            (Some(own), _) => Some(own.number != number),
            // It has exited.
            (None, Some(target)) if !target.is_within => Some(true),
            _ => None,
        },
        None => None,
    };
    let user_differs = match target {
        _ if uid == sender.uid => Some(false),
        Some(target) if target.has_our_users => Some(true),
        _ => None,
    };
    match (number_differs, user_differs) {
        (Some(false), Some(false)) => Named::Right,
        (Some(true), _) | (_, Some(true)) => Named::Another {
            pid: (number_differs == Some(true)).then_some(number),
            uid: (user_differs == Some(true)).then_some(uid),
        },
        _ => Named::Unknown,
    }
}

/// The numbers of processes in their own pid namespaces, looked up once.
#[derive(Default)]
struct OwnNumbers {
    root: Root,
    known: HashMap<u32, Option<OwnNumber>>,
}

#[derive(Clone, Copy)]
struct OwnNumber {
    number: u32,
    /// Whether its pid namespace lies within ours.
    is_within: bool,
    /// Whether its user namespace is ours.
    has_our_users: bool,
}

impl OwnNumbers {
    /// `None` where it has exited.
    fn of(&mut self, pid: u32) -> Option<OwnNumber> {
        let root = &self.root;
        let read = || {
            let numbers = root.status(pid).ok()?.namespace_pids;
            let mut files = Files::new(root);
            let mut users = |pid| files.link(pid, "ns/user").ok();
            let has_our_users = users(pid)? == users(std::process::id())?;
            Some(OwnNumber { number: *numbers.last()?, is_within: numbers.len() > 1, has_our_users })
        };
        *self.known.entry(pid).or_insert_with(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// We are 1000, of user 7, the target is 1001, both in another namespace or
    /// not; a third, 1002, has exited, and so has a target, 1003.
    fn said(code: i32, number: u32, uid: u32, (sender, target): (u32, u32), is_within: bool) -> Named {
        let info = Info { code, uid, pid: number, ..Info::bare(Signal::new(40).unwrap()) };
        let own = |number| {
            let number = if is_within { number - 993 } else { number };
            Some(OwnNumber { number, is_within, has_our_users: !is_within })
        };
        let known = HashMap::from([(1000, own(1000)), (1001, own(1001)), (1002, None), (1003, None)]);
        let sender = Sender { pid: Some(sender), tid: Some(sender), uid: 7, name: Vec::new() };
        named(&info, &sender, Some(target), &mut OwnNumbers { known, ..OwnNumbers::default() })
    }

    #[test]
    fn who_names_another_than_itself_is_seen() {
        const QUEUE: i32 = -1;
        let number = |number| Named::Another { pid: Some(number), uid: None };
        let user = Named::Another { pid: None, uid: Some(8) };
        let (living, exited, gone) = ((1000, 1001), (1002, 1001), (1002, 1003));
        for (code, pid, uid, parties, is_within, named, why) in [
            (QUEUE, 1000, 7, living, false, Named::Right, "itself"),
            (QUEUE, 12, 7, living, false, number(12), "another"),
            (QUEUE, 1000, 8, living, false, user, "another user"),
            (QUEUE, 12, 8, living, false, Named::Another { pid: Some(12), uid: Some(8) }, "both"),
            (QUEUE, 12, 7, exited, false, number(12), "also one that has exited"),
            (QUEUE, 1002, 8, gone, false, Named::Unknown, "a user of who knows where"),
            (0, 12, 8, living, false, Named::Right, "the kernel has written that"),
            (QUEUE, 7, 7, living, true, Named::Right, "its number in its own namespace"),
            (QUEUE, 12, 7, living, true, number(12), "not its number there"),
            (QUEUE, 12, 7, exited, true, Named::Unknown, "nobody knows what that one's was"),
        ] {
            assert_eq!(said(code, pid, uid, parties, is_within), named, "{why}");
        }
    }
}
