//! Holding a process by a descriptor: whatever happens to its number, the
//! descriptor means this process (pidfd_open(2)).

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::c_int;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::signal::exit_status::Termination;
use crate::sys::io::file;
use crate::sys::signal::send::{MaybeSignal, check_syscall, signal_number, sigqueue_siginfo};
use crate::sys::signal::siginfo::RawSiginfo;

/// The signal goes to the process group that the held process leads (uapi
/// linux/pidfd.h; since Linux 6.9).
pub(in crate::sys) const PIDFD_SIGNAL_PROCESS_GROUP: c_int = 1 << 2;

/// The magic number of pidfs, the file system of pidfds (uapi linux/magic.h;
/// since Linux 6.9). Before, they are on that of anonymous inodes.
const PIDFS_MAGIC: u32 = 0x5049_4446;

/// What neither call gives for its target, or pidfd_open(2) at all: the call
/// itself is not there, or a seccomp filter refuses it.
const CALL_REFUSED: [c_int; 3] = [libc::ENOSYS, libc::EPERM, libc::EACCES];

/// ioctl(2) on a pidfd (uapi linux/pidfd.h).
const PIDFS_IOCTL_MAGIC: u32 = 0xff;
const PIDFD_GET_INFO: u32 = 11;
/// The exit status is asked for, or given.
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// struct pidfd_info, as it was first made; newer kernels take it, too.
#[repr(C)]
#[derive(Default)]
struct PidFdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}
const _: () = assert!(size_of::<PidFdInfo>() == 64);

/// A system call that pidfds need and that cannot be used here.
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

    /// What an error of [`PidFd::open`] says about pidfd_open(2) itself; `None`
    /// if the error is about the process.
    pub fn by_opening(error: &io::Error) -> Option<Unavailable> {
        // It needs no permission, so that each of these is about the call.
        error.raw_os_error().filter(|error| CALL_REFUSED.contains(error)).map(Unavailable::open)
    }

    /// What an error of [`PidFd::send`] says about pidfd_send_signal(2) itself;
    /// `None` if the error is about the process.
    pub fn by_sending(error: &io::Error) -> Option<Unavailable> {
        let refused = error.raw_os_error().is_some_and(|error| CALL_REFUSED.contains(&error));
        // Another user's process gives EPERM, too. This process never does.
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
                    "{call}(2) is not available (needs Linux {since}; probably blocked by a seccomp filter)"
                )
            }
            _ => write!(f, "{call}(2) is denied (probably by a seccomp filter)"),
        }
    }
}

/// Checks on this process whether processes can be held.
///
/// # Errors
/// The system call that is missing.
pub fn check_open() -> Result<(), Unavailable> {
    match PidFd::open(std::process::id()) {
        Err(error) => Unavailable::by_opening(&error).map_or(Ok(()), Err),
        Ok(_) => Ok(()),
    }
}

/// Checks on this process whether processes can be held and signalled through
/// that.
///
/// # Errors
/// The system call that is missing.
pub fn check_calls() -> Result<(), Unavailable> {
    let sent = match PidFd::open(std::process::id()) {
        Err(error) => return Unavailable::by_opening(&error).map_or(Ok(()), Err),
        Ok(own) => own.send(None, None),
    };
    let error = sent.err().and_then(|error| error.raw_os_error());
    error.filter(|error| CALL_REFUSED.contains(error)).map_or(Ok(()), |error| Err(Unavailable::send(error)))
}

