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

use crate::sys::process::pidfd::poll_with_timeout;

/// The side of a pseudo-terminal that is opened anew each time: major 5, minor
/// 2 (Documentation/admin-guide/devices.txt).
const PTMX_DEVICE: u64 = libc::makedev(5, 2);

/// What poll(2) promises room for in a pipe (pipe(7), PIPE_BUF).
const GUARANTEED_ROOM: usize = libc::PIPE_BUF;

/// A descriptor, written without waiting. SIGPIPE is to be blocked meanwhile.
#[derive(Debug)]
pub struct NonblockingWriter {
    file: ManuallyDrop<File>,
    /// Whether the file is another's too, and is not to be closed.
    shared: bool,
    strategy: WriteStrategy,
}

/// How a write is kept from waiting.
#[derive(Clone, Copy, Debug)]
enum WriteStrategy {
    /// It does not wait: O_NONBLOCK, or a file.
    Native,
    /// send(2) can be told.
    SendDontwait,
    /// It could wait, if others fill up the room that poll(2) has seen.
    PollFirst,
}

/// What [`NonblockingWriter::wait_with_readers`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterPoll {
    /// Whether something came before the time was up.
    pub ready: bool,
    /// Whether nobody reads any more.
    pub reader_gone: bool,
}

impl NonblockingWriter {
    /// Standard output. O_NONBLOCK would be set for all that share it: so it is
    /// opened once more, where that gives the same.
    pub fn stdout() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDOUT_FILENO)
    }

    /// Standard error, likewise.
    pub fn stderr() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDERR_FILENO)
    }

    fn from_standard_stream(descriptor: c_int) -> NonblockingWriter {
        // SAFETY: the descriptor stays open for the life of the process (the C
        // main sees to it), and ManuallyDrop never closes it.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        let Ok(meta) = file.metadata() else {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::PollFirst };
        };
        let kind = meta.file_type();
        if kind.is_socket() {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::SendDontwait };
        }
        if kind.is_file() || !is_open_for_writing(descriptor) {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::Native };
        }
        let path = format!("/proc/self/fd/{descriptor}");
        let again = || open_nonblocking(Path::new(&path), OpenOptions::new().write(true));
        match Some(()).filter(|()| meta.rdev() != PTMX_DEVICE).and_then(|()| again().ok()) {
            Some(own) => NonblockingWriter {
                file: ManuallyDrop::new(own),
                shared: false,
                strategy: WriteStrategy::Native,
            },
            None => NonblockingWriter { file, shared: true, strategy: WriteStrategy::PollFirst },
        }
    }

    /// What is at a path, to write behind what is there; created where there is
    /// nothing. A pipe by name stays open, whether or not somebody reads it.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn open_append(path: &Path) -> io::Result<NonblockingWriter> {
        let is_pipe = path.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
        let mut options = OpenOptions::new();
        if is_pipe {
            options.read(true).write(true);
        } else {
            options.append(true).create(true);
        }
        let file = ManuallyDrop::new(open_nonblocking(path, &mut options)?);
        Ok(NonblockingWriter { file, shared: false, strategy: WriteStrategy::Native })
    }

    /// Whether it is a file with something in it.
    pub fn is_non_empty(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
    }

    /// How many bytes of a pipe by name are lost with its end here: written, read
    /// by nobody yet, and nobody has the pipe open to read them. It is the last
    /// that is done with it.
    pub fn unread_bytes_on_close(&mut self) -> usize {
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
        match open_nonblocking(&handle_path, OpenOptions::new().write(true)) {
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
    pub fn wait_writable(&self, time: Duration) {
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
    pub fn wait_with_readers(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        room: bool,
        time: Option<Duration>,
    ) -> io::Result<WriterPoll> {
        // What is wrong is told without being asked for.
        let own = if room { PollFlags::POLLOUT } else { PollFlags::empty() };
        let own = PollFd::new(self.file.as_fd(), own);
        let read = std::iter::once(first).chain(others.iter().copied());
        let read = read.map(|each| PollFd::new(each, PollFlags::POLLIN));
        let mut waited: Vec<PollFd<'_>> = std::iter::once(own).chain(read).collect();
        let any = poll_with_timeout(&mut waited, time)?;
        let found = waited[0].revents().unwrap_or(PollFlags::empty());
        let broken =
            found.contains(PollFlags::POLLERR) && !matches!(self.strategy, WriteStrategy::SendDontwait);
        Ok(WriterPoll { ready: any, reader_gone: broken || found.contains(PollFlags::POLLHUP) })
    }

    /// Writes, by a shared reference: as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` where there is none, and what write(2) says.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file: &File = &self.file;
        match self.strategy {
            WriteStrategy::Native => file.write(bytes),
            WriteStrategy::SendDontwait => send_nonblocking(self.file.as_fd(), bytes),
            WriteStrategy::PollFirst if self.is_writable() => {
                file.write(&bytes[..bytes.len().min(GUARANTEED_ROOM)])
            }
            WriteStrategy::PollFirst => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn is_writable(&self) -> bool {
        let mut asked = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// Whether a descriptor may be written to: what stands for a closed one may not,
/// and opening it once more would allow it.
fn is_open_for_writing(descriptor: c_int) -> bool {
    access_mode(descriptor) != Some(libc::O_RDONLY)
}

fn access_mode(descriptor: c_int) -> Option<c_int> {
    // SAFETY: fcntl(2) with F_GETFL takes a plain number.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    (flags >= 0).then_some(flags & libc::O_ACCMODE)
}

/// A terminal does not become ours by it.
fn open_nonblocking(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

impl Drop for NonblockingWriter {
    fn drop(&mut self) {
        if !self.shared {
            // SAFETY: the file is our own, and nobody uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

fn send_nonblocking(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
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

    fn fill(writer: &mut NonblockingWriter) -> usize {
        let mut written = 0;
        loop {
            match writer.write(&[0; 1 << 16]) {
                Ok(some) => written += some,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return written;
                }
            }
        }
    }

    #[test]
    fn full_pipe_does_not_block() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut asked = NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::PollFirst,
        };
        let written = fill(&mut asked);
        assert!(written >= 1 << 16);
        reader.read_exact(&mut vec![0; written]).expect("all of it");
        asked.wait_writable(Duration::from_secs(60));
        assert!(asked.write(b"more").is_ok());

        let (_reader, writer) = UnixStream::pair().expect("sockets");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        fill(&mut NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::SendDontwait,
        });
    }

    #[test]
    fn append_opens_fifo_without_reader() {
        let path = std::env::temp_dir().join(format!("sigtool-unwaiting-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let mut writer = NonblockingWriter::open_append(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it was there");
        let written = fill(&mut writer);
        assert!(written > 0 && !writer.is_non_empty());
        assert_eq!(writer.unread_bytes_on_close(), written);
    }

    #[test]
    fn bytes_with_open_reader_are_not_lost() {
        let path = std::env::temp_dir().join(format!("sigtool-read-later-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let mut writer = NonblockingWriter::open_append(&path).expect("it opens");
        let mut reader = File::open(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it was there");
        writer.write(b"later").expect("room");
        assert_eq!(writer.unread_bytes_on_close(), 0);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(text, "later");
    }
}
