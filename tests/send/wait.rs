//! Predicted effects, waiting for exit, and follow-up signals.

use serde::Deserialize;

use super::{fixture, send};
use crate::support::{Fixture, in_namespace, kill, run, sigtool, skipped};

#[derive(Deserialize)]
struct Document {
    dry_run: bool,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    pid: u32,
    sent: bool,
    effect: Effect,
    outcome: Option<Outcome>,
}

#[derive(Deserialize)]
struct Effect {
    id: String,
}

#[derive(Deserialize)]
struct Outcome {
    ended: bool,
    milliseconds: u64,
    status: Option<u8>,
    killed_by: Option<String>,
    reason: Option<Reason>,
    then: Vec<Then>,
}

#[derive(Deserialize)]
struct Then {
    signal: String,
    milliseconds: u64,
    sent: bool,
}

#[derive(Deserialize)]
struct Reason {
    id: String,
    message: String,
}

fn document(arguments: &[&str]) -> Document {
    let result = run(["send", "--json"].iter().chain(arguments));
    serde_json::from_str(&result.stdout).expect("JSON")
}

#[test]
fn dry_run_predicts_effect_and_sends_nothing() {
    let waiting = fixture(&["--name", "dry", "--block", "TERM", "--catch", "USR1", "--ignore", "HUP"]);
    let pid = waiting.pid.to_string();
    for (signal, id, text) in [
        ("TERM", "pending", "stays pending because the process blocks it"),
        ("USR1", "runs-handler", "runs its handler"),
        ("HUP", "ignored", "ignored"),
        ("INT", "terminates", "terminates it (default action)"),
        ("KILL", "terminates", "kills it"),
        ("STOP", "stops", "stops it"),
        ("CHLD", "ignored", "ignored (default action)"),
    ] {
        let result = send(&["--dry-run", "-s", signal, &pid]);
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc"));
        let rows: Vec<Vec<&str>> = result.stdout.lines().map(|line| line.splitn(9, ' ').collect()).collect();
        assert_eq!(rows.len(), 2, "{}", result.stdout);
        let row = result.stdout.lines().nth(1).expect("a row");
        assert!(row.trim_start().starts_with(&format!("{pid}  dry")), "{row}");
        assert!(row.contains(&uid.to_string()) && row.ends_with(text), "{signal}: {row}");
        let planned = document(&["--dry-run", "-s", signal, &pid]);
        assert!(planned.dry_run && !planned.targets[0].sent);
        assert_eq!(planned.targets[0].effect.id, id);
    }
    assert_eq!(send(&["-0", &pid]).code, Some(0), "it lives");
    let result = send(&["--dry-run", "-0", &pid, "4194304"]);
    assert_eq!(result.code, Some(64));
    assert!(result.stdout.ends_with("not sent: no such process\n"), "{}", result.stdout);
}

#[test]
fn wait_reports_every_group_member() {
    let script = "
        cd \"$(mktemp -d)\"
        setsid bash -c 'trap \"\" HUP; sleep 1000 & sleep 1000 & echo $$ > group; wait' &
        until test -s group; do :; done; read -r group < group
        \"$SIGTOOL\" send --dry-run -HUP -- -$group
        \"$SIGTOOL\" send -KILL --wait 60s --verbose -- -$group | sed 's/after [0-9.]* m*s/after a while/'
        \"$SIGTOOL\" send --dry-run -- -1 | wc -l
    ";
    let Some(result) = in_namespace(script) else { return };
    assert_eq!(result.stdout.matches("  ignored\n").count(), 3, "{}", result.stdout);
    assert_eq!(result.stdout.matches("KILL sent: kills it").count(), 3, "{}{}", result.stdout, result.stderr);
    assert_eq!(result.stdout.matches(" terminated after a while").count(), 3, "{}", result.stdout);
}

#[test]
fn wait_returns_when_all_have_exited() {
    let mut fixtures = [fixture(&[]), fixture(&[])];
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string());
    let result = send(&["--wait", "60s", &pids[0], &pids[1]]);
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "", ""));
    for fixture in &mut fixtures {
        assert_eq!(fixture.terminating_signal(), Some(15));
    }
}

