//! The answers of `list`, shown.

use std::io;

use super::{ListReport, OperandAnswer, SignalDescription, wire};
use crate::out::{Cell, Column, Fields, Grid, Meaning, OutputFormat, ReportWriter};
use crate::signal::exit_status::{SignalExitStatus, StatusMeaning};
use crate::signal::number::{KERNEL_RTMIN, RTMIN};
use crate::signal::si_code::SiginfoCode;
use crate::signal::{Arch, DefaultAction, Signal, hex_mask};

/// Shows a report.
pub(super) fn print_report(report: &ListReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    if out.format() == OutputFormat::Json {
        return wire::write_json(report, out);
    }
    match report {
        ListReport::AllSignals(arch, cards, realtime) => {
            out.write_grid(&signal_grid(*arch, cards, *realtime))
        }
        ListReport::Answers(arch, answers) => print_answers(*arch, answers, out),
        ListReport::Codes(codes) => out.write_grid(&code_grid(codes)),
        ListReport::Mask(arch, set) => out.write_line(&format!("0x{}", hex_mask::format_hex(*set, *arch))),
        ListReport::Names(names) => names.iter().try_for_each(|name| out.write_line(name)),
    }
}

/// A row a signal; the real-time ones as one row unless each is wanted.
fn signal_grid(arch: Arch, cards: &[SignalDescription], realtime: bool) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("NUM"),
        Column::no_wrap("SIGNAL"),
        Column::no_wrap("ACTION"),
        Column::no_wrap("CATCH"),
        Column::no_wrap("STANDARD"),
        Column::left("DESCRIPTION"),
    ]);
    for card in cards {
        if realtime || card.realtime_offsets.is_none() {
            grid.push_row(signal_row(card.signal.get().to_string(), card.name.to_string(), card));
        } else if card.signal.get() == KERNEL_RTMIN {
            let own = SignalDescription { description: "The C library's own", ..card.clone() };
            grid.push_row(signal_row(format!("{KERNEL_RTMIN}-{}", RTMIN - 1), "-".to_owned(), &own));
        } else if card.signal.get() == RTMIN {
            let numbers = format!("{RTMIN}-{}", arch.rtmax());
            grid.push_row(signal_row(numbers, "RTMIN..RTMAX".to_owned(), card));
        }
    }
    grid
}

