//! The JSON of `list`: types of its own, whose field names are a contract.

use std::io;

use serde::Serialize;

use super::card::RealTime;
use super::{Answer, Card, Report};
use crate::out::Out;
use crate::signal::code::Code;
use crate::signal::exit::Event;
use crate::signal::{Arch, Signal, Standard, mask};

/// Writes a report as one document.
pub(super) fn show(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    match report {
        Report::All(arch, cards, _) => {
            let signals = cards.iter().map(signal).collect();
            out.json(&AllDocument { arch: arch.to_string(), signals })
        }
        Report::Answers(arch, answers) => {
            let answers = answers.iter().map(|(operand, each)| answer(operand, each, *arch)).collect();
            out.json(&AnswersDocument { arch: arch.to_string(), answers })
        }
        Report::Codes(codes) => {
            out.json(&CodesDocument { codes: codes.iter().map(|each| code(each)).collect() })
        }
        Report::Mask(arch, set) => out.json(&MaskDocument {
            arch: arch.to_string(),
            mask: mask::encode(*set, *arch),
            signals: set.names(*arch),
        }),
        Report::Names(names) => out.json(&NamesDocument { names }),
    }
}

#[derive(Serialize)]
struct AllDocument {
    arch: String,
    signals: Vec<SignalObject>,
}

#[derive(Serialize)]
struct AnswersDocument {
    arch: String,
    answers: Vec<AnswerObject>,
}

#[derive(Serialize)]
struct CodesDocument {
    codes: Vec<CodeObject>,
}

#[derive(Serialize)]
struct MaskDocument {
    arch: String,
    mask: String,
    signals: Vec<String>,
}

#[derive(Serialize)]
struct NamesDocument<'a> {
    names: &'a [String],
}

/// A signal: `signal` is its name, `number` its number.
#[derive(Serialize)]
struct SignalObject {
    number: u8,
    signal: String,
    aliases: Vec<String>,
    action: String,
    catchable: bool,
    /// Null where no standard has it.
    standard: Option<String>,
    description: &'static str,
    origins: Vec<String>,
    source: &'static str,
    uses: &'static str,
    codes: Vec<CodeObject>,
    numbers: Vec<NumberObject>,
    /// Null for standard signals.
    realtime: Option<RealTimeObject>,
}

/// An architecture's number of a signal; null where it has none.
#[derive(Serialize)]
struct NumberObject {
    arch: String,
    number: Option<u8>,
}

/// n of RTMIN+n in both numberings; `libc` is null for 32 and 33.
#[derive(Serialize)]
struct RealTimeObject {
    libc: Option<u8>,
    kernel: u8,
}

/// `signal` is null where any signal can carry the code.
#[derive(Serialize)]
struct CodeObject {
    signal: Option<&'static str>,
    code: i32,
    name: &'static str,
    meaning: &'static str,
}

#[derive(Serialize)]
struct AnswerObject {
    operand: String,
    #[serde(flatten)]
    answer: AnswerKind,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum AnswerKind {
    Name(SignalObject),
    Number { number: u8, signal: String },
    Null { number: u8 },
    Status { number: u8, signal: String, form: &'static str, event: &'static str },
    Mask { arch: String, mask: String, signals: Vec<String> },
}

fn signal(card: &Card) -> SignalObject {
    SignalObject {
        number: card.signal.get(),
        signal: card.name.to_string(),
        aliases: card.aliases.clone(),
        action: card.action.to_string(),
        catchable: card.catchable,
        standard: (card.standard != Standard::Unspecified).then(|| card.standard.to_string()),
        description: card.description,
        origins: card.origins.iter().map(ToString::to_string).collect(),
        source: card.source,
        uses: card.uses,
        codes: card.codes.iter().map(|each| code(each)).collect(),
        numbers: card
            .numbers
            .iter()
            .map(|(arch, number)| NumberObject { arch: arch.to_string(), number: *number })
            .collect(),
        realtime: card.realtime.map(|RealTime { libc, kernel }| RealTimeObject { libc, kernel }),
    }
}

fn code(code: &Code) -> CodeObject {
    CodeObject { signal: code.signal, code: code.number, name: code.name, meaning: code.meaning }
}

fn answer(operand: &str, answer: &Answer, arch: Arch) -> AnswerObject {
    let number = |signal: Signal| signal.get();
    let name = |signal: Signal| arch.name(signal).to_string();
    let answer = match answer {
        Answer::Card(card) => AnswerKind::Name(signal(card)),
        Answer::Number(card) => AnswerKind::Number { number: number(card.signal), signal: name(card.signal) },
        Answer::Null => AnswerKind::Null { number: 0 },
        Answer::Status { status, card, event } => AnswerKind::Status {
            number: number(card.signal),
            signal: name(card.signal),
            form: status.form.notation(),
            event: match event {
                Event::Ended => "ended",
                Event::Stopped => "stopped",
                Event::Neither => "neither",
            },
        },
        Answer::Mask(set, of) => {
            AnswerKind::Mask { arch: of.to_string(), mask: mask::encode(*set, *of), signals: set.names(*of) }
        }
    };
    AnswerObject { operand: operand.to_owned(), answer }
}
