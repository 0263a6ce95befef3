//! Who is observed: chosen, held, and looked at for the first time.

use std::fs;
use std::io;

use super::Request;
use super::process::Process;
use crate::error::{Outcome, bare};
use crate::exit::Exit;
use crate::proc::{Files, ReadError, Root};
use crate::select::{self, SelectError};
use crate::sys::errno::{ESRCH, NO_DESCRIPTOR, NOT_A_PROCESS};
use crate::sys::pidfd::{self, PidFd};
use crate::sys::process;

/// A process takes two: a pidfd, and its status.
const DESCRIPTORS_EACH: u64 = 2;
/// So many are open for a moment, while threads are looked at.
const MOMENTARY: u64 = 32;

/// Those who are observed, and what could not be seen of others.
pub(super) type Held = (Vec<Process>, Vec<String>);

/// Why a process is not held.
enum NotHeld {
    /// No descriptor is left.
    Short,
    /// Anything else, in words.
    Refused(String),
}

/// Holds them. Who was named must be there; who was chosen and has ended since
/// is left out.
///
/// # Errors
/// A /proc or a selection that tells nothing, descriptors that are too few,
/// nobody found, and whoever was named and cannot be observed.
pub(super) fn hold(request: &Request) -> Result<Held, Outcome> {
    let root = Root::default();
    // The descriptor would be one process's, and the status another's.
    select::check_proc(&root).map_err(|error| unselectable(&error))?;
    if request.live.all {
        return Ok((Vec::new(), Vec::new()));
    }
    // One that was selected and cannot be held would be taken for one that has
    // ended.
    pidfd::check_open().map_err(|missing| Outcome {
        exit: Exit::Failed,
        complaints: vec![format!("watching processes needs pidfds: {missing}; --all does not")],
    })?;
    let mut files = Files::new(&root);
    let mut held = named(&request.pids, &mut files)?;
    if request.selection.is_whole() {
        return Ok((held, Vec::new()));
    }
    let among = (!request.pids.is_empty()).then_some(request.pids.as_slice());
    let choice = request.selection.find(&root, among).map_err(|error| unselectable(&error))?;
    let count = choice.found.len();
    let short = descriptors(count - held.len().min(count))?;
    let mut chosen = Vec::new();
    for found in choice.found {
        let process = match held.iter().position(|process| process.pid == found.pid) {
            Some(index) => Some(held.swap_remove(index)),
            None => match first_look(found.pid, &mut files) {
                Ok(process) => Some(process),
                Err(NotHeld::Short) => return Err(short(count)),
                Err(NotHeld::Refused(_)) => None,
            },
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

fn named(pids: &[u32], files: &mut Files) -> Result<Vec<Process>, Outcome> {
    let short = descriptors(pids.len())?;
    let (mut held, mut refused) = (Vec::new(), Vec::new());
    for pid in pids {
        match first_look(*pid, files) {
            Ok(process) => held.push(process),
            Err(NotHeld::Short) => return Err(short(pids.len())),
            Err(NotHeld::Refused(why)) => refused.push(format!("{pid}: {why}")),
        }
    }
    if refused.is_empty() { Ok(held) } else { Err(Outcome { exit: Exit::Unreadable, complaints: refused }) }
}

fn unselectable(error: &SelectError) -> Outcome {
    let exit = if error.is_unreadable() { Exit::Unreadable } else { Exit::No };
    Outcome { exit, complaints: vec![error.to_string()] }
}

/// Sees to it that so many more processes can be held; gives what there is to
/// say where it turns out later that they cannot.
///
/// # Errors
/// That it takes more than are allowed: a part of them would be no answer.
fn descriptors(count: usize) -> Result<impl Fn(usize) -> Outcome, Outcome> {
    let allowed = process::raise_descriptor_limit();
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
    let needed = open + count as u64 * DESCRIPTORS_EACH + MOMENTARY;
    let short = move |count| Outcome {
        exit: Exit::Unreadable,
        complaints: vec![format!(
            "to observe {count} processes takes {needed} open files, and {allowed} are allowed: raise the limit \
             (as root: ulimit -n {needed}), or choose fewer"
        )],
    };
    if needed <= allowed { Ok(short) } else { Err(short(count)) }
}

/// Holds a process and looks at it for the first time.
fn first_look(pid: u32, files: &mut Files) -> Result<Process, NotHeld> {
    let short =
        |error: &io::Error| error.raw_os_error().is_some_and(|number| NO_DESCRIPTOR.contains(&number));
    let held = PidFd::open(pid).map_err(|error| match short(&error) {
        true => NotHeld::Short,
        false => NotHeld::Refused(why_not_held(pid, &error)),
    })?;
    Process::first_look(pid, held, files).map_err(|error| match error {
        ReadError::Io(error) if short(&error) => NotHeld::Short,
        ReadError::Gone if process::exists(pid) => NotHeld::Refused(
            "it is another user's, and /proc hides it from you (mount option hidepid)".to_owned(),
        ),
        error => NotHeld::Refused(error.to_string()),
    })
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
