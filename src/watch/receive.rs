//! The receiving: blocked first, read until the end, hooks beside it.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use super::notes::Notes;
use super::outlet::{End, Outlet};
use super::run::Runner;
use super::sender::{Sender, Senders};
use super::{Event, Request, view};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::proc::Root;
use crate::signal::info::Origin;
use crate::signal::known::{CHLD, HUP, INT, TERM};
use crate::signal::{Info, Signal, SignalSet};
use crate::sys::pidfd::PidFd;
use crate::sys::signalfd::{self, SignalFd};
use crate::sys::spawn::Inherited;

/// So many signals at once may mean that the queue has been full.
const MANY: usize = 16;
/// The least time between two looks at the queue's limit, each of which reads a
/// file.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Receives until the end that was asked for.
pub(super) fn receive(
    request: &Request,
    out: &mut Out<'_>,
    outlet: &Outlet,
    notes: &mut Notes,
) -> Result<Outcome, Failure> {
    let inherited = Inherited::now();
    let watched = request.watched();
    let ending = ending(request);
    signalfd::block(watched | ending).map_err(kernel)?;
    let signals = SignalFd::open(watched | ending).map_err(kernel)?;
    let asked = SignalFd::open(ending).map_err(kernel)?;
    let reaps = inherited.ignores_child() && watched.contains(CHLD);
    if reaps {
        signalfd::set_default(CHLD);
    }
    let out_is_json = out.format() == Format::Json;
    let mut watch = Watch {
        request,
        watched,
        ending,
        signals,
        asked,
        out,
        outlet,
        notes,
        senders: Senders::new(),
        runner: Runner::new(request, inherited, out_is_json),
        reaps,
        left: request.count,
        end: request.timeout.and_then(|time| Instant::now().checked_add(time)),
        looked: None,
        told_of_limit: false,
        batch: Vec::new(),
    };
    watch.notes.note(&format!("ready, pid {}", std::process::id()));
    let ended = watch.until_the_end().and_then(|end| watch.settle(end));
    let exit = ended.as_ref().map_or_else(|failure| failure.exit, |exit| *exit);
    watch.finish(exit)?;
    Ok(Outcome { exit: ended?, complaints: Vec::new() })
}

/// The signals that end it: none that was named, nor HUP where all are watched.
fn ending(request: &Request) -> SignalSet {
    let told: SignalSet = Some(HUP).filter(|_| request.all).into_iter().collect();
    super::ending() - told - request.named
}

fn kernel(error: io::Error) -> Failure {
    Failure { exit: Exit::Failed, cause: anyhow::anyhow!("signalfd: {}", crate::error::bare(&error)) }
}

struct Watch<'a, 'o> {
    request: &'a Request,
    watched: SignalSet,
    ending: SignalSet,
    signals: SignalFd,
    /// Those that end it, by themselves.
    asked: SignalFd,
    out: &'a mut Out<'o>,
    outlet: &'a Outlet,
    notes: &'a mut Notes,
    senders: Senders,
    runner: Runner<'a>,
    /// How many signals are still to come.
    left: Option<u64>,
    /// When the time is up.
    end: Option<Instant>,
    /// When the queue's limit was last looked at.
    looked: Option<Instant>,
    told_of_limit: bool,
    /// Whether children are reaped as they end: SIGCHLD was ignored.
    reaps: bool,
    batch: Vec<Info>,
}

