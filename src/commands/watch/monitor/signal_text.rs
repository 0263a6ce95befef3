//! A signal as it happened to another process, in words and in JSON.

use std::borrow::Cow;

use serde::Serialize;

use super::events::FatalSignal;
use crate::commands::watch::wire::{self, SiginfoObject};
use crate::inspect::ClaimedSender;
use crate::inspect::events::{
    GenerateResult, SenderMatch, SignalDelivery, SignalGeneration, VerifiedSender as Party,
};
use crate::json::SenderObject;
use crate::out::{Cell, Meaning, escape_name};
use crate::signal::consts::{KILL, PIPE, XFSZ};
use crate::signal::siginfo::{SI_KERNEL, SI_USER, SignalOrigin};
use crate::signal::{Arch, Siginfo};

/// What a KILL that no process has sent may be.
const KERNEL_KILL_TEXT: &str =
    " from the kernel (out of memory, a resource limit, or the end of its pid namespace)";

/// `TERM from 812 (deploy.sh) uid 1000: delivered, sent by kill(2)`.
pub(super) fn generated_cell(sent: &SignalGeneration, tid: Option<u32>) -> Cell {
    let mut text = signal_name(&sent.siginfo);
    if let Some(tid) = tid.filter(|_| !sent.is_process_directed) {
        text += &format!(" for thread {tid}");
    }
    text += &sender_text(sent);
    text += &value_text(&sent.siginfo);
    let (outcome, meaning) = outcome_text(sent.generate_result);
    let words = match sent.siginfo.origin() {
        _ if sent.is_raised_by_kernel => ", raised by the kernel in a system call".to_owned(),
        // That it is from the kernel is said.
        SignalOrigin::Kernel if sent.sender.is_none() && sent.siginfo.code == SI_KERNEL => String::new(),
        _ => format!(", {}", sent.siginfo.description()),
    };
    Cell::new(format!("{text}: {outcome}{words}"), meaning)
}

/// `TERM delivered to thread 812, says it is from 77 (bash) uid 1000: sent by kill(2)`.
pub(super) fn delivered_cell(delivered: &SignalDelivery, pid: Option<u32>, tid: Option<u32>) -> Cell {
    let info = &delivered.siginfo;
    let to = tid.map_or(String::new(), |tid| format!(" to thread {tid}"));
    if let Some(own) = self_or_kernel_text(delivered, pid) {
        return Cell::new(format!("{} delivered{to}, from {own}", signal_name(info)), Meaning::Handled);
    }
    let claims = claimed_sender_text(delivered, pid)
        .map_or(String::new(), |claims| format!(", says it is from {claims}"));
    let text =
        format!("{} delivered{to}{claims}{}: {}", signal_name(info), value_text(info), info.description());
    Cell::new(text, Meaning::Handled)
}

/// ` from 812 (deploy.sh) uid 1000`, to stand behind how a process, this one,
/// ended.
pub(super) fn fatal_signal_text(killer: &FatalSignal, pid: Option<u32>) -> String {
    match killer {
        FatalSignal::Generated(sent) => sender_text(sent),
        FatalSignal::Delivered(delivered) => {
            if let Some(own) = self_or_kernel_text(delivered, pid) {
                return format!(", from {own}");
            }
            let claims = claimed_sender_text(delivered, pid);
            claims.map_or(String::new(), |claims| format!(", which says it is from {claims}"))
        }
    }
}

fn signal_name(info: &Siginfo) -> String {
    Arch::NATIVE.signal_name(info.signal).to_string()
}

fn sender_text(sent: &SignalGeneration) -> String {
    let origin = sent.siginfo.origin();
    let Some(sender) = &sent.sender else {
        return match origin {
            SignalOrigin::Timer { id, .. } => format!(" from timer {id}"),
            _ if sent.siginfo.signal == KILL => KERNEL_KILL_TEXT.to_owned(),
            _ => " from the kernel".to_owned(),
        };
    };
    if let SignalOrigin::Child { .. } = origin {
        return format!(" from its child {}", process_text(sender));
    }
    let claims = match sent.sender_match {
        SenderMatch::Differs { pid: Some(pid), uid: Some(uid) } => format!(", claims to be {pid} uid {uid}"),
        SenderMatch::Differs { pid: Some(pid), uid: None } => format!(", claims to be {pid}"),
        SenderMatch::Differs { pid: None, uid: Some(uid) } => format!(", claims to be uid {uid}"),
        _ => String::new(),
    };
    format!(" from {}{claims}", process_text(sender))
}

/// `812 (deploy.sh) uid 1000`.
fn process_text(sender: &Party) -> String {
    let pid = sender.pid.map_or(Cow::Borrowed("outside"), |pid| pid.to_string().into());
    format!("{pid} ({}) uid {}", escape_name(&sender.thread_name), sender.uid)
}

