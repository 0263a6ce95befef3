//! Text output of processes and masks: one process with a header, several as
//! rows.

use std::collections::HashMap;
use std::io;

use super::cells::{ids_cell, pid_with_name, process_name_cell, signal_label, state_cell};
use super::explanation::{effect_grid, finding_fields, print_unmet};
use super::signal_rows::{self, BlockedStatus, PendingStatus, RowDisposition, SignalRow};
use super::{BareMask, DecodeReport, DecodedProcess, inspect, wire};
use crate::out::{Cell, Column, Fields, Grid, Meaning, OutputFormat, ReportWriter, escape_name};
use crate::procfs::status::SignalSetLine;
use crate::select::SelectedProcess;
use crate::signal::{Arch, DefaultAction, SignalSet};

/// Prints the PIDs of processes, one per line, or as one JSON document.
pub(super) fn print_pids(found: &[SelectedProcess], out: &mut ReportWriter<'_>) -> io::Result<()> {
    match out.format() {
        OutputFormat::Json => wire::write_pids_json(found, out),
        _ => found.iter().try_for_each(|found| out.write_line(&found.pid.to_string())),
    }
}

/// Prints a report.
pub(super) fn print_report(report: &DecodeReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    if out.format() == OutputFormat::Json {
        return wire::write_json(report, out);
    }
    let processes = &report.processes;
    if report.requirement_count > 0 {
        return print_unmet(processes, out);
    }
    if report.effect_signal.is_some() && (report.is_selection || processes.len() > 1) && !report.full {
        if !processes.is_empty() {
            out.write_grid(&effect_grid(processes, report.effect_signal))?;
        }
        if let Some(options) = report.inspect {
            inspect::view::print_processes(options, processes, out)?;
        }
    } else if report.is_detailed() {
        for process in processes {
            let mut header = header_fields(process);
            if let (Some(signal), Some(effect)) = (report.effect_signal, &process.effect) {
                let text = format!("{}: {effect}", process.status.arch.signal_name(signal));
                header.push("Effect", Cell::new(text, Meaning::from_effect_id(effect.id())));
            }
            inspect::view::add_provenance(process, report.inspect, &mut header);
            if !header.is_empty() {
                out.write_fields(&header)?;
            }
            match report.inspect {
                Some(_) => inspect::view::print_process(process, report, out)?,
                None => print_signals(process, report.full, out)?,
            }
            if report.threads {
                out.write_grid(&thread_grid(std::slice::from_ref(process)))?;
            }
            if !process.findings.is_empty() {
                out.write_fields(&finding_fields(process))?;
            }
        }
    } else if !processes.is_empty() {
        match report.inspect {
            Some(options) => inspect::view::print_processes(options, processes, out)?,
            None => out.write_grid(&process_grid(processes))?,
        }
        if report.threads {
            out.write_grid(&thread_grid(processes))?;
        }
    }
    report.masks.iter().try_for_each(|mask| match mask.set.is_empty() {
        true => out.write_sentence("No signal is in the mask."),
        false => out.write_grid(&mask_grid(mask)),
    })
}

fn print_signals(process: &DecodedProcess, full: bool, out: &mut ReportWriter<'_>) -> io::Result<()> {
    let rows = process.rows(full);
    if !rows.is_empty() {
        return out.write_grid(&signal_grid(&rows, process.status.arch));
    }
    let is_complete = process.status.missing_sets().next().is_none();
    let restriction = if is_complete { "" } else { " in the available lines" };
    out.write_sentence(&format!("No signal is blocked, ignored, caught or pending{restriction}."))
}

