//! Collection of processes: reads the targets from /proc, files and masks, or
//! selects processes, and evaluates what the request needs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

use super::{DecodeError, DecodeReport, DecodeRequest, DecodeTarget, DecodedProcess, inspect};
use crate::error::{Failure, message_without_errno as bare_error};
use crate::explain::{self, Requirement, SendSpec};
use crate::out::escape_name;
use crate::procfs::status::ParseStatusError;
use crate::procfs::status_dump::{self, DumpedStatus};
use crate::procfs::{
    ProcReadError, ProcRoot, ProcStatus, ProcessContext, ProcessSnapshot, SnapshotCache, Threads,
    par_map_ids, passwd,
};
use crate::select::{self, SelectError, SelectedProcess, Selection};
use crate::sys;

/// Reads the targets of a request.
pub(super) fn collect_targets(request: &DecodeRequest) -> DecodeReport {
    let mut processes = Vec::new();
    let mut errors = Vec::new();
    let mut names = NameCache::new(&request.proc_root);
    for target in &request.targets {
        match read_target(target, &request.proc_root, &mut names, &mut errors) {
            Ok(found) => processes.extend(found),
            Err(error) => errors.push(error),
        }
    }
    let mut report = DecodeReport { errors, processes, ..empty_report(request) };
    inspect::inspect_processes(&mut report, request);
    report.predict_effects(request);
    report.check_requirements(request);
    if request.requirements.is_empty() && (report.processes.len() == 1 || request.full) {
        report.add_findings(request);
    }
    report
}

fn empty_report(request: &DecodeRequest) -> DecodeReport {
    DecodeReport {
        processes: Vec::new(),
        masks: request.masks.clone(),
        errors: Vec::new(),
        threads: request.threads,
        full: request.full,
        is_selection: false,
        effect_signal: request.effect_signal,
        requirement_count: request.requirements.len(),
        inspect: request.inspect,
    }
}

/// The result of a selection, with the targets that could not be read.
pub(super) struct Collected<T> {
    pub(super) found: T,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<DecodeError>,
}

/// Selects processes, among the targets if there are any, and returns their PIDs.
///
/// # Errors
/// See [`select_processes`].
pub(super) fn select_pids(
    request: &DecodeRequest,
    selection: &Selection,
) -> Result<Collected<Vec<SelectedProcess>>, Failure> {
    select_processes(request, |candidates| {
        selection
            .find_processes(&request.proc_root, candidates)
            .map(|selected| (selected.processes, selected.warnings))
    })
}

/// Selects processes and reads them. Processes that exit in the meantime are
/// skipped. `names` also reads the names of parents, tracers and users, which
/// takes longer.
///
/// # Errors
/// See [`select_processes`].
pub(super) fn collect_selected(
    request: &DecodeRequest,
    selection: &Selection,
    names: bool,
) -> Result<Collected<DecodeReport>, Failure> {
    let to_process =
        |status, threads| DecodedProcess { threads: Some(threads), ..process_from_status(status, None) };
    let selected = select_processes(request, |candidates| {
        selection.read_matches(&request.proc_root, candidates, to_process)
    })?;
    let (mut processes, warnings) = (selected.found, selected.warnings);
    if names {
        NameCache::new(&request.proc_root).add_names(&mut processes);
    }
    let mut report =
        DecodeReport { processes, errors: selected.errors, is_selection: true, ..empty_report(request) };
    inspect::inspect_processes(&mut report, request);
    report.predict_effects(request);
    report.check_requirements(request);
    if request.full && request.requirements.is_empty() {
        report.add_findings(request);
    }
    Ok(Collected { found: report, warnings, errors: Vec::new() })
}

/// Runs a selection. A target that does not match is skipped; a target that does
/// not exist is an error of the report.
///
/// # Errors
/// Errors of [`Selection::find_processes`] with the matching exit status.
fn select_processes<T>(
    request: &DecodeRequest,
    find: impl FnOnce(Option<&[u32]>) -> Result<(T, Vec<String>), SelectError>,
) -> Result<Collected<T>, Failure> {
    let root = &request.proc_root;
    let pid = |target: &DecodeTarget| match target {
        DecodeTarget::Process(pid) => Some(*pid),
        _ => None,
    };
    let target_pids: Vec<u32> = request.targets.iter().filter_map(pid).collect();
    let candidates = if target_pids.is_empty() { None } else { Some(target_pids.as_slice()) };
    let (found, warnings) = find(candidates)
        .map_err(|error| Failure { exit_status: error.exit_status(), cause: anyhow::anyhow!("{error}") })?;
    let errors = target_pids
        .iter()
        .filter_map(|pid| root.status(*pid).err().map(|error| proc_read_error(*pid, None, root, &error)));
    Ok(Collected { found, warnings, errors: errors.collect() })
}