fn signal_row(numbers: String, name: String, card: &SignalDescription) -> [Cell; 6] {
    [
        Cell::plain(numbers),
        Cell::new(name, Meaning::Subject),
        action_cell(card.action),
        if card.catchable { Cell::plain("yes") } else { Cell::new("no", Meaning::Danger) },
        Cell::plain(card.standard.to_string()),
        Cell::plain(card.description),
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

/// Cards as blocks of fields; all that lies between two cards as one table.
fn print_answers(
    arch: Arch,
    answers: &[(String, OperandAnswer)],
    out: &mut ReportWriter<'_>,
) -> io::Result<()> {
    let is_card = |answer: &(String, OperandAnswer)| matches!(answer.1, OperandAnswer::Description(_));
    for run in answers.chunk_by(|one, next| !is_card(one) && !is_card(next)) {
        match run {
            [(_, OperandAnswer::Description(card))] => out.write_fields(&description_fields(card))?,
            rows => out.write_grid(&answer_grid(arch, rows))?,
        }
    }
    Ok(())
}

fn description_fields(card: &SignalDescription) -> Fields {
    let mut fields = Fields::default();
    let title = format!("{} ({}): {}", card.name, card.signal.get(), card.description);
    fields.push("Signal", Cell::new(title, Meaning::Subject));
    let verb = match card.action {
        DefaultAction::Term => "terminates the process",
        DefaultAction::Core => "terminates the process and dumps core",
        DefaultAction::Stop => "stops the process",
        DefaultAction::Cont => "continues the process if it is stopped",
        DefaultAction::Ign => "is ignored",
    };
    fields.push("Default", Cell::plain(format!("{}: {verb}", card.action)));
    let catchable = if card.catchable { "yes" } else { "no: nor blocked, nor ignored" };
    fields.push("Catchable", Cell::plain(catchable));
    let origins: Vec<String> = card.origins.iter().map(ToString::to_string).collect();
    fields.push("Origin", Cell::plain(origins.join(", ")));
    fields.push("From", Cell::plain(card.sent_by));
    fields.push("Use", Cell::plain(card.usage));
    fields.push("Standard", Cell::plain(card.standard.to_string()));
    if !card.aliases.is_empty() {
        fields.push("Aliases", Cell::plain(card.aliases.join(", ")));
    }
    if let Some(realtime) = card.realtime_offsets {
        let kernel = realtime.kernel_offset;
        let place = match realtime.libc_offset {
            Some(n) => {
                format!("RTMIN+{n} for the C library (from 34), RTMIN+{kernel} for the kernel (from 32)")
            }
            None => format!("below the C library's RTMIN (34); RTMIN+{kernel} for the kernel (from 32)"),
        };
        fields.push("Real-time", Cell::plain(place));
    }
    for (index, code) in card.codes.iter().enumerate() {
        let label = if index == 0 { "Codes" } else { "" };
        fields.push(label, Cell::plain(format!("{} {}: {}", code.value, code.name, code.description)));
    }
    fields.push("Numbers", Cell::plain(numbers_text(card)));
    fields
}

/// The numbers on all architectures, those that agree together:
/// `10 on x86/arm; 30 on alpha, sparc; 16 on mips, parisc`.
fn numbers_text(card: &SignalDescription) -> String {
    let mut groups: Vec<(Option<u8>, Vec<String>)> = Vec::new();
    for (arch, number) in &card.numbers_by_arch {
        match groups.iter_mut().find(|(known, _)| known == number) {
            Some((_, arches)) => arches.push(arch.to_string()),
            None => groups.push((*number, vec![arch.to_string()])),
        }
    }
    if let [(Some(number), _)] = groups.as_slice() {
        return format!("{number} on every architecture");
    }
    let words = groups.iter().map(|(number, arches)| match number {
        Some(number) => format!("{number} on {}", arches.join(", ")),
        None => format!("none on {}", arches.join(", ")),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn answer_grid(arch: Arch, answers: &[(String, OperandAnswer)]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::left("OPERAND"),
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("MEANING"),
    ]);
    let known = |signal: Signal| {
        [
            Cell::plain(signal.get().to_string()),
            Cell::new(arch.signal_name(signal).to_string(), Meaning::Subject),
        ]
    };
    for (operand, answer) in answers {
        let ([number, signal], meaning) = match answer {
            OperandAnswer::Description(card) | OperandAnswer::Number(card) => {
                (known(card.signal), card.description.to_owned())
            }
            OperandAnswer::NullSignal => (
                [Cell::plain("0"), Cell::absent()],
                "the null signal: nothing is sent, only that it could be is checked".to_owned(),
            ),
            OperandAnswer::ExitStatus { status, description: card, meaning: event } => {
                (known(card.signal), exit_status_text(*status, *event))
            }
            OperandAnswer::Mask(set, of) => {
                let names = match set.is_empty() {
                    true => Cell::absent(),
                    false => Cell::new(set.display(*of).to_string(), Meaning::Subject),
                };
                let elsewhere = if *of == arch { String::new() } else { format!(" of {of}") };
                let plural = if set.len() == 1 { "" } else { "s" };
                ([Cell::absent(), names], format!("a mask{elsewhere}, {} signal{plural}", set.len()))
            }
        };
        grid.push_row([Cell::plain(operand.clone()), number, signal, Cell::plain(meaning)]);
    }
    grid
}

/// `128+15, as a shell reports it: TERM ended the process`.
fn exit_status_text(status: SignalExitStatus, event: StatusMeaning) -> String {
    let sum = status.encoding.notation().replace('N', &status.signal.get().to_string());
    let writer = status.encoding.used_by();
    match event {
        StatusMeaning::Terminated => format!("{sum}, as {writer} reports it: the signal ended the process"),
        StatusMeaning::Stopped => format!("{sum}, as {writer} reports it: the signal stopped the process"),
        StatusMeaning::Neither => {
            format!("{sum}, but the signal ends no process: rather a status of the program's own")
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
