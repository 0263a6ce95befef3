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
            return f.write_str("it was sent no signal");
        };
        let name = Arch::NATIVE.signal_name(signal);
        match effect {
            Effect::Pending { reason, merged: true, .. } => write!(f, "{name} is pending: {reason}"),
            Effect::Pending {
                reason:
                    reason @ (PendingReason::Stopped
                    | PendingReason::Frozen
                    | PendingReason::UninterruptibleSleep { .. }),
                ..
            } => {
                write!(f, "{reason}")
            }
            Effect::RunsHandler => write!(f, "it caught {name}, and lives on or is still at it"),
            Effect::Ignored { .. } => write!(f, "it ignores {name}"),
            Effect::TakenBySigwait { tid: Some(tid) } => {
                write!(f, "its thread {tid} takes {name} in sigwait(3), and it lives on")
            }
            Effect::TakenBySigwait { tid: None } => {
                write!(f, "it takes {name} in sigwait(3), and lives on")
            }
            Effect::ReadBySignalfd { descriptor } => {
                write!(f, "it is to read {name} from its signalfd, descriptor {descriptor}, and lives on")
            }
            Effect::NoEffect(NoEffectReason::AlreadyStopped) => {
                write!(f, "{name} does not end a process, and it is stopped")
            }
            Effect::NoEffect(NoEffectReason::Dying) => f.write_str("KILL is pending: it is dying"),
            Effect::Terminates { by_kill, .. } => {
                let outcome =
                    if *by_kill { "and is not through with it" } else { "and lives on all the same" };
                write!(f, "it got {name}, {outcome}")
            }
            Effect::Continues { .. } | Effect::Stops => write!(f, "{name} does not end a process"),
            other => write!(f, "{name}: {other}"),
        }
    }
}