impl DecodeReport {
    /// Checks each process against the requirements.
    fn check_requirements(&mut self, request: &DecodeRequest) {
        if request.requirements.is_empty() {
            return;
        }
        for process in &mut self.processes {
            let snapshot = ProcessSnapshot {
                threads: process.threads.clone(),
                ..ProcessSnapshot::from_status(&process.status)
            };
            let describe_if_unmet = |requirement: &Requirement| {
                requirement.unmet_reason(&snapshot).map(|reason| requirement.describe_unmet(reason))
            };
            let has_exited = process.threads.as_ref().is_some_and(Threads::all_exited);
            process.unmet_requirements = match has_exited {
                true => vec!["it is a zombie".to_owned()],
                false => request.requirements.iter().filter_map(describe_if_unmet).collect(),
            };
        }
    }

    /// Adds the findings about each process. Single threads are skipped.
    fn add_findings(&mut self, request: &DecodeRequest) {
        for process in self.processes.iter_mut().filter(|process| process.tid.is_none()) {
            let (snapshot, mut context) = match &process.threads {
                Some(threads) => {
                    let (status, pid) = (process.status.clone(), process.status.tgid.unwrap_or(0));
                    let cache = SnapshotCache::new(&request.proc_root, sys::io::reader::read);
                    let snapshot = cache.snapshot(pid, status, threads.clone(), None);
                    let context = request.proc_root.context(&snapshot);
                    (snapshot, context)
                }
                None => (ProcessSnapshot::from_status(&process.status), ProcessContext::default()),
            };
            context.sender_claims =
                process.inspection.as_ref().map(inspect::sender_claims).unwrap_or_default();
            let mut findings = explain::collect_findings(&snapshot, &context);
            findings.extend(process.inspection.iter().flat_map(inspect::handler_findings));
            findings.sort_by_key(|finding| finding.severity);
            process.findings = findings;
        }
    }

    /// Predicts the effect of the signal on each process, if the request names a
    /// signal.
    fn predict_effects(&mut self, request: &DecodeRequest) {
        let Some(signal) = request.effect_signal else { return };
        let cache = SnapshotCache::new(&request.proc_root, sys::io::reader::read);
        let predict = |process: &DecodedProcess| {
            let status = &process.status;
            let snapshot = match (status.tgid.filter(|_| process.source_file.is_none()), &process.threads) {
                (Some(pid), Some(threads)) => {
                    cache.snapshot(pid, status.clone(), threads.clone(), Some(signal))
                }
                // A single thread: its process determines the effect too.
                (Some(pid), None) => {
                    match request.proc_root.snapshot(pid, Some(signal), sys::io::reader::read) {
                        Ok(snapshot) => snapshot,
                        Err(_) => ProcessSnapshot::from_status(status),
                    }
                }
                _ => ProcessSnapshot::from_status(status),
            };
            let spec = SendSpec { tid: process.tid, ..SendSpec::to_process(signal) };
            explain::predict_effect(&snapshot, spec)
        };
        let indices: Vec<u32> = (0..).take(self.processes.len()).collect();
        let process = |index| self.processes.get(usize::try_from(index).ok()?);
        let effects = par_map_ids(&request.proc_root, &indices, |_, index| process(index).map(predict));
        for (process, effect) in self.processes.iter_mut().zip(effects) {
            process.effect = Some(effect);
        }
    }
}

/// Maximum size of a text: more than the status files of all processes that a
/// machine can have with usual names.
const MAX_TEXT_BYTES: u64 = 1 << 26;

