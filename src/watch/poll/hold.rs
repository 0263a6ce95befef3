//! Who is observed: chosen, held, and looked at for the first time.

use std::io;

use super::Request;
use super::process::Process;
use crate::error::{Outcome, bare};
use crate::exit::Exit;
use crate::proc::{Files, ReadError, Root};
use crate::select::SelectError;
use crate::sys::pidfd::PidFd;
use crate::sys::process;

/// EINVAL and ENOENT, by which pidfd_open(2) tells that a number is a
/// thread's; ESRCH where it is nobody's.
const NOT_A_PROCESS: [i32; 2] = [22, 2];
const ESRCH: i32 = 3;

/// Those who are observed, and what could not be seen of others.
pub(super) type Held = (Vec<Process>, Vec<String>);

/// Holds them. Who was named must be there; who was chosen and has ended since
/// is left out.
///
/// # Errors
/// A selection that cannot be made or finds nobody, and whoever was named and
/// cannot be observed.
pub(super) fn hold(request: &Request) -> Result<Held, Outcome> {
    process::raise_descriptor_limit();
    let root = Root::default();
    let mut files = Files::new(&root);
    let mut refused = Vec::new();
    let mut held = Vec::new();
    for pid in &request.pids {
        match hold_one(*pid).and_then(|held| first_look(*pid, held, &mut files)) {
            Ok(process) => held.push(process),
            Err(why) => refused.push(format!("{pid}: {why}")),
        }
    }
    if !refused.is_empty() {
        return Err(Outcome { exit: Exit::Unreadable, complaints: refused });
    }
    if request.selection.is_whole() {
        return Ok((held, Vec::new()));
    }
    let among = (!request.pids.is_empty()).then_some(request.pids.as_slice());
    let choice = request.selection.find(&root, among).map_err(|error| unselectable(&error))?;
    let mut chosen = Vec::new();
    for found in choice.found {
        let named = held.iter().position(|process| process.pid == found.pid);
        let process = match named {
            Some(index) => Some(held.swap_remove(index)),
            None => hold_one(found.pid).ok().and_then(|held| first_look(found.pid, held, &mut files).ok()),
        };
        chosen.extend(process.filter(|_| request.selection.still_means(&root, &found)));
    }
    let mut complaints = choice.warnings;
    if chosen.is_empty() {
        complaints.push("no process matches".to_owned());
        return Err(Outcome { exit: Exit::No, complaints });
    }
    Ok((chosen, complaints))
}

fn unselectable(error: &SelectError) -> Outcome {
    let exit = if error.is_unreadable() { Exit::Unreadable } else { Exit::No };
    Outcome { exit, complaints: vec![error.to_string()] }
}

fn hold_one(pid: u32) -> Result<PidFd, String> {
    PidFd::open(pid).map_err(|error| why_not_held(pid, &error))
}

fn why_not_held(pid: u32, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ESRCH) => ReadError::Gone.to_string(),
        Some(number) if NOT_A_PROCESS.contains(&number) => {
            let tgid = Root::default().status(pid).ok().and_then(|status| status.tgid);
            match tgid.filter(|tgid| *tgid != pid) {
                Some(tgid) => format!("not a process but a thread of {tgid}: --threads tells of each"),
                None => ReadError::Gone.to_string(),
            }
        }
        _ => format!("it cannot be held (pidfd_open): {}", bare(error)),
    }
}

fn first_look(pid: u32, held: PidFd, files: &mut Files) -> Result<Process, String> {
    Process::first_look(pid, held, files).map_err(|error| match error {
        ReadError::Gone if process::exists(pid) => {
            "it is another user's, and /proc hides it from you (mount option hidepid)".to_owned()
        }
        error => error.to_string(),
    })
}
