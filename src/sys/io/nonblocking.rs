//! Writes that never block. If a pipe is full or Ctrl-S has stopped a terminal,
//! [`NonblockingWriter::write`] returns `WouldBlock`.

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

/// /dev/ptmx: each open creates a new pseudo-terminal. Major 5, minor 2
/// (Documentation/admin-guide/devices.txt).
const PTMX_DEVICE: u64 = libc::makedev(5, 2);

/// The number of bytes that a pipe accepts without blocking after poll(2) reports
/// POLLOUT (pipe(7), PIPE_BUF).
const GUARANTEED_WRITE_SIZE: usize = libc::PIPE_BUF;

/// A descriptor whose writes never block. It has no buffer: the caller keeps what
/// was not written. The caller must block SIGPIPE during a write.
#[derive(Debug)]
pub struct NonblockingWriter {
    file: ManuallyDrop<File>,
    /// Whether `file` is a standard stream, which is not closed on drop.
    shared: bool,
    strategy: WriteStrategy,
}

/// How a write avoids blocking.
#[derive(Clone, Copy, Debug)]
enum WriteStrategy {
    /// write(2) does not block: the descriptor has O_NONBLOCK or is a regular file.
    Native,
    /// send(2) with MSG_DONTWAIT.
    SendDontwait,
    /// write(2) after poll(2) reports POLLOUT. It can block if another process
    /// fills the pipe between the two calls.
    PollFirst,
}

/// The result of [`NonblockingWriter::wait_with_readers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterPoll {
    /// Whether a descriptor was ready before the timeout.
    pub ready: bool,
    /// Whether the reader has closed its end.
    pub reader_gone: bool,
}

