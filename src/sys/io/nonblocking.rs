//! A writer that does not block: if the reader of a pipe is slow, or Ctrl-S has
//! stopped a terminal, a write fails with `WouldBlock`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libc::c_int;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::process::pidfd::poll_with_timeout;

/// The device of /dev/ptmx, where each open(2) creates another pseudo-terminal:
/// major 5, minor 2 (Documentation/admin-guide/devices.txt).
const PTMX_DEVICE: u64 = libc::makedev(5, 2);

/// The number of bytes that a pipe accepts if poll(2) reports it as writable
/// (pipe(7), PIPE_BUF).
const GUARANTEED_SPACE: usize = libc::PIPE_BUF;

/// A descriptor that is written without blocking. SIGPIPE must be blocked during
/// the writes.
#[derive(Debug)]
pub struct NonblockingWriter {
    file: ManuallyDrop<File>,
    /// Whether other processes share the open file, so that it must not be closed.
    shared: bool,
    strategy: WriteStrategy,
}

/// How a write avoids blocking.
#[derive(Clone, Copy, Debug)]
enum WriteStrategy {
    /// write(2) does not block, because of O_NONBLOCK or because it is a regular file.
    Native,
    /// send(2) with MSG_DONTWAIT.
    SendDontwait,
    /// write(2) after poll(2). It blocks only if other processes use up the space
    /// that poll(2) has reported.
    PollFirst,
}

/// The result of [`NonblockingWriter::wait_with_readers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterPoll {
    /// Whether a descriptor became ready before the timeout.
    pub ready: bool,
    /// Whether the reader of the output has closed it.
    pub reader_gone: bool,
}

