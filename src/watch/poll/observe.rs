//! The observing: held first, then looked at again and again until the end.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use super::live::Live;
use super::process::Process;
use super::{Event, Request, What, hold, view};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::observe::Refused;
use crate::out::{Out, escape};
use crate::proc::{Files, ReadError, Root, Threads, duration};
use crate::signal::Info;
use crate::signal::known::HUP;
use crate::sys::pidfd::{PidFd, wait_for_ends};
use crate::sys::signalfd::{self, SignalFd};
use crate::watch::ending;
use crate::watch::notes::Notes;
use crate::watch::outlet::{End, Outlet};

/// So long a process that has ended is waited for to be reaped, where only then
/// it can be told how it ended.
const UNREAPED: Duration = Duration::from_secs(1);
/// And so often it is asked meanwhile.
const ASKED: Duration = Duration::from_millis(50);
/// And so often a tracer that has not told all yet.
const SOON: Duration = Duration::from_millis(1);

/// Observes until the end that was asked for.
pub(super) fn observe(
    request: &Request,
    out: &mut Out<'_>,
    outlet: &Outlet,
    notes: &mut Notes,
) -> Result<Outcome, Failure> {
    let ending = ending();
    signalfd::block(ending).map_err(kernel)?;
    let signals = SignalFd::open(ending).map_err(kernel)?;
    let (processes, complaints) = match hold::hold(request) {
        Ok(held) => held,
        Err(outcome) => return Ok(outcome),
    };
    let mut watch = Observation {
        request,
        signals,
        out,
        outlet,
        notes,
        files: Files::new(&Root::default()),
        processes,
        live: None,
        unseen: None,
        ended: Vec::new(),
        draining: false,
        silent: None,
        left: request.count,
        end: request.timeout.and_then(|time| Instant::now().checked_add(time)),
        never: false,
        complaints,
    };
    if let Err(refused) = watch.begin_live() {
        return Ok(refused);
    }
    let end = watch.until_the_end();
    // Also where the output has failed.
    let told = watch.finish_live(end.is_ok());
    let end = end?;
    told?;
    watch.out.flush()?;
    let exit = watch.settle(end)?;
    Ok(Outcome { exit, complaints: watch.complaints })
}

/// A failure of the kernel's.
pub(super) fn kernel(error: io::Error) -> Failure {
    Failure { exit: Exit::Failed, cause: anyhow::anyhow!("{}", crate::error::bare(&error)) }
}

/// What is observed, and how far it has come.
pub(super) struct Observation<'a, 'o> {
    pub(super) request: &'a Request,
    signals: SignalFd,
    pub(super) out: &'a mut Out<'o>,
    pub(super) outlet: &'a Outlet,
    pub(super) notes: &'a mut Notes,
    files: Files,
    /// Those that live.
    pub(super) processes: Vec<Process>,
    /// Signals as they happen, where they are seen.
    pub(super) live: Option<Live>,
    /// Why they are not seen, until it is told.
    pub(super) unseen: Option<Refused>,
    /// Those that have ended, and how is not known yet.
    pub(super) ended: Vec<Ended>,
    /// Whether what happened before they ended is still to be told.
    draining: bool,
    /// Since when nothing more of that has come.
    pub(super) silent: Option<Instant>,
    /// How many changes are still to come.
    left: Option<u64>,
    /// When the time is up.
    end: Option<Instant>,
    /// Whether what is waited for cannot come any more.
    never: bool,
    complaints: Vec<String>,
}

pub(super) struct Ended {
    pub(super) process: Process,
    since: Instant,
    time: SystemTime,
}

impl Observation<'_, '_> {
    fn until_the_end(&mut self) -> Result<End, Failure> {
        self.start()?;
        let mut next = Instant::now() + self.request.interval;
        // Who is a zombie already has ended, whatever its sets say.
        let mut came = true;
        loop {
            if !self.outlet.is_behind() {
                if std::mem::take(&mut came) {
                    self.ends()?;
                }
                if self.draining {
                    // What has ended them is told before.
                    self.draining = self.drain()?;
                }
                if !self.draining {
                    self.tell_ends()?;
                }
                self.tell_closed();
            }
            if let Some(exit) = self.is_over() {
                self.complain_of_uncounted();
                return Ok(End::Reached(exit));
            }
            let now = Instant::now();
            if self.end.is_some_and(|end| end <= now) {
                self.complain_of_unmet();
                return Ok(End::Asked(Exit::TimedOut));
            }
            let due = self.live.as_ref().and_then(Live::due);
            if due.is_some_and(|due| due <= now) {
                if !self.outlet.is_behind() {
                    self.happened()?;
                } else if let Some(live) = &mut self.live {
                    live.gather().map_err(kernel)?;
                }
            }
            if !self.outlet.is_behind() && now >= next {
                self.look()?;
                // Kept in step, unless it has fallen behind.
                next = (next + self.request.interval).max(now);
                continue;
            }
            self.out.flush()?;
            let something = self.wait(next, now)?;
            if let Some(live) = self.live.as_mut().filter(|_| something) {
                live.came();
            }
            came |= something;
            self.outlet.check()?;
            if let Some(exit) = self.signalled()? {
                return Ok(End::Asked(exit));
            }
        }
    }

