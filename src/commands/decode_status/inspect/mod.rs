//! `--handlers` and `--queue`: what a process does with a signal in its own
//! code, and what waits for it, from whom.

pub(super) mod args;
mod shorten_symbol;
pub(super) mod view;
pub(super) mod wire;

use shorten_symbol::shorten_symbol;

use super::cells::{format_stop_time, process_label};
use super::{DecodeError, DecodeReport, DecodeRequest, DecodeTarget, DecodedProcess};
use crate::error::Failure;
use crate::explain::{self, CaughtSignal, Finding, InvalidHandler};
use crate::inspect::{
    BackendChoice, BackendError, ClaimedSender, CodeLocation, Inspection, InspectionScope, InspectionTarget,
    Inspector, Region, Unavailable,
};
use crate::out::{escape_name, shorten_middle};
use crate::procfs::context::{ClaimedOrigin, SenderClaim};
use crate::procfs::{ProcRoot, ProcessName};
use crate::signal::siginfo::SignalOrigin;

/// What is to be seen inside, and by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InspectOptions {
    /// The handlers of caught signals.
    pub handlers: bool,
    /// What is pending, with its siginfo.
    pub queue: bool,
    /// The means.
    pub backend: BackendChoice,
    /// Whether it is told why a means could not be used.
    pub verbose: bool,
}

/// Looks into each process of a report, if that was asked. What cannot be seen
/// is a problem of the report.
pub(super) fn inspect_processes(report: &mut DecodeReport, request: &DecodeRequest) {
    let Some(asked) = request.inspect else { return };
    let wanted = InspectionScope { handlers: asked.handlers, queue: asked.queue };
    let observer = Inspector::new(&request.proc_root, wanted, asked.backend, report.is_selection);
    inspect_with(observer, report, asked, &request.proc_root);
}

fn inspect_with(mut observer: Inspector, report: &mut DecodeReport, asked: InspectOptions, root: &ProcRoot) {
    observer.prefetch(report.processes.len());
    // Many refused for the same reason are one problem.
    let mut refused: Vec<(BackendError, Vec<String>)> = Vec::new();
    for process in &mut report.processes {
        let Some(pid) = live_pid(process, root) else { continue };
        let DecodedProcess { status, tid: thread, threads, .. } = &*process;
        let subject = InspectionTarget { pid, tid: *thread, status, threads: threads.as_ref() };
        match observer.inspect(subject) {
            Ok(inside) => {
                if let Some(threads) = &mut process.threads {
                    threads.update_killable(&inside.uninterruptible_threads);
                }
                process.inspection = Some(inside);
            }
            Err(reason) => match refused.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, of)) => of.push(process_label(process)),
                None => refused.push((reason, vec![process_label(process)])),
            },
        }
    }
    for (refused, of) in refused {
        let (first, more) = (of.first().cloned().unwrap_or_default(), of.len() - 1);
        let more = match more {
            0 => String::new(),
            1 => " and 1 other process".to_owned(),
            more => format!(" and {more} other processes"),
        };
        let reason = format!("cannot inspect: {}", refused.reason);
        report.errors.push(DecodeError { target: format!("{first}{more}"), reason });
    }
    if asked.verbose {
        let line = |line: &String| DecodeError { target: "BPF verifier".into(), reason: line.clone() };
        report.errors.extend(observer.verifier_log().iter().map(line));
    }
}

/// The process that a thread, too, belongs to.
fn live_pid(process: &DecodedProcess, root: &ProcRoot) -> Option<u32> {
    let live = process.source_file.is_none() && root.is_native();
    process.status.tgid.or(process.status.pid).filter(|_| live)
}

/// What is wrong or surprising about the handlers of a process.
pub(super) fn handler_findings(inside: &Inspection) -> Vec<Finding> {
    let caught = |handler: &crate::inspect::Handler| CaughtSignal {
        signal: handler.signal,
        action: handler.action,
        handler: handler_text(&handler.location, usize::MAX),
        invalid: invalid_handler(&handler.location),
    };
    explain::handler_findings(&inside.handlers.iter().flatten().map(caught).collect::<Vec<_>>())
}

