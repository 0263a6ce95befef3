//! Output in Prometheus's text exposition format for the textfile collector of
//! node_exporter. Labels are the set, the signal and the UID. No label is chosen
//! by a process, and their number does not grow with the machine.

use std::io;

use super::counts::{ProcessCounts, SET_NAMES};
use crate::out::ReportWriter;
use crate::procfs::status::QueueUsage;

/// Prints all metrics.
pub(super) fn print_metrics(counts: &ProcessCounts, out: &mut ReportWriter<'_>) -> io::Result<()> {
    metric_lines(counts).iter().try_for_each(|line| out.write_line(line))
}

/// Value of an unlimited limit (RLIM_INFINITY).
const UNLIMITED_TEXT: &str = "+Inf";

/// A sample: its labels and its value.
type MetricSample = (Vec<(&'static str, String)>, String);

/// Returns the lines of all metrics. Each metric has its HELP and TYPE lines,
/// followed by its samples.
fn metric_lines(counts: &ProcessCounts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut gauge = |name: &str, help: &str, samples: Vec<MetricSample>| {
        lines.push(format!("# HELP {name} {help}"));
        lines.push(format!("# TYPE {name} gauge"));
        lines
            .extend(samples.iter().map(|(labels, value)| format!("{name}{} {value}", format_labels(labels))));
    };
    let sets = SET_NAMES.iter().enumerate().flat_map(|(index, set)| {
        counts.signals().iter().map(move |counts_of_signal| {
            let labels = vec![("set", (*set).to_owned()), ("signal", counts_of_signal.name.clone())];
            (labels, counts_of_signal.processes_per_set[index].to_string())
        })
    });
    gauge("sigtool_processes", "Processes that have the signal in the set.", sets.collect());
    for (name, help, value) in [
        ("sigtool_processes_examined", "Processes that were read.", counts.examined),
        (
            "sigtool_processes_unreadable",
            "Processes that could not be read. No other metric includes them.",
            counts.unreadable,
        ),
        ("sigtool_threads", "Threads of the processes that were read.", counts.threads),
        ("sigtool_processes_zombie", "Processes that have exited but have not been reaped.", counts.zombies),
        (
            "sigtool_processes_uninterruptible",
            "Processes with a thread in uninterruptible sleep (state D).",
            counts.uninterruptible,
        ),
        ("sigtool_processes_stopped", "Processes stopped by a signal (state T).", counts.stopped),
        (
            "sigtool_processes_trace_stopped",
            "Processes with a thread stopped by its tracer (state t).",
            counts.trace_stopped,
        ),
        ("sigtool_processes_traced", "Processes with a thread that has a tracer.", counts.traced),
    ] {
        gauge(name, help, vec![(Vec::new(), value.to_string())]);
    }
    let (queues, omitted) = counts.fullest_queues();
    let samples_per_user = |value: fn(&QueueUsage) -> u64| -> Vec<MetricSample> {
        let text = |value: u64| if value == u64::MAX { UNLIMITED_TEXT.to_owned() } else { value.to_string() };
        queues.iter().map(|(uid, queue)| (vec![("uid", uid.to_string())], text(value(queue)))).collect()
    };
    gauge(
        "sigtool_signal_queue_used",
        "Signals queued for all processes of the real user ID.",
        samples_per_user(|queue| queue.used),
    );
    gauge(
        "sigtool_signal_queue_limit",
        "Lowest limit on queued signals (RLIMIT_SIGPENDING) among the user's processes.",
        samples_per_user(|queue| queue.limit),
    );
    gauge(
        "sigtool_signal_queue_users_omitted",
        "Users that the queue metrics omit because their queues are less full.",
        vec![(Vec::new(), omitted.to_string())],
    );
    lines
}

/// Formats labels in braces; empty if there are none.
fn format_labels(labels: &[(&str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape_label_value(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Escapes the value of a label.
fn escape_label_value(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::{count_processes, parse_process, status_text as status};
    use super::*;

    #[test]
    fn prints_zeros_for_no_processes() {
        let lines = metric_lines(&count_processes("TERM", &[]));
        let samples: Vec<&String> = lines.iter().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 4 + 8 + 1);
        assert!(samples.iter().all(|line| line.ends_with(" 0")), "{samples:?}");
        assert!(lines.contains(&"sigtool_processes{set=\"caught\",signal=\"TERM\"} 0".to_owned()));
    }

    #[test]
    fn prints_every_count() {
        let one = parse_process(&status('S', 1, 33, "2/10"), None);
        let unlimited = parse_process(&status('D', 1, 34, &format!("1/{}", u64::MAX)), None);
        let lines = metric_lines(&count_processes("HUP,TERM", &[one, unlimited]));
        for line in [
            "# HELP sigtool_processes Processes that have the signal in the set.",
            "# TYPE sigtool_processes gauge",
            "sigtool_processes{set=\"pending\",signal=\"TERM\"} 2",
            "sigtool_processes{set=\"caught\",signal=\"HUP\"} 2",
            "sigtool_processes_examined 2",
            "sigtool_processes_uninterruptible 1",
            "sigtool_signal_queue_used{uid=\"33\"} 2",
            "sigtool_signal_queue_limit{uid=\"33\"} 10",
            "sigtool_signal_queue_limit{uid=\"34\"} +Inf",
            "sigtool_signal_queue_users_omitted 0",
        ] {
            assert!(lines.iter().any(|found_line| found_line == line), "{line} is not in {lines:#?}");
        }
    }

    /// The samples of a metric follow its HELP and TYPE lines without others
    /// between.
    #[test]
    fn prints_each_metric_once() {
        let mut heads = Vec::new();
        for line in metric_lines(&count_processes("TERM", &[])) {
            let mut words = line.split([' ', '{']);
            match (words.next(), words.next()) {
                (Some("#"), Some("HELP")) => heads.push(words.next().map(str::to_owned)),
                (Some("#"), _) => assert_eq!(words.next().map(str::to_owned), *heads.last().unwrap()),
                (name, _) => assert_eq!(name.map(str::to_owned), *heads.last().unwrap()),
            }
        }
        let count = heads.len();
        heads.sort();
        heads.dedup();
        assert_eq!(heads.len(), count);
    }

    #[test]
    fn escapes_label_values() {
        let labels = [("set", "a\"b\\c\nd".to_owned()), ("uid", "0".to_owned())];
        assert_eq!(format_labels(&labels), "{set=\"a\\\"b\\\\c\\nd\",uid=\"0\"}");
        assert_eq!(format_labels(&[]), "");
    }
}
