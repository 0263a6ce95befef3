//! Prompts, and progress that is reported while `send` runs: lines on stdout and
//! stderr, and a status line on a terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use super::{ProgressEvent, SendRequest, view};
use crate::error::Failure;
use crate::out::{OutputFormat, ReportWriter};

/// The user's answer to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PromptAnswer {
    Yes,
    No,
    /// No to this target and to all remaining ones.
    QuitAll,
}

/// Reports events immediately. A write error does not stop the sending;
/// [`ProgressReporter::finish`] returns it.
pub(super) struct ProgressReporter<'a, 'b> {
    request: &'a SendRequest,
    out: &'a mut ReportWriter<'b>,
    stderr: &'a mut dyn Write,
    write_result: io::Result<()>,
    /// Whether sigtool waits, and stderr is a terminal.
    progress_enabled: bool,
    /// Whether the terminal shows the status line.
    progress_visible: bool,
}

impl<'a, 'b> ProgressReporter<'a, 'b> {
    pub(super) fn new(
        request: &'a SendRequest,
        out: &'a mut ReportWriter<'b>,
        stderr: &'a mut dyn Write,
    ) -> Self {
        let progress_enabled = request.options.wait.is_some() && io::stderr().is_terminal();
        ProgressReporter {
            request,
            out,
            stderr,
            write_result: Ok(()),
            progress_enabled,
            progress_visible: false,
        }
    }

    /// Reports an event on stdout or stderr.
    pub(super) fn report(&mut self, event: &ProgressEvent<'_>) {
        if let Some(line) = view::stderr_line(event, self.request) {
            self.clear_progress();
            let _ = writeln!(self.stderr, "sigtool: {line}");
        }
        if self.out.format() == OutputFormat::Json || self.write_result.is_err() {
            return;
        }
        if let Some(line) = view::stdout_line(event, self.request) {
            self.clear_progress();
            self.write_result = self.out.write_line(&line).and_then(|()| self.out.flush());
        }
    }

    /// Asks the user whether to signal a target. The end of the input declines all
    /// remaining targets.
    pub(super) fn confirm(&mut self, attempt: &super::SendAttempt) -> PromptAnswer {
        let prompt = view::confirm_prompt(attempt, self.request);
        let _ = self.stderr.write_all(prompt.as_bytes());
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

    /// Whether the status line needs regular updates.
    pub(super) fn shows_progress(&self) -> bool {
        self.progress_enabled
    }

    /// Overwrites the status line with the number of exited processes and the
    /// remaining time.
    pub(super) fn update_progress(&mut self, exited: usize, total: usize, remaining: Option<Duration>) {
        if !self.progress_enabled {
            return;
        }
        if exited == total || remaining.is_some_and(|remaining| remaining.is_zero()) {
            return self.clear_progress();
        }
        let remaining = match remaining {
            Some(remaining) => format!(", {} left", crate::duration::format_seconds(remaining)),
            None => String::new(),
        };
        self.progress_visible = true;
        // Carriage return, then EL (erase to the end of the line).
        let line = format!("\r\x1b[Kwaiting: {exited} of {total} exited{remaining}");
        let _ = self.stderr.write_all(line.as_bytes());
    }

    fn clear_progress(&mut self) {
        if self.progress_visible {
            self.progress_visible = false;
            let _ = self.stderr.write_all(b"\r\x1b[K");
        }
    }

    /// Clears the status line and returns the first write error.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.clear_progress();
        Ok(self.write_result?)
    }
}
