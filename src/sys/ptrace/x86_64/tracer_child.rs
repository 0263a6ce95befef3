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

use super::event_pipe::EventPipe;
use super::inspect_thread::InspectError;
use super::procfs_noalloc::{self, ThreadFileReader};
use super::record;
use super::stop_stats::StopCounter;
use super::syscall_restart::{self, ThreadSignals, bit};
use super::tracee::{Tracee, TraceeStop, event, option};
use crate::sys::signal::send::check_syscall;

const TRACE_OPTIONS: u64 = option::TRACECLONE | option::TRACEEXEC;
/// Signals that stop a process.
const STOP_SIGNALS: u64 = bit(libc::SIGSTOP) | bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);

/// How often, and how long apart, it is tried to trace what is denied.
const MAX_ATTACH_TRIES: u32 = 10;
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// What the helper works with, made before it is forked.
pub(super) struct TracerLoop<'a> {
    pub(super) pid: pid_t,
    pub(super) events: EventPipe,
    pub(super) reader: ThreadFileReader,
    /// Where folders are read into.
    pub(super) dir_buffer: Box<[u8]>,
    /// How long threads stand still.
    pub(super) stops: &'a StopCounter,
    /// Whether it was told that a signal has stopped the process, which it does
    /// thread by thread.
    pub(super) is_stopped: bool,
}

impl TracerLoop<'_> {
    /// Traces until nothing is left to be traced.
    pub(super) fn run(&mut self) {
        let nothing = [0; 128];
        match self.attach() {
            Ok(()) => self.events.report(record::ATTACHED, 0, 0, &nothing),
            Err((fault, tid)) => {
                self.events.report(record::REFUSED, tid, u64::from(fault as u32), &nothing);
                return;
            }
        }
        loop {
            match wait_any() {
                Ok((tid, Some(stop))) => {
                    let begin = Instant::now();
                    self.handle_stop(Tracee(tid), stop);
                    // A stop of job control's is no doing of ours.
                    if !matches!(stop, TraceeStop::EventStop(signal) if is_stop_signal(signal)) {
                        self.stops.add(begin.elapsed());
                    }
                }
                Ok((tid, None)) => self.reap(tid),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.flush(),
                // There is nobody left.
                Err(_) => break,
            }
            if self.stops.is_cancelled() {
                // Whoever is traced goes on when this process ends.
                self.events.flush();
                return;
            }
        }
        self.events.finish();
    }

    /// Begins to trace every thread. What is denied for a moment only, by an exec
    /// or the end of another tracer, is tried again.
    fn attach(&mut self) -> Result<(), (InspectError, pid_t)> {
        let (mut tries, mut found) = (0..MAX_ATTACH_TRIES, false);
        loop {
            match self.attach_all(&mut found) {
                Err((InspectError::Denied, _)) if tries.next().is_some() => std::thread::sleep(RETRY_PAUSE),
                attached => return attached,
            }
        }
    }

    /// Those that threads start meanwhile come by themselves, or are found by the
    /// next pass. `found`: whether any has been.
    fn attach_all(&mut self, found: &mut bool) -> Result<(), (InspectError, pid_t)> {
        // SAFETY: getpid(2) takes nothing and cannot fail.
        let own = unsafe { libc::getpid() };
        loop {
            let mut new = false;
            let folder =
                procfs_noalloc::open_task_dir(self.pid).map_err(|_| (InspectError::Gone, self.pid))?;
            let mut failed = None;
            loop {
                let Ok(Some(entries)) = procfs_noalloc::read_dir_numbers(folder, &mut self.dir_buffer) else {
                    break;
                };
                for tid in entries {
                    match seize_thread(self.pid, tid, own, &mut self.reader) {
                        Ok(seized) => new |= seized,
                        Err(fault) => failed = Some((fault, tid)),
                    }
                }
                if failed.is_some() {
                    break;
                }
            }
            procfs_noalloc::close(folder);
            *found |= new;
            if let Some(fault) = failed {
                return Err(fault);
            }
            if !new {
                return if *found { Ok(()) } else { Err((InspectError::Gone, self.pid)) };
            }
        }
    }

    /// A thread stands still: tells why, and lets it go on.
    fn handle_stop(&mut self, tracee: Tracee, stop: TraceeStop) {
        if stop == TraceeStop::Event(event::EXEC) {
            // A thread that has taken the number of the main thread is not
            // answered for before this is waited for (`ptrace_check_attach` in
            // kernel/ptrace.c); it goes on all the same where the tracer ends.
            let _ = tracee.consume_wait_status();
        }
        // What fails from here on, fails because the thread was killed.
        let _ = match stop {
            TraceeStop::Delivery(signal) => self.handle_delivery(tracee, signal),
            TraceeStop::EventStop(signal) if is_stop_signal(signal) => {
                self.report_group_stop(tracee, signal);
                tracee.listen()
            }
            // It is new, or has been continued. clone(2) also starts processes
            // that look like threads at first.
            TraceeStop::EventStop(_) if !procfs_noalloc::is_thread(self.pid, tracee.0) => tracee.detach(),
            TraceeStop::Event(event::CLONE) => {
                let new = tracee.event_message().unwrap_or(0) as pid_t;
                if procfs_noalloc::is_thread(self.pid, new) {
                    self.events.report(record::THREAD, new, 0, &[0; 128]);
                }
                tracee.cont(0)
            }
            TraceeStop::Event(event::EXEC) => {
                let former = tracee.event_message().unwrap_or(0);
                self.events.report(record::EXEC, tracee.0, former, &[0; 128]);
                tracee.cont(0)
            }
            TraceeStop::EventStop(_) => {
                self.is_stopped = false;
                self.restart_interrupted_call(tracee, 0);
                tracee.cont(0)
            }
            _ => tracee.cont(0),
        };
    }

    fn handle_delivery(&mut self, tracee: Tracee, signal: c_int) -> io::Result<()> {
        let info = tracee.siginfo()?;
        self.events.report(record::DELIVERED, tracee.0, 0, &info);
        self.restart_interrupted_call(tracee, if (1..=64).contains(&signal) { bit(signal) } else { 0 });
        tracee.cont(signal)
    }

    /// A thread is stopped by a signal, with all others.
    fn report_group_stop(&mut self, tracee: Tracee, signal: c_int) {
        if !self.is_stopped && procfs_noalloc::is_thread(self.pid, tracee.0) {
            self.is_stopped = true;
            self.events.report(record::STOPPED, tracee.0, u64::from(signal.cast_unsigned()), &[0; 128]);
        }
    }

    /// An ignored signal would not have interrupted the thread, had it not been
    /// traced.
    fn restart_interrupted_call(&mut self, tracee: Tracee, delivered: u64) {
        // Filters may be set at any time.
        syscall_restart::restart(tracee, true, || {
            let status = self.reader.status(self.pid, tracee.0).ok()?;
            Some(ThreadSignals {
                pending: status.pending | status.shared_pending | delivered,
                // What is delivered is not blocked, whatever the mask is by now.
                blocked: status.blocked & !delivered,
                ignored: status.ignored,
                caught: status.caught,
                is_filtered: status.is_filtered,
            })
        });
    }

    /// Tells how a thread has ended, and gives it free: its parent waits.
    fn reap(&mut self, tid: pid_t) {
        let mut status: c_int = 0;
        // SAFETY: waitpid(2) fills in the status.
        let answer = unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL | libc::WNOHANG) };
        if answer == tid {
            self.events.report(record::ENDED, tid, u64::from(status.cast_unsigned()), &[0; 128]);
        }
    }
}

