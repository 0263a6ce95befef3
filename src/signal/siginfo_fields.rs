//! What goes with a signal, by its fields: for who shows each that is set.

use super::Siginfo;
use super::siginfo::SignalOrigin;

/// The fields of a siginfo that mean something, but for its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiginfoFields {
    /// The value it was queued with, or its timer was made with.
    pub value: Option<i32>,
    /// The same as a pointer.
    pub value_pointer: Option<u64>,
    /// The child that it tells of.
    pub child: Option<ChildStatus>,
    /// The kernel's number of the POSIX timer, and how often more it has expired.
    pub timer_id_and_overrun: Option<(u32, u32)>,
    /// A descriptor, and its events as poll(2) has them.
    pub fd_and_events: Option<(i32, u32)>,
    /// Where the fault, or the system call, was.
    pub address: Option<u64>,
    /// The number of the system call.
    pub syscall: Option<i32>,
}

/// A child that ended, stopped or continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildStatus {
    /// The child, as the receiver's pid namespace numbers it.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
    /// Its exit status, or the signal.
    pub status: i32,
}

impl SiginfoFields {
    /// What goes with this one.
    pub fn from_siginfo(info: &Siginfo) -> SiginfoFields {
        let none = SiginfoFields::default();
        let details = match info.origin() {
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
        SiginfoFields { value_pointer: details.value.map(|_| info.value_pointer), ..details }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Signal;
    use super::*;

    #[test]
    fn from_siginfo_sets_fields_of_each_origin() {
        let details = |number, code| {
            let bare = Siginfo::from_signal(Signal::new(number).unwrap());
            let told = Siginfo {
                pid: 7,
                uid: 8,
                value: 5,
                value_pointer: 6,
                timer_id: 3,
                overrun: 2,
                status: 9,
                ..bare
            };
            let more =
                Siginfo { address: 0x10, descriptor: 4, band: 1, syscall: 59, call_address: 0x20, ..told };
            SiginfoFields::from_siginfo(&Siginfo { code, ..more })
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
            assert_eq!(details(number, code), expected, "{number} {code}");
        }
    }
}
