//! What is told while things happen: to whoever reads the output, and to
//! whoever sits at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use super::{ProgressEvent, SendRequest, view};
use crate::error::Failure;
use crate::out::{OutputFormat, ReportWriter};

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PromptAnswer {
    Yes,
    No,
    /// No, and neither for any other.
    QuitAll,
}

/// Tells news at once. What cannot be written is told by [`ProgressReporter::finish`];
/// the sending goes on.
pub(super) struct ProgressReporter<'a, 'b> {
    request: &'a SendRequest,
    out: &'a mut ReportWriter<'b>,
    stderr: &'a mut dyn Write,
    write_result: io::Result<()>,
    progress_enabled: bool,
    /// Whether a line of progress stands on the terminal.
    progress_visible: bool,
}

impl<'a, 'b> ProgressReporter<'a, 'b> {
    pub(super) fn new(
        request: &'a SendRequest,
        out: &'a mut ReportWriter<'b>,
        notes: &'a mut dyn Write,
    ) -> Self {
        let progress = request.options.wait.is_some() && io::stderr().is_terminal();
        ProgressReporter {
            request,
            out,
            stderr: notes,
            write_result: Ok(()),
            progress_enabled: progress,
            progress_visible: false,
        }
    }

    /// Tells of something.
    pub(super) fn report(&mut self, news: &ProgressEvent<'_>) {
        if let Some(line) = view::stderr_line(news, self.request) {
            self.clear_progress();
            let _ = writeln!(self.stderr, "sigtool: {line}");
        }
        if self.out.format() == OutputFormat::Json || self.write_result.is_err() {
            return;
        }
        if let Some(line) = view::stdout_line(news, self.request) {
            self.clear_progress();
            self.write_result = self.out.write_line(&line).and_then(|()| self.out.flush());
        }
    }

    /// Asks whether a target is to be signalled. The end of the input is a no to
    /// all.
    pub(super) fn confirm(&mut self, attempt: &super::SendAttempt) -> PromptAnswer {
        let question = view::confirm_prompt(attempt, self.request);
        let _ = self.stderr.write_all(question.as_bytes());
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => {
                let _ = self.stderr.write_all(b"\n");
                PromptAnswer::QuitAll
            }
            Ok(_) => match answer.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => PromptAnswer::Yes,
                "q" | "quit" => PromptAnswer::QuitAll,
                _ => PromptAnswer::No,
            },
        }
    }

    /// Whether somebody at a terminal sees how the waiting goes.
    pub(super) fn shows_progress(&self) -> bool {
        self.progress_enabled
    }

    /// Shows how the waiting goes, on one line that is written over.
    pub(super) fn update_progress(&mut self, ended: usize, of: usize, left: Option<Duration>) {
        if !self.progress_enabled {
            return;
        }
        if ended == of || left.is_some_and(|left| left.is_zero()) {
            return self.clear_progress();
        }
        let left = match left {
            Some(left) => format!(", {:.1} s left", left.as_secs_f64()),
            None => String::new(),
        };
        self.progress_visible = true;
        // To the start of the line, and away with what stood there.
        let _ = self.stderr.write_all(format!("\r\x1b[Kwaiting: {ended} of {of} ended{left}").as_bytes());
    }

    fn clear_progress(&mut self) {
        if self.progress_visible {
            self.progress_visible = false;
            let _ = self.stderr.write_all(b"\r\x1b[K");
        }
    }

    /// What came of the writing.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.clear_progress();
        Ok(self.write_result?)
    }
}
