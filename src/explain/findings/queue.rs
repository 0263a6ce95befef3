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
    let is_full = queue.used >= queue.limit;
    let (fullness, when) = if is_full { ("full", "While") } else { ("nearly full", "When") };
    let summary = format!(
        "The signal queue{uid} is {fullness} ({} of {} signals, the limit of this process)",
        queue.used, queue.limit
    );
    let mut explanation = format!(
        "{when} it is full, sigqueue(3) and timer_create(2) fail with EAGAIN, and real-time signals lose their sender \
         and value"
    );
    if let Some(timers) = context.timer_count.filter(|timers| *timers > 0) {
        explanation.push_str(&format!(". This process has {timers} POSIX timers, and each uses one entry"));
    }
    let consumers: Vec<String> = context
        .queue_consumers
        .iter()
        .map(|consumer| {
            let timers = consumer
                .timer_count
                .filter(|timers| *timers > 0)
                .map(|timers| format!("{timers} POSIX timers"));
            let pending = consumer.has_pending_realtime.then(|| "pending real-time signals".to_owned());
            let uses: Vec<String> = timers.into_iter().chain(pending).collect();
            format!("{} with {}", format_process(consumer.pid, consumer.name.as_ref()), uses.join(" and "))
        })
        .collect();
    let advice =
        (!consumers.is_empty()).then(|| format!("Check the processes that use it: {}", consumers.join(", ")));
    let severity = if is_full { Severity::Problem } else { Severity::Warning };
    Some(Finding::new(FindingId::QueueNearlyFull, severity, summary, explanation, advice))
}
