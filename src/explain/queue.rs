//! Whether the queue of a user is nearly full, and by whose doing.

use super::finding::{Finding, Id, Severity};
use super::findings::{finding, named};
use crate::proc::Status;
use crate::proc::surroundings::{NEARLY_FULL, Surroundings};

/// The finding, where the queue is close to the process's own limit.
pub(super) fn finding_of(status: &Status, around: &Surroundings) -> Option<Finding> {
    let queue = status.queue.filter(|queue| queue.used * 100 >= queue.limit.saturating_mul(NEARLY_FULL))?;
    let full = queue.used >= queue.limit;
    let uid = status.uids.map_or_else(String::new, |(real, _)| format!(" of uid {real}"));
    let what = format!(
        "the signal queue{uid} holds {} of the {} that this process may bring it to",
        queue.used, queue.limit
    );
    let mut why = String::from(
        "when it is full, sigqueue(3) and timer_create(2) fail (EAGAIN), and real-time signals lose their sender and value",
    );
    if let Some(timers) = around.timers.filter(|timers| *timers > 0) {
        why.push_str(&format!("; it has {timers} POSIX timers itself, each of which keeps a place"));
    }
    let holders: Vec<String> = around
        .holders
        .iter()
        .map(|holder| {
            let timers = holder.timers.filter(|timers| *timers > 0).map(|timers| format!("{timers} timers"));
            let pending = holder.pending.then(|| "real-time signals pending".to_owned());
            let held: Vec<String> = timers.into_iter().chain(pending).collect();
            format!("{}: {}", named(holder.pid, holder.name.as_ref()), held.join(", "))
        })
        .collect();
    let todo = (!holders.is_empty()).then(|| format!("look at who holds it: {}", holders.join("; ")));
    let severity = if full { Severity::Problem } else { Severity::Warning };
    Some(finding(Id::QueueNearlyFull, severity, what, why, todo))
}
