//! What BPF tells: signals as they are generated.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use super::{BATCH, Event, Filter, MOST_WAITING, Sender, Sent, What};
use crate::observe::Refused;
use crate::proc::Root;
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
    let pid = sender.as_ref().and_then(|sender| sender.pid);
    let what = What::Generated(Sent {
        info,
        for_process: signal.for_process,
        sender,
        raised,
        pretends: pid.and_then(|pid| pretends(&info, pid, known(target.pid), numbers)),
        outcome: signal.outcome,
    });
    let name = Some(target.name.as_bytes().to_vec());
    Event { name, ..Event::of(known(target.pid), known(target.tid), boot + signal.time, what) }
}

/// The number by which a signal names another process than its sender, of which
/// this is our number. What stands in it is of the sender's own pid namespace,
/// which is the target's (`send_signal_locked` in kernel/signal.c: from any other
/// it is 0).
fn pretends(info: &Info, sender: u32, target: Option<u32>, numbers: &mut OwnNumbers) -> Option<u32> {
    let Origin::Process { pid: number, verified: false, .. } = info.origin() else { return None };
    if number == sender {
        return None;
    }
    let differs = match numbers.of(sender) {
        Some(own) => own.number != number,
        // It has exited: nobody knows where the target's namespace is not ours.
        None => target.and_then(|pid| numbers.of(pid)).is_none_or(|target| !target.is_within),
    };
    differs.then_some(number)
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
    /// Whether its namespace lies within ours.
    is_within: bool,
}

impl OwnNumbers {
    /// `None` where it has exited.
    fn of(&mut self, pid: u32) -> Option<OwnNumber> {
        let root = &self.root;
        let read = || {
            let numbers = root.status(pid).ok()?.namespace_pids;
            Some(OwnNumber { number: *numbers.last()?, is_within: numbers.len() > 1 })
        };
        *self.known.entry(pid).or_insert_with(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    /// We are 1000, the target is 1001, both in another namespace or not; a third
    /// has exited.
    fn pretended(code: i32, number: u32, sender: u32, is_within: bool) -> Option<u32> {
        let info = Info { code, pid: number, ..Info::bare(Signal::new(40).unwrap()) };
        let own =
            |number| Some(OwnNumber { number: if is_within { number - 993 } else { number }, is_within });
        let known = HashMap::from([(1000, own(1000)), (1001, own(1001)), (1002, None)]);
        pretends(&info, sender, Some(1001), &mut OwnNumbers { known, ..OwnNumbers::default() })
    }

    #[test]
    fn who_names_another_than_itself_pretends() {
        const QUEUE: i32 = -1;
        assert_eq!(pretended(QUEUE, 1000, 1000, false), None);
        assert_eq!(pretended(QUEUE, 12, 1000, false), Some(12));
        assert_eq!(pretended(QUEUE, 12, 1002, false), Some(12), "also one that has exited");
        assert_eq!(pretended(0, 12, 1000, false), None, "the kernel has written that");
        assert_eq!(pretended(QUEUE, 7, 1000, true), None, "its number in its own namespace");
        assert_eq!(pretended(QUEUE, 12, 1000, true), Some(12));
        assert_eq!(pretended(QUEUE, 12, 1002, true), None, "nobody knows what that one's was");
    }
}
