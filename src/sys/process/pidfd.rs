//! Process file descriptors: a pidfd refers to the same process even if its PID is
//! reused (pidfd_open(2)).

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::c_int;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::signal::exit_status::Termination;
use crate::sys::io::file;
use crate::sys::signal::send::{MaybeSignal, check_syscall, sigqueue_siginfo};
use crate::sys::signal::siginfo::{RawSiginfo, signal_number};

/// The flag for sending the signal to the process group that the process leads (uapi
/// linux/pidfd.h; since Linux 6.9).
pub(in crate::sys) const PIDFD_SIGNAL_PROCESS_GROUP: c_int = 1 << 2;

/// The magic number of pidfs, the file system of pidfds (uapi linux/magic.h; since
/// Linux 6.9). Older kernels use the file system of anonymous inodes.
const PIDFS_MAGIC: u32 = 0x5049_4446;

/// The errors if a call is missing or a seccomp filter rejects it. pidfd_open(2) returns
/// none of them for its target; pidfd_send_signal(2) can return EPERM.
const CALL_REFUSED: [c_int; 3] = [libc::ENOSYS, libc::EPERM, libc::EACCES];

/// The ioctl(2) requests of pidfds (uapi linux/pidfd.h).
const PIDFS_IOCTL_MAGIC: u32 = 0xff;
const PIDFD_GET_INFO: u32 = 11;
/// The flag that requests the exit status, and that marks it as present.
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// struct pidfd_info in its first version, which newer kernels accept, too.
#[repr(C)]
#[derive(Default)]
struct PidFdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}
const _: () = assert!(size_of::<PidFdInfo>() == 64);

/// A system call for pidfds that does not work on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    call: &'static str,
    since: &'static str,
    error: c_int,
}

impl Unavailable {
    const fn open(error: c_int) -> Unavailable {
        Unavailable { call: "pidfd_open", since: "5.3", error }
    }

    const fn send(error: c_int) -> Unavailable {
        Unavailable { call: "pidfd_send_signal", since: "5.1", error }
    }

    /// The reason for an error of [`PidFd::open`], if pidfd_open(2) itself does not
    /// work; `None` if the error is about the process.
    pub fn by_opening(error: &io::Error) -> Option<Unavailable> {
        // The call needs no permission for the process.
        error.raw_os_error().filter(|error| CALL_REFUSED.contains(error)).map(Unavailable::open)
    }

    /// The reason for an error of [`PidFd::send`], if pidfd_send_signal(2) itself does
    /// not work; `None` if the error is about the process.
    pub fn by_sending(error: &io::Error) -> Option<Unavailable> {
        let refused = error.raw_os_error().is_some_and(|error| CALL_REFUSED.contains(&error));
        // EPERM can mean a process of another user. For this process it cannot.
        if refused { check_calls().err() } else { None }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unavailable { call, since, error } = self;
        match *error {
            libc::ENOSYS => {
                write!(
                    f,
                    "{call}(2) is not available (needs Linux {since}; probably a seccomp filter hides it)"
                )
            }
            _ => write!(f, "{call}(2) is refused (probably by a seccomp filter)"),
        }
    }
}

/// Checks with this process whether pidfd_open(2) works.
///
/// # Errors
/// The system call that does not work.
pub fn check_open() -> Result<(), Unavailable> {
    match PidFd::open(std::process::id()) {
        Err(error) => Unavailable::by_opening(&error).map_or(Ok(()), Err),
        Ok(_) => Ok(()),
    }
}

/// Checks with this process whether pidfd_open(2) and pidfd_send_signal(2) work.
///
/// # Errors
/// The system call that does not work.
pub fn check_calls() -> Result<(), Unavailable> {
    let result = match PidFd::open(std::process::id()) {
        Err(error) => return Unavailable::by_opening(&error).map_or(Ok(()), Err),
        Ok(own) => own.send(None, None),
    };
    let error = result.err().and_then(|error| error.raw_os_error());
    error.filter(|error| CALL_REFUSED.contains(error)).map_or(Ok(()), |error| Err(Unavailable::send(error)))
}

