//! Whom pending signals say that they are from, in a sentence.

use super::findings::names;
use crate::proc::ProcessName;
use crate::proc::surroundings::{Claim, Claimant, Surroundings};
use crate::signal::{Signal, SignalSet};

/// So many senders of the same signals are named.
const MOST: usize = 3;

/// Whom pending ones of these say that they are from: `, says it was sent by pid
/// 812 (deploy.sh, uid 1000)`; nothing where none says so.
pub(super) fn claims(around: &Surroundings, signals: SignalSet) -> String {
    let groups = groups(around.claims.iter().filter(|claim| signals.contains(claim.signal)));
    let they = if signals.len() == 1 { "says it was" } else { "say they were" };
    match groups.as_slice() {
        [] => String::new(),
        // What is so of all need not be said with each.
        [(all, senders)] if *all == signals => format!(", {they} sent {}", listed(senders)),
        several => {
            let each =
                |(of, senders): &(SignalSet, Vec<String>)| format!("{} {}", names(*of), listed(senders));
            let each: Vec<String> = several.iter().map(each).collect();
            format!(", {they} sent ({})", each.join(", "))
        }
    }
}

/// Signals that the same ones claim to have sent, with those.
fn groups<'a>(claims: impl Iterator<Item = &'a Claim>) -> Vec<(SignalSet, Vec<String>)> {
    let mut each: Vec<(Signal, Vec<String>)> = Vec::new();
    for Claim { signal, from } in claims {
        let sender = by(from);
        match each.iter_mut().find(|(known, _)| known == signal) {
            Some((_, senders)) if senders.contains(&sender) => {}
            Some((_, senders)) => senders.push(sender),
            None => each.push((*signal, vec![sender])),
        }
    }
    let mut groups: Vec<(SignalSet, Vec<String>)> = Vec::new();
    for (signal, senders) in each {
        let same = |known: &[String]| {
            known.len() == senders.len() && known.iter().all(|sender| senders.contains(sender))
        };
        match groups.iter_mut().find(|(_, known)| same(known)) {
            Some((signals, _)) => signals.insert(signal),
            None => groups.push(([signal].into_iter().collect(), senders)),
        }
    }
    groups
}

/// `by pid 812 (deploy.sh, uid 1000)`.
fn by(claimant: &Claimant) -> String {
    match claimant {
        Claimant::Process { pid, foreign: true, uid, .. } => {
            format!("by pid {pid} in its pid namespace (uid {uid})")
        }
        Claimant::Process { pid, uid, name, .. } => {
            let name = name.as_ref().map_or_else(|| "exited".to_owned(), ProcessName::in_sentence);
            format!("by pid {pid} ({name}, uid {uid})")
        }
        Claimant::Timer { id } => format!("by its POSIX timer {id}"),
        Claimant::Outside => "by the kernel or from outside of its pid namespace".to_owned(),
        Claimant::Kernel => "by the kernel".to_owned(),
    }
}

/// The first of them, and how many more there are.
fn listed(senders: &[String]) -> String {
    let first = senders.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(" and ");
    match senders.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::set;
    use super::*;
    use crate::signal::known::{HUP, INT, TERM};

    fn claim(number: u8, pid: u32, name: Option<&[u8]>) -> Claim {
        let name = name.map(ProcessName::new);
        of(number, Claimant::Process { pid, foreign: false, uid: 1000, name })
    }

    fn of(number: u8, from: Claimant) -> Claim {
        Claim { signal: Signal::new(number).unwrap(), from }
    }

    fn said(all: &[Claim], signals: &[Signal]) -> String {
        claims(&Surroundings { claims: all.to_vec(), ..Surroundings::default() }, set(signals))
    }

    #[test]
    fn senders_are_claims() {
        let broken = claim(15, 812, Some(b"br\xffoken"));
        assert_eq!(said(&[broken], &[TERM]), ", says it was sent by pid 812 (br\\xffoken, uid 1000)");
        let two = [claim(15, 812, Some(b"deploy.sh")), claim(2, 7, None)];
        assert_eq!(said(&two, &[TERM]), ", says it was sent by pid 812 (deploy.sh, uid 1000)");
        let each =
            ", say they were sent (TERM by pid 812 (deploy.sh, uid 1000), INT by pid 7 (exited, uid 1000))";
        assert_eq!(said(&two, &[TERM, INT]), each);
        assert_eq!(said(&two, &[HUP]), "");
        let foreign = of(15, Claimant::Process { pid: 6, foreign: true, uid: 1000, name: None });
        assert_eq!(said(&[foreign], &[TERM]), ", says it was sent by pid 6 in its pid namespace (uid 1000)");
        let both = [claim(15, 812, None), claim(2, 812, None)];
        assert_eq!(said(&both, &[TERM, INT]), ", say they were sent by pid 812 (exited, uid 1000)");
    }

    #[test]
    fn a_signal_is_said_once_with_all_its_senders() {
        let rt = Signal::new(35).unwrap();
        let three = [claim(35, 1, None), claim(15, 7, None), claim(35, 2, None), claim(35, 1, None)];
        assert_eq!(
            said(&three, &[TERM, rt]),
            ", say they were sent (RTMIN+1 by pid 1 (exited, uid 1000) and by pid 2 (exited, uid 1000), \
             TERM by pid 7 (exited, uid 1000))"
        );
        let shared = [claim(15, 1, None), claim(2, 2, None), claim(15, 2, None), claim(2, 1, None)];
        assert_eq!(
            said(&shared, &[TERM, INT]),
            ", say they were sent by pid 1 (exited, uid 1000) and by pid 2 (exited, uid 1000)"
        );
        let mut many: Vec<Claim> = (1..6).map(|pid| claim(35, pid, None)).collect();
        assert!(said(&many, &[rt]).ends_with(" and by pid 3 (exited, uid 1000) and 2 more"));
        many.push(claim(15, 9, None));
        let text = said(&many, &[TERM, rt]);
        assert!(text.ends_with("uid 1000) and 2 more, TERM by pid 9 (exited, uid 1000))"), "{text}");
    }

    #[test]
    fn who_is_no_process_is_told_too() {
        let all = [of(1, Claimant::Outside), claim(15, 7, None), of(2, Claimant::Timer { id: 3 })];
        assert_eq!(
            said(&all, &[HUP, INT, TERM]),
            ", say they were sent (HUP by the kernel or from outside of its pid namespace, \
             TERM by pid 7 (exited, uid 1000), INT by its POSIX timer 3)"
        );
        assert_eq!(said(&[of(15, Claimant::Kernel)], &[TERM]), ", says it was sent by the kernel");
    }
}