/// Why a place is no code, if it is none.
fn invalid_handler(place: &CodeLocation) -> Option<InvalidHandler> {
    let what = match place.region {
        Region::Unmapped => InvalidHandler::Unmapped,
        Region::Kernel => InvalidHandler::KernelAddress,
        _ => InvalidHandler::NotExecutable,
    };
    place.faults_when_called().then_some(what)
}

/// Whom its pending signals name.
pub(super) fn sender_claims(inside: &Inspection) -> Vec<SenderClaim> {
    let claim = |entry: &crate::inspect::PendingEntry| {
        let from = match (
            entry.claimed_sender.as_ref().filter(|claimed| !claimed.is_child),
            entry.siginfo?.origin(),
        ) {
            (Some(ClaimedSender { inner_pid: number, pid, uid, name, .. }), _) => ClaimedOrigin::Process {
                pid: pid.unwrap_or(*number),
                is_foreign_pid: pid.is_none(),
                uid: *uid,
                name: name.as_deref().map(ProcessName::new),
            },
            (None, SignalOrigin::Timer { id, .. }) => ClaimedOrigin::Timer { id },
            (None, SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }) => return None,
            (None, SignalOrigin::OutsideNamespace { .. }) => ClaimedOrigin::OutsideNamespace,
            (None, _) => ClaimedOrigin::Kernel,
        };
        Some(SenderClaim { signal: entry.signal, claimed_origin: from })
    };
    inside.queue.iter().flatten().filter_map(claim).collect()
}

/// What a handler is called, in so many columns at most: its function, else where
/// it lies in a file, else its address.
fn handler_text(place: &CodeLocation, most: usize) -> String {
    let (name, offset) = match (&place.symbol, place.region_name(), place.region_offset) {
        (Some(symbol), ..) => (Ok(escape_name(&symbol.name)), symbol.offset),
        (None, Some(library), Some(offset)) => (Err(library_text(library)), offset),
        _ => return format!("0x{:x}", place.address),
    };
    let behind = if offset == 0 && name.is_ok() { String::new() } else { format!("+0x{offset:x}") };
    let most = most.saturating_sub(behind.len());
    match name {
        Ok(function) => shorten_symbol(&function, most) + &behind,
        Err(library) => shorten_middle(&library, most) + &behind,
    }
}

/// A file's name. What the kernel writes behind the name of one that is no more
/// may be a name's own end: that blank is escaped.
fn library_text(name: &[u8]) -> String {
    let text = escape_name(name);
    match text.strip_suffix(" (deleted)") {
        Some(rest) => format!("{rest}\\x20(deleted)"),
        None => text.into_owned(),
    }
}

/// What could not be seen, in words.
fn unavailable_text(unseen: &Unavailable) -> String {
    match unseen {
        Unavailable::Description(words) => words.clone(),
        Unavailable::Symbols { file_name: library, reason: why } => {
            format!("the symbols of {} ({why})", library_text(library))
        }
    }
}

/// The report's notes on how it was seen, where no header tells.
pub(super) fn provenance_notes(report: &DecodeReport) -> Vec<String> {
    let Some(_) = report.inspect.filter(|_| !report.is_detailed()) else { return Vec::new() };
    let means: Vec<_> = report
        .processes
        .iter()
        .filter_map(|process| process.inspection.as_ref()?.provenance.as_ref())
        .collect();
    let mut notes: Vec<String> = Vec::new();
    for each in &means {
        let of = means.iter().filter(|other| other.backend == each.backend);
        let stopped = of.clone().map(|means| means.stop_duration).max().unwrap_or_default();
        let note = match stopped.is_zero() {
            true => format!("read with {}; no process was stopped", each.backend.display_name()),
            false => {
                format!(
                    "read with {}; each process was stopped for at most {}",
                    each.backend.display_name(),
                    format_stop_time(stopped)
                )
            }
        };
        let unseen = of.flat_map(|means| &means.unavailable);
        let unseen = unseen.map(|what| format!("not available: {}", unavailable_text(what)));
        notes.extend([note].into_iter().chain(unseen));
    }
    let mut seen: Vec<String> = Vec::new();
    notes.retain(|note| {
        !seen.contains(note) && {
            seen.push(note.clone());
            true
        }
    });
    notes
}

