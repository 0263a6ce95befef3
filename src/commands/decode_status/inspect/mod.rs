//! `--handlers` and `--queue`: inspects the signal handlers and the pending
//! signals of live processes with BPF or ptrace.

pub(super) mod args;
mod shorten_symbol;
pub(super) mod view;
pub(super) mod wire;

use shorten_symbol::shorten_symbol;

use super::cells::process_label;
use super::{DecodeError, DecodeReport, DecodeRequest, DecodeTarget, DecodedProcess};
use crate::duration;
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

/// Options of an inspection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InspectOptions {
    /// Reports the handlers of caught signals.
    pub handlers: bool,
    /// Reports the pending signals with their siginfo.
    pub queue: bool,
    /// The backend to use.
    pub backend: BackendChoice,
    /// Reports why a backend could not be used.
    pub verbose: bool,
}

/// Inspects each process of a report, if the request asks for it. A process that
/// cannot be inspected is an error of the report.
pub(super) fn inspect_processes(report: &mut DecodeReport, request: &DecodeRequest) {
    let Some(options) = request.inspect else { return };
    let scope = InspectionScope { handlers: options.handlers, queue: options.queue };
    let inspector = Inspector::new(&request.proc_root, scope, options.backend, report.is_selection);
    inspect_with(inspector, report, options, &request.proc_root);
}

fn inspect_with(
    mut inspector: Inspector,
    report: &mut DecodeReport,
    options: InspectOptions,
    root: &ProcRoot,
) {
    inspector.prefetch(report.processes.len());
    // Processes that fail for the same reason share one error.
    let mut failures: Vec<(BackendError, Vec<String>)> = Vec::new();
    for process in &mut report.processes {
        let Some(pid) = live_pid(process, root) else { continue };
        let DecodedProcess { status, tid, threads, .. } = &*process;
        let target = InspectionTarget { pid, tid: *tid, status, threads: threads.as_ref() };
        match inspector.inspect(target) {
            Ok(inspection) => {
                if let Some(threads) = &mut process.threads {
                    threads.update_killable(&inspection.uninterruptible_threads);
                }
                process.inspection = Some(inspection);
            }
            Err(error) => match failures.iter_mut().find(|(known_error, _)| *known_error == error) {
                Some((_, labels)) => labels.push(process_label(process)),
                None => failures.push((error, vec![process_label(process)])),
            },
        }
    }
    for (failure, labels) in failures {
        let (first, more) = (labels.first().cloned().unwrap_or_default(), labels.len() - 1);
        let more = match more {
            0 => String::new(),
            1 => " and 1 other process".to_owned(),
            more => format!(" and {more} other processes"),
        };
        let reason = format!("cannot inspect: {}", failure.reason);
        report.errors.push(DecodeError { target: format!("{first}{more}"), reason });
    }
    if options.verbose {
        let to_error = |line: &String| DecodeError { target: "BPF verifier".into(), reason: line.clone() };
        report.errors.extend(inspector.verifier_log().iter().map(to_error));
    }
}

/// Returns the PID of a live process, or of the process of a live thread.
fn live_pid(process: &DecodedProcess, root: &ProcRoot) -> Option<u32> {
    let is_live = process.source_file.is_none() && root.is_native();
    process.status.tgid.or(process.status.pid).filter(|_| is_live)
}

/// Returns the findings about the handlers of a process.
pub(super) fn handler_findings(inspection: &Inspection) -> Vec<Finding> {
    let to_caught_signal = |handler: &crate::inspect::Handler| CaughtSignal {
        signal: handler.signal,
        action: handler.action,
        handler: handler_text(&handler.location, usize::MAX),
        invalid: invalid_handler(&handler.location),
    };
    explain::handler_findings(&inspection.handlers.iter().flatten().map(to_caught_signal).collect::<Vec<_>>())
}

/// Returns the reason why a handler address is invalid, if it is.
fn invalid_handler(location: &CodeLocation) -> Option<InvalidHandler> {
    let reason = match location.region {
        Region::Unmapped => InvalidHandler::Unmapped,
        Region::Kernel => InvalidHandler::KernelAddress,
        _ => InvalidHandler::NotExecutable,
    };
    location.faults_when_called().then_some(reason)
}

