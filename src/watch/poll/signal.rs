//! A signal as it happened to another process, in words and in JSON.

use std::borrow::Cow;

use serde::Serialize;

use super::live::Killer;
use crate::observe::Claimed;
use crate::observe::events::{Delivered, Named, Outcome, Sender as Party, Sent};
use crate::out::{Cell, Meaning, escape};
use crate::signal::info::{Origin, SI_KERNEL, SI_USER};
use crate::signal::known::{KILL, PIPE, XFSZ};
use crate::signal::{Arch, Info};
use crate::watch::wire::{self, SenderObject, SignalObject};

/// What a KILL that no process has sent may be.
const KILL_OF_KERNEL: &str =
    " from the kernel (out of memory, a resource limit, or the end of its pid namespace)";

/// `TERM from 812 (deploy.sh) uid 1000: delivered, sent by kill(2)`.
pub(super) fn generated(sent: &Sent, tid: Option<u32>) -> Cell {
    let mut text = name(&sent.info);
    if let Some(tid) = tid.filter(|_| !sent.for_process) {
        text += &format!(" for thread {tid}");
    }
    text += &from(sent);
    text += &value(&sent.info);
    let (outcome, meaning) = outcome(sent.outcome);
    let words = match sent.info.origin() {
        _ if sent.raised => ", raised by the kernel in a system call".to_owned(),
        // That it is from the kernel is said.
        Origin::Kernel if sent.sender.is_none() && sent.info.code == SI_KERNEL => String::new(),
        _ => format!(", {}", sent.info.words()),
    };
    Cell::new(format!("{text}: {outcome}{words}"), meaning)
}

/// `TERM delivered to thread 812, says it is from 77 (bash) uid 1000: sent by kill(2)`.
pub(super) fn delivered(delivered: &Delivered, pid: Option<u32>, tid: Option<u32>) -> Cell {
    let info = &delivered.info;
    let to = tid.map_or(String::new(), |tid| format!(" to thread {tid}"));
    if let Some(own) = own_call(delivered, pid) {
        return Cell::new(format!("{} delivered{to}, from {own}", name(info)), Meaning::Handled);
    }
    let claims = claims(delivered, pid).map_or(String::new(), |claims| format!(", says it is from {claims}"));
    let text = format!("{} delivered{to}{claims}{}: {}", name(info), value(info), info.words());
    Cell::new(text, Meaning::Handled)
}

/// ` from 812 (deploy.sh) uid 1000`, to stand behind how a process, this one,
/// ended.
pub(super) fn by(killer: &Killer, pid: Option<u32>) -> String {
    match killer {
        Killer::Seen(sent) => from(sent),
        Killer::Claimed(delivered) => {
            if let Some(own) = own_call(delivered, pid) {
                return format!(", from {own}");
            }
            let claims = claims(delivered, pid);
            claims.map_or(String::new(), |claims| format!(", which says it is from {claims}"))
        }
    }
}

fn name(info: &Info) -> String {
    Arch::NATIVE.name(info.signal).to_string()
}

fn from(sent: &Sent) -> String {
    let origin = sent.info.origin();
    let Some(sender) = &sent.sender else {
        return match origin {
            Origin::Timer { id, .. } => format!(" from timer {id}"),
            _ if sent.info.signal == KILL => KILL_OF_KERNEL.to_owned(),
            _ => " from the kernel".to_owned(),
        };
    };
    if let Origin::Child { .. } = origin {
        return format!(" from its child {}", process(sender));
    }
    let claims = match sent.named {
        Named::Another { pid: Some(pid), uid: Some(uid) } => format!(", claims to be {pid} uid {uid}"),
        Named::Another { pid: Some(pid), uid: None } => format!(", claims to be {pid}"),
        Named::Another { pid: None, uid: Some(uid) } => format!(", claims to be uid {uid}"),
        _ => String::new(),
    };
    format!(" from {}{claims}", process(sender))
}

/// `812 (deploy.sh) uid 1000`.
fn process(sender: &Party) -> String {
    let pid = sender.pid.map_or(Cow::Borrowed("outside"), |pid| pid.to_string().into());
    format!("{pid} ({}) uid {}", escape(&sender.name), sender.uid)
}

