//! The JSON Lines of `watch`. The field names are part of the interface.

use std::time::SystemTime;

use serde::Serialize;

use super::{ReceivedSignal, SignalSender};
use crate::json::{AbsentFields, ChildObject, SenderObject, SiginfoFieldsObject, TimerObject};
use crate::signal::siginfo::SignalOrigin;
use crate::signal::siginfo_fields::SiginfoFields;
use crate::signal::{Arch, Siginfo};

/// A signal that was received.
#[derive(Serialize)]
pub(super) struct ReceivedSignalObject<'a> {
    /// UTC, in the format of RFC 3339.
    time: String,
    #[serde(flatten)]
    signal: SiginfoObject<'a>,
}

/// A signal. Fields that do not apply to its code are omitted, except `sender` and
/// `value`, which are null.
#[derive(Serialize)]
pub(super) struct SiginfoObject<'a> {
    signal: String,
    number: u8,
    code: i32,
    /// Null if the code is unknown.
    code_name: Option<&'static str>,
    meaning: Option<&'static str>,
    errno: i32,
    /// Whether the kernel has set the siginfo; otherwise it can be forged.
    verified: bool,
    #[serde(flatten)]
    fields: SiginfoFieldsObject<'a>,
    /// Whether the siginfo was lost because the queue was full.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// An event as an object.
pub(super) fn received_signal_object(event: &ReceivedSignal) -> ReceivedSignalObject<'_> {
    let time = humantime::format_rfc3339_micros(event.time).to_string();
    ReceivedSignalObject {
        time,
        signal: siginfo_object(&event.siginfo, event.sender.as_ref().map(sender_object)),
    }
}

fn sender_object(sender: &SignalSender) -> SenderObject<'_> {
    let name = sender.name.as_deref();
    SenderObject::new(Some(sender.pid), sender.uid, name, sender.verified).with_exited(name.is_none())
}

impl SiginfoObject<'_> {
    /// Replaces the IDs of the child, if there is one. `namespace_pid`: its PID in
    /// the PID namespace of the target.
    pub(super) fn set_child_ids(&mut self, pid: u32, uid: u32, namespace_pid: Option<u32>) {
        self.fields.set_child_ids(pid, uid, namespace_pid);
    }
}

/// A signal as an object.
pub(super) fn siginfo_object<'a>(info: &Siginfo, sender: Option<SenderObject<'a>>) -> SiginfoObject<'a> {
    let (code, fields) = (info.known_code(), SiginfoFields::from_siginfo(info));
    let child = fields.child.map(|status| {
        ChildObject::new(Some(status.pid), &status).with_cpu_ticks(info.user_ticks, info.system_ticks)
    });
    let timer = fields.timer_id_and_overrun.map(|(id, overrun)| TimerObject::new(id, Some(overrun)));
    SiginfoObject {
        signal: Arch::NATIVE.signal_name(info.signal).to_string(),
        number: info.signal.get(),
        code: info.code,
        code_name: code.map(|code| code.name),
        meaning: code.map(|code| code.description),
        errno: info.errno,
        verified: info.is_verified(),
        fields: SiginfoFieldsObject::new(&fields, sender, child, timer, AbsentFields::Omitted),
        lost: matches!(info.origin(), SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }),
    }
}

/// The notice that takes the place of lines or events that were not reported.
#[derive(Serialize)]
pub(super) struct LostCountObject {
    time: String,
    /// The number of lines or events.
    lost: u64,
}

/// The notice about `lost` lines or events.
pub(super) fn lost_count_object(time: SystemTime, lost: u64) -> LostCountObject {
    LostCountObject { time: humantime::format_rfc3339_micros(time).to_string(), lost }
}
