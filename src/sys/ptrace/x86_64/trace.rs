//! The helper that traces: every thread of a process, until the last has ended
//! or the helper is ended.
//!
//! It may be ended at any moment: it changes nothing that would have to be
//! restored, and it leaves what it waits for unwaited for (WNOWAIT). A thread
//! whose tracer ends goes on with the signal that it was stopped for, unless
//! that was waited for (`ptrace_stop` in kernel/signal.c).

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use libc::pid_t;

use super::call::{self, Signals, bit};
use super::outlet::Outlet;
use super::record;
use super::stops::Counted;
use super::text::{self, Text};
use super::tracee::{Stop, Tracee, event, option};
use super::visit::Fault;
use crate::sys::deliver::check;

const OPTIONS: u64 = option::TRACECLONE | option::TRACEEXEC;
/// Signals that stop a process.
const STOPS: u64 = bit(libc::SIGSTOP) | bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);

/// How often, and how long apart, it is tried to trace what is denied.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(2);

/// What the helper works with, made before it is forked.
pub(super) struct Trace<'a> {
    pub(super) pid: pid_t,
    pub(super) outlet: Outlet,
    pub(super) text: Text,
    /// Where folders are read into.
    pub(super) entries: Box<[u8]>,
    /// How long threads stand still.
    pub(super) stops: &'a Counted,
    /// Whether it was told that a signal has stopped the process, which it does
    /// thread by thread.
    pub(super) is_stopped: bool,
}

