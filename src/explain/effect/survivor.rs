//! The reason why a process is still running after a signal that should have ended it.

use std::fmt;

use super::predict::predict_effect;
use super::query::SendSpec;
use super::{Effect, NoEffectReason, PendingReason};
use crate::procfs::{FreezerState, ProcessSnapshot};
use crate::signal::{Arch, Signal};

/// The reason why a process is still running some time after a signal was sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurvivalReason {
    /// The signal; `None` if none was sent.
    pub signal: Option<Signal>,
    /// The effect that the signal would have if it were sent again now.
    pub effect_if_resent: Option<Effect>,
}

/// Finds the reason in the current state of the process. A signal that was sent to one
/// thread is judged for that thread.
pub fn survival_reason(snapshot: &ProcessSnapshot, sent: Option<SendSpec>) -> SurvivalReason {
    let signal = sent.map(|sent| sent.signal);
    let effect = sent.map(|sent| match predict_effect(snapshot, sent) {
        // KILL is pending, so the reason is what delays the exit.
        Effect::NoEffect(NoEffectReason::Dying) if snapshot.freezer_state == FreezerState::V1 => {
            Effect::Pending { reason: PendingReason::Frozen, merged: true, eventual_effect: None }
        }
        // The signal is pending, and the process can still read it from a signalfd.
        Effect::Pending { reason: reason @ PendingReason::Blocked { .. }, merged: true, eventual_effect } => {
            let mut signalfds = snapshot.signalfds.iter().flatten();
            match signalfds.find(|(_, set)| set.contains(sent.signal)) {
                Some((descriptor, _)) => Effect::ReadBySignalfd { descriptor: *descriptor },
                None => Effect::Pending { reason, merged: true, eventual_effect },
            }
        }
        effect => effect,
    });
    SurvivalReason { signal, effect_if_resent: effect }
}

impl SurvivalReason {
    /// Returns the identifier used in JSON.
    pub const fn id(&self) -> &'static str {
        match &self.effect_if_resent {
            Some(effect) => effect.id(),
            None => "no-signal",
        }
    }
}

impl fmt::Display for SurvivalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(signal), Some(effect)) = (self.signal, &self.effect_if_resent) else {
            return f.write_str("no signal was sent to it");
        };
        let name = Arch::NATIVE.signal_name(signal);
        match effect {
            Effect::Pending { reason, merged: true, .. } => write!(f, "{name} is pending because {reason}"),
            Effect::Pending {
                reason:
                    reason @ (PendingReason::Stopped
                    | PendingReason::Frozen
                    | PendingReason::UninterruptibleSleep { .. }),
                ..
            } => {
                write!(f, "{reason}")
            }
            Effect::RunsHandler => {
                write!(f, "it caught {name}; its handler is still running, or the program chose not to exit")
            }
            Effect::Ignored { .. } => write!(f, "it ignores {name}"),
            Effect::TakenBySigwait { tid: Some(tid) } => {
                write!(f, "thread {tid} receives {name} in sigwait(3), and the program chose not to exit")
            }
            Effect::TakenBySigwait { tid: None } => {
                write!(f, "it receives {name} in sigwait(3), and the program chose not to exit")
            }
            Effect::ReadBySignalfd { descriptor } => {
                write!(
                    f,
                    "it receives {name} from its signalfd (descriptor {descriptor}), but it has not exited"
                )
            }
            Effect::NoEffect(NoEffectReason::AlreadyStopped) => {
                write!(f, "it is stopped; {name} does not terminate a process")
            }
            Effect::NoEffect(NoEffectReason::Dying) => {
                f.write_str("KILL is pending, but it has not exited yet")
            }
            Effect::Terminates { by_kill, .. } => {
                let outcome = if *by_kill { "it has not exited yet" } else { "it is still running" };
                write!(f, "{name} was delivered, but {outcome}")
            }
            Effect::Continues { .. } | Effect::Stops => write!(f, "{name} does not terminate a process"),
            Effect::Dropped(reason) => write!(f, "the kernel dropped {name} because {reason}"),
            Effect::NoEffect(reason) => write!(f, "{name} has no effect because {reason}"),
            Effect::Traced { tracer } => write!(f, "its tracer {tracer} intercepted {name}"),
            Effect::Unknown { reason, likely: None } => {
                write!(f, "the effect of {name} is unknown because {reason}")
            }
            other @ (Effect::Pending { .. }
            | Effect::QueueFull
            | Effect::Unknown { likely: Some(_), .. }
            | Effect::NullSignal) => write!(f, "{name} {other}"),
        }
    }
}
