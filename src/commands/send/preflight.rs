//! Questions about a target that are answered before it is signalled: the
//! effect of the signal, and whether the target has a handler.

use super::proc_lookup::ProcLookup;
use super::{SendAttempt, SendRequest};
use crate::explain::{self, Effect, SendSpec};
use crate::signal::consts::CONT;
use crate::sys::io::reader;

/// The effect that the signal will have on the target.
pub(super) fn predict_effect(
    request: &SendRequest,
    proc: &ProcLookup,
    attempt: &SendAttempt,
) -> Option<Effect> {
    let Some(signal) = request.signal else { return Some(Effect::NullSignal) };
    let pid = attempt.pid.filter(|_| proc.is_native())?;
    let snapshot = proc.root.snapshot(pid, Some(signal), reader::read).ok()?;
    let has_value = request.value.is_some();
    Some(explain::predict_effect(&snapshot, SendSpec { signal, tid: attempt.tid, has_value }))
}

/// Whether the process catches the signal. The null signal needs no handler.
pub(super) fn catches_signal(request: &SendRequest, proc: &ProcLookup, attempt: &SendAttempt) -> bool {
    let (Some(signal), Some(pid)) = (request.signal, attempt.pid) else { return true };
    let caught = proc.status(pid).and_then(|status| status.caught);
    caught.is_some_and(|caught| caught.contains(signal))
}

/// Whether the signal is CONT and the target is in sigtool's own session. kill(2)
/// permits that regardless of the UIDs.
pub(super) fn is_cont_within_session(
    request: &SendRequest,
    proc: &ProcLookup,
    attempt: &SendAttempt,
) -> bool {
    let session_of = |pid: u32| proc.root.stat(pid).ok().map(|stat| stat.session);
    request.signal == Some(CONT)
        && proc.is_native()
        && attempt
            .pid
            .and_then(session_of)
            .is_some_and(|session| Some(session) == session_of(std::process::id()))
}
