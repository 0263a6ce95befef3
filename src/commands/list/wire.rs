//! The JSON of `list`: types of its own, whose field names are a contract.

use std::io;

use serde::Serialize;

use super::description::RealtimeOffsets;
use super::{ListReport, OperandAnswer, SignalDescription};
use crate::out::ReportWriter;
use crate::signal::exit_status::StatusMeaning;
use crate::signal::si_code::SiginfoCode;
use crate::signal::{Arch, PosixEdition, Signal, hex_mask};

/// Writes a report as one document.
pub(super) fn write_json(report: &ListReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    match report {
        ListReport::AllSignals(arch, cards, _) => {
            let signals = cards.iter().map(description_object).collect();
            out.write_json(&SignalsDocument { arch: arch.to_string(), signals })
        }
        ListReport::Answers(arch, answers) => {
            let answers = answers.iter().map(|(operand, each)| answer_object(operand, each, *arch)).collect();
            out.write_json(&AnswersDocument { arch: arch.to_string(), answers })
        }
        ListReport::Codes(codes) => {
            out.write_json(&CodesDocument { codes: codes.iter().map(|each| code_object(each)).collect() })
        }
        ListReport::Mask(arch, set) => out.write_json(&MaskDocument {
            arch: arch.to_string(),
            mask: hex_mask::format_hex(*set, *arch),
            signals: set.member_names(*arch),
        }),
        ListReport::Names(names) => out.write_json(&NamesDocument { names }),
    }
}

#[derive(Serialize)]
struct SignalsDocument {
    arch: String,
    signals: Vec<SignalDescriptionObject>,
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
struct SignalDescriptionObject {
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
    realtime: Option<RealtimeOffsetsObject>,
}

/// An architecture's number of a signal; null where it has none.
#[derive(Serialize)]
struct NumberObject {
    arch: String,
    number: Option<u8>,
}

/// n of RTMIN+n in both numberings; `libc` is null for 32 and 33.
#[derive(Serialize)]
struct RealtimeOffsetsObject {
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
    answer: OperandAnswerObject,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum OperandAnswerObject {
    Name(SignalDescriptionObject),
    Number { number: u8, signal: String },
    Null { number: u8 },
    Status { number: u8, signal: String, form: &'static str, event: &'static str },
    Mask { arch: String, mask: String, signals: Vec<String> },
}

fn description_object(card: &SignalDescription) -> SignalDescriptionObject {
    SignalDescriptionObject {
        number: card.signal.get(),
        signal: card.name.to_string(),
        aliases: card.aliases.clone(),
        action: card.action.to_string(),
        catchable: card.catchable,
        standard: (card.standard != PosixEdition::Unspecified).then(|| card.standard.to_string()),
        description: card.description,
        origins: card.origins.iter().map(ToString::to_string).collect(),
        source: card.sent_by,
        uses: card.usage,
        codes: card.codes.iter().map(|each| code_object(each)).collect(),
        numbers: card
            .numbers_by_arch
            .iter()
            .map(|(arch, number)| NumberObject { arch: arch.to_string(), number: *number })
            .collect(),
        realtime: card.realtime_offsets.map(
            |RealtimeOffsets { libc_offset: libc, kernel_offset: kernel }| RealtimeOffsetsObject {
                libc,
                kernel,
            },
        ),
    }
}

fn code_object(code: &SiginfoCode) -> CodeObject {
    CodeObject { signal: code.signal, code: code.value, name: code.name, meaning: code.description }
}

fn answer_object(operand: &str, answer: &OperandAnswer, arch: Arch) -> AnswerObject {
    let number = |signal: Signal| signal.get();
    let name = |signal: Signal| arch.signal_name(signal).to_string();
    let answer = match answer {
        OperandAnswer::Description(card) => OperandAnswerObject::Name(description_object(card)),
        OperandAnswer::Number(card) => {
            OperandAnswerObject::Number { number: number(card.signal), signal: name(card.signal) }
        }
        OperandAnswer::NullSignal => OperandAnswerObject::Null { number: 0 },
        OperandAnswer::ExitStatus { status, description: card, meaning: event } => {
            OperandAnswerObject::Status {
                number: number(card.signal),
                signal: name(card.signal),
                form: status.encoding.notation(),
                event: match event {
                    StatusMeaning::Terminated => "ended",
                    StatusMeaning::Stopped => "stopped",
                    StatusMeaning::Neither => "neither",
                },
            }
        }
        OperandAnswer::Mask(set, of) => OperandAnswerObject::Mask {
            arch: of.to_string(),
            mask: hex_mask::format_hex(*set, *of),
            signals: set.member_names(*of),
        },
    };
    AnswerObject { operand: operand.to_owned(), answer }
}