impl Trace<'_> {
    /// Traces until nothing is left to be traced.
    pub(super) fn run(&mut self) {
        let nothing = [0; 128];
        match self.attach() {
            Ok(()) => self.outlet.tell(record::ATTACHED, 0, 0, &nothing),
            Err((fault, tid)) => {
                self.outlet.tell(record::REFUSED, tid, u64::from(fault as u32), &nothing);
                return;
            }
        }
        loop {
            match wait() {
                Ok((tid, Some(stop))) => {
                    let begin = Instant::now();
                    self.meet(Tracee(tid), stop);
                    // A stop of job control's is no doing of ours.
                    if !matches!(stop, Stop::Asked(signal) if is_stop(signal)) {
                        self.stops.add(begin.elapsed());
                    }
                }
                Ok((tid, None)) => self.bury(tid),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.outlet.offer(),
                // There is nobody left.
                Err(_) => break,
            }
            if self.stops.is_over() {
                // Whoever is traced goes on when this process ends.
                self.outlet.offer();
                return;
            }
        }
        self.outlet.finish();
    }

    /// Begins to trace every thread. What is denied for a moment only, by an exec
    /// or the end of another tracer, is tried again.
    fn attach(&mut self) -> Result<(), (Fault, pid_t)> {
        let (mut tries, mut found) = (0..TRIES, false);
        loop {
            match self.attach_all(&mut found) {
                Err((Fault::Denied, _)) if tries.next().is_some() => std::thread::sleep(PAUSE),
                attached => return attached,
            }
        }
    }

    /// Those that threads start meanwhile come by themselves, or are found by the
    /// next pass. `found`: whether any has been.
    fn attach_all(&mut self, found: &mut bool) -> Result<(), (Fault, pid_t)> {
        // SAFETY: getpid(2) takes nothing and cannot fail.
        let own = unsafe { libc::getpid() };
        loop {
            let mut new = false;
            let folder = text::open_folder(self.pid).map_err(|_| (Fault::Gone, self.pid))?;
            let mut failed = None;
            loop {
                let Ok(Some(entries)) = text::entries(folder, &mut self.entries) else { break };
                for tid in entries {
                    match seize(self.pid, tid, own, &mut self.text) {
                        Ok(seized) => new |= seized,
                        Err(fault) => failed = Some((fault, tid)),
                    }
                }
                if failed.is_some() {
                    break;
                }
            }
            text::close(folder);
            *found |= new;
            if let Some(fault) = failed {
                return Err(fault);
            }
            if !new {
                return if *found { Ok(()) } else { Err((Fault::Gone, self.pid)) };
            }
        }
    }

    /// A thread stands still: tells why, and lets it go on.
    fn meet(&mut self, tracee: Tracee, stop: Stop) {
        if stop == Stop::Event(event::EXEC) {
            // A thread that has taken the number of the main thread is not
            // answered for before this is waited for (`ptrace_check_attach` in
            // kernel/ptrace.c); it goes on all the same where the tracer ends.
            let _ = tracee.take();
        }
        // What fails from here on, fails because the thread was killed.
        let _ = match stop {
            Stop::Delivery(signal) => self.deliver(tracee, signal),
            Stop::Asked(signal) if is_stop(signal) => {
                self.stopped(tracee, signal);
                tracee.listen()
            }
            // It is new, or has been continued. clone(2) also starts processes
            // that look like threads at first.
            Stop::Asked(_) if !text::is_thread(self.pid, tracee.0) => tracee.detach(),
            Stop::Event(event::CLONE) => {
                let new = tracee.message().unwrap_or(0) as pid_t;
                if text::is_thread(self.pid, new) {
                    self.outlet.tell(record::THREAD, new, 0, &[0; 128]);
                }
                tracee.cont(0)
            }
            Stop::Event(event::EXEC) => {
                let former = tracee.message().unwrap_or(0);
                self.outlet.tell(record::EXEC, tracee.0, former, &[0; 128]);
                tracee.cont(0)
            }
            Stop::Asked(_) => {
                self.is_stopped = false;
                self.begin_again(tracee, 0);
                tracee.cont(0)
            }
            _ => tracee.cont(0),
        };
    }

    fn deliver(&mut self, tracee: Tracee, signal: c_int) -> io::Result<()> {
        let info = tracee.siginfo()?;
        self.outlet.tell(record::DELIVERED, tracee.0, 0, &info);
        self.begin_again(tracee, if (1..=64).contains(&signal) { bit(signal) } else { 0 });
        tracee.cont(signal)
    }

    /// A thread is stopped by a signal, with all others.
    fn stopped(&mut self, tracee: Tracee, signal: c_int) {
        if !self.is_stopped && text::is_thread(self.pid, tracee.0) {
            self.is_stopped = true;
            self.outlet.tell(record::STOPPED, tracee.0, u64::from(signal.cast_unsigned()), &[0; 128]);
        }
    }

    /// An ignored signal would not have interrupted the thread, had it not been
    /// traced.
    fn begin_again(&mut self, tracee: Tracee, delivered: u64) {
        // Filters may be set at any time.
        call::begin_again(tracee, true, || {
            let status = self.text.status(self.pid, tracee.0).ok()?;
            Some(Signals {
                pending: status.pending | status.shared_pending | delivered,
                // What is delivered is not blocked, whatever the mask is by now.
                blocked: status.blocked & !delivered,
                ignored: status.ignored,
                caught: status.caught,
                filters: status.filters,
            })
        });
    }

    /// Tells how a thread has ended, and gives it free: its parent waits.
    fn bury(&mut self, tid: pid_t) {
        let mut status: c_int = 0;
        // SAFETY: waitpid(2) fills in the status.
        let answer = unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL | libc::WNOHANG) };
        if answer == tid {
            self.outlet.tell(record::ENDED, tid, u64::from(status.cast_unsigned()), &[0; 128]);
        }
    }
}

/// Whether this is a signal of job control's, which a thread is stopped by.
fn is_stop(signal: c_int) -> bool {
    (1..=64).contains(&signal) && STOPS & bit(signal) != 0
}

/// Begins to trace a thread; whether that is new.
fn seize(pid: pid_t, tid: pid_t, own: pid_t, text: &mut Text) -> Result<bool, Fault> {
    let Err(error) = Tracee(tid).seize(OPTIONS) else { return Ok(true) };
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => match text.status(pid, tid) {
            // It is dead, or traced by us already.
            Ok(status) if status.is_ended() || status.tracer == own as u32 => Ok(false),
            Ok(_) => Err(Fault::Denied),
            Err(_) => Ok(false),
        },
        Some(libc::ESRCH) => Ok(false),
        _ => Err(Fault::of(error)),
    }
}

/// The next thread that stands still, or has ended: without a stop.
fn wait() -> io::Result<(pid_t, Option<Stop>)> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    // SAFETY: waitid(2) fills in a whole siginfo_t, or leaves its zeroes, which
    // are valid; the fields are those that it sets.
    unsafe {
        check(libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options).into())?;
        let info = info.assume_init();
        let is_stopped = info.si_code == libc::CLD_TRAPPED || info.si_code == libc::CLD_STOPPED;
        let status = info.si_status();
        Ok((info.si_pid(), is_stopped.then(|| Stop::of(status & 0xff, status >> 8))))
    }
}
