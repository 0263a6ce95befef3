//! The JSON Lines of `watch`: types of its own, whose field names are a
//! contract.

use serde::Serialize;

use super::Event;
use crate::signal::Arch;
use crate::signal::info::Origin;

/// A signal. What does not belong to its kind is left out, but for `sender`
/// and `value`, which are null then.
#[derive(Serialize)]
pub(super) struct EventObject<'a> {
    /// UTC, as RFC 3339 has it.
    time: String,
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

#[derive(Serialize)]
struct SenderObject<'a> {
    pid: u32,
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
pub(super) fn event(event: &Event) -> EventObject<'_> {
    let info = &event.info;
    let code = info.code();
    let mut object = EventObject {
        time: humantime::format_rfc3339_micros(event.time).to_string(),
        signal: Arch::NATIVE.name(info.signal).to_string(),
        number: info.signal.get(),
        code: info.code,
        code_name: code.map(|code| code.name),
        meaning: code.map(|code| code.meaning),
        errno: info.errno,
        verified: info.is_verified(),
        sender: event.sender.as_ref().map(|sender| SenderObject {
            pid: sender.pid,
            uid: sender.uid,
            name: sender.name.as_ref().map(|name| String::from_utf8_lossy(name)),
            exited: sender.name.is_none(),
            verified: sender.verified,
        }),
        value: None,
        pointer: None,
        child: None,
        timer: None,
        descriptor: None,
        address: None,
        syscall: None,
        lost: false,
    };
    match info.origin() {
        Origin::Process { value, .. } => object.value = value,
        Origin::Outside { lost, value } => (object.lost, object.value) = (lost, value),
        Origin::Child { pid, uid, status } => {
            let (user_ticks, system_ticks) = (info.user_ticks, info.system_ticks);
            object.child = Some(ChildObject { pid, uid, status, user_ticks, system_ticks });
        }
        Origin::Timer { id, overrun, value } => {
            object.value = Some(value);
            object.timer = Some(TimerObject { id, overrun });
        }
        Origin::Descriptor { descriptor, band } => {
            object.descriptor = Some(DescriptorObject { fd: descriptor, band });
        }
        Origin::Fault { address } => object.address = Some(address),
        Origin::Syscall { number, address } => {
            (object.syscall, object.address) = (Some(number), Some(address));
        }
        Origin::Kernel => {}
    }
    object.pointer = object.value.map(|_| info.pointer);
    object
}