/// Who a signal says has sent it.
fn claims(delivered: &Delivered, pid: Option<u32>) -> Option<String> {
    match (delivered.info.origin(), &delivered.claimed) {
        (Origin::Process { .. }, Some(claimed)) if is_itself(claimed, pid) => Some("itself".to_owned()),
        (Origin::Process { .. } | Origin::Child { .. }, Some(claimed)) => Some(claimed_text(claimed)),
        (Origin::Timer { id, .. }, _) => Some(format!("timer {id}")),
        (Origin::Outside { .. }, _) => Some("outside its pid namespace, or the kernel".to_owned()),
        _ => None,
    }
}

/// Whether it is its own target, of this number.
fn is_itself(claimed: &Claimed, pid: Option<u32>) -> bool {
    !claimed.child && claimed.pid.is_some() && claimed.pid == pid
}

/// Who has sent what the kernel raises in a system call of the target's, in words
/// that leave it open: its siginfo is that of a kill(2) by itself.
fn own_call(delivered: &Delivered, pid: Option<u32>) -> Option<&'static str> {
    let Delivered { info, claimed } = delivered;
    let is_own = info.code == SI_USER && claimed.as_ref().is_some_and(|claimed| is_itself(claimed, pid));
    match info.signal {
        PIPE if is_own => Some("itself, or the kernel (a write to a pipe that nobody reads)"),
        XFSZ if is_own => Some("itself, or the kernel (a file grown beyond its limit)"),
        _ => None,
    }
}

/// `812 (deploy.sh) uid 1000`.
fn claimed_text(claimed: &Claimed) -> String {
    let Claimed { number, pid, uid, name, child } = claimed;
    match (pid, child) {
        (Some(pid), true) => format!("its child {pid} uid {uid}"),
        (None, true) => format!("its child {number} in its pid namespace, uid {uid}"),
        (Some(pid), false) => {
            format!("{pid} ({}) uid {uid}", name.as_deref().map_or(Cow::Borrowed("exited"), escape))
        }
        (None, false) => format!("{number} in its pid namespace, uid {uid}"),
    }
}

fn value(info: &Info) -> String {
    match info.origin() {
        Origin::Process { value: Some(value), .. }
        | Origin::Outside { value: Some(value), .. }
        | Origin::Timer { value, .. } => format!(", value {value}"),
        _ => String::new(),
    }
}

fn outcome(outcome: Outcome) -> (&'static str, Meaning) {
    match outcome {
        Outcome::Delivered => ("delivered", Meaning::Handled),
        Outcome::Ignored => ("ignored", Meaning::Ignored),
        Outcome::AlreadyPending => ("already pending", Meaning::Held),
        Outcome::Overflow => ("refused, the queue is full", Meaning::Grave),
        Outcome::InfoLost => ("delivered without its siginfo, the queue is full", Meaning::Held),
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Ignored => "ignored",
        Outcome::AlreadyPending => "already-pending",
        Outcome::Overflow => "overflow",
        Outcome::InfoLost => "info-lost",
    }
}

/// A signal that was seen.
#[derive(Serialize)]
pub(super) struct SeenObject<'a> {
    #[serde(flatten)]
    signal: SignalObject<'a>,
    /// What became of it at once; not of one that is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    /// Who it says has sent it, where that is not the sender; null where it cannot
    /// be told whether it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Option<ClaimsObject>>,
}

#[derive(Serialize)]
struct ClaimsObject {
    pid: u32,
    uid: u32,
}

/// One that was generated.
pub(super) fn generated_object(sent: &Sent) -> SeenObject<'_> {
    let claims = match sent.named {
        Named::Right => None,
        Named::Another { .. } => Some(Some(ClaimsObject { pid: sent.info.pid, uid: sent.info.uid })),
        Named::Unknown => Some(None),
    };
    let sender = sent.sender.as_ref().map(party);
    let mut signal = wire::signal(&sent.info, sender);
    // It is the child itself that has sent it.
    if let Some(sender) = &sent.sender {
        signal.set_child(sender.pid.unwrap_or(0), sender.uid, None);
    }
    SeenObject { signal, result: Some(outcome_word(sent.outcome)), claims }
}

