//! Output of long-running commands: a slow reader delays neither events nor exit.

pub(super) mod notes;
pub(super) mod queue;
pub(super) mod stdout;
