//! The senders that pending signals claim, as a part of a sentence.

use super::finding::signal_names;
use crate::procfs::ProcessName;
use crate::procfs::context::{ClaimedOrigin, ProcessContext, SenderClaim};
use crate::signal::{Signal, SignalSet};

/// The maximum number of senders listed for the same signals.
const MAX_SENDERS: usize = 3;

/// Describes the senders that these pending signals claim, as a sentence that follows
/// another: `. According to its unverified siginfo, it was sent by PID 812 (deploy.sh, uid
/// 1000)`. Returns an empty string if no signal claims a sender.
pub(super) fn describe_senders(context: &ProcessContext, signals: SignalSet) -> String {
    let groups =
        group_by_senders(context.sender_claims.iter().filter(|claim| signals.contains(claim.signal)));
    let (its, it_was) = if signals.len() == 1 { ("its", "it was") } else { ("their", "they were") };
    match groups.as_slice() {
        [] => String::new(),
        // All signals have the same senders, so their names need not be repeated.
        [(group, senders)] if *group == signals => {
            format!(". According to {its} unverified siginfo, {it_was} sent {}", join_senders(senders))
        }
        groups => {
            let group_text = |(group, senders): &(SignalSet, Vec<String>)| {
                let was = if group.len() == 1 { "was" } else { "were" };
                format!("{} {was} sent {}", signal_names(*group), join_senders(senders))
            };
            let groups: Vec<String> = groups.iter().map(group_text).collect();
            format!(". According to {its} unverified siginfo, {}", groups.join("; "))
        }
    }
}

/// Groups signals that claim the same senders.
fn group_by_senders<'a>(claims: impl Iterator<Item = &'a SenderClaim>) -> Vec<(SignalSet, Vec<String>)> {
    let mut senders_by_signal: Vec<(Signal, Vec<String>)> = Vec::new();
    for SenderClaim { signal, claimed_origin } in claims {
        let sender = sender_phrase(claimed_origin);
        match senders_by_signal.iter_mut().find(|(known, _)| known == signal) {
            Some((_, senders)) if senders.contains(&sender) => {}
            Some((_, senders)) => senders.push(sender),
            None => senders_by_signal.push((*signal, vec![sender])),
        }
    }
    let mut groups: Vec<(SignalSet, Vec<String>)> = Vec::new();
    for (signal, senders) in senders_by_signal {
        let is_same = |known: &[String]| {
            known.len() == senders.len() && known.iter().all(|sender| senders.contains(sender))
        };
        match groups.iter_mut().find(|(_, known)| is_same(known)) {
            Some((signals, _)) => signals.insert(signal),
            None => groups.push(([signal].into_iter().collect(), senders)),
        }
    }
    groups
}

/// Describes one claimed sender: `by PID 812 (deploy.sh, uid 1000)`.
fn sender_phrase(origin: &ClaimedOrigin) -> String {
    match origin {
        ClaimedOrigin::Process { pid, is_foreign_pid: true, uid, .. } => {
            format!("by PID {pid} in its PID namespace (uid {uid})")
        }
        ClaimedOrigin::Process { pid, uid, name, .. } => {
            let name = name.as_ref().map_or_else(|| "exited".to_owned(), ProcessName::escape_invalid_utf8);
            format!("by PID {pid} ({name}, uid {uid})")
        }
        ClaimedOrigin::Timer { id } => format!("by its POSIX timer {id}"),
        ClaimedOrigin::OutsideNamespace => "by the kernel or from outside its PID namespace".to_owned(),
        ClaimedOrigin::Kernel => "by the kernel".to_owned(),
    }
}

