//! The parent of the command: receives, sends on, reaps, until the end.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use super::backlog::Backlog;
use super::fate::{self, Fate, Scene, Why};
use super::job::Job;
use super::log::Log;
use super::target::Target;
use super::{Plan, failed};
use crate::error::{Failure, bare};
use crate::exit::Exit;
use crate::out::escape_line;
use crate::signal::exit::Ending;
use crate::signal::info::Origin;
use crate::signal::known::{CHLD, CONT, HUP, INT, KILL, TERM};
use crate::signal::{Arch, Info, Signal, SignalSet};
use crate::sys::child::{self, Children};
use crate::sys::deliver::own_uid;
use crate::sys::forward::is_gone;
use crate::sys::job::{leads_session, shares_group};
use crate::sys::signalfd::SignalFd;
use crate::sys::spawn::Inherited;
use crate::sys::wait;
use crate::watch::notes::lost;
use crate::watch::run::Runner;
use crate::watch::sender::{Sender, Senders};
use crate::watch::{Event, Request};

/// How long it takes until signals that wait for room are tried again; and
/// lines that do.
const UNTIL_ROOM: Duration = Duration::from_millis(1);
const UNTIL_READ: Duration = Duration::from_millis(20);

/// How long it takes until those that are left after a KILL get it again.
const KILLED_AGAIN: Duration = Duration::from_millis(100);

/// What runs the command.
pub(super) struct Parent<'a> {
    request: &'a Request,
    plan: &'a Plan,
    own: u32,
    pid: u32,
    target: Target,
    every: SignalSet,
    signals: SignalFd,
    log: Log<'a>,
    job: Job,
    /// Notes for people.
    notes: Backlog,
    senders: Senders,
    runner: Runner<'a>,
    batch: Vec<Info>,
    /// How the command has ended.
    ended: Option<Ending>,
    /// What is sent when, because the time has run out.
    alarm: Option<(Instant, Signal)>,
    timed_out: bool,
    /// What was sent last because of that.
    sent: Option<Signal>,
    /// At the end: whether somebody has asked once more for it.
    asked_again: bool,
}

struct Here(u32);

impl Scene for Here {
    fn shares_group(&self) -> bool {
        shares_group(self.0)
    }
    fn leads_session(&self) -> bool {
        leads_session()
    }
}

