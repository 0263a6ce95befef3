//! Why a process is still there after a signal that should have ended it.

use std::fmt;

use super::predict::{SendSpec, predict_effect};
use super::{Effect, NoEffectReason, PendingReason};
use crate::procfs::{FreezerState, ProcessSnapshot};
use crate::signal::{Arch, Signal};

/// Why a process is alive, some time after it was sent a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurvivalReason {
    /// The signal; `None` where nothing but waiting was wanted.
    pub signal: Option<Signal>,
    /// What sending it once more would do now.
    pub effect_if_resent: Option<Effect>,
}

/// Why, from what the process looks like now; of what was sent to one thread,
/// for that thread.
pub fn survival_reason(now: &ProcessSnapshot, sent: Option<SendSpec>) -> SurvivalReason {
    let signal = sent.map(|sent| sent.signal);
    let effect = sent.map(|sent| match predict_effect(now, sent) {
        // KILL is pending: what keeps it from ending is the reason.
        Effect::NoEffect(NoEffectReason::Dying) if now.freezer_state == FreezerState::V1 => {
            Effect::Pending { reason: PendingReason::Frozen, merged: true, eventual_effect: None }
        }
        // Pending already, which is to be read.
        Effect::Pending {
            reason: held @ PendingReason::Blocked { .. },
            merged: true,
            eventual_effect: then,
        } => {
            let mut readers = now.signalfds.iter().flatten();
            match readers.find(|(_, set)| set.contains(sent.signal)) {
                Some((descriptor, _)) => Effect::ReadBySignalfd { descriptor: *descriptor },
                None => Effect::Pending { reason: held, merged: true, eventual_effect: then },
            }
        }
        effect => effect,
    });
    SurvivalReason { signal, effect_if_resent: effect }
}

impl SurvivalReason {
    /// The identifier.
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
            Effect::Pending { reason: held, merged: true, .. } => write!(f, "{name} is pending: {held}"),
            Effect::Pending {
                reason:
                    held @ (PendingReason::Stopped
                    | PendingReason::Frozen
                    | PendingReason::UninterruptibleSleep { .. }),
                ..
            } => {
                write!(f, "{held}")
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
            Effect::Terminates { by_kill: kill, .. } => {
                let how = if *kill { "and is not through with it" } else { "and lives on all the same" };
                write!(f, "it got {name}, {how}")
            }
            Effect::Continues { .. } | Effect::Stops => write!(f, "{name} does not end a process"),
            other => write!(f, "{name}: {other}"),
        }
    }
}
