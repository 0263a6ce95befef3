//! The answers of `list`, shown.

use std::io;

use super::{Answer, Card, Report, wire};
use crate::out::{Cell, Column, Fields, Format, Grid, Meaning, Out};
use crate::signal::code::Code;
use crate::signal::exit::{Event, Status};
use crate::signal::number::{KERNEL_RTMIN, RTMIN};
use crate::signal::{Action, Arch, Signal, mask};

/// Shows a report.
pub(super) fn show(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    if out.format() == Format::Json {
        return wire::show(report, out);
    }
    match report {
        Report::All(arch, cards, realtime) => out.grid(&all(*arch, cards, *realtime)),
        Report::Answers(arch, answers) => show_answers(*arch, answers, out),
        Report::Codes(codes) => out.grid(&code_rows(codes)),
        Report::Mask(arch, set) => out.line(&format!("0x{}", mask::encode(*set, *arch))),
        Report::Names(names) => names.iter().try_for_each(|name| out.line(name)),
    }
}

/// A row a signal; the real-time ones as one row unless each is wanted.
fn all(arch: Arch, cards: &[Card], realtime: bool) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("NUM"),
        Column::word("SIGNAL"),
        Column::word("ACTION"),
        Column::word("CATCH"),
        Column::word("STANDARD"),
        Column::left("DESCRIPTION"),
    ]);
    for card in cards {
        if realtime || card.realtime.is_none() {
            grid.row(row(card.signal.get().to_string(), card.name.to_string(), card));
        } else if card.signal.get() == KERNEL_RTMIN {
            let own = Card { description: "The C library's own", ..card.clone() };
            grid.row(row(format!("{KERNEL_RTMIN}-{}", RTMIN - 1), "-".to_owned(), &own));
        } else if card.signal.get() == RTMIN {
            let numbers = format!("{RTMIN}-{}", arch.rtmax());
            grid.row(row(numbers, "RTMIN..RTMAX".to_owned(), card));
        }
    }
    grid
}

fn row(numbers: String, name: String, card: &Card) -> [Cell; 6] {
    [
        Cell::plain(numbers),
        Cell::new(name, Meaning::Subject),
        action(card.action),
        if card.catchable { Cell::plain("yes") } else { Cell::new("no", Meaning::Grave) },
        Cell::plain(card.standard.to_string()),
        Cell::plain(card.description),
    ]
}

fn action(action: Action) -> Cell {
    let meaning = match action {
        Action::Core => Meaning::Grave,
        Action::Term | Action::Stop => Meaning::Held,
        Action::Cont => Meaning::Handled,
        Action::Ign => Meaning::Ignored,
    };
    Cell::new(action.to_string(), meaning)
}

/// Cards as blocks of fields; all that lies between two cards as one table.
fn show_answers(arch: Arch, answers: &[(String, Answer)], out: &mut Out<'_>) -> io::Result<()> {
    let is_card = |answer: &(String, Answer)| matches!(answer.1, Answer::Card(_));
    for run in answers.chunk_by(|one, next| !is_card(one) && !is_card(next)) {
        match run {
            [(_, Answer::Card(card))] => out.fields(&card_fields(card))?,
            rows => out.grid(&answer_rows(arch, rows))?,
        }
    }
    Ok(())
}

