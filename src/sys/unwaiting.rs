//! Writing without waiting: to a pipe that nobody empties, or a terminal that
//! is held by Ctrl-S, a write gives `WouldBlock`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libc::c_int;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::pidfd::poll_until;

/// The side of a pseudo-terminal that is opened anew each time: major 5, minor
/// 2 (Documentation/admin-guide/devices.txt).
const PTMX: u64 = libc::makedev(5, 2);

/// What poll(2) promises room for in a pipe (pipe(7), PIPE_BUF).
const SURE: usize = libc::PIPE_BUF;

/// A descriptor, written without waiting. SIGPIPE is to be blocked meanwhile.
#[derive(Debug)]
pub struct Unwaiting {
    file: ManuallyDrop<File>,
    /// Whether the file is another's too, and is not to be closed.
    shared: bool,
    way: Way,
}

/// How a write is kept from waiting.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It does not wait: O_NONBLOCK, or a file.
    Itself,
    /// send(2) can be told.
    Socket,
    /// It could wait, if others fill up the room that poll(2) has seen.
    Asked,
}

/// What [`Unwaiting::wait_beside`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Whether something came before the time was up.
    pub any: bool,
    /// Whether nobody reads any more.
    pub gone: bool,
}

impl Unwaiting {
    /// Standard output. O_NONBLOCK would be set for all that share it: so it is
    /// opened once more, where that gives the same.
    pub fn stdout() -> Unwaiting {
        Unwaiting::standard(libc::STDOUT_FILENO)
    }

    /// Standard error, likewise.
    pub fn stderr() -> Unwaiting {
        Unwaiting::standard(libc::STDERR_FILENO)
    }

    fn standard(descriptor: c_int) -> Unwaiting {
        // SAFETY: the descriptor stays open for the life of the process (the C
        // main sees to it), and ManuallyDrop never closes it.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        let Ok(meta) = file.metadata() else { return Unwaiting { file, shared: true, way: Way::Asked } };
        let kind = meta.file_type();
        if kind.is_socket() {
            return Unwaiting { file, shared: true, way: Way::Socket };
        }
        if kind.is_file() || !is_for_writing(descriptor) {
            return Unwaiting { file, shared: true, way: Way::Itself };
        }
        let path = format!("/proc/self/fd/{descriptor}");
        let again = || open(Path::new(&path), OpenOptions::new().write(true));
        match Some(()).filter(|()| meta.rdev() != PTMX).and_then(|()| again().ok()) {
            Some(own) => Unwaiting { file: ManuallyDrop::new(own), shared: false, way: Way::Itself },
            None => Unwaiting { file, shared: true, way: Way::Asked },
        }
    }

