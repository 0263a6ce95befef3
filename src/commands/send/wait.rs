//! What follows the signal: waiting for the targets to end, and further signals
//! to those that do not.

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

/// How often progress is shown.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Waits until every target has ended; when the time has run out, says why
/// those that live do so, and sends them what is to follow.
pub(super) fn wait_and_escalate(
    attempts: &mut [SendAttempt],
    request: &SendRequest,
    wait: &WaitOptions,
    began: Instant,
    teller: &mut ProgressReporter<'_, '_>,
) {
    let mut alive: Vec<usize> =
        (0..attempts.len()).filter(|index| attempts[*index].pidfd.is_some()).collect();
    let of = alive.len();
    let mut signal = request.signal;
    let mut time = wait.timeout;
    let mut then = wait.escalations.iter();
    loop {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        wait_for_exits(attempts, &mut alive, end, began, of, teller);
        if alive.is_empty() {
            return;
        }
        for index in &alive {
            let attempt = &mut attempts[*index];
            attempt.wait_outcome = Some(WaitOutcome::Alive {
                elapsed: began.elapsed(),
                reason: survival_reason(attempt, request, signal),
            });
            teller.report(&ProgressEvent::WaitUpdate(attempt));
        }
        let Some(next) = then.next() else { return };
        (signal, time) = (Some(next.signal), next.timeout);
        teller.report(&ProgressEvent::Escalating(next.signal, alive.len()));
        for index in &alive {
            let attempt = &mut attempts[*index];
            if let Some(held) = &attempt.pidfd {
                // It may have ended just now, which is as good.
                let sent = held.send(signal, request.value).is_ok();
                attempt.escalations.push(EscalationResult {
                    signal: next.signal,
                    elapsed: began.elapsed(),
                    sent,
                });
            }
        }
    }
}

/// Waits for the end of those that are alive, until a time; `None` is for ever.
fn wait_for_exits(
    attempts: &mut [SendAttempt],
    alive: &mut Vec<usize>,
    end: Option<Instant>,
    began: Instant,
    of: usize,
    teller: &mut ProgressReporter<'_, '_>,
) {
    while !alive.is_empty() {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let tick = match left {
            Some(left) if !teller.shows_progress() => Some(left),
            None if !teller.shows_progress() => None,
            left => Some(left.map_or(PROGRESS_INTERVAL, |left| left.min(PROGRESS_INTERVAL))),
        };
        let held: Vec<&PidFd> = alive.iter().filter_map(|index| attempts[*index].pidfd.as_ref()).collect();
        let Ok(ended) = pidfd::wait_for_exits(&held, tick) else { return };
        let after = began.elapsed();
        let mut ended = ended.into_iter();
        alive.retain(|index| {
            if !ended.next().unwrap_or(false) {
                return true;
            }
            let attempt = &mut attempts[*index];
            attempt.wait_outcome =
                Some(WaitOutcome::Exited { elapsed: after, termination: termination(attempt) });
            teller.report(&ProgressEvent::WaitUpdate(attempt));
            false
        });
        teller.update_progress(of - alive.len(), of, left);
        if left.is_some_and(|left| left.is_zero()) {
            return;
        }
    }
}

/// How a process has ended.
fn termination(attempt: &SendAttempt) -> Option<Termination> {
    select::read_termination(attempt.pid?, attempt.pidfd.as_ref()?)
}

/// Why a process is alive.
fn survival_reason(
    attempt: &SendAttempt,
    request: &SendRequest,
    signal: Option<Signal>,
) -> Option<explain::effect::survivor::SurvivalReason> {
    let situation = ProcRoot::default().snapshot(attempt.pid?, signal, reader::read).ok()?;
    // What follows goes to the process, also where the first went to a thread.
    let thread = attempt.tid.filter(|_| attempt.escalations.is_empty());
    let queued = request.value.is_some();
    Some(explain::survival_reason(
        &situation,
        signal.map(|signal| SendSpec { signal, tid: thread, has_value: queued }),
    ))
}

/// Signals to what is still alive, each some time after the one before, as
/// kill(1) asks for it.
pub(super) fn send_kill_timeouts(
    attempts: &mut [SendAttempt],
    request: &SendRequest,
    teller: &mut ProgressReporter<'_, '_>,
) {
    for KillTimeout { delay: after, signal } in &request.kill_options.timeouts {
        let end = Instant::now() + *after;
        for attempt in attempts.iter_mut() {
            let left = end.saturating_duration_since(Instant::now());
            // A descriptor that cannot be waited for is one that may still live.
            attempt.pidfd = attempt.pidfd.take().filter(|held| !held.wait_for_exit(left).unwrap_or(false));
        }
        for attempt in attempts.iter() {
            let Some(held) = &attempt.pidfd else { continue };
            // It may have ended just now, which is as good.
            if held.send(*signal, request.value).is_ok() && request.kill_options.verbose {
                let to = attempt.pid.map(|pid| pid.to_string()).unwrap_or_default();
                teller.report(&ProgressEvent::KillSending {
                    target: to,
                    signal: *signal,
                    after_timeout: true,
                });
            }
        }
    }
}
