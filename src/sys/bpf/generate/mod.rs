//! Every signal that is generated, with who sent it: what the kernel's
//! tracepoint signal_generate tells (include/trace/events/signal.h), before it
//! is known whether the target will ever take it.

mod event;
mod program;
mod time;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::call::{self, Attach, MapKind};
use super::namespace::{self, Namespace};
use super::program::load;
use super::refused::{Reason, Refused};
use super::ring::Ring;
use super::vmlinux::Vmlinux;
use crate::signal::SignalSet;

pub use event::{Generated, Name, Outcome, Party, Told};
use program::{Layout, Pass, Plan};
pub use time::wall_time;

/// How many bytes of records wait at most: at 300,000 signals a second, a fifth
/// of a second's.
const RING: u32 = 8 << 20;
/// How many records one batch has at most.
const BATCH: usize = 512;

/// What is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Only signals for these processes; for any where it is empty.
    pub targets: Vec<u32>,
    /// Only signals that these processes sent, or were running when they were
    /// sent; from any where it is empty.
    pub senders: Vec<u32>,
    /// Only these signals.
    pub signals: SignalSet,
}

/// Watches, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    ring: Ring,
    lost: OwnedFd,
    program: OwnedFd,
    /// Closing it ends the watching.
    link: Option<OwnedFd>,
}

impl Watch {
    /// Starts to watch: every signal from now on is told, or counted as lost.
    ///
    /// # Errors
    /// What is missing, or what the kernel says.
    pub fn start(filter: &Filter) -> Result<Watch, Refused> {
        Watch::start_with(filter, RING)
    }

    /// The same, with so many bytes for records that wait.
    pub(super) fn start_with(filter: &Filter, ring: u32) -> Result<Watch, Refused> {
        const WHAT: &str = "tracing signals";
        let of = |reason: Reason| reason.of(WHAT);
        let by_kernel = |error| Refused::by_kernel(WHAT, error);
        let vmlinux = Vmlinux::open().map_err(of)?;
        let wanted = [namespace::TYPES, program::TYPES].concat();
        let btf = vmlinux.types(&wanted).map_err(of)?;
        let layout = Layout::find(&btf).map_err(of)?;
        let target = btf.id(program::TARGET).map_err(of)?;
        let namespace = Namespace::own(&vmlinux, &btf)?;
        let (size, ring) = (ring, Ring::new(ring).map_err(by_kernel)?);
        let lost = call::create_map(MapKind::Array, 4, 8, 1).map_err(by_kernel)?;
        let (targets, senders) = (keys(&filter.targets), keys(&filter.senders));
        let (targets, senders) = (targets.map_err(by_kernel)?, senders.map_err(by_kernel)?);
        let plan = Plan {
            targets: pass(&filter.targets, targets.as_ref()),
            senders: pass(&filter.senders, senders.as_ref()),
            signals: filter.signals,
            ring: ring.descriptor(),
            size,
            lost: lost.as_raw_fd(),
        };
        let program = load(WHAT, program::write(&layout, &namespace, &plan), Attach::Tracepoint, target)?;
        let link = call::trace(program.as_fd()).map_err(by_kernel)?;
        Ok(Watch { ring, lost, program, link: Some(link) })
    }

    /// Takes what has come, in order, without waiting; gives whether there may
    /// be more.
    ///
    /// To wait, poll(2) the descriptor for input, then let some milliseconds
    /// pass before the next batch: the kernel wakes a poller only for the first
    /// record after an emptied buffer, and each waking slows a sender down.
    pub fn read_batch(&mut self, batch: &mut Vec<Generated>) -> bool {
        self.ring.drain(BATCH, |record| batch.extend(event::read(record)))
    }

    /// Ends the watching: what has come by now can still be taken, and no more
    /// will come.
    pub fn stop(&mut self) {
        self.link = None;
    }

    /// How many signals could not be told: there was no room for them in the
    /// buffer, a part of which is kept for those that may end a process, or the
    /// program was interrupted by itself.
    ///
    /// # Errors
    /// What bpf(2) says.
    pub fn lost(&self) -> io::Result<u64> {
        Ok(call::look_up(self.lost.as_fd(), 0)? + call::misses(self.program.as_fd())?)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// A map whose keys are the processes, if there are several.
fn keys(pids: &[u32]) -> io::Result<Option<OwnedFd>> {
    if pids.len() < 2 {
        return Ok(None);
    }
    let count = u32::try_from(pids.len()).map_err(io::Error::other)?;
    let map = call::create_map(MapKind::Hash, 4, 4, count)?;
    for pid in pids {
        call::update(map.as_fd(), pid, &1u32)?;
    }
    Ok(Some(map))
}

fn pass(pids: &[u32], map: Option<&OwnedFd>) -> Pass {
    match (pids, map) {
        (_, Some(map)) => Pass::Keys(map.as_raw_fd()),
        ([], _) => Pass::All,
        ([pid, ..], _) => Pass::One(*pid),
    }
}
