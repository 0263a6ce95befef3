//! Judgements on the state of a process: the effect of a signal, findings, and
//! requirements.
//!
//! This layer is pure. It takes a [`ProcessSnapshot`](crate::procfs::ProcessSnapshot)
//! and returns values, each with an identifier for programs and a sentence for people.
//! A result that cannot be derived from the snapshot is reported as unknown, with the
//! reason.

pub mod effect;
pub mod findings;
pub mod requirement;
#[cfg(test)]
mod tests;

pub use effect::Effect;
pub use effect::predict::predict_effect;
pub use effect::query::SendSpec;
pub use effect::survivor::survival_reason;
pub use findings::collect_findings;
pub use findings::finding::{Finding, Severity};
pub use findings::handlers::{CaughtSignal, InvalidHandler, handler_findings};
pub use requirement::Requirement;
