//! From targets to processes: what /proc or a text says of each.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

use super::{Problem, Process, Report, Request, Target, inside};
use crate::error::{Failure, bare as bare_error};
use crate::exit::Exit;
use crate::explain::{self, Requirement, Sending};
use crate::out::escape;
use crate::proc::records::{self, Record};
use crate::proc::status::ParseStatusError;
use crate::proc::{ReadError, Root, Shared, Situation, Status, Surroundings, Threads, gather, users};
use crate::select::{self, Found, SelectError, Selection};
use crate::sys;

/// Finds what is asked for.
pub(super) fn report(request: &Request) -> Report {
    let mut processes = Vec::new();
    let mut problems = Vec::new();
    let mut names = Names::new(&request.root);
    for target in &request.targets {
        match find(target, &request.root, &mut names, &mut problems) {
            Ok(found) => processes.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    let mut report = Report { problems, processes, ..empty(request) };
    inside::look(&mut report, request);
    report.judge(request);
    report.check(request);
    if request.requirements.is_empty() && (report.processes.len() == 1 || request.full) {
        report.explain(request);
    }
    report
}

fn empty(request: &Request) -> Report {
    Report {
        processes: Vec::new(),
        masks: request.masks.clone(),
        problems: Vec::new(),
        threads: request.threads,
        full: request.full,
        chosen: false,
        signal: request.signal,
        requirements: request.requirements.len(),
        inside: request.inside,
    }
}

/// What a selection chose, and what of the targets it could not look at.
pub(super) struct Chosen<T> {
    pub(super) found: T,
    pub(super) warnings: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// Chooses processes, of the targets if there are any, by their numbers.
///
/// # Errors
/// See [`choose`].
pub(super) fn pids(request: &Request, selection: &Selection) -> Result<Chosen<Vec<Found>>, Failure> {
    choose(request, |among| {
        selection.find(&request.root, among).map(|choice| (choice.found, choice.warnings))
    })
}

/// What /proc says of the chosen ones; who has ended meanwhile is left out.
/// `names`: with those of parents, tracers and users, which take more reading.
///
/// # Errors
/// See [`choose`].
pub(super) fn chosen(
    request: &Request,
    selection: &Selection,
    names: bool,
) -> Result<Chosen<Report>, Failure> {
    let take = |status, threads| Process { threads: Some(threads), ..bare(status, None) };
    let chosen = choose(request, |among| selection.read(&request.root, among, take))?;
    let (mut processes, warnings) = (chosen.found, chosen.warnings);
    if names {
        Names::new(&request.root).give(&mut processes);
    }
    let mut found = Report { processes, problems: chosen.problems, chosen: true, ..empty(request) };
    inside::look(&mut found, request);
    found.judge(request);
    found.check(request);
    if request.full && request.requirements.is_empty() {
        found.explain(request);
    }
    Ok(Chosen { found, warnings, problems: Vec::new() })
}

/// Who does not match is none of them; who is not there is a problem.
///
/// # Errors
/// What [`Selection::find`] says, with the exit status that goes with it.
fn choose<T>(
    request: &Request,
    find: impl FnOnce(Option<&[u32]>) -> Result<(T, Vec<String>), SelectError>,
) -> Result<Chosen<T>, Failure> {
    let root = &request.root;
    let pid = |target: &Target| match target {
        Target::Process(pid) => Some(*pid),
        _ => None,
    };
    let named: Vec<u32> = request.targets.iter().filter_map(pid).collect();
    let among = if named.is_empty() { None } else { Some(named.as_slice()) };
    let (found, warnings) = find(among).map_err(|error| Failure {
        exit: if error.is_unreadable() { Exit::Unreadable } else { Exit::No },
        cause: anyhow::anyhow!("{error}"),
    })?;
    let problems =
        named.iter().filter_map(|pid| root.status(*pid).err().map(|error| refused(*pid, None, root, &error)));
    Ok(Chosen { found, warnings, problems: problems.collect() })
}

impl Report {
    /// Holds each process against the requirements.
    fn check(&mut self, request: &Request) {
        if request.requirements.is_empty() {
            return;
        }
        for process in &mut self.processes {
            let known = Situation { threads: process.threads.clone(), ..Situation::of_text(&process.status) };
            let unmet = |requirement: &Requirement| {
                requirement.unmet_by(&known).map(|unmet| requirement.sentence(unmet))
            };
            let ended = process.threads.as_ref().is_some_and(Threads::are_ended);
            process.unmet = match ended {
                true => vec!["it is a zombie".to_owned()],
                false => request.requirements.iter().filter_map(unmet).collect(),
            };
        }
    }

    /// Looks for what is wrong or surprising about each process. A thread by
    /// itself is not looked at.
    fn explain(&mut self, request: &Request) {
        for process in self.processes.iter_mut().filter(|process| process.thread.is_none()) {
            let (situation, mut around) = match &process.threads {
                Some(threads) => {
                    let (status, pid) = (process.status.clone(), process.status.tgid.unwrap_or(0));
                    let shared = Shared::new(&request.root, sys::reader::read);
                    let situation = shared.situation(pid, status, threads.clone(), None);
                    let around = request.root.surroundings(&situation);
                    (situation, around)
                }
                None => (Situation::of_text(&process.status), Surroundings::default()),
            };
            around.claims = process.inside.as_ref().map(inside::claims).unwrap_or_default();
            let mut findings = explain::findings(&situation, &around);
            findings.extend(process.inside.iter().flat_map(inside::findings));
            findings.sort_by_key(|finding| finding.severity);
            process.findings = findings;
        }
    }

    /// Looks up what the signal does to each process, if that was asked.
    fn judge(&mut self, request: &Request) {
        let Some(signal) = request.signal else { return };
        let shared = Shared::new(&request.root, sys::reader::read);
        let effect = |process: &Process| {
            let status = &process.status;
            let situation = match (status.tgid.filter(|_| process.file.is_none()), &process.threads) {
                (Some(pid), Some(threads)) => {
                    shared.situation(pid, status.clone(), threads.clone(), Some(signal))
                }
                // A thread by itself, whose process decides with it.
                (Some(pid), None) => match request.root.situation(pid, Some(signal), sys::reader::read) {
                    Ok(situation) => situation,
                    Err(_) => Situation::of_text(status),
                },
                _ => Situation::of_text(status),
            };
            let sending = Sending { thread: process.thread, ..Sending::plain(signal) };
            explain::effect(&situation, sending)
        };
        let indices: Vec<u32> = (0..).take(self.processes.len()).collect();
        let process = |index| self.processes.get(usize::try_from(index).ok()?);
        let effects = gather(&request.root, &indices, |_, index| process(index).map(effect));
        for (process, effect) in self.processes.iter_mut().zip(effects) {
            process.effect = Some(effect);
        }
    }
}

/// The most that is read of a text: more than the status files of all processes
/// that a machine can have with usual names.
const LONGEST_TEXT: u64 = 1 << 26;

fn find(
    target: &Target,
    root: &Root,
    names: &mut Names<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Process>, Problem> {
    match target {
        Target::Process(pid) => {
            let status = root.status(*pid).map_err(|error| refused(*pid, None, root, &error))?;
            live(*pid, status, root, names).map(|process| vec![process])
        }
        Target::Own => {
            let status = root.own_status().map_err(|error| {
                let unmounted = select::check_proc(root).err().map(|error| error.to_string());
                problem("self", unmounted.unwrap_or_else(|| reason(&error, root)))
            })?;
            // Where /proc is not our own, "self" is whom it takes us for.
            let pid = status.tgid.unwrap_or_else(std::process::id);
            live(pid, status, root, names).map(|process| vec![process])
        }
        Target::Thread(pid, tid) => {
            let status =
                root.thread_status(*pid, *tid).map_err(|error| refused(*pid, Some(*tid), root, &error))?;
            Ok(vec![names.given(status, Some(*tid))])
        }
        Target::Stdin => texts(b"-", "standard input", read_text(io::stdin()), problems),
        Target::File(path) => {
            let bytes = path.as_os_str().as_encoded_bytes();
            texts(bytes, &escape(bytes), File::open(path).and_then(read_text), problems)
        }
        Target::Given(status) => Ok(vec![bare((**status).clone(), None)]),
    }
}

/// A process that /proc has: with all of its threads, unless its number turns
/// out to be that of a thread, which is shown by itself.
fn live(pid: u32, status: Status, root: &Root, names: &mut Names<'_>) -> Result<Process, Problem> {
    if status.tgid.is_some_and(|tgid| tgid != pid) {
        return Ok(names.given(status, Some(pid)));
    }
    let threads = root.threads(pid, &status).map_err(|error| refused(pid, None, root, &error))?;
    Ok(Process { threads: Some(threads), ..names.given(status, None) })
}

/// All of a text, unless it has no end.
fn read_text(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(LONGEST_TEXT).read_to_end(&mut text)?;
    if text.len() as u64 == LONGEST_TEXT {
        return Err(io::Error::other(format!(
            "more than {} MiB: not a text of status files",
            LONGEST_TEXT >> 20
        )));
    }
    Ok(text)
}

/// What a text holds: one process, or several. What is wrong in it does not
/// keep the rest from being shown.
fn texts(
    file: &[u8],
    name: &str,
    read: io::Result<Vec<u8>>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Process>, Problem> {
    let text = read.map_err(|error| problem(name, bare_error(&error)))?;
    let records = records::parse(&text).map_err(|error| problem(name, error.to_string()))?;
    let faults = records.faults.iter();
    problems.extend(faults.map(|(line, error)| problem(name, format!("line {line}: {error}"))));
    let found = records.found.into_iter();
    Ok(found.map(|Record { file: own, status }| bare(status, own.or(Some(file.to_vec())))).collect())
}

/// A status of which nothing else is known.
pub(super) fn bare(status: Status, file: Option<Vec<u8>>) -> Process {
    // A text of another thread than the main one is that thread's alone.
    let thread = status.pid.filter(|pid| status.tgid.is_some_and(|tgid| tgid != *pid));
    Process {
        status,
        thread,
        threads: None,
        parent_name: None,
        tracer_name: None,
        user: None,
        file,
        effect: None,
        findings: Vec::new(),
        unmet: Vec::new(),
        inside: None,
    }
}

/// Names that several processes may share: looked up once each.
struct Names<'a> {
    root: &'a Root,
    users: Vec<(u32, Option<String>)>,
    processes: HashMap<u32, Option<Vec<u8>>>,
}

impl Names<'_> {
    fn new(root: &Root) -> Names<'_> {
        Names { root, users: Vec::new(), processes: HashMap::new() }
    }

    /// A live process or thread with the names that belong to it.
    fn given(&mut self, status: Status, thread: Option<u32>) -> Process {
        let parent_name = status.parent.and_then(|parent| self.process(parent));
        let tracer_name = status.tracer.and_then(|tracer| self.process(tracer));
        let user = status.uids.and_then(|(_, effective)| self.user(effective));
        Process { parent_name, tracer_name, user, ..bare(status, None).of_thread(thread) }
    }

    /// Gives live processes, sorted by number, the names that belong to them.
    fn give(&mut self, processes: &mut [Process]) {
        let known = |processes: &[Process], pid: u32| {
            let place = processes.binary_search_by_key(&Some(pid), |process| process.status.tgid).ok()?;
            Some(processes.get(place)?.status.name.as_ref()?.as_bytes().to_vec())
        };
        for index in 0..processes.len() {
            let status = &processes[index].status;
            let (parent, tracer, uids) = (status.parent, status.tracer, status.uids);
            let mut name = |pid| known(processes, pid).or_else(|| self.process(pid));
            let (parent_name, tracer_name) = (parent.and_then(&mut name), tracer.and_then(&mut name));
            let user = uids.and_then(|(_, effective)| self.user(effective));
            let process = &mut processes[index];
            (process.parent_name, process.tracer_name, process.user) = (parent_name, tracer_name, user);
        }
    }

    /// The name of a process, if it can be read.
    fn process(&mut self, pid: u32) -> Option<Vec<u8>> {
        let root = self.root;
        let read = || Some(root.status(pid).ok()?.name?.as_bytes().to_vec());
        self.processes.entry(pid).or_insert_with(read).clone()
    }

    /// The name of a user, if this machine's /etc/passwd is the one that counts.
    fn user(&mut self, uid: u32) -> Option<String> {
        if !self.root.is_native() {
            return None;
        }
        if let Some((_, name)) = self.users.iter().find(|(known, _)| *known == uid) {
            return name.clone();
        }
        let find = |text: &[u8]| users::find(text, uid);
        let name = sys::database::look_up("/etc/passwd", "passwd", &uid.to_string(), find);
        self.users.push((uid, name.clone()));
        name
    }
}

impl Process {
    fn of_thread(self, thread: Option<u32>) -> Process {
        Process { thread, ..self }
    }
}

fn problem(target: &str, reason: String) -> Problem {
    Problem { target: target.to_owned(), reason }
}

/// Why a process or thread could not be read.
fn refused(pid: u32, tid: Option<u32>, root: &Root, error: &ReadError) -> Problem {
    let gone = matches!(error, ReadError::Gone);
    let target = tid.map_or_else(|| pid.to_string(), |tid| format!("{pid}/{tid}"));
    if let Some(error) = select::check_proc(root).err().filter(|_| gone) {
        return problem(&target, error.to_string());
    }
    let reason = match tid {
        // /proc hides another user's processes as if they were not there
        // (hidepid=invisible), but the null signal still finds them.
        _ if gone && root.is_native() && sys::process::exists(pid) && root.status(pid).is_err() => {
            "it is another user's, and /proc hides it from you (mount option hidepid)".to_owned()
        }
        Some(tid) if gone && root.status(pid).is_ok() => format!("process {pid} has no thread {tid}"),
        _ => reason(error, root),
    };
    problem(&target, reason)
}

/// An error in words; where nothing is found in a directory that was named,
/// whether that is a /proc at all.
fn reason(error: &ReadError, root: &Root) -> String {
    let directory = escape(root.directory().as_os_str().as_encoded_bytes());
    match error {
        ReadError::Gone if root.is_native() => error.to_string(),
        ReadError::Gone => match std::fs::metadata(root.directory().join("stat")) {
            Ok(_) => format!("{error} in {directory}"),
            Err(_) => format!("{directory} is no mounted /proc"),
        },
        ReadError::Malformed(ParseStatusError::NoSets) => {
            "its status has no signal lines: a kernel that leaves them out, such as gVisor".to_owned()
        }
        _ => error.to_string(),
    }
}
