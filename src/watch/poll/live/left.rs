//! What there is still to tell at the end: all of it, while somebody takes it;
//! what nobody takes any more is counted.

use std::time::{Duration, Instant, SystemTime};

use super::Killer;
use crate::error::Failure;
use crate::observe::events::{Event, Stops, What};
use crate::out::escape;
use crate::signal::known::KILL;
use crate::watch::poll::observe::Observation;
use crate::watch::poll::{self, signal, view};

/// So long the end is put off for what is not told yet.
const REST: Duration = Duration::from_millis(500);

/// So many of those that were killed are named.
const NAMED: usize = 10;

/// So many that never stood still are named.
const NEVER: usize = 10;

/// What is not told any more.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// So many signals, and what else happened.
    count: u64,
    /// So many were lost before anybody saw them.
    lost: u64,
    /// Whom one of them kills, and whose it is; the first of them.
    kills: Vec<String>,
    /// And so many more.
    more: u64,
}

impl Left {
    fn add(&mut self, event: &Event) {
        match &event.what {
            What::Lost(lost) => {
                self.lost += lost;
                return;
            }
            What::Generated(sent) if sent.info.signal == KILL && self.kills.len() < NAMED => {
                let name = escape(event.name.as_deref().unwrap_or_default());
                let by = signal::by(&Killer::Seen(sent.clone()), event.pid);
                self.kills.push(format!("{} ({name}): KILL{by}", event.pid.unwrap_or(0)));
            }
            What::Generated(sent) if sent.info.signal == KILL => self.more += 1,
            _ => {}
        }
        self.count += 1;
    }

    /// A line for each.
    fn notes(&self) -> Vec<String> {
        let Left { count, lost, kills, more } = self;
        let signals = |count: u64| if count == 1 { "signal was" } else { "signals were" };
        let mut notes = Vec::new();
        if *count > 0 {
            notes.push(format!("{count} {} seen, and are not told any more", signals(*count)));
        }
        notes.extend(kills.iter().map(|kill| format!("among them, for {kill}")));
        if *more > 0 {
            notes.push(format!("and KILL {more} times more"));
        }
        if *lost > 0 {
            notes.push(format!("{lost} {} lost: there was no room for them", signals(*lost)));
        }
        notes
    }
}

impl Observation<'_, '_> {
    /// Ends the seeing of signals; tells what has happened by then, unless the
    /// output has failed, and what it has cost.
    pub(in crate::watch::poll) fn finish_live(&mut self, is_written: bool) -> Result<(), Failure> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let stops = live.finish();
        let told = if is_written { self.tell_rest() } else { Ok(()) };
        self.tell_stops(stops, told.is_ok())?;
        told
    }

    /// Says what is not told any more, once that is known.
    pub(in crate::watch::poll) fn tell_left(&mut self) {
        let notes = self.live.as_ref().map(|live| live.left.notes());
        notes.iter().flatten().for_each(|note| self.notes.note(note));
    }

    fn tell_rest(&mut self) -> Result<(), Failure> {
        let end = Instant::now() + REST;
        let mut takes = true;
        // Nothing more comes, so that this ends.
        loop {
            let (batch, more) = self.take()?;
            for event in &batch {
                let is_loss = matches!(event.what, What::Lost(_));
                takes = takes && self.has_room(end)?;
                if takes && !self.is_counted_out() {
                    self.tell_happened(event)?;
                } else if is_loss || !self.is_counted_out() {
                    self.leave(event);
                }
            }
            self.out.flush()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn leave(&mut self, event: &Event) {
        let is_told = self.is_told(event);
        if let Some(live) = self.live.as_mut().filter(|_| is_told) {
            live.left.add(event);
        }
    }

    /// Whether what is written is taken by now, or until a moment; not where a
    /// signal asks for the end once more.
    fn has_room(&mut self, end: Instant) -> Result<bool, Failure> {
        while self.outlet.is_behind() {
            let time = end.saturating_duration_since(Instant::now());
            if time.is_zero() || self.is_asked_within(time)? {
                return Ok(false);
            }
            self.outlet.check()?;
        }
        Ok(Instant::now() < end)
    }

    /// Says how long each stood still, and tells it.
    fn tell_stops(&mut self, stops: Vec<(u32, Stops)>, mut is_written: bool) -> Result<(), Failure> {
        let mut told = Ok(());
        let never = stops.iter().filter(|(_, stops)| stops.count == 0).count();
        for (pid, stops) in stops {
            let ended = self.live.as_mut().and_then(|live| live.names.remove(&pid));
            let name = self.name_of(pid).or(ended).unwrap_or_default();
            if stops.count > 0 || never <= NEVER {
                self.notes.note(&view::stood_still(pid, &name, &stops));
            }
            if is_written && !self.request.live.until_exit {
                let what = poll::What::StoodStill(stops);
                let event = poll::Event { time: SystemTime::now(), pid, name: &name, what };
                told = view::event(&event, self.out);
                is_written = told.is_ok();
            }
        }
        if never > NEVER {
            self.notes.note(&format!("{never} processes never stood still"));
        }
        Ok(told?)
    }
}
