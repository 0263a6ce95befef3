//! What /proc says of a process and its threads.
//!
//! Two halves: parsers, which take bytes and never a pid ([`status`],
//! [`records`]), and a [`reader`] of a /proc that may be mounted anywhere.
//! What cannot be read is an error or a `None`, never a guess.

/// The greatest process id that the kernel allows to be set (PID_MAX_LIMIT,
/// include/linux/threads.h).
pub const PID_MAX_LIMIT: u32 = 4_194_304;

pub mod call;
pub mod cgroup;
pub mod duration;
pub mod files;
pub mod freezer;
pub mod gather;
pub mod kept;
pub mod maps;
pub mod name;
pub mod net;
pub mod reader;
pub mod records;
pub mod shared;
pub mod situation;
pub mod stat;
pub mod state;
pub mod status;
pub mod surroundings;
pub mod task;
pub mod timers;
pub mod users;

pub use call::WaitReason;
pub use files::ProcReader;
pub use freezer::FreezerState;
pub use gather::par_map_ids;
pub use kept::StatusFile;
pub use maps::{Mapping, Maps};
pub use name::ProcessName;
pub use reader::{ProcReadError, ProcRoot, ReadMemory};
pub use shared::SnapshotCache;
pub use situation::{CoreDumpPrediction, ProcessSnapshot};
pub use stat::ProcStat;
pub use state::TaskState;
pub use status::ProcStatus;
pub use surroundings::ProcessContext;
pub use task::{Thread, Threads, process_has_exited};
pub use timers::PosixTimer;