/// Joins the first [`MAX_SENDERS`] senders, and adds the number of the others.
fn join_senders(senders: &[String]) -> String {
    let listed = senders.iter().take(MAX_SENDERS).map(String::as_str).collect::<Vec<_>>().join(" and ");
    match senders.len().saturating_sub(MAX_SENDERS) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::signal_set;
    use super::*;
    use crate::signal::consts::{HUP, INT, TERM};

    fn process_claim(number: u8, pid: u32, name: Option<&[u8]>) -> SenderClaim {
        let name = name.map(ProcessName::new);
        origin_claim(number, ClaimedOrigin::Process { pid, is_foreign_pid: false, uid: 1000, name })
    }

    fn origin_claim(number: u8, claimed_origin: ClaimedOrigin) -> SenderClaim {
        SenderClaim { signal: Signal::new(number).unwrap(), claimed_origin }
    }

    fn described(claims: &[SenderClaim], signals: &[Signal]) -> String {
        describe_senders(
            &ProcessContext { sender_claims: claims.to_vec(), ..ProcessContext::default() },
            signal_set(signals),
        )
    }

    #[test]
    fn claimed_senders_are_described_as_unverified() {
        let invalid_utf8 = process_claim(15, 812, Some(b"br\xffoken"));
        assert_eq!(
            described(&[invalid_utf8], &[TERM]),
            ". According to its unverified siginfo, it was sent by PID 812 (br\\xffoken, uid 1000)"
        );
        let two = [process_claim(15, 812, Some(b"deploy.sh")), process_claim(2, 7, None)];
        assert_eq!(
            described(&two, &[TERM]),
            ". According to its unverified siginfo, it was sent by PID 812 (deploy.sh, uid 1000)"
        );
        let separate = ". According to their unverified siginfo, TERM was sent by PID 812 (deploy.sh, uid 1000); INT was sent by PID 7 (exited, uid 1000)";
        assert_eq!(described(&two, &[TERM, INT]), separate);
        assert_eq!(described(&two, &[HUP]), "");
        let foreign =
            origin_claim(15, ClaimedOrigin::Process { pid: 6, is_foreign_pid: true, uid: 1000, name: None });
        assert_eq!(
            described(&[foreign], &[TERM]),
            ". According to its unverified siginfo, it was sent by PID 6 in its PID namespace (uid 1000)"
        );
        let same_sender = [process_claim(15, 812, None), process_claim(2, 812, None)];
        assert_eq!(
            described(&same_sender, &[TERM, INT]),
            ". According to their unverified siginfo, they were sent by PID 812 (exited, uid 1000)"
        );
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
            ". According to their unverified siginfo, RTMIN+1 was sent by PID 1 (exited, uid 1000) and by PID 2 \
             (exited, uid 1000); TERM was sent by PID 7 (exited, uid 1000)"
        );
        let shared = [
            process_claim(15, 1, None),
            process_claim(2, 2, None),
            process_claim(15, 2, None),
            process_claim(2, 1, None),
        ];
        assert_eq!(
            described(&shared, &[TERM, INT]),
            ". According to their unverified siginfo, they were sent by PID 1 (exited, uid 1000) and by PID 2 (exited, uid 1000)"
        );
        let mut many: Vec<SenderClaim> = (1..6).map(|pid| process_claim(35, pid, None)).collect();
        assert!(described(&many, &[rt]).ends_with(" and by PID 3 (exited, uid 1000) and 2 more"));
        many.push(process_claim(15, 9, None));
        let text = described(&many, &[TERM, rt]);
        assert!(text.ends_with("uid 1000) and 2 more; TERM was sent by PID 9 (exited, uid 1000)"), "{text}");
    }

    #[test]
    fn senders_that_are_not_processes_are_described() {
        let all = [
            origin_claim(1, ClaimedOrigin::OutsideNamespace),
            process_claim(15, 7, None),
            origin_claim(2, ClaimedOrigin::Timer { id: 3 }),
        ];
        assert_eq!(
            described(&all, &[HUP, INT, TERM]),
            ". According to their unverified siginfo, HUP was sent by the kernel or from outside its PID namespace; \
             TERM was sent by PID 7 (exited, uid 1000); INT was sent by its POSIX timer 3"
        );
        assert_eq!(
            described(&[origin_claim(15, ClaimedOrigin::Kernel)], &[TERM]),
            ". According to its unverified siginfo, it was sent by the kernel"
        );
    }
}
