//! The JSON output of `list`. Its field names are stable.

use std::io;

use serde::Serialize;

use super::description::RealtimeOffsets;
use super::{ListReport, OperandAnswer, SignalDescription};
use crate::out::ReportWriter;
use crate::signal::exit_status::StatusMeaning;
use crate::signal::si_code::SiginfoCode;
use crate::signal::{Arch, PosixEdition, Signal, hex_mask};

/// Writes a report as one JSON document.
pub(super) fn write_json(report: &ListReport, out: &mut ReportWriter<'_>) -> io::Result<()> {
    match report {
        ListReport::AllSignals(arch, signals, _) => {
            let signals = signals.iter().map(description_object).collect();
            out.write_json(&SignalsDocument { arch: arch.to_string(), signals })
        }
        ListReport::Answers(arch, answers) => {
            let answers =
                answers.iter().map(|(operand, answer)| answer_object(operand, answer, *arch)).collect();
            out.write_json(&AnswersDocument { arch: arch.to_string(), answers })
        }
        ListReport::Codes(codes) => {
            out.write_json(&CodesDocument { codes: codes.iter().map(|code| code_object(code)).collect() })
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

/// The description of a signal. `signal` is its name.
#[derive(Serialize)]
struct SignalDescriptionObject {
    number: u8,
    signal: String,
    aliases: Vec<String>,
    action: String,
    catchable: bool,
    /// Null if no standard defines the signal.
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

/// The number of a signal on one architecture; null if it does not exist there.
#[derive(Serialize)]
struct NumberObject {
    arch: String,
    number: Option<u8>,
}

/// The offsets from RTMIN of the C library and of the kernel. `libc` is null for
/// signals 32 and 33.
#[derive(Serialize)]
struct RealtimeOffsetsObject {
    libc: Option<u8>,
    kernel: u8,
}

/// An si_code value. `signal` is null if any signal can have it.
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

fn description_object(description: &SignalDescription) -> SignalDescriptionObject {
    SignalDescriptionObject {
        number: description.signal.get(),
        signal: description.name.to_string(),
        aliases: description.aliases.clone(),
        action: description.action.to_string(),
        catchable: description.catchable,
        standard: (description.standard != PosixEdition::Unspecified)
            .then(|| description.standard.to_string()),
        description: description.description,
        origins: description.origins.iter().map(ToString::to_string).collect(),
        source: description.sent_by,
        uses: description.usage,
        codes: description.codes.iter().map(|code| code_object(code)).collect(),
        numbers: description
            .numbers_by_arch
            .iter()
            .map(|(arch, number)| NumberObject { arch: arch.to_string(), number: *number })
            .collect(),
        realtime: description.realtime_offsets.map(|RealtimeOffsets { libc_offset, kernel_offset }| {
            RealtimeOffsetsObject { libc: libc_offset, kernel: kernel_offset }
        }),
    }
}

fn code_object(code: &SiginfoCode) -> CodeObject {
    CodeObject { signal: code.signal, code: code.value, name: code.name, meaning: code.description }
}

fn answer_object(operand: &str, answer: &OperandAnswer, arch: Arch) -> AnswerObject {
    let name = |signal: Signal| arch.signal_name(signal).to_string();
    let answer = match answer {
        OperandAnswer::Description(description) => OperandAnswerObject::Name(description_object(description)),
        OperandAnswer::Number(description) => {
            OperandAnswerObject::Number { number: description.signal.get(), signal: name(description.signal) }
        }
        OperandAnswer::NullSignal => OperandAnswerObject::Null { number: 0 },
        OperandAnswer::ExitStatus { status, description, meaning } => OperandAnswerObject::Status {
            number: description.signal.get(),
            signal: name(description.signal),
            form: status.encoding.notation(),
            event: match meaning {
                StatusMeaning::Terminated => "ended",
                StatusMeaning::Stopped => "stopped",
                StatusMeaning::Neither => "neither",
            },
        },
        OperandAnswer::Mask(set, mask_arch) => OperandAnswerObject::Mask {
            arch: mask_arch.to_string(),
            mask: hex_mask::format_hex(*set, *mask_arch),
            signals: set.member_names(*mask_arch),
        },
    };
    AnswerObject { operand: operand.to_owned(), answer }
}
