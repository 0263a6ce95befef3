//! The text output of `list`.

use std::io;

use super::{ListReport, OperandAnswer, SignalDescription, wire};
use crate::out::{Cell, Column, Fields, Grid, Meaning, OutputFormat, ReportWriter};
use crate::signal::exit_status::{SignalExitStatus, StatusEncoding, StatusMeaning};
use crate::signal::number::{KERNEL_RTMIN, RTMIN};
use crate::signal::si_code::SiginfoCode;
use crate::signal::{Arch, DefaultAction, Signal, hex_mask};

/// Prints a report.
pub(super) fn print_report(report: &ListReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    if out.format() == OutputFormat::Json {
        return wire::write_json(report, out);
    }
    match report {
        ListReport::AllSignals(arch, signals, list_realtime) => {
            out.write_grid(&signal_grid(*arch, signals, *list_realtime))
        }
        ListReport::Answers(arch, answers) => print_answers(*arch, answers, out),
        ListReport::Codes(codes) => out.write_grid(&code_grid(codes)),
        ListReport::Mask(arch, set) => out.write_line(&format!("0x{}", hex_mask::format_hex(*set, *arch))),
        ListReport::Names(names) => names.iter().try_for_each(|name| out.write_line(name)),
    }
}

/// One row per signal. The real-time signals share two rows, unless
/// `list_realtime` is set.
fn signal_grid(arch: Arch, signals: &[SignalDescription], list_realtime: bool) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("NUM"),
        Column::no_wrap("SIGNAL"),
        Column::no_wrap("ACTION"),
        Column::no_wrap("CATCH"),
        Column::no_wrap("STANDARD"),
        Column::left("DESCRIPTION"),
    ]);
    for signal in signals {
        let number = signal.signal.get();
        if list_realtime || signal.realtime_offsets.is_none() {
            grid.push_row(signal_row(number.to_string(), signal.name.to_string(), signal));
        } else if number == KERNEL_RTMIN {
            let reserved = SignalDescription { description: "Reserved by the C library", ..signal.clone() };
            grid.push_row(signal_row(format!("{KERNEL_RTMIN}-{}", RTMIN - 1), "-".to_owned(), &reserved));
        } else if number == RTMIN {
            let numbers = format!("{RTMIN}-{}", arch.rtmax());
            grid.push_row(signal_row(numbers, "RTMIN..RTMAX".to_owned(), signal));
        }
    }
    grid
}

fn signal_row(numbers: String, name: String, description: &SignalDescription) -> [Cell; 6] {
    [
        Cell::plain(numbers),
        Cell::new(name, Meaning::Subject),
        action_cell(description.action),
        if description.catchable { Cell::plain("yes") } else { Cell::new("no", Meaning::Danger) },
        Cell::plain(description.standard.to_string()),
        Cell::plain(description.description),
    ]
}

fn action_cell(action: DefaultAction) -> Cell {
    let meaning = match action {
        DefaultAction::Core => Meaning::Danger,
        DefaultAction::Term | DefaultAction::Stop => Meaning::Pending,
        DefaultAction::Cont => Meaning::Handled,
        DefaultAction::Ign => Meaning::Ignored,
    };
    Cell::new(action.to_string(), meaning)
}

/// Prints each full description as a block of fields, and the answers between two
/// descriptions as one table.
fn print_answers(
    arch: Arch,
    answers: &[(String, OperandAnswer)],
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    let is_description = |answer: &(String, OperandAnswer)| matches!(answer.1, OperandAnswer::Description(_));
    for block in answers.chunk_by(|answer, next| !is_description(answer) && !is_description(next)) {
        match block {
            [(_, OperandAnswer::Description(description))] => {
                out.write_fields(&description_fields(description))?
            }
            rows => out.write_grid(&answer_grid(arch, rows))?,
        }
    }
    Ok(())
}