impl NonblockingWriter {
    /// A writer for standard output. O_NONBLOCK would affect all processes that share
    /// the open file, so the file is opened again if that gives the same file.
    pub fn stdout() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDOUT_FILENO)
    }

    /// A writer for standard error, opened as [`NonblockingWriter::stdout`].
    pub fn stderr() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDERR_FILENO)
    }

    fn from_standard_stream(descriptor: c_int) -> NonblockingWriter {
        // SAFETY: the descriptor stays open for the life of the process (the C main
        // ensures that it is open), and ManuallyDrop never closes it.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        let Ok(meta) = file.metadata() else {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::PollFirst };
        };
        let kind = meta.file_type();
        if kind.is_socket() {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::SendDontwait };
        }
        if kind.is_file() || !is_open_for_writing(file.as_fd()) {
            return NonblockingWriter { file, shared: true, strategy: WriteStrategy::Native };
        }
        let path = format!("/proc/self/fd/{descriptor}");
        let reopen = || open_nonblocking(Path::new(&path), OpenOptions::new().write(true));
        match Some(()).filter(|()| meta.rdev() != PTMX_DEVICE).and_then(|()| reopen().ok()) {
            Some(reopened) => NonblockingWriter {
                file: ManuallyDrop::new(reopened),
                shared: false,
                strategy: WriteStrategy::Native,
            },
            None => NonblockingWriter { file, shared: true, strategy: WriteStrategy::PollFirst },
        }
    }

    /// A writer that appends to a file, which is created if it does not exist. A FIFO
    /// is opened for reading, too, so that opening and writing work without a reader.
    ///
    /// # Errors
    /// The errors of open(2).
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

    /// Whether it is a regular file that is not empty.
    pub fn is_non_empty(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
    }

    /// The number of bytes that are lost when this writer closes a FIFO: they were
    /// written but not read, and no other process has the FIFO open for reading.
    /// The writer must not be used afterwards.
    pub fn unread_bytes_on_close(&mut self) -> usize {
        let (Ok(meta), mut unread) = (self.file.metadata(), 0 as c_int) else { return 0 };
        let is_fifo = meta.file_type().is_fifo() && access_mode(self.file.as_fd()) == Some(OFlag::O_RDWR);
        // SAFETY: FIONREAD (ioctl_list(2)) fills in an int, which outlives the call.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::FIONREAD, &raw mut unread) };
        if self.shared || !is_fifo || result < 0 || unread == 0 {
            return 0;
        }
        // This process is a reader, too. It closes the FIFO and opens it again for
        // writing, which fails if there is no reader (fifo(7)).
        let path = |file: &File| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let handle = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path(&self.file));
        let Ok(handle) = handle else { return 0 };
        let handle_path = path(&handle);
        drop(ManuallyDrop::into_inner(std::mem::replace(&mut self.file, ManuallyDrop::new(handle))));
        match open_nonblocking(&handle_path, OpenOptions::new().write(true)) {
            Ok(file) => {
                // The pipe keeps the bytes as long as a process has it open.
                self.file = ManuallyDrop::new(file);
                0
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => usize::try_from(unread).unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Waits until a write is possible, an error occurs or the time is over.
    pub fn wait_writable(&self, time: Duration) {
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], timeout);
    }

    /// Waits until one of the descriptors is readable, this writer is writable (only
    /// if `until_writable`), the reader of a pipe, socket or terminal is gone, or the
    /// time is over (`None`: without a limit).
    ///
    /// # Errors
    /// The errors of poll(2), except interruptions, after which it continues to wait.
    pub fn wait_with_readers(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        until_writable: bool,
        time: Option<Duration>,
    ) -> io::Result<WriterPoll> {
        // poll(2) reports POLLERR and POLLHUP without a request.
        let events = if until_writable { PollFlags::POLLOUT } else { PollFlags::empty() };
        let writer = PollFd::new(self.file.as_fd(), events);
        let readers = std::iter::once(first).chain(others.iter().copied());
        let readers = readers.map(|reader| PollFd::new(reader, PollFlags::POLLIN));
        let mut polled: Vec<PollFd<'_>> = std::iter::once(writer).chain(readers).collect();
        let ready = poll_with_timeout(&mut polled, time)?;
        let events = polled[0].revents().unwrap_or(PollFlags::empty());
        let broken =
            events.contains(PollFlags::POLLERR) && !matches!(self.strategy, WriteStrategy::SendDontwait);
        Ok(WriterPoll { ready, reader_gone: broken || events.contains(PollFlags::POLLHUP) })
    }

    /// Writes as many bytes as possible without blocking, and returns their number.
    /// Needs only a shared reference.
    ///
    /// # Errors
    /// `WouldBlock` if no byte can be written now, and the errors of write(2).
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file: &File = &self.file;
        match self.strategy {
            WriteStrategy::Native => file.write(bytes),
            WriteStrategy::SendDontwait => send_nonblocking(self.file.as_fd(), bytes),
            WriteStrategy::PollFirst if self.is_writable() => {
                file.write(&bytes[..bytes.len().min(GUARANTEED_SPACE)])
            }
            WriteStrategy::PollFirst => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn is_writable(&self) -> bool {
        let mut polled = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// Whether a descriptor is open for writing. The C main opens the replacement of a
/// closed descriptor only for reading; opening that again would allow writes.
fn is_open_for_writing(descriptor: BorrowedFd<'_>) -> bool {
    access_mode(descriptor) != Some(OFlag::O_RDONLY)
}

fn access_mode(descriptor: BorrowedFd<'_>) -> Option<OFlag> {
    let flags = fcntl(descriptor, FcntlArg::F_GETFL).ok()?;
    Some(OFlag::from_bits_retain(flags) & OFlag::O_ACCMODE)
}

/// Opens a file without blocking. A terminal does not become the controlling one.
fn open_nonblocking(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

impl Drop for NonblockingWriter {
    fn drop(&mut self) {
        if !self.shared {
            // SAFETY: the file belongs to this writer, and is not used after this.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

fn send_nonblocking(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the pointer and the length are those of the bytes, which the call only
    // reads.
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
    fn write_does_not_block_when_pipe_is_full() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut polling = NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::PollFirst,
        };
        let written = fill(&mut polling);
        assert!(written >= 1 << 16);
        reader.read_exact(&mut vec![0; written]).expect("all of it");
        polling.wait_writable(Duration::from_secs(60));
        assert!(polling.write(b"more").is_ok());

        let (_reader, writer) = UnixStream::pair().expect("sockets");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        fill(&mut NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::SendDontwait,
        });
    }

    #[test]
    fn open_append_opens_fifo_without_reader() {
        let path = std::env::temp_dir().join(format!("sigtool-nonblocking-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let mut writer = NonblockingWriter::open_append(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it was there");
        let written = fill(&mut writer);
        assert!(written > 0 && !writer.is_non_empty());
        assert_eq!(writer.unread_bytes_on_close(), written);
    }

    #[test]
    fn unread_bytes_on_close_is_zero_when_reader_is_open() {
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
