//! Processes and masks, shown: one in full, several in a row each.

use std::collections::HashMap;
use std::io;

use super::rows::{self, Blocked, Disposition, Pending, Row};
use super::verdict::{effect_rows, findings, unmet};
use super::{BareMask, Process, Report, inside, wire};
use crate::out::{Cell, Column, Fields, Format, Grid, Meaning, Out, escape};
use crate::proc::Status;
use crate::proc::status::SetLine;
use crate::select::Found;
use crate::signal::{Action, Arch, Signal, SignalSet};

/// The numbers of processes, a line each; in JSON, a document of them.
pub(super) fn pids(found: &[Found], out: &mut Out<'_>) -> io::Result<()> {
    match out.format() {
        Format::Json => wire::pids(found, out),
        _ => found.iter().try_for_each(|found| out.line(&found.pid.to_string())),
    }
}

/// Shows a report.
pub(super) fn show(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    if out.format() == Format::Json {
        return wire::show(report, out);
    }
    let processes = &report.processes;
    if report.requirements > 0 {
        return unmet(processes, out);
    }
    if report.signal.is_some() && (report.chosen || processes.len() > 1) && !report.full {
        if !processes.is_empty() {
            out.grid(&effect_rows(processes, report.signal))?;
        }
        if let Some(asked) = report.inside {
            inside::view::rows(asked, processes, out)?;
        }
    } else if report.is_in_full() {
        for process in processes {
            let mut header = header(process);
            if let (Some(signal), Some(effect)) = (report.signal, &process.effect) {
                let text = format!("{}: {effect}", process.status.arch.name(signal));
                header.add("Effect", Cell::new(text, Meaning::of_effect(effect.id())));
            }
            inside::view::means(process, report.inside, &mut header);
            if !header.is_empty() {
                out.fields(&header)?;
            }
            match report.inside {
                Some(_) => inside::view::show(process, report, out)?,
                None => show_signals(process, report.full, out)?,
            }
            if report.threads {
                out.grid(&thread_rows(std::slice::from_ref(process)))?;
            }
            if !process.findings.is_empty() {
                out.fields(&findings(process))?;
            }
        }
    } else if !processes.is_empty() {
        match report.inside {
            Some(asked) => inside::view::rows(asked, processes, out)?,
            None => out.grid(&process_rows(processes))?,
        }
        if report.threads {
            out.grid(&thread_rows(processes))?;
        }
    }
    report.masks.iter().try_for_each(|mask| match mask.set.is_empty() {
        true => out.sentence("No signal is in the mask."),
        false => out.grid(&mask_rows(mask)),
    })
}

fn show_signals(process: &Process, full: bool, out: &mut Out<'_>) -> io::Result<()> {
    let rows = process.rows(full);
    if !rows.is_empty() {
        return out.grid(&signal_rows(&rows, process.status.arch));
    }
    let complete = process.status.missing().next().is_none();
    let known = if complete { "" } else { " in the lines that there are" };
    out.sentence(&format!("No signal is blocked, ignored, caught or pending{known}."))
}

/// What there is to know of the process itself. What is not known has no line.
fn header(process: &Process) -> Fields {
    let status = &process.status;
    let mut fields = Fields::default();
    if let Some(file) = process.file.as_ref().filter(|file| *file != b"-") {
        fields.add("File", Cell::plain(escape(file).into_owned()));
    }
    let name = status.name.as_ref().map(|name| escape(name.as_bytes()).into_owned());
    match (process.thread, status.tgid.or(status.pid)) {
        (Some(tid), Some(pid)) => {
            let of = format!("{} of process {pid}", process_of(&name, &tid.to_string()));
            fields.add("Thread", Cell::new(of, Meaning::Subject));
        }
        (_, Some(pid)) => {
            fields.add("Process", Cell::new(process_of(&name, &pid.to_string()), Meaning::Subject))
        }
        (_, None) => {
            if let Some(name) = name {
                fields.add("Process", Cell::new(name, Meaning::Subject));
            }
        }
    }
    if let Some(state) = status.state {
        let words = if process.leader_ended() {
            "zombie: the main thread has ended, others live"
        } else {
            state.words()
        };
        let meaning = if state.letter() == 'Z' { Meaning::Grave } else { Meaning::Plain };
        fields.add("State", Cell::new(format!("{} ({words})", state.letter()), meaning));
    }
    if status.kernel_thread == Some(true) {
        fields.add("Kind", Cell::plain("kernel thread"));
    }
    if let Some(count) = status.threads.filter(|_| process.thread.is_none()) {
        let alone = process.threads.is_none() && count > 1;
        let note = if alone { " (only the main thread's mask and pending set are known)" } else { "" };
        fields.add("Threads", Cell::plain(format!("{count}{note}")));
    }
    if let Some(parent) = status.parent {
        fields.add("Parent", Cell::plain(other_process(parent, process.parent_name.as_deref())));
    }
    if let Some(tracer) = status.tracer {
        let text = other_process(tracer, process.tracer_name.as_deref());
        fields.add("Tracer", Cell::new(text, Meaning::Held));
    }
    if let Some((real, effective)) = status.uids {
        let name = process.user.as_deref().map(|name| format!(" ({})", escape(name.as_bytes())));
        let differs = if real == effective { String::new() } else { format!(", real uid {real}") };
        fields.add("User", Cell::plain(format!("{effective}{}{differs}", name.unwrap_or_default())));
    }
    if let [_, inner @ ..] = status.namespace_pids.as_slice()
        && !inner.is_empty()
    {
        let pids: Vec<String> = inner.iter().map(ToString::to_string).collect();
        let init = if inner.last() == Some(&1) { " (its init)" } else { "" };
        fields.add("Namespace", Cell::plain(format!("pid {} in its own{init}", pids.join(", then "))));
    }
    if let Some(queue) = status.queue {
        let meaning = if queue.used >= queue.limit { Meaning::Grave } else { Meaning::Plain };
        let uid = status.uids.map(|(real, _)| format!(" for uid {real}")).unwrap_or_default();
        fields.add("Queue", Cell::new(format!("{} of {} signals{uid}", queue.used, queue.limit), meaning));
    }
    if status.arch != Arch::NATIVE {
        fields.add("Numbers", Cell::plain(format!("of {}: the masks have 128 signals", status.arch)));
    }
    let missing: Vec<&str> = status.missing().map(SetLine::key).collect();
    if !missing.is_empty() {
        fields.add("Missing", Cell::new(missing.join(", "), Meaning::Unknown));
    }
    fields
}

