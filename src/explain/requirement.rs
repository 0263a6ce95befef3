//! Requirements: which signals a process must have in a set, or must not.

use crate::procfs::{ProcessSnapshot, Threads};
use crate::signal::consts::{KILL, STOP};
use crate::signal::{Arch, Signal, SignalSet};

/// A set of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalSetKind {
    /// Pending for it or one of its threads.
    Pending,
    /// Blocked by every thread.
    Blocked,
    /// Ignored.
    Ignored,
    /// Caught.
    Caught,
    /// Neither ignored nor caught.
    Default,
}

impl SignalSetKind {
    /// All of them.
    pub const ALL: [SignalSetKind; 5] = [
        SignalSetKind::Pending,
        SignalSetKind::Blocked,
        SignalSetKind::Ignored,
        SignalSetKind::Caught,
        SignalSetKind::Default,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            SignalSetKind::Pending => "pending",
            SignalSetKind::Blocked => "blocked",
            SignalSetKind::Ignored => "ignored",
            SignalSetKind::Caught => "caught",
            SignalSetKind::Default => "default",
        }
    }

    /// The signals that a process has in it; `None` where a line that would
    /// tell is missing, or only one of several threads is known.
    pub fn signals_of(self, situation: &ProcessSnapshot) -> Option<SignalSet> {
        let status = &situation.status;
        let several = status.thread_count.is_some_and(|count| count > 1);
        let one = |own: Option<SignalSet>| if several { None } else { own };
        let threads = situation.threads.as_ref();
        match self {
            SignalSetKind::Pending => {
                let own =
                    threads.map_or_else(|| one(status.pending), |threads| Some(threads.pending_for_any()));
                Some(own? | status.shared_pending?)
            }
            SignalSetKind::Blocked => threads.map(Threads::blocked_by_all).or_else(|| one(status.blocked)),
            SignalSetKind::Ignored => status.ignored,
            SignalSetKind::Caught => status.caught,
            SignalSetKind::Default => {
                let set = (status.ignored? | status.caught?).complement(status.arch);
                // Nobody can decide about the C library's own, or KILL and STOP.
                let decided = |signal: &Signal| {
                    let facts = status.arch.standard_signal(*signal);
                    !signal.is_reserved_by_libc() && facts.is_none_or(|facts| facts.is_catchable())
                };
                Some(set.iter().filter(decided).collect())
            }
        }
    }
}

/// Signals, or any at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredSignals {
    /// Any signal: the set is not empty.
    Any,
    /// Each of these.
    All(SignalSet),
}

/// One requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Whether the signals must be in the set; else none of them may.
    pub must_contain: bool,
    /// The set.
    pub set_kind: SignalSetKind,
    /// The signals.
    pub signals: RequiredSignals,
}

/// Why a requirement is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnmetReason {
    /// These are missing; empty where any would do.
    Missing(SignalSet),
    /// These are there.
    Unexpected(SignalSet),
    /// Nothing tells: a line of the status is missing.
    Unknown,
}

impl Requirement {
    /// Reads `SET=SIGNALS`: `caught=TERM,HUP`, `pending=any`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, wanted: bool) -> Result<Requirement, String> {
        let (set, signals) =
            text.split_once('=').ok_or_else(|| "SET=SIGNALS is expected: caught=TERM,HUP".to_owned())?;
        let known = SignalSetKind::ALL.into_iter().find(|known| known.as_str() == set);
        let set =
            known.ok_or_else(|| format!("'{set}': not a set: pending, blocked, ignored, caught, default"))?;
        let signals = match signals.trim() {
            "any" => RequiredSignals::Any,
            words => RequiredSignals::All(parse_signals(words, set, wanted)?),
        };
        Ok(Requirement { must_contain: wanted, set_kind: set, signals })
    }

    /// Why a process does not meet it; `None` where it does.
    pub fn unmet_reason(&self, situation: &ProcessSnapshot) -> Option<UnmetReason> {
        let Some(found) = self.set_kind.signals_of(situation) else { return Some(UnmetReason::Unknown) };
        match (self.must_contain, self.signals) {
            (true, RequiredSignals::Any) if found.is_empty() => Some(UnmetReason::Missing(SignalSet::EMPTY)),
            (true, RequiredSignals::All(each)) if !(each - found).is_empty() => {
                Some(UnmetReason::Missing(each - found))
            }
            (false, RequiredSignals::Any) if !found.is_empty() => Some(UnmetReason::Unexpected(found)),
            (false, RequiredSignals::All(each)) if !(each & found).is_empty() => {
                Some(UnmetReason::Unexpected(each & found))
            }
            _ => None,
        }
    }
}