/// Whether this is a signal of job control's, which a thread is stopped by.
fn is_stop_signal(signal: c_int) -> bool {
    (1..=64).contains(&signal) && STOP_SIGNALS & bit(signal) != 0
}

/// Begins to trace a thread; whether that is new.
fn seize_thread(
    pid: pid_t,
    tid: pid_t,
    own: pid_t,
    text: &mut ThreadFileReader,
) -> Result<bool, InspectError> {
    let Err(error) = Tracee(tid).seize(TRACE_OPTIONS) else { return Ok(true) };
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => match text.status(pid, tid) {
            // It is dead, or traced by us already.
            Ok(status) if status.has_exited() || status.tracer == own as u32 => Ok(false),
            Ok(_) => Err(InspectError::Denied),
            Err(_) => Ok(false),
        },
        Some(libc::ESRCH) => Ok(false),
        _ => Err(InspectError::from_io(error)),
    }
}

/// The next thread that stands still, or has ended: without a stop.
fn wait_any() -> io::Result<(pid_t, Option<TraceeStop>)> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    // SAFETY: waitid(2) fills in a whole siginfo_t, or leaves its zeroes, which
    // are valid; the fields are those that it sets.
    unsafe {
        check_syscall(libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options).into())?;
        let info = info.assume_init();
        let is_stopped = info.si_code == libc::CLD_TRAPPED || info.si_code == libc::CLD_STOPPED;
        let status = info.si_status();
        Ok((info.si_pid(), is_stopped.then(|| TraceeStop::from_status(status & 0xff, status >> 8))))
    }
}
