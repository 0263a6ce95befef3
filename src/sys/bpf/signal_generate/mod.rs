//! Every signal that is generated, with who sent it: what the kernel's
//! tracepoint signal_generate tells (include/trace/events/signal.h), before it
//! is known whether the target will ever take it.

mod clock;
mod event;
mod program;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::error::{BpfError, BpfErrorKind};
use super::namespace::{self, PidNamespace};
use super::program::load_or_explain;
use super::ringbuf::RingBuffer;
use super::syscall::{self, AttachType, MapType};
use super::vmlinux::VmlinuxBtf;
use crate::signal::SignalSet;

pub use clock::to_wall_time;
pub use event::{GenerateResult, GeneratedSignal, SiginfoKind, TaskComm, TaskIdentity};
use program::{PidFilter, ProgramConfig, TracepointLayout};

/// How many bytes of records wait at most: at 300,000 signals a second, a fifth
/// of a second's.
const RING_SIZE: u32 = 8 << 20;
/// How many records one batch has at most.
const MAX_BATCH: usize = 512;

/// What is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateFilter {
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
pub struct SignalTracepoint {
    ring: RingBuffer,
    lost_map: OwnedFd,
    program: OwnedFd,
    /// Closing it ends the watching.
    link: Option<OwnedFd>,
}

impl SignalTracepoint {
    /// Starts to watch: every signal from now on is told, or counted as lost.
    ///
    /// # Errors
    /// What is missing, or what the kernel says.
    pub fn attach(filter: &GenerateFilter) -> Result<SignalTracepoint, BpfError> {
        SignalTracepoint::attach_with_ring_size(filter, RING_SIZE)
    }

    /// The same, with so many bytes for records that wait.
    pub(super) fn attach_with_ring_size(
        filter: &GenerateFilter,
        ring: u32,
    ) -> Result<SignalTracepoint, BpfError> {
        const WHAT: &str = "tracing signals";
        let of = |reason: BpfErrorKind| reason.during(WHAT);
        let by_kernel = |error| BpfError::from_os_error(WHAT, error);
        let vmlinux = VmlinuxBtf::open().map_err(of)?;
        let wanted = [namespace::REQUIRED_TYPES, program::REQUIRED_TYPES].concat();
        let btf = vmlinux.parse_types(&wanted).map_err(of)?;
        let layout = TracepointLayout::from_btf(&btf).map_err(of)?;
        let target = btf.type_id(program::TRACEPOINT).map_err(of)?;
        let namespace = PidNamespace::detect(&vmlinux, &btf)?;
        let (size, ring) = (ring, RingBuffer::new(ring).map_err(by_kernel)?);
        let lost = syscall::create_map(MapType::Array, 4, 8, 1).map_err(by_kernel)?;
        let (targets, senders) = (pid_map(&filter.targets), pid_map(&filter.senders));
        let (targets, senders) = (targets.map_err(by_kernel)?, senders.map_err(by_kernel)?);
        let plan = ProgramConfig {
            targets: pid_filter(&filter.targets, targets.as_ref()),
            senders: pid_filter(&filter.senders, senders.as_ref()),
            signals: filter.signals,
            ring_map: ring.map_fd(),
            ring_size: size,
            lost_map: lost.as_raw_fd(),
        };
        let program = load_or_explain(
            WHAT,
            program::assemble(&layout, &namespace, &plan),
            AttachType::Tracepoint,
            target,
        )?;
        let link = syscall::attach_raw_tracepoint(program.as_fd()).map_err(by_kernel)?;
        Ok(SignalTracepoint { ring, lost_map: lost, program, link: Some(link) })
    }

    /// Takes what has come, in order, without waiting; gives whether there may
    /// be more.
    ///
    /// To wait, poll(2) the descriptor for input, then let some milliseconds
    /// pass before the next batch: the kernel wakes a poller only for the first
    /// record after an emptied buffer, and each waking slows a sender down.
    pub fn read_batch(&mut self, batch: &mut Vec<GeneratedSignal>) -> bool {
        self.ring.read_records(MAX_BATCH, |record| batch.extend(event::parse_record(record)))
    }

    /// Ends the watching: what has come by now can still be taken, and no more
    /// will come.
    pub fn detach(&mut self) {
        self.link = None;
    }

    /// How many signals could not be told: there was no room for them in the
    /// buffer, a part of which is kept for those that may end a process, or the
    /// program was interrupted by itself.
    ///
    /// # Errors
    /// What bpf(2) says.
    pub fn lost_count(&self) -> io::Result<u64> {
        Ok(syscall::lookup_element(self.lost_map.as_fd(), 0)?
            + syscall::recursion_misses(self.program.as_fd())?)
    }
}

impl AsFd for SignalTracepoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// A map whose keys are the processes, if there are several.
fn pid_map(pids: &[u32]) -> io::Result<Option<OwnedFd>> {
    if pids.len() < 2 {
        return Ok(None);
    }
    let count = u32::try_from(pids.len()).map_err(io::Error::other)?;
    let map = syscall::create_map(MapType::Hash, 4, 4, count)?;
    for pid in pids {
        syscall::update_element(map.as_fd(), pid, &1u32)?;
    }
    Ok(Some(map))
}

fn pid_filter(pids: &[u32], map: Option<&OwnedFd>) -> PidFilter {
    match (pids, map) {
        (_, Some(map)) => PidFilter::MapKeys(map.as_raw_fd()),
        ([], _) => PidFilter::Any,
        ([pid, ..], _) => PidFilter::Single(*pid),
    }
}
