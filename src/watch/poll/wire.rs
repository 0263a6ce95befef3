//! The JSON Lines of `watch --pid`: types of its own, whose field names are a
//! contract.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::change::{self, Change};
use super::live::Killer;
use super::signal::{self, SeenObject};
use super::{Event, What};
use crate::explain::require::Set;
use crate::observe::{Used, events};
use crate::proc::{ProcessName, Situation, State, Task, Threads};
use crate::signal::exit::Ending;
use crate::signal::{Arch, SignalSet};
use crate::watch::wire::SenderObject;

/// An event: what all of them have, and what belongs to its kind.
#[derive(Serialize)]
pub(super) struct EventObject<'a> {
    /// UTC, as RFC 3339 has it.
    time: String,
    pid: u32,
    /// The thread, where it is of one.
    tid: Option<u32>,
    name: Cow<'a, str>,
    event: &'static str,
    #[serde(flatten)]
    more: More<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum More<'a> {
    Start {
        state: Option<char>,
        /// Only where what starts and ends is told.
        #[serde(skip_serializing_if = "Option::is_none")]
        threads: Option<usize>,
        pending: Option<Vec<String>>,
        /// Not where each thread has its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        blocked: Option<Option<Vec<String>>>,
        ignored: Option<Vec<String>>,
        caught: Option<Vec<String>>,
    },
    Thread {
        pending: Vec<String>,
        blocked: Vec<String>,
    },
    Set {
        set: &'static str,
        signals: Vec<String>,
    },
    State {
        from: char,
        to: char,
        /// The signal that has stopped it, where that is told.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    Name {
        from: String,
        to: String,
    },
    /// All null where it cannot be told.
    End {
        status: Option<u8>,
        killed_by: Option<String>,
        core: Option<bool>,
        /// Whose signal it was, where signals are seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<Option<SenderObject<'a>>>,
    },
    Signal(Box<SeenObject<'a>>),
    /// Times in microseconds.
    Stops {
        backend: &'static str,
        stops: u64,
        longest_us: u64,
        total_us: u64,
    },
    Nothing {},
}

/// An event as an object.
pub(super) fn event<'a>(event: &Event<'a>) -> EventObject<'a> {
    let (kind, tid, more) = match &event.what {
        What::Start { look, threads } => ("start", None, start(look, *threads)),
        What::Thread(task) => ("thread", Some(task.tid), thread(task)),
        What::Change(change) => self::change(change),
        What::Happened(event) => happened(event),
        What::StoodStill(stops) => ("stood-still", None, stood_still(stops)),
        What::End(ending, killer) => ("ended", None, end(*ending, *killer)),
    };
    object(event, kind, tid, more)
}

fn object<'a>(event: &Event<'a>, kind: &'static str, tid: Option<u32>, more: More<'a>) -> EventObject<'a> {
    EventObject {
        time: humantime::format_rfc3339_micros(event.time).to_string(),
        pid: event.pid,
        tid,
        name: String::from_utf8_lossy(event.name),
        event: kind,
        more,
    }
}

fn names(signals: SignalSet) -> Vec<String> {
    signals.names(Arch::NATIVE)
}

fn start(look: &Situation, threads: bool) -> More<'static> {
    let set = |set| change::members(look, set, threads).map(names);
    More::Start {
        state: change::state(look).map(State::letter),
        threads: look.threads.as_ref().filter(|_| threads).map(Threads::count),
        pending: set(Set::Pending),
        blocked: (!threads).then(|| set(Set::Blocked)),
        ignored: set(Set::Ignored),
        caught: set(Set::Caught),
    }
}

fn thread(task: &Task) -> More<'static> {
    More::Thread { pending: names(task.pending), blocked: names(task.blocked) }
}

fn name(name: &ProcessName) -> String {
    String::from_utf8_lossy(name.as_bytes()).into_owned()
}

fn change(change: &Change) -> (&'static str, Option<u32>, More<'static>) {
    match change {
        Change::Set { tid, added, set, signals } => {
            let kind = if *added { "added" } else { "removed" };
            (kind, *tid, More::Set { set: set.word(), signals: names(*signals) })
        }
        Change::State { from, to, by } => {
            let signal = by.map(|by| Arch::NATIVE.name(by).to_string());
            ("state", None, More::State { from: from.letter(), to: to.letter(), signal })
        }
        Change::Name { from, to } => ("name", None, More::Name { from: name(from), to: name(to) }),
        Change::ThreadStarted(task) => ("thread-started", Some(task.tid), thread(task)),
        Change::ThreadEnded(tid) => ("thread-ended", Some(*tid), More::Nothing {}),
    }
}

/// What happened, and the thread, where it was of one.
fn happened(event: &events::Event) -> (&'static str, Option<u32>, More<'_>) {
    let tid = event.tid;
    match &event.what {
        events::What::Generated(sent) => {
            let tid = tid.filter(|_| !sent.for_process);
            ("generated", tid, More::Signal(Box::new(signal::generated_object(sent))))
        }
        events::What::Delivered(delivered) => {
            ("delivered", tid, More::Signal(Box::new(signal::delivered_object(delivered))))
        }
        events::What::Thread => ("clone", tid, More::Nothing {}),
        events::What::Exec => ("exec", None, More::Nothing {}),
        events::What::Ended(ending) => ("exit", tid, end(*ending, None)),
        // A change of state tells it.
        events::What::Stopped(_) => ("state", None, More::Nothing {}),
        // It is told apart, for it is of no process.
        events::What::Lost(_) => ("lost", None, More::Nothing {}),
    }
}

fn stood_still(stops: &events::Stops) -> More<'static> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    More::Stops {
        backend: Used::Ptrace.word(),
        stops: stops.count,
        longest_us: micros(stops.longest),
        total_us: micros(stops.total),
    }
}

fn end<'a>(ending: Option<Ending>, killer: Option<&'a Killer>) -> More<'a> {
    let (status, signal, core) = match ending {
        Some(Ending::Exited(status)) => (Some(status), None, Some(false)),
        Some(Ending::Killed { signal, core }) => (None, Some(signal), Some(core)),
        None => (None, None, None),
    };
    let killed_by = signal.map(|signal| Arch::NATIVE.name(signal).to_string());
    More::End { status, killed_by, core, sender: killer.map(signal::killer_object) }
}