/// Whether the rest of a request goes with looking inside.
///
/// # Errors
/// What does not, by name.
pub(super) fn check_request(request: &DecodeRequest) -> Result<(), Failure> {
    let Some(asked) = request.inspect else { return Ok(()) };
    let option = if asked.handlers { "--handlers" } else { "--queue" };
    let text = |target: &DecodeTarget| {
        matches!(target, DecodeTarget::Stdin | DecodeTarget::File(_) | DecodeTarget::MaskStatus(_))
    };
    let masks = !request.masks.is_empty();
    let without = [
        (request.targets.iter().any(text) || masks, "a text or a mask (it inspects running processes)"),
        (!request.proc_root.is_native(), "--proc (it inspects processes of this machine)"),
        (request.pids_only, "--pids"),
        (!request.requirements.is_empty(), "--require and --forbid"),
    ];
    match without.iter().find(|(given, _)| *given) {
        Some((_, other)) => Err(Failure::usage_error(format!("{option} cannot be combined with {other}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::FunctionOffset;
    use crate::sys::bpf;

    fn file_location(path: &[u8], symbol: Option<&[u8]>) -> CodeLocation {
        let area = Region::File { path: path.to_vec(), is_deleted: false };
        let symbol = symbol.map(|name| FunctionOffset { name: name.to_vec(), offset: 0 });
        CodeLocation { region: area, region_offset: Some(0x12), symbol, ..CodeLocation::unknown(0x1000) }
    }

    #[test]
    fn escapes_names_the_same_way_everywhere() {
        assert_eq!(library_text(b"br\xffoken"), "br\\xffoken");
        assert_eq!(library_text(b"x (deleted)"), "x\\x20(deleted)");
        assert_eq!(handler_text(&file_location(b"/srv/br\xffoken", None), 99), "br\\xffoken+0x12");
        assert_eq!(handler_text(&file_location(b"/srv/x", Some(b"f\xff")), 99), "f\\xff");
        let unseen = Unavailable::Symbols { file_name: b"br\xffoken".to_vec(), reason: "permission denied" };
        assert_eq!(unavailable_text(&unseen), "the symbols of br\\xffoken (permission denied)");
    }

    /// What the kernel's verifier says of a program that it does refuse, of the
    /// test's own process: the harness catches some signals.
    fn verifier_errors(verbose: bool) -> Option<Vec<DecodeError>> {
        let refused = match bpf::load_invalid_program() {
            Ok(refused) => refused,
            Err(why) => {
                bpf::report_skipped(&why);
                return None;
            }
        };
        let request = DecodeRequest::new(vec![DecodeTarget::OwnProcess]);
        let mut report = super::super::collect::collect_targets(&request);
        let asked = InspectOptions {
            handlers: true,
            backend: BackendChoice::Bpf,
            verbose,
            ..InspectOptions::default()
        };
        let wanted = InspectionScope { handlers: true, queue: false };
        let observer =
            Inspector::new(&request.proc_root, wanted, asked.backend, false).with_bpf_error(refused);
        inspect_with(observer, &mut report, asked, &request.proc_root);
        Some(report.errors)
    }

    #[test]
    fn reports_verifier_log_if_verbose() {
        let Some(brief) = verifier_errors(false) else { return };
        assert_eq!(brief.len(), 1);
        let reason = &brief[0].reason;
        let said = "cannot inspect: BPF: the kernel's verifier refused the program: ";
        assert!(reason.starts_with(said), "{reason}");
        let Some(verbose) = verifier_errors(true) else { return };
        let (first, lines) = verbose.split_first().expect("a problem");
        assert_eq!(&first.reason, reason);
        assert!(lines.iter().all(|line| line.target == "BPF verifier"));
        assert!(lines.iter().any(|line| line.reason.contains("R0 !read_ok")), "{lines:?}");
    }
}
