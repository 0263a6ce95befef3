//! Compares the tables of `signal/` with those of the C library.

use sigtool::signal::number::RTMIN;
use sigtool::signal::si_code::CODES;
use sigtool::signal::{Arch, Sigaction, Signal, SignalSet, name, table};

/// All signal constants that the libc crate has for x86 and arm.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn signal_numbers_match_libc() {
    let constants = [
        ("HUP", libc::SIGHUP),
        ("INT", libc::SIGINT),
        ("QUIT", libc::SIGQUIT),
        ("ILL", libc::SIGILL),
        ("TRAP", libc::SIGTRAP),
        ("ABRT", libc::SIGABRT),
        ("IOT", libc::SIGIOT),
        ("BUS", libc::SIGBUS),
        ("FPE", libc::SIGFPE),
        ("KILL", libc::SIGKILL),
        ("USR1", libc::SIGUSR1),
        ("SEGV", libc::SIGSEGV),
        ("USR2", libc::SIGUSR2),
        ("PIPE", libc::SIGPIPE),
        ("ALRM", libc::SIGALRM),
        ("TERM", libc::SIGTERM),
        ("STKFLT", libc::SIGSTKFLT),
        ("CHLD", libc::SIGCHLD),
        ("CONT", libc::SIGCONT),
        ("STOP", libc::SIGSTOP),
        ("TSTP", libc::SIGTSTP),
        ("TTIN", libc::SIGTTIN),
        ("TTOU", libc::SIGTTOU),
        ("URG", libc::SIGURG),
        ("XCPU", libc::SIGXCPU),
        ("XFSZ", libc::SIGXFSZ),
        ("VTALRM", libc::SIGVTALRM),
        ("PROF", libc::SIGPROF),
        ("WINCH", libc::SIGWINCH),
        ("IO", libc::SIGIO),
        ("POLL", libc::SIGPOLL),
        ("PWR", libc::SIGPWR),
        ("SYS", libc::SIGSYS),
    ];
    for (text, number) in constants {
        let found = name::parse(text, Arch::NATIVE).map(Signal::get);
        assert_eq!(found.map(i32::from), Ok(number), "{text}");
    }
    let named = Arch::NATIVE.signals().filter(|signal| Arch::NATIVE.standard_signal(*signal).is_some());
    assert_eq!(named.count(), 31, "33 names, of which IOT and POLL are aliases");
}

#[test]
fn realtime_range_matches_libc() {
    assert_eq!(i32::from(RTMIN), libc::SIGRTMIN());
    assert_eq!(i32::from(Arch::NATIVE.rtmax()), libc::SIGRTMAX());
}

/// strsignal(3) has a description for exactly the signals that we name, and
/// counts real-time signals from the same RTMIN.
#[test]
fn signal_set_matches_strsignal() {
    for signal in Arch::NATIVE.signals() {
        let text = strsignal(signal);
        let standard = Arch::NATIVE.standard_signal(signal).is_some();
        let unnamed = text.starts_with("Unknown signal") || text.starts_with("Real-time signal");
        assert_eq!(standard, !unnamed, "{}: {text}", signal.get());
        if let Some(rest) = text.strip_prefix("Real-time signal ") {
            assert_eq!(rest.parse(), Ok(signal.get() - RTMIN), "{}", signal.get());
        }
    }
}

