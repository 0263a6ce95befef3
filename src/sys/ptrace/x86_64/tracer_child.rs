//! The helper that traces every thread of a process, until the last one exits or
//! the helper ends.
//!
//! The helper may be killed at any moment: it changes nothing that must be
//! restored, and it leaves wait statuses unconsumed (WNOWAIT). If a tracer exits, a
//! stopped thread continues with the signal that it was stopped for, unless its
//! wait status was consumed (`ptrace_stop` in kernel/signal.c).

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use libc::pid_t;

use super::event_pipe::EventPipe;
use super::inspect_error::InspectError;
use super::procfs_noalloc::{self, ThreadFileReader};
use super::record;
use super::stop_stats::StopCounter;
use super::syscall_restart::{self, ThreadSignals, bit};
use super::tracee::{Tracee, TraceeStop};
use crate::sys::signal::send::check_syscall;

const TRACE_OPTIONS: c_int = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEEXEC;
/// Signals that stop a process.
const STOP_SIGNALS: u64 = bit(libc::SIGSTOP) | bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);

/// Number of attempts to attach to a thread that is denied, and the pause between
/// them.
const MAX_ATTACH_TRIES: u32 = 10;
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// State of the helper, allocated before it is forked.
pub(super) struct TracerLoop<'a> {
    pub(super) pid: pid_t,
    pub(super) events: EventPipe,
    pub(super) reader: ThreadFileReader,
    /// Buffer for directory entries.
    pub(super) dir_buffer: Box<[u8]>,
    pub(super) stops: &'a StopCounter,
    /// Whether the current stop of the process was already reported; the kernel
    /// reports it for each thread.
    pub(super) is_stopped: bool,
}

