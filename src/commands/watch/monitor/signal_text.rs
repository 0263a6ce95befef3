//! Text of the signals that were generated for, or delivered to, another process.

use std::borrow::Cow;

use super::event::FatalSignal;
use crate::inspect::ClaimedSender;
use crate::inspect::events::{GenerateResult, SenderMatch, SignalDelivery, SignalGeneration, VerifiedSender};
use crate::out::{Cell, Meaning, escape_name};
use crate::signal::consts::{KILL, PIPE, XFSZ};
use crate::signal::siginfo::{SI_KERNEL, SI_USER, SignalOrigin};
use crate::signal::{Arch, Siginfo};

/// The possible reasons for a KILL that no process sent.
const KERNEL_KILL_TEXT: &str =
    " from the kernel (probably out of memory, a resource limit, or the exit of its PID namespace)";

/// `TERM from 812 (deploy.sh) uid 1000: queued, sent by kill(2)`.
pub(super) fn generated_cell(generation: &SignalGeneration, tid: Option<u32>) -> Cell {
    let siginfo = &generation.siginfo;
    let mut text = signal_name(siginfo);
    if let Some(tid) = tid.filter(|_| !generation.is_process_directed) {
        text += &format!(" to thread {tid}");
    }
    text += &sender_text(generation);
    text += &value_text(siginfo);
    let (result, meaning) = result_text(generation.generate_result);
    let reason = match siginfo.origin() {
        _ if generation.is_raised_by_kernel => ", raised by the kernel in a system call".to_owned(),
        // sender_text names the kernel.
        SignalOrigin::Kernel if generation.sender.is_none() && siginfo.code == SI_KERNEL => String::new(),
        _ => format!(", {}", siginfo.description()),
    };
    Cell::new(format!("{text}: {result}{reason}"), meaning)
}

/// `TERM delivered to thread 812 from 77 (bash) uid 1000 (unverified): sent by kill(2)`.
pub(super) fn delivered_cell(delivery: &SignalDelivery, pid: Option<u32>, tid: Option<u32>) -> Cell {
    let siginfo = &delivery.siginfo;
    let target = tid.map_or(String::new(), |tid| format!(" to thread {tid}"));
    if let Some(sender) = self_or_kernel_text(delivery, pid) {
        return Cell::new(
            format!("{} delivered{target} from {sender}", signal_name(siginfo)),
            Meaning::Handled,
        );
    }
    let sender = claimed_sender_text(delivery, pid)
        .map_or(String::new(), |sender| format!(" from {sender} (unverified)"));
    let (signal, value) = (signal_name(siginfo), value_text(siginfo));
    let text = format!("{signal} delivered{target}{sender}{value}: {}", siginfo.description());
    Cell::new(text, Meaning::Handled)
}

/// ` from 812 (deploy.sh) uid 1000`: the sender of the signal that terminated the
/// process `pid`.
pub(super) fn fatal_signal_text(fatal_signal: &FatalSignal, pid: Option<u32>) -> String {
    match fatal_signal {
        FatalSignal::Generated(generation) => sender_text(generation),
        FatalSignal::Delivered(delivery) => {
            if let Some(sender) = self_or_kernel_text(delivery, pid) {
                return format!(" from {sender}");
            }
            let sender = claimed_sender_text(delivery, pid);
            sender.map_or(String::new(), |sender| format!(" from {sender} (unverified)"))
        }
    }
}

fn signal_name(siginfo: &Siginfo) -> String {
    Arch::NATIVE.signal_name(siginfo.signal).to_string()
}

fn sender_text(generation: &SignalGeneration) -> String {
    let origin = generation.siginfo.origin();
    let Some(sender) = &generation.sender else {
        return match origin {
            SignalOrigin::Timer { id, .. } => format!(" from timer {id}"),
            _ if generation.siginfo.signal == KILL => KERNEL_KILL_TEXT.to_owned(),
            _ => " from the kernel".to_owned(),
        };
    };
    if let SignalOrigin::Child { .. } = origin {
        return format!(" from its child {}", process_text(sender));
    }
    let claims = match generation.sender_match {
        SenderMatch::Differs { pid: Some(pid), uid: Some(uid) } => {
            format!(" (claims to be PID {pid} uid {uid})")
        }
        SenderMatch::Differs { pid: Some(pid), uid: None } => format!(" (claims to be PID {pid})"),
        SenderMatch::Differs { pid: None, uid: Some(uid) } => format!(" (claims to be uid {uid})"),
        _ => String::new(),
    };
    format!(" from {}{claims}", process_text(sender))
}

/// `812 (deploy.sh) uid 1000`.
fn process_text(sender: &VerifiedSender) -> String {
    let pid = sender.pid.map_or(Cow::Borrowed("another PID namespace"), |pid| pid.to_string().into());
    format!("{pid} ({}) uid {}", escape_name(&sender.thread_name), sender.uid)
}

/// Returns the sender that the siginfo names; `None` if it names none.
fn claimed_sender_text(delivery: &SignalDelivery, pid: Option<u32>) -> Option<String> {
    match (delivery.siginfo.origin(), &delivery.claimed_sender) {
        (SignalOrigin::Process { .. }, Some(claimed)) if is_self_sent(claimed, pid) => {
            Some("itself".to_owned())
        }
        (SignalOrigin::Process { .. } | SignalOrigin::Child { .. }, Some(claimed)) => {
            Some(claimed_process_text(claimed))
        }
        (SignalOrigin::Timer { id, .. }, _) => Some(format!("timer {id}")),
        (SignalOrigin::OutsideNamespace { .. }, _) => {
            Some("outside its PID namespace or the kernel".to_owned())
        }
        _ => None,
    }
}