/// Returns the header of a process. Unknown values have no line.
fn header_fields(process: &DecodedProcess) -> Fields {
    let status = &process.status;
    let mut fields = Fields::default();
    if let Some(file) = process.source_file.as_ref().filter(|file| *file != b"-") {
        fields.push("File", Cell::plain(escape_name(file).into_owned()));
    }
    let name = status.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
    match (process.tid, status.tgid.or(status.pid)) {
        (Some(tid), Some(pid)) => {
            let text = format!("{} of process {pid}", pid_with_name(&name, &tid.to_string()));
            fields.push("Thread", Cell::new(text, Meaning::Subject));
        }
        (_, Some(pid)) => {
            fields.push("Process", Cell::new(pid_with_name(&name, &pid.to_string()), Meaning::Subject))
        }
        (_, None) => {
            if let Some(name) = name {
                fields.push("Process", Cell::new(name, Meaning::Subject));
            }
        }
    }
    if let Some(state) = status.state {
        let description = if process.leader_exited() {
            "zombie; the main thread has exited, others are running"
        } else {
            state.description()
        };
        let meaning = if state.letter() == 'Z' { Meaning::Danger } else { Meaning::Plain };
        fields.push("State", Cell::new(format!("{} ({description})", state.letter()), meaning));
    }
    if status.is_kernel_thread == Some(true) {
        fields.push("Kind", Cell::plain("kernel thread"));
    }
    if let Some(count) = status.thread_count.filter(|_| process.tid.is_none()) {
        let is_main_thread_only = process.threads.is_none() && count > 1;
        let note =
            if is_main_thread_only { " (only the main thread's mask and pending set are known)" } else { "" };
        fields.push("Threads", Cell::plain(format!("{count}{note}")));
    }
    if let Some(parent) = status.parent_pid {
        fields.push("Parent", Cell::plain(related_process(parent, process.parent_name.as_deref())));
    }
    if let Some(tracer) = status.tracer_pid {
        let text = related_process(tracer, process.tracer_name.as_deref());
        fields.push("Tracer", Cell::new(text, Meaning::Pending));
    }
    if let Some((real, effective)) = status.uids {
        let name = process.user.as_deref().map(|name| format!(" ({})", escape_name(name.as_bytes())));
        let real_uid_text = if real == effective { String::new() } else { format!(", real uid {real}") };
        fields.push("User", Cell::plain(format!("{effective}{}{real_uid_text}", name.unwrap_or_default())));
    }
    if let [_, inner_pids @ ..] = status.namespace_pids.as_slice()
        && !inner_pids.is_empty()
    {
        let pids: Vec<String> = inner_pids.iter().map(ToString::to_string).collect();
        let init_note = if inner_pids.last() == Some(&1) { " (its init)" } else { "" };
        let text = format!("PID {} in its own PID namespace{init_note}", pids.join(", then "));
        fields.push("Namespace", Cell::plain(text));
    }
    if let Some(queue) = status.queue_usage {
        let meaning = if queue.used >= queue.limit { Meaning::Danger } else { Meaning::Plain };
        let uid = status.uids.map(|(real, _)| format!(" for uid {real}")).unwrap_or_default();
        fields.push("Queue", Cell::new(format!("{} of {} signals{uid}", queue.used, queue.limit), meaning));
    }
    if status.arch != Arch::NATIVE {
        fields.push("Numbers", Cell::plain(format!("those of {}, which has 128 signals", status.arch)));
    }
    let missing: Vec<&str> = status.missing_sets().map(SignalSetLine::key).collect();
    if !missing.is_empty() {
        fields.push("Missing", Cell::new(missing.join(", "), Meaning::Unknown));
    }
    fields
}

fn related_process(pid: u32, name: Option<&[u8]>) -> String {
    match (pid, name) {
        (0, _) => "0 (none, or outside this PID namespace)".to_owned(),
        _ => pid_with_name(&name.map(|name| escape_name(name).into_owned()), &pid.to_string()),
    }
}

fn signal_grid(rows: &[SignalRow], arch: Arch) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("DISPOSITION"),
        Column::left("BLOCKED"),
        Column::left("PENDING"),
    ]);
    for SignalRow { signal, disposition, blocked, pending } in rows {
        grid.push_row([
            Cell::plain(signal.get().to_string()),
            Cell::new(signal_label(*signal, arch), Meaning::Subject),
            self::disposition_cell(*disposition),
            self::blocked_cell(*blocked),
            self::pending_cell(pending),
        ]);
    }
    grid
}

fn disposition_cell(disposition: RowDisposition) -> Cell {
    match disposition {
        RowDisposition::Default(action) => default_action_cell(action),
        RowDisposition::Ignored => Cell::new("ignored", Meaning::Ignored),
        RowDisposition::Caught => Cell::new("caught", Meaning::Handled),
        RowDisposition::Unknown => Cell::new("unknown", Meaning::Unknown),
    }
}

fn default_action_cell(action: DefaultAction) -> Cell {
    Cell::plain(match action {
        DefaultAction::Term => "default: terminate",
        DefaultAction::Core => "default: dump core",
        DefaultAction::Stop => "default: stop",
        DefaultAction::Cont => "default: continue",
        DefaultAction::Ign => "default: ignore",
    })
}

fn blocked_cell(blocked: BlockedStatus) -> Cell {
    match blocked {
        BlockedStatus::ByNone => Cell::absent(),
        BlockedStatus::ByAll => Cell::new("blocked", Meaning::Pending),
        BlockedStatus::BySome { threads, total } => {
            Cell::new(format!("{threads} of {total} threads"), Meaning::Pending)
        }
        BlockedStatus::ByMainThread => Cell::new("by main thread", Meaning::Pending),
        BlockedStatus::NotByMainThread => Cell::plain("not by main thread"),
        BlockedStatus::Unknown => Cell::new("unknown", Meaning::Unknown),
    }
}

