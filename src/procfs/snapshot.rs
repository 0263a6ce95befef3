//! Snapshot of everything in /proc that determines the effect of a signal on a
//! process.

use super::syscall::{SyscallState, WaitReason};
use super::{
    FreezerState, ProcReadError, ProcRoot, ProcStatus, ReadMemory, SnapshotCache, TaskState, Threads,
};
use crate::signal::{Arch, Signal, SignalSet, hex_mask};

/// The state of a process that determines the effect of one signal or of all
/// signals. Created by [`ProcRoot::snapshot`]. Fields that were not read have
/// their default.
#[derive(Clone, Debug, Default)]
pub struct ProcessSnapshot {
    /// Its status file.
    pub status: ProcStatus,
    /// Its threads; `None` if only the status text of one thread is known.
    pub threads: Option<Threads>,
    /// The wait reasons of its threads, by TID.
    pub wait_reasons: Vec<(u32, WaitReason)>,
    /// Its signalfd descriptors, each with its signal set; `None` if /proc does
    /// not show them.
    pub signalfds: Option<Vec<(u32, SignalSet)>>,
    /// The state of its cgroup freezer.
    pub freezer_state: FreezerState,
    /// True if its process group is orphaned; `None` if unknown.
    pub group_is_orphaned: Option<bool>,
    /// Prediction of a core dump.
    pub core_dump: CoreDumpPrediction,
    /// True if it is the init process of the initial PID namespace.
    pub is_global_init: bool,
}

/// Prediction of a core dump when a signal kills the process (core(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoreDumpPrediction {
    /// It would dump core.
    WouldDump,
    /// It would not, because of its RLIMIT_CORE.
    DisabledByLimit,
    /// It would not, because it is not dumpable (PR_SET_DUMPABLE in prctl(2)).
    NotDumpable,
    /// /proc does not show it.
    #[default]
    Unknown,
}

impl ProcessSnapshot {
    /// Creates a snapshot from a status text alone.
    pub fn from_status(status: &ProcStatus) -> ProcessSnapshot {
        ProcessSnapshot { status: status.clone(), ..ProcessSnapshot::default() }
    }

    /// Returns the wait reason of a thread; unknown if it was not read.
    pub fn wait_reason(&self, tid: u32) -> WaitReason {
        self.wait_reasons.iter().find(|(id, _)| *id == tid).map_or(WaitReason::Unknown, |(_, wait)| *wait)
    }
}

/// The link of the initial PID namespace (PROC_PID_INIT_INO,
/// include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

impl ProcRoot {
    /// Reads what determines the effect of `signal` on a process, or of every
    /// signal if it is `None`. `read` reads files that can block.
    ///
    /// # Errors
    /// See [`ProcReadError`]. Fails only if the status or the threads cannot be
    /// read.
    pub fn snapshot(
        &self,
        pid: u32,
        signal: Option<Signal>,
        read: ReadMemory,
    ) -> Result<ProcessSnapshot, ProcReadError> {
        let status = self.status(pid)?;
        // If the ID belongs to a thread, the snapshot is of its process.
        let threads = self.threads(status.tgid.unwrap_or(pid), &status)?;
        Ok(SnapshotCache::new(self, read).snapshot(pid, status, threads, signal))
    }

    /// Reads the wait reason of a thread.
    pub(super) fn wait_reason(
        &self,
        pid: u32,
        tid: u32,
        state: Option<TaskState>,
        read: ReadMemory,
    ) -> WaitReason {
        // Only a thread in an interruptible sleep, or stopped in one, can wait
        // for a signal.
        if state.is_some_and(|state| !matches!(state.letter(), 'S' | 't' | 'T')) {
            return WaitReason::Other;
        }
        let syscall = self
            .read_file(&format!("{pid}/task/{tid}/syscall"))
            .ok()
            .as_deref()
            .and_then(SyscallState::parse);
        match syscall {
            Some(syscall) => {
                let signalfd = |fd| self.signalfd(&format!("{pid}/task/{tid}/fdinfo/{fd}"), read);
                WaitReason::from_syscall(syscall, |address| self.read_sigset(tid, address, read), signalfd)
            }
            None => WaitReason::from_wchan(
                &self.read_file(&format!("{pid}/task/{tid}/wchan")).unwrap_or_default(),
            ),
        }
    }

    /// Reads the signal set of 64 bits at an address in the memory of a thread.
    fn read_sigset(&self, tid: u32, address: u64, read: ReadMemory) -> Option<SignalSet> {
        let (path, mut bits) = (self.directory().join(format!("{tid}/mem")), Vec::new());
        let length = read(&path, address, &mut bits, 8).ok()?;
        let bits: [u8; 8] = bits.get(..length)?.try_into().ok()?;
        let set = SignalSet::from_bits(u64::from_ne_bytes(bits).into());
        // The kernel removes KILL and STOP, for which no thread can wait.
        let waitable =
            |signal: &Signal| Arch::NATIVE.standard_signal(*signal).is_none_or(|info| info.is_catchable());
        Some(set.iter().filter(waitable).collect())
    }

