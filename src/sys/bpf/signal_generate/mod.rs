//! Every generated signal with its sender, from the kernel's tracepoint
//! signal_generate (include/trace/events/signal.h). A generated signal may never be
//! handled by its target.

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

/// Size of the ring buffer in bytes: records of 1/5 second at 300,000 signals per
/// second.
const RING_SIZE: u32 = 8 << 20;
/// Maximum number of records in one batch.
const MAX_BATCH: usize = 512;

/// Selects the signals that are reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateFilter {
    /// Only signals to these processes; any if empty.
    pub targets: Vec<u32>,
    /// Only signals that these processes sent, or that were generated while they
    /// ran; any if empty.
    pub senders: Vec<u32>,
    /// Only these signals.
    pub signals: SignalSet,
}

/// An attached tracepoint; detaches on drop.
#[derive(Debug)]
pub struct SignalTracepoint {
    ring: RingBuffer,
    lost_map: OwnedFd,
    program: OwnedFd,
    /// Closing it detaches the program.
    link: Option<OwnedFd>,
}

impl SignalTracepoint {
    /// Attaches to the tracepoint. From now on every signal is reported or counted
    /// as lost.
    ///
    /// # Errors
    /// The missing permission or type, or the kernel's error.
    pub fn attach(filter: &GenerateFilter) -> Result<SignalTracepoint, BpfError> {
        SignalTracepoint::attach_with_ring_size(filter, RING_SIZE)
    }

    /// Attaches with a ring buffer of this size in bytes: a power of two, and a
    /// multiple of the page size.
    ///
    /// # Errors
    /// The missing permission or type, or the kernel's error.
    pub fn attach_with_ring_size(
        filter: &GenerateFilter,
        ring_size: u32,
    ) -> Result<SignalTracepoint, BpfError> {
        const OPERATION: &str = "tracing signals";
        let to_error = |kind: BpfErrorKind| kind.during(OPERATION);
        let os_error = |error| BpfError::from_os_error(OPERATION, error);
        let vmlinux = VmlinuxBtf::open().map_err(to_error)?;
        let required = [namespace::REQUIRED_TYPES, program::REQUIRED_TYPES].concat();
        let btf = vmlinux.parse_types(&required).map_err(to_error)?;
        let layout = TracepointLayout::from_btf(&btf).map_err(to_error)?;
        let target = btf.type_id(program::TRACEPOINT).map_err(to_error)?;
        let namespace = PidNamespace::detect(&vmlinux, &btf)?;
        let ring = RingBuffer::new(ring_size).map_err(os_error)?;
        let lost_map = syscall::create_map(MapType::Array, 4, 8, 1).map_err(os_error)?;
        let target_map = pid_map(&filter.targets).map_err(os_error)?;
        let sender_map = pid_map(&filter.senders).map_err(os_error)?;
        let config = ProgramConfig {
            targets: pid_filter(&filter.targets, target_map.as_ref()),
            senders: pid_filter(&filter.senders, sender_map.as_ref()),
            signals: filter.signals,
            ring_map: ring.map_fd(),
            ring_size,
            lost_map: lost_map.as_raw_fd(),
        };
        let program = load_or_explain(
            OPERATION,
            program::assemble(&layout, &namespace, &config),
            AttachType::Tracepoint,
            target,
        )?;
        let link = syscall::attach_raw_tracepoint(program.as_fd()).map_err(os_error)?;
        Ok(SignalTracepoint { ring, lost_map, program, link: Some(link) })
    }

    /// Reads available events in order, without blocking. Returns whether there may
    /// be more.
    ///
    /// To wait, poll(2) the descriptor for input, then wait a few milliseconds
    /// before the next batch. The kernel wakes a poller only for the first record
    /// in an empty buffer, and each wake-up delays a sender.
    pub fn read_batch(&mut self, batch: &mut Vec<GeneratedSignal>) -> bool {
        self.ring.read_records(MAX_BATCH, |record| batch.extend(event::parse_record(record)))
    }

    /// Detaches from the tracepoint. Events that happened before can still be read.
    pub fn detach(&mut self) {
        self.link = None;
    }

    /// Returns the number of signals that were not reported: the buffer was full (a
    /// part of it is reserved for signals that may end a process), or the program
    /// interrupted itself.
    ///
    /// # Errors
    /// The errors of bpf(2).
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

/// Creates a map whose keys are the PIDs, if there are several.
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
