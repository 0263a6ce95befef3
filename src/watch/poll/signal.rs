//! A signal as it happened to another process, in words and in JSON.

use std::borrow::Cow;

use serde::Serialize;

use super::live::Killer;
use crate::observe::Claimed;
use crate::observe::events::{Delivered, Outcome, Sender as Party, Sent};
use crate::out::{Cell, Meaning, escape};
use crate::signal::info::Origin;
use crate::signal::{Arch, Info};
use crate::watch::wire::{self, SenderObject, SignalObject};

/// `TERM from 812 (deploy.sh) uid 1000: delivered, sent by kill(2)`.
pub(super) fn generated(sent: &Sent, tid: Option<u32>) -> Cell {
    let mut text = name(&sent.info);
    if let Some(tid) = tid.filter(|_| !sent.for_process) {
        text += &format!(" for thread {tid}");
    }
    text += &from(sent);
    text += &value(&sent.info);
    let (outcome, meaning) = outcome(sent.outcome);
    let words = match sent.raised {
        true => "raised by the kernel in a system call".to_owned(),
        false => sent.info.words(),
    };
    Cell::new(format!("{text}: {outcome}, {words}"), meaning)
}

/// `TERM delivered to thread 812, says it is from 77 (bash) uid 1000: sent by kill(2)`.
pub(super) fn delivered(delivered: &Delivered, tid: Option<u32>) -> Cell {
    let info = &delivered.info;
    let to = tid.map_or(String::new(), |tid| format!(" to thread {tid}"));
    let claims = claims(delivered).map_or(String::new(), |claims| format!(", says it is from {claims}"));
    let text = format!("{} delivered{to}{claims}{}: {}", name(info), value(info), info.words());
    Cell::new(text, Meaning::Handled)
}

/// ` from 812 (deploy.sh) uid 1000`, to stand behind how a process ended.
pub(super) fn by(killer: &Killer) -> String {
    match killer {
        Killer::Seen(sent) => from(sent),
        Killer::Claimed(delivered) => {
            let claims = claims(delivered);
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
            _ => " from the kernel".to_owned(),
        };
    };
    if let Origin::Child { .. } = origin {
        return format!(" from its child {}", process(sender));
    }
    let claims = sent.pretends.map_or(String::new(), |pid| format!(", claims to be {pid}"));
    format!(" from {}{claims}", process(sender))
}

/// `812 (deploy.sh) uid 1000`.
fn process(sender: &Party) -> String {
    let pid = sender.pid.map_or(Cow::Borrowed("outside"), |pid| pid.to_string().into());
    format!("{pid} ({}) uid {}", escape(&sender.name), sender.uid)
}

/// Who a signal says has sent it.
fn claims(delivered: &Delivered) -> Option<String> {
    match (delivered.info.origin(), &delivered.claimed) {
        (Origin::Process { .. } | Origin::Child { .. }, Some(claimed)) => Some(claimed_text(claimed)),
        (Origin::Timer { id, .. }, _) => Some(format!("timer {id}")),
        (Origin::Outside { .. }, _) => Some("outside its pid namespace, or the kernel".to_owned()),
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
    /// Who it says has sent it, where that is the sender's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<ClaimsObject>,
}

#[derive(Serialize)]
struct ClaimsObject {
    pid: u32,
    uid: u32,
}

/// One that was generated.
pub(super) fn generated_object(sent: &Sent) -> SeenObject<'_> {
    let claims = match sent.info.origin() {
        Origin::Process { pid, uid, verified: false, .. } => Some(ClaimsObject { pid, uid }),
        _ => None,
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
