//! From targets to processes: what /proc or a text says of each.

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

/// Finds what is asked for.
pub(super) fn collect_targets(request: &DecodeRequest) -> DecodeReport {
    let mut processes = Vec::new();
    let mut problems = Vec::new();
    let mut names = NameCache::new(&request.proc_root);
    for target in &request.targets {
        match read_target(target, &request.proc_root, &mut names, &mut problems) {
            Ok(found) => processes.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    let mut report = DecodeReport { errors: problems, processes, ..empty_report(request) };
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

/// What a selection chose, and what of the targets it could not look at.
pub(super) struct Collected<T> {
    pub(super) found: T,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<DecodeError>,
}

/// Chooses processes, of the targets if there are any, by their numbers.
///
/// # Errors
/// See [`select_processes`].
pub(super) fn select_pids(
    request: &DecodeRequest,
    selection: &Selection,
) -> Result<Collected<Vec<SelectedProcess>>, Failure> {
    select_processes(request, |among| {
        selection.find_processes(&request.proc_root, among).map(|choice| (choice.processes, choice.warnings))
    })
}

/// What /proc says of the chosen ones; who has ended meanwhile is left out.
/// `names`: with those of parents, tracers and users, which take more reading.
///
/// # Errors
/// See [`select_processes`].
pub(super) fn collect_selected(
    request: &DecodeRequest,
    selection: &Selection,
    names: bool,
) -> Result<Collected<DecodeReport>, Failure> {
    let take =
        |status, threads| DecodedProcess { threads: Some(threads), ..process_from_status(status, None) };
    let chosen = select_processes(request, |among| selection.read_matches(&request.proc_root, among, take))?;
    let (mut processes, warnings) = (chosen.found, chosen.warnings);
    if names {
        NameCache::new(&request.proc_root).add_names(&mut processes);
    }
    let mut found =
        DecodeReport { processes, errors: chosen.errors, is_selection: true, ..empty_report(request) };
    inspect::inspect_processes(&mut found, request);
    found.predict_effects(request);
    found.check_requirements(request);
    if request.full && request.requirements.is_empty() {
        found.add_findings(request);
    }
    Ok(Collected { found, warnings, errors: Vec::new() })
}

/// Who does not match is none of them; who is not there is a problem.
///
/// # Errors
/// What [`Selection::find_processes`] says, with the exit status that goes with it.
fn select_processes<T>(
    request: &DecodeRequest,
    find: impl FnOnce(Option<&[u32]>) -> Result<(T, Vec<String>), SelectError>,
) -> Result<Collected<T>, Failure> {
    let root = &request.proc_root;
    let pid = |target: &DecodeTarget| match target {
        DecodeTarget::Process(pid) => Some(*pid),
        _ => None,
    };
    let named: Vec<u32> = request.targets.iter().filter_map(pid).collect();
    let among = if named.is_empty() { None } else { Some(named.as_slice()) };
    let (found, warnings) = find(among)
        .map_err(|error| Failure { exit_status: error.exit_status(), cause: anyhow::anyhow!("{error}") })?;
    let problems = named
        .iter()
        .filter_map(|pid| root.status(*pid).err().map(|error| proc_read_error(*pid, None, root, &error)));
    Ok(Collected { found, warnings, errors: problems.collect() })
}

impl DecodeReport {
    /// Holds each process against the requirements.
    fn check_requirements(&mut self, request: &DecodeRequest) {
        if request.requirements.is_empty() {
            return;
        }
        for process in &mut self.processes {
            let known = ProcessSnapshot {
                threads: process.threads.clone(),
                ..ProcessSnapshot::from_status(&process.status)
            };
            let unmet = |requirement: &Requirement| {
                requirement.unmet_reason(&known).map(|unmet| requirement.describe_unmet(unmet))
            };
            let ended = process.threads.as_ref().is_some_and(Threads::all_exited);
            process.unmet_requirements = match ended {
                true => vec!["it is a zombie".to_owned()],
                false => request.requirements.iter().filter_map(unmet).collect(),
            };
        }
    }

    /// Looks for what is wrong or surprising about each process. A thread by
    /// itself is not looked at.
    fn add_findings(&mut self, request: &DecodeRequest) {
        for process in self.processes.iter_mut().filter(|process| process.tid.is_none()) {
            let (situation, mut around) = match &process.threads {
                Some(threads) => {
                    let (status, pid) = (process.status.clone(), process.status.tgid.unwrap_or(0));
                    let shared = SnapshotCache::new(&request.proc_root, sys::reader::read);
                    let situation = shared.snapshot(pid, status, threads.clone(), None);
                    let around = request.proc_root.context(&situation);
                    (situation, around)
                }
                None => (ProcessSnapshot::from_status(&process.status), ProcessContext::default()),
            };
            around.sender_claims =
                process.inspection.as_ref().map(inspect::sender_claims).unwrap_or_default();
            let mut findings = explain::collect_findings(&situation, &around);
            findings.extend(process.inspection.iter().flat_map(inspect::handler_findings));
            findings.sort_by_key(|finding| finding.severity);
            process.findings = findings;
        }
    }

    /// Looks up what the signal does to each process, if that was asked.
    fn predict_effects(&mut self, request: &DecodeRequest) {
        let Some(signal) = request.effect_signal else { return };
        let shared = SnapshotCache::new(&request.proc_root, sys::reader::read);
        let effect = |process: &DecodedProcess| {
            let status = &process.status;
            let situation = match (status.tgid.filter(|_| process.source_file.is_none()), &process.threads) {
                (Some(pid), Some(threads)) => {
                    shared.snapshot(pid, status.clone(), threads.clone(), Some(signal))
                }
                // A thread by itself, whose process decides with it.
                (Some(pid), None) => match request.proc_root.snapshot(pid, Some(signal), sys::reader::read) {
                    Ok(situation) => situation,
                    Err(_) => ProcessSnapshot::from_status(status),
                },
                _ => ProcessSnapshot::from_status(status),
            };
            let sending = SendSpec { tid: process.tid, ..SendSpec::to_process(signal) };
            explain::predict_effect(&situation, sending)
        };
        let indices: Vec<u32> = (0..).take(self.processes.len()).collect();
        let process = |index| self.processes.get(usize::try_from(index).ok()?);
        let effects = par_map_ids(&request.proc_root, &indices, |_, index| process(index).map(effect));
        for (process, effect) in self.processes.iter_mut().zip(effects) {
            process.effect = Some(effect);
        }
    }
}

/// The most that is read of a text: more than the status files of all processes
/// that a machine can have with usual names.
const MAX_TEXT_BYTES: u64 = 1 << 26;

fn read_target(
    target: &DecodeTarget,
    root: &ProcRoot,
    names: &mut NameCache<'_>,
    problems: &mut Vec<DecodeError>,
) -> Result<Vec<DecodedProcess>, DecodeError> {
    match target {
        DecodeTarget::Process(pid) => {
            let status = root.status(*pid).map_err(|error| proc_read_error(*pid, None, root, &error))?;
            read_live_process(*pid, status, root, names).map(|process| vec![process])
        }
        DecodeTarget::OwnProcess => {
            let status = root.own_status().map_err(|error| {
                let unmounted = select::check_native_proc(root).err().map(|error| error.to_string());
                decode_error("self", unmounted.unwrap_or_else(|| read_error_text(&error, root)))
            })?;
            // Where /proc is not our own, "self" is whom it takes us for.
            let pid = status.tgid.unwrap_or_else(std::process::id);
            read_live_process(pid, status, root, names).map(|process| vec![process])
        }
        DecodeTarget::Thread(pid, tid) => {
            let status = root
                .thread_status(*pid, *tid)
                .map_err(|error| proc_read_error(*pid, Some(*tid), root, &error))?;
            Ok(vec![names.with_names(status, Some(*tid))])
        }
        DecodeTarget::Stdin => parse_status_texts(b"-", "standard input", read_text(io::stdin()), problems),
        DecodeTarget::File(path) => {
            let bytes = path.as_os_str().as_encoded_bytes();
            parse_status_texts(bytes, &escape_name(bytes), File::open(path).and_then(read_text), problems)
        }
        DecodeTarget::MaskStatus(status) => Ok(vec![process_from_status((**status).clone(), None)]),
    }
}

/// A process that /proc has: with all of its threads, unless its number turns
/// out to be that of a thread, which is shown by itself.
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

/// All of a text, unless it has no end.
fn read_text(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(MAX_TEXT_BYTES).read_to_end(&mut text)?;
    if text.len() as u64 == MAX_TEXT_BYTES {
        return Err(io::Error::other(format!(
            "larger than {} MiB, so not a copy of status files",
            MAX_TEXT_BYTES >> 20
        )));
    }
    Ok(text)
}

/// What a text holds: one process, or several. What is wrong in it does not
/// keep the rest from being shown.
fn parse_status_texts(
    file: &[u8],
    name: &str,
    read: io::Result<Vec<u8>>,
    problems: &mut Vec<DecodeError>,
) -> Result<Vec<DecodedProcess>, DecodeError> {
    let text = read.map_err(|error| decode_error(name, bare_error(&error)))?;
    let records = status_dump::parse(&text).map_err(|error| decode_error(name, error.to_string()))?;
    let faults = records.errors.iter();
    problems.extend(faults.map(|(line, error)| decode_error(name, format!("line {line}: {error}"))));
    let found = records.statuses.into_iter();
    Ok(found
        .map(|DumpedStatus { file_name: own, status }| {
            process_from_status(status, own.or(Some(file.to_vec())))
        })
        .collect())
}

/// A status of which nothing else is known.
pub(super) fn process_from_status(status: ProcStatus, file: Option<Vec<u8>>) -> DecodedProcess {
    // A text of another thread than the main one is that thread's alone.
    let thread = status.pid.filter(|pid| status.tgid.is_some_and(|tgid| tgid != *pid));
    DecodedProcess {
        status,
        tid: thread,
        threads: None,
        parent_name: None,
        tracer_name: None,
        user: None,
        source_file: file,
        effect: None,
        findings: Vec::new(),
        unmet_requirements: Vec::new(),
        inspection: None,
    }
}

/// Names that several processes may share: looked up once each.
struct NameCache<'a> {
    proc_root: &'a ProcRoot,
    users: Vec<(u32, Option<String>)>,
    processes: HashMap<u32, Option<Vec<u8>>>,
}

impl NameCache<'_> {
    fn new(root: &ProcRoot) -> NameCache<'_> {
        NameCache { proc_root: root, users: Vec::new(), processes: HashMap::new() }
    }

    /// A live process or thread with the names that belong to it.
    fn with_names(&mut self, status: ProcStatus, thread: Option<u32>) -> DecodedProcess {
        let parent_name = status.parent_pid.and_then(|parent| self.process_name(parent));
        let tracer_name = status.tracer_pid.and_then(|tracer| self.process_name(tracer));
        let user = status.uids.and_then(|(_, effective)| self.user_name(effective));
        DecodedProcess {
            parent_name,
            tracer_name,
            user,
            ..process_from_status(status, None).with_tid(thread)
        }
    }

    /// Gives live processes, sorted by number, the names that belong to them.
    fn add_names(&mut self, processes: &mut [DecodedProcess]) {
        let known = |processes: &[DecodedProcess], pid: u32| {
            let place = processes.binary_search_by_key(&Some(pid), |process| process.status.tgid).ok()?;
            Some(processes.get(place)?.status.name.as_ref()?.as_bytes().to_vec())
        };
        for index in 0..processes.len() {
            let status = &processes[index].status;
            let (parent, tracer, uids) = (status.parent_pid, status.tracer_pid, status.uids);
            let mut name = |pid| known(processes, pid).or_else(|| self.process_name(pid));
            let (parent_name, tracer_name) = (parent.and_then(&mut name), tracer.and_then(&mut name));
            let user = uids.and_then(|(_, effective)| self.user_name(effective));
            let process = &mut processes[index];
            (process.parent_name, process.tracer_name, process.user) = (parent_name, tracer_name, user);
        }
    }

    /// The name of a process, if it can be read.
    fn process_name(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.proc_root;
        let read = || Some(root.status(pid).ok()?.name?.as_bytes().to_vec());
        self.processes.entry(pid).or_insert_with(read).clone()
    }

    /// The name of a user, if this machine's /etc/passwd is the one that counts.
    fn user_name(&mut self, uid: u32) -> Option<String> {
        if !self.proc_root.is_native() {
            return None;
        }
        if let Some((_, name)) = self.users.iter().find(|(known, _)| *known == uid) {
            return name.clone();
        }
        let find = |text: &[u8]| passwd::find_name(text, uid);
        let name = sys::nss::lookup("/etc/passwd", "passwd", &uid.to_string(), find);
        self.users.push((uid, name.clone()));
        name
    }
}