/// A held process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Holds the process of this number.
    ///
    /// # Errors
    /// ESRCH where there is none; EINVAL or ENOENT where the number is a
    /// thread's; others if the call is not available ([`Unavailable`]).
    pub fn open(pid: u32) -> io::Result<PidFd> {
        let pid = c_int::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
        // SAFETY: pidfd_open(2) takes plain numbers.
        let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        check_syscall(answer)?;
        let descriptor = c_int::try_from(answer).map_err(io::Error::other)?;
        // SAFETY: the kernel has just given this descriptor to us alone.
        Ok(PidFd(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Sends to the process, with a value or without.
    ///
    /// # Errors
    /// ESRCH where it has been reaped, EPERM; EAGAIN where the queue is full.
    pub fn send(&self, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
        self.send_with_flags(signal, value, 0)
    }

    /// Sends to the process group that the process leads.
    ///
    /// # Errors
    /// EINVAL before Linux 6.9; else as [`PidFd::send`].
    pub fn send_to_group(&self, signal: MaybeSignal, value: Option<i32>) -> io::Result<()> {
        self.send_with_flags(signal, value, PIDFD_SIGNAL_PROCESS_GROUP)
    }

    fn send_with_flags(&self, signal: MaybeSignal, value: Option<i32>, flags: c_int) -> io::Result<()> {
        let info = value.map(|value| sigqueue_siginfo(signal, value));
        let pointer = info.as_ref().map_or(std::ptr::null(), RawSiginfo::as_ptr);
        // SAFETY: the pointer is null, which is allowed, or to a whole siginfo
        // that outlives the call and is read only.
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

    /// The inode that no other process since boot has had. `None` if the kernel
    /// gives the same inode to all pidfds, as before Linux 6.9.
    ///
    /// # Errors
    /// What fstat(2) and fstatfs(2) say.
    pub fn inode(&self) -> io::Result<Option<u64>> {
        unique_inode(self.as_fd())
    }

    /// How the process ended, also where it was no child of ours; `None` until
    /// its parent has reaped it (PIDFD_GET_INFO in uapi linux/pidfd.h).
    ///
    /// # Errors
    /// ENOTTY or EINVAL where the kernel cannot tell (before Linux 6.15).
    pub fn termination(&self) -> io::Result<Option<Termination>> {
        let mut info = PidFdInfo { mask: PIDFD_INFO_EXIT, ..PidFdInfo::default() };
        let request = libc::_IOWR::<PidFdInfo>(PIDFS_IOCTL_MAGIC, PIDFD_GET_INFO);
        // SAFETY: the ioctl fills in at most the size that its number tells,
        // which is that of `info`.
        match check_syscall(unsafe { libc::ioctl(self.0.as_raw_fd(), request, &raw mut info) }.into()) {
            Ok(()) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Termination::from_wait_status(info.exit_code)),
            Ok(()) if self.is_reaped()? => Err(io::Error::from_raw_os_error(libc::ENOTTY)),
            Ok(()) => Ok(None),
            // No such process any more, and nothing kept of it.
            Err(error) => Err(error),
        }
    }

    /// Whether the process is known to have been reaped. Old kernels do not tell.
    pub fn poll_hangup(&self) -> bool {
        self.is_reaped().unwrap_or(false)
    }

    fn is_reaped(&self) -> io::Result<bool> {
        let mut waited = [PollFd::new(self.as_fd(), PollFlags::empty())];
        poll(&mut waited, PollTimeout::ZERO)?;
        Ok(waited[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
    }

    /// Waits until the process has ended; gives whether it has.
    ///
    /// # Errors
    /// What poll(2) says, but for interruptions, after which it waits on.
    pub fn wait_for_exit(&self, time: Duration) -> io::Result<bool> {
        wait_readable(self.as_fd(), &[], Some(time))
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The inode of a descriptor on pidfs, where each process has its own; `None` on
/// any other file system, where it means nothing.
fn unique_inode(descriptor: BorrowedFd<'_>) -> io::Result<Option<u64>> {
    if file::file_system_magic(descriptor)? != PIDFS_MAGIC {
        return Ok(None);
    }
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat(2) fills a whole stat in where it succeeds.
    check_syscall(unsafe { libc::fstat(descriptor.as_raw_fd(), stat.as_mut_ptr()) }.into())?;
    // SAFETY: it has succeeded.
    Ok(Some(unsafe { stat.assume_init() }.st_ino))
}

/// Waits until one of the processes has ended, or the time is up (`None`: for
/// ever); gives who has ended, in their order.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub fn wait_for_exits(held: &[&PidFd], time: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut waited: Vec<PollFd<'_>> =
        held.iter().map(|each| PollFd::new(each.as_fd(), PollFlags::POLLIN)).collect();
    poll_with_timeout(&mut waited, time)?;
    Ok(waited.iter().map(|each| each.revents().is_some_and(|events| !events.is_empty())).collect())
}

/// Waits until one of the descriptors has something to read, or the time is up
/// (`None`: for ever); gives whether one has.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub fn wait_readable(
    first: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    time: Option<Duration>,
) -> io::Result<bool> {
    let all = std::iter::once(first).chain(others.iter().copied());
    let mut waited: Vec<PollFd<'_>> = all.map(|each| PollFd::new(each, PollFlags::POLLIN)).collect();
    poll_with_timeout(&mut waited, time)
}

/// Waits until poll(2) finds something, or the time is up (`None`: for ever);
/// gives whether it has.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub(in crate::sys) fn poll_with_timeout(
    waited: &mut [PollFd<'_>],
    time: Option<Duration>,
) -> io::Result<bool> {
    let end = time.and_then(|time| Instant::now().checked_add(time));
    loop {
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        // Rounded up, so that it does not turn round before the time is up.
        let millis = left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32;
        match poll(waited, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)) {
            Ok(0) if end.is_some_and(|end| end <= Instant::now()) => return Ok(false),
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(command: &mut std::process::Command) -> (std::process::Child, PidFd) {
        let child = command.spawn().expect("a command");
        let held = PidFd::open(child.id()).expect("a held child");
        (child, held)
    }

    #[test]
    fn wait_for_exit_reports_exit_and_timeout() {
        let mut sleep = std::process::Command::new("sleep");
        let (mut child, fd) = held(sleep.arg("1000"));
        assert!(!fd.wait_for_exit(Duration::from_millis(5)).expect("poll"));
        fd.send(crate::signal::Signal::new(9), None).expect("sent");
        assert!(fd.wait_for_exit(Duration::from_secs(60)).expect("poll"));
        // Nobody has reaped it yet; then the kernel tells, if it is new enough.
        assert_eq!(fd.termination().unwrap_or(None), None);
        assert!(wait_for_exits(&[&fd], None).expect("poll") == [true]);
        child.wait().expect("reaped");
        if let Ok(ending) = fd.termination() {
            assert_eq!(ending.map(|ending| ending.to_string()).as_deref(), Some("killed by KILL"));
        }
        let gone = fd.send(None, None).expect_err("it has been reaped");
        assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
    }

    /// Before Linux 6.9 a pidfd is an anonymous inode, as an eventfd still is.
    #[test]
    fn inode_is_unique_on_pidfs_alone() {
        let own = PidFd::open(std::process::id()).expect("a pidfd");
        let (mut child, other) = held(std::process::Command::new("sleep").arg("1000"));
        if let Some(inode) = own.inode().expect("fstat") {
            let again = PidFd::open(std::process::id()).expect("a pidfd");
            assert_eq!(again.inode().expect("fstat"), Some(inode));
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
    fn calls_are_available_or_named() {
        assert_eq!((check_open(), check_calls()), (Ok(()), Ok(())));
        let by_opening = |error| Unavailable::by_opening(&io::Error::from_raw_os_error(error));
        for error in CALL_REFUSED {
            assert_eq!(by_opening(error), Some(Unavailable::open(error)));
            // Here the call itself works, so that the error is the target's.
            assert_eq!(Unavailable::by_sending(&io::Error::from_raw_os_error(error)), None);
        }
        for error in [libc::ESRCH, libc::EINVAL, libc::ENOENT, libc::EMFILE] {
            assert_eq!(by_opening(error), None);
        }
        let said = [Unavailable::open(libc::EPERM), Unavailable::send(libc::ENOSYS)].map(|it| it.to_string());
        assert_eq!(
            said,
            [
                "pidfd_open(2) is denied (probably by a seccomp filter)",
                "pidfd_send_signal(2) is not available (needs Linux 5.1; probably blocked by a seccomp filter)"
            ]
        );
    }

    #[test]
    fn open_rejects_invalid_pids() {
        for pid in [u32::MAX, 1 << 31, 4_194_305] {
            let error = PidFd::open(pid).expect_err("nobody");
            assert_eq!(error.raw_os_error(), Some(libc::ESRCH), "{pid}");
        }
        assert!(PidFd::open(0).is_err());
    }
}
