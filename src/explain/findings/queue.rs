//! The finding that the signal queue of the user is nearly full.

use super::finding::{Finding, FindingId, Severity, format_process};
use crate::procfs::ProcStatus;
use crate::procfs::context::{ProcessContext, QUEUE_NEARLY_FULL_PERCENT};

/// Finds that the signal queue is nearly as long as the limit of the process allows.
pub(super) fn queue_finding(status: &ProcStatus, context: &ProcessContext) -> Option<Finding> {
    let queue = status
        .queue_usage
        .filter(|queue| queue.used * 100 >= queue.limit.saturating_mul(QUEUE_NEARLY_FULL_PERCENT))?;
    let uid = status.uids.map_or_else(String::new, |(real, _)| format!(" of uid {real}"));
    let summary = format!(
        "the signal queue{uid} holds {} of the {} that this process may bring it to",
        queue.used, queue.limit
    );
    let mut explanation = String::from(
        "when it is full, sigqueue(3) and timer_create(2) fail (EAGAIN), and real-time signals lose their sender and value",
    );
    if let Some(timers) = context.timer_count.filter(|timers| *timers > 0) {
        explanation.push_str(&format!("; it has {timers} POSIX timers itself, each of which keeps a place"));
    }
    let consumers: Vec<String> = context
        .queue_consumers
        .iter()
        .map(|consumer| {
            let timers =
                consumer.timer_count.filter(|timers| *timers > 0).map(|timers| format!("{timers} timers"));
            let pending = consumer.has_pending_realtime.then(|| "real-time signals pending".to_owned());
            let uses: Vec<String> = timers.into_iter().chain(pending).collect();
            format!("{}: {}", format_process(consumer.pid, consumer.name.as_ref()), uses.join(", "))
        })
        .collect();
    let advice = (!consumers.is_empty()).then(|| format!("look at who holds it: {}", consumers.join("; ")));
    let is_full = queue.used >= queue.limit;
    let severity = if is_full { Severity::Problem } else { Severity::Warning };
    Some(Finding::new(FindingId::QueueNearlyFull, severity, summary, explanation, advice))
}