/// Our descriptions contain the same key words as those of strsignal(3), or a
/// synonym.
#[test]
fn descriptions_agree_with_strsignal() {
    let shared = [
        ("HUP", "hang", "hung"),
        ("INT", "interrupt", "interrupt"),
        ("QUIT", "quit", "quit"),
        ("ILL", "illegal instruction", "illegal instruction"),
        ("TRAP", "trap", "trap"),
        ("ABRT", "abort", "abort"),
        ("BUS", "bus error", "bus error"),
        ("ALRM", "alarm", "alarm"),
        ("PIPE", "pipe", "pipe"),
        ("CHLD", "child", "child"),
        ("STKFLT", "stack fault", "stack fault"),
        ("XCPU", "cpu time limit", "cpu time limit"),
        ("XFSZ", "file size", "file grew"),
        ("PROF", "profiling", "profiling"),
        ("WINCH", "window", "window"),
        ("IO", "i/o possible", "input or output is possible"),
        ("PWR", "power", "power"),
        ("SYS", "system call", "system call"),
        ("URG", "urgent", "urgent"),
    ];
    for (name, theirs, ours) in shared {
        let facts = table::standard_signals().find(|facts| facts.name == name).expect(name);
        let signal = facts.signal_on(Arch::Common).expect(name);
        assert!(strsignal(signal).to_lowercase().contains(theirs), "{name}: {}", strsignal(signal));
        assert!(facts.description.to_lowercase().contains(ours), "{name}: {}", facts.description);
    }
}

#[allow(unsafe_code)]
fn strsignal(signal: Signal) -> String {
    // SAFETY: strsignal(3) returns a valid C string for every number. glibc keeps
    // a built text per thread, and the text is copied at once.
    let text = unsafe { std::ffi::CStr::from_ptr(libc::strsignal(i32::from(signal.get()))) };
    text.to_string_lossy().into_owned()
}

/// The si_code constants of the libc crate.
#[test]
fn siginfo_codes_match_libc() {
    let constants = [
        ("SI_USER", libc::SI_USER),
        ("SI_KERNEL", libc::SI_KERNEL),
        ("SI_QUEUE", libc::SI_QUEUE),
        ("SI_TIMER", libc::SI_TIMER),
        ("SI_MESGQ", libc::SI_MESGQ),
        ("SI_ASYNCIO", libc::SI_ASYNCIO),
        ("SI_SIGIO", libc::SI_SIGIO),
        ("SI_TKILL", libc::SI_TKILL),
        ("SI_ASYNCNL", libc::SI_ASYNCNL),
        ("CLD_EXITED", libc::CLD_EXITED),
        ("CLD_KILLED", libc::CLD_KILLED),
        ("CLD_DUMPED", libc::CLD_DUMPED),
        ("CLD_TRAPPED", libc::CLD_TRAPPED),
        ("CLD_STOPPED", libc::CLD_STOPPED),
        ("CLD_CONTINUED", libc::CLD_CONTINUED),
        ("BUS_ADRALN", libc::BUS_ADRALN),
        ("BUS_ADRERR", libc::BUS_ADRERR),
        ("BUS_OBJERR", libc::BUS_OBJERR),
        ("BUS_MCEERR_AR", libc::BUS_MCEERR_AR),
        ("BUS_MCEERR_AO", libc::BUS_MCEERR_AO),
        ("TRAP_BRKPT", libc::TRAP_BRKPT),
        ("TRAP_TRACE", libc::TRAP_TRACE),
        ("TRAP_BRANCH", libc::TRAP_BRANCH),
        ("TRAP_HWBKPT", libc::TRAP_HWBKPT),
        ("TRAP_UNK", libc::TRAP_UNK),
    ];
    for (name, number) in constants {
        let code = CODES.iter().find(|code| code.name == name);
        assert_eq!(code.map(|code| code.value), Some(number), "{name}");
    }
}

/// All sigaction flags that the libc crate has.
#[test]
fn sigaction_flags_match_libc() {
    for (bit, name) in [
        (libc::SA_NOCLDSTOP, "NOCLDSTOP"),
        (libc::SA_NOCLDWAIT, "NOCLDWAIT"),
        (libc::SA_SIGINFO, "SIGINFO"),
        (libc::SA_ONSTACK, "ONSTACK"),
        (libc::SA_RESTART, "RESTART"),
        (libc::SA_NODEFER, "NODEFER"),
        (libc::SA_RESETHAND, "RESETHAND"),
    ] {
        let flags = u64::from(bit.cast_unsigned());
        let action = Sigaction { handler: 2, flags, restorer: 0, mask: SignalSet::EMPTY };
        assert_eq!(action.flag_names(), [name]);
        assert_eq!(action.uses_alternate_stack(), name == "ONSTACK");
    }
}