fn read_target(
    target: &DecodeTarget,
    root: &ProcRoot,
    names: &mut NameCache<'_>,
    errors: &mut Vec<DecodeError>,
) -> Result<Vec<DecodedProcess>, DecodeError> {
    match target {
        DecodeTarget::Process(pid) => {
            let status = root.status(*pid).map_err(|error| proc_read_error(*pid, None, root, &error))?;
            read_live_process(*pid, status, root, names).map(|process| vec![process])
        }
        DecodeTarget::OwnProcess => {
            let status = root.own_status().map_err(|error| {
                let proc_error = select::check_native_proc(root).err().map(|error| error.to_string());
                decode_error("self", proc_error.unwrap_or_else(|| read_error_text(&error, root)))
            })?;
            // In a foreign /proc, "self" is another process than ours.
            let pid = status.tgid.unwrap_or_else(std::process::id);
            read_live_process(pid, status, root, names).map(|process| vec![process])
        }
        DecodeTarget::Thread(pid, tid) => {
            let status = root
                .thread_status(*pid, *tid)
                .map_err(|error| proc_read_error(*pid, Some(*tid), root, &error))?;
            Ok(vec![names.with_names(status, Some(*tid))])
        }
        DecodeTarget::Stdin => parse_status_texts(b"-", "standard input", read_text(io::stdin()), errors),
        DecodeTarget::File(path) => {
            let bytes = path.as_os_str().as_encoded_bytes();
            parse_status_texts(bytes, &escape_name(bytes), File::open(path).and_then(read_text), errors)
        }
        DecodeTarget::MaskStatus(status) => Ok(vec![process_from_status((**status).clone(), None)]),
    }
}

/// Reads the threads of a process. If the ID belongs to a thread, only that
/// thread is returned.
fn read_live_process(
    pid: u32,
    status: ProcStatus,
    root: &ProcRoot,
    names: &mut NameCache<'_>,
) -> Result<DecodedProcess, DecodeError> {
    if status.tgid.is_some_and(|tgid| tgid != pid) {
        return Ok(names.with_names(status, Some(pid)));
    }
    let threads = root.threads(pid, &status).map_err(|error| proc_read_error(pid, None, root, &error))?;
    Ok(DecodedProcess { threads: Some(threads), ..names.with_names(status, None) })
}

/// Reads a whole text up to the maximum size.
fn read_text(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader.take(MAX_TEXT_BYTES).read_to_end(&mut text)?;
    if text.len() as u64 == MAX_TEXT_BYTES {
        return Err(io::Error::other(format!(
            "larger than {} MiB, so not a copy of status files",
            MAX_TEXT_BYTES >> 20
        )));
    }
    Ok(text)
}

/// Parses the statuses in a text. Errors in one status do not affect the others.
fn parse_status_texts(
    file: &[u8],
    name: &str,
    text: io::Result<Vec<u8>>,
    errors: &mut Vec<DecodeError>,
) -> Result<Vec<DecodedProcess>, DecodeError> {
    let text = text.map_err(|error| decode_error(name, bare_error(&error)))?;
    let dump = status_dump::parse(&text).map_err(|error| decode_error(name, error.to_string()))?;
    errors
        .extend(dump.errors.iter().map(|(line, error)| decode_error(name, format!("line {line}: {error}"))));
    let statuses = dump.statuses.into_iter();
    Ok(statuses
        .map(|DumpedStatus { file_name: grep_file, status }| {
            process_from_status(status, grep_file.or(Some(file.to_vec())))
        })
        .collect())
}

/// Creates a process from a status alone.
pub(super) fn process_from_status(status: ProcStatus, source_file: Option<Vec<u8>>) -> DecodedProcess {
    // The status of a thread other than the main one describes only that thread.
    let tid = status.pid.filter(|pid| status.tgid.is_some_and(|tgid| tgid != *pid));
    DecodedProcess {
        status,
        tid,
        threads: None,
        parent_name: None,
        tracer_name: None,
        user: None,
        source_file,
        effect: None,
        findings: Vec::new(),
        unmet_requirements: Vec::new(),
        inspection: None,
    }
}

/// Cache of user and process names, each of which is read once.
struct NameCache<'a> {
    proc_root: &'a ProcRoot,
    users: Vec<(u32, Option<String>)>,
    processes: HashMap<u32, Option<Vec<u8>>>,
}