impl TracerLoop<'_> {
    /// Traces until no traced thread is left.
    pub(super) fn run(&mut self) {
        let no_siginfo = [0; 128];
        match self.attach() {
            Ok(()) => self.events.report(record::ATTACHED, 0, 0, &no_siginfo),
            Err((error, tid)) => {
                self.events.report(record::REFUSED, tid, u64::from(error as u32), &no_siginfo);
                return;
            }
        }
        loop {
            match wait_any() {
                Ok((tid, Some(stop))) => {
                    let start = Instant::now();
                    self.handle_stop(Tracee(tid), stop);
                    // A job control stop is not caused by the tracer.
                    if !matches!(stop, TraceeStop::EventStop(signal) if is_stop_signal(signal)) {
                        self.stops.add(start.elapsed());
                    }
                }
                Ok((tid, None)) => self.reap(tid),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.flush(),
                // No tracee is left.
                Err(_) => break,
            }
            if self.stops.is_cancelled() {
                // Traced threads continue when this process exits.
                self.events.flush();
                return;
            }
        }
        self.events.finish();
    }

    /// Attaches to every thread. Tries again after EPERM, which an exec or the exit
    /// of another tracer can cause for a moment.
    fn attach(&mut self) -> Result<(), (InspectError, pid_t)> {
        let (mut tries, mut found) = (0..MAX_ATTACH_TRIES, false);
        loop {
            match self.attach_all(&mut found) {
                Err((InspectError::Denied, _)) if tries.next().is_some() => std::thread::sleep(RETRY_PAUSE),
                attached => return attached,
            }
        }
    }

    /// Attaches until a pass finds no new thread. Threads that traced threads start
    /// are traced by TRACECLONE. `found`: whether any thread was attached.
    fn attach_all(&mut self, found: &mut bool) -> Result<(), (InspectError, pid_t)> {
        // SAFETY: getpid(2) takes no arguments and cannot fail.
        let own_pid = unsafe { libc::getpid() };
        loop {
            let mut is_new = false;
            let directory =
                procfs_noalloc::open_task_dir(self.pid).map_err(|_| (InspectError::Gone, self.pid))?;
            let mut failed = None;
            loop {
                let Ok(Some(entries)) = procfs_noalloc::read_dir_numbers(directory, &mut self.dir_buffer)
                else {
                    break;
                };
                for tid in entries {
                    match seize_thread(self.pid, tid, own_pid, &mut self.reader) {
                        Ok(seized) => is_new |= seized,
                        Err(error) => failed = Some((error, tid)),
                    }
                }
                if failed.is_some() {
                    break;
                }
            }
            procfs_noalloc::close(directory);
            *found |= is_new;
            if let Some(error) = failed {
                return Err(error);
            }
            if !is_new {
                return if *found { Ok(()) } else { Err((InspectError::Gone, self.pid)) };
            }
        }
    }

    /// Reports the reason of a stop, and continues the thread.
    fn handle_stop(&mut self, tracee: Tracee, stop: TraceeStop) {
        if stop == TraceeStop::Event(libc::PTRACE_EVENT_EXEC) {
            // If a thread took over the TID of the main thread, requests fail until
            // this status is consumed (`ptrace_check_attach` in kernel/ptrace.c).
            // The thread continues anyway if the tracer exits.
            let _ = tracee.consume_wait_status();
        }
        // Requests fail from here on only if the thread was killed.
        let _ = match stop {
            TraceeStop::Delivery(signal) => self.handle_delivery(tracee, signal),
            TraceeStop::EventStop(signal) if is_stop_signal(signal) => {
                self.report_group_stop(tracee, signal);
                tracee.listen()
            }
            // The thread is new or was continued. clone(2) also starts processes
            // that appear as threads at first.
            TraceeStop::EventStop(_) if !procfs_noalloc::is_thread(self.pid, tracee.0) => tracee.detach(),
            TraceeStop::Event(libc::PTRACE_EVENT_CLONE) => {
                let new_tid = tracee.event_message().unwrap_or(0) as pid_t;
                if procfs_noalloc::is_thread(self.pid, new_tid) {
                    self.events.report(record::THREAD, new_tid, 0, &[0; 128]);
                }
                tracee.cont(0)
            }
            TraceeStop::Event(libc::PTRACE_EVENT_EXEC) => {
                let former_tid = tracee.event_message().unwrap_or(0);
                self.events.report(record::EXEC, tracee.0, former_tid, &[0; 128]);
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

    /// Reports a job control stop of the process, once.
    fn report_group_stop(&mut self, tracee: Tracee, signal: c_int) {
        if !self.is_stopped && procfs_noalloc::is_thread(self.pid, tracee.0) {
            self.is_stopped = true;
            self.events.report(record::STOPPED, tracee.0, u64::from(signal.cast_unsigned()), &[0; 128]);
        }
    }

    /// Restarts a call that only an ignored signal interrupted: without a tracer
    /// the signal would not have interrupted it.
    fn restart_interrupted_call(&mut self, tracee: Tracee, delivered: u64) {
        // A filter may be installed at any time.
        syscall_restart::restart(tracee, true, || {
            let status = self.reader.status(self.pid, tracee.0).ok()?;
            Some(ThreadSignals {
                pending: status.pending | status.shared_pending | delivered,
                // A delivered signal is not blocked, even if the mask has changed
                // since.
                blocked: status.blocked & !delivered,
                ignored: status.ignored,
                caught: status.caught,
                is_filtered: status.is_filtered,
            })
        });
    }

    /// Reports the exit of a thread, and reaps it so that its parent can.
    fn reap(&mut self, tid: pid_t) {
        let mut status: c_int = 0;
        // SAFETY: waitpid(2) fills in the status.
        let reaped = unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL | libc::WNOHANG) };
        if reaped == tid {
            self.events.report(record::ENDED, tid, u64::from(status.cast_unsigned()), &[0; 128]);
        }
    }
}

/// Whether this is a job control signal that stops a process.
fn is_stop_signal(signal: c_int) -> bool {
    (1..=64).contains(&signal) && STOP_SIGNALS & bit(signal) != 0
}

/// Attaches to a thread; returns whether it was not yet traced.
fn seize_thread(
    pid: pid_t,
    tid: pid_t,
    own_pid: pid_t,
    reader: &mut ThreadFileReader,
) -> Result<bool, InspectError> {
    let Err(error) = Tracee(tid).seize(TRACE_OPTIONS) else { return Ok(true) };
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => match reader.status(pid, tid) {
            // The thread is dead, or already traced by this process.
            Ok(status) if status.has_exited() || status.tracer == own_pid as u32 => Ok(false),
            Ok(_) => Err(InspectError::Denied),
            Err(_) => Ok(false),
        },
        Some(libc::ESRCH) => Ok(false),
        _ => Err(InspectError::from_io(error)),
    }
}

/// Waits for the next thread that stops (`Some`) or exits (`None`).
fn wait_any() -> io::Result<(pid_t, Option<TraceeStop>)> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    // SAFETY: waitid(2) fills in a whole siginfo_t or leaves the zeroes, which are
    // valid; the fields are those that it sets.
    unsafe {
        check_syscall(libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options).into())?;
        let info = info.assume_init();
        let is_stopped = info.si_code == libc::CLD_TRAPPED || info.si_code == libc::CLD_STOPPED;
        let status = info.si_status();
        Ok((info.si_pid(), is_stopped.then(|| TraceeStop::from_status(status & 0xff, status >> 8))))
    }
}
