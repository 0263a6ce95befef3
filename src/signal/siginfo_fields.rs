//! The valid fields of a siginfo as options, for output that shows each of them.

use super::Siginfo;
use super::siginfo::SignalOrigin;

/// The valid fields of a siginfo, except its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiginfoFields {
    /// The queued value, or that of the timer.
    pub value: Option<i32>,
    /// The value as a pointer.
    pub value_pointer: Option<u64>,
    /// The child that caused the signal.
    pub child: Option<ChildStatus>,
    /// The timer ID of the kernel, and the number of further expirations.
    pub timer_id_and_overrun: Option<(u32, u32)>,
    /// A descriptor, and its events of poll(2).
    pub fd_and_events: Option<(i32, u32)>,
    /// The address of the fault or of the system call.
    pub address: Option<u64>,
    /// The number of the system call.
    pub syscall: Option<i32>,
}

/// A child that exited, stopped or continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildStatus {
    /// The child in the PID namespace of the receiver.
    pub pid: u32,
    /// The real UID of the child.
    pub uid: u32,
    /// The exit status, or the signal.
    pub status: i32,
}

impl SiginfoFields {
    /// The valid fields of a siginfo.
    pub fn from_siginfo(info: &Siginfo) -> SiginfoFields {
        let none = SiginfoFields::default();
        let fields = match info.origin() {
            SignalOrigin::Process { value, .. } | SignalOrigin::OutsideNamespace { value, .. } => {
                SiginfoFields { value, ..none }
            }
            SignalOrigin::Child { pid, uid, status } => {
                SiginfoFields { child: Some(ChildStatus { pid, uid, status }), ..none }
            }
            SignalOrigin::Timer { id, overrun, value } => {
                SiginfoFields { value: Some(value), timer_id_and_overrun: Some((id, overrun)), ..none }
            }
            SignalOrigin::Descriptor { descriptor, band } => {
                SiginfoFields { fd_and_events: Some((descriptor, band)), ..none }
            }
            SignalOrigin::Fault { address } => SiginfoFields { address: Some(address), ..none },
            SignalOrigin::Syscall { number, address } => {
                SiginfoFields { syscall: Some(number), address: Some(address), ..none }
            }
            SignalOrigin::Kernel => none,
        };
        SiginfoFields { value_pointer: fields.value.map(|_| info.value_pointer), ..fields }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Signal;
    use super::*;

    #[test]
    fn from_siginfo_sets_fields_of_each_origin() {
        let fields = |number, code| {
            let empty = Siginfo::from_signal(Signal::new(number).unwrap());
            let info = Siginfo {
                pid: 7,
                uid: 8,
                value: 5,
                value_pointer: 6,
                timer_id: 3,
                overrun: 2,
                status: 9,
                address: 0x10,
                descriptor: 4,
                band: 1,
                syscall: 59,
                call_address: 0x20,
                code,
                ..empty
            };
            SiginfoFields::from_siginfo(&info)
        };
        let none = SiginfoFields::default();
        let queued = SiginfoFields { value: Some(5), value_pointer: Some(6), ..none };
        for (number, code, expected) in [
            (15, 0, none),
            (15, 128, none),
            (15, -1, queued),
            (15, -2, SiginfoFields { timer_id_and_overrun: Some((3, 2)), ..queued }),
            (17, 1, SiginfoFields { child: Some(ChildStatus { pid: 7, uid: 8, status: 9 }), ..none }),
            (29, 1, SiginfoFields { fd_and_events: Some((4, 1)), ..none }),
            (11, 1, SiginfoFields { address: Some(0x10), ..none }),
            (31, 1, SiginfoFields { syscall: Some(59), address: Some(0x20), ..none }),
        ] {
            assert_eq!(fields(number, code), expected, "{number} {code}");
        }
    }
}
