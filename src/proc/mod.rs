//! What /proc says of a process and its threads.
//!
//! Two halves: parsers, which take bytes and never a pid ([`status`],
//! [`records`]), and a [`reader`] of a /proc that may be mounted anywhere.
//! What cannot be read is an error or a `None`, never a guess.

/// The greatest process id that the kernel allows to be set (PID_MAX_LIMIT,
/// include/linux/threads.h).
pub const PID_MAX: u32 = 4_194_304;

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

pub use call::Wait;
pub use files::Files;
pub use freezer::Freezer;
pub use gather::gather;
pub use kept::KeptStatus;
pub use maps::{Mapping, Maps};
pub use name::ProcessName;
pub use reader::{ReadError, ReadMemory, Root};
pub use shared::Shared;
pub use situation::{CoreDump, Situation};
pub use stat::Stat;
pub use state::State;
pub use status::Status;
pub use surroundings::Surroundings;
pub use task::{Task, Threads, has_ended};
pub use timers::Timer;
