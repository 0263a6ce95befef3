//! Output of long-running commands: a slow reader delays neither events nor exit.
//!
//! [`NonblockingBuffer`](buffer::NonblockingBuffer) keeps the bytes that the
//! descriptor does not accept yet. Two writers add a policy: [`LosslessStdout`]
//! keeps every byte, [`LineDroppingWriter`] drops and counts lines. [`StderrNotes`]
//! formats messages for people.

mod buffer;
mod drop_lines;
mod lossless;
mod notes;

pub(in crate::commands::watch) use drop_lines::LineDroppingWriter;
pub(in crate::commands::watch) use lossless::{LosslessStdout, WatchEnd};
pub(in crate::commands::watch) use notes::{StderrNotes, counted, dropped_lines_note, unwritten_text};
