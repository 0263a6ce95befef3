//! The JSON Lines of `watch`: types of its own, whose field names are a
//! contract.

use std::time::SystemTime;

use serde::Serialize;

use super::{ReceivedSignal, SignalSender};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::siginfo_fields::{ChildStatus, SiginfoFields};
use crate::signal::{Arch, Siginfo};

/// A signal that was received.
#[derive(Serialize)]
pub(super) struct ReceivedSignalObject<'a> {
    /// UTC, as RFC 3339 has it.
    time: String,
    #[serde(flatten)]
    signal: SiginfoObject<'a>,
}

/// A signal. What does not belong to its kind is left out, but for `sender`
/// and `value`, which are null then.
#[derive(Serialize)]
pub(super) struct SiginfoObject<'a> {
    signal: String,
    number: u8,
    code: i32,
    /// Null for a code that no table has.
    code_name: Option<&'static str>,
    meaning: Option<&'static str>,
    errno: i32,
    /// Whether the kernel vouches for all of this; else it may be forged.
    verified: bool,
    sender: Option<SenderObject<'a>>,
    value: Option<i32>,
    /// The value as a pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<ChildObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<TimerObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<DescriptorObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syscall: Option<i32>,
    /// Whether the siginfo was lost, for the queue was full.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// Who has sent a signal.
#[derive(Serialize)]
pub(super) struct SenderObject<'a> {
    pid: u32,
    /// Its thread, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    /// Its number as the target has it, where that is what is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// Null where it has exited.
    name: Option<std::borrow::Cow<'a, str>>,
    exited: bool,
    /// Whether the kernel vouches for pid and uid.
    verified: bool,
}

#[derive(Serialize)]
struct ChildObject {
    pid: u32,
    /// As with a sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// The exit status, or the signal.
    status: i32,
    user_ticks: u64,
    system_ticks: u64,
}

#[derive(Serialize)]
struct TimerObject {
    id: u32,
    overrun: u32,
}

#[derive(Serialize)]
struct DescriptorObject {
    fd: i32,
    band: u32,
}

/// An event as an object.
pub(super) fn received_signal_object(event: &ReceivedSignal) -> ReceivedSignalObject<'_> {
    let time = humantime::format_rfc3339_micros(event.time).to_string();
    ReceivedSignalObject {
        time,
        signal: siginfo_object(&event.siginfo, event.sender.as_ref().map(SenderObject::from_sender)),
    }
}

impl<'a> SenderObject<'a> {
    /// Who was looked up.
    pub(super) fn from_sender(sender: &'a SignalSender) -> SenderObject<'a> {
        let name = sender.name.as_deref();
        let exited = name.is_none();
        SenderObject {
            exited,
            verified: sender.verified,
            ..SenderObject::new_verified(sender.pid, sender.uid, name)
        }
    }

    /// Who was seen when it sent.
    pub(super) fn new_verified(pid: u32, uid: u32, name: Option<&'a [u8]>) -> SenderObject<'a> {
        let name = name.map(String::from_utf8_lossy);
        SenderObject { pid, tid: None, namespace_pid: None, uid, name, exited: false, verified: true }
    }

    /// Who was named to another process, by this number there. Where nobody has
    /// it here, it may have exited, or cannot be seen.
    pub(super) fn new_claimed(
        pid: Option<u32>,
        uid: u32,
        name: Option<&'a [u8]>,
        there: u32,
    ) -> SenderObject<'a> {
        let exited = pid.is_some() && name.is_none();
        let seen = SenderObject::new_verified(pid.unwrap_or(0), uid, name);
        SenderObject { namespace_pid: Some(there), exited, verified: false, ..seen }
    }

    /// The thread that did.
    pub(super) fn with_tid(self, tid: Option<u32>) -> SenderObject<'a> {
        SenderObject { tid, ..self }
    }
}

impl SiginfoObject<'_> {
    /// The child that it tells of, if it does, by our numbers; `there`: by that
    /// of the target.
    pub(super) fn set_child_ids(&mut self, pid: u32, uid: u32, there: Option<u32>) {
        if let Some(child) = &mut self.child {
            (child.pid, child.uid, child.namespace_pid) = (pid, uid, there);
        }
    }
}

/// A signal as an object; `sender`: who has sent it.
pub(super) fn siginfo_object<'a>(info: &Siginfo, sender: Option<SenderObject<'a>>) -> SiginfoObject<'a> {
    let (code, details) = (info.known_code(), SiginfoFields::from_siginfo(info));
    let child = |ChildStatus { pid, uid, status }| {
        let (user_ticks, system_ticks) = (info.user_ticks, info.system_ticks);
        ChildObject { pid, namespace_pid: None, uid, status, user_ticks, system_ticks }
    };
    SiginfoObject {
        signal: Arch::NATIVE.signal_name(info.signal).to_string(),
        number: info.signal.get(),
        code: info.code,
        code_name: code.map(|code| code.name),
        meaning: code.map(|code| code.description),
        errno: info.errno,
        verified: info.is_verified(),
        sender,
        value: details.value,
        pointer: details.value_pointer,
        child: details.child.map(child),
        timer: details.timer_id_and_overrun.map(|(id, overrun)| TimerObject { id, overrun }),
        descriptor: details.fd_and_events.map(|(fd, band)| DescriptorObject { fd, band }),
        address: details.address,
        syscall: details.syscall,
        lost: matches!(info.origin(), SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }),
    }
}

/// What stands in the place of what was not told.
#[derive(Serialize)]
pub(super) struct LostCountObject {
    time: String,
    /// How many lines, or events, there were.
    lost: u64,
}

/// So many are lost.
pub(super) fn lost_count_object(time: SystemTime, lost: u64) -> LostCountObject {
    LostCountObject { time: humantime::format_rfc3339_micros(time).to_string(), lost }
}