    /// Tells what this is, and how they are.
    fn start(&mut self) -> Result<(), Failure> {
        let count = self.processes.len();
        let noun = if count == 1 { "process" } else { "processes" };
        let every = duration::text(self.request.interval);
        if !self.request.live.all {
            self.notes.note(&format!(
                "observing {count} {noun} every {every}; masks and states between are unseen"
            ));
        }
        self.tell_means();
        view::header(self.out)?;
        if self.request.live.until_exit {
            return Ok(self.out.flush()?);
        }
        let (time, threads) = (SystemTime::now(), self.request.threads);
        for process in &self.processes {
            let (pid, name, look) = (process.pid, process.name(), &process.last);
            view::event(&Event { time, pid, name, what: What::Start { look, threads } }, self.out)?;
            let tasks = look.threads.iter().filter(|_| threads).flat_map(Threads::live);
            for task in tasks {
                view::event(&Event { time, pid, name, what: What::Thread(task) }, self.out)?;
            }
        }
        Ok(self.out.flush()?)
    }

    /// How it ends, if it does now.
    fn is_over(&self) -> Option<Exit> {
        let until = &self.request.until;
        let met = |process: &Process| until.iter().all(|asked| process.unmet(asked).is_none());
        if self.left == Some(0) {
            Some(Exit::Done)
        } else if self.never {
            Some(Exit::No)
        } else if self.request.live.all || !self.ended.is_empty() {
            None
        } else {
            // Also where nobody is left, who would be asked.
            let all = self.processes.iter().all(met);
            let over = if until.is_empty() { self.processes.is_empty() } else { all };
            over.then_some(Exit::Done)
        }
    }

    /// Waits until one ends, a signal comes, it is time to look, or the time is
    /// up; gives whether something came. Where what was told is not written yet,
    /// that comes first: changes are looked at later.
    fn wait(&mut self, next: Instant, now: Instant) -> Result<bool, Failure> {
        let behind = self.outlet.is_behind();
        let look = Some(next).filter(|_| !behind);
        let ask = Some(now + ASKED).filter(|_| !behind && !self.ended.is_empty());
        let due = self.live.as_ref().and_then(Live::due);
        let pause = if self.is_awaited() { SOON } else { Duration::ZERO };
        let due = if self.draining && !behind { Some(now + pause) } else { due };
        let until = [look, ask, due, self.end].into_iter().flatten().min();
        let time = self.notes.catch_up(until.map(|until| until.saturating_duration_since(now)));
        let held = self.processes.iter().filter(|_| !behind).map(|process| process.held.as_fd());
        let live = self.live.iter().flat_map(Live::descriptors);
        let held: Vec<_> = held.chain(live).collect();
        self.outlet.wait(self.signals.as_fd(), &held, time).map_err(kernel)
    }

    /// Writes what waits, before the end.
    fn settle(&mut self, end: End) -> Result<Exit, Failure> {
        let by = |info: &Info| Exit::BySignal(info.signal.get());
        let (exit, lost) = self.outlet.settle(end, self.end, &mut self.signals, by)?;
        self.notes.lost("standard output", lost);
        self.tell_left();
        Ok(exit)
    }

    /// Whether a signal asks for the end while what is written is waited for.
    pub(super) fn is_asked_within(&self, time: Duration) -> Result<bool, Failure> {
        self.outlet.wait(self.signals.as_fd(), &[], Some(time)).map_err(kernel)
    }

    /// Whether so many changes were told as were asked for.
    pub(super) fn is_counted_out(&self) -> bool {
        self.left == Some(0)
    }

    /// INT and TERM are how it is ended, unless it still waited for something.
    fn signalled(&mut self) -> Result<Option<Exit>, Failure> {
        let mut received = Vec::new();
        self.signals.read(&mut received).map_err(kernel)?;
        Ok(received.first().map(|info| {
            let asked = info.signal != HUP;
            let waits = self.left.is_some() || !self.request.until.is_empty();
            if asked && !waits { Exit::Done } else { Exit::BySignal(info.signal.get()) }
        }))
    }

