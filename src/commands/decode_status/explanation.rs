//! Output of findings, predicted effects and unmet requirements.

use std::io;

use super::DecodedProcess;
use super::cells::{ids_cell, pid_with_name, process_name_cell, state_cell};
use crate::explain::{Finding, Severity};
use crate::out::{Cell, Column, Fields, Grid, Meaning, ReportWriter, escape_message, escape_name};
use crate::signal::Signal;

/// Prints a line for each requirement that a process does not meet.
pub(super) fn print_unmet(processes: &[DecodedProcess], out: &mut ReportWriter<'_>) -> io::Result<()> {
    for process in processes {
        let name = process.status.name.as_ref().map(|name| escape_name(name.as_bytes()).into_owned());
        let id = ids_cell(process).text;
        let label = match (&process.source_file, name) {
            (Some(file), None) => escape_name(file).into_owned(),
            (_, name) => pid_with_name(&name, &id),
        };
        process
            .unmet_requirements
            .iter()
            .try_for_each(|sentence| out.write_line(&format!("{label}: {sentence}")))?;
    }
    Ok(())
}

/// Returns the findings, one per line: severity, summary, explanation and advice.
pub(super) fn finding_fields(process: &DecodedProcess) -> Fields {
    let mut fields = Fields::default();
    for Finding { severity, summary, explanation, advice, .. } in &process.findings {
        let (label, meaning) = match severity {
            Severity::Problem => ("Problem", Meaning::Danger),
            Severity::Warning => ("Warning", Meaning::Pending),
            Severity::Note => ("Note", Meaning::Plain),
        };
        let mut text = format!("{summary}. {explanation}.");
        if let Some(advice) = advice {
            text.push_str(&format!(" {advice}."));
        }
        // The text may contain the name of a process.
        fields.push(label, Cell::new(escape_message(&text).replace('\n', "\\n"), meaning));
    }
    fields
}

/// Returns the table of predicted effects, one row per process.
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
