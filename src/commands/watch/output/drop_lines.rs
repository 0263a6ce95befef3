//! A writer of lines for messages and logs. It never blocks and drops lines if the
//! reader is too slow, because signals and the command are more important.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::buffer::NonblockingBuffer;
use crate::sys::io::nonblocking::NonblockingWriter;

/// The size of the buffer. Lines that do not fit are dropped.
const MAX_PENDING_BYTES: usize = 1 << 20;

/// The longest time that the end of the command waits for pending output.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A writer with the drop-lines policy: lines that do not fit into the buffer are
/// dropped and counted, and a notice with their number takes their place. A clone
/// writes to the same buffer. After an error the next write tries again.
#[derive(Clone, Debug)]
pub(in crate::commands::watch) struct LineDroppingWriter(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    buffer: NonblockingBuffer,
    /// The number of lines dropped since the last notice.
    dropped_lines: u64,
    /// Whether the start of the current line was dropped, so that its rest must be.
    is_dropping_line: bool,
    /// Formats the notice for a number of dropped lines.
    format_notice: fn(u64) -> String,
}

impl LineDroppingWriter {
    /// Opens standard error.
    pub(in crate::commands::watch) fn stderr(format_notice: fn(u64) -> String) -> LineDroppingWriter {
        LineDroppingWriter::new(NonblockingWriter::stderr(), format_notice)
    }

    /// Opens a file for appending. Also returns whether the file has content.
    ///
    /// # Errors
    /// The error of open(2).
    pub(in crate::commands::watch) fn open_append(
        path: &Path,
        format_notice: fn(u64) -> String,
    ) -> io::Result<(LineDroppingWriter, bool)> {
        let writer = NonblockingWriter::open_append(path)?;
        let is_non_empty = writer.is_non_empty();
        Ok((LineDroppingWriter::new(writer, format_notice), is_non_empty))
    }

    fn new(writer: NonblockingWriter, format_notice: fn(u64) -> String) -> LineDroppingWriter {
        LineDroppingWriter(Rc::new(RefCell::new(State {
            buffer: NonblockingBuffer::new(writer),
            dropped_lines: 0,
            is_dropping_line: false,
            format_notice,
        })))
    }

    /// Whether bytes are not written yet.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        self.0.borrow().buffer.has_pending()
    }

    /// Writes as many pending bytes as fit, then the notice for dropped lines.
    ///
    /// # Errors
    /// The error of write(2); the pending bytes are lost then.
    pub(in crate::commands::watch) fn write_pending(&self) -> io::Result<()> {
        self.0.borrow_mut().write_pending()
    }

    /// Writes pending bytes before exit, for at most [`FLUSH_TIMEOUT`]. Returns the
    /// number of bytes that no reader gets, without those of dropped lines.
    pub(in crate::commands::watch) fn flush_at_exit(&self) -> usize {
        let mut state = self.0.borrow_mut();
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        while state.write_pending().is_ok() && state.buffer.has_pending() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.buffer.writer().wait_writable(left);
        }
        state.buffer.pending_bytes() + state.buffer.writer().unread_bytes_on_close()
    }
}

impl State {
    fn write_pending(&mut self) -> io::Result<()> {
        loop {
            self.buffer.write_pending()?;
            if self.buffer.has_pending() || self.dropped_lines == 0 {
                return Ok(());
            }
            let notice = (self.format_notice)(std::mem::take(&mut self.dropped_lines));
            self.buffer.append(notice.as_bytes());
        }
    }

    fn push_lines(&mut self, text: &[u8]) {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // The notice takes the place of the dropped lines. So no line is kept
            // until the notice is written.
            let is_dropped = self.is_dropping_line
                || self.dropped_lines > 0
                || self.buffer.pending_bytes() + line.len() > MAX_PENDING_BYTES;
            let is_complete = line.ends_with(b"\n");
            if !is_dropped {
                self.buffer.append(line);
            } else if is_complete {
                self.dropped_lines += 1;
            }
            self.is_dropping_line = is_dropped && !is_complete;
        }
    }
}

/// A write accepts all bytes; they may become pending or be dropped.
impl Write for LineDroppingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        state.write_pending()?;
        state.push_lines(bytes);
        state.write_pending()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;

    /// Creates a FIFO; returns a writer and a reader of it.
    pub(in crate::commands::watch::output) fn open_fifo(name: &str) -> (NonblockingWriter, File) {
        let path = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
        let status = std::process::Command::new("mkfifo").arg(&path).status().expect("run mkfifo");
        assert!(status.success());
        let writer = NonblockingWriter::open_append(&path).expect("open the FIFO");
        let reader = File::open(&path).expect("open the FIFO");
        std::fs::remove_file(&path).expect("remove the FIFO");
        assert!(!writer.is_non_empty());
        (writer, reader)
    }

    fn open_line_fifo(name: &str) -> (LineDroppingWriter, File) {
        let (writer, reader) = open_fifo(name);
        (LineDroppingWriter::new(writer, |count| format!("lost {count}\n")), reader)
    }

    #[test]
    fn notice_takes_the_place_of_dropped_lines() {
        let (mut writer, mut reader) = open_line_fifo("drop-lines");
        let line = |number: usize| format!("{number:0>99}\n");
        let count = (MAX_PENDING_BYTES + (1 << 18)) / 100;
        for number in 0..count {
            writer.write_all(line(number).as_bytes()).expect("the writer accepts all lines");
        }
        assert!(writer.has_pending());
        let mut text = Vec::new();
        let mut part = vec![0; 1 << 16];
        let mut drain = |writer: &LineDroppingWriter| {
            while writer.has_pending() {
                let read = reader.read(&mut part).expect("read the FIFO");
                text.extend_from_slice(&part[..read]);
                writer.write_pending().expect("write to the FIFO");
            }
        };
        drain(&writer);
        writer.write_all(line(count).as_bytes()).expect("the writer accepts all lines");
        drain(&writer);
        drop(writer);
        reader.read_to_end(&mut text).expect("read the rest");
        let text = String::from_utf8(text).expect("digits");
        let lines: Vec<&str> = text.lines().collect();
        let notice = lines.iter().position(|line| line.starts_with("lost")).expect("a notice");
        for (number, line) in lines[..notice].iter().enumerate() {
            assert_eq!(line.parse(), Ok(number));
        }
        assert_eq!(lines[notice], format!("lost {}", count - notice));
        assert_eq!(lines[notice + 1..], [line(count).trim_end()]);
    }

    #[test]
    fn drops_whole_lines_only() {
        let (writer, _reader) = open_line_fifo("whole-lines");
        let mut state = writer.0.borrow_mut();
        state.buffer.append(&vec![b'x'; MAX_PENDING_BYTES]);
        for part in ["a\nb", "c\n", "d"] {
            state.push_lines(part.as_bytes());
        }
        assert_eq!(
            (state.dropped_lines, state.is_dropping_line, state.buffer.pending_bytes()),
            (2, true, MAX_PENDING_BYTES)
        );
    }
}
