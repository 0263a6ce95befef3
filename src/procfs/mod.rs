//! Reading /proc. Parsers take bytes and never a PID (`status`,
//! `status_dump`). A [`ProcRoot`] is a /proc mounted at any directory.
//!
//! A value that cannot be read is an error or `None`, never a guess.

/// The largest value of pid_max that the kernel accepts (PID_MAX_LIMIT,
/// include/linux/threads.h).
pub const PID_MAX_LIMIT: u32 = 4_194_304;

pub(crate) mod cgroup;
pub(crate) mod context;
pub(crate) mod files;
pub(crate) mod freezer;
pub(crate) mod maps;
pub(crate) mod name;
pub(crate) mod net;
pub(crate) mod parallel;
pub(crate) mod passwd;
pub(crate) mod root;
pub(crate) mod snapshot;
pub(crate) mod snapshot_cache;
pub(crate) mod stat;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod status_dump;
pub(crate) mod status_file;
pub(crate) mod syscall;
pub(crate) mod task;
pub(crate) mod timers;

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
pub use status::{ParseStatusError, ProcStatus};
pub use status_file::StatusFile;
pub use syscall::WaitReason;
pub use task::{Thread, Threads, process_has_exited};
pub use timers::PosixTimer;
