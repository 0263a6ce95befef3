//! The log of received signals and the outcome of forwarding them. It never goes to
//! standard output, which belongs to the command.

use std::io;

use super::LogDestination;
use super::policy::{ForwardOutcome, NotForwardedReason};
use super::wire;
use crate::commands::watch::output::{LineDroppingWriter, dropped_lines_note};
use crate::commands::watch::{ReceivedSignal, cells};
use crate::error::{Failure, message_without_errno};
use crate::exit::ExitStatus;
use crate::out::{Cell, Meaning, OutputFormat, OutputSettings, ReportWriter, StreamColumn, escape_name};
use crate::signal::{Arch, Signal};

const LOG_COLUMNS: [StreamColumn; 6] = [
    StreamColumn { title: "TIME", width: 27 },
    StreamColumn { title: "SIGNAL", width: 8 },
    StreamColumn { title: "SENDER", width: 28 },
    StreamColumn { title: "VALUE", width: 5 },
    StreamColumn { title: "ACTION", width: 12 },
    StreamColumn { title: "CODE", width: 0 },
];

/// The destination of the log, or `None` if the log is disabled.
pub(super) type LogSink = Option<(LineDroppingWriter, LogHeader)>;

/// Whether the log has column titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogHeader {
    /// The titles must be written before the first entry.
    Unwritten,
    /// The file has content, so it has titles.
    Written,
}

/// Opens the destination. `stderr` is the writer for standard error.
pub(super) fn open_sink(
    destination: &LogDestination,
    stderr: &LineDroppingWriter,
    format: OutputFormat,
) -> Result<LogSink, Failure> {
    let path = match destination {
        LogDestination::Disabled => return Ok(None),
        LogDestination::Stderr => return Ok(Some((stderr.clone(), LogHeader::Unwritten))),
        LogDestination::File(path) => path,
    };
    let open_error = |error: io::Error| {
        let path = escape_name(path.as_os_str().as_encoded_bytes());
        Failure {
            exit_status: ExitStatus::InternalError,
            cause: anyhow::anyhow!("--log {path}: {}", message_without_errno(&error)),
        }
    };
    let (writer, is_non_empty) =
        LineDroppingWriter::open_append(path, dropped_formatter(format)).map_err(open_error)?;
    Ok(Some((writer, if is_non_empty { LogHeader::Written } else { LogHeader::Unwritten })))
}

/// Returns the function that formats the notice about dropped entries.
pub(super) fn dropped_formatter(format: OutputFormat) -> fn(u64) -> String {
    match format {
        OutputFormat::Json => |count| format!("{}\n", wire::dropped_lines_json(count)),
        _ => dropped_lines_note,
    }
}

/// The log of a supervised command.
pub(super) struct SuperviseLog<'a> {
    out: Option<ReportWriter<'a>>,
    writer: Option<LineDroppingWriter>,
    header: LogHeader,
    /// Whether the log goes to standard error. Then it omits signals that the terminal
    /// sent to the whole process group.
    is_stderr: bool,
}

impl<'a> SuperviseLog<'a> {
    /// Creates a log that writes to `sink`.
    pub(in crate::commands::watch) fn new(
        sink: &'a mut LogSink,
        destination: &LogDestination,
        settings: OutputSettings,
    ) -> SuperviseLog<'a> {
        let format =
            if settings.format == OutputFormat::Json { OutputFormat::Json } else { OutputFormat::Plain };
        let settings = OutputSettings { format, color: false, indent_json: false, ..settings };
        let header = sink.as_ref().map_or(LogHeader::Written, |(_, header)| *header);
        let writer = sink.as_ref().map(|(writer, _)| writer.clone());
        let out = sink.as_mut().map(|(writer, _)| ReportWriter::new(writer, settings));
        SuperviseLog { out, writer, header, is_stderr: *destination == LogDestination::Stderr }
    }

    /// Whether entries are written.
    pub(super) fn is_enabled(&self) -> bool {
        self.out.is_some()
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// The error of write(2).
    pub(super) fn write_entry(&mut self, event: &ReceivedSignal, outcome: &ForwardOutcome) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        if self.is_stderr && *outcome == ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal) {
            return Ok(());
        }
        if out.format() == OutputFormat::Json {
            return out.write_json_line(&wire::log_entry_object(event, outcome));
        }
        if std::mem::replace(&mut self.header, LogHeader::Written) == LogHeader::Unwritten {
            out.write_stream_header(&LOG_COLUMNS)?;
        }
        let origin = event.siginfo.origin();
        let cells = [
            Cell::new(cells::format_time(event.time, out.format()), Meaning::Absent),
            Cell::new(Arch::NATIVE.signal_name(event.siginfo.signal).to_string(), Meaning::Subject),
            cells::sender_cell(event, origin),
            cells::value_cell(origin),
            Cell::plain(outcome_text(event.siginfo.signal, outcome)),
            Cell::plain(event.siginfo.description()),
        ];
        out.write_stream_row(&LOG_COLUMNS, cells)
    }

    /// Writes buffered entries.
    ///
    /// # Errors
    /// The error of write(2). The caller then disables the log.
    pub(in crate::commands::watch) fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), ReportWriter::flush)
    }

    /// Whether bytes are not written yet.
    pub(in crate::commands::watch) fn has_pending(&self) -> bool {
        self.writer.as_ref().is_some_and(LineDroppingWriter::has_pending)
    }

    /// Writes pending bytes before exit. Returns the number of bytes that no reader gets.
    pub(in crate::commands::watch) fn flush_at_exit(&self) -> usize {
        // The supervisor flushes standard error.
        self.writer.as_ref().filter(|_| !self.is_stderr).map_or(0, LineDroppingWriter::flush_at_exit)
    }

    /// Disables the log after an error. The command continues.
    pub(super) fn disable(&mut self) {
        (self.out, self.writer) = (None, None);
    }
}

fn outcome_text(signal: Signal, outcome: &ForwardOutcome) -> String {
    match outcome {
        ForwardOutcome::Forwarded(to) if *to == signal => "forwarded".to_owned(),
        ForwardOutcome::Forwarded(to) => format!("sent as {}", Arch::NATIVE.signal_name(*to)),
        ForwardOutcome::SentOnTimeout => "timeout".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::Dropped) => "dropped".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::SentByTerminal) => "already sent".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::CommandExited) => "not running".to_owned(),
        ForwardOutcome::NotForwarded(NotForwardedReason::Failed(error)) => format!("failed: {error}"),
    }
}