/// `1234 (nginx)`.
pub(super) fn process_of(name: &Option<String>, number: &str) -> String {
    match name {
        Some(name) => format!("{number} ({name})"),
        None => number.to_owned(),
    }
}

fn other_process(pid: u32, name: Option<&[u8]>) -> String {
    match (pid, name) {
        (0, _) => "0 (none, or outside this pid namespace)".to_owned(),
        _ => process_of(&name.map(|name| escape(name).into_owned()), &pid.to_string()),
    }
}

fn signal_rows(rows: &[Row], arch: Arch) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("DISPOSITION"),
        Column::left("BLOCKED"),
        Column::left("PENDING"),
    ]);
    for Row { signal, disposition, blocked, pending } in rows {
        grid.row([
            Cell::plain(signal.get().to_string()),
            Cell::new(signal_name(*signal, arch), Meaning::Subject),
            self::disposition(*disposition),
            self::blocked(*blocked),
            self::pending(pending),
        ]);
    }
    grid
}

/// A signal's name; for those without one, whose they are.
pub(super) fn signal_name(signal: Signal, arch: Arch) -> String {
    let name = arch.name(signal);
    if signal.is_of_c_library() { format!("{name} (C library)") } else { name.to_string() }
}

fn disposition(disposition: Disposition) -> Cell {
    match disposition {
        Disposition::Default(action) => default(action),
        Disposition::Ignored => Cell::new("ignored", Meaning::Ignored),
        Disposition::Caught => Cell::new("caught", Meaning::Handled),
        Disposition::Unknown => Cell::new("unknown", Meaning::Unknown),
    }
}

fn default(action: Action) -> Cell {
    Cell::plain(match action {
        Action::Term => "default: terminate",
        Action::Core => "default: dump core",
        Action::Stop => "default: stop",
        Action::Cont => "default: continue",
        Action::Ign => "default: ignore",
    })
}

fn blocked(blocked: Blocked) -> Cell {
    match blocked {
        Blocked::No => Cell::nothing(),
        Blocked::Yes => Cell::new("blocked", Meaning::Held),
        Blocked::Some { threads, of } => Cell::new(format!("{threads} of {of} threads"), Meaning::Held),
        Blocked::Main => Cell::new("by the main thread", Meaning::Held),
        Blocked::NotAll => Cell::plain("not by all"),
        Blocked::Unknown => Cell::new("unknown", Meaning::Unknown),
    }
}

fn pending(pending: &Pending) -> Cell {
    let threads = match pending.threads.as_slice() {
        [] => None,
        [0] => Some("thread".to_owned()),
        [tid] => Some(format!("thread {tid}")),
        [one, other] => Some(format!("threads {one}, {other}")),
        several => Some(format!("{} threads", several.len())),
    };
    match (pending.process, threads) {
        (false, None) if pending.unknown => Cell::new("unknown", Meaning::Unknown),
        (false, None) => Cell::nothing(),
        (true, None) => Cell::new("process", Meaning::Grave),
        (false, Some(threads)) => Cell::new(threads, Meaning::Grave),
        (true, Some(threads)) => Cell::new(format!("process, {threads}"), Meaning::Grave),
    }
}

