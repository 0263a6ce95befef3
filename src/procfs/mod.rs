//! What /proc says of a process and its threads.
//!
//! Two halves: parsers, which take bytes and never a pid ([`status`],
//! [`status_dump`]), and a [`root`] of a /proc that may be mounted anywhere.
//! What cannot be read is an error or a `None`, never a guess.

/// The greatest process id that the kernel allows to be set (PID_MAX_LIMIT,
/// include/linux/threads.h).
pub const PID_MAX_LIMIT: u32 = 4_194_304;

pub mod cgroup;
pub mod context;
pub mod files;
pub mod freezer;
pub mod maps;
pub mod name;
pub mod net;
pub mod parallel;
pub mod passwd;
pub mod root;
pub mod snapshot;
pub mod snapshot_cache;
pub mod stat;
pub mod state;
pub mod status;
pub mod status_dump;
pub mod status_file;
pub mod syscall;
pub mod task;
pub mod timers;

pub use context::ProcessContext;
pub use files::ProcReader;
pub use freezer::FreezerState;
pub use maps::{Mapping, Maps};
pub use name::ProcessName;
pub use parallel::par_map_ids;
pub use root::{ProcReadError, ProcRoot, ReadMemory};
pub use snapshot::{CoreDumpPrediction, ProcessSnapshot};
pub use snapshot_cache::SnapshotCache;
pub use stat::ProcStat;
pub use state::TaskState;
pub use status::ProcStatus;
pub use status_file::StatusFile;
pub use syscall::WaitReason;
pub use task::{Thread, Threads, process_has_exited};
pub use timers::PosixTimer;
