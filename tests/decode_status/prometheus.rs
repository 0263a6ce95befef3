//! `sigtool decode-status --format prometheus`: metrics for node_exporter's
//! textfile collector.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

use super::texts::data;
use crate::support::{CommandResult, Fixture, Folder, SIGTOOL, in_namespace, run, skipped};

fn metrics(arguments: &[&str]) -> CommandResult {
    let result = run(["decode-status", "--format", "prometheus"].iter().chain(arguments));
    if result.code != Some(2) {
        promtool(&result.stdout);
    }
    result
}

/// Checks a text with Prometheus's own promtool.
fn promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else { return skipped("promtool is missing") };
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let result = CommandResult::from(child.wait_with_output().expect("promtool ends"));
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "", ""), "{text}");
}

/// Returns the lines that are not comments.
fn samples(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// Returns the value of a metric.
fn value(text: &str, metric: &str) -> u64 {
    let line = samples(text).into_iter().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {metric} in {text}")).parse().expect("a whole number")
}

/// A directory of captured files that has the structure of /proc.
struct Proc(Folder);

impl Proc {
    fn new() -> Proc {
        Proc(Folder::new())
    }

    /// Adds a process with a captured status. `flags` is the field of its stat
    /// file.
    fn process(&self, pid: u32, status: &str, flags: u32) {
        let text = std::fs::read(data(status)).expect("captured");
        let home = self.0.join(pid.to_string());
        let task = home.join("task").join(pid.to_string());
        std::fs::create_dir_all(&task).expect("a directory");
        let stat = format!("{pid} (x) S 1 1 1 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n");
        std::fs::write(home.join("stat"), stat).expect("a stat file");
        std::fs::write(home.join("status"), &text).expect("a status file");
        std::fs::write(task.join("status"), &text).expect("a status file");
    }

    fn thread(&self, pid: u32, tid: u32, status: &str) {
        let task = self.0.join(format!("{pid}/task/{tid}"));
        std::fs::create_dir_all(&task).expect("a directory");
        std::fs::copy(data(status), task.join("status")).expect("a status file");
    }

    fn metrics(&self, arguments: &[&str]) -> CommandResult {
        metrics(&[&["--proc", self.0.join("").to_str().expect("UTF-8")], arguments].concat())
    }
}

#[test]
fn metrics_count_all_processes() {
    const KERNEL_THREAD: u32 = 0x0020_0000;
    let made = Proc::new();
    made.process(2, "kernel-thread", KERNEL_THREAD);
    made.process(6476, "bash", 0);
    made.process(6317, "stopped", 0);
    made.process(6481, "zombie", 0);
    made.process(6500, "leader-exited", 0);
    made.thread(6500, 6501, "stopped");
    made.process(6600, "gvisor", 0);
    // A process that has just exited.
    std::fs::create_dir_all(made.0.join("6700")).expect("a directory");
    let result = made.metrics(&["--all", "--signals", "HUP,TERM"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_data_eq!(
        samples(&result.stdout).join("\n"),
        str![[r#"
sigtool_processes{set="pending",signal="HUP"} 0
sigtool_processes{set="pending",signal="TERM"} 1
sigtool_processes{set="blocked",signal="HUP"} 0
sigtool_processes{set="blocked",signal="TERM"} 2
sigtool_processes{set="ignored",signal="HUP"} 0
sigtool_processes{set="ignored",signal="TERM"} 1
sigtool_processes{set="caught",signal="HUP"} 1
sigtool_processes{set="caught",signal="TERM"} 0
sigtool_processes_examined 4
sigtool_processes_unreadable 1
sigtool_threads 6
sigtool_processes_zombie 1
sigtool_processes_uninterruptible 0
sigtool_processes_stopped 2
sigtool_processes_trace_stopped 0
sigtool_processes_traced 0
sigtool_signal_queue_used{uid="0"} 1
sigtool_signal_queue_limit{uid="0"} 96551
sigtool_signal_queue_users_omitted 0
"#]]
    );
    let whole = made.metrics(&["--all", "--signals", "RTMIN+1..RTMIN+3"]);
    let of_signals = samples(&whole.stdout).into_iter().filter(|line| line.starts_with("sigtool_processes{"));
    assert_eq!(of_signals.count(), 3 * 4);
    let named = made.metrics(&["6476", "6317", "--signals", "TERM"]);
    assert_eq!(value(&named.stdout, "sigtool_processes_examined"), 2);
    let narrowed = made.metrics(&["--blocks", "TERM"]);
    assert_eq!(value(&narrowed.stdout, "sigtool_processes_examined"), 2);
}

#[test]
fn metrics_count_one_process() {
    let fixture = Fixture::start(["--default", "~[KILL STOP]", "--block", "TERM", "--queue", "TERM"]);
    let result = metrics(&[&fixture.pid.to_string()]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    for set in ["pending", "blocked"] {
        assert_eq!(value(&result.stdout, &format!("sigtool_processes{{set=\"{set}\",signal=\"TERM\"}}")), 1);
    }
    assert!(result.stdout.contains("\nsigtool_signal_queue_limit{uid=\""), "{}", result.stdout);
    assert!(!result.stdout.contains(&fixture.pid.to_string()), "no label is a process");
    assert!(value(&metrics(&["--all"]).stdout, "sigtool_processes_examined") >= 1);
}

/// Other outputs exclude the ancestors of sigtool. The metrics must not depend on
/// how sigtool was started.
#[test]
fn metrics_include_ancestors_and_exclude_sigtool() {
    let script = "$SIGTOOL decode-status --all --format prometheus; \
        $SIGTOOL decode-status --name bash --tree --format prometheus; :";
    let Some(result) = in_namespace(script) else { return };
    let examined = result.stdout.lines().filter(|line| line.starts_with("sigtool_processes_examined "));
    assert_eq!(examined.collect::<Vec<_>>(), ["sigtool_processes_examined 1"; 2], "{}", result.stderr);
}

#[test]
fn metrics_report_unreadable_processes() {
    let script = "mount -t proc -o hidepid=1 proc /proc && setpriv --reuid 65534 --regid 65534 --clear-groups \
        \"$0\" decode-status --all --format prometheus; :";
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, SIGTOOL])
        .stdin(Stdio::null())
        .output();
    match output.map(CommandResult::from) {
        Ok(result) if !result.stdout.is_empty() => {
            assert_eq!(value(&result.stdout, "sigtool_processes_unreadable"), 1, "the shell is root's");
            assert_eq!(value(&result.stdout, "sigtool_processes_examined"), 0);
        }
        Ok(result) => skipped(&format!("no namespaces, mount or setpriv here: {}", result.stderr.trim())),
        Err(error) => skipped(&format!("unshare: {error}")),
    }
}

#[test]
fn metrics_are_zero_if_no_process_matches() {
    let result = metrics(&["--name", "no such process"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_eq!(samples(&result.stdout).len(), 8 * 4 + 8 + 1);
    assert!(samples(&result.stdout).iter().all(|line| line.ends_with(" 0")), "{}", result.stdout);
}

#[test]
fn metrics_count_texts_and_report_malformed_ones() {
    let several = ["bash", "stopped", "mips"].map(data);
    let files: Vec<&str> = several.iter().flat_map(|file| ["--file", file]).collect();
    let result = metrics(&files);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_eq!(value(&result.stdout, "sigtool_processes_examined"), 3);
    assert_eq!(value(&result.stdout, "sigtool_processes_stopped"), 1);
    let result = metrics(&["--file", &data("gvisor"), "--file", &data("bash"), "4194304"]);
    assert_eq!(result.code, Some(3));
    assert_eq!(result.stderr.lines().count(), 2, "{}", result.stderr);
    assert_eq!(value(&result.stdout, "sigtool_processes_unreadable"), 2);
    assert_eq!(value(&result.stdout, "sigtool_processes_examined"), 1);
}

#[test]
fn prometheus_rejects_conflicting_options() {
    for (arguments, message) in [
        (&["decode-status", "self", "--signals", "TERM"][..], "--signals requires --format prometheus"),
        (&["decode-status", "--format", "prometheus"], "nothing to decode"),
        (
            &["decode-status", "--format", "prometheus", "--all", "--signals", "TREM"],
            "the nearest name is TERM",
        ),
        (
            &["decode-status", "--format", "prometheus", "--all", "--signals", "none"],
            "none: contains no signal",
        ),
        (
            &["decode-status", "--format", "prometheus", "--mask", "1"],
            "--mask cannot be combined with --format prometheus",
        ),
        (&["decode-status", "--format", "prometheus", "--all", "--pids"], "--pids cannot be combined with"),
        (
            &["decode-status", "--format", "prometheus", "--all", "--threads"],
            "--threads cannot be combined with",
        ),
        (&["decode-status", "--format", "prometheus", "--all", "--full"], "--full cannot be combined with"),
        (
            &["decode-status", "--format", "prometheus", "--all", "--signal", "1"],
            "--signal cannot be combined with",
        ),
        (
            &["decode-status", "--format", "prometheus", "--all", "--newest"],
            "--oldest and --newest cannot be combined with",
        ),
        (
            &["decode-status", "--format", "prometheus", "--all", "--at-most", "9"],
            "--at-most cannot be combined with",
        ),
        (&["decode-status", "--format", "prometheus", "1/1"], "PID/TID cannot be combined with"),
        (&["--format", "prometheus", "list"], "--format prometheus is only supported by decode-status"),
        (
            &["send", "--format", "prometheus", "-0", "4194304"],
            "--format prometheus is only supported by decode-status",
        ),
        (&["watch", "--format=prometheus"], "--format prometheus is only supported by decode-status"),
        (
            &["completions", "bash", "--format=prometheus"],
            "--format prometheus is only supported by decode-status",
        ),
    ] {
        let result = run(arguments);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

#[test]
fn man_page_describes_every_metric() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("man/sigtool-decode-status.1")).expect("the page");
    let result = metrics(&["--file", &data("bash")]);
    let names: Vec<&str> =
        result.stdout.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(names.len(), 12);
    for name in names {
        assert!(page.contains(&format!("\\fB{name}\\fR")), "the page says nothing of {name}");
    }
}