impl Watch<'_, '_> {
    fn until_the_end(&mut self) -> Result<End, Failure> {
        view::header(self.out)?;
        self.out.flush()?;
        loop {
            if let Some(end) = self.drain()? {
                return Ok(end);
            }
            let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(End::Asked(Exit::TimedOut));
            }
            self.wait(left)?;
            self.outlet.check()?;
        }
    }

    /// Waits until something arrives, a command ends, what waits is written, or
    /// the time is up. Until it is written, only what ends it is of interest.
    fn wait(&mut self, time: Option<Duration>) -> Result<(), Failure> {
        let held: Vec<_> = self.runner.held().map(PidFd::as_fd).collect();
        let signals = if self.outlet.is_behind() { &self.asked } else { &self.signals };
        let time = self.notes.catch_up(time);
        self.outlet.wait(signals.as_fd(), &held, time).map_err(kernel)?;
        let reaped = self.runner.reap();
        self.told(reaped);
        Ok(())
    }

    /// Takes a batch of what has arrived; gives how it ends, if it does now. One
    /// at a time, so that a flood keeps neither the clock nor commands waiting.
    fn drain(&mut self) -> Result<Option<End>, Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        // The kernel keeps what arrives while nobody reads what is told.
        let signals = if self.outlet.is_behind() { &mut self.asked } else { &mut self.signals };
        signals.read(&mut batch).map_err(kernel)?;
        self.senders.next_batch();
        let mut end = None;
        for info in &batch {
            end = self.take(info)?;
            if end.is_some() {
                break;
            }
        }
        self.batch = batch;
        if self.batch.len() >= MANY {
            self.look_at_limit();
        }
        self.out.flush()?;
        Ok(end)
    }

    /// Writes what waits, before the end.
    fn settle(&mut self, end: End) -> Result<Exit, Failure> {
        let by = |info: &Info| Exit::BySignal(info.signal.get());
        let (exit, lost) = self.outlet.settle(end, self.end, &mut self.asked, by)?;
        self.notes.lost("standard output", lost);
        Ok(exit)
    }

    fn take(&mut self, info: &Info) -> Result<Option<End>, Failure> {
        let origin = info.origin();
        if self.reaps && matches!(origin, Origin::Child { .. }) {
            signalfd::reap_children();
        }
        if let Origin::Child { pid, .. } = origin
            && self.runner.is_ours(pid)
        {
            return Ok(None);
        }
        if let Origin::Outside { lost: true, .. } = origin {
            self.tell_of_limit();
        }
        if self.watched.contains(info.signal) {
            let sender = match origin {
                Origin::Process { pid, uid, verified, .. } => {
                    Some(Sender { pid, uid, name: self.senders.name(pid), verified })
                }
                _ => None,
            };
            let event = Event { time: SystemTime::now(), info: *info, sender };
            view::event(&event, self.out)?;
            if self.runner.has_hook(info.signal) {
                // What a command prints comes after what it is run for.
                self.out.flush()?;
            }
            let started = self.runner.arrived(&event);
            self.told(started);
            self.left = self.left.map(|left| left - 1);
            if self.left == Some(0) {
                return Ok(Some(End::Reached(Exit::Done)));
            }
        }
        Ok(self.ending.contains(info.signal).then(|| End::Asked(self.ended_by(info.signal))))
    }

    /// INT and TERM are how it is ended, unless it still waited for signals.
    fn ended_by(&self, signal: Signal) -> Exit {
        let asked = matches!(signal, INT | TERM);
        if asked && self.left.is_none() { Exit::Done } else { Exit::BySignal(signal.get()) }
    }

    /// Lets commands end that run or wait, then those of the end; each unless it
    /// is asked to end once more.
    fn finish(&mut self, exit: Exit) -> Result<(), Failure> {
        self.wait_for_commands()?;
        for hook in self.request.hooks.iter().filter(|hook| hook.on.is_none()) {
            let started = self.runner.at_end(hook, exit.code());
            self.told(started);
            self.wait_for_commands()?;
        }
        Ok(())
    }

    fn wait_for_commands(&mut self) -> Result<(), Failure> {
        while !self.runner.is_idle() {
            self.wait(None)?;
            let mut batch = std::mem::take(&mut self.batch);
            batch.clear();
            self.signals.read(&mut batch).map_err(kernel)?;
            let again = batch.iter().any(|info| self.ending.contains(info.signal));
            self.batch = batch;
            if again {
                let left = self.runner.abandon();
                self.notes.note(&format!("asked to end once more: commands not waited for: {left}"));
            }
        }
        Ok(())
    }

    /// Where many signals come at once, the queue may be at its limit: then
    /// senders fail, and plain kills lose their sender.
    fn look_at_limit(&mut self) {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= BETWEEN_LOOKS);
        if self.told_of_limit || !due {
            return;
        }
        self.looked = Some(Instant::now());
        let queue = Root::default().own_status().ok().and_then(|status| status.queue);
        // What has just been read was in it, too; ordinary signals have a place
        // of their own where it is full.
        let read = self.batch.len() as u64 + MANY as u64 / 2;
        if queue.is_some_and(|queue| queue.used + read >= queue.limit) {
            self.tell_of_limit();
        }
    }

    fn tell_of_limit(&mut self) {
        if !std::mem::replace(&mut self.told_of_limit, true) {
            self.notes.note(
                "the queue of your user is full (ulimit -i): sigqueue fails with EAGAIN for its senders, and \
                 kills with real-time signals arrive without their sender, or not at all",
            );
        }
    }

    fn told(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.notes.note(&what);
        }
    }
}
