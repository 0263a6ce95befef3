//! Notes for standard error about the event backend and its cost.

use crate::duration;
use crate::inspect::events::StopStats;
use crate::inspect::{Backend, BackendError};
use crate::out::escape_name;

/// Returns the properties of a backend that the user must know.
pub(in crate::commands::watch::monitor) fn backend_notes(backend: Backend) -> &'static [&'static str] {
    match backend {
        Backend::Bpf => &["signals are told when sent, not when taken (BPF; nobody is stopped)"],
        Backend::Ptrace => &[
            "signals are told as they are delivered; each stops the process (ptrace)",
            "KILL is not seen, nor what is blocked, or sigwait or a signalfd takes",
            "who has sent a signal is what it says itself",
        ],
    }
}

/// Returns the reason why only sampling is used, and an alternative.
pub(in crate::commands::watch::monitor) fn fallback_notes(error: &BackendError) -> [String; 2] {
    [
        format!("signals, when they are sent: {}", error.reason),
        "--backend ptrace sees them delivered, but stops the process at each".to_owned(),
    ]
}

/// Returns how often and how long the tracer stopped a process:
/// `1234 (worker) stood still 17 times, at most 41 us, 0.4 ms in all`.
pub(in crate::commands::watch::monitor) fn tracer_stops_note(
    pid: u32,
    name: &[u8],
    stops: &StopStats,
) -> String {
    let StopStats { count, longest, total } = *stops;
    let text = match count {
        0 => "never stood still".to_owned(),
        1 => format!("stood still once, for {}", duration::format_micros(longest)),
        _ => format!(
            "stood still {count} times, at most {}, {} in all",
            duration::format_micros(longest),
            duration::format_micros(total)
        ),
    };
    format!("{pid} ({}) {text}", escape_name(name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn tracer_stops_note_is_a_sentence() {
        let note = |count, longest, total| {
            let (longest, total) = (Duration::from_micros(longest), Duration::from_micros(total));
            tracer_stops_note(7, b"wor\nker", &StopStats { count, longest, total })
        };
        assert_eq!(note(0, 0, 0), "7 (wor\\nker) never stood still");
        assert_eq!(note(1, 41, 41), "7 (wor\\nker) stood still once, for 41 us");
        assert_eq!(note(17, 41, 400), "7 (wor\\nker) stood still 17 times, at most 41 us, 0.4 ms in all");
        assert_eq!(note(9, 100, 999_960), "7 (wor\\nker) stood still 9 times, at most 0.1 ms, 1.0 s in all");
    }
}
