//! The state of a process or thread.

/// A state, by its letter (fs/proc/array.c, `task_state_array`; proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskState(u8);

impl TaskState {
    /// The state that a letter stands for. Letters that the kernel does not
    /// have today are kept: a newer one may.
    pub const fn from_letter(letter: u8) -> TaskState {
        TaskState(letter)
    }

    /// The letter.
    pub const fn letter(self) -> char {
        self.0 as char
    }

    /// What the letter means, in words.
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

    /// Whether the thread is stopped, by a signal or by its tracer.
    pub const fn is_stopped(self) -> bool {
        matches!(self.0, b'T' | b't')
    }

    /// Whether the thread has ended: nothing is delivered to it any more.
    pub const fn has_exited(self) -> bool {
        matches!(self.0, b'Z' | b'X' | b'x')
    }
}
