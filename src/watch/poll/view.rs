//! What is observed, a line each.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use super::change::{self, Change};
use super::{Event, What, signal, wire};
use crate::explain::require::Set;
use crate::observe::events;
use crate::out::{Cell, Format, Meaning, Out, Settings, StreamColumn, escape};
use crate::proc::{Situation, Task, Threads};
use crate::signal::{Arch, SignalSet};
use crate::watch::view::time;

/// Below this width the name is left out, for the event.
const NARROW: u16 = 72;
/// And below this one the time has seconds alone.
const NARROWER: u16 = 50;

/// The columns; on a terminal the time is that of the day, for the width.
fn columns(settings: Settings) -> impl Iterator<Item = StreamColumn> {
    let time = match settings.format {
        Format::Table if settings.width < NARROWER => 8,
        Format::Table => 16,
        _ => 27,
    };
    let name = (!is_narrow(settings)).then_some(StreamColumn { title: "NAME", width: 15 });
    let first = [StreamColumn { title: "TIME", width: time }, StreamColumn { title: "PID", width: 7 }];
    first.into_iter().chain(name).chain([StreamColumn { title: "EVENT", width: 0 }])
}

fn is_narrow(settings: Settings) -> bool {
    settings.format == Format::Table && settings.width < NARROW
}

/// The line above all others.
pub(super) fn header(out: &mut Out<'_>) -> io::Result<()> {
    let columns: Vec<StreamColumn> = columns(out.settings()).collect();
    out.stream_header(&columns)
}

/// One event.
pub(super) fn event(event: &Event<'_>, out: &mut Out<'_>) -> io::Result<()> {
    let settings = out.settings();
    if settings.format == Format::Json {
        return match &event.what {
            What::Happened(events::Event { what: events::What::Lost(count), .. }) => {
                out.json_line(&crate::watch::wire::lost(event.time, *count))
            }
            _ => out.json_line(&wire::event(event)),
        };
    }
    // That is a note, for people.
    if matches!(event.what, What::StoodStill(_)) {
        return Ok(());
    }
    let columns: Vec<StreamColumn> = columns(settings).collect();
    let mut time = time(event.time, settings.format);
    time.truncate(columns[0].width);
    let name = || match escape(event.name).into_owned() {
        none if none.is_empty() => Cell::nothing(),
        name => Cell::new(name, Meaning::Subject),
    };
    let first = [Cell::new(time, Meaning::Nothing), Cell::plain(event.pid.to_string())];
    let name = (!is_narrow(settings)).then(name);
    out.stream_row(&columns, first.into_iter().chain(name).chain([what(event.pid, &event.what)]))
}

fn what(pid: u32, what: &What<'_>) -> Cell {
    match what {
        What::Start { look, threads } => Cell::plain(start(look, *threads)),
        What::Thread(task) => Cell::plain(format!("thread {}: {}", task.tid, thread(task))),
        What::Change(change) => self::change(change),
        What::Happened(event) => happened(event),
        What::StoodStill(_) => Cell::nothing(),
        What::End(Some(ending), killer) => {
            let by = killer.map_or(String::new(), |killer| signal::by(killer, Some(pid)));
            Cell::new(format!("{ending}{by}"), Meaning::Grave)
        }
        What::End(None, _) => {
            Cell::new("ended; how cannot be told (that takes Linux 6.15, or its zombie)", Meaning::Unknown)
        }
    }
}

/// `1234 (worker) stood still 17 times, at most 41 us, 0.4 ms in all`.
pub(super) fn stood_still(pid: u32, name: &[u8], stops: &events::Stops) -> String {
    let events::Stops { count, longest, total } = *stops;
    let how = match count {
        0 => "never stood still".to_owned(),
        1 => format!("stood still once, for {}", span(longest)),
        _ => format!("stood still {count} times, at most {}, {} in all", span(longest), span(total)),
    };
    format!("{pid} ({}) {how}", escape(name))
}

