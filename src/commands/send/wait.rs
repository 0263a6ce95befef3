//! Waits for the targets to exit, and sends further signals to those that do not.

use std::time::{Duration, Instant};

use super::progress::ProgressReporter;
use super::{
    EscalationResult, KillTimeout, ProgressEvent, SendAttempt, SendRequest, WaitOptions, WaitOutcome,
};
use crate::explain::{self, SendSpec};
use crate::procfs::ProcRoot;
use crate::select;
use crate::signal::Signal;
use crate::signal::exit_status::Termination;
use crate::sys::io::reader;
use crate::sys::process::pidfd::{self, PidFd};

/// The interval of status line updates.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Waits until every target has exited. When the wait times out, reports why the
/// remaining targets are alive, sends them the next signal, and waits again.
pub(super) fn wait_and_escalate(
    attempts: &mut [SendAttempt],
    request: &SendRequest,
    wait: &WaitOptions,
    start: Instant,
    reporter: &mut ProgressReporter<'_, '_>,
) {
    let mut alive: Vec<usize> =
        (0..attempts.len()).filter(|index| attempts[*index].pidfd.is_some()).collect();
    let total = alive.len();
    let mut signal = request.signal;
    let mut timeout = wait.timeout;
    let mut escalations = wait.escalations.iter();
    loop {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        wait_for_exits(attempts, &mut alive, deadline, start, total, reporter);
        if alive.is_empty() {
            return;
        }
        for index in &alive {
            let attempt = &mut attempts[*index];
            attempt.wait_outcome = Some(WaitOutcome::Alive {
                elapsed: start.elapsed(),
                reason: survival_reason(attempt, request, signal),
            });
            reporter.report(&ProgressEvent::WaitUpdate(attempt));
        }
        let Some(next) = escalations.next() else { return };
        (signal, timeout) = (Some(next.signal), next.timeout);
        reporter.report(&ProgressEvent::Escalating(next.signal, alive.len()));
        for index in &alive {
            let attempt = &mut attempts[*index];
            if let Some(pidfd) = &attempt.pidfd {
                // A failure is harmless: the process may have exited meanwhile.
                let sent = pidfd.send(signal, request.value).is_ok();
                attempt.escalations.push(EscalationResult {
                    signal: next.signal,
                    elapsed: start.elapsed(),
                    sent,
                });
            }
        }
    }
}

/// Waits until all targets in `alive` have exited, or the deadline has passed.
/// Removes those that have exited. `total`: the initial number of targets.
fn wait_for_exits(
    attempts: &mut [SendAttempt],
    alive: &mut Vec<usize>,
    deadline: Option<Instant>,
    start: Instant,
    total: usize,
    reporter: &mut ProgressReporter<'_, '_>,
) {
    while !alive.is_empty() {
        let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let poll_timeout = match remaining {
            _ if !reporter.shows_progress() => remaining,
            Some(remaining) => Some(remaining.min(PROGRESS_INTERVAL)),
            None => Some(PROGRESS_INTERVAL),
        };
        let pidfds: Vec<&PidFd> = alive.iter().filter_map(|index| attempts[*index].pidfd.as_ref()).collect();
        let Ok(exited) = pidfd::wait_for_exits(&pidfds, poll_timeout) else { return };
        let elapsed = start.elapsed();
        let mut exited = exited.into_iter();
        alive.retain(|index| {
            if !exited.next().unwrap_or(false) {
                return true;
            }
            let attempt = &mut attempts[*index];
            attempt.wait_outcome = Some(WaitOutcome::Exited { elapsed, termination: termination(attempt) });
            reporter.report(&ProgressEvent::WaitUpdate(attempt));
            false
        });
        reporter.update_progress(total - alive.len(), total, remaining);
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            return;
        }
    }
}

/// The exit status, or the signal that killed the process.
fn termination(attempt: &SendAttempt) -> Option<Termination> {
    select::read_termination(attempt.pid?, attempt.pidfd.as_ref()?)
}

/// The reason that a process is still alive.
fn survival_reason(
    attempt: &SendAttempt,
    request: &SendRequest,
    signal: Option<Signal>,
) -> Option<explain::effect::survivor::SurvivalReason> {
    let snapshot = ProcRoot::default().snapshot(attempt.pid?, signal, reader::read).ok()?;
    // Only the first signal goes to the thread; later ones go to the process.
    let tid = attempt.tid.filter(|_| attempt.escalations.is_empty());
    let has_value = request.value.is_some();
    Some(explain::survival_reason(&snapshot, signal.map(|signal| SendSpec { signal, tid, has_value })))
}

/// Sends the signals of `kill --timeout`, each after its delay, to the targets that
/// are still alive.
pub(super) fn send_kill_timeouts(
    attempts: &mut [SendAttempt],
    request: &SendRequest,
    reporter: &mut ProgressReporter<'_, '_>,
) {
    for KillTimeout { delay, signal } in &request.kill_options.timeouts {
        let deadline = Instant::now() + *delay;
        for attempt in attempts.iter_mut() {
            let remaining = deadline.saturating_duration_since(Instant::now());
            // If waiting fails, the process counts as alive.
            attempt.pidfd =
                attempt.pidfd.take().filter(|pidfd| !pidfd.wait_for_exit(remaining).unwrap_or(false));
        }
        for attempt in attempts.iter() {
            let Some(pidfd) = &attempt.pidfd else { continue };
            // A failure is harmless: the process may have exited meanwhile.
            if pidfd.send(*signal, request.value).is_ok() && request.kill_options.verbose {
                let target = attempt.pid.map(|pid| pid.to_string()).unwrap_or_default();
                reporter.report(&ProgressEvent::KillSending { target, signal: *signal, after_timeout: true });
            }
        }
    }
}