fn pending_cell(pending: &PendingStatus) -> Cell {
    let threads = match pending.for_threads.as_slice() {
        [] => None,
        [0] => Some("thread".to_owned()),
        [tid] => Some(format!("thread {tid}")),
        [first, second] => Some(format!("threads {first}, {second}")),
        several => Some(format!("{} threads", several.len())),
    };
    match (pending.for_process, threads) {
        (false, None) if pending.is_unknown => Cell::new("unknown", Meaning::Unknown),
        (false, None) => Cell::absent(),
        (true, None) => Cell::new("process", Meaning::Danger),
        (false, Some(threads)) => Cell::new(threads, Meaning::Danger),
        (true, Some(threads)) => Cell::new(format!("process, {threads}"), Meaning::Danger),
    }
}

/// Cache of the texts of signal sets. Many processes share the same few sets.
#[derive(Default)]
struct SetTextCache(HashMap<(SignalSet, Arch), String>);

impl SetTextCache {
    /// Returns the cell of a set.
    fn set_cell(&mut self, set: Option<SignalSet>, arch: Arch, meaning: Meaning) -> Cell {
        match set {
            None => Cell::new("unknown", Meaning::Unknown),
            Some(set) if set.is_empty() => Cell::absent(),
            Some(set) => {
                let text = self.0.entry((set, arch)).or_insert_with(|| set.display(arch).to_string());
                Cell::new(text.clone(), meaning)
            }
        }
    }
}

fn process_grid(processes: &[DecodedProcess]) -> Grid {
    let mut texts = SetTextCache::default();
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::no_wrap("S"),
        Column::right("THR"),
        Column::left("PENDING"),
        Column::left("BLOCKED"),
        Column::left("IGNORED"),
        Column::left("CAUGHT"),
        Column::no_wrap("NAME"),
    ]);
    for process in processes {
        let status = &process.status;
        grid.push_row([
            ids_cell(process),
            state_cell(status),
            optional_number_cell(status.thread_count),
            texts.set_cell(process.pending(), status.arch, Meaning::Danger),
            blocked_set_cell(process, &mut texts),
            texts.set_cell(status.ignored, status.arch, Meaning::Ignored),
            texts.set_cell(status.caught, status.arch, Meaning::Handled),
            process_name_cell(process),
        ]);
    }
    grid
}

fn thread_grid(processes: &[DecodedProcess]) -> Grid {
    let mut texts = SetTextCache::default();
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::right("TID"),
        Column::no_wrap("S"),
        Column::left("PENDING"),
        Column::left("BLOCKED"),
        Column::no_wrap("NAME"),
    ]);
    for process in processes {
        let arch = process.status.arch;
        let pid = optional_number_cell(process.status.tgid.or(process.status.pid));
        let Some(threads) = &process.threads else {
            grid.push_row([
                pid,
                optional_number_cell(process.status.pid),
                state_cell(&process.status),
                texts.set_cell(process.status.pending, arch, Meaning::Danger),
                texts.set_cell(process.status.blocked, arch, Meaning::Pending),
                process_name_cell(process),
            ]);
            continue;
        };
        for thread in threads.iter() {
            let name = thread.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
            grid.push_row([
                pid.clone(),
                Cell::plain(thread.tid.to_string()),
                thread.state.map_or_else(Cell::absent, |state| Cell::plain(state.letter().to_string())),
                texts.set_cell(Some(thread.pending), arch, Meaning::Danger),
                texts.set_cell(Some(thread.blocked), arch, Meaning::Pending),
                name.filter(|name| !name.is_empty()).map_or_else(Cell::absent, Cell::plain),
            ]);
        }
    }
    grid
}

fn optional_number_cell(number: Option<u32>) -> Cell {
    match number {
        None => Cell::absent(),
        // Most processes have one thread, so this case avoids formatting.
        Some(1) => Cell::plain("1"),
        Some(number) => Cell::plain(number.to_string()),
    }
}

/// Returns the signals that every thread blocks. If only the text of the main
/// thread is known, the cell is marked as showing only that thread.
fn blocked_set_cell(process: &DecodedProcess, texts: &mut SetTextCache) -> Cell {
    let cell = texts.set_cell(process.blocked(), process.status.arch, Meaning::Pending);
    match process.blocked() {
        Some(set) if process.is_partial() && !set.is_empty() => {
            Cell::new(format!("main: {}", cell.text), Meaning::Pending)
        }
        _ => cell,
    }
}

fn mask_grid(mask: &BareMask) -> Grid {
    let mut grid =
        Grid::new(vec![Column::right("NUM"), Column::left("SIGNAL"), Column::left("DEFAULT ACTION")]);
    for signal in mask.set.iter() {
        grid.push_row([
            Cell::plain(signal.get().to_string()),
            Cell::new(signal_label(signal, mask.arch), Meaning::Subject),
            Cell::plain(signal_rows::default_action(signal, mask.arch).verb()),
        ]);
    }
    grid
}
