//! Lines for people and logs, which nothing waits for: the command and its
//! signals come first.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::sys::stdio::sparing_pipe;
use crate::sys::unwaiting::Unwaiting;

/// So many bytes wait at most to be written; lines that come then are lost,
/// and counted.
const MOST_WAITING: usize = 1 << 20;

/// How long the end is put off for what waits to be written.
const AT_THE_END: Duration = Duration::from_millis(500);

/// What is written, and waits to be; shared by all who write to one place.
#[derive(Clone, Debug)]
pub(in crate::watch) struct Backlog(Rc<RefCell<Lines>>);

#[derive(Debug)]
struct Lines {
    to: Unwaiting,
    waiting: Vec<u8>,
    /// Lines lost since the last that is kept.
    lost: u64,
    /// Whether the rest of the line that is being written is lost, too.
    loses: bool,
    /// How so many lost lines are told of.
    told: fn(u64) -> String,
}

impl Backlog {
    /// To standard error; what is lost is told so.
    pub(in crate::watch) fn stderr(told: fn(u64) -> String) -> Backlog {
        Backlog::of(Unwaiting::stderr(), told)
    }

    /// To the end of what is at a path. Also gives whether something is there.
    ///
    /// # Errors
    /// What open(2) says.
    pub(in crate::watch) fn append(path: &Path, told: fn(u64) -> String) -> io::Result<(Backlog, bool)> {
        let to = Unwaiting::append(path)?;
        let begun = to.is_begun();
        Ok((Backlog::of(to, told), begun))
    }

    fn of(to: Unwaiting, told: fn(u64) -> String) -> Backlog {
        Backlog(Rc::new(RefCell::new(Lines { to, waiting: Vec::new(), lost: 0, loses: false, told })))
    }

    /// Whether something waits to be written.
    pub(in crate::watch) fn has_waiting(&self) -> bool {
        self.0.borrow().has_waiting()
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// What write(2) says, but for a want of room.
    pub(in crate::watch) fn catch_up(&self) -> io::Result<()> {
        self.0.borrow_mut().catch_up()
    }

    /// Writes what waits, before the end; what nobody takes is given up. Gives
    /// how many bytes that were, beside lines that were lost before.
    pub(in crate::watch) fn finish(&self) -> usize {
        let mut lines = self.0.borrow_mut();
        let end = Instant::now() + AT_THE_END;
        while lines.catch_up().is_ok() && lines.has_waiting() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            lines.to.wait(left);
        }
        lines.waiting.len() + lines.to.lost_with_us()
    }
}

impl Lines {
    fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn catch_up(&mut self) -> io::Result<()> {
        loop {
            if self.waiting.is_empty() {
                let Some(lost) = Some(std::mem::take(&mut self.lost)).filter(|lost| *lost > 0) else {
                    return Ok(());
                };
                self.waiting = (self.told)(lost).into_bytes();
            }
            match sparing_pipe(|| self.to.put(&self.waiting)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    self.waiting.clear();
                    return Err(error);
                }
            }
        }
    }

    fn add(&mut self, text: &[u8]) {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // What was lost is told where it would have stood: nothing follows
            // it until it can be.
            let loses = self.loses || self.lost > 0 || self.waiting.len() + line.len() > MOST_WAITING;
            let whole = line.ends_with(b"\n");
            if !loses {
                self.waiting.extend_from_slice(line);
            } else if whole {
                self.lost += 1;
            }
            self.loses = loses && !whole;
        }
    }
}

/// Lines are taken; they may wait, or be lost.
impl Write for Backlog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.borrow_mut();
        lines.catch_up()?;
        lines.add(bytes);
        lines.catch_up()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.catch_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn told(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    /// A backlog to a pipe by name, and its reader.
    fn pipe(name: &str) -> (Backlog, std::fs::File) {
        let path = std::env::temp_dir().join(format!("sigtool-{name}-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
        assert!(made.success());
        let (backlog, begun) = Backlog::append(&path, told).expect("it opens");
        let reader = std::fs::File::open(&path).expect("it opens");
        std::fs::remove_file(&path).expect("it is there");
        assert!(!begun);
        (backlog, reader)
    }

    #[test]
    fn what_is_not_read_waits_and_then_is_counted() {
        let (mut backlog, mut reader) = pipe("backlog");
        let line = |at: usize| format!("{at:0>99}\n");
        let count = (MOST_WAITING + (1 << 18)) / 100;
        for at in 0..count {
            backlog.write_all(line(at).as_bytes()).expect("it takes it");
        }
        assert!(backlog.has_waiting());
        let mut text = Vec::new();
        let mut part = vec![0; 1 << 16];
        let mut empty = |backlog: &Backlog| {
            while backlog.has_waiting() {
                let read = reader.read(&mut part).expect("what is there");
                text.extend_from_slice(&part[..read]);
                backlog.catch_up().expect("there is room");
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
    fn a_line_is_lost_whole() {
        let (backlog, _reader) = pipe("whole");
        let mut lines = backlog.0.borrow_mut();
        lines.waiting = vec![b'x'; MOST_WAITING];
        for part in ["a\nb", "c\n", "d"] {
            lines.add(part.as_bytes());
        }
        assert_eq!((lines.lost, lines.loses, lines.waiting.len()), (2, true, MOST_WAITING));
    }
}
