//! Who is observed: chosen, held, and looked at for the first time.

use std::fs;
use std::io;

use super::MonitorRequest;
use super::process::MonitoredProcess;
use crate::error::{CommandOutcome, message_without_errno};
use crate::exit::ExitStatus;
use crate::procfs::{ProcReadError, ProcReader, ProcRoot};
use crate::select::{self, SelectError};
use crate::sys::errno::{ESRCH, NOT_A_THREAD_GROUP_LEADER, OUT_OF_DESCRIPTORS};
use crate::sys::process;
use crate::sys::process::pidfd::{self, PidFd};

/// A process takes two: a pidfd, and its status.
const FDS_PER_PROCESS: u64 = 2;
/// So many are open for a moment, while threads are looked at.
const TEMPORARY_FDS: u64 = 32;

/// Those who are observed, and what could not be seen of others.
pub(super) type OpenedProcesses = (Vec<MonitoredProcess>, Vec<String>);

/// Why a process is not held.
enum OpenProcessError {
    /// No descriptor is left.
    TooManyOpenFiles,
    /// Anything else, in words.
    Failed(String),
}

/// Holds them. Who was named must be there; who was chosen and has ended since
/// is left out.
///
/// # Errors
/// A /proc or a selection that tells nothing, descriptors that are too few,
/// nobody found, and whoever was named and cannot be observed.
pub(super) fn open_processes(request: &MonitorRequest) -> Result<OpenedProcesses, CommandOutcome> {
    let root = ProcRoot::default();
    // The descriptor would be one process's, and the status another's.
    select::check_native_proc(&root).map_err(|error| selection_failure(&error))?;
    if request.events.all_processes {
        return Ok((Vec::new(), Vec::new()));
    }
    // One that was selected and cannot be held would be taken for one that has
    // ended.
    pidfd::check_open().map_err(|missing| CommandOutcome {
        exit_status: ExitStatus::InternalError,
        error_messages: vec![format!("watching processes needs pidfds: {missing}; --all does not")],
    })?;
    let mut files = ProcReader::new(&root);
    let mut held = open_named(&request.pids, &mut files)?;
    if request.selection.is_noop() {
        return Ok((held, Vec::new()));
    }
    let among = (!request.pids.is_empty()).then_some(request.pids.as_slice());
    let choice = request.selection.find_processes(&root, among).map_err(|error| selection_failure(&error))?;
    let count = choice.processes.len();
    let short = reserve_fds(count - held.len().min(count))?;
    let mut chosen = Vec::new();
    for found in choice.processes {
        let process = match held.iter().position(|process| process.pid == found.pid) {
            Some(index) => Some(held.swap_remove(index)),
            None => match open_process(found.pid, &mut files) {
                Ok(process) => Some(process),
                Err(OpenProcessError::TooManyOpenFiles) => return Err(short(count)),
                Err(OpenProcessError::Failed(_)) => None,
            },
        };
        chosen.extend(process.filter(|_| request.selection.revalidate(&root, &found)));
    }
    let mut complaints = choice.warnings;
    if chosen.is_empty() {
        complaints.push("no process matches".to_owned());
        return Err(CommandOutcome { exit_status: ExitStatus::Failure, error_messages: complaints });
    }
    Ok((chosen, complaints))
}

fn open_named(pids: &[u32], files: &mut ProcReader) -> Result<Vec<MonitoredProcess>, CommandOutcome> {
    let short = reserve_fds(pids.len())?;
    let (mut held, mut refused) = (Vec::new(), Vec::new());
    for pid in pids {
        match open_process(*pid, files) {
            Ok(process) => held.push(process),
            Err(OpenProcessError::TooManyOpenFiles) => return Err(short(pids.len())),
            Err(OpenProcessError::Failed(why)) => refused.push(format!("{pid}: {why}")),
        }
    }
    if refused.is_empty() {
        Ok(held)
    } else {
        Err(CommandOutcome { exit_status: ExitStatus::Unreadable, error_messages: refused })
    }
}

fn selection_failure(error: &SelectError) -> CommandOutcome {
    CommandOutcome { exit_status: error.exit_status(), error_messages: vec![error.to_string()] }
}

/// Sees to it that so many more processes can be held; gives what there is to
/// say where it turns out later that they cannot.
///
/// # Errors
/// That it takes more than are allowed: a part of them would be no answer.
fn reserve_fds(count: usize) -> Result<impl Fn(usize) -> CommandOutcome, CommandOutcome> {
    let allowed = process::raise_open_file_limit();
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
    let needed = open + count as u64 * FDS_PER_PROCESS + TEMPORARY_FDS;
    let short = move |count| CommandOutcome {
        exit_status: ExitStatus::Unreadable,
        error_messages: vec![format!(
            "to observe {count} processes takes {needed} open files, and {allowed} are allowed: raise the limit \
             (as root: ulimit -n {needed}), or choose fewer"
        )],
    };
    if needed <= allowed { Ok(short) } else { Err(short(count)) }
}

/// Holds a process and looks at it for the first time.
fn open_process(pid: u32, files: &mut ProcReader) -> Result<MonitoredProcess, OpenProcessError> {
    let short =
        |error: &io::Error| error.raw_os_error().is_some_and(|number| OUT_OF_DESCRIPTORS.contains(&number));
    let held = PidFd::open(pid).map_err(|error| match short(&error) {
        true => OpenProcessError::TooManyOpenFiles,
        false => OpenProcessError::Failed(pidfd_open_error(pid, &error)),
    })?;
    MonitoredProcess::open(pid, held, files).map_err(|error| match error {
        ProcReadError::Io(error) if short(&error) => OpenProcessError::TooManyOpenFiles,
        ProcReadError::Gone if process::exists(pid) => OpenProcessError::Failed(
            "it is another user's, and /proc hides it from you (mount option hidepid)".to_owned(),
        ),
        error => OpenProcessError::Failed(error.to_string()),
    })
}

fn pidfd_open_error(pid: u32, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ESRCH) => ProcReadError::Gone.to_string(),
        Some(number) if NOT_A_THREAD_GROUP_LEADER.contains(&number) => {
            let tgid = ProcRoot::default().status(pid).ok().and_then(|status| status.tgid);
            match tgid.filter(|tgid| *tgid != pid) {
                Some(tgid) => format!("not a process but a thread of {tgid}: --threads tells of each"),
                None => ProcReadError::Gone.to_string(),
            }
        }
        _ => format!("it cannot be held (pidfd_open): {}", message_without_errno(error)),
    }
}
