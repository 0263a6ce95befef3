//! Wait reason of a sleeping thread, from /proc/PID/task/TID/syscall and wchan.

use crate::signal::SignalSet;

/// The system call that a thread executes (proc_pid_syscall(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyscallState {
    /// The thread is running, so the system call is unknown.
    Running,
    /// The thread is blocked, but not in a system call.
    NotInSyscall,
    /// The thread is blocked in a system call.
    InSyscall {
        /// The system call number of the thread's architecture.
        number: u64,
        arguments: [u64; 6],
    },
}

impl SyscallState {
    /// Parses the file: `running`, or `-1 SP PC`, or the number, six arguments,
    /// SP and PC.
    pub fn parse(text: &[u8]) -> Option<SyscallState> {
        let text = std::str::from_utf8(text).ok()?.trim();
        if text == "running" {
            return Some(SyscallState::Running);
        }
        let mut words = text.split(' ');
        let number = words.next()?;
        if number == "-1" {
            return Some(SyscallState::NotInSyscall);
        }
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
        }
        Some(SyscallState::InSyscall { number: number.parse().ok()?, arguments })
    }
}

/// The reason why a thread waits, as it concerns signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// It does not wait for signals.
    Other,
    /// It is in sigwait(3) or a similar call for these signals. The call returns
    /// the first one, regardless of its disposition. In the meantime the kernel
    /// has removed the set from the thread's blocked set (`do_sigtimedwait` in
    /// kernel/signal.c).
    Sigwait(SignalSet),
    /// It reads this descriptor, a signalfd for these signals. The read returns
    /// the first one, blocked or not (`signalfd_dequeue` in fs/signalfd.c).
    Signalfd(u32, SignalSet),
    /// It is in sigsuspend(2). Its blocked set is the argument of the call.
    Sigsuspend,
    /// It is in wait4(2) for this child; `None` if the call cannot be read. A
    /// wait for any child is [`WaitReason::Other`].
    Child(Option<u32>),
    /// /proc does not show it.
    Unknown,
}

/// System call numbers of rt_sigtimedwait(2). On x86-64 they include those of
/// 32-bit programs, which have no other use in a 64-bit program here.
const SIGTIMEDWAIT_NUMBERS: &[u64] = if cfg!(target_arch = "x86_64") {
    &[128, 177, 421]
} else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")) {
    &[137]
} else if cfg!(any(target_arch = "x86", target_arch = "arm", target_arch = "s390x")) {
    &[177, 421]
} else if cfg!(any(target_arch = "powerpc64", target_arch = "powerpc")) {
    &[176, 421]
} else {
    &[]
};

/// System call numbers of read(2).
const READ_NUMBERS: &[u64] = if cfg!(target_arch = "x86_64") {
    &[0, 3]
} else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")) {
    &[63]
} else {
    &[3]
};

/// System call numbers of rt_sigsuspend(2).
const SIGSUSPEND_NUMBERS: &[u64] = if cfg!(target_arch = "x86_64") {
    &[130, 179]
} else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")) {
    &[133]
} else if cfg!(any(target_arch = "x86", target_arch = "arm", target_arch = "s390x")) {
    &[179]
} else if cfg!(any(target_arch = "powerpc64", target_arch = "powerpc")) {
    &[178]
} else {
    &[]
};

/// System call numbers of wait4(2).
const WAIT4_NUMBERS: &[u64] = if cfg!(target_arch = "x86_64") {
    &[61, 114]
} else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")) {
    &[260]
} else {
    &[114]
};

