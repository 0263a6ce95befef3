//! Why a process is still there after a signal that should have ended it.

use std::fmt;

use super::effect::{Effect, Held, Nothing};
use super::judge::{Sending, effect};
use crate::proc::{Freezer, Situation};
use crate::signal::{Arch, Signal};

/// Why a process is alive, some time after it was sent a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// The signal; `None` where nothing but waiting was wanted.
    pub signal: Option<Signal>,
    /// What sending it once more would do now.
    pub effect: Option<Effect>,
}

/// Why, from what the process looks like now; of what was sent to one thread,
/// for that thread.
pub fn why_alive(now: &Situation, sent: Option<Sending>) -> Alive {
    let signal = sent.map(|sent| sent.signal);
    let effect = sent.map(|sent| match effect(now, sent) {
        // KILL is pending: what keeps it from ending is the reason.
        Effect::Nothing(Nothing::Dying) if now.freezer == Freezer::One => {
            Effect::Pending { held: Held::Frozen, merged: true, then: None }
        }
        // Pending already, which is to be read.
        Effect::Pending { held: held @ Held::Blocked { .. }, merged: true, then } => {
            let mut readers = now.signalfds.iter().flatten();
            match readers.find(|(_, set)| set.contains(sent.signal)) {
                Some((descriptor, _)) => Effect::ReadBySignalfd { descriptor: *descriptor },
                None => Effect::Pending { held, merged: true, then },
            }
        }
        effect => effect,
    });
    Alive { signal, effect }
}

impl Alive {
    /// The identifier.
    pub const fn id(&self) -> &'static str {
        match &self.effect {
            Some(effect) => effect.id(),
            None => "no-signal",
        }
    }
}

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(signal), Some(effect)) = (self.signal, &self.effect) else {
            return f.write_str("it was sent no signal");
        };
        let name = Arch::NATIVE.name(signal);
        match effect {
            Effect::Pending { held, merged: true, .. } => write!(f, "{name} is pending: {held}"),
            Effect::Pending {
                held: held @ (Held::Stopped | Held::Frozen | Held::Sleeping { .. }), ..
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
            Effect::Nothing(Nothing::Stopped) => {
                write!(f, "{name} does not end a process, and it is stopped")
            }
            Effect::Nothing(Nothing::Dying) => f.write_str("KILL is pending: it is dying"),
            Effect::Terminates { kill, .. } => {
                let how = if *kill { "and is not through with it" } else { "and lives on all the same" };
                write!(f, "it got {name}, {how}")
            }
            Effect::Continues { .. } | Effect::Stops => write!(f, "{name} does not end a process"),
            other => write!(f, "{name}: {other}"),
        }
    }
}
