//! The fields of a siginfo that depend on its origin, in JSON.

use serde::Serialize;

use super::SenderObject;
use crate::signal::siginfo_fields::{ChildStatus, SiginfoFields};

/// How a field that the siginfo does not have is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AbsentFields {
    /// As null.
    Null,
    /// Not at all, except `sender` and `value`, which are null.
    Omitted,
}

/// The fields of a siginfo that depend on its origin; to be flattened into the
/// object of the signal.
#[derive(Serialize)]
pub(crate) struct SiginfoFieldsObject<'a> {
    sender: Option<SenderObject<'a>>,
    value: Option<i32>,
    /// The value as a pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<Option<ChildObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<Option<TimerObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<Option<DescriptorObject>>,
    /// The address of the fault or of the system call.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Option<u64>>,
    /// The system call number.
    #[serde(skip_serializing_if = "Option::is_none")]
    syscall: Option<Option<i32>>,
}

/// A child process that exited, stopped or continued.
#[derive(Serialize)]
pub(crate) struct ChildObject {
    /// Null if no process in our PID namespace is known to be the child.
    pid: Option<u32>,
    /// The PID in the PID namespace of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// The exit status, or the signal.
    status: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_ticks: Option<u64>,
}

/// A POSIX timer.
#[derive(Serialize)]
pub(crate) struct TimerObject {
    /// The timer ID of the kernel.
    id: u32,
    /// The overrun count; null while the signal is queued, because the kernel
    /// computes it on delivery (`posixtimer_deliver_signal` in
    /// kernel/time/posix-timers.c).
    overrun: Option<u32>,
    #[serde(flatten)]
    clock: Option<TimerClockObject>,
}

/// The clock of a timer; null if the timer no longer exists.
#[derive(Serialize)]
struct TimerClockObject {
    clock: Option<i32>,
    clock_name: Option<&'static str>,
}

/// A file descriptor that is ready.
#[derive(Serialize)]
struct DescriptorObject {
    fd: i32,
    /// The events of poll(2).
    band: u32,
}

impl<'a> SiginfoFieldsObject<'a> {
    /// The fields of a siginfo, with the objects that need more than the siginfo.
    pub(crate) fn new(
        fields: &SiginfoFields,
        sender: Option<SenderObject<'a>>,
        child: Option<ChildObject>,
        timer: Option<TimerObject>,
        absent_fields: AbsentFields,
    ) -> SiginfoFieldsObject<'a> {
        let descriptor = fields.fd_and_events.map(|(fd, band)| DescriptorObject { fd, band });
        SiginfoFieldsObject {
            sender,
            value: fields.value,
            pointer: null_or_omit(fields.value_pointer, absent_fields),
            child: null_or_omit(child, absent_fields),
            timer: null_or_omit(timer, absent_fields),
            descriptor: null_or_omit(descriptor, absent_fields),
            address: null_or_omit(fields.address, absent_fields),
            syscall: null_or_omit(fields.syscall, absent_fields),
        }
    }

    /// Replaces the IDs of the child, if there is one. `namespace_pid`: its PID in
    /// the PID namespace of the receiver.
    pub(crate) fn set_child_ids(&mut self, pid: u32, uid: u32, namespace_pid: Option<u32>) {
        if let Some(child) = self.child.as_mut().and_then(Option::as_mut) {
            (child.pid, child.uid, child.namespace_pid) = (Some(pid), uid, namespace_pid);
        }
    }
}

/// `Some(None)` is serialized as null; `None` is omitted.
fn null_or_omit<T>(value: Option<T>, absent_fields: AbsentFields) -> Option<Option<T>> {
    match (value, absent_fields) {
        (None, AbsentFields::Omitted) => None,
        (value, _) => Some(value),
    }
}

impl ChildObject {
    /// A child with the fields that every command prints. `pid`: its PID in our PID
    /// namespace.
    pub(crate) fn new(pid: Option<u32>, status: &ChildStatus) -> ChildObject {
        ChildObject {
            pid,
            namespace_pid: None,
            uid: status.uid,
            status: status.status,
            user_ticks: None,
            system_ticks: None,
        }
    }

    /// Adds `namespace_pid`.
    pub(crate) fn with_namespace_pid(self, namespace_pid: u32) -> ChildObject {
        ChildObject { namespace_pid: Some(namespace_pid), ..self }
    }

    /// Adds the CPU time that the child has used, in clock ticks.
    pub(crate) fn with_cpu_ticks(self, user_ticks: u64, system_ticks: u64) -> ChildObject {
        ChildObject { user_ticks: Some(user_ticks), system_ticks: Some(system_ticks), ..self }
    }
}

impl TimerObject {
    /// A timer with the fields that every command prints.
    pub(crate) fn new(id: u32, overrun: Option<u32>) -> TimerObject {
        TimerObject { id, overrun, clock: None }
    }

    /// Adds `clock` and `clock_name`.
    pub(crate) fn with_clock(self, clock: Option<i32>, clock_name: Option<&'static str>) -> TimerObject {
        TimerObject { clock: Some(TimerClockObject { clock, clock_name }), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_json(fields: &SiginfoFieldsObject<'_>) -> String {
        serde_json::to_string(fields).unwrap()
    }

    #[test]
    fn absent_fields_are_null_or_omitted() {
        let object = |absent| SiginfoFieldsObject::new(&SiginfoFields::default(), None, None, None, absent);
        assert_eq!(to_json(&object(AbsentFields::Omitted)), r#"{"sender":null,"value":null}"#);
        assert_eq!(
            to_json(&object(AbsentFields::Null)),
            r#"{"sender":null,"value":null,"pointer":null,"child":null,"timer":null,"descriptor":null,"#
                .to_owned()
                + r#""address":null,"syscall":null}"#
        );
    }

    #[test]
    fn child_and_timer_omit_optional_fields_by_default() {
        let status = ChildStatus { pid: 1, uid: 2, status: 3 };
        let child = || ChildObject::new(None, &status);
        let json = |child: ChildObject| serde_json::to_string(&child).unwrap();
        assert_eq!(json(child()), r#"{"pid":null,"uid":2,"status":3}"#);
        assert_eq!(
            json(child().with_namespace_pid(4).with_cpu_ticks(5, 6)),
            r#"{"pid":null,"namespace_pid":4,"uid":2,"status":3,"user_ticks":5,"system_ticks":6}"#
        );
        let json = |timer: TimerObject| serde_json::to_string(&timer).unwrap();
        assert_eq!(json(TimerObject::new(7, Some(8))), r#"{"id":7,"overrun":8}"#);
        assert_eq!(
            json(TimerObject::new(7, None).with_clock(None, None)),
            r#"{"id":7,"overrun":null,"clock":null,"clock_name":null}"#
        );
    }

    #[test]
    fn set_child_ids_replaces_ids_of_the_child() {
        let child = ChildObject::new(Some(1), &ChildStatus { pid: 1, uid: 2, status: 3 });
        let fields = SiginfoFields::default();
        let mut object = SiginfoFieldsObject::new(&fields, None, Some(child), None, AbsentFields::Omitted);
        object.set_child_ids(10, 20, Some(4));
        assert_eq!(
            to_json(&object),
            r#"{"sender":null,"value":null,"child":{"pid":10,"namespace_pid":4,"uid":20,"status":3}}"#
        );
    }
}