/// Returns the claimed senders of its pending signals.
pub(super) fn sender_claims(inspection: &Inspection) -> Vec<SenderClaim> {
    let to_claim = |entry: &crate::inspect::PendingEntry| {
        let claimed_origin = match (
            entry.claimed_sender.as_ref().filter(|claimed| !claimed.is_child),
            entry.siginfo?.origin(),
        ) {
            (Some(ClaimedSender { inner_pid, pid, uid, name, .. }), _) => ClaimedOrigin::Process {
                pid: pid.unwrap_or(*inner_pid),
                is_foreign_pid: pid.is_none(),
                uid: *uid,
                name: name.as_deref().map(ProcessName::new),
            },
            (None, SignalOrigin::Timer { id, .. }) => ClaimedOrigin::Timer { id },
            (None, SignalOrigin::OutsideNamespace { siginfo_lost: true, .. }) => return None,
            (None, SignalOrigin::OutsideNamespace { .. }) => ClaimedOrigin::OutsideNamespace,
            (None, _) => ClaimedOrigin::Kernel,
        };
        Some(SenderClaim { signal: entry.signal, claimed_origin })
    };
    inspection.queue.iter().flatten().filter_map(to_claim).collect()
}

/// Returns the text for a handler: its function, otherwise its offset in a
/// library, otherwise its address. Names are shortened to `max_width` columns.
fn handler_text(location: &CodeLocation, max_width: usize) -> String {
    let (name, offset) = match (&location.symbol, location.region_name(), location.region_offset) {
        (Some(symbol), ..) => (Ok(escape_name(&symbol.name)), symbol.offset),
        (None, Some(library), Some(offset)) => (Err(library_text(library)), offset),
        _ => return format!("0x{:x}", location.address),
    };
    let suffix = if offset == 0 && name.is_ok() { String::new() } else { format!("+0x{offset:x}") };
    let max_width = max_width.saturating_sub(suffix.len());
    match name {
        Ok(function) => shorten_symbol(&function, max_width) + &suffix,
        Err(library) => shorten_middle(&library, max_width) + &suffix,
    }
}

/// Returns the escaped name of a file. If the real name ends like the kernel's
/// mark for a deleted file, its blank is escaped to distinguish the two.
fn library_text(name: &[u8]) -> String {
    let text = escape_name(name);
    match text.strip_suffix(" (deleted)") {
        Some(stem) => format!("{stem}\\x20(deleted)"),
        None => text.into_owned(),
    }
}

/// Describes a value that could not be read.
fn unavailable_text(unavailable: &Unavailable) -> String {
    match unavailable {
        Unavailable::Description(description) => description.clone(),
        Unavailable::Symbols { file_name, reason } => {
            format!("the symbols of {} ({reason})", library_text(file_name))
        }
    }
}

