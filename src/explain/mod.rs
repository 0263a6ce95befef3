//! What is so, and why: judgements on what /proc tells of a process.
//!
//! Pure: a [`Situation`](crate::procfs::ProcessSnapshot) goes in, values come out, each
//! with an identifier that programs can rely on and a sentence for people. What
//! cannot be told is said to be unknown, with the reason; nothing is guessed.

pub mod effect;
pub mod findings;
pub mod requirement;
#[cfg(test)]
mod tests;

pub use effect::Effect;
pub use effect::predict::{SendSpec, predict_effect};
pub use effect::survivor::survival_reason;
pub use findings::collect_findings;
pub use findings::finding::{Finding, Severity};
pub use findings::handlers::{CaughtSignal, InvalidHandler, handler_findings};
pub use requirement::Requirement;