/// `41 us`, `0.4 ms`, `1.5 s`.
fn span(time: Duration) -> String {
    match time.as_micros() {
        micros @ ..100 => format!("{micros} us"),
        ..999_950 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn happened(event: &events::Event) -> Cell {
    let events::Event { pid, tid, what, .. } = event;
    let thread = tid.filter(|_| tid != pid);
    let number = tid.unwrap_or(0);
    match what {
        events::What::Generated(sent) => signal::generated(sent, *tid),
        events::What::Delivered(delivered) => signal::delivered(delivered, *pid, thread),
        events::What::Thread => Cell::plain(format!("thread {number} is new")),
        events::What::Exec => Cell::plain("executes another program"),
        // A change of state tells it.
        events::What::Stopped(signal) => {
            Cell::new(format!("stopped by {}", Arch::NATIVE.name(*signal)), Meaning::Held)
        }
        events::What::Ended(ending) => {
            let how = ending.map_or("ended".to_owned(), |ending| ending.to_string());
            Cell::plain(format!("thread {number}: {how}"))
        }
        events::What::Lost(count) => Cell::new(format!("{count} events are lost"), Meaning::Grave),
    }
}

/// `state S (sleeping), 1 thread; ignored QUIT; caught TERM`.
fn start(look: &Situation, threads: bool) -> String {
    let state = change::state(look)
        .map_or("state unknown".to_owned(), |state| format!("state {} ({})", state.letter(), state.words()));
    let mut text = match look.threads.as_ref().filter(|_| threads).map(Threads::count) {
        Some(1) => format!("{state}, 1 thread"),
        Some(count) => format!("{state}, {count} threads"),
        None => state,
    };
    for set in [Set::Pending, Set::Blocked, Set::Ignored, Set::Caught] {
        match change::members(look, set, threads) {
            None if threads && set == Set::Blocked => {}
            Some(signals) if signals.is_empty() => {}
            Some(signals) => text += &format!("; {} {}", set.word(), names(signals)),
            None => text += &format!("; {} unknown", set.word()),
        }
    }
    text
}

/// `pending USR1; blocked TERM`.
fn thread(task: &Task) -> String {
    let sets = [(Set::Pending, task.pending), (Set::Blocked, task.blocked)];
    let held = sets.into_iter().filter(|(_, signals)| !signals.is_empty());
    let texts: Vec<String> =
        held.map(|(set, signals)| format!("{} {}", set.word(), names(signals))).collect();
    if texts.is_empty() { "nothing pending or blocked".to_owned() } else { texts.join("; ") }
}

fn change(change: &Change) -> Cell {
    match change {
        Change::Set { tid, added, set, signals } => {
            let sign = if *added { '+' } else { '-' };
            let text = format!("{sign}{} {}", set.word(), names(*signals));
            let meaning = match set {
                _ if !added => Meaning::Plain,
                Set::Pending | Set::Blocked => Meaning::Held,
                Set::Ignored => Meaning::Ignored,
                Set::Caught => Meaning::Handled,
                Set::Default => Meaning::Plain,
            };
            Cell::new(tid.map_or(text.clone(), |tid| format!("thread {tid}: {text}")), meaning)
        }
        Change::State { from, to, by } => {
            let words =
                by.map_or(to.words().to_owned(), |by| format!("stopped by {}", Arch::NATIVE.name(by)));
            let text = format!("state {} -> {} ({words})", from.letter(), to.letter());
            Cell::new(text, if to.is_stopped() { Meaning::Held } else { Meaning::Plain })
        }
        Change::Name { from, to } => {
            Cell::plain(format!("name {} -> {}", escape(from.as_bytes()), escape(to.as_bytes())))
        }
        Change::ThreadStarted(task) => Cell::plain(format!("thread {} started: {}", task.tid, thread(task))),
        Change::ThreadEnded(tid) => Cell::plain(format!("thread {tid} ended")),
    }
}

fn names(signals: SignalSet) -> Cow<'static, str> {
    signals.text(Arch::NATIVE).to_string().into()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn shown(width: u16) -> String {
        let settings = Settings { format: Format::Table, width, color: false, indent: false };
        let mut text = Vec::new();
        let mut out = Out::new(&mut text, settings);
        let ended = Event {
            time: SystemTime::UNIX_EPOCH,
            pid: 4_000_000,
            name: b"server",
            what: What::End(None, None),
        };
        header(&mut out).and_then(|()| event(&ended, &mut out)).and_then(|()| out.finish()).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_event_has_room_in_a_narrow_terminal() {
        for width in [200, 80, 72, 60, 50, 40, 30] {
            let text = shown(width);
            assert!(text.lines().all(|line| line.len() <= usize::from(width)), "{width}:\n{text}");
        }
        assert_eq!(shown(40).lines().take(2).last(), Some("00:00:00  4000000  ended; how cannot be"));
        assert!(shown(80).contains("00:00:00.000000Z  4000000  server"));
    }

    #[test]
    fn how_long_a_process_stood_still_is_a_sentence() {
        let said = |count, longest, total| {
            let (longest, total) = (Duration::from_micros(longest), Duration::from_micros(total));
            stood_still(7, b"wor\nker", &events::Stops { count, longest, total })
        };
        assert_eq!(said(0, 0, 0), "7 (wor\\nker) never stood still");
        assert_eq!(said(1, 41, 41), "7 (wor\\nker) stood still once, for 41 us");
        assert_eq!(said(17, 41, 400), "7 (wor\\nker) stood still 17 times, at most 41 us, 0.4 ms in all");
        assert_eq!(said(9, 100, 999_960), "7 (wor\\nker) stood still 9 times, at most 0.1 ms, 1.0 s in all");
    }
}
