//! What goes with a signal, by its fields: for who shows each that is set.

use super::Info;
use super::info::Origin;

/// The fields of a siginfo that mean something, but for its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The value it was queued with, or its timer was made with.
    pub value: Option<i32>,
    /// The same as a pointer.
    pub pointer: Option<u64>,
    /// The child that it tells of.
    pub child: Option<Child>,
    /// The kernel's number of the POSIX timer, and how often more it has expired.
    pub timer: Option<(u32, u32)>,
    /// A descriptor, and its events as poll(2) has them.
    pub descriptor: Option<(i32, u32)>,
    /// Where the fault, or the system call, was.
    pub address: Option<u64>,
    /// The number of the system call.
    pub syscall: Option<i32>,
}

/// A child that ended, stopped or continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The child, as the receiver's pid namespace numbers it.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
    /// Its exit status, or the signal.
    pub status: i32,
}

impl Details {
    /// What goes with this one.
    pub fn of(info: &Info) -> Details {
        let none = Details::default();
        let details = match info.origin() {
            Origin::Process { value, .. } | Origin::Outside { value, .. } => Details { value, ..none },
            Origin::Child { pid, uid, status } => Details { child: Some(Child { pid, uid, status }), ..none },
            Origin::Timer { id, overrun, value } => {
                Details { value: Some(value), timer: Some((id, overrun)), ..none }
            }
            Origin::Descriptor { descriptor, band } => {
                Details { descriptor: Some((descriptor, band)), ..none }
            }
            Origin::Fault { address } => Details { address: Some(address), ..none },
            Origin::Syscall { number, address } => {
                Details { syscall: Some(number), address: Some(address), ..none }
            }
            Origin::Kernel => none,
        };
        Details { pointer: details.value.map(|_| info.pointer), ..details }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Signal;
    use super::*;

    #[test]
    fn each_kind_has_its_own() {
        let details = |number, code| {
            let bare = Info::bare(Signal::new(number).unwrap());
            let told = Info { pid: 7, uid: 8, value: 5, pointer: 6, timer: 3, overrun: 2, status: 9, ..bare };
            let more =
                Info { address: 0x10, descriptor: 4, band: 1, syscall: 59, call_address: 0x20, ..told };
            Details::of(&Info { code, ..more })
        };
        let none = Details::default();
        let queued = Details { value: Some(5), pointer: Some(6), ..none };
        for (number, code, expected) in [
            (15, 0, none),
            (15, 128, none),
            (15, -1, queued),
            (15, -2, Details { timer: Some((3, 2)), ..queued }),
            (17, 1, Details { child: Some(Child { pid: 7, uid: 8, status: 9 }), ..none }),
            (29, 1, Details { descriptor: Some((4, 1)), ..none }),
            (11, 1, Details { address: Some(0x10), ..none }),
            (31, 1, Details { syscall: Some(59), address: Some(0x20), ..none }),
        ] {
            assert_eq!(details(number, code), expected, "{number} {code}");
        }
    }
}