impl DecodedProcess {
    fn with_tid(self, thread: Option<u32>) -> DecodedProcess {
        DecodedProcess { tid: thread, ..self }
    }
}

fn decode_error(target: &str, reason: String) -> DecodeError {
    DecodeError { target: target.to_owned(), reason }
}

/// Why a process or thread could not be read.
fn proc_read_error(pid: u32, tid: Option<u32>, root: &ProcRoot, error: &ProcReadError) -> DecodeError {
    let gone = matches!(error, ProcReadError::Gone);
    let target = tid.map_or_else(|| pid.to_string(), |tid| format!("{pid}/{tid}"));
    if let Some(error) = select::check_native_proc(root).err().filter(|_| gone) {
        return decode_error(&target, error.to_string());
    }
    let reason = match tid {
        // /proc hides another user's processes as if they were not there
        // (hidepid=invisible), but the null signal still finds them.
        _ if gone && root.is_native() && sys::process::exists(pid) && root.status(pid).is_err() => {
            "hidden because it belongs to another user and /proc is mounted with hidepid (run as root)"
                .to_owned()
        }
        Some(tid) if gone && root.status(pid).is_ok() => format!("process {pid} has no thread {tid}"),
        _ => read_error_text(error, root),
    };
    decode_error(&target, reason)
}

/// An error in words; where nothing is found in a directory that was named,
/// whether that is a /proc at all.
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
