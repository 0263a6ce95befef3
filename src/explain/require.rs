//! Requirements: which signals a process must have in a set, or must not.

use crate::proc::{Situation, Threads};
use crate::signal::known::{KILL, STOP};
use crate::signal::{Arch, Signal, SignalSet};

/// A set of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
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

impl Set {
    /// All of them.
    pub const ALL: [Set; 5] = [Set::Pending, Set::Blocked, Set::Ignored, Set::Caught, Set::Default];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Set::Pending => "pending",
            Set::Blocked => "blocked",
            Set::Ignored => "ignored",
            Set::Caught => "caught",
            Set::Default => "default",
        }
    }

    /// The signals that a process has in it; `None` where a line that would
    /// tell is missing, or only one of several threads is known.
    pub fn members(self, situation: &Situation) -> Option<SignalSet> {
        let status = &situation.status;
        let several = status.threads.is_some_and(|count| count > 1);
        let one = |own: Option<SignalSet>| if several { None } else { own };
        let threads = situation.threads.as_ref();
        match self {
            Set::Pending => {
                let own = threads.map_or_else(|| one(status.pending), |threads| Some(threads.pending()));
                Some(own? | status.shared_pending?)
            }
            Set::Blocked => threads.map(Threads::blocked_by_all).or_else(|| one(status.blocked)),
            Set::Ignored => status.ignored,
            Set::Caught => status.caught,
            Set::Default => {
                let set = (status.ignored? | status.caught?).complement(status.arch);
                // Nobody can decide about the C library's own, or KILL and STOP.
                let decided = |signal: &Signal| {
                    let facts = status.arch.facts(*signal);
                    !signal.is_of_c_library() && facts.is_none_or(|facts| facts.catchable())
                };
                Some(set.iter().filter(decided).collect())
            }
        }
    }
}

/// Signals, or any at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// Any signal: the set is not empty.
    Any,
    /// Each of these.
    Each(SignalSet),
}

/// One requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Whether the signals must be in the set; else none of them may.
    pub wanted: bool,
    /// The set.
    pub set: Set,
    /// The signals.
    pub signals: Signals,
}

/// Why a requirement is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// These are missing; empty where any would do.
    Missing(SignalSet),
    /// These are there.
    There(SignalSet),
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
        let known = Set::ALL.into_iter().find(|known| known.word() == set);
        let set =
            known.ok_or_else(|| format!("'{set}': not a set: pending, blocked, ignored, caught, default"))?;
        let signals = match signals.trim() {
            "any" => Signals::Any,
            words => Signals::Each(each(words, set, wanted)?),
        };
        Ok(Requirement { wanted, set, signals })
    }

    /// Why a process does not meet it; `None` where it does.
    pub fn unmet_by(&self, situation: &Situation) -> Option<Unmet> {
        let Some(found) = self.set.members(situation) else { return Some(Unmet::Unknown) };
        match (self.wanted, self.signals) {
            (true, Signals::Any) if found.is_empty() => Some(Unmet::Missing(SignalSet::EMPTY)),
            (true, Signals::Each(each)) if !(each - found).is_empty() => Some(Unmet::Missing(each - found)),
            (false, Signals::Any) if !found.is_empty() => Some(Unmet::There(found)),
            (false, Signals::Each(each)) if !(each & found).is_empty() => Some(Unmet::There(each & found)),
            _ => None,
        }
    }
}

/// The signals of a requirement, without those of which nobody can decide: KILL
/// and STOP are always at their default.
///
/// # Errors
/// Words that name no signal, or name these where it could never be met.
fn each(words: &str, set: Set, wanted: bool) -> Result<SignalSet, String> {
    let each = SignalSet::parse(words, Arch::NATIVE).map_err(|error| error.to_string())?;
    if each.is_empty() {
        return Err("no signal is named".to_owned());
    }
    let fixed: SignalSet = [KILL, STOP].into_iter().collect();
    let possible = match set {
        // Both may be pending for a moment.
        Set::Pending => return Ok(each),
        Set::Blocked | Set::Ignored | Set::Caught => !wanted,
        Set::Default => wanted,
    };
    // Who names the others, or all, means what there can be.
    let named = !words.starts_with('~')
        && !words.split([',', ' ', '[', ']']).any(|word| word.eq_ignore_ascii_case("all"));
    match (each & fixed).iter().next().filter(|_| named && !possible) {
        Some(signal) => Err(format!(
            "that can never be met: {} is always at its default, and nobody can catch, block or ignore it",
            Arch::NATIVE.name(signal)
        )),
        None => Ok(each - fixed),
    }
}

/// `TERM is not caught`, `USR1 is blocked`, `nothing is caught`.
impl Requirement {
    /// Why it is not met, as a sentence.
    pub fn sentence(&self, unmet: Unmet) -> String {
        let set = self.set.word();
        let (signals, negated) = match unmet {
            Unmet::Unknown => return format!("what is {set} cannot be told"),
            Unmet::Missing(missing) if missing.is_empty() => return format!("nothing is {set}"),
            Unmet::Missing(missing) => (missing, true),
            Unmet::There(found) => (found, false),
        };
        let verb = if signals.len() == 1 { "is" } else { "are" };
        let not = if negated { " not" } else { "" };
        let at = if self.set == Set::Default { "at " } else { "" };
        format!("{} {verb}{not} {at}{set}", signals.text(Arch::NATIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::Status;

    const TEXT: &str = "SigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\n\
        SigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";

    fn sentence(text: &str, wanted: bool) -> String {
        let situation = Situation::of_text(&Status::parse(TEXT.as_bytes()).unwrap());
        let requirement = Requirement::parse(text, wanted).unwrap();
        requirement.unmet_by(&situation).map_or("met".to_owned(), |unmet| requirement.sentence(unmet))
    }

    #[test]
    fn what_is_required_must_be_there() {
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
            assert_eq!(sentence(text, true), said, "{text}");
        }
    }

    #[test]
    fn what_is_forbidden_must_not() {
        for (text, said) in [
            ("caught=TERM", "met"),
            ("caught=any", "INT is caught"),
            ("blocked=TERM,INT", "TERM is blocked"),
            ("default=any", "~[HUP INT KILL STOP 32 33] are at default"),
            ("default=INT", "met"),
            ("caught=KILL", "met"),
            ("blocked=STOP,TERM", "TERM is blocked"),
        ] {
            assert_eq!(sentence(text, false), said, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_met() {
        let text = Status { threads: Some(3), ..Status::parse(TEXT.as_bytes()).unwrap() };
        let requirement = Requirement::parse("blocked=TERM", false).unwrap();
        assert_eq!(requirement.unmet_by(&Situation::of_text(&text)), Some(Unmet::Unknown));
        let short = Status::parse(b"SigBlk:\t0000000000004000\n").unwrap();
        let requirement = Requirement::parse("caught=TERM", true).unwrap();
        assert_eq!(requirement.unmet_by(&Situation::of_text(&short)), Some(Unmet::Unknown));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in
            ["", "TERM", "caught", "caught=", "caught=FOO", "held=TERM", "=TERM", "caught=none", "CAUGHT=any"]
        {
            assert!(Requirement::parse(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn what_can_never_be_met_is_refused() {
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
