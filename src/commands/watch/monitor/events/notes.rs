//! Notes for standard error about the event backend and its cost.

use std::time::Duration;

use crate::duration;
use crate::inspect::events::StopStats;
use crate::inspect::{Backend, BackendError};
use crate::out::escape_name;

/// Returns the properties of a backend that the user must know.
pub(in crate::commands::watch::monitor) fn backend_notes(backend: Backend) -> &'static [&'static str] {
    match backend {
        Backend::Bpf => &["reporting signals when sent, using BPF; processes are not stopped"],
        Backend::Ptrace => &[
            "reporting delivered signals, using ptrace; each one stops its process",
            "cannot report KILL, blocked signals, or those read by sigwait or signalfd",
            "senders are unverified (a process can forge them)",
        ],
    }
}

/// Returns the reason why only sampling is used, and an alternative.
pub(in crate::commands::watch::monitor) fn fallback_notes(error: &BackendError) -> [String; 2] {
    [
        format!("signals are not reported because {}", error.reason),
        "use --backend ptrace to report delivered signals (stops the process)".to_owned(),
    ]
}

/// Returns how often and how long the tracer stopped a process:
/// `stopped 1234 (worker) 17 times: longest 41 us, total 0.4 ms`.
pub(in crate::commands::watch::monitor) fn tracer_stops_note(
    pid: u32,
    name: &[u8],
    stops: &StopStats,
) -> String {
    let StopStats { count, longest, total } = *stops;
    let name = escape_name(name);
    let (longest, total) = (duration::format_micros(longest), duration::format_micros(total));
    match count {
        0 => format!("never stopped {pid} ({name})"),
        1 => format!("stopped {pid} ({name}) once, for {longest}"),
        _ => format!("stopped {pid} ({name}) {count} times: longest {longest}, total {total}"),
    }
}

/// Formats the time between two samples as `100 ms`, `2 s` or `1m30s`.
pub(in crate::commands::watch::monitor) fn format_interval(interval: Duration) -> String {
    match interval.as_micros() {
        micros @ ..1_000_000 => format!("{} ms", micros as f64 / 1e3),
        micros @ ..60_000_000 => format!("{} s", micros as f64 / 1e6),
        _ => duration::format(interval),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn interval_has_number_and_unit() {
        for (micros, text) in
            [(100_000, "100 ms"), (1_100, "1.1 ms"), (2_000_000, "2 s"), (90_000_000, "1m30s")]
        {
            assert_eq!(format_interval(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn tracer_stops_note_is_a_sentence() {
        let note = |count, longest, total| {
            let (longest, total) = (Duration::from_micros(longest), Duration::from_micros(total));
            tracer_stops_note(7, b"wor\nker", &StopStats { count, longest, total })
        };
        assert_eq!(note(0, 0, 0), "never stopped 7 (wor\\nker)");
        assert_eq!(note(1, 41, 41), "stopped 7 (wor\\nker) once, for 41 us");
        assert_eq!(note(17, 41, 400), "stopped 7 (wor\\nker) 17 times: longest 41 us, total 0.4 ms");
        assert_eq!(note(9, 100, 999_960), "stopped 7 (wor\\nker) 9 times: longest 0.1 ms, total 1.0 s");
    }
}
