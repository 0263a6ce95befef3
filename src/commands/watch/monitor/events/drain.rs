//! What there is still to tell at the end: all of it, while somebody takes it;
//! what nobody takes any more is counted.

use std::time::{Duration, Instant, SystemTime};

use super::FatalSignal;
use crate::commands::watch::monitor::event_loop::Monitor;
use crate::commands::watch::monitor::{self, signal_text, view};
use crate::error::Failure;
use crate::inspect::events::{StopStats, ThreadEvent, ThreadEventKind};
use crate::out::escape_name;
use crate::signal::consts::KILL;

/// So long the end is put off for what is not told yet.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// So many of those that were killed are named.
const MAX_NAMED_KILLS: usize = 10;

/// So many that never stood still are named.
const MAX_NAMED_UNSTOPPED: usize = 10;

/// What is not told any more.
#[derive(Debug, Default)]
pub(super) struct UnreportedEvents {
    /// So many signals, and what else happened.
    count: u64,
    /// So many were lost before anybody saw them.
    lost_count: u64,
    /// Whom one of them kills, and whose it is; the first of them.
    named_kills: Vec<String>,
    /// And so many more.
    other_kills: u64,
}

impl UnreportedEvents {
    fn count_event(&mut self, event: &ThreadEvent) {
        match &event.kind {
            ThreadEventKind::Lost(lost) => {
                self.lost_count += lost;
                return;
            }
            ThreadEventKind::Generation(sent)
                if sent.siginfo.signal == KILL && self.named_kills.len() < MAX_NAMED_KILLS =>
            {
                let name = escape_name(event.thread_name.as_deref().unwrap_or_default());
                let by = signal_text::fatal_signal_text(&FatalSignal::Generated(sent.clone()), event.pid);
                self.named_kills.push(format!("{} ({name}): KILL{by}", event.pid.unwrap_or(0)));
            }
            ThreadEventKind::Generation(sent) if sent.siginfo.signal == KILL => self.other_kills += 1,
            _ => {}
        }
        self.count += 1;
    }

    /// A line for each.
    fn to_notes(&self) -> Vec<String> {
        let UnreportedEvents { count, lost_count: lost, named_kills: kills, other_kills: more } = self;
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

impl Monitor<'_, '_> {
    /// Ends the seeing of signals; tells what has happened by then, unless the
    /// output has failed, and what it has cost.
    pub(in crate::commands::watch::monitor) fn finish_events(
        &mut self,
        is_written: bool,
    ) -> Result<(), Failure> {
        let Some(live) = &mut self.events else { return Ok(()) };
        let stops = live.stop();
        let told = if is_written { self.drain_at_exit() } else { Ok(()) };
        self.report_tracer_stops(stops, told.is_ok())?;
        told
    }

    /// Says what is not told any more, once that is known.
    pub(in crate::commands::watch::monitor) fn report_unreported(&mut self) {
        let notes = self.events.as_ref().map(|live| live.unreported.to_notes());
        notes.iter().flatten().for_each(|note| self.notes.write_note(note));
    }

    fn drain_at_exit(&mut self) -> Result<(), Failure> {
        let end = Instant::now() + DRAIN_TIMEOUT;
        let mut takes = true;
        // Nothing more comes, so that this ends.
        loop {
            let (batch, more) = self.read_events()?;
            for event in &batch {
                let is_loss = matches!(event.kind, ThreadEventKind::Lost(_));
                takes = takes && self.can_write_until(end)?;
                if takes && !self.is_count_reached() {
                    self.report_event(event)?;
                } else if is_loss || !self.is_count_reached() {
                    self.count_unreported(event);
                }
            }
            self.out.flush()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn count_unreported(&mut self, event: &ThreadEvent) {
        let is_told = self.is_reported(event);
        if let Some(live) = self.events.as_mut().filter(|_| is_told) {
            live.unreported.count_event(event);
        }
    }

    /// Whether what is written is taken by now, or until a moment; not where a
    /// signal asks for the end once more.
    fn can_write_until(&mut self, end: Instant) -> Result<bool, Failure> {
        while self.stdout.has_pending() {
            let time = end.saturating_duration_since(Instant::now());
            if time.is_zero() || self.wait_for_signal(time)? {
                return Ok(false);
            }
            self.stdout.take_error()?;
        }
        Ok(Instant::now() < end)
    }

    /// Says how long each stood still, and tells it.
    fn report_tracer_stops(
        &mut self,
        stops: Vec<(u32, StopStats)>,
        mut is_written: bool,
    ) -> Result<(), Failure> {
        let mut told = Ok(());
        let never = stops.iter().filter(|(_, stops)| stops.count == 0).count();
        for (pid, stops) in stops {
            let ended = self.events.as_mut().and_then(|live| live.exited_names.remove(&pid));
            let name = self.process_name(pid).or(ended).unwrap_or_default();
            if stops.count > 0 || never <= MAX_NAMED_UNSTOPPED {
                self.notes.write_note(&view::tracer_stops_text(pid, &name, &stops));
            }
            if is_written && !self.request.events.until_exit {
                let what = monitor::MonitorEventKind::TracerStops(stops);
                let event = monitor::MonitorEvent { time: SystemTime::now(), pid, name: &name, kind: what };
                told = view::print_event(&event, self.out);
                is_written = told.is_ok();
            }
        }
        if never > MAX_NAMED_UNSTOPPED {
            self.notes.write_note(&format!("{never} processes never stood still"));
        }
        Ok(told?)
    }
}