    /// What is at a path, to write behind what is there; created where there is
    /// nothing. A pipe by name stays open, whether or not somebody reads it.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn append(path: &Path) -> io::Result<Unwaiting> {
        let is_pipe = path.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
        let mut options = OpenOptions::new();
        if is_pipe {
            options.read(true).write(true);
        } else {
            options.append(true).create(true);
        }
        let file = ManuallyDrop::new(open(path, &mut options)?);
        Ok(Unwaiting { file, shared: false, way: Way::Itself })
    }

    /// Whether it is a file with something in it.
    pub fn is_begun(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
    }

    /// How many bytes of a pipe by name are lost with its end here: written, read
    /// by nobody yet, and nobody has the pipe open to read them. It is the last
    /// that is done with it.
    pub fn lost_with_us(&mut self) -> usize {
        let (Ok(meta), mut unread) = (self.file.metadata(), 0 as c_int) else { return 0 };
        let is_by_name =
            meta.file_type().is_fifo() && access_mode(self.file.as_raw_fd()) == Some(libc::O_RDWR);
        // SAFETY: FIONREAD (ioctl_list(2)) fills in an int.
        let asked = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::FIONREAD, &raw mut unread) };
        if self.shared || !is_by_name || asked < 0 || unread == 0 {
            return 0;
        }
        // We are a reader ourselves: so ours is closed, and the pipe opened once
        // more, which fails where nobody reads (fifo(7)).
        let path = |of: &File| PathBuf::from(format!("/proc/self/fd/{}", of.as_raw_fd()));
        let handle = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path(&self.file));
        let Ok(handle) = handle else { return 0 };
        let handle_path = path(&handle);
        drop(ManuallyDrop::into_inner(std::mem::replace(&mut self.file, ManuallyDrop::new(handle))));
        match open(&handle_path, OpenOptions::new().write(true)) {
            Ok(file) => {
                // What is written is there as long as somebody has it open.
                self.file = ManuallyDrop::new(file);
                0
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => usize::try_from(unread).unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Waits until there is room, or something is wrong, at most so long.
    pub fn wait(&self, time: Duration) {
        let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], time);
    }

    /// Waits until one of the descriptors has something to read, or there is room
    /// here, if that is of interest, or the time is up (`None`: for ever); also
    /// until whoever reads what is written here has gone: of a pipe, a socket or
    /// a terminal.
    ///
    /// # Errors
    /// What poll(2) says, but for interruptions, after which it waits on.
    pub fn wait_beside(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        room: bool,
        time: Option<Duration>,
    ) -> io::Result<Came> {
        // What is wrong is told without being asked for.
        let own = if room { PollFlags::POLLOUT } else { PollFlags::empty() };
        let own = PollFd::new(self.file.as_fd(), own);
        let read = std::iter::once(first).chain(others.iter().copied());
        let read = read.map(|each| PollFd::new(each, PollFlags::POLLIN));
        let mut waited: Vec<PollFd<'_>> = std::iter::once(own).chain(read).collect();
        let any = poll_until(&mut waited, time)?;
        let found = waited[0].revents().unwrap_or(PollFlags::empty());
        let broken = found.contains(PollFlags::POLLERR) && !matches!(self.way, Way::Socket);
        Ok(Came { any, gone: broken || found.contains(PollFlags::POLLHUP) })
    }

    /// Writes, by a shared reference: as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` where there is none, and what write(2) says.
    pub fn put(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file: &File = &self.file;
        match self.way {
            Way::Itself => file.write(bytes),
            Way::Socket => send(self.file.as_fd(), bytes),
            Way::Asked if self.has_room() => file.write(&bytes[..bytes.len().min(SURE)]),
            Way::Asked => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn has_room(&self) -> bool {
        let mut asked = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// Whether a descriptor may be written to: what stands for a closed one may not,
/// and opening it once more would allow it.
fn is_for_writing(descriptor: c_int) -> bool {
    access_mode(descriptor) != Some(libc::O_RDONLY)
}

fn access_mode(descriptor: c_int) -> Option<c_int> {
    // SAFETY: fcntl(2) with F_GETFL takes a plain number.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    (flags >= 0).then_some(flags & libc::O_ACCMODE)
}

/// A terminal does not become ours by it.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

impl Drop for Unwaiting {
    fn drop(&mut self) {
        if !self.shared {
            // SAFETY: the file is our own, and nobody uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the bytes are as many as is said, and only read.
    let sent = unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn fill(writer: &mut Unwaiting) -> usize {
        let mut written = 0;
        loop {
            match writer.put(&[0; 1 << 16]) {
                Ok(some) => written += some,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return written;
                }
            }
        }
    }

    #[test]
    fn what_is_full_does_not_wait() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut asked = Unwaiting { file: ManuallyDrop::new(file), shared: false, way: Way::Asked };
        let written = fill(&mut asked);
        assert!(written >= 1 << 16);
        reader.read_exact(&mut vec![0; written]).expect("all of it");
        asked.wait(Duration::from_secs(60));
        assert!(asked.put(b"more").is_ok());

        let (_reader, writer) = UnixStream::pair().expect("sockets");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        fill(&mut Unwaiting { file: ManuallyDrop::new(file), shared: false, way: Way::Socket });
    }

    #[test]
    fn a_named_pipe_needs_no_reader() {
        let path = std::env::temp_dir().join(format!("sigtool-unwaiting-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let mut writer = Unwaiting::append(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it was there");
        let written = fill(&mut writer);
        assert!(written > 0 && !writer.is_begun());
        assert_eq!(writer.lost_with_us(), written);
    }

    #[test]
    fn what_somebody_may_still_read_is_not_lost() {
        let path = std::env::temp_dir().join(format!("sigtool-read-later-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let mut writer = Unwaiting::append(&path).expect("it opens");
        let mut reader = File::open(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it was there");
        writer.put(b"later").expect("room");
        assert_eq!(writer.lost_with_us(), 0);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(text, "later");
    }
}
