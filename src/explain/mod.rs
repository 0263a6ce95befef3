//! What is so, and why: judgements on what /proc tells of a process.
//!
//! Pure: a [`Situation`](crate::procfs::ProcessSnapshot) goes in, values come out, each
//! with an identifier that programs can rely on and a sentence for people. What
//! cannot be told is said to be unknown, with the reason; nothing is guessed.

pub mod alive;
mod case;
mod claims;
pub mod effect;
pub mod finding;
mod findings;
mod habits;
mod handlers;
mod judge;
mod queue;
pub mod require;
mod resume;
#[cfg(test)]
mod tests;

pub use alive::survival_reason;
pub use effect::Effect;
pub use finding::{Finding, Severity};
pub use findings::collect_findings;
pub use handlers::{CaughtSignal, InvalidHandler, handler_findings};
pub use judge::{SendSpec, predict_effect};
pub use require::Requirement;
