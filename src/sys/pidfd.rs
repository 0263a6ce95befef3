//! Holding a process by a descriptor: whatever happens to its number, the
//! descriptor means this process (pidfd_open(2)).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::c_int;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::deliver::{Sent, check, number, queued};
use super::siginfo::Raw;
use crate::signal::exit::Ending;

/// The signal goes to the process group that the held process leads (uapi
/// linux/pidfd.h; since Linux 6.9).
pub(super) const PIDFD_SIGNAL_PROCESS_GROUP: c_int = 1 << 2;

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

/// A held process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Holds the process of this number.
    ///
    /// # Errors
    /// ESRCH where there is none; EINVAL or ENOENT where the number is a
    /// thread's; ENOSYS before Linux 5.3 and where a sandbox forbids it.
    pub fn open(pid: u32) -> io::Result<PidFd> {
        let pid = c_int::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
        // SAFETY: pidfd_open(2) takes plain numbers.
        let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        check(answer)?;
        let descriptor = c_int::try_from(answer).map_err(io::Error::other)?;
        // SAFETY: the kernel has just given this descriptor to us alone.
        Ok(PidFd(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Sends to the process, with a value or without.
    ///
    /// # Errors
    /// ESRCH where it has been reaped, EPERM; EAGAIN where the queue is full.
    pub fn send(&self, signal: Sent, value: Option<i32>) -> io::Result<()> {
        self.deliver(signal, value, 0)
    }

    /// Sends to the process group that the process leads.
    ///
    /// # Errors
    /// EINVAL before Linux 6.9; else as [`PidFd::send`].
    pub fn send_to_group(&self, signal: Sent, value: Option<i32>) -> io::Result<()> {
        self.deliver(signal, value, PIDFD_SIGNAL_PROCESS_GROUP)
    }

    fn deliver(&self, signal: Sent, value: Option<i32>, flags: c_int) -> io::Result<()> {
        let info = value.map(|value| queued(signal, value));
        let pointer = info.as_ref().map_or(std::ptr::null(), Raw::as_ptr);
        // SAFETY: the pointer is null, which is allowed, or to a whole siginfo
        // that outlives the call and is read only.
        check(unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), number(signal), pointer, flags)
        })
    }

    /// The inode that tells this process from every other one since boot
    /// (pidfs, Linux 6.9; before it all descriptors share one).
    ///
    /// # Errors
    /// What fstat(2) says.
    pub fn inode(&self) -> io::Result<u64> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat(2) fills a whole stat in where it succeeds.
        check(unsafe { libc::fstat(self.0.as_raw_fd(), stat.as_mut_ptr()) }.into())?;
        // SAFETY: it has succeeded.
        Ok(unsafe { stat.assume_init() }.st_ino)
    }

    /// How the process ended, also where it was no child of ours; `None` until
    /// its parent has reaped it (PIDFD_GET_INFO in uapi linux/pidfd.h).
    ///
    /// # Errors
    /// ENOTTY or EINVAL where the kernel cannot tell (before Linux 6.15).
    pub fn ending(&self) -> io::Result<Option<Ending>> {
        let mut info = PidFdInfo { mask: PIDFD_INFO_EXIT, ..PidFdInfo::default() };
        let request = libc::_IOWR::<PidFdInfo>(PIDFS_IOCTL_MAGIC, PIDFD_GET_INFO);
        // SAFETY: the ioctl fills in at most the size that its number tells,
        // which is that of `info`.
        match check(unsafe { libc::ioctl(self.0.as_raw_fd(), request, &raw mut info) }.into()) {
            Ok(()) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Ending::of_wait_status(info.exit_code)),
            Ok(()) if self.has_hung_up()? => Err(io::Error::from_raw_os_error(libc::ENOTTY)),
            Ok(()) => Ok(None),
            // No such process any more, and nothing kept of it.
            Err(error) => Err(error),
        }
    }

    /// Whether the process has been reaped.
    fn has_hung_up(&self) -> io::Result<bool> {
        let mut waited = [PollFd::new(self.as_fd(), PollFlags::empty())];
        poll(&mut waited, PollTimeout::ZERO)?;
        Ok(waited[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
    }

    /// Waits until the process has ended; gives whether it has.
    ///
    /// # Errors
    /// What poll(2) says, but for interruptions, after which it waits on.
    pub fn wait(&self, time: Duration) -> io::Result<bool> {
        wait_for_any(self.as_fd(), &[], Some(time))
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of the processes has ended, or the time is up (`None`: for
/// ever); gives who has ended, in their order.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub fn wait_for_ends(held: &[&PidFd], time: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut waited: Vec<PollFd<'_>> =
        held.iter().map(|each| PollFd::new(each.as_fd(), PollFlags::POLLIN)).collect();
    poll_until(&mut waited, time)?;
    Ok(waited.iter().map(|each| each.revents().is_some_and(|events| !events.is_empty())).collect())
}

/// Waits until one of the descriptors has something to read, or the time is up
/// (`None`: for ever); gives whether one has.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub fn wait_for_any(
    first: BorrowedFd<'_>,
    others: &[BorrowedFd<'_>],
    time: Option<Duration>,
) -> io::Result<bool> {
    let all = std::iter::once(first).chain(others.iter().copied());
    let mut waited: Vec<PollFd<'_>> = all.map(|each| PollFd::new(each, PollFlags::POLLIN)).collect();
    poll_until(&mut waited, time)
}

/// Waits until poll(2) finds something, or the time is up (`None`: for ever);
/// gives whether it has.
///
/// # Errors
/// What poll(2) says, but for interruptions, after which it waits on.
pub(super) fn poll_until(waited: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<bool> {
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
    fn an_end_is_seen_and_a_life_is_waited_for() {
        let mut sleep = std::process::Command::new("sleep");
        let (mut child, fd) = held(sleep.arg("1000"));
        assert!(!fd.wait(Duration::from_millis(5)).expect("poll"));
        fd.send(crate::signal::Signal::new(9), None).expect("sent");
        assert!(fd.wait(Duration::from_secs(60)).expect("poll"));
        // Nobody has reaped it yet; then the kernel tells, if it is new enough.
        assert_eq!(fd.ending().unwrap_or(None), None);
        assert!(wait_for_ends(&[&fd], None).expect("poll") == [true]);
        child.wait().expect("reaped");
        if let Ok(ending) = fd.ending() {
            assert_eq!(ending.map(|ending| ending.to_string()).as_deref(), Some("killed by KILL"));
        }
        let gone = fd.send(None, None).expect_err("it has been reaped");
        assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn impossible_numbers_are_nobody() {
        for pid in [u32::MAX, 1 << 31, 4_194_305] {
            let error = PidFd::open(pid).expect_err("nobody");
            assert_eq!(error.raw_os_error(), Some(libc::ESRCH), "{pid}");
        }
        assert!(PidFd::open(0).is_err());
    }
}
