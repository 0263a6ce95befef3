//! All that decides what a signal does to a process, as far as /proc tells.

use super::call::{Call, Wait};
use super::{Freezer, ReadError, ReadMemory, Root, Shared, State, Status, Threads};
use crate::signal::{Arch, Signal, SignalSet, mask};

/// A process, looked at for one signal or for all. Made by [`Root::situation`];
/// what was not looked at, or could not be, is the least that is known.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// Its status.
    pub status: Status,
    /// Its threads; `None` where only a text is known, which is one thread's.
    pub threads: Option<Threads>,
    /// What its sleeping threads wait in, by thread id.
    pub waits: Vec<(u32, Wait)>,
    /// Its descriptors that signals are read from, each with its set; `None`
    /// where they may not be seen.
    pub signalfds: Option<Vec<(u32, SignalSet)>>,
    /// Whether it is frozen.
    pub freezer: Freezer,
    /// Whether its process group is orphaned; `None` where nothing tells.
    pub orphaned: Option<bool>,
    /// Whether it would dump core.
    pub core: CoreDump,
    /// Whether it is the one init of the machine.
    pub is_global_init: bool,
}

/// Whether a process that a signal ends would leave a core dump (core(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoreDump {
    /// Yes.
    Yes,
    /// No: its RLIMIT_CORE forbids it.
    Limit,
    /// No: it is not dumpable (PR_SET_DUMPABLE in prctl(2)).
    NotDumpable,
    /// It could not be found out.
    #[default]
    Unknown,
}

impl Situation {
    /// What is known from a text alone.
    pub fn of_text(status: &Status) -> Situation {
        Situation { status: status.clone(), ..Situation::default() }
    }

    /// What a thread waits in; what was not looked at is unknown.
    pub fn wait(&self, tid: u32) -> Wait {
        self.waits.iter().find(|(id, _)| *id == tid).map_or(Wait::Unknown, |(_, wait)| *wait)
    }
}

/// The pid namespace that the machine starts in (PROC_PID_INIT_INO,
/// include/linux/proc_ns.h).
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

impl Root {
    /// Looks at a process: at what decides what this signal does to it, or,
    /// without one, at everything. `read` reads its memory.
    ///
    /// # Errors
    /// See [`ReadError`]: only where its status cannot be read.
    pub fn situation(
        &self,
        pid: u32,
        signal: Option<Signal>,
        read: ReadMemory,
    ) -> Result<Situation, ReadError> {
        let status = self.status(pid)?;
        // The number may be a thread's: the process is what is looked at.
        let threads = self.threads(status.tgid.unwrap_or(pid), &status)?;
        Ok(Shared::new(self, read).situation(pid, status, threads, signal))
    }

    /// What a thread waits in.
    pub(super) fn wait(&self, pid: u32, tid: u32, state: Option<State>, read: ReadMemory) -> Wait {
        // Only who sleeps so that a signal wakes it can wait for one.
        if state.is_some_and(|state| !matches!(state.letter(), 'S' | 't' | 'T')) {
            return Wait::Elsewhere;
        }
        let call = self.file(&format!("{pid}/task/{tid}/syscall")).ok().as_deref().and_then(Call::parse);
        match call {
            Some(call) => {
                let signalfd = |number| self.signalfd(&format!("{pid}/task/{tid}/fdinfo/{number}"), read);
                Wait::of(call, |address| self.signal_set(tid, address, read), signalfd)
            }
            None => Wait::of_channel(&self.file(&format!("{pid}/task/{tid}/wchan")).unwrap_or_default()),
        }
    }

    /// The signal set at an address of a thread's memory: 64 bits.
    fn signal_set(&self, tid: u32, address: u64, read: ReadMemory) -> Option<SignalSet> {
        let (path, mut bits) = (self.directory().join(format!("{tid}/mem")), Vec::new());
        let length = read(&path, address, &mut bits, 8).ok()?;
        let bits: [u8; 8] = bits.get(..length)?.try_into().ok()?;
        let set = SignalSet::from_bits(u64::from_ne_bytes(bits).into());
        // The kernel takes the two that nobody can wait for out of it.
        let waitable = |signal: &Signal| Arch::NATIVE.facts(*signal).is_none_or(|facts| facts.catchable());
        Some(set.iter().filter(waitable).collect())
    }

    /// The set of a signalfd. The descriptor may be another one by now, and the text
    /// of an epoll(7) descriptor takes a lock that a file server can keep.
    fn signalfd(&self, path: &str, read: ReadMemory) -> Option<SignalSet> {
        const LONGEST: usize = 8192;
        let mut text = Vec::new();
        let length = read(&self.directory().join(path), 0, &mut text, LONGEST).ok()?;
        signalfd_set(&text[..length])
    }

