//! What was judged of processes, shown: findings, effects, requirements.

use std::io;

use super::DecodedProcess;
use super::cells::{ids_cell, pid_with_name, process_name_cell, state_cell};
use crate::explain::{Finding, Severity};
use crate::out::{Cell, Column, Fields, Grid, Meaning, ReportWriter, escape_message, escape_name};
use crate::signal::Signal;

/// A line for each requirement that a process does not meet.
pub(super) fn print_unmet(processes: &[DecodedProcess], out: &mut ReportWriter<'_>) -> io::Result<()> {
    for process in processes {
        let name = process.status.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
        let number = ids_cell(process).text;
        let who = match (&process.source_file, name) {
            (Some(file), None) => escape_name(file).into_owned(),
            (_, name) => pid_with_name(&name, &number),
        };
        process
            .unmet_requirements
            .iter()
            .try_for_each(|sentence| out.write_line(&format!("{who}: {sentence}")))?;
    }
    Ok(())
}

/// What was found, a line each: how grave, what is so, why, what to do.
pub(super) fn finding_fields(process: &DecodedProcess) -> Fields {
    let mut fields = Fields::default();
    for Finding { severity, summary: what, explanation: why, advice: todo, .. } in &process.findings {
        let (label, meaning) = match severity {
            Severity::Problem => ("Problem", Meaning::Danger),
            Severity::Warning => ("Warning", Meaning::Pending),
            Severity::Note => ("Note", Meaning::Plain),
        };
        let mut text = format!("{what}. {why}.");
        if let Some(todo) = todo {
            text.push_str(&format!(" {todo}."));
        }
        // A name of a process may be in it.
        fields.push(label, Cell::new(escape_message(&text).replace('\n', "\\n"), meaning));
    }
    fields
}

/// What the signal does, a row a process.
pub(super) fn effect_grid(processes: &[DecodedProcess], signal: Option<Signal>) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::no_wrap("S"),
        Column::no_wrap("NAME"),
        Column::no_wrap("SIGNAL"),
        Column::left("EFFECT"),
    ]);
    for process in processes {
        let name = signal.map(|signal| process.status.arch.signal_name(signal).to_string());
        grid.push_row([
            ids_cell(process),
            state_cell(&process.status),
            process_name_cell(process),
            name.map_or_else(Cell::absent, Cell::plain),
            match &process.effect {
                Some(effect) => Cell::new(effect.to_string(), Meaning::from_effect_id(effect.id())),
                None => Cell::absent(),
            },
        ]);
    }
    grid
}
