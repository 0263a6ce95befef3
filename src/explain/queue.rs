//! Whether the queue of a user is nearly full, and by whose doing.

use super::finding::{Finding, FindingId, Severity};
use super::findings::{format_process, new_finding};
use crate::procfs::ProcStatus;
use crate::procfs::context::{ProcessContext, QUEUE_NEARLY_FULL_PERCENT};

/// The finding, where the queue is close to the process's own limit.
pub(super) fn queue_finding(status: &ProcStatus, around: &ProcessContext) -> Option<Finding> {
    let queue = status
        .queue_usage
        .filter(|queue| queue.used * 100 >= queue.limit.saturating_mul(QUEUE_NEARLY_FULL_PERCENT))?;
    let full = queue.used >= queue.limit;
    let uid = status.uids.map_or_else(String::new, |(real, _)| format!(" of uid {real}"));
    let what = format!(
        "the signal queue{uid} holds {} of the {} that this process may bring it to",
        queue.used, queue.limit
    );
    let mut why = String::from(
        "when it is full, sigqueue(3) and timer_create(2) fail (EAGAIN), and real-time signals lose their sender and value",
    );
    if let Some(timers) = around.timer_count.filter(|timers| *timers > 0) {
        why.push_str(&format!("; it has {timers} POSIX timers itself, each of which keeps a place"));
    }
    let holders: Vec<String> = around
        .queue_consumers
        .iter()
        .map(|holder| {
            let timers =
                holder.timer_count.filter(|timers| *timers > 0).map(|timers| format!("{timers} timers"));
            let pending = holder.has_pending_realtime.then(|| "real-time signals pending".to_owned());
            let held: Vec<String> = timers.into_iter().chain(pending).collect();
            format!("{}: {}", format_process(holder.pid, holder.name.as_ref()), held.join(", "))
        })
        .collect();
    let todo = (!holders.is_empty()).then(|| format!("look at who holds it: {}", holders.join("; ")));
    let severity = if full { Severity::Problem } else { Severity::Warning };
    Some(new_finding(FindingId::QueueNearlyFull, severity, what, why, todo))
}