    /// Reads the signal set of a signalfd. The deadline of `read` is necessary
    /// because the descriptor may have been replaced, and the fdinfo of an
    /// epoll(7) descriptor takes a lock that a file server can keep.
    fn signalfd(&self, path: &str, read: ReadMemory) -> Option<SignalSet> {
        const MAX_FDINFO_SIZE: usize = 8192;
        let mut text = Vec::new();
        let length = read(&self.directory().join(path), 0, &mut text, MAX_FDINFO_SIZE).ok()?;
        parse_signalfd_mask(&text[..length])
    }

    /// Reads the signalfd descriptors of a process (signalfd(2)).
    pub(super) fn signalfds(&self, pid: u32, read: ReadMemory) -> Option<Vec<(u32, SignalSet)>> {
        let links = std::fs::read_dir(self.directory().join(format!("{pid}/fd"))).ok()?;
        let mut signalfds = Vec::new();
        for link in links.flatten() {
            let Some(fd) = link.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let target = std::fs::read_link(link.path()).unwrap_or_default();
            if target.as_os_str() == "anon_inode:[signalfd]" {
                let set = self.signalfd(&format!("{pid}/fdinfo/{fd}"), read);
                signalfds.extend(set.map(|set| (fd, set)));
            }
        }
        Some(signalfds)
    }

    /// Returns the wait status of a zombie; `None` if it is not a zombie, or if
    /// the permission to read the status is missing.
    pub fn zombie_wait_status(&self, pid: u32) -> Option<i32> {
        let stat = self.stat(pid).ok().filter(|stat| stat.state.has_exited())?;
        // Without permission the kernel prints 0. Reading a link needs the same
        // permission: for a zombie the link does not exist, and the kernel says
        // so only with permission.
        let link = std::fs::read_link(self.directory().join(format!("{pid}/cwd")));
        let denied = link.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        stat.exit_code.filter(|_| !denied)
    }

    pub(super) fn is_initial_pid_namespace(&self) -> bool {
        let link = std::fs::read_link(self.directory().join("self/ns/pid"));
        link.map_or(true, |link| link.as_os_str() == INITIAL_PID_NAMESPACE)
    }

    pub(super) fn predict_core_dump(&self, pid: u32, status: &ProcStatus) -> CoreDumpPrediction {
        use std::os::unix::fs::MetadataExt;
        let limits = self.directory().join(format!("{pid}/limits"));
        // The files of a process that is not dumpable belong to root, regardless
        // of its user (`task_dump_owner` in fs/proc/base.c).
        let owner = std::fs::metadata(&limits).map(|metadata| metadata.uid());
        if let (Ok(0), Some((_, 1..))) = (owner, status.uids) {
            return CoreDumpPrediction::NotDumpable;
        }
        // The limit does not apply to a program that reads the dump from a pipe.
        let pattern = self.read_file("sys/kernel/core_pattern").unwrap_or_default();
        let limit = self.read_file(&format!("{pid}/limits")).ok().as_deref().and_then(parse_core_limit);
        match limit {
            // The kernel uses a limit of 1 to prevent recursive dumps (core(5)).
            Some(1) => CoreDumpPrediction::DisabledByLimit,
            _ if pattern.starts_with(b"|") => CoreDumpPrediction::WouldDump,
            // The kernel does not start a dump of less than a page
            // (`min_coredump` in fs/binfmt_elf.c).
            Some(0..4096) => CoreDumpPrediction::DisabledByLimit,
            Some(_) => CoreDumpPrediction::WouldDump,
            None => CoreDumpPrediction::Unknown,
        }
    }
}

/// Parses the set in the fdinfo of a signalfd: `sigmask:` and 16 digits.
fn parse_signalfd_mask(text: &[u8]) -> Option<SignalSet> {
    let lines = text.split(|byte| *byte == b'\n');
    let digits = lines.into_iter().find_map(|line| line.strip_prefix(b"sigmask:"))?;
    hex_mask::parse_full_width(digits.trim_ascii()).ok().map(|(set, _)| set)
}

/// Parses the soft limit in the line `Max core file size` of /proc/PID/limits, in
/// bytes; `u64::MAX` if it is unlimited.
fn parse_core_limit(text: &[u8]) -> Option<u64> {
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

    fn fail_with_timeout(_: &std::path::Path, _: u64, _: &mut Vec<u8>, _: usize) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::TimedOut.into())
    }

    #[test]
    fn takes_snapshot_of_own_process() {
        let snapshot = ProcRoot::default().snapshot(std::process::id(), None, fail_with_timeout).unwrap();
        assert_eq!(snapshot.status.tgid, Some(std::process::id()));
        assert!(snapshot.threads.is_some_and(|threads| threads.live_count() > 0));
        assert!(snapshot.signalfds.is_some_and(|signalfds| signalfds.is_empty()));
    }

    #[test]
    fn parses_signalfd_mask_and_core_limit() {
        let set = parse_signalfd_mask(b"pos:\t0\nflags:\t02\nsigmask:\t0000000000004002\n");
        assert_eq!(set.map(SignalSet::bits), Some(0x4002));
        assert_eq!(parse_signalfd_mask(b"pos:\t0\n"), None);
        let limits = |soft: &str| {
            parse_core_limit(
                format!("Limit  Soft\nMax core file size        {soft}   unlimited  bytes\n").as_bytes(),
            )
        };
        assert_eq!((limits("0"), limits("unlimited"), limits("x")), (Some(0), Some(u64::MAX), None));
    }
}
