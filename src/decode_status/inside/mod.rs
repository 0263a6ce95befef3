//! `--handlers` and `--queue`: what a process does with a signal in its own
//! code, and what waits for it, from whom.

pub(super) mod args;
mod brief;
pub(super) mod view;
pub(super) mod wire;

use brief::brief;

use super::{Problem, Process, Report, Request, Target};
use crate::error::Failure;
use crate::explain::{self, Caught, Finding, NoCode};
use crate::observe::{Area, Backend, Claimed, Inside, Observer, Place, Refused, Subject, Unseen, Wanted};
use crate::out::{escape, shorten};
use crate::proc::surroundings::{Claim, Claimant};
use crate::proc::{ProcessName, Root};
use crate::signal::info::Origin;

/// What is to be seen inside, and by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The handlers of caught signals.
    pub handlers: bool,
    /// What is pending, with its siginfo.
    pub queue: bool,
    /// The means.
    pub backend: Backend,
    /// Whether it is told why a means could not be used.
    pub verbose: bool,
}

/// Looks into each process of a report, if that was asked. What cannot be seen
/// is a problem of the report.
pub(super) fn look(report: &mut Report, request: &Request) {
    let Some(asked) = request.inside else { return };
    let wanted = Wanted { handlers: asked.handlers, queue: asked.queue };
    let observer = Observer::new(&request.root, wanted, asked.backend, report.chosen);
    look_by(observer, report, asked, &request.root);
}

fn look_by(mut observer: Observer, report: &mut Report, asked: Asked, root: &Root) {
    observer.expect(report.processes.len());
    // Many refused for the same reason are one problem.
    let mut refused: Vec<(Refused, Vec<String>)> = Vec::new();
    for process in &mut report.processes {
        let Some(pid) = pid(process, root) else { continue };
        let Process { status, thread, threads, .. } = &*process;
        let subject = Subject { pid, thread: *thread, status, threads: threads.as_ref() };
        match observer.look(subject) {
            Ok(inside) => {
                if let Some(threads) = &mut process.threads {
                    threads.learn(&inside.sleeps);
                }
                process.inside = Some(inside);
            }
            Err(reason) => match refused.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, of)) => of.push(target(process)),
                None => refused.push((reason, vec![target(process)])),
            },
        }
    }
    for (refused, of) in refused {
        let (first, more) = (of.first().cloned().unwrap_or_default(), of.len() - 1);
        let more = if more == 0 { String::new() } else { format!(" and {more} others") };
        let reason = format!("cannot be looked into: {}", refused.reason);
        report.problems.push(Problem { target: format!("{first}{more}"), reason });
    }
    if asked.verbose {
        let line = |line: &String| Problem { target: "the kernel's verifier".into(), reason: line.clone() };
        report.problems.extend(observer.verifier().iter().map(line));
    }
}

/// The process that a thread, too, belongs to.
fn pid(process: &Process, root: &Root) -> Option<u32> {
    let live = process.file.is_none() && root.is_native();
    process.status.tgid.or(process.status.pid).filter(|_| live)
}

/// `1234 (nginx, uid 33)`.
fn target(process: &Process) -> String {
    let status = &process.status;
    let pid = status.tgid.or(status.pid).unwrap_or(0);
    let name = status.name.as_ref().map(|name| escape(name.as_bytes()).into_owned());
    let uid = status.uids.map(|(_, effective)| format!("uid {effective}"));
    let known: Vec<String> = name.into_iter().chain(uid).collect();
    if known.is_empty() { pid.to_string() } else { format!("{pid} ({})", known.join(", ")) }
}

/// What is wrong or surprising about the handlers of a process.
pub(super) fn findings(inside: &Inside) -> Vec<Finding> {
    let caught = |handler: &crate::observe::Handler| Caught {
        signal: handler.signal,
        action: handler.action,
        handler: handler_text(&handler.place, usize::MAX),
        no_code: no_code(&handler.place),
    };
    explain::of_handlers(&inside.handlers.iter().flatten().map(caught).collect::<Vec<_>>())
}

/// Why a place is no code, if it is none.
fn no_code(place: &Place) -> Option<NoCode> {
    let what = match place.area {
        Area::Unmapped => NoCode::Unmapped,
        Area::Kernel => NoCode::Kernel,
        _ => NoCode::Data,
    };
    place.is_fatal().then_some(what)
}

/// Whom its pending signals name.
pub(super) fn claims(inside: &Inside) -> Vec<Claim> {
    let claim = |entry: &crate::observe::Entry| {
        let from = match (entry.claimed.as_ref().filter(|claimed| !claimed.child), entry.info?.origin()) {
            (Some(Claimed { number, pid, uid, name, .. }), _) => Claimant::Process {
                pid: pid.unwrap_or(*number),
                foreign: pid.is_none(),
                uid: *uid,
                name: name.as_deref().map(ProcessName::new),
            },
            (None, Origin::Timer { id, .. }) => Claimant::Timer { id },
            (None, Origin::Outside { lost: true, .. }) => return None,
            (None, Origin::Outside { .. }) => Claimant::Outside,
            (None, _) => Claimant::Kernel,
        };
        Some(Claim { signal: entry.signal, from })
    };
    inside.queue.iter().flatten().filter_map(claim).collect()
}