/// Who a signal says has sent it.
fn claimed_sender_text(delivered: &SignalDelivery, pid: Option<u32>) -> Option<String> {
    match (delivered.siginfo.origin(), &delivered.claimed_sender) {
        (SignalOrigin::Process { .. }, Some(claimed)) if is_self_sent(claimed, pid) => {
            Some("itself".to_owned())
        }
        (SignalOrigin::Process { .. } | SignalOrigin::Child { .. }, Some(claimed)) => {
            Some(claimed_process_text(claimed))
        }
        (SignalOrigin::Timer { id, .. }, _) => Some(format!("timer {id}")),
        (SignalOrigin::OutsideNamespace { .. }, _) => {
            Some("outside its pid namespace, or the kernel".to_owned())
        }
        _ => None,
    }
}

/// Whether it is its own target, of this number.
fn is_self_sent(claimed: &ClaimedSender, pid: Option<u32>) -> bool {
    !claimed.is_child && claimed.pid.is_some() && claimed.pid == pid
}

/// Who has sent what the kernel raises in a system call of the target's, in words
/// that leave it open: its siginfo is that of a kill(2) by itself.
fn self_or_kernel_text(delivered: &SignalDelivery, pid: Option<u32>) -> Option<&'static str> {
    let SignalDelivery { siginfo: info, claimed_sender: claimed } = delivered;
    let is_own = info.code == SI_USER && claimed.as_ref().is_some_and(|claimed| is_self_sent(claimed, pid));
    match info.signal {
        PIPE if is_own => Some("itself, or the kernel (a write to a pipe that nobody reads)"),
        XFSZ if is_own => Some("itself, or the kernel (a file grown beyond its limit)"),
        _ => None,
    }
}

/// `812 (deploy.sh) uid 1000`.
fn claimed_process_text(claimed: &ClaimedSender) -> String {
    let ClaimedSender { inner_pid: number, pid, uid, name, is_child: child } = claimed;
    match (pid, child) {
        (Some(pid), true) => format!("its child {pid} uid {uid}"),
        (None, true) => format!("its child {number} in its pid namespace, uid {uid}"),
        (Some(pid), false) => {
            format!("{pid} ({}) uid {uid}", name.as_deref().map_or(Cow::Borrowed("exited"), escape_name))
        }
        (None, false) => format!("{number} in its pid namespace, uid {uid}"),
    }
}

fn value_text(info: &Siginfo) -> String {
    match info.origin() {
        SignalOrigin::Process { value: Some(value), .. }
        | SignalOrigin::OutsideNamespace { value: Some(value), .. }
        | SignalOrigin::Timer { value, .. } => format!(", value {value}"),
        _ => String::new(),
    }
}

fn outcome_text(outcome: GenerateResult) -> (&'static str, Meaning) {
    match outcome {
        GenerateResult::Delivered => ("delivered", Meaning::Handled),
        GenerateResult::Ignored => ("ignored", Meaning::Ignored),
        GenerateResult::AlreadyPending => ("already pending", Meaning::Pending),
        GenerateResult::Overflow => ("refused, the queue is full", Meaning::Danger),
        GenerateResult::SiginfoLost => ("delivered without its siginfo, the queue is full", Meaning::Pending),
    }
}

fn outcome_id(outcome: GenerateResult) -> &'static str {
    match outcome {
        GenerateResult::Delivered => "delivered",
        GenerateResult::Ignored => "ignored",
        GenerateResult::AlreadyPending => "already-pending",
        GenerateResult::Overflow => "overflow",
        GenerateResult::SiginfoLost => "info-lost",
    }
}

/// A signal that was seen.
#[derive(Serialize)]
pub(super) struct SignalEventObject<'a> {
    #[serde(flatten)]
    signal: SiginfoObject<'a>,
    /// What became of it at once; not of one that is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    /// Who it says has sent it, where that is not the sender; null where it cannot
    /// be told whether it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Option<ClaimedIdsObject>>,
}

#[derive(Serialize)]
struct ClaimedIdsObject {
    pid: u32,
    uid: u32,
}

/// One that was generated.
pub(super) fn generated_object(sent: &SignalGeneration) -> SignalEventObject<'_> {
    let claims = match sent.sender_match {
        SenderMatch::Matches => None,
        SenderMatch::Differs { .. } => {
            Some(Some(ClaimedIdsObject { pid: sent.siginfo.pid, uid: sent.siginfo.uid }))
        }
        SenderMatch::Unknown => Some(None),
    };
    let sender = sent.sender.as_ref().map(verified_sender_object);
    let mut signal = wire::siginfo_object(&sent.siginfo, sender);
    // It is the child itself that has sent it.
    if let Some(sender) = &sent.sender {
        signal.set_child_ids(sender.pid.unwrap_or(0), sender.uid, None);
    }
    SignalEventObject { signal, result: Some(outcome_id(sent.generate_result)), claims }
}

