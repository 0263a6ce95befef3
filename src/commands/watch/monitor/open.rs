//! Selection of the processes to monitor; opens their pidfds and reads their first
//! samples.

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

/// Descriptors of a monitored process: its pidfd and its status file.
const FDS_PER_PROCESS: u64 = 2;
/// Descriptors that are open only while threads are read.
const TEMPORARY_FDS: u64 = 32;

/// The monitored processes, and warnings about processes that could not be read.
pub(super) type OpenedProcesses = (Vec<MonitoredProcess>, Vec<String>);

enum OpenProcessError {
    TooManyOpenFiles,
    /// Any other reason, as a message.
    Failed(String),
}

/// Opens the requested processes. Selected processes that have exited meanwhile are
/// left out.
///
/// # Errors
/// The outcome of the command if /proc cannot be used, descriptors are too few, no
/// process matches, or a process given by PID cannot be monitored.
pub(super) fn open_processes(request: &MonitorRequest) -> Result<OpenedProcesses, CommandOutcome> {
    let root = ProcRoot::default();
    // With a foreign /proc, pidfd and status would belong to different processes.
    select::check_native_proc(&root).map_err(|error| selection_failure(&error))?;
    if request.events.all_processes {
        return Ok((Vec::new(), Vec::new()));
    }
    // Without this check, every selected process would seem to have exited.
    pidfd::check_open().map_err(|error| CommandOutcome {
        exit_status: ExitStatus::InternalError,
        error_messages: vec![format!("watching processes needs pidfds: {error}; --all works without them")],
    })?;
    let mut reader = ProcReader::new(&root);
    let mut named = open_named(&request.pids, &mut reader)?;
    if request.selection.is_noop() {
        return Ok((named, Vec::new()));
    }
    let candidates = (!request.pids.is_empty()).then_some(request.pids.as_slice());
    let found = request.selection.find_processes(&root, candidates);
    let found = found.map_err(|error| selection_failure(&error))?;
    let count = found.processes.len();
    let fd_limit_failure = reserve_fds(count - named.len().min(count))?;
    let mut opened = Vec::new();
    for candidate in found.processes {
        let process = match named.iter().position(|process| process.pid == candidate.pid) {
            Some(index) => Some(named.swap_remove(index)),
            None => match open_process(candidate.pid, &mut reader) {
                Ok(process) => Some(process),
                Err(OpenProcessError::TooManyOpenFiles) => return Err(fd_limit_failure(count)),
                Err(OpenProcessError::Failed(_)) => None,
            },
        };
        opened.extend(process.filter(|_| request.selection.revalidate(&root, &candidate)));
    }
    let mut warnings = found.warnings;
    if opened.is_empty() {
        warnings.push("no process matches".to_owned());
        return Err(CommandOutcome { exit_status: ExitStatus::Failure, error_messages: warnings });
    }
    Ok((opened, warnings))
}

fn open_named(pids: &[u32], reader: &mut ProcReader) -> Result<Vec<MonitoredProcess>, CommandOutcome> {
    let fd_limit_failure = reserve_fds(pids.len())?;
    let (mut opened, mut errors) = (Vec::new(), Vec::new());
    for pid in pids {
        match open_process(*pid, reader) {
            Ok(process) => opened.push(process),
            Err(OpenProcessError::TooManyOpenFiles) => return Err(fd_limit_failure(pids.len())),
            Err(OpenProcessError::Failed(message)) => errors.push(format!("{pid}: {message}")),
        }
    }
    if errors.is_empty() {
        Ok(opened)
    } else {
        Err(CommandOutcome { exit_status: ExitStatus::Unreadable, error_messages: errors })
    }
}

fn selection_failure(error: &SelectError) -> CommandOutcome {
    CommandOutcome { exit_status: error.exit_status(), error_messages: vec![error.to_string()] }
}

/// Raises the limit of open files so that `count` more processes can be opened.
/// Returns a function that makes the outcome of the command if descriptors run out
/// nevertheless.
///
/// # Errors
/// The same outcome if the limit cannot be raised far enough. Monitoring only some of
/// the processes would be misleading.
fn reserve_fds(count: usize) -> Result<impl Fn(usize) -> CommandOutcome, CommandOutcome> {
    let allowed = process::raise_open_file_limit();
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
    let needed = open + count as u64 * FDS_PER_PROCESS + TEMPORARY_FDS;
    let failure = move |count| CommandOutcome {
        exit_status: ExitStatus::Unreadable,
        error_messages: vec![format!(
            "watching {count} processes needs {needed} file descriptors but the limit is {allowed} \
             (run `ulimit -n {needed}` as root or select fewer processes)"
        )],
    };
    if needed <= allowed { Ok(failure) } else { Err(failure(count)) }
}

/// Opens a process and reads its first sample.
fn open_process(pid: u32, reader: &mut ProcReader) -> Result<MonitoredProcess, OpenProcessError> {
    let is_out_of_fds =
        |error: &io::Error| error.raw_os_error().is_some_and(|errno| OUT_OF_DESCRIPTORS.contains(&errno));
    let pidfd = PidFd::open(pid).map_err(|error| match is_out_of_fds(&error) {
        true => OpenProcessError::TooManyOpenFiles,
        false => OpenProcessError::Failed(pidfd_open_error(pid, &error)),
    })?;
    MonitoredProcess::open(pid, pidfd, reader).map_err(|error| match error {
        ProcReadError::Io(error) if is_out_of_fds(&error) => OpenProcessError::TooManyOpenFiles,
        ProcReadError::Gone if process::exists(pid) => OpenProcessError::Failed(
            "it belongs to another user and /proc hides it (mount option hidepid)".to_owned(),
        ),
        error => OpenProcessError::Failed(error.to_string()),
    })
}

fn pidfd_open_error(pid: u32, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ESRCH) => ProcReadError::Gone.to_string(),
        Some(errno) if NOT_A_THREAD_GROUP_LEADER.contains(&errno) => {
            let tgid = ProcRoot::default().status(pid).ok().and_then(|status| status.tgid);
            match tgid.filter(|tgid| *tgid != pid) {
                Some(tgid) => format!("it is a thread, not a process (use --pid {tgid} --threads)"),
                None => ProcReadError::Gone.to_string(),
            }
        }
        _ => format!("pidfd_open(2) failed ({})", message_without_errno(error)),
    }
}