#[test]
fn exits_124_with_reason_when_wait_times_out() {
    let blocking = fixture(&["--name", "held", "--block", "TERM"]);
    let pid = blocking.pid.to_string();
    let result = send(&["--wait", "50ms", &pid]);
    assert_eq!((result.code, result.stdout.as_str()), (Some(124), ""));
    assert!(
        result.stderr.contains(" ms: TERM is pending because the process blocks it\n"),
        "{}",
        result.stderr
    );
    let report = document(&["--wait", "50ms", &pid]);
    let outcome = report.targets[0].outcome.as_ref().expect("an outcome");
    assert!(!outcome.ended && outcome.milliseconds >= 50);
    let reason = outcome.reason.as_ref().expect("a reason");
    assert_eq!(
        (reason.id.as_str(), reason.message.as_str()),
        ("merged", "TERM is pending because the process blocks it")
    );
    for (state, reason) in [
        (&["--ignore", "TERM"][..], "it ignores TERM"),
        (
            &["--catch", "TERM"],
            "it caught TERM; its handler is still running, or the program chose not to exit",
        ),
        (&["--stop"], "the process is stopped"),
        (&["--sigwait", "TERM"], "receives TERM in sigwait(3), and the program chose not to exit"),
    ] {
        let fixture = fixture(state);
        let result = send(&["--wait", "30ms", &fixture.pid.to_string()]);
        assert!(result.stderr.contains(reason), "{state:?}: {}", result.stderr);
    }
    let result = send(&["-0", "--wait", "0", &pid]);
    assert_eq!(result.code, Some(124));
    assert!(result.stderr.contains("no signal was sent to it"), "{}", result.stderr);
}

#[test]
fn then_signals_processes_that_are_alive() {
    let mut blocking = fixture(&["--name", "stubborn", "--block", "TERM,INT"]);
    let mut willing = fixture(&[]);
    let (stubborn, pid) = (blocking.pid.to_string(), willing.pid.to_string());
    let words = ["--verbose", "--wait", "50ms", "--then", "INT:20ms", "--then", "KILL:60s", &stubborn, &pid];
    let result = send(&words);
    assert_eq!(result.code, Some(0), "{}", result.stderr);
    assert_eq!(blocking.terminating_signal(), Some(9));
    assert_eq!(willing.terminating_signal(), Some(15));
    assert!(
        result.stdout.contains(" terminated after ") && result.stdout.contains(": killed by KILL\n"),
        "{}",
        result.stdout
    );
    assert!(
        result.stdout.contains("TERM sent: stays pending because the process blocks it\n"),
        "{}",
        result.stdout
    );
    let message: Vec<&str> = result.stderr.lines().collect();
    assert_eq!(message.len(), 4, "{}", result.stderr);
    assert!(message[0].ends_with("ms: TERM is pending because the process blocks it"), "{}", result.stderr);
    assert_eq!(
        (message[1], message[3]),
        ("sigtool: sending INT to 1 process", "sigtool: sending KILL to 1 process")
    );
    assert!(message[2].ends_with("ms: INT is pending because the process blocks it"), "{}", result.stderr);
}

#[test]
fn json_contains_follow_up_signals() {
    let mut blocking = fixture(&["--block", "TERM,INT", "--thread", ""]);
    let report =
        document(&["--wait", "30ms", "--then", "INT:20ms", "--then", "KILL:60s", &blocking.pid.to_string()]);
    let outcome = report.targets[0].outcome.as_ref().expect("an outcome");
    assert_eq!((outcome.ended, outcome.killed_by.as_deref()), (true, Some("KILL")));
    let followed: Vec<_> = outcome.then.iter().map(|then| (then.signal.as_str(), then.sent)).collect();
    assert_eq!(followed, [("INT", true), ("KILL", true)]);
    assert!(outcome.then[0].milliseconds >= 30 && outcome.then[1].milliseconds >= 50);
    assert_eq!(blocking.terminating_signal(), Some(9));
    let planned = send(&["--dry-run", "--wait", "2s", "--then", "KILL", &std::process::id().to_string()]);
    assert!(planned.stderr.ends_with("then KILL after 2.0 s, if it is still alive\n"), "{}", planned.stderr);
}

#[test]
fn thread_target_has_own_survival_reason() {
    let target = fixture(&["--thread", "block=TERM"]);
    let thread = format!("{}/{}", target.pid, target.ids[0]);
    let result = send(&["--wait", "30ms", &thread]);
    assert!(result.stderr.ends_with("TERM is pending because the thread blocks it\n"), "{}", result.stderr);
}

