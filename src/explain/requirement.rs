//! Requirements on the signal sets of a process: signals that a set must contain,
//! or must not contain.

use crate::procfs::{ProcessSnapshot, Threads};
use crate::signal::consts::{KILL, STOP};
use crate::signal::{Arch, Signal, SignalSet};

/// A signal set of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalSetKind {
    /// Pending for the process or for one of its threads.
    Pending,
    /// Blocked by every thread.
    Blocked,
    /// Signals that the process ignores.
    Ignored,
    /// Signals that have a handler.
    Caught,
    /// Neither ignored nor caught.
    Default,
}

impl SignalSetKind {
    /// Every set, in the order in which the sets are listed.
    pub const ALL: [SignalSetKind; 5] = [
        SignalSetKind::Pending,
        SignalSetKind::Blocked,
        SignalSetKind::Ignored,
        SignalSetKind::Caught,
        SignalSetKind::Default,
    ];

    /// Returns the name of the set in options and in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            SignalSetKind::Pending => "pending",
            SignalSetKind::Blocked => "blocked",
            SignalSetKind::Ignored => "ignored",
            SignalSetKind::Caught => "caught",
            SignalSetKind::Default => "default",
        }
    }

    /// Returns the signals in this set of a process. Returns `None` if a line of the
    /// status is missing, or if only one of several threads is known.
    pub fn signals_of(self, snapshot: &ProcessSnapshot) -> Option<SignalSet> {
        let status = &snapshot.status;
        let is_multithreaded = status.thread_count.is_some_and(|count| count > 1);
        let if_single_threaded = |own: Option<SignalSet>| if is_multithreaded { None } else { own };
        let threads = snapshot.threads.as_ref();
        match self {
            SignalSetKind::Pending => {
                let thread_pending = match threads {
                    Some(threads) => threads.pending_for_any(),
                    None => if_single_threaded(status.pending)?,
                };
                Some(thread_pending | status.shared_pending?)
            }
            SignalSetKind::Blocked => {
                threads.map(Threads::blocked_by_all).or_else(|| if_single_threaded(status.blocked))
            }
            SignalSetKind::Ignored => status.ignored,
            SignalSetKind::Caught => status.caught,
            SignalSetKind::Default => {
                let set = (status.ignored? | status.caught?).complement(status.arch);
                // The program cannot change the disposition of KILL and STOP, and it must
                // not change that of the signals reserved by the C library.
                let is_changeable = |signal: &Signal| {
                    let facts = status.arch.standard_signal(*signal);
                    !signal.is_reserved_by_libc() && facts.is_none_or(|facts| facts.is_catchable())
                };
                Some(set.iter().filter(is_changeable).collect())
            }
        }
    }
}

/// The signals that a requirement names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredSignals {
    /// At least one signal, whichever it is.
    Any,
    /// All of these signals.
    All(SignalSet),
}

/// A condition on one signal set of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// `true` if the signals must be in the set, `false` if none of them may be.
    pub must_contain: bool,
    /// The set that the condition is about.
    pub set_kind: SignalSetKind,
    /// The signals that must be in the set, or must not.
    pub signals: RequiredSignals,
}

/// The reason why a process does not meet a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnmetReason {
    /// These signals are missing. Empty if any signal would be enough.
    Missing(SignalSet),
    /// These signals are in the set.
    Unexpected(SignalSet),
    /// The set is unknown, because a line of the status is missing.
    Unknown,
}

impl Requirement {
    /// Parses `SET=SIGNALS`, such as `caught=TERM,HUP` or `pending=any`.
    ///
    /// # Errors
    /// Returns a message if the text is malformed, or if no process can meet the
    /// requirement.
    pub fn parse(text: &str, must_contain: bool) -> Result<Requirement, String> {
        let (set_name, signals) =
            text.split_once('=').ok_or_else(|| "expected SET=SIGNALS, such as caught=TERM,HUP".to_owned())?;
        let set_kind =
            SignalSetKind::ALL.into_iter().find(|kind| kind.as_str() == set_name).ok_or_else(|| {
                format!("unknown set '{set_name}' (expected pending, blocked, ignored, caught or default)")
            })?;
        let signals = match signals.trim() {
            "any" => RequiredSignals::Any,
            names => RequiredSignals::All(parse_signals(names, set_kind, must_contain)?),
        };
        Ok(Requirement { must_contain, set_kind, signals })
    }

    /// Returns the reason why a process does not meet the requirement, or `None` if
    /// it does.
    pub fn unmet_reason(&self, snapshot: &ProcessSnapshot) -> Option<UnmetReason> {
        let Some(actual) = self.set_kind.signals_of(snapshot) else { return Some(UnmetReason::Unknown) };
        match (self.must_contain, self.signals) {
            (true, RequiredSignals::Any) if actual.is_empty() => Some(UnmetReason::Missing(SignalSet::EMPTY)),
            (true, RequiredSignals::All(required)) if !(required - actual).is_empty() => {
                Some(UnmetReason::Missing(required - actual))
            }
            (false, RequiredSignals::Any) if !actual.is_empty() => Some(UnmetReason::Unexpected(actual)),
            (false, RequiredSignals::All(excluded)) if !(excluded & actual).is_empty() => {
                Some(UnmetReason::Unexpected(excluded & actual))
            }
            _ => None,
        }
    }

