//! The state of a process or thread.

/// A state, represented by its letter (`task_state_array` in fs/proc/array.c;
/// proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskState(u8);

impl TaskState {
    /// Creates the state for a letter. Unknown letters are kept, because a newer
    /// kernel may have them.
    pub const fn from_letter(letter: u8) -> TaskState {
        TaskState(letter)
    }

    /// Returns the letter.
    pub const fn letter(self) -> char {
        self.0 as char
    }

    /// Returns a description of the state.
    pub const fn description(self) -> &'static str {
        match self.0 {
            b'R' => "running",
            b'S' => "sleeping",
            b'D' => "uninterruptible sleep",
            b'T' => "stopped",
            b't' => "stopped by its tracer",
            b'Z' => "zombie",
            b'X' | b'x' => "dead",
            b'I' => "idle",
            b'P' => "parked",
            b'K' => "wakekill",
            b'W' => "waking",
            _ => "unknown",
        }
    }

    /// Returns true if the thread is stopped by a signal or by its tracer.
    pub const fn is_stopped(self) -> bool {
        matches!(self.0, b'T' | b't')
    }

    /// Returns true if the thread has exited. The kernel no longer delivers
    /// signals to it.
    pub const fn has_exited(self) -> bool {
        matches!(self.0, b'Z' | b'X' | b'x')
    }
}