impl<'a> Parent<'a> {
    /// Of the command, which has just been started.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        request: &'a Request,
        plan: &'a Plan,
        pid: u32,
        inherited: Inherited,
        signals: SignalFd,
        log: Log<'a>,
        job: Job,
        notes: Backlog,
    ) -> io::Result<Parent<'a>> {
        let end = request.timeout.and_then(|time| Instant::now().checked_add(time));
        Ok(Parent {
            request,
            plan,
            own: std::process::id(),
            pid,
            target: Target::hold(pid, plan.group)?,
            every: SignalSet::all(Arch::NATIVE),
            signals,
            log,
            job,
            notes,
            senders: Senders::new(),
            runner: Runner::new(request, inherited, false),
            batch: Vec::new(),
            ended: None,
            alarm: end.map(|end| (end, TERM)),
            timed_out: false,
            sent: None,
            asked_again: false,
        })
    }

    /// Runs until the command has ended, and what else is waited for; then the
    /// commands of the end.
    pub(super) fn until_the_end(mut self) -> Result<Exit, Failure> {
        while !self.is_over() {
            self.turn()?;
        }
        self.job.ended();
        self.alarm = None;
        // What came before the end is told, too.
        self.receive(None, true)?;
        let exit = match self.ended {
            // As timeout(1) has it: TERM was not enough.
            Some(Ending::Killed { signal: KILL, .. }) if self.timed_out => Exit::BySignal(KILL.get()),
            _ if self.timed_out => Exit::TimedOut,
            Some(Ending::Exited(status)) => Exit::Passed(status),
            Some(Ending::Killed { signal, .. }) => Exit::BySignal(signal.get()),
            None => Exit::Failed,
        };
        self.wait_for_commands()?;
        for hook in self.request.hooks.iter().filter(|hook| hook.on.is_none()) {
            let started = self.runner.at_end(hook, exit.code());
            self.told(started);
            self.wait_for_commands()?;
        }
        let unread = self.log.finish();
        if let Some(text) = lost("the log", unread) {
            self.note(&text);
        }
        self.notes.finish();
        if let (Some(Ending::Killed { signal, .. }), false) = (self.ended, self.timed_out) {
            self.job.end_by(signal);
        }
        Ok(exit)
    }

    fn is_over(&self) -> bool {
        self.ended.is_some() && (!self.plan.wait_all || child::look() == Children::None)
    }

    /// Waits for a signal, and does what is due.
    fn turn(&mut self) -> Result<(), Failure> {
        let first = wait::next(self.every, self.time()).map_err(failed("waiting"))?;
        // Others of its kind may be in line behind a real-time signal.
        let more = first.as_ref().is_some_and(|first| first.signal.is_realtime());
        self.receive(first, more)?;
        self.target.catch_up();
        self.look_at_clock();
        Ok(())
    }

    /// Takes what has come, and what is pending behind it.
    fn receive(&mut self, first: Option<Info>, more: bool) -> Result<(), Failure> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.extend(first);
        if more {
            self.signals.read(&mut batch).map_err(failed("signalfd"))?;
        }
        self.senders.next_batch();
        for info in &batch {
            self.take(info);
        }
        self.batch = batch;
        let written = self.log.flush();
        self.written(written);
        // Nobody is left to be told where that fails.
        let _ = self.notes.catch_up();
        Ok(())
    }

    /// How long may be waited; `None` where there is no clock to look at.
    fn time(&self) -> Option<Duration> {
        let alarm = self.alarm.map(|(end, _)| end.saturating_duration_since(Instant::now()));
        let room = self.target.has_waiting().then_some(UNTIL_ROOM);
        let lines = self.log.has_waiting() || self.notes.has_waiting();
        alarm.into_iter().chain(room).chain(lines.then_some(UNTIL_READ)).min()
    }

    fn take(&mut self, info: &Info) {
        if info.signal == CHLD {
            self.reap();
        }
        if fate::is_own(info, self.own) {
            return;
        }
        if info.code == fate::SI_KERNEL {
            self.job.came(info.signal, true);
        }
        let has_it = info.signal == CONT && self.ended.is_none() && self.job.continued();
        self.asked_again |= [INT, TERM, HUP].contains(&info.signal);
        let hooked = self.runner.has_hook(info.signal);
        let told = hooked || self.log.is_kept();
        let fate = match fate::decide(self.plan, info, &Here(self.pid)) {
            Fate::Forwarded(CONT) if has_it => Fate::Kept(Why::Terminal),
            Fate::Forwarded(signal) => self.forward(info, signal),
            kept => kept,
        };
        if !told {
            return;
        }
        // Looked up once it has gone on: that does not wait for it.
        let sender = self.sender(info);
        let event = Event { time: SystemTime::now(), info: *info, sender };
        let written = self.log.add(&event, &fate);
        self.written(written);
        if hooked && self.ended.is_none() {
            let started = self.runner.arrived(&event);
            self.told(started);
        }
    }

    fn sender(&mut self, info: &Info) -> Option<Sender> {
        match info.origin() {
            Origin::Process { pid, uid, verified, .. } => {
                Some(Sender { pid, uid, name: self.senders.name(pid), verified })
            }
            _ => None,
        }
    }

    fn forward(&mut self, info: &Info, signal: Signal) -> Fate {
        if self.ended.is_some() {
            let runner = &self.runner;
            let sent = self.plan.wait_all && self.target.to_adopted(info, signal, |pid| runner.runs(pid));
            return if sent { Fate::Forwarded(signal) } else { Fate::Kept(Why::Ended) };
        }
        if info.code != fate::SI_KERNEL {
            self.job.came(signal, false);
        }
        match self.target.forward(info, signal) {
            Ok(()) => Fate::Forwarded(signal),
            Err(error) if is_gone(&error) => Fate::Kept(Why::Ended),
            Err(error) => Fate::Kept(Why::Failed(bare(&error))),
        }
    }

    /// Takes in whatever has ended, and a stop of the command.
    fn reap(&mut self) {
        while let Children::Ended(pid) = child::look() {
            if pid == self.pid {
                self.ended = child::reap(pid);
            } else if self.runner.runs(pid) {
                let reaped = self.runner.reap();
                self.told(reaped);
            } else {
                child::reap(pid);
            }
        }
        if self.ended.is_none() && self.job.look() {
            self.target.send(CONT);
        }
    }

    /// Sends what is due because the time has run out.
    fn look_at_clock(&mut self) {
        let Some((end, signal)) = self.alarm.filter(|(end, _)| Instant::now() >= *end) else { return };
        self.alarm = match signal {
            // Who was being started meanwhile is met the next time.
            KILL => Instant::now().checked_add(KILLED_AGAIN).map(|end| (end, KILL)),
            _ => self.plan.kill_after.and_then(|time| end.checked_add(time)).map(|end| (end, KILL)),
        };
        self.timed_out = true;
        // What is stopped would not see TERM.
        self.end_all(if signal == KILL { &[KILL] } else { &[TERM, CONT] });
    }

    /// Signals of sigtool's own, to all that the command has started.
    fn end_all(&mut self, signals: &[Signal]) {
        let runner = &self.runner;
        self.target.send_to_all(signals, self.ended.is_some(), |pid| runner.runs(pid));
        let first = signals.first().copied();
        let repeated = std::mem::replace(&mut self.sent, first) == first;
        let Some(signal) = first.filter(|_| !repeated && self.log.is_kept()) else { return };
        let info = Info { pid: self.own, uid: own_uid(), ..Info::bare(signal) };
        let event = Event { time: SystemTime::now(), info, sender: self.sender(&info) };
        let written = self.log.add(&event, &Fate::Sent);
        self.written(written);
    }

    /// Until the commands that run have ended; or somebody asks once more.
    fn wait_for_commands(&mut self) -> Result<(), Failure> {
        self.asked_again = false;
        while !self.runner.is_idle() {
            self.turn()?;
            if std::mem::replace(&mut self.asked_again, false) {
                let left = self.runner.abandon();
                self.note(&format!("asked to end once more: commands not waited for: {left}"));
            }
        }
        Ok(())
    }

    fn written(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.give_up();
            self.note(&format!("the log ends here: {}", bare(&error)));
        }
    }

    fn told(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.note(&what);
        }
    }

    /// A line for people, at once; nobody is left to tell where that fails.
    fn note(&mut self, text: &str) {
        let _ = self.notes.write_all(format!("watch: {}\n", escape_line(text)).as_bytes());
    }
}