/// Texts of sets: many processes have the same few.
#[derive(Default)]
struct Texts(HashMap<(SignalSet, Arch), String>);

impl Texts {
    /// The cell of a set.
    fn cell(&mut self, set: Option<SignalSet>, arch: Arch, meaning: Meaning) -> Cell {
        match set {
            None => Cell::new("unknown", Meaning::Unknown),
            Some(set) if set.is_empty() => Cell::nothing(),
            Some(set) => {
                let text = self.0.entry((set, arch)).or_insert_with(|| set.text(arch).to_string());
                Cell::new(text.clone(), meaning)
            }
        }
    }
}

fn process_rows(processes: &[Process]) -> Grid {
    let mut texts = Texts::default();
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::word("S"),
        Column::right("THR"),
        Column::left("PENDING"),
        Column::left("BLOCKED"),
        Column::left("IGNORED"),
        Column::left("CAUGHT"),
        Column::word("NAME"),
    ]);
    for process in processes {
        let status = &process.status;
        grid.row([
            ids(process),
            state(status),
            optional(status.threads),
            texts.cell(process.pending(), status.arch, Meaning::Grave),
            blocked_set(process, &mut texts),
            texts.cell(status.ignored, status.arch, Meaning::Ignored),
            texts.cell(status.caught, status.arch, Meaning::Handled),
            process_name(process),
        ]);
    }
    grid
}

fn thread_rows(processes: &[Process]) -> Grid {
    let mut texts = Texts::default();
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::right("TID"),
        Column::word("S"),
        Column::left("PENDING"),
        Column::left("BLOCKED"),
        Column::word("NAME"),
    ]);
    for process in processes {
        let arch = process.status.arch;
        let pid = optional(process.status.tgid.or(process.status.pid));
        let Some(threads) = &process.threads else {
            grid.row([
                pid,
                optional(process.status.pid),
                state(&process.status),
                texts.cell(process.status.pending, arch, Meaning::Grave),
                texts.cell(process.status.blocked, arch, Meaning::Held),
                process_name(process),
            ]);
            continue;
        };
        for task in threads.iter() {
            let name = task.name.as_ref().map(|name| escape(name.as_bytes()).into_owned());
            grid.row([
                pid.clone(),
                Cell::plain(task.tid.to_string()),
                task.state.map_or_else(Cell::nothing, |state| Cell::plain(state.letter().to_string())),
                texts.cell(Some(task.pending), arch, Meaning::Grave),
                texts.cell(Some(task.blocked), arch, Meaning::Held),
                name.filter(|name| !name.is_empty()).map_or_else(Cell::nothing, Cell::plain),
            ]);
        }
    }
    grid
}

/// The process, and the thread where one is looked at.
pub(super) fn ids(process: &Process) -> Cell {
    match (process.status.tgid.or(process.status.pid), process.thread) {
        (Some(pid), Some(tid)) => Cell::new(format!("{pid}/{tid}"), Meaning::Subject),
        (Some(pid), None) => Cell::new(pid.to_string(), Meaning::Subject),
        _ => Cell::nothing(),
    }
}

pub(super) fn state(status: &Status) -> Cell {
    status.state.map_or_else(Cell::nothing, |state| Cell::plain(state.letter().to_string()))
}

fn optional(number: Option<u32>) -> Cell {
    match number {
        None => Cell::nothing(),
        // Most have one thread.
        Some(1) => Cell::plain("1"),
        Some(number) => Cell::plain(number.to_string()),
    }
}

/// The name, or the file where there is no name.
pub(super) fn process_name(process: &Process) -> Cell {
    let name = process.status.name.as_ref().map(|name| name.as_bytes());
    match name.or(process.file.as_deref()) {
        Some(name) if !name.is_empty() => Cell::plain(escape(name).into_owned()),
        _ => Cell::nothing(),
    }
}

/// What every thread blocks; of a text, what its main thread does, and that it
/// speaks for no other.
fn blocked_set(process: &Process, texts: &mut Texts) -> Cell {
    let cell = texts.cell(process.blocked(), process.status.arch, Meaning::Held);
    match process.blocked() {
        Some(set) if process.is_partial() && !set.is_empty() => {
            Cell::new(format!("main: {}", cell.text), Meaning::Held)
        }
        _ => cell,
    }
}

fn mask_rows(mask: &BareMask) -> Grid {
    let mut grid =
        Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("DEFAULT ACTION")]);
    for signal in mask.set.iter() {
        grid.row([
            Cell::plain(signal.get().to_string()),
            Cell::new(signal_name(signal, mask.arch), Meaning::Subject),
            Cell::plain(rows::action(signal, mask.arch).verb()),
        ]);
    }
    grid
}