    /// Puts those aside that have ended.
    fn ends(&mut self) -> Result<(), Failure> {
        let held: Vec<&PidFd> = self.processes.iter().map(|process| &process.held).collect();
        let mut ended = wait_for_ends(&held, Some(Duration::ZERO)).map_err(kernel)?.into_iter();
        let (since, time) = (Instant::now(), SystemTime::now());
        let gone = self.processes.extract_if(.., |_| ended.next().unwrap_or(false));
        let gone: Vec<Process> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.ended.extend(gone.into_iter().map(|process| Ended { process, since, time }));
        self.draining = self.live.is_some();
        Ok(())
    }

    /// Tells of those that have ended: how, as soon as that can be told.
    fn tell_ends(&mut self) -> Result<(), Failure> {
        for ended in std::mem::take(&mut self.ended) {
            let Ended { process, since, time } = &ended;
            let ending = process.ending();
            if ending.is_none() && process.is_unreaped() && since.elapsed() < UNREAPED {
                self.ended.push(ended);
                continue;
            }
            let mut live = self.live.take();
            if let Some(live) = &mut live {
                live.has_ended(process.pid, process.name());
            }
            let killer = live.as_ref().and_then(|live| live.killer(process.pid, ending));
            let (pid, name, what) = (process.pid, process.name(), What::End(ending, killer));
            let told = self.tell(&Event { time: *time, pid, name, what });
            self.live = live;
            told?;
            if !self.request.until.is_empty() {
                self.never = true;
                let how = ending.map_or("ended".to_owned(), |ending| ending.to_string());
                self.complaints.push(format!(
                    "{} ({}): {how} before what was waited for{}",
                    process.pid,
                    escape(process.name()),
                    unmet(self.request, process)
                ));
            }
        }
        Ok(())
    }

    /// Looks at each, and tells what has changed.
    fn look(&mut self) -> Result<(), Failure> {
        let mut processes = std::mem::take(&mut self.processes);
        let told = processes.iter_mut().try_for_each(|process| self.look_at(process));
        self.processes = processes;
        told
    }

    fn look_at(&mut self, process: &mut Process) -> Result<(), Failure> {
        let changes = process.look(&mut self.files, self.request.threads);
        let unread = match (&changes, process.blind()) {
            (Ok(_), None) => None,
            (Ok(_), Some(why)) => Some(format!(
                "{}: its threads cannot be read any more: {why}; what they block, and what is pending for one of \
                 them, is not told",
                process.pid
            )),
            // Its end is about to be told.
            (Err(ReadError::Gone), _) => return Ok(()),
            (Err(error), _) => Some(format!("{}: it cannot be read any more: {error}", process.pid)),
        };
        if let Some(unread) = unread
            && !std::mem::replace(&mut process.said, true)
        {
            self.notes.note(&unread);
        }
        if !self.tells_changes() {
            return Ok(());
        }
        let time = SystemTime::now();
        changes.iter().flatten().try_for_each(|change| {
            let what = What::Change(change);
            self.tell(&Event { time, pid: process.pid, name: process.name(), what })
        })
    }

    /// Whether changes are told, and not signals or ends alone.
    pub(super) fn tells_changes(&self) -> bool {
        !self.request.live.until_exit && !self.request.live.is_choosy()
    }

    /// Tells a change, unless so many have been told as were asked for.
    pub(super) fn tell(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if self.left != Some(0) {
            view::event(event, self.out)?;
            self.left = self.left.map(|left| left - 1);
        }
        Ok(())
    }

    /// The name of a process that is observed, or was until just now.
    pub(super) fn name_of(&self, pid: u32) -> Option<Vec<u8>> {
        let ended = self.ended.iter().map(|ended| &ended.process);
        let process = self.processes.iter().chain(ended).find(|process| process.pid == pid)?;
        Some(process.name().to_vec())
    }

    /// Says that fewer changes came than were asked for, for all have ended.
    fn complain_of_uncounted(&mut self) {
        if let (Some(asked), Some(left @ 1..)) = (self.request.count, self.left)
            && self.request.until.is_empty()
        {
            let seen = asked - left;
            self.complaints.push(format!("--count {asked}: all have ended after {seen}"));
        }
    }

    /// Says what has not come in time.
    fn complain_of_unmet(&mut self) {
        for process in &self.processes {
            let unmet = unmet(self.request, process);
            if !unmet.is_empty() {
                let name = escape(process.name());
                self.complaints.push(format!("{} ({name}){unmet}", process.pid));
            }
        }
    }
}

/// `: TERM is not caught`; nothing where all is as it is waited for.
fn unmet(request: &Request, process: &Process) -> String {
    let unmet = request.until.iter().filter_map(|asked| Some(asked.sentence(process.unmet(asked)?)));
    let all: Vec<String> = unmet.collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join("; ")) }
}
