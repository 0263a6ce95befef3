//! What follows the signal: waiting for the targets to end, and further signals
//! to those that do not.

use std::time::{Duration, Instant};

use super::teller::Teller;
use super::{Attempt, Fate, FollowUp, Followed, News, Request, Wait};
use crate::explain::{self, Sending};
use crate::proc::Root;
use crate::select;
use crate::signal::Signal;
use crate::signal::exit::Ending;
use crate::sys::pidfd::{PidFd, wait_for_ends};
use crate::sys::reader;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// Waits until every target has ended; when the time has run out, says why
/// those that live do so, and sends them what is to follow.
pub(super) fn wait(
    attempts: &mut [Attempt],
    request: &Request,
    wait: &Wait,
    began: Instant,
    teller: &mut Teller<'_, '_>,
) {
    let mut alive: Vec<usize> = (0..attempts.len()).filter(|index| attempts[*index].held.is_some()).collect();
    let of = alive.len();
    let mut signal = request.signal;
    let mut time = wait.time;
    let mut then = wait.then.iter();
    loop {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        wait_until(attempts, &mut alive, end, began, of, teller);
        if alive.is_empty() {
            return;
        }
        for index in &alive {
            let attempt = &mut attempts[*index];
            attempt.fate = Some(Fate::Alive { after: began.elapsed(), why: why(attempt, request, signal) });
            teller.tell(&News::Fate(attempt));
        }
        let Some(next) = then.next() else { return };
        (signal, time) = (Some(next.signal), next.time);
        teller.tell(&News::Then(next.signal, alive.len()));
        for index in &alive {
            let attempt = &mut attempts[*index];
            if let Some(held) = &attempt.held {
                // It may have ended just now, which is as good.
                let sent = held.send(signal, request.value).is_ok();
                attempt.followed.push(Followed { signal: next.signal, after: began.elapsed(), sent });
            }
        }
    }
}

/// Waits for the end of those that are alive, until a time; `None` is for ever.
fn wait_until(
    attempts: &mut [Attempt],
    alive: &mut Vec<usize>,
    end: Option<Instant>,
    began: Instant,
    of: usize,
    teller: &mut Teller<'_, '_>,
) {
    while !alive.is_empty() {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let tick = match left {
            Some(left) if !teller.shows_progress() => Some(left),
            None if !teller.shows_progress() => None,
            left => Some(left.map_or(TICK, |left| left.min(TICK))),
        };
        let held: Vec<&PidFd> = alive.iter().filter_map(|index| attempts[*index].held.as_ref()).collect();
        let Ok(ended) = wait_for_ends(&held, tick) else { return };
        let after = began.elapsed();
        let mut ended = ended.into_iter();
        alive.retain(|index| {
            if !ended.next().unwrap_or(false) {
                return true;
            }
            let attempt = &mut attempts[*index];
            attempt.fate = Some(Fate::Ended { after, ending: ending(attempt) });
            teller.tell(&News::Fate(attempt));
            false
        });
        teller.progress(of - alive.len(), of, left);
        if left.is_some_and(|left| left.is_zero()) {
            return;
        }
    }
}

/// How a process has ended.
fn ending(attempt: &Attempt) -> Option<Ending> {
    select::ending(attempt.pid?, attempt.held.as_ref()?)
}

/// Why a process is alive.
fn why(attempt: &Attempt, request: &Request, signal: Option<Signal>) -> Option<explain::alive::Alive> {
    let situation = Root::default().situation(attempt.pid?, signal, reader::read).ok()?;
    // What follows goes to the process, also where the first went to a thread.
    let thread = attempt.tid.filter(|_| attempt.followed.is_empty());
    let queued = request.value.is_some();
    Some(explain::why_alive(&situation, signal.map(|signal| Sending { signal, thread, queued })))
}

/// Signals to what is still alive, each some time after the one before, as
/// kill(1) asks for it.
pub(super) fn follow_up(attempts: &mut [Attempt], request: &Request, teller: &mut Teller<'_, '_>) {
    for FollowUp { after, signal } in &request.extras.follow_ups {
        let end = Instant::now() + *after;
        for attempt in attempts.iter_mut() {
            let left = end.saturating_duration_since(Instant::now());
            // A descriptor that cannot be waited for is one that may still live.
            attempt.held = attempt.held.take().filter(|held| !held.wait(left).unwrap_or(false));
        }
        for attempt in attempts.iter() {
            let Some(held) = &attempt.held else { continue };
            // It may have ended just now, which is as good.
            if held.send(*signal, request.value).is_ok() && request.extras.verbose {
                let to = attempt.pid.map(|pid| pid.to_string()).unwrap_or_default();
                teller.tell(&News::Sending { to, signal: *signal, timeout: true });
            }
        }
    }
}