impl WaitReason {
    /// Returns the wait reason of a system call. `read_set` reads the signal set
    /// at an address of the thread's memory. `read_signalfd` reads the set of a
    /// descriptor if it is a signalfd.
    pub fn from_syscall(
        state: SyscallState,
        read_set: impl FnOnce(u64) -> Option<SignalSet>,
        read_signalfd: impl FnOnce(u32) -> Option<SignalSet>,
    ) -> WaitReason {
        match state {
            // The system call numbers of this architecture are unknown.
            SyscallState::InSyscall { .. } if SIGTIMEDWAIT_NUMBERS.is_empty() => WaitReason::Unknown,
            SyscallState::InSyscall { number, arguments } if SIGTIMEDWAIT_NUMBERS.contains(&number) => {
                read_set(arguments[0]).map_or(WaitReason::Unknown, WaitReason::Sigwait)
            }
            SyscallState::InSyscall { number, arguments } if READ_NUMBERS.contains(&number) => {
                let fd = u32::try_from(arguments[0]).ok();
                let signalfd = fd.and_then(|fd| Some((fd, read_signalfd(fd)?)));
                signalfd.map_or(WaitReason::Other, |(fd, set)| WaitReason::Signalfd(fd, set))
            }
            SyscallState::InSyscall { number, .. } if SIGSUSPEND_NUMBERS.contains(&number) => {
                WaitReason::Sigsuspend
            }
            SyscallState::InSyscall { number, arguments } if WAIT4_NUMBERS.contains(&number) => {
                // The argument is a 32-bit integer. 0 and negative values mean a
                // process group or any child.
                let child = u32::try_from(arguments[0] as i32).ok().filter(|pid| *pid > 0);
                child.map_or(WaitReason::Other, |pid| WaitReason::Child(Some(pid)))
            }
            _ => WaitReason::Other,
        }
    }

    /// Returns the wait reason for the kernel function in which a thread sleeps
    /// (wchan). Yama may allow reading wchan when it denies the syscall file.
    pub fn from_wchan(name: &[u8]) -> WaitReason {
        let contains = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
        match name {
            // The kernel does not record the name, or the permission is missing.
            b"" | b"0" => WaitReason::Unknown,
            _ if contains(b"sigtimedwait") || contains(b"signalfd") => WaitReason::Unknown,
            _ if contains(b"sigsuspend") => WaitReason::Sigsuspend,
            b"do_wait" => WaitReason::Child(None),
            _ => WaitReason::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_syscall_file() {
        let arguments = [0x7ffc, 0, 0, 8, 0, 1];
        for (text, call) in [
            ("running\n", Some(SyscallState::Running)),
            ("-1 0x7ffd5a0 0x7f2e\n", Some(SyscallState::NotInSyscall)),
            (
                "128 0x7ffc 0x0 0x0 0x8 0x0 0x1 0x7ff 0x7f2\n",
                Some(SyscallState::InSyscall { number: 128, arguments }),
            ),
            ("", None),
            ("128 0x7ffc", None),
            ("128 7 0 0 0 0 0 0 0", None),
            ("x 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0", None),
        ] {
            assert_eq!(SyscallState::parse(text.as_bytes()), call, "{text}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn from_syscall_recognizes_signal_waits() {
        let set = SignalSet::from_bits(0x4000);
        let read_set = |number: u64| (number == 5).then_some(set);
        let in_call = |number, argument| SyscallState::InSyscall { number, arguments: [argument; 6] };
        let reason =
            |number| WaitReason::from_syscall(in_call(number, 5), read_set, |fd| read_set(fd.into()));
        assert_eq!(reason(128), WaitReason::Sigwait(set));
        assert_eq!(reason(130), WaitReason::Sigsuspend);
        assert_eq!((reason(0), reason(1)), (WaitReason::Signalfd(5, set), WaitReason::Other));
        assert_eq!(WaitReason::from_syscall(in_call(61, 7), read_set, |_| None), WaitReason::Child(Some(7)));
        assert_eq!(
            WaitReason::from_syscall(in_call(61, 0xffff_ffff), read_set, |_| None),
            WaitReason::Other,
            "any child"
        );
        assert_eq!(WaitReason::from_syscall(in_call(61, u64::MAX), read_set, |_| None), WaitReason::Other);
        assert_eq!(WaitReason::from_syscall(in_call(0, 6), read_set, |_| None), WaitReason::Other);
        assert_eq!(WaitReason::from_syscall(in_call(128, 6), read_set, |_| None), WaitReason::Unknown);
        assert_eq!(WaitReason::from_syscall(SyscallState::Running, read_set, |_| None), WaitReason::Other);
    }

    #[test]
    fn from_wchan_recognizes_signal_waits() {
        for (name, wait) in [
            (&b"do_sigtimedwait"[..], WaitReason::Unknown),
            (b"do_sys_poll", WaitReason::Other),
            (b"sigsuspend", WaitReason::Sigsuspend),
            (b"do_wait", WaitReason::Child(None)),
            (b"0", WaitReason::Unknown),
            (b"", WaitReason::Unknown),
        ] {
            assert_eq!(WaitReason::from_wchan(name), wait);
        }
    }
}