/// The exit status of a process that is not a child is reported as well.
#[test]
fn wait_reports_how_process_ended() {
    let mut exiting = fixture(&["--", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.01; done"]);
    // The shell is ready before its trap is set.
    let trapped = ["decode-status", "-q", "--require", "caught=TERM", &exiting.pid.to_string()];
    while run(trapped).code != Some(0) {}
    let report = document(&["--wait", "60s", &exiting.pid.to_string()]);
    let outcome = report.targets[0].outcome.as_ref().expect("an outcome");
    assert!(outcome.ended && outcome.reason.is_none() && outcome.killed_by.is_none());
    assert_eq!((outcome.status, report.targets[0].pid), (Some(7), exiting.pid));
    assert_eq!(exiting.terminating_signal(), None);
}

#[test]
fn require_handler_refuses_process_without_handler() {
    let catching = fixture(&["--catch", "RTMIN+1,HUP"]);
    let plain = fixture(&["--name", "plain"]);
    let (one, other) = (catching.pid.to_string(), plain.pid.to_string());
    let result = send(&["-r", "-RTMIN+1", &one, &other]);
    assert_eq!(result.code, Some(64));
    assert!(result.stderr.contains("(plain, uid "), "{}", result.stderr);
    assert!(
        result.stderr.ends_with("RTMIN+1 not sent: it has no handler for the signal\n"),
        "{}",
        result.stderr
    );
    assert_eq!(send(&["-0", &one, &other]).code, Some(0), "both live");
}

/// More processes than the soft limit of open files; sigtool raises the limit.
#[test]
fn wait_handles_a_thousand_processes() {
    let script = "
        ulimit -Sn 256
        for i in $(seq 1000); do sleep 1000 & done
        # Until each is bash no more.
        until [ $(\"$SIGTOOL\" decode-status --pids --name sleep | wc -l) = 1000 ]; do :; done
        \"$SIGTOOL\" send --name sleep --wait 60s; echo $?
        \"$SIGTOOL\" decode-status --pids --name sleep --state S; echo $?
        sleep 1000 & sleep 1000 & ulimit -n 25
        until [ $(\"$SIGTOOL\" decode-status --pids --name sleep | wc -l) = 2 ]; do :; done
        \"$SIGTOOL\" send --name sleep --wait 60s; echo $?
    ";
    let Some(result) = in_namespace(script) else { return };
    assert_eq!(result.stdout, "0\n1\n125\n", "{}", result.stderr);
    assert!(
        result.stderr.contains("cannot wait for 2 processes with a limit of 25 open files"),
        "{}",
        result.stderr
    );
}

/// The kernel drops signals that would terminate an init. Waiting reports that.
#[test]
fn wait_explains_init_without_handler() {
    // bash blocks TERM for a moment when it forks, but not ALRM.
    let script = "\"$SIGTOOL\" send --dry-run -KILL 1; \"$SIGTOOL\" send --wait 0 -ALRM 1; echo $?";
    let Some(result) = in_namespace(script) else { return };
    let reason = "because the process is the init of its PID namespace and has no handler for it";
    assert!(
        result.stdout.contains(&format!("KILL    dropped by the kernel {reason}\n")),
        "{}",
        result.stdout
    );
    assert!(
        result.stdout.ends_with("124\n")
            && result.stderr.contains(&format!("the kernel dropped ALRM {reason}")),
        "{}{}",
        result.stdout,
        result.stderr
    );
}

#[test]
fn interactive_sends_only_confirmed_signals() {
    let blocking = Fixture::start(["--name", "asked", "--block", "TERM"]);
    let pid = blocking.pid.to_string();
    let sigtool = sigtool(["send", "--interactive", &pid, &pid, &pid]);
    let command = format!(
        "{} {}",
        sigtool.get_program().to_string_lossy(),
        sigtool.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    );
    for (answers, code, questions) in [("n\ny\nn\n", 0, 3), ("n\nq\n", 1, 2), ("", 1, 1)] {
        let output = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        let Ok(mut child) = output else { return skipped("script(1) is missing") };
        let written = std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), answers.as_bytes());
        written.expect("script reads");
        let output = child.wait_with_output().expect("script ends");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{answers:?}: {shown}");
        let question = format!("{pid} (asked, uid ");
        assert_eq!(shown.matches(&question).count(), questions, "{answers:?}: {shown}");
    }
}

/// On a terminal a line shows the progress of the wait; in a pipe there is none.
#[test]
fn wait_shows_progress_on_terminal() {
    let blocking = fixture(&["--block", "TERM"]);
    let command = format!("{} send --wait 300ms {}", crate::support::SIGTOOL, blocking.pid);
    let output = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = output else { return skipped("script(1) is missing") };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("waiting: 0 of 1 exited, 0."), "{shown:?}");
    assert!(shown.contains("\r\x1b[Ksigtool: "), "the line is cleared before another: {shown:?}");
}

/// Under the name `kill` no progress is printed.
#[test]
fn kill_prints_no_progress() {
    let mut ending = fixture(&[]);
    let result = kill(["-r", "-TERM", &ending.pid.to_string()]);
    assert_eq!(result.code, Some(1));
    let result = kill(["-TERM", &ending.pid.to_string()]);
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(ending.terminating_signal(), Some(15));
}
