//! What was received and what became of it, a line each; never on the
//! command's standard output.

use std::io;

use super::LogDestination;
use super::policy::{ForwardOutcome, NotForwardedReason};
use super::wire;
use crate::commands::watch::output::queue::LineQueue;
use crate::commands::watch::{ReceivedSignal, view};
use crate::error::{Failure, message_without_errno};
use crate::exit::ExitStatus;
use crate::out::{Cell, Meaning, OutputFormat, OutputSettings, ReportWriter, StreamColumn, escape_name};
use crate::signal::{Arch, Signal};

const LOG_COLUMNS: [StreamColumn; 6] = [
    StreamColumn { title: "TIME", width: 27 },
    StreamColumn { title: "SIGNAL", width: 8 },
    StreamColumn { title: "SENDER", width: 28 },
    StreamColumn { title: "VALUE", width: 5 },
    StreamColumn { title: "DONE", width: 12 },
    StreamColumn { title: "CODE", width: 0 },
];

/// Where the log is written; `None` where there is none.
pub(super) type LogSink = Option<(LineQueue, LogHeader)>;

/// Whether titles are still to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogHeader {
    /// They are, above the first entry.
    Unwritten,
    /// Others are there.
    Written,
}

/// Opens it; `stderr` is what stands for standard error.
pub(super) fn open_sink(
    to: &LogDestination,
    stderr: &LineQueue,
    format: OutputFormat,
) -> Result<LogSink, Failure> {
    let path = match to {
        LogDestination::Disabled => return Ok(None),
        LogDestination::Stderr => return Ok(Some((stderr.clone(), LogHeader::Unwritten))),
        LogDestination::File(path) => path,
    };
    let failed = |error: io::Error| {
        let path = escape_name(path.as_os_str().as_encoded_bytes());
        Failure {
            exit_status: ExitStatus::InternalError,
            cause: anyhow::anyhow!("--log {path}: {}", message_without_errno(&error)),
        }
    };
    let (backlog, begun) = LineQueue::open_append(path, dropped_formatter(format)).map_err(failed)?;
    Ok(Some((backlog, if begun { LogHeader::Written } else { LogHeader::Unwritten })))
}

/// How lost entries are told of.
pub(super) fn dropped_formatter(format: OutputFormat) -> fn(u64) -> String {
    match format {
        OutputFormat::Json => |count| format!("{}\n", wire::dropped_lines_json(count)),
        _ => |count| format!("watch: not written, for nobody read them in time: {count} lines\n"),
    }
}

/// The log.
pub(super) struct SuperviseLog<'a> {
    out: Option<ReportWriter<'a>>,
    queue: Option<LineQueue>,
    header: LogHeader,
    /// Whether it is on standard error; then what the terminal sends to everybody
    /// is left out.
    is_stderr: bool,
}

impl<'a> SuperviseLog<'a> {
    /// Nothing is in it yet.
    pub(in crate::commands::watch) fn new(
        sink: &'a mut LogSink,
        to: &LogDestination,
        settings: OutputSettings,
    ) -> SuperviseLog<'a> {
        let format =
            if settings.format == OutputFormat::Json { OutputFormat::Json } else { OutputFormat::Plain };
        let settings = OutputSettings { format, color: false, indent_json: false, ..settings };
        let beginning = sink.as_ref().map_or(LogHeader::Written, |(_, beginning)| *beginning);
        let backlog = sink.as_ref().map(|(sink, _)| sink.clone());
        let out = sink.as_mut().map(|(sink, _)| ReportWriter::new(sink, settings));
        SuperviseLog { out, queue: backlog, header: beginning, is_stderr: *to == LogDestination::Stderr }
    }

    /// Whether anything is written at all.
    pub(super) fn is_enabled(&self) -> bool {
        self.out.is_some()
    }

    /// One more signal.
    pub(super) fn write_entry(&mut self, event: &ReceivedSignal, fate: &ForwardOutcome) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        if self.is_stderr && *fate == ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal) {
            return Ok(());
        }
        if out.format() == OutputFormat::Json {
            return out.write_json_line(&wire::log_entry_object(event, fate));
        }
        if std::mem::replace(&mut self.header, LogHeader::Written) == LogHeader::Unwritten {
            out.write_stream_header(&LOG_COLUMNS)?;
        }
        let origin = event.siginfo.origin();
        let cells = [
            Cell::new(view::format_time(event.time, out.format()), Meaning::Absent),
            Cell::new(Arch::NATIVE.signal_name(event.siginfo.signal).to_string(), Meaning::Subject),
            view::sender_cell(event, origin),
            view::value_cell(origin),
            Cell::plain(outcome_text(event.siginfo.signal, fate)),
            Cell::plain(event.siginfo.description()),
        ];
        out.write_stream_row(&LOG_COLUMNS, cells)
    }

    /// Writes what is there.
    ///
    /// # Errors
    /// Why it could not be written; then there is no log any more.
    pub(in crate::commands::watch) fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), ReportWriter::flush)
    }

    /// Whether something waits to be written.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        self.queue.as_ref().is_some_and(LineQueue::has_pending)
    }

    /// Writes what waits, before the end; gives how many bytes nobody has read.
    pub(in crate::commands::watch) fn flush_at_exit(&self) -> usize {
        // Standard error is finished by itself.
        self.queue.as_ref().filter(|_| !self.is_stderr).map_or(0, LineQueue::flush_at_exit)
    }

    /// It cannot be written: that keeps the command from nothing.
    pub(super) fn disable(&mut self) {
        (self.out, self.queue) = (None, None);
    }
}

fn outcome_text(signal: Signal, fate: &ForwardOutcome) -> String {
    match fate {
        ForwardOutcome::Forwarded(to) if *to == signal => "forwarded".to_owned(),
        ForwardOutcome::Forwarded(to) => format!("as {}", Arch::NATIVE.signal_name(*to)),
        ForwardOutcome::SentOnTimeout => "timeout".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::Dropped) => "dropped".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal) => "has it".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::CommandExited) => "nobody left".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::Failed(why)) => format!("failed: {why}"),
    }
}