impl NonblockingWriter {
    /// Opens standard output. O_NONBLOCK would affect every process that shares the
    /// open file description, so this opens the file again if that is possible.
    pub fn stdout() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDOUT_FILENO)
    }

    /// Opens standard error in the same way.
    pub fn stderr() -> NonblockingWriter {
        NonblockingWriter::from_standard_stream(libc::STDERR_FILENO)
    }

    fn from_standard_stream(descriptor: c_int) -> NonblockingWriter {
        // SAFETY: the descriptor stays open for the life of the process (the C
        // main opens all three), and ManuallyDrop never closes it.
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

    /// Opens a file for appending, and creates it if it does not exist. A FIFO is
    /// opened for reading too, so that it stays open without a reader.
    ///
    /// # Errors
    /// The error of open(2).
    pub fn open_append(path: &Path) -> io::Result<NonblockingWriter> {
        let is_fifo = path.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
        let mut options = OpenOptions::new();
        if is_fifo {
            options.read(true).write(true);
        } else {
            options.append(true).create(true);
        }
        let file = ManuallyDrop::new(open_nonblocking(path, &mut options)?);
        Ok(NonblockingWriter { file, shared: false, strategy: WriteStrategy::Native })
    }

    /// Whether this is a regular file that is not empty.
    pub fn is_non_empty(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
    }

    /// Returns the number of bytes in a FIFO that are lost when this writer closes,
    /// because no other process has the FIFO open for reading. 0 for any other
    /// file. Nothing may be written afterwards.
    pub fn unread_bytes_on_close(&mut self) -> usize {
        let (Ok(meta), mut unread) = (self.file.metadata(), 0 as c_int) else { return 0 };
        let is_own_fifo = meta.file_type().is_fifo() && access_mode(self.file.as_fd()) == Some(OFlag::O_RDWR);
        // SAFETY: FIONREAD (ioctl_list(2)) writes an int.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::FIONREAD, &raw mut unread) };
        if self.shared || !is_own_fifo || result < 0 || unread == 0 {
            return 0;
        }
        // This descriptor is itself a reader. So it is closed and the FIFO opened
        // again for writing only, which fails if there is no reader (fifo(7)).
        let path = |file: &File| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let handle = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path(&self.file));
        let Ok(handle) = handle else { return 0 };
        let handle_path = path(&handle);
        drop(ManuallyDrop::into_inner(std::mem::replace(&mut self.file, ManuallyDrop::new(handle))));
        match open_nonblocking(&handle_path, OpenOptions::new().write(true)) {
            Ok(file) => {
                // The FIFO keeps its bytes as long as one descriptor is open.
                self.file = ManuallyDrop::new(file);
                0
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => usize::try_from(unread).unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Waits until a write is possible or fails, or until the timeout.
    pub fn wait_writable(&self, timeout: Duration) {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], timeout);
    }

    /// Waits until one of the descriptors is readable, the reader of this pipe,
    /// socket or terminal closes its end, or the timeout passes (`None`: no
    /// timeout). With `wait_for_write`, also until a write is possible.
    ///
    /// # Errors
    /// The error of poll(2), except EINTR, after which the wait continues.
    pub fn wait_with_readers(
        &self,
        first: BorrowedFd<'_>,
        others: &[BorrowedFd<'_>],
        wait_for_write: bool,
        timeout: Option<Duration>,
    ) -> io::Result<WriterPoll> {
        // poll(2) reports POLLERR and POLLHUP even if no event is requested.
        let events = if wait_for_write { PollFlags::POLLOUT } else { PollFlags::empty() };
        let writer = PollFd::new(self.file.as_fd(), events);
        let readers = std::iter::once(first).chain(others.iter().copied());
        let readers = readers.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
        let mut poll_fds: Vec<PollFd<'_>> = std::iter::once(writer).chain(readers).collect();
        let ready = poll_with_timeout(&mut poll_fds, timeout)?;
        let revents = poll_fds[0].revents().unwrap_or(PollFlags::empty());
        let broken =
            revents.contains(PollFlags::POLLERR) && !matches!(self.strategy, WriteStrategy::SendDontwait);
        Ok(WriterPoll { ready, reader_gone: broken || revents.contains(PollFlags::POLLHUP) })
    }

    /// Writes as many bytes as fit without blocking, and returns their number.
    ///
    /// # Errors
    /// `WouldBlock` if no byte fits; otherwise the error of write(2).
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file: &File = &self.file;
        match self.strategy {
            WriteStrategy::Native => file.write(bytes),
            WriteStrategy::SendDontwait => send_nonblocking(self.file.as_fd(), bytes),
            WriteStrategy::PollFirst if self.is_writable() => {
                file.write(&bytes[..bytes.len().min(GUARANTEED_WRITE_SIZE)])
            }
            WriteStrategy::PollFirst => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn is_writable(&self) -> bool {
        let mut poll_fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        poll(&mut poll_fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// Whether a descriptor is open for writing. The substitute for a closed standard
/// stream is not, and opening it again would make it writable.
fn is_open_for_writing(descriptor: BorrowedFd<'_>) -> bool {
    access_mode(descriptor) != Some(OFlag::O_RDONLY)
}

fn access_mode(descriptor: BorrowedFd<'_>) -> Option<OFlag> {
    let flags = fcntl(descriptor, FcntlArg::F_GETFL).ok()?;
    Some(OFlag::from_bits_retain(flags) & OFlag::O_ACCMODE)
}

/// Opens a file with O_NONBLOCK. O_NOCTTY keeps a terminal from becoming the
/// controlling terminal.
fn open_nonblocking(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

impl Drop for NonblockingWriter {
    fn drop(&mut self) {
        if !self.shared {
            // SAFETY: this writer owns the file and does not use it after this.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

fn send_nonblocking(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the pointer and the length describe one slice, and send(2) only reads it.
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
                Ok(count) => written += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return written;
                }
            }
        }
    }

    #[test]
    fn write_returns_would_block_when_pipe_or_socket_is_full() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut pipe_writer = NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::PollFirst,
        };
        let written = fill(&mut pipe_writer);
        assert!(written >= 1 << 16);
        reader.read_exact(&mut vec![0; written]).expect("read all bytes");
        pipe_writer.wait_writable(Duration::from_secs(60));
        assert!(pipe_writer.write(b"more").is_ok());

        let (_reader, writer) = UnixStream::pair().expect("sockets");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        fill(&mut NonblockingWriter {
            file: ManuallyDrop::new(file),
            shared: false,
            strategy: WriteStrategy::SendDontwait,
        });
    }

    #[test]
    fn unread_bytes_of_fifo_without_reader_are_counted() {
        let path = std::env::temp_dir().join(format!("sigtool-fifo-{}", std::process::id()));
        let status = std::process::Command::new("mkfifo").arg(&path).status().expect("run mkfifo");
        assert!(status.success());
        let mut writer = NonblockingWriter::open_append(&path).expect("open the FIFO");
        std::fs::remove_file(&path).expect("remove the FIFO");
        let written = fill(&mut writer);
        assert!(written > 0 && !writer.is_non_empty());
        assert_eq!(writer.unread_bytes_on_close(), written);
    }

    #[test]
    fn unread_bytes_of_fifo_with_reader_are_not_counted() {
        let path = std::env::temp_dir().join(format!("sigtool-read-later-{}", std::process::id()));
        let status = std::process::Command::new("mkfifo").arg(&path).status().expect("run mkfifo");
        assert!(status.success());
        let mut writer = NonblockingWriter::open_append(&path).expect("open the FIFO");
        let mut reader = File::open(&path).expect("open the FIFO");
        std::fs::remove_file(&path).expect("remove the FIFO");
        writer.write(b"later").expect("write to the FIFO");
        assert_eq!(writer.unread_bytes_on_close(), 0);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(text, "later");
    }
}