/// The signals of a requirement, without those of which nobody can decide: KILL
/// and STOP are always at their default.
///
/// # Errors
/// Words that name no signal, or name these where it could never be met.
fn parse_signals(words: &str, set: SignalSetKind, wanted: bool) -> Result<SignalSet, String> {
    let each = SignalSet::parse(words, Arch::NATIVE).map_err(|error| error.to_string())?;
    if each.is_empty() {
        return Err("no signal is named".to_owned());
    }
    let fixed: SignalSet = [KILL, STOP].into_iter().collect();
    let possible = match set {
        // Both may be pending for a moment.
        SignalSetKind::Pending => return Ok(each),
        SignalSetKind::Blocked | SignalSetKind::Ignored | SignalSetKind::Caught => !wanted,
        SignalSetKind::Default => wanted,
    };
    // Who names the others, or all, means what there can be.
    let named = !words.starts_with('~')
        && !words.split([',', ' ', '[', ']']).any(|word| word.eq_ignore_ascii_case("all"));
    match (each & fixed).iter().next().filter(|_| named && !possible) {
        Some(signal) => Err(format!(
            "that can never be met: {} is always at its default, and nobody can catch, block or ignore it",
            Arch::NATIVE.signal_name(signal)
        )),
        None => Ok(each - fixed),
    }
}

/// `TERM is not caught`, `USR1 is blocked`, `nothing is caught`.
impl Requirement {
    /// Why it is not met, as a sentence.
    pub fn describe_unmet(&self, unmet: UnmetReason) -> String {
        let set = self.set_kind.as_str();
        let (signals, negated) = match unmet {
            UnmetReason::Unknown => return format!("what is {set} cannot be told"),
            UnmetReason::Missing(missing) if missing.is_empty() => return format!("nothing is {set}"),
            UnmetReason::Missing(missing) => (missing, true),
            UnmetReason::Unexpected(found) => (found, false),
        };
        let verb = if signals.len() == 1 { "is" } else { "are" };
        let not = if negated { " not" } else { "" };
        let at = if self.set_kind == SignalSetKind::Default { "at " } else { "" };
        format!("{} {verb}{not} {at}{set}", signals.display(Arch::NATIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::ProcStatus;

    const STATUS_TEXT: &str = "SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\n\
        SigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";

    fn unmet_sentence(text: &str, wanted: bool) -> String {
        let situation = ProcessSnapshot::from_status(&ProcStatus::parse(STATUS_TEXT.as_bytes()).unwrap());
        let requirement = Requirement::parse(text, wanted).unwrap();
        requirement
            .unmet_reason(&situation)
            .map_or("met".to_owned(), |unmet| requirement.describe_unmet(unmet))
    }

    #[test]
    fn requirement_fails_if_signal_is_missing() {
        for (text, said) in [
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
            assert_eq!(unmet_sentence(text, true), said, "{text}");
        }
    }

    #[test]
    fn prohibition_fails_if_signal_is_present() {
        for (text, said) in [
            ("caught=TERM", "met"),
            ("caught=any", "INT is caught"),
            ("blocked=TERM,INT", "TERM is blocked"),
            ("default=any", "~[HUP INT KILL STOP 32 33] are at default"),
            ("default=INT", "met"),
            ("caught=KILL", "met"),
            ("blocked=STOP,TERM", "TERM is blocked"),
        ] {
            assert_eq!(unmet_sentence(text, false), said, "{text}");
        }
    }

    #[test]
    fn requirement_fails_if_set_is_unknown() {
        let text = ProcStatus { thread_count: Some(3), ..ProcStatus::parse(STATUS_TEXT.as_bytes()).unwrap() };
        let requirement = Requirement::parse("blocked=TERM", false).unwrap();
        assert_eq!(
            requirement.unmet_reason(&ProcessSnapshot::from_status(&text)),
            Some(UnmetReason::Unknown)
        );
        let short = ProcStatus::parse(b"SigBlk:\t0000000000004000\n").unwrap();
        let requirement = Requirement::parse("caught=TERM", true).unwrap();
        assert_eq!(
            requirement.unmet_reason(&ProcessSnapshot::from_status(&short)),
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
        let never = |text: &str, wanted| Requirement::parse(text, wanted).err();
        for (text, wanted, signal) in [
            ("caught=KILL", true, "KILL"),
            ("ignored=TERM,SIGKILL", true, "KILL"),
            ("blocked=19", true, "STOP"),
            ("default=STOP", false, "STOP"),
        ] {
            let said = never(text, wanted).expect("refused");
            assert!(said.starts_with(&format!("that can never be met: {signal} is")), "{text}: {said}");
        }
        for (text, wanted) in
            [("caught=all", true), ("blocked=~[TERM]", true), ("default=KILL", true), ("pending=KILL", true)]
        {
            assert_eq!(never(text, wanted), None, "{text}");
        }
    }
}