fn card_fields(card: &Card) -> Fields {
    let mut fields = Fields::default();
    let title = format!("{} ({}): {}", card.name, card.signal.get(), card.description);
    fields.add("Signal", Cell::new(title, Meaning::Subject));
    let verb = match card.action {
        Action::Term => "terminates the process",
        Action::Core => "terminates the process and dumps core",
        Action::Stop => "stops the process",
        Action::Cont => "continues the process if it is stopped",
        Action::Ign => "is ignored",
    };
    fields.add("Default", Cell::plain(format!("{}: {verb}", card.action)));
    let catchable = if card.catchable { "yes" } else { "no: nor blocked, nor ignored" };
    fields.add("Catchable", Cell::plain(catchable));
    let origins: Vec<String> = card.origins.iter().map(ToString::to_string).collect();
    fields.add("Origin", Cell::plain(origins.join(", ")));
    fields.add("From", Cell::plain(card.source));
    fields.add("Use", Cell::plain(card.uses));
    fields.add("Standard", Cell::plain(card.standard.to_string()));
    if !card.aliases.is_empty() {
        fields.add("Aliases", Cell::plain(card.aliases.join(", ")));
    }
    if let Some(realtime) = card.realtime {
        let kernel = realtime.kernel;
        let place = match realtime.libc {
            Some(n) => {
                format!("RTMIN+{n} for the C library (from 34), RTMIN+{kernel} for the kernel (from 32)")
            }
            None => format!("below the C library's RTMIN (34); RTMIN+{kernel} for the kernel (from 32)"),
        };
        fields.add("Real-time", Cell::plain(place));
    }
    for (index, code) in card.codes.iter().enumerate() {
        let label = if index == 0 { "Codes" } else { "" };
        fields.add(label, Cell::plain(format!("{} {}: {}", code.number, code.name, code.meaning)));
    }
    fields.add("Numbers", Cell::plain(numbers(card)));
    fields
}

/// The numbers on all architectures, those that agree together:
/// `10 on x86/arm; 30 on alpha, sparc; 16 on mips, parisc`.
fn numbers(card: &Card) -> String {
    let mut groups: Vec<(Option<u8>, Vec<String>)> = Vec::new();
    for (arch, number) in &card.numbers {
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

fn answer_rows(arch: Arch, answers: &[(String, Answer)]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::left("OPERAND"),
        Column::right("NUM"),
        Column::left("SIGNAL"),
        Column::left("MEANING"),
    ]);
    let known = |signal: Signal| {
        [Cell::plain(signal.get().to_string()), Cell::new(arch.name(signal).to_string(), Meaning::Subject)]
    };
    for (operand, answer) in answers {
        let ([number, signal], meaning) = match answer {
            Answer::Card(card) | Answer::Number(card) => (known(card.signal), card.description.to_owned()),
            Answer::Null => (
                [Cell::plain("0"), Cell::nothing()],
                "the null signal: nothing is sent, only that it could be is checked".to_owned(),
            ),
            Answer::Status { status, card, event } => (known(card.signal), ended(*status, *event)),
            Answer::Mask(set, of) => {
                let names = match set.is_empty() {
                    true => Cell::nothing(),
                    false => Cell::new(set.text(*of).to_string(), Meaning::Subject),
                };
                let elsewhere = if *of == arch { String::new() } else { format!(" of {of}") };
                let plural = if set.len() == 1 { "" } else { "s" };
                ([Cell::nothing(), names], format!("a mask{elsewhere}, {} signal{plural}", set.len()))
            }
        };
        grid.row([Cell::plain(operand.clone()), number, signal, Cell::plain(meaning)]);
    }
    grid
}

/// `128+15, as a shell reports it: TERM ended the process`.
fn ended(status: Status, event: Event) -> String {
    let sum = status.form.notation().replace('N', &status.signal.get().to_string());
    let writer = status.form.writer();
    match event {
        Event::Ended => format!("{sum}, as {writer} reports it: the signal ended the process"),
        Event::Stopped => format!("{sum}, as {writer} reports it: the signal stopped the process"),
        Event::Neither => {
            format!("{sum}, but the signal ends no process: rather a status of the program's own")
        }
    }
}

fn code_rows(codes: &[&Code]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::word("SIGNAL"),
        Column::right("CODE"),
        Column::word("NAME"),
        Column::left("MEANING"),
    ]);
    for code in codes {
        let signal = match code.signal {
            Some(name) => Cell::new(name, Meaning::Subject),
            None => Cell::plain("any"),
        };
        grid.row([
            signal,
            Cell::plain(code.number.to_string()),
            Cell::plain(code.name),
            Cell::plain(code.meaning),
        ]);
    }
    grid
}