/// One that is delivered.
pub(super) fn delivered_object(delivered: &Delivered) -> SeenObject<'_> {
    let Delivered { info, claimed } = delivered;
    let mut signal = wire::signal(info, claimed.as_ref().and_then(claimant));
    if let Some(child) = claimed.as_ref().filter(|claimed| claimed.child) {
        signal.set_child(child.pid.unwrap_or(0), child.uid, Some(child.number));
    }
    SeenObject { signal, result: None, claims: None }
}

/// Who ended a process; `None` is the kernel.
pub(super) fn killer_object(killer: &Killer) -> Option<SenderObject<'_>> {
    match killer {
        Killer::Seen(sent) => sent.sender.as_ref().map(party),
        Killer::Claimed(delivered) => delivered.claimed.as_ref().and_then(claimant),
    }
}

/// Who says that it has sent something; 0 where nobody is known who has its
/// number.
fn claimant(claimed: &Claimed) -> Option<SenderObject<'_>> {
    let Claimed { number, pid, uid, name, child } = claimed;
    (!child).then(|| SenderObject::claimed(*pid, *uid, name.as_deref(), *number))
}

/// Who was seen; 0 is a number outside of our pid namespace.
fn party(party: &Party) -> SenderObject<'_> {
    SenderObject::seen(party.pid.unwrap_or(0), party.uid, Some(&party.name)).thread(party.tid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;
    use crate::signal::known::TERM;

    fn sent(info: Info, sender: Option<Party>, named: Named) -> Sent {
        Sent { info, for_process: true, sender, raised: false, named, outcome: Outcome::Delivered }
    }

    #[test]
    fn what_is_from_the_kernel_is_said_once() {
        let said = |signal| {
            let info = Info { code: SI_KERNEL, ..Info::bare(signal) };
            generated(&sent(info, None, Named::Right), Some(7)).text.into_owned()
        };
        assert_eq!(said(TERM), "TERM from the kernel: delivered");
        let kill = "KILL from the kernel (out of memory, a resource limit, or the end of its pid namespace): delivered";
        assert_eq!(said(KILL), kill);
    }

    #[test]
    fn who_names_another_is_said_to_claim_that() {
        let said = |pid, uid| {
            let info = Info { code: -1, pid: 12, uid: 4321, ..Info::bare(TERM) };
            let sender = Party { pid: Some(812), tid: Some(812), uid: 0, name: b"bash".to_vec() };
            from(&sent(info, Some(sender), Named::Another { pid, uid }))
        };
        assert_eq!(said(Some(12), None), " from 812 (bash) uid 0, claims to be 12");
        assert_eq!(said(None, Some(4321)), " from 812 (bash) uid 0, claims to be uid 4321");
        assert_eq!(said(Some(12), Some(4321)), " from 812 (bash) uid 0, claims to be 12 uid 4321");
    }

    #[test]
    fn who_signals_itself_is_itself_or_the_kernel() {
        let said = |signal: Signal, code, from| {
            let info = Info { code, pid: from, ..Info::bare(signal) };
            let claimed = Some(Claimed { number: from, pid: Some(from), uid: 0, name: None, child: false });
            let killer = Killer::Claimed(Delivered { info, claimed });
            by(&killer, Some(7))
        };
        assert_eq!(said(TERM, -6, 7), ", which says it is from itself");
        assert_eq!(said(TERM, -6, 8), ", which says it is from 8 (exited) uid 0");
        let pipe = ", from itself, or the kernel (a write to a pipe that nobody reads)";
        assert_eq!((said(PIPE, SI_USER, 7), said(PIPE, -6, 7).contains("kernel")), (pipe.to_owned(), false));
        assert!(said(XFSZ, SI_USER, 7).ends_with("the kernel (a file grown beyond its limit)"));
        assert!(!said(XFSZ, SI_USER, 8).contains("kernel"));
    }
}
