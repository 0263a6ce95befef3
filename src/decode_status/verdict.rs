//! What was judged of processes, shown: findings, effects, requirements.

use std::io;

use super::Process;
use super::view::{ids, process_name, process_of, state};
use crate::explain::{Finding, Severity};
use crate::out::{Cell, Column, Fields, Grid, Meaning, Out, escape, escape_line};
use crate::signal::Signal;

/// A line for each requirement that a process does not meet.
pub(super) fn unmet(processes: &[Process], out: &mut Out<'_>) -> io::Result<()> {
    for process in processes {
        let name = process.status.name.as_ref().map(|name| escape(name.as_bytes()).into_owned());
        let number = ids(process).text;
        let who = match (&process.file, name) {
            (Some(file), None) => escape(file).into_owned(),
            (_, name) => process_of(&name, &number),
        };
        process.unmet.iter().try_for_each(|sentence| out.line(&format!("{who}: {sentence}")))?;
    }
    Ok(())
}

/// What was found, a line each: how grave, what is so, why, what to do.
pub(super) fn findings(process: &Process) -> Fields {
    let mut fields = Fields::default();
    for Finding { severity, what, why, todo, .. } in &process.findings {
        let (label, meaning) = match severity {
            Severity::Problem => ("Problem", Meaning::Grave),
            Severity::Warning => ("Warning", Meaning::Held),
            Severity::Note => ("Note", Meaning::Plain),
        };
        let mut text = format!("{what}: {why}.");
        if let Some(todo) = todo {
            text.push_str(&format!(" To do: {todo}."));
        }
        // A name of a process may be in it.
        fields.add(label, Cell::new(escape_line(&text).replace('\n', "\\n"), meaning));
    }
    fields
}

/// What the signal does, a row a process.
pub(super) fn effect_rows(processes: &[Process], signal: Option<Signal>) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("PID"),
        Column::word("S"),
        Column::word("NAME"),
        Column::word("SIGNAL"),
        Column::left("EFFECT"),
    ]);
    for process in processes {
        let name = signal.map(|signal| process.status.arch.name(signal).to_string());
        grid.row([
            ids(process),
            state(&process.status),
            process_name(process),
            name.map_or_else(Cell::nothing, Cell::plain),
            match &process.effect {
                Some(effect) => Cell::new(effect.to_string(), Meaning::of_effect(effect.id())),
                None => Cell::nothing(),
            },
        ]);
    }
    grid
}
