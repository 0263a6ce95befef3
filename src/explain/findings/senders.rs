//! Whom pending signals say that they are from, in a sentence.

use super::signal_names;
use crate::procfs::ProcessName;
use crate::procfs::context::{ClaimedOrigin, ProcessContext, SenderClaim};
use crate::signal::{Signal, SignalSet};

/// So many senders of the same signals are named.
const MAX_SENDERS: usize = 3;

/// Whom pending ones of these say that they are from: `, says it was sent by pid
/// 812 (deploy.sh, uid 1000)`; nothing where none says so.
pub(super) fn describe_senders(around: &ProcessContext, signals: SignalSet) -> String {
    let groups = group_by_senders(around.sender_claims.iter().filter(|claim| signals.contains(claim.signal)));
    let they = if signals.len() == 1 { "says it was" } else { "say they were" };
    match groups.as_slice() {
        [] => String::new(),
        // What is so of all need not be said with each.
        [(all, senders)] if *all == signals => format!(", {they} sent {}", join_senders(senders)),
        several => {
            let each = |(of, senders): &(SignalSet, Vec<String>)| {
                format!("{} {}", signal_names(*of), join_senders(senders))
            };
            let each: Vec<String> = several.iter().map(each).collect();
            format!(", {they} sent ({})", each.join(", "))
        }
    }
}

/// Signals that the same ones claim to have sent, with those.
fn group_by_senders<'a>(claims: impl Iterator<Item = &'a SenderClaim>) -> Vec<(SignalSet, Vec<String>)> {
    let mut each: Vec<(Signal, Vec<String>)> = Vec::new();
    for SenderClaim { signal, claimed_origin: from } in claims {
        let sender = sender_phrase(from);
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
fn sender_phrase(claimant: &ClaimedOrigin) -> String {
    match claimant {
        ClaimedOrigin::Process { pid, is_foreign_pid: true, uid, .. } => {
            format!("by pid {pid} in its pid namespace (uid {uid})")
        }
        ClaimedOrigin::Process { pid, uid, name, .. } => {
            let name = name.as_ref().map_or_else(|| "exited".to_owned(), ProcessName::escape_invalid_utf8);
            format!("by pid {pid} ({name}, uid {uid})")
        }
        ClaimedOrigin::Timer { id } => format!("by its POSIX timer {id}"),
        ClaimedOrigin::OutsideNamespace => "by the kernel or from outside of its pid namespace".to_owned(),
        ClaimedOrigin::Kernel => "by the kernel".to_owned(),
    }
}

/// The first of them, and how many more there are.
fn join_senders(senders: &[String]) -> String {
    let first = senders.iter().take(MAX_SENDERS).map(String::as_str).collect::<Vec<_>>().join(" and ");
    match senders.len().saturating_sub(MAX_SENDERS) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal_set;
    use super::*;
    use crate::signal::consts::{HUP, INT, TERM};

    fn process_claim(number: u8, pid: u32, name: Option<&[u8]>) -> SenderClaim {
        let name = name.map(ProcessName::new);
        claim_from(number, ClaimedOrigin::Process { pid, is_foreign_pid: false, uid: 1000, name })
    }

    fn claim_from(number: u8, from: ClaimedOrigin) -> SenderClaim {
        SenderClaim { signal: Signal::new(number).unwrap(), claimed_origin: from }
    }

    fn described(all: &[SenderClaim], signals: &[Signal]) -> String {
        describe_senders(
            &ProcessContext { sender_claims: all.to_vec(), ..ProcessContext::default() },
            signal_set(signals),
        )
    }

    #[test]
    fn claimed_senders_are_described_as_unverified() {
        let broken = process_claim(15, 812, Some(b"br\xffoken"));
        assert_eq!(described(&[broken], &[TERM]), ", says it was sent by pid 812 (br\\xffoken, uid 1000)");
        let two = [process_claim(15, 812, Some(b"deploy.sh")), process_claim(2, 7, None)];
        assert_eq!(described(&two, &[TERM]), ", says it was sent by pid 812 (deploy.sh, uid 1000)");
        let each =
            ", say they were sent (TERM by pid 812 (deploy.sh, uid 1000), INT by pid 7 (exited, uid 1000))";
        assert_eq!(described(&two, &[TERM, INT]), each);
        assert_eq!(described(&two, &[HUP]), "");
        let foreign =
            claim_from(15, ClaimedOrigin::Process { pid: 6, is_foreign_pid: true, uid: 1000, name: None });
        assert_eq!(
            described(&[foreign], &[TERM]),
            ", says it was sent by pid 6 in its pid namespace (uid 1000)"
        );
        let both = [process_claim(15, 812, None), process_claim(2, 812, None)];
        assert_eq!(described(&both, &[TERM, INT]), ", say they were sent by pid 812 (exited, uid 1000)");
    }

    #[test]
    fn signal_is_listed_once_with_all_its_senders() {
        let rt = Signal::new(35).unwrap();
        let three = [
            process_claim(35, 1, None),
            process_claim(15, 7, None),
            process_claim(35, 2, None),
            process_claim(35, 1, None),
        ];
        assert_eq!(
            described(&three, &[TERM, rt]),
            ", say they were sent (RTMIN+1 by pid 1 (exited, uid 1000) and by pid 2 (exited, uid 1000), \
             TERM by pid 7 (exited, uid 1000))"
        );
        let shared = [
            process_claim(15, 1, None),
            process_claim(2, 2, None),
            process_claim(15, 2, None),
            process_claim(2, 1, None),
        ];
        assert_eq!(
            described(&shared, &[TERM, INT]),
            ", say they were sent by pid 1 (exited, uid 1000) and by pid 2 (exited, uid 1000)"
        );
        let mut many: Vec<SenderClaim> = (1..6).map(|pid| process_claim(35, pid, None)).collect();
        assert!(described(&many, &[rt]).ends_with(" and by pid 3 (exited, uid 1000) and 2 more"));
        many.push(process_claim(15, 9, None));
        let text = described(&many, &[TERM, rt]);
        assert!(text.ends_with("uid 1000) and 2 more, TERM by pid 9 (exited, uid 1000))"), "{text}");
    }

    #[test]
    fn senders_that_are_not_processes_are_described() {
        let all = [
            claim_from(1, ClaimedOrigin::OutsideNamespace),
            process_claim(15, 7, None),
            claim_from(2, ClaimedOrigin::Timer { id: 3 }),
        ];
        assert_eq!(
            described(&all, &[HUP, INT, TERM]),
            ", say they were sent (HUP by the kernel or from outside of its pid namespace, \
             TERM by pid 7 (exited, uid 1000), INT by its POSIX timer 3)"
        );
        assert_eq!(
            described(&[claim_from(15, ClaimedOrigin::Kernel)], &[TERM]),
            ", says it was sent by the kernel"
        );
    }
}
