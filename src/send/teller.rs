//! What is told while things happen: to whoever reads the output, and to
//! whoever sits at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use super::{News, Request, view};
use crate::error::Failure;
use crate::out::{Format, Out};

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// No, and neither for any other.
    Quit,
}

/// Tells news at once. What cannot be written is told by [`Teller::finish`];
/// the sending goes on.
pub(super) struct Teller<'a, 'b> {
    request: &'a Request,
    out: &'a mut Out<'b>,
    notes: &'a mut dyn Write,
    written: io::Result<()>,
    progress: bool,
    /// Whether a line of progress stands on the terminal.
    shown: bool,
}

impl<'a, 'b> Teller<'a, 'b> {
    pub(super) fn new(request: &'a Request, out: &'a mut Out<'b>, notes: &'a mut dyn Write) -> Self {
        let progress = request.options.wait.is_some() && io::stderr().is_terminal();
        Teller { request, out, notes, written: Ok(()), progress, shown: false }
    }

    /// Tells of something.
    pub(super) fn tell(&mut self, news: &News<'_>) {
        if let Some(line) = view::note(news, self.request) {
            self.clear();
            let _ = writeln!(self.notes, "sigtool: {line}");
        }
        if self.out.format() == Format::Json || self.written.is_err() {
            return;
        }
        if let Some(line) = view::line(news, self.request) {
            self.clear();
            self.written = self.out.line(&line).and_then(|()| self.out.flush());
        }
    }

    /// Asks whether a target is to be signalled. The end of the input is a no to
    /// all.
    pub(super) fn ask(&mut self, attempt: &super::Attempt) -> Answer {
        let question = view::question(attempt, self.request);
        let _ = self.notes.write_all(question.as_bytes());
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => {
                let _ = self.notes.write_all(b"\n");
                Answer::Quit
            }
            Ok(_) => match answer.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => Answer::Yes,
                "q" | "quit" => Answer::Quit,
                _ => Answer::No,
            },
        }
    }

    /// Whether somebody at a terminal sees how the waiting goes.
    pub(super) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Shows how the waiting goes, on one line that is written over.
    pub(super) fn progress(&mut self, ended: usize, of: usize, left: Option<Duration>) {
        if !self.progress {
            return;
        }
        if ended == of || left.is_some_and(|left| left.is_zero()) {
            return self.clear();
        }
        let left = match left {
            Some(left) => format!(", {:.1} s left", left.as_secs_f64()),
            None => String::new(),
        };
        self.shown = true;
        // To the start of the line, and away with what stood there.
        let _ = self.notes.write_all(format!("\r\x1b[Kwaiting: {ended} of {of} ended{left}").as_bytes());
    }

    fn clear(&mut self) {
        if self.shown {
            self.shown = false;
            let _ = self.notes.write_all(b"\r\x1b[K");
        }
    }

    /// What came of the writing.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.clear();
        Ok(self.written?)
    }
}