/// A file descriptor that refers to a process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a pidfd for the process with this PID.
    ///
    /// # Errors
    /// ESRCH if there is none; EINVAL or ENOENT if the ID is that of a thread; others if
    /// the call does not work ([`Unavailable`]).
    pub fn open(pid: u32) -> io::Result<PidFd> {
        let pid = c_int::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
        // SAFETY: the arguments of pidfd_open(2) are plain numbers.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        check_syscall(result)?;
        let descriptor = c_int::try_from(result).map_err(io::Error::other)?;
        // SAFETY: the kernel has just opened this descriptor, and nothing else owns it.
        Ok(PidFd(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Sends a signal to the process, with or without a value.
    ///
    /// # Errors
    /// ESRCH if it has been reaped, EPERM; EAGAIN if the queue is full.
    pub fn send(&self, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
        self.send_with_flags(signal, value, 0)
    }

    /// Sends a signal to the process group that the process leads.
    ///
    /// # Errors
    /// EINVAL before Linux 6.9; otherwise as [`PidFd::send`].
    pub fn send_to_group(&self, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
        self.send_with_flags(signal, value, PIDFD_SIGNAL_PROCESS_GROUP)
    }

    fn send_with_flags(&self, signal: MaybeSignal, value: Option<i32>, flags: c_int) -> io::Result<()> {
        let info = value.map(|value| sigqueue_siginfo(signal, value));
        let pointer = info.as_ref().map_or(std::ptr::null(), RawSiginfo::as_ptr);
        // SAFETY: the pointer is null, which is allowed, or to a whole siginfo that
        // outlives the call, which only reads it.
        check_syscall(unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal_number(signal),
                pointer,
                flags,
            )
        })
    }

    /// The inode number, which is unique to this process since boot. `None` if all
    /// pidfds have the same inode, as before Linux 6.9.
    ///
    /// # Errors
    /// The errors of fstat(2) and fstatfs(2).
    pub fn inode(&self) -> io::Result<Option<u64>> {
        unique_inode(self.as_fd())
    }

    /// The exit status of the process, which need not be a child; `None` until its parent
    /// has reaped it (PIDFD_GET_INFO in uapi linux/pidfd.h).
    ///
    /// # Errors
    /// ENOTTY or EINVAL if the kernel does not report it (before Linux 6.15).
    pub fn termination(&self) -> io::Result<Option<Termination>> {
        let mut info = PidFdInfo { mask: PIDFD_INFO_EXIT, ..PidFdInfo::default() };
        let request = libc::_IOWR::<PidFdInfo>(PIDFS_IOCTL_MAGIC, PIDFD_GET_INFO);
        // SAFETY: the ioctl fills in at most the size that is part of its request number,
        // which is the size of `info`.
        match check_syscall(unsafe { libc::ioctl(self.0.as_raw_fd(), request, &raw mut info) }.into()) {
            Ok(()) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Termination::from_wait_status(info.exit_code)),
            Ok(()) if self.is_reaped()? => Err(io::Error::from_raw_os_error(libc::ENOTTY)),
            Ok(()) => Ok(None),
            // The process does not exist, and the kernel has no exit status for it.
            Err(error) => Err(error),
        }
    }

    /// Whether the process has been reaped; `false` on kernels that do not report it.
    pub fn poll_hangup(&self) -> bool {
        self.is_reaped().unwrap_or(false)
    }

    fn is_reaped(&self) -> io::Result<bool> {
        let mut polled = [PollFd::new(self.as_fd(), PollFlags::empty())];
        poll(&mut polled, PollTimeout::ZERO)?;
        Ok(polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
    }

    /// Waits until the process has exited, at most for `time`. Returns whether it has.
    ///
    /// # Errors
    /// The errors of poll(2), except interruptions, after which it continues to wait.
    pub fn wait_for_exit(&self, time: Duration) -> io::Result<bool> {
        wait_readable(self.as_fd(), &[], Some(time))
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The inode number of a descriptor on pidfs, where it is unique to the process; `None`
/// on any other file system.
fn unique_inode(descriptor: BorrowedFd<'_>) -> io::Result<Option<u64>> {
    if file::file_system_magic(descriptor)? != PIDFS_MAGIC {
        return Ok(None);
    }
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat(2) fills in a whole stat if it succeeds.
    check_syscall(unsafe { libc::fstat(descriptor.as_raw_fd(), stat.as_mut_ptr()) }.into())?;
    // SAFETY: fstat(2) has succeeded.
    Ok(Some(unsafe { stat.assume_init() }.st_ino))
}

/// Waits until one of the processes has exited or the time is over (`None`: without a
/// limit). Returns for each process whether it has exited.
///
/// # Errors
/// The errors of poll(2), except interruptions, after which it continues to wait.
pub fn wait_for_exits(pidfds: &[&PidFd], time: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        pidfds.iter().map(|pidfd| PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)).collect();
    poll_with_timeout(&mut polled, time)?;
    Ok(polled.iter().map(|entry| entry.revents().is_some_and(|events| !events.is_empty())).collect())
}

/// Waits until one of the descriptors is readable or the time is over (`None`: without
/// a limit). Returns whether one is.
///
/// # Errors
/// The errors of poll(2), except interruptions, after which it continues to wait.
pub fn wait_readable(
    first: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    time: Option<Duration>,
) -> io::Result<bool> {
    let all = std::iter::once(first).chain(others.iter().copied());
    let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    poll_with_timeout(&mut polled, time)
}

/// Waits until poll(2) reports an event or the time is over (`None`: without a limit).
/// Returns whether there is an event.
///
/// # Errors
/// The errors of poll(2), except interruptions, after which it continues to wait.
pub(in crate::sys) fn poll_with_timeout(
    polled: &mut [PollFd<'_>],
    time: Option<Duration>,
) -> io::Result<bool> {
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    loop {
        let rest = deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        // Rounded up, so that the loop does not spin before the deadline.
        let millis = rest.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32;
        match poll(polled, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)) {
            Ok(0) if deadline.is_some_and(|end| end <= Instant::now()) => return Ok(false),
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(command: &mut std::process::Command) -> (std::process::Child, PidFd) {
        let child = command.spawn().expect("a command");
        let pidfd = PidFd::open(child.id()).expect("a pidfd");
        (child, pidfd)
    }

    #[test]
    fn wait_for_exit_reports_exit_and_timeout() {
        let mut sleep = std::process::Command::new("sleep");
        let (mut child, fd) = start(sleep.arg("1000"));
        assert!(!fd.wait_for_exit(Duration::from_millis(5)).expect("poll"));
        fd.send(crate::signal::Signal::new(9), None).expect("sent");
        assert!(fd.wait_for_exit(Duration::from_secs(60)).expect("poll"));
        // The exit status is available after the child has been reaped, if the kernel is new
        // enough.
        assert_eq!(fd.termination().unwrap_or(None), None);
        assert!(wait_for_exits(&[&fd], None).expect("poll") == [true]);
        child.wait().expect("reaped");
        if let Ok(termination) = fd.termination() {
            assert_eq!(termination.map(|it| it.to_string()).as_deref(), Some("killed by KILL"));
        }
        let error = fd.send(None, None).expect_err("it has been reaped");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }

    /// Before Linux 6.9 a pidfd is an anonymous inode, like a signalfd.
    #[test]
    fn inode_is_unique_only_on_pidfs() {
        let own = PidFd::open(std::process::id()).expect("a pidfd");
        let (mut child, other) = start(std::process::Command::new("sleep").arg("1000"));
        if let Some(inode) = own.inode().expect("fstat") {
            let second = PidFd::open(std::process::id()).expect("a pidfd");
            assert_eq!(second.inode().expect("fstat"), Some(inode));
            assert_ne!(other.inode().expect("fstat"), Some(inode));
        }
        let anonymous = crate::sys::signal::signalfd::SignalFd::open(crate::signal::SignalSet::EMPTY);
        let anonymous = anonymous.expect("a signalfd");
        let file = std::fs::File::open("/dev/null").expect("a file");
        for descriptor in [anonymous.as_fd(), file.as_fd()] {
            assert_eq!(unique_inode(descriptor).expect("fstat"), None);
        }
        child.kill().and_then(|()| child.wait()).expect("our own child");
    }

    #[test]
    fn unavailable_distinguishes_call_and_target() {
        assert_eq!((check_open(), check_calls()), (Ok(()), Ok(())));
        let by_opening = |error| Unavailable::by_opening(&io::Error::from_raw_os_error(error));
        for error in CALL_REFUSED {
            assert_eq!(by_opening(error), Some(Unavailable::open(error)));
            // The call works on this system, so the error is about the target.
            assert_eq!(Unavailable::by_sending(&io::Error::from_raw_os_error(error)), None);
        }
        for error in [libc::ESRCH, libc::EINVAL, libc::ENOENT, libc::EMFILE] {
            assert_eq!(by_opening(error), None);
        }
        let messages =
            [Unavailable::open(libc::EPERM), Unavailable::send(libc::ENOSYS)].map(|it| it.to_string());
        assert_eq!(
            messages,
            [
                "pidfd_open(2) is refused (probably by a seccomp filter)",
                "pidfd_send_signal(2) is not available (needs Linux 5.1; probably a seccomp filter hides it)"
            ]
        );
    }

    #[test]
    fn open_rejects_invalid_pids() {
        for pid in [u32::MAX, 1 << 31, 4_194_305] {
            let error = PidFd::open(pid).expect_err("no process");
            assert_eq!(error.raw_os_error(), Some(libc::ESRCH), "{pid}");
        }
        assert!(PidFd::open(0).is_err());
    }
}