/// One that is delivered.
pub(super) fn delivered_object(delivered: &SignalDelivery) -> SignalEventObject<'_> {
    let SignalDelivery { siginfo: info, claimed_sender: claimed } = delivered;
    let mut signal = wire::siginfo_object(info, claimed.as_ref().and_then(claimed_sender_object));
    if let Some(child) = claimed.as_ref().filter(|claimed| claimed.is_child) {
        signal.set_child_ids(child.pid.unwrap_or(0), child.uid, Some(child.inner_pid));
    }
    SignalEventObject { signal, result: None, claims: None }
}

/// Who ended a process; `None` is the kernel.
pub(super) fn fatal_sender_object(killer: &FatalSignal) -> Option<SenderObject<'_>> {
    match killer {
        FatalSignal::Generated(sent) => sent.sender.as_ref().map(verified_sender_object),
        FatalSignal::Delivered(delivered) => {
            delivered.claimed_sender.as_ref().and_then(claimed_sender_object)
        }
    }
}

/// The process that claims to have sent a signal; PID 0 if no process in our PID
/// namespace is known to have the claimed PID.
fn claimed_sender_object(claimed: &ClaimedSender) -> Option<SenderObject<'_>> {
    let ClaimedSender { inner_pid, pid, uid, name, is_child } = claimed;
    let exited = pid.is_some() && name.is_none();
    let sender = SenderObject::new(Some(pid.unwrap_or(0)), *uid, name.as_deref(), false);
    (!is_child).then(|| sender.with_namespace_pid(*inner_pid).with_exited(exited))
}

/// The process that sent a signal; PID 0 if it is outside our PID namespace.
fn verified_sender_object(sender: &Party) -> SenderObject<'_> {
    SenderObject::new(Some(sender.pid.unwrap_or(0)), sender.uid, Some(&sender.thread_name), true)
        .with_tid(sender.tid)
        .with_exited(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;
    use crate::signal::consts::TERM;

    fn generated_signal(info: Siginfo, sender: Option<Party>, named: SenderMatch) -> SignalGeneration {
        SignalGeneration {
            siginfo: info,
            is_process_directed: true,
            sender,
            is_raised_by_kernel: false,
            sender_match: named,
            generate_result: GenerateResult::Delivered,
        }
    }

    #[test]
    fn text_names_the_kernel_once() {
        let said = |signal| {
            let info = Siginfo { code: SI_KERNEL, ..Siginfo::from_signal(signal) };
            generated_cell(&generated_signal(info, None, SenderMatch::Matches), Some(7)).text.into_owned()
        };
        assert_eq!(said(TERM), "TERM from the kernel: delivered");
        let kill = "KILL from the kernel (out of memory, a resource limit, or the end of its pid namespace): delivered";
        assert_eq!(said(KILL), kill);
    }

    #[test]
    fn text_marks_a_different_sender_as_claimed() {
        let said = |pid, uid| {
            let info = Siginfo { code: -1, pid: 12, uid: 4321, ..Siginfo::from_signal(TERM) };
            let sender = Party { pid: Some(812), tid: Some(812), uid: 0, thread_name: b"bash".to_vec() };
            sender_text(&generated_signal(info, Some(sender), SenderMatch::Differs { pid, uid }))
        };
        assert_eq!(said(Some(12), None), " from 812 (bash) uid 0, claims to be 12");
        assert_eq!(said(None, Some(4321)), " from 812 (bash) uid 0, claims to be uid 4321");
        assert_eq!(said(Some(12), Some(4321)), " from 812 (bash) uid 0, claims to be 12 uid 4321");
    }

    #[test]
    fn text_of_self_sent_pipe_names_self_or_kernel() {
        let said = |signal: Signal, code, from| {
            let info = Siginfo { code, pid: from, ..Siginfo::from_signal(signal) };
            let claimed =
                Some(ClaimedSender { inner_pid: from, pid: Some(from), uid: 0, name: None, is_child: false });
            let killer = FatalSignal::Delivered(SignalDelivery { siginfo: info, claimed_sender: claimed });
            fatal_signal_text(&killer, Some(7))
        };
        assert_eq!(said(TERM, -6, 7), ", which says it is from itself");
        assert_eq!(said(TERM, -6, 8), ", which says it is from 8 (exited) uid 0");
        let pipe = ", from itself, or the kernel (a write to a pipe that nobody reads)";
        assert_eq!((said(PIPE, SI_USER, 7), said(PIPE, -6, 7).contains("kernel")), (pipe.to_owned(), false));
        assert!(said(XFSZ, SI_USER, 7).ends_with("the kernel (a file grown beyond its limit)"));
        assert!(!said(XFSZ, SI_USER, 8).contains("kernel"));
    }
}