/// Returns whether the claimed sender is the target itself.
fn is_self_sent(claimed: &ClaimedSender, pid: Option<u32>) -> bool {
    !claimed.is_child && claimed.pid.is_some() && claimed.pid == pid
}

/// Returns the possible senders of PIPE and XFSZ. The kernel raises them in a system
/// call of the target with the same siginfo as a kill(2) by the target itself.
fn self_or_kernel_text(delivery: &SignalDelivery, pid: Option<u32>) -> Option<&'static str> {
    let SignalDelivery { siginfo, claimed_sender } = delivery;
    let is_self =
        siginfo.code == SI_USER && claimed_sender.as_ref().is_some_and(|claimed| is_self_sent(claimed, pid));
    match siginfo.signal {
        PIPE if is_self => Some("itself or the kernel (write to a pipe without a reader)"),
        XFSZ if is_self => Some("itself or the kernel (file size limit exceeded)"),
        _ => None,
    }
}

/// `812 (deploy.sh) uid 1000`.
fn claimed_process_text(claimed: &ClaimedSender) -> String {
    let ClaimedSender { inner_pid, pid, uid, name, is_child } = claimed;
    match (pid, is_child) {
        (Some(pid), true) => format!("its child {pid} uid {uid}"),
        (None, true) => format!("its child {inner_pid} (in its PID namespace) uid {uid}"),
        (Some(pid), false) => {
            format!("{pid} ({}) uid {uid}", name.as_deref().map_or(Cow::Borrowed("exited"), escape_name))
        }
        (None, false) => format!("{inner_pid} (in its PID namespace) uid {uid}"),
    }
}

fn value_text(siginfo: &Siginfo) -> String {
    match siginfo.origin() {
        SignalOrigin::Process { value: Some(value), .. }
        | SignalOrigin::OutsideNamespace { value: Some(value), .. }
        | SignalOrigin::Timer { value, .. } => format!(", value {value}"),
        _ => String::new(),
    }
}

fn result_text(result: GenerateResult) -> (&'static str, Meaning) {
    match result {
        GenerateResult::Delivered => ("queued", Meaning::Handled),
        GenerateResult::Ignored => ("ignored", Meaning::Ignored),
        GenerateResult::AlreadyPending => ("already pending", Meaning::Pending),
        GenerateResult::Overflow => ("rejected (queue full)", Meaning::Danger),
        GenerateResult::SiginfoLost => ("pending without its siginfo (queue full)", Meaning::Pending),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;
    use crate::signal::consts::TERM;

    fn generated_signal(
        siginfo: Siginfo,
        sender: Option<VerifiedSender>,
        sender_match: SenderMatch,
    ) -> SignalGeneration {
        SignalGeneration {
            siginfo,
            is_process_directed: true,
            sender,
            is_raised_by_kernel: false,
            sender_match,
            generate_result: GenerateResult::Delivered,
        }
    }

    #[test]
    fn text_names_the_kernel_once() {
        let text_of = |signal| {
            let siginfo = Siginfo { code: SI_KERNEL, ..Siginfo::from_signal(signal) };
            generated_cell(&generated_signal(siginfo, None, SenderMatch::Matches), Some(7)).text.into_owned()
        };
        assert_eq!(text_of(TERM), "TERM from the kernel: queued");
        let kill = "KILL from the kernel (probably out of memory, a resource limit, or the exit of its PID namespace): queued";
        assert_eq!(text_of(KILL), kill);
    }

    #[test]
    fn text_marks_a_different_sender_as_claimed() {
        let text_of = |pid, uid| {
            let siginfo = Siginfo { code: -1, pid: 12, uid: 4321, ..Siginfo::from_signal(TERM) };
            let sender =
                VerifiedSender { pid: Some(812), tid: Some(812), uid: 0, thread_name: b"bash".to_vec() };
            sender_text(&generated_signal(siginfo, Some(sender), SenderMatch::Differs { pid, uid }))
        };
        assert_eq!(text_of(Some(12), None), " from 812 (bash) uid 0 (claims to be PID 12)");
        assert_eq!(text_of(None, Some(4321)), " from 812 (bash) uid 0 (claims to be uid 4321)");
        assert_eq!(text_of(Some(12), Some(4321)), " from 812 (bash) uid 0 (claims to be PID 12 uid 4321)");
    }

    #[test]
    fn text_of_self_sent_pipe_names_self_or_kernel() {
        let text_of = |signal: Signal, code, pid| {
            let siginfo = Siginfo { code, pid, ..Siginfo::from_signal(signal) };
            let claimed =
                ClaimedSender { inner_pid: pid, pid: Some(pid), uid: 0, name: None, is_child: false };
            let delivery = SignalDelivery { siginfo, claimed_sender: Some(claimed) };
            fatal_signal_text(&FatalSignal::Delivered(delivery), Some(7))
        };
        assert_eq!(text_of(TERM, -6, 7), " from itself (unverified)");
        assert_eq!(text_of(TERM, -6, 8), " from 8 (exited) uid 0 (unverified)");
        let pipe = " from itself or the kernel (write to a pipe without a reader)";
        assert_eq!(
            (text_of(PIPE, SI_USER, 7), text_of(PIPE, -6, 7).contains("kernel")),
            (pipe.to_owned(), false)
        );
        assert!(text_of(XFSZ, SI_USER, 7).ends_with("the kernel (file size limit exceeded)"));
        assert!(!text_of(XFSZ, SI_USER, 8).contains("kernel"));
    }
}