/// Returns notes on the backends, if the report has no header that contains them.
pub(super) fn provenance_notes(report: &DecodeReport) -> Vec<String> {
    let Some(_) = report.inspect.filter(|_| !report.is_detailed()) else { return Vec::new() };
    let provenances: Vec<_> = report
        .processes
        .iter()
        .filter_map(|process| process.inspection.as_ref()?.provenance.as_ref())
        .collect();
    let mut notes: Vec<String> = Vec::new();
    for provenance in &provenances {
        let same_backend = provenances.iter().filter(|other| other.backend == provenance.backend);
        let max_stop_duration =
            same_backend.clone().map(|other| other.stop_duration).max().unwrap_or_default();
        let note = match max_stop_duration.is_zero() {
            true => format!("read with {}; no process was stopped", provenance.backend.display_name()),
            false => {
                format!(
                    "read with {}; each process was stopped for at most {}",
                    provenance.backend.display_name(),
                    duration::format_micros_or_millis(max_stop_duration)
                )
            }
        };
        let unavailable = same_backend.flat_map(|other| &other.unavailable);
        let unavailable = unavailable.map(|value| format!("not available: {}", unavailable_text(value)));
        notes.extend([note].into_iter().chain(unavailable));
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

/// Checks that the rest of a request can be combined with an inspection.
///
/// # Errors
/// A usage error that names the other option.
pub(super) fn check_request(request: &DecodeRequest) -> Result<(), Failure> {
    let Some(options) = request.inspect else { return Ok(()) };
    let option = if options.handlers { "--handlers" } else { "--queue" };
    let is_text = |target: &DecodeTarget| {
        matches!(target, DecodeTarget::Stdin | DecodeTarget::File(_) | DecodeTarget::MaskStatus(_))
    };
    let has_masks = !request.masks.is_empty();
    let conflicts = [
        (
            request.targets.iter().any(is_text) || has_masks,
            "a text or a mask (it inspects running processes)",
        ),
        (!request.proc_root.is_native(), "--proc (it inspects processes of this machine)"),
        (request.pids_only, "--pids"),
        (!request.requirements.is_empty(), "--require and --forbid"),
    ];
    match conflicts.iter().find(|(is_present, _)| *is_present) {
        Some((_, conflict)) => {
            Err(Failure::usage_error(format!("{option} cannot be combined with {conflict}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::FunctionOffset;
    use crate::sys::bpf;

    fn file_location(path: &[u8], symbol: Option<&[u8]>) -> CodeLocation {
        let region = Region::File { path: path.to_vec(), is_deleted: false };
        let symbol = symbol.map(|name| FunctionOffset { name: name.to_vec(), offset: 0 });
        CodeLocation { region, region_offset: Some(0x12), symbol, ..CodeLocation::unknown(0x1000) }
    }

    #[test]
    fn handler_and_library_texts_escape_names_equally() {
        assert_eq!(library_text(b"br\xffoken"), "br\\xffoken");
        assert_eq!(library_text(b"x (deleted)"), "x\\x20(deleted)");
        assert_eq!(handler_text(&file_location(b"/srv/br\xffoken", None), 99), "br\\xffoken+0x12");
        assert_eq!(handler_text(&file_location(b"/srv/x", Some(b"f\xff")), 99), "f\\xff");
        let unavailable =
            Unavailable::Symbols { file_name: b"br\xffoken".to_vec(), reason: "permission denied" };
        assert_eq!(unavailable_text(&unavailable), "the symbols of br\\xffoken (permission denied)");
    }

    /// Returns the report errors for a BPF program that the kernel's verifier
    /// rejects. Inspects the test's own process, because the test harness catches
    /// some signals.
    fn verifier_errors(verbose: bool) -> Option<Vec<DecodeError>> {
        let error = match bpf::load_invalid_program() {
            Ok(error) => error,
            Err(reason) => {
                bpf::report_skipped(&reason);
                return None;
            }
        };
        let request = DecodeRequest::new(vec![DecodeTarget::OwnProcess]);
        let mut report = super::super::collect::collect_targets(&request);
        let options = InspectOptions {
            handlers: true,
            backend: BackendChoice::Bpf,
            verbose,
            ..InspectOptions::default()
        };
        let scope = InspectionScope { handlers: true, queue: false };
        let inspector =
            Inspector::new(&request.proc_root, scope, options.backend, false).with_bpf_error(error);
        inspect_with(inspector, &mut report, options, &request.proc_root);
        Some(report.errors)
    }

    #[test]
    fn reports_verifier_log_if_verbose() {
        let Some(brief_errors) = verifier_errors(false) else { return };
        assert_eq!(brief_errors.len(), 1);
        let reason = &brief_errors[0].reason;
        let expected =
            "cannot inspect: BPF is not usable because the kernel's verifier rejected the program (";
        assert!(reason.starts_with(expected), "{reason}");
        let Some(verbose_errors) = verifier_errors(true) else { return };
        let (first, lines) = verbose_errors.split_first().expect("a problem");
        assert_eq!(&first.reason, reason);
        assert!(lines.iter().all(|line| line.target == "BPF verifier"));
        assert!(lines.iter().any(|line| line.reason.contains("R0 !read_ok")), "{lines:?}");
    }
}