/// What a handler is called, in so many columns at most: its function, else where
/// it lies in a file, else its address.
fn handler_text(place: &Place, most: usize) -> String {
    let (name, offset) = match (&place.symbol, place.library(), place.offset) {
        (Some(symbol), ..) => (Ok(escape(&symbol.name)), symbol.offset),
        (None, Some(library), Some(offset)) => (Err(library_text(library)), offset),
        _ => return format!("0x{:x}", place.address),
    };
    let behind = if offset == 0 && name.is_ok() { String::new() } else { format!("+0x{offset:x}") };
    let most = most.saturating_sub(behind.len());
    match name {
        Ok(function) => brief(&function, most) + &behind,
        Err(library) => shorten(&library, most) + &behind,
    }
}

/// A file's name. What the kernel writes behind the name of one that is no more
/// may be a name's own end: that blank is escaped.
fn library_text(name: &[u8]) -> String {
    let text = escape(name);
    match text.strip_suffix(" (deleted)") {
        Some(rest) => format!("{rest}\\x20(deleted)"),
        None => text.into_owned(),
    }
}

/// What could not be seen, in words.
fn unseen_text(unseen: &Unseen) -> String {
    match unseen {
        Unseen::Words(words) => words.clone(),
        Unseen::Symbols { library, why } => format!("the symbols of {} ({why})", library_text(library)),
    }
}

/// The report's notes on how it was seen, where no header tells.
pub(super) fn notes(report: &Report) -> Vec<String> {
    let Some(_) = report.inside.filter(|_| !report.is_in_full()) else { return Vec::new() };
    let means: Vec<_> =
        report.processes.iter().filter_map(|process| process.inside.as_ref()?.means.as_ref()).collect();
    let mut notes: Vec<String> = Vec::new();
    for each in &means {
        let of = means.iter().filter(|other| other.used == each.used);
        let stopped = of.clone().map(|means| means.stopped).max().unwrap_or_default();
        let note = match stopped.is_zero() {
            true => format!("seen by {}, which stops nobody", each.used.name()),
            false => {
                format!("seen by {}: stopped for {} at most each", each.used.name(), view::duration(stopped))
            }
        };
        let unseen = of.flat_map(|means| &means.unseen);
        let unseen = unseen.map(|what| format!("not seen: {}", unseen_text(what)));
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
pub(super) fn check(request: &Request) -> Result<(), Failure> {
    let Some(asked) = request.inside else { return Ok(()) };
    let option = if asked.handlers { "--handlers" } else { "--queue" };
    let text = |target: &Target| matches!(target, Target::Stdin | Target::File(_) | Target::Given(_));
    let masks = !request.masks.is_empty();
    let without = [
        (request.targets.iter().any(text) || masks, "a text or a mask: it looks into processes that live"),
        (!request.root.is_native(), "--proc: it looks into processes of this machine"),
        (request.pids, "--pids, which prints nothing else"),
        (!request.requirements.is_empty(), "--require and --forbid, which print what is not met"),
    ];
    match without.iter().find(|(given, _)| *given) {
        Some((_, other)) => Err(Failure::usage(format!("{option}: not with {other}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Symbol;
    use crate::sys::bpf;

    fn place(path: &[u8], symbol: Option<&[u8]>) -> Place {
        let area = Area::File { path: path.to_vec(), deleted: false };
        let symbol = symbol.map(|name| Symbol { name: name.to_vec(), offset: 0 });
        Place { area, offset: Some(0x12), symbol, ..Place::unknown(0x1000) }
    }

    #[test]
    fn a_name_is_spelled_in_one_way() {
        assert_eq!(library_text(b"br\xffoken"), "br\\xffoken");
        assert_eq!(library_text(b"x (deleted)"), "x\\x20(deleted)");
        assert_eq!(handler_text(&place(b"/srv/br\xffoken", None), 99), "br\\xffoken+0x12");
        assert_eq!(handler_text(&place(b"/srv/x", Some(b"f\xff")), 99), "f\\xff");
        let unseen = Unseen::Symbols { library: b"br\xffoken".to_vec(), why: "permission denied" };
        assert_eq!(unseen_text(&unseen), "the symbols of br\\xffoken (permission denied)");
    }

    /// What the kernel's verifier says of a program that it does refuse, of the
    /// test's own process: the harness catches some signals.
    fn problems(verbose: bool) -> Option<Vec<Problem>> {
        let refused = match bpf::live::broken() {
            Ok(refused) => refused,
            Err(why) => {
                bpf::live::skip(&why);
                return None;
            }
        };
        let request = Request::of(vec![Target::Own]);
        let mut report = super::super::find::report(&request);
        let asked = Asked { handlers: true, backend: Backend::Bpf, verbose, ..Asked::default() };
        let wanted = Wanted { handlers: true, queue: false };
        let observer = Observer::new(&request.root, wanted, asked.backend, false).that_is(refused);
        look_by(observer, &mut report, asked, &request.root);
        Some(report.problems)
    }

    #[test]
    fn the_verifiers_last_lines_are_told_where_they_are_asked_for() {
        let Some(brief) = problems(false) else { return };
        assert_eq!(brief.len(), 1);
        let reason = &brief[0].reason;
        let said = "cannot be looked into: BPF: the kernel's verifier refused the program: ";
        assert!(reason.starts_with(said), "{reason}");
        let Some(verbose) = problems(true) else { return };
        let (first, lines) = verbose.split_first().expect("a problem");
        assert_eq!(&first.reason, reason);
        assert!(lines.iter().all(|line| line.target == "the kernel's verifier"));
        assert!(lines.iter().any(|line| line.reason.contains("R0 !read_ok")), "{lines:?}");
    }
}
