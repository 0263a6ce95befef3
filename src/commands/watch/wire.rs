//! The JSON Lines of `watch`. The field names are part of the command-line interface.

use std::time::SystemTime;

use serde::Serialize;

use super::{ReceivedSignal, SignalSender};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::siginfo_fields::{ChildStatus, SiginfoFields};
use crate::signal::{Arch, Siginfo};

/// A signal that was received.
#[derive(Serialize)]
pub(super) struct ReceivedSignalObject<'a> {
    /// UTC in the format of RFC 3339.
    time: String,
    #[serde(flatten)]
    signal: SiginfoObject<'a>,
}

/// The siginfo of a signal. Fields that its kind does not have are omitted, except
/// `sender` and `value`, which are null.
#[derive(Serialize)]
pub(super) struct SiginfoObject<'a> {
    signal: String,
    number: u8,
    code: i32,
    /// Null for an unknown code.
    code_name: Option<&'static str>,
    meaning: Option<&'static str>,
    errno: i32,
    /// Whether the kernel has set the siginfo; otherwise it can be forged.
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
    /// Whether the siginfo was lost because the queue was full.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// The process that sent a signal.
#[derive(Serialize)]
pub(super) struct SenderObject<'a> {
    pid: u32,
    /// The sending thread, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    /// The PID in the PID namespace of the target, if it comes from the siginfo of the
    /// target.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// Null if the process has exited.
    name: Option<std::borrow::Cow<'a, str>>,
    exited: bool,
    /// Whether the kernel has set `pid` and `uid`.
    verified: bool,
}

#[derive(Serialize)]
struct ChildObject {
    pid: u32,
    /// As in [`SenderObject`].
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// The exit status or the signal.
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

pub(super) fn received_signal_object(event: &ReceivedSignal) -> ReceivedSignalObject<'_> {
    let time = humantime::format_rfc3339_micros(event.time).to_string();
    ReceivedSignalObject {
        time,
        signal: siginfo_object(&event.siginfo, event.sender.as_ref().map(SenderObject::from_sender)),
    }
}

impl<'a> SenderObject<'a> {
    /// Creates the object from a sender with a resolved name.
    pub(super) fn from_sender(sender: &'a SignalSender) -> SenderObject<'a> {
        let name = sender.name.as_deref();
        let exited = name.is_none();
        SenderObject {
            exited,
            verified: sender.verified,
            ..SenderObject::new_verified(sender.pid, sender.uid, name)
        }
    }

    /// Creates a sender that the kernel reported when it sent the signal.
    pub(super) fn new_verified(pid: u32, uid: u32, name: Option<&'a [u8]>) -> SenderObject<'a> {
        let name = name.map(String::from_utf8_lossy);
        SenderObject { pid, tid: None, namespace_pid: None, uid, name, exited: false, verified: true }
    }

    /// Creates a sender from the siginfo of another process, which names it by its
    /// PID in the namespace of that process. `pid` is `None` if sigtool cannot
    /// translate that PID.
    pub(super) fn new_claimed(
        pid: Option<u32>,
        uid: u32,
        name: Option<&'a [u8]>,
        namespace_pid: u32,
    ) -> SenderObject<'a> {
        let exited = pid.is_some() && name.is_none();
        let verified = SenderObject::new_verified(pid.unwrap_or(0), uid, name);
        SenderObject { namespace_pid: Some(namespace_pid), exited, verified: false, ..verified }
    }

    /// Adds the sending thread.
    pub(super) fn with_tid(self, tid: Option<u32>) -> SenderObject<'a> {
        SenderObject { tid, ..self }
    }
}

impl SiginfoObject<'_> {
    /// Replaces the IDs of the child, if the signal reports one, with those in the
    /// namespaces of sigtool. `namespace_pid` is the PID in that of the target.
    pub(super) fn set_child_ids(&mut self, pid: u32, uid: u32, namespace_pid: Option<u32>) {
        if let Some(child) = &mut self.child {
            (child.pid, child.uid, child.namespace_pid) = (pid, uid, namespace_pid);
        }
    }
}

pub(super) fn siginfo_object<'a>(info: &Siginfo, sender: Option<SenderObject<'a>>) -> SiginfoObject<'a> {
    let (code, fields) = (info.known_code(), SiginfoFields::from_siginfo(info));
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
        value: fields.value,
        pointer: fields.value_pointer,
        child: fields.child.map(child),
        timer: fields.timer_id_and_overrun.map(|(id, overrun)| TimerObject { id, overrun }),
        descriptor: fields.fd_and_events.map(|(fd, band)| DescriptorObject { fd, band }),
        address: fields.address,
        syscall: fields.syscall,
        lost: matches!(info.origin(), SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }),
    }
}

/// The line that takes the place of lines or events that were not reported.
#[derive(Serialize)]
pub(super) struct LostCountObject {
    time: String,
    /// The number of lines or events.
    lost: u64,
}

pub(super) fn lost_count_object(time: SystemTime, lost: u64) -> LostCountObject {
    LostCountObject { time: humantime::format_rfc3339_micros(time).to_string(), lost }
}