impl NameCache<'_> {
    fn new(root: &ProcRoot) -> NameCache<'_> {
        NameCache { proc_root: root, users: Vec::new(), processes: HashMap::new() }
    }

    /// Creates a live process or thread and reads the names of its parent, tracer
    /// and user.
    fn with_names(&mut self, status: ProcStatus, tid: Option<u32>) -> DecodedProcess {
        let parent_name = status.parent_pid.and_then(|parent| self.process_name(parent));
        let tracer_name = status.tracer_pid.and_then(|tracer| self.process_name(tracer));
        let user = status.uids.and_then(|(_, effective)| self.user_name(effective));
        DecodedProcess { parent_name, tracer_name, user, ..process_from_status(status, None).with_tid(tid) }
    }

    /// Reads the names of parents, tracers and users for live processes, which
    /// must be sorted by PID.
    fn add_names(&mut self, processes: &mut [DecodedProcess]) {
        let collected_name = |processes: &[DecodedProcess], pid: u32| {
            let index = processes.binary_search_by_key(&Some(pid), |process| process.status.tgid).ok()?;
            Some(processes.get(index)?.status.name.as_ref()?.as_bytes().to_vec())
        };
        for index in 0..processes.len() {
            let status = &processes[index].status;
            let (parent, tracer, uids) = (status.parent_pid, status.tracer_pid, status.uids);
            let mut name = |pid| collected_name(processes, pid).or_else(|| self.process_name(pid));
            let (parent_name, tracer_name) = (parent.and_then(&mut name), tracer.and_then(&mut name));
            let user = uids.and_then(|(_, effective)| self.user_name(effective));
            let process = &mut processes[index];
            (process.parent_name, process.tracer_name, process.user) = (parent_name, tracer_name, user);
        }
    }

    /// Returns the name of a process, if it can be read.
    fn process_name(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.proc_root;
        let read_name = || Some(root.status(pid).ok()?.name?.as_bytes().to_vec());
        self.processes.entry(pid).or_insert_with(read_name).clone()
    }

    /// Returns the name of a user. `None` for a foreign /proc, because this
    /// machine's /etc/passwd does not apply to it.
    fn user_name(&mut self, uid: u32) -> Option<String> {
        if !self.proc_root.is_native() {
            return None;
        }
        if let Some((_, name)) = self.users.iter().find(|(known_uid, _)| *known_uid == uid) {
            return name.clone();
        }
        let find = |text: &[u8]| passwd::find_name(text, uid);
        let name = sys::nss::lookup("/etc/passwd", "passwd", &uid.to_string(), find);
        self.users.push((uid, name.clone()));
        name
    }
}

impl DecodedProcess {
    fn with_tid(self, tid: Option<u32>) -> DecodedProcess {
        DecodedProcess { tid, ..self }
    }
}

fn decode_error(target: &str, reason: String) -> DecodeError {
    DecodeError { target: target.to_owned(), reason }
}

/// Describes why a process or thread could not be read.
fn proc_read_error(pid: u32, tid: Option<u32>, root: &ProcRoot, error: &ProcReadError) -> DecodeError {
    let is_gone = matches!(error, ProcReadError::Gone);
    let target = tid.map_or_else(|| pid.to_string(), |tid| format!("{pid}/{tid}"));
    if let Some(error) = select::check_native_proc(root).err().filter(|_| is_gone) {
        return decode_error(&target, error.to_string());
    }
    let reason = match tid {
        // /proc mounted with hidepid=invisible hides the processes of other
        // users, but kill(2) with signal 0 still finds them.
        _ if is_gone && root.is_native() && sys::process::exists(pid) && root.status(pid).is_err() => {
            "hidden because it belongs to another user and /proc is mounted with hidepid (run as root)"
                .to_owned()
        }
        Some(tid) if is_gone && root.status(pid).is_ok() => format!("process {pid} has no thread {tid}"),
        _ => read_error_text(error, root),
    };
    decode_error(&target, reason)
}

/// Describes an error. If a directory given by the user has no process, also
/// reports if it is not a mounted /proc.
fn read_error_text(error: &ProcReadError, root: &ProcRoot) -> String {
    let directory = escape_name(root.directory().as_os_str().as_encoded_bytes());
    match error {
        ProcReadError::Gone if root.is_native() => error.to_string(),
        ProcReadError::Gone => match std::fs::metadata(root.directory().join("stat")) {
            Ok(_) => format!("{error} in {directory}"),
            Err(_) => format!("{directory} is not a mounted /proc"),
        },
        ProcReadError::Malformed(ParseStatusError::NoSignalSets) => {
            "its status has no signal lines (some kernels omit them, for example gVisor)".to_owned()
        }
        _ => error.to_string(),
    }
}