    /// The descriptors that signals are read from (signalfd(2)).
    pub(super) fn signalfds(&self, pid: u32, read: ReadMemory) -> Option<Vec<(u32, SignalSet)>> {
        let links = std::fs::read_dir(self.directory().join(format!("{pid}/fd"))).ok()?;
        let mut found = Vec::new();
        for link in links.flatten() {
            let Some(number) = link.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let target = std::fs::read_link(link.path()).unwrap_or_default();
            if target.as_os_str() == "anon_inode:[signalfd]" {
                let set = self.signalfd(&format!("{pid}/fdinfo/{number}"), read);
                found.extend(set.map(|set| (number, set)));
            }
        }
        Some(found)
    }

    /// The wait status of a zombie; `None` where it is none, or the right to
    /// read it is missing.
    pub fn zombie_status(&self, pid: u32) -> Option<i32> {
        let stat = self.stat(pid).ok().filter(|stat| stat.state.is_ended())?;
        // 0 is also what is shown without the right, which links need, too: a
        // zombie has no directory, and only who may look is told so.
        let link = std::fs::read_link(self.directory().join(format!("{pid}/cwd")));
        let denied = link.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        stat.exit_code.filter(|_| !denied)
    }

    pub(super) fn is_first_namespace(&self) -> bool {
        let link = std::fs::read_link(self.directory().join("self/ns/pid"));
        link.map_or(true, |link| link.as_os_str() == FIRST_NAMESPACE)
    }

    pub(super) fn core_dump(&self, pid: u32, status: &Status) -> CoreDump {
        use std::os::unix::fs::MetadataExt;
        let limits = self.directory().join(format!("{pid}/limits"));
        // The files of a process that is not dumpable are root's, whoever it
        // is of (`task_dump_owner` in fs/proc/base.c).
        let owner = std::fs::metadata(&limits).map(|metadata| metadata.uid());
        if let (Ok(0), Some((_, 1..))) = (owner, status.uids) {
            return CoreDump::NotDumpable;
        }
        // A program that takes the dump from a pipe is not limited.
        let pattern = self.file("sys/kernel/core_pattern").unwrap_or_default();
        let limit = self.file(&format!("{pid}/limits")).ok().as_deref().and_then(core_limit);
        match limit {
            // The kernel's sign against a dump of what takes dumps (core(5)).
            Some(1) => CoreDump::Limit,
            _ if pattern.starts_with(b"|") => CoreDump::Yes,
            // Less than a page is not begun (`min_coredump` in fs/binfmt_elf.c).
            Some(0..4096) => CoreDump::Limit,
            Some(_) => CoreDump::Yes,
            None => CoreDump::Unknown,
        }
    }
}

/// The set in the fdinfo of a signalfd: `sigmask:` and 16 digits.
fn signalfd_set(text: &[u8]) -> Option<SignalSet> {
    let lines = text.split(|byte| *byte == b'\n');
    let digits = lines.into_iter().find_map(|line| line.strip_prefix(b"sigmask:"))?;
    mask::parse_whole(digits.trim_ascii()).ok().map(|(set, _)| set)
}

/// The soft limit in the line `Max core file size` of /proc/PID/limits, in
/// bytes; the greatest number where there is none.
fn core_limit(text: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix("Max core file size"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(_: &std::path::Path, _: u64, _: &mut Vec<u8>, _: usize) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::TimedOut.into())
    }

    #[test]
    fn this_process_is_looked_at() {
        let found = Root::default().situation(std::process::id(), None, unread).unwrap();
        assert_eq!(found.status.tgid, Some(std::process::id()));
        assert!(found.threads.is_some_and(|threads| threads.count() > 0));
        assert!(found.signalfds.is_some_and(|found| found.is_empty()));
    }

    #[test]
    fn small_texts_are_read() {
        let set = signalfd_set(b"pos:\t0\nflags:\t02\nsigmask:\t0000000000004002\n");
        assert_eq!(set.map(SignalSet::bits), Some(0x4002));
        assert_eq!(signalfd_set(b"pos:\t0\n"), None);
        let limits = |soft: &str| {
            core_limit(
                format!("Limit  Soft\nMax core file size        {soft}   unlimited  bytes\n").as_bytes(),
            )
        };
        assert_eq!((limits("0"), limits("unlimited"), limits("x")), (Some(0), Some(u64::MAX), None));
    }
}