    /// Describes an unmet requirement in a sentence: `TERM is not caught`,
    /// `USR1 is blocked`, `no signal is caught`.
    pub fn describe_unmet(&self, reason: UnmetReason) -> String {
        let set = self.set_kind.as_str();
        let at = if self.set_kind == SignalSetKind::Default { "at " } else { "" };
        let (signals, is_negated) = match reason {
            UnmetReason::Unknown => return format!("the {set} signals are unknown"),
            UnmetReason::Missing(missing) if missing.is_empty() => return format!("no signal is {at}{set}"),
            UnmetReason::Missing(missing) => (missing, true),
            UnmetReason::Unexpected(signals) => (signals, false),
        };
        let verb = if signals.len() == 1 { "is" } else { "are" };
        let not = if is_negated { " not" } else { "" };
        format!("{} {verb}{not} {at}{set}", signals.display(Arch::NATIVE))
    }
}

/// Parses the signals of a requirement. Removes KILL and STOP if they make no
/// difference, because their disposition is always the default.
///
/// # Errors
/// Returns a message if a name is not a signal, or if the requirement names KILL or
/// STOP and no process can meet it.
fn parse_signals(names: &str, set_kind: SignalSetKind, must_contain: bool) -> Result<SignalSet, String> {
    let signals = SignalSet::parse(names, Arch::NATIVE).map_err(|error| error.to_string())?;
    if signals.is_empty() {
        return Err("no signal given".to_owned());
    }
    let unchangeable: SignalSet = [KILL, STOP].into_iter().collect();
    let can_be_met = match set_kind {
        // KILL and STOP can be pending for a moment.
        SignalSetKind::Pending => return Ok(signals),
        SignalSetKind::Blocked | SignalSetKind::Ignored | SignalSetKind::Caught => !must_contain,
        SignalSetKind::Default => must_contain,
    };
    // `all` and a complement stand for the signals that can be in the set.
    let is_explicit = !names.starts_with('~')
        && !names.split([',', ' ', '[', ']']).any(|name| name.eq_ignore_ascii_case("all"));
    match (signals & unchangeable).iter().next().filter(|_| is_explicit && !can_be_met) {
        Some(signal) => Err(format!(
            "no process can meet this ({} cannot be caught, blocked or ignored)",
            Arch::NATIVE.signal_name(signal)
        )),
        None => Ok(signals - unchangeable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::ProcStatus;

    const STATUS_TEXT: &str = "SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\n\
        SigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";

    fn unmet_sentence(text: &str, must_contain: bool) -> String {
        let snapshot = ProcessSnapshot::from_status(&ProcStatus::parse(STATUS_TEXT.as_bytes()).unwrap());
        let requirement = Requirement::parse(text, must_contain).unwrap();
        requirement
            .unmet_reason(&snapshot)
            .map_or("met".to_owned(), |reason| requirement.describe_unmet(reason))
    }

    #[test]
    fn requirement_fails_if_signal_is_missing() {
        for (text, sentence) in [
            ("caught=INT", "met"),
            ("caught=INT,TERM", "TERM is not caught"),
            ("caught=HUP,TERM", "HUP TERM are not caught"),
            ("pending=any", "met"),
            ("default=TERM", "met"),
            ("default=HUP", "HUP is not at default"),
            ("blocked=15", "met"),
            ("ignored=~[HUP]", "~[HUP KILL STOP] are not ignored"),
            ("default=KILL", "met"),
            ("default=STOP,HUP", "HUP is not at default"),
        ] {
            assert_eq!(unmet_sentence(text, true), sentence, "{text}");
        }
    }

    #[test]
    fn prohibition_fails_if_signal_is_present() {
        for (text, sentence) in [
            ("caught=TERM", "met"),
            ("caught=any", "INT is caught"),
            ("blocked=TERM,INT", "TERM is blocked"),
            ("default=any", "~[HUP INT KILL STOP 32 33] are at default"),
            ("default=INT", "met"),
            ("caught=KILL", "met"),
            ("blocked=STOP,TERM", "TERM is blocked"),
        ] {
            assert_eq!(unmet_sentence(text, false), sentence, "{text}");
        }
    }

    #[test]
    fn requirement_fails_if_set_is_unknown() {
        let status =
            ProcStatus { thread_count: Some(3), ..ProcStatus::parse(STATUS_TEXT.as_bytes()).unwrap() };
        let requirement = Requirement::parse("blocked=TERM", false).unwrap();
        assert_eq!(
            requirement.unmet_reason(&ProcessSnapshot::from_status(&status)),
            Some(UnmetReason::Unknown)
        );
        let incomplete = ProcStatus::parse(b"SigBlk:\t0000000000004000\n").unwrap();
        let requirement = Requirement::parse("caught=TERM", true).unwrap();
        assert_eq!(
            requirement.unmet_reason(&ProcessSnapshot::from_status(&incomplete)),
            Some(UnmetReason::Unknown)
        );
    }

    #[test]
    fn rejects_malformed_requirement() {
        for text in
            ["", "TERM", "caught", "caught=", "caught=FOO", "held=TERM", "=TERM", "caught=none", "CAUGHT=any"]
        {
            assert!(Requirement::parse(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_requirement_that_no_process_can_meet() {
        let parse_error = |text: &str, must_contain| Requirement::parse(text, must_contain).err();
        for (text, must_contain, signal) in [
            ("caught=KILL", true, "KILL"),
            ("ignored=TERM,SIGKILL", true, "KILL"),
            ("blocked=19", true, "STOP"),
            ("default=STOP", false, "STOP"),
        ] {
            let error = parse_error(text, must_contain).expect("the requirement is rejected");
            assert!(
                error.starts_with(&format!("no process can meet this ({signal} cannot")),
                "{text}: {error}"
            );
        }
        for (text, must_contain) in
            [("caught=all", true), ("blocked=~[TERM]", true), ("default=KILL", true), ("pending=KILL", true)]
        {
            assert_eq!(parse_error(text, must_contain), None, "{text}");
        }
    }
}
