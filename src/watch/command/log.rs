//! What was received and what became of it, a line each; never on the
//! command's standard output.

use std::io;

use super::LogTo;
use super::backlog::Backlog;
use super::fate::{Fate, Why};
use super::wire;
use crate::error::{Failure, bare};
use crate::exit::Exit;
use crate::out::{Cell, Format, Meaning, Out, Settings, StreamColumn, escape};
use crate::signal::{Arch, Signal};
use crate::watch::{Event, view};

const COLUMNS: [StreamColumn; 6] = [
    StreamColumn { title: "TIME", width: 27 },
    StreamColumn { title: "SIGNAL", width: 8 },
    StreamColumn { title: "SENDER", width: 28 },
    StreamColumn { title: "VALUE", width: 5 },
    StreamColumn { title: "DONE", width: 12 },
    StreamColumn { title: "CODE", width: 0 },
];

/// Where the log is written; `None` where there is none.
pub(super) type Sink = Option<(Backlog, Beginning)>;

/// Whether titles are still to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// They are, above the first entry.
    Titles,
    /// Others are there.
    None,
}

/// Opens it; `stderr` is what stands for standard error.
pub(super) fn sink(to: &LogTo, stderr: &Backlog, format: Format) -> Result<Sink, Failure> {
    let path = match to {
        LogTo::Nowhere => return Ok(None),
        LogTo::Stderr => return Ok(Some((stderr.clone(), Beginning::Titles))),
        LogTo::File(path) => path,
    };
    let failed = |error: io::Error| {
        let path = escape(path.as_os_str().as_encoded_bytes());
        Failure { exit: Exit::Failed, cause: anyhow::anyhow!("--log {path}: {}", bare(&error)) }
    };
    let (backlog, begun) = Backlog::append(path, lost(format)).map_err(failed)?;
    Ok(Some((backlog, if begun { Beginning::None } else { Beginning::Titles })))
}

/// How lost entries are told of.
pub(super) fn lost(format: Format) -> fn(u64) -> String {
    match format {
        Format::Json => |count| format!("{}\n", wire::lost(count)),
        _ => |count| format!("watch: not written, for nobody read them in time: {count} lines\n"),
    }
}

/// The log.
pub(super) struct Log<'a> {
    out: Option<Out<'a>>,
    backlog: Option<Backlog>,
    beginning: Beginning,
    /// Whether it is on standard error; then what the terminal sends to everybody
    /// is left out.
    is_stderr: bool,
}

impl<'a> Log<'a> {
    /// Nothing is in it yet.
    pub(super) fn new(sink: &'a mut Sink, to: &LogTo, settings: Settings) -> Log<'a> {
        let format = if settings.format == Format::Json { Format::Json } else { Format::Plain };
        let settings = Settings { format, color: false, indent: false, ..settings };
        let beginning = sink.as_ref().map_or(Beginning::None, |(_, beginning)| *beginning);
        let backlog = sink.as_ref().map(|(sink, _)| sink.clone());
        let out = sink.as_mut().map(|(sink, _)| Out::new(sink, settings));
        Log { out, backlog, beginning, is_stderr: *to == LogTo::Stderr }
    }

    /// Whether anything is written at all.
    pub(super) fn is_kept(&self) -> bool {
        self.out.is_some()
    }

    /// One more signal.
    pub(super) fn add(&mut self, event: &Event, fate: &Fate) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        if self.is_stderr && *fate == Fate::Kept(Why::Terminal) {
            return Ok(());
        }
        if out.format() == Format::Json {
            return out.json_line(&wire::entry(event, fate));
        }
        if std::mem::replace(&mut self.beginning, Beginning::None) == Beginning::Titles {
            out.stream_header(&COLUMNS)?;
        }
        let origin = event.info.origin();
        let cells = [
            Cell::new(view::time(event.time, out.format()), Meaning::Nothing),
            Cell::new(Arch::NATIVE.name(event.info.signal).to_string(), Meaning::Subject),
            view::sender(event, origin),
            view::value(origin),
            Cell::plain(done(event.info.signal, fate)),
            Cell::plain(event.info.words()),
        ];
        out.stream_row(&COLUMNS, cells)
    }

    /// Writes what is there.
    ///
    /// # Errors
    /// Why it could not be written; then there is no log any more.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Out::flush)
    }

    /// Whether something waits to be written.
    pub(super) fn has_waiting(&self) -> bool {
        self.backlog.as_ref().is_some_and(Backlog::has_waiting)
    }

    /// Writes what waits, before the end; gives how many bytes nobody has read.
    pub(super) fn finish(&self) -> usize {
        // Standard error is finished by itself.
        self.backlog.as_ref().filter(|_| !self.is_stderr).map_or(0, Backlog::finish)
    }

    /// It cannot be written: that keeps the command from nothing.
    pub(super) fn give_up(&mut self) {
        (self.out, self.backlog) = (None, None);
    }
}

fn done(signal: Signal, fate: &Fate) -> String {
    match fate {
        Fate::Forwarded(to) if *to == signal => "forwarded".to_owned(),
        Fate::Forwarded(to) => format!("as {}", Arch::NATIVE.name(*to)),
        Fate::Sent => "timeout".to_owned(),
        Fate::Kept(Why::Dropped) => "dropped".to_owned(),
        Fate::Kept(Why::Terminal) => "has it".to_owned(),
        Fate::Kept(Why::Ended) => "nobody left".to_owned(),
        Fate::Kept(Why::Failed(why)) => format!("failed: {why}"),
    }
}