fn description_fields(description: &SignalDescription) -> Fields {
    let mut fields = Fields::default();
    let title = format!("{} ({}): {}", description.name, description.signal.get(), description.description);
    fields.push("Signal", Cell::new(title, Meaning::Subject));
    let verb = match description.action {
        DefaultAction::Term => "terminates the process",
        DefaultAction::Core => "terminates the process and dumps core",
        DefaultAction::Stop => "stops the process",
        DefaultAction::Cont => "continues the process if it is stopped",
        DefaultAction::Ign => "the signal is ignored",
    };
    fields.push("Default", Cell::plain(format!("{}: {verb}", description.action)));
    let catchable = if description.catchable { "yes" } else { "no (and cannot be blocked or ignored)" };
    fields.push("Catchable", Cell::plain(catchable));
    let origins: Vec<String> = description.origins.iter().map(ToString::to_string).collect();
    fields.push("Origin", Cell::plain(origins.join(", ")));
    fields.push("From", Cell::plain(description.sent_by));
    fields.push("Use", Cell::plain(description.usage));
    fields.push("Standard", Cell::plain(description.standard.to_string()));
    if !description.aliases.is_empty() {
        fields.push("Aliases", Cell::plain(description.aliases.join(", ")));
    }
    if let Some(realtime) = description.realtime_offsets {
        let kernel = realtime.kernel_offset;
        let offsets = match realtime.libc_offset {
            Some(n) => {
                format!(
                    "RTMIN+{n} in the C library (RTMIN is 34), RTMIN+{kernel} in the kernel (RTMIN is 32)"
                )
            }
            None => format!(
                "not available in the C library (RTMIN is 34); RTMIN+{kernel} in the kernel (RTMIN is 32)"
            ),
        };
        fields.push("Real-time", Cell::plain(offsets));
    }
    for (index, code) in description.codes.iter().enumerate() {
        let label = if index == 0 { "Codes" } else { "" };
        fields.push(label, Cell::plain(format!("{} {}: {}", code.value, code.name, code.description)));
    }
    fields.push("Numbers", Cell::plain(numbers_text(description)));
    fields
}

/// The numbers on all architectures, grouped by number:
/// `10 on x86/arm; 30 on alpha, sparc; 16 on mips, parisc`.
fn numbers_text(description: &SignalDescription) -> String {
    let mut groups: Vec<(Option<u8>, Vec<String>)> = Vec::new();
    for (arch, number) in &description.numbers_by_arch {
        match groups.iter_mut().find(|(group, _)| group == number) {
            Some((_, arches)) => arches.push(arch.to_string()),
            None => groups.push((*number, vec![arch.to_string()])),
        }
    }
    if let [(Some(number), _)] = groups.as_slice() {
        return format!("{number} on every architecture");
    }
    let parts = groups.iter().map(|(number, arches)| match number {
        Some(number) => format!("{number} on {}", arches.join(", ")),
        None => format!("none on {}", arches.join(", ")),
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn answer_grid(arch: Arch, answers: &[(String, OperandAnswer)]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::left("OPERAND"),
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("MEANING"),
    ]);
    let signal_cells = |signal: Signal| {
        [
            Cell::plain(signal.get().to_string()),
            Cell::new(arch.signal_name(signal).to_string(), Meaning::Subject),
        ]
    };
    for (operand, answer) in answers {
        let ([number, signal], meaning) = match answer {
            OperandAnswer::Description(description) | OperandAnswer::Number(description) => {
                (signal_cells(description.signal), description.description.to_owned())
            }
            OperandAnswer::NullSignal => (
                [Cell::plain("0"), Cell::absent()],
                "null signal (sends nothing; checks whether a signal could be sent)".to_owned(),
            ),
            OperandAnswer::ExitStatus { status, description, meaning } => {
                (signal_cells(description.signal), exit_status_text(*status, *meaning))
            }
            OperandAnswer::Mask(set, mask_arch) => {
                let names = match set.is_empty() {
                    true => Cell::absent(),
                    false => Cell::new(set.display(*mask_arch).to_string(), Meaning::Subject),
                };
                let of_arch = if *mask_arch == arch { String::new() } else { format!("{mask_arch} ") };
                let plural = if set.len() == 1 { "" } else { "s" };
                ([Cell::absent(), names], format!("{of_arch}signal mask ({} signal{plural})", set.len()))
            }
        };
        grid.push_row([Cell::plain(operand.clone()), number, signal, Cell::plain(meaning)]);
    }
    grid
}

/// `a shell reports 128+15 if the signal terminated the process`.
fn exit_status_text(status: SignalExitStatus, meaning: StatusMeaning) -> String {
    let number = status.signal.get();
    let sum = match status.encoding {
        StatusEncoding::Plus128 => format!("128+{number}"),
        StatusEncoding::Plus256 => format!("256+{number}"),
        StatusEncoding::Negative => format!("-{number}"),
    };
    let writer = status.encoding.used_by();
    match meaning {
        StatusMeaning::Terminated => format!("{writer} reports {sum} if the signal terminated the process"),
        StatusMeaning::Stopped => format!("{writer} reports {sum} if the signal stopped the process"),
        StatusMeaning::Neither => {
            format!("{sum}, but this signal terminates no process; probably the program's own exit status")
        }
    }
}

fn code_grid(codes: &[&SiginfoCode]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::no_wrap("SIGNAL"),
        Column::right("CODE"),
        Column::no_wrap("NAME"),
        Column::left("MEANING"),
    ]);
    for code in codes {
        let signal = match code.signal {
            Some(name) => Cell::new(name, Meaning::Subject),
            None => Cell::plain("any"),
        };
        grid.push_row([
            signal,
            Cell::plain(code.value.to_string()),
            Cell::plain(code.name),
            Cell::plain(code.description),
        ]);
    }
    grid
}
