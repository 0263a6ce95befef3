//! A non-blocking writer with a buffer, without a policy for slow readers.

use std::io;

use crate::sys::io::nonblocking::NonblockingWriter;
use crate::sys::io::stdio::without_sigpipe;

/// A descriptor that is written without blocking, and the bytes that it has not
/// accepted yet. The buffer has no limit; the writer that owns it sets one.
#[derive(Debug)]
pub(super) struct NonblockingBuffer {
    writer: NonblockingWriter,
    pending: Vec<u8>,
}

impl NonblockingBuffer {
    pub(super) fn new(writer: NonblockingWriter) -> NonblockingBuffer {
        NonblockingBuffer { writer, pending: Vec::new() }
    }

    /// The descriptor, for waiting. Writing to it would overtake pending bytes.
    pub(super) fn writer(&mut self) -> &mut NonblockingWriter {
        &mut self.writer
    }

    /// The number of bytes that are not written yet.
    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Appends bytes without writing.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Writes as many bytes as fit and appends the rest. Bytes that are already
    /// pending stay in front; then nothing is written.
    ///
    /// # Errors
    /// The error of write(2).
    pub(super) fn write_or_append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = if self.has_pending() { 0 } else { write_available(&self.writer, bytes)? };
        self.append(&bytes[written..]);
        Ok(())
    }

    /// Writes as many pending bytes as fit. After an error none are pending.
    ///
    /// # Errors
    /// The error of write(2).
    pub(super) fn write_pending(&mut self) -> io::Result<()> {
        match write_available(&self.writer, &self.pending) {
            Ok(written) => {
                self.pending.drain(..written);
                Ok(())
            }
            Err(error) => {
                self.clear();
                Err(error)
            }
        }
    }

    /// Discards the pending bytes.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }
}

/// Writes as many bytes as fit and returns their number. A closed reader is an
/// error (EPIPE) and raises no SIGPIPE.
fn write_available(writer: &NonblockingWriter, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match without_sigpipe(|| writer.write(&bytes[written..])) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
