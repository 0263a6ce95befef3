//! Lines for people and logs, which nothing waits for: the command and its
//! signals come first.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::sys::io::nonblocking::NonblockingWriter;
use crate::sys::io::stdio::without_sigpipe;

/// So many bytes wait at most to be written; lines that come then are lost,
/// and counted.
const MAX_PENDING_BYTES: usize = 1 << 20;

/// How long the end is put off for what waits to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// What is written, and waits to be; shared by all who write to one place.
#[derive(Clone, Debug)]
pub(in crate::commands::watch) struct LineQueue(Rc<RefCell<LineQueueState>>);

#[derive(Debug)]
struct LineQueueState {
    writer: NonblockingWriter,
    pending: Vec<u8>,
    /// Lines lost since the last that is kept.
    dropped_lines: u64,
    /// Whether the rest of the line that is being written is lost, too.
    dropping_line: bool,
    /// How so many lost lines are told of.
    format_dropped: fn(u64) -> String,
}

impl LineQueue {
    /// To standard error; what is lost is told so.
    pub(in crate::commands::watch) fn stderr(told: fn(u64) -> String) -> LineQueue {
        LineQueue::new(NonblockingWriter::stderr(), told)
    }

    /// To the end of what is at a path. Also gives whether something is there.
    ///
    /// # Errors
    /// What open(2) says.
    pub(in crate::commands::watch) fn open_append(
        path: &Path,
        told: fn(u64) -> String,
    ) -> io::Result<(LineQueue, bool)> {
        let to = NonblockingWriter::open_append(path)?;
        let begun = to.is_non_empty();
        Ok((LineQueue::new(to, told), begun))
    }

    fn new(to: NonblockingWriter, told: fn(u64) -> String) -> LineQueue {
        LineQueue(Rc::new(RefCell::new(LineQueueState {
            writer: to,
            pending: Vec::new(),
            dropped_lines: 0,
            dropping_line: false,
            format_dropped: told,
        })))
    }

    /// Whether something waits to be written.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        self.0.borrow().has_pending()
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// What write(2) says, but for a want of room.
    pub(in crate::commands::watch) fn write_pending(&self) -> io::Result<()> {
        self.0.borrow_mut().write_pending()
    }

    /// Writes what waits, before the end; what nobody takes is given up. Gives
    /// how many bytes that were, beside lines that were lost before.
    pub(in crate::commands::watch) fn flush_at_exit(&self) -> usize {
        let mut lines = self.0.borrow_mut();
        let end = Instant::now() + FLUSH_TIMEOUT;
        while lines.write_pending().is_ok() && lines.has_pending() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            lines.writer.wait_writable(left);
        }
        lines.pending.len() + lines.writer.unread_bytes_on_close()
    }
}

impl LineQueueState {
    fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn write_pending(&mut self) -> io::Result<()> {
        loop {
            if self.pending.is_empty() {
                let Some(lost) = Some(std::mem::take(&mut self.dropped_lines)).filter(|lost| *lost > 0)
                else {
                    return Ok(());
                };
                self.pending = (self.format_dropped)(lost).into_bytes();
            }
            match without_sigpipe(|| self.writer.write(&self.pending)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    self.pending.clear();
                    return Err(error);
                }
            }
        }
    }

    fn push_lines(&mut self, text: &[u8]) {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // What was lost is told where it would have stood: nothing follows
            // it until it can be.
            let loses = self.dropping_line
                || self.dropped_lines > 0
                || self.pending.len() + line.len() > MAX_PENDING_BYTES;
            let whole = line.ends_with(b"\n");
            if !loses {
                self.pending.extend_from_slice(line);
            } else if whole {
                self.dropped_lines += 1;
            }
            self.dropping_line = loses && !whole;
        }
    }
}

/// Lines are taken; they may wait, or be lost.
impl Write for LineQueue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.borrow_mut();
        lines.write_pending()?;
        lines.push_lines(bytes);
        lines.write_pending()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn format_dropped(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    /// A backlog to a pipe by name, and its reader.
    fn open_fifo(name: &str) -> (LineQueue, std::fs::File) {
        let path = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let (backlog, begun) = LineQueue::open_append(&path, format_dropped).expect("it opens");
        let reader = std::fs::File::open(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it is there");
        assert!(!begun);
        (backlog, reader)
    }

    #[test]
    fn queues_unread_lines_then_counts_dropped_lines() {
        let (mut backlog, mut reader) = open_fifo("backlog");
        let line = |at: usize| format!("{at:0>99}\n");
        let count = (MAX_PENDING_BYTES + (1 << 18)) / 100;
        for at in 0..count {
            backlog.write_all(line(at).as_bytes()).expect("it takes it");
        }
        assert!(backlog.has_pending());
        let mut text = Vec::new();
        let mut part = vec![0; 1 << 16];
        let mut empty = |backlog: &LineQueue| {
            while backlog.has_pending() {
                let read = reader.read(&mut part).expect("what is there");
                text.extend_from_slice(&part[..read]);
                backlog.write_pending().expect("there is room");
            }
        };
        empty(&backlog);
        backlog.write_all(line(count).as_bytes()).expect("it takes it");
        empty(&backlog);
        drop(backlog);
        reader.read_to_end(&mut text).expect("the rest");
        let text = String::from_utf8(text).expect("digits");
        let lines: Vec<&str> = text.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("lost")).expect("it is told");
        for (at, found) in lines[..at].iter().enumerate() {
            assert_eq!(found.parse(), Ok(at));
        }
        assert_eq!(lines[at], format!("lost {}", count - at));
        assert_eq!(lines[at + 1..], [line(count).trim_end()]);
    }

    #[test]
    fn drops_whole_lines_only() {
        let (backlog, _reader) = open_fifo("whole");
        let mut lines = backlog.0.borrow_mut();
        lines.pending = vec![b'x'; MAX_PENDING_BYTES];
        for part in ["a\nb", "c\n", "d"] {
            lines.push_lines(part.as_bytes());
        }
        assert_eq!(
            (lines.dropped_lines, lines.dropping_line, lines.pending.len()),
            (2, true, MAX_PENDING_BYTES)
        );
    }
}
