//! What a signal will do, waiting, and what follows.

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
    let ran = run(["send", "--json"].iter().chain(arguments));
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn a_dry_run_says_what_would_happen_and_sends_nothing() {
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
        let ran = send(&["--dry-run", "-s", signal, &pid]);
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc"));
        let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.splitn(9, ' ').collect()).collect();
        assert_eq!(rows.len(), 2, "{}", ran.stdout);
        let row = ran.stdout.lines().nth(1).expect("a row");
        assert!(row.trim_start().starts_with(&format!("{pid}  dry")), "{row}");
        assert!(row.contains(&uid.to_string()) && row.ends_with(text), "{signal}: {row}");
        let planned = document(&["--dry-run", "-s", signal, &pid]);
        assert!(planned.dry_run && !planned.targets[0].sent);
        assert_eq!(planned.targets[0].effect.id, id);
    }
    assert_eq!(send(&["-0", &pid]).code, Some(0), "it lives");
    let ran = send(&["--dry-run", "-0", &pid, "4194304"]);
    assert_eq!(ran.code, Some(64));
    assert!(ran.stdout.ends_with("not sent: no such process\n"), "{}", ran.stdout);
}

#[test]
fn every_member_of_a_group_is_told_of() {
    let script = "
        cd \"$(mktemp -d)\"
        setsid bash -c 'trap \"\" HUP; sleep 1000 & sleep 1000 & echo $$ > group; wait' &
        until test -s group; do :; done; read -r group < group
        \"$SIGTOOL\" send --dry-run -HUP -- -$group
        \"$SIGTOOL\" send -KILL --wait 60s --verbose -- -$group | sed 's/after [0-9.]* m*s/after a while/'
        \"$SIGTOOL\" send --dry-run -- -1 | wc -l
    ";
    let Some(ran) = in_namespace(script) else { return };
    assert_eq!(ran.stdout.matches("  ignored\n").count(), 3, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("KILL sent: kills it").count(), 3, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches("ended after a while").count(), 3, "{}", ran.stdout);
}

#[test]
fn waiting_ends_when_all_have_ended() {
    let mut fixtures = [fixture(&[]), fixture(&[])];
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string());
    let ran = send(&["--wait", "60s", &pids[0], &pids[1]]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    for fixture in &mut fixtures {
        assert_eq!(fixture.ended_by(), Some(15));
    }
}

#[test]
fn a_time_that_runs_out_is_124_and_the_reason_is_told() {
    let blocking = fixture(&["--name", "held", "--block", "TERM"]);
    let pid = blocking.pid.to_string();
    let ran = send(&["--wait", "50ms", &pid]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(124), ""));
    assert!(ran.stderr.contains(" ms: TERM is pending because the process blocks it\n"), "{}", ran.stderr);
    let told = document(&["--wait", "50ms", &pid]);
    let outcome = told.targets[0].outcome.as_ref().expect("an outcome");
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
        let ran = send(&["--wait", "30ms", &fixture.pid.to_string()]);
        assert!(ran.stderr.contains(reason), "{state:?}: {}", ran.stderr);
    }
    let ran = send(&["-0", "--wait", "0", &pid]);
    assert_eq!(ran.code, Some(124));
    assert!(ran.stderr.contains("no signal was sent to it"), "{}", ran.stderr);
}

#[test]
fn what_follows_goes_to_those_that_are_alive() {
    let mut blocking = fixture(&["--name", "stubborn", "--block", "TERM,INT"]);
    let mut willing = fixture(&[]);
    let (stubborn, pid) = (blocking.pid.to_string(), willing.pid.to_string());
    let words = ["--verbose", "--wait", "50ms", "--then", "INT:20ms", "--then", "KILL:60s", &stubborn, &pid];
    let ran = send(&words);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(blocking.ended_by(), Some(9));
    assert_eq!(willing.ended_by(), Some(15));
    assert!(
        ran.stdout.contains(": ended after ") && ran.stdout.contains(": killed by KILL\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("TERM sent: stays pending because the process blocks it\n"),
        "{}",
        ran.stdout
    );
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said.len(), 4, "{}", ran.stderr);
    assert!(said[0].ends_with("ms: TERM is pending because the process blocks it"), "{}", ran.stderr);
    assert_eq!((said[1], said[3]), ("sigtool: INT to it", "sigtool: KILL to it"));
    assert!(said[2].ends_with("ms: INT is pending because the process blocks it"), "{}", ran.stderr);
}

#[test]
fn what_followed_is_in_the_document() {
    let mut blocking = fixture(&["--block", "TERM,INT", "--thread", ""]);
    let told =
        document(&["--wait", "30ms", "--then", "INT:20ms", "--then", "KILL:60s", &blocking.pid.to_string()]);
    let outcome = told.targets[0].outcome.as_ref().expect("an outcome");
    assert_eq!((outcome.ended, outcome.killed_by.as_deref()), (true, Some("KILL")));
    let followed: Vec<_> = outcome.then.iter().map(|then| (then.signal.as_str(), then.sent)).collect();
    assert_eq!(followed, [("INT", true), ("KILL", true)]);
    assert!(outcome.then[0].milliseconds >= 30 && outcome.then[1].milliseconds >= 50);
    assert_eq!(blocking.ended_by(), Some(9));
    let planned = send(&["--dry-run", "--wait", "2s", "--then", "KILL", &std::process::id().to_string()]);
    assert!(planned.stderr.ends_with("then KILL after 2.0 s, if it is alive\n"), "{}", planned.stderr);
}

#[test]
fn a_thread_is_alive_for_its_own_reason() {
    let held = fixture(&["--thread", "block=TERM"]);
    let thread = format!("{}/{}", held.pid, held.ids[0]);
    let ran = send(&["--wait", "30ms", &thread]);
    assert!(ran.stderr.ends_with("TERM is pending because the thread blocks it\n"), "{}", ran.stderr);
}

/// A process that is no child of ours: its status is told as well.
#[test]
fn how_it_ended_is_told() {
    let mut exiting = fixture(&["--", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.01; done"]);
    // Ready is the shell, not yet its trap.
    let trapped = ["decode-status", "-q", "--require", "caught=TERM", &exiting.pid.to_string()];
    while run(trapped).code != Some(0) {}
    let told = document(&["--wait", "60s", &exiting.pid.to_string()]);
    let outcome = told.targets[0].outcome.as_ref().expect("an outcome");
    assert!(outcome.ended && outcome.reason.is_none() && outcome.killed_by.is_none());
    assert_eq!((outcome.status, told.targets[0].pid), (Some(7), exiting.pid));
    assert_eq!(exiting.ended_by(), None);
}

#[test]
fn a_handler_can_be_required() {
    let catching = fixture(&["--catch", "RTMIN+1,HUP"]);
    let plain = fixture(&["--name", "plain"]);
    let (one, other) = (catching.pid.to_string(), plain.pid.to_string());
    let ran = send(&["-r", "-RTMIN+1", &one, &other]);
    assert_eq!(ran.code, Some(64));
    assert!(ran.stderr.contains("(plain, uid "), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("RTMIN+1 not sent: it has no handler for the signal\n"), "{}", ran.stderr);
    assert_eq!(send(&["-0", &one, &other]).code, Some(0), "both live");
}

/// More at once than descriptors may be open before it asks for more.
#[test]
fn a_thousand_are_waited_for() {
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
    let Some(ran) = in_namespace(script) else { return };
    assert_eq!(ran.stdout, "0\n1\n125\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("2 processes cannot be waited for: only 25 descriptors"), "{}", ran.stderr);
}

/// The kernel drops what would end an init; waiting says so.
#[test]
fn an_init_without_a_handler_is_told() {
    // While bash forks it blocks TERM for a moment; ALRM it does not.
    let script = "\"$SIGTOOL\" send --dry-run -KILL 1; \"$SIGTOOL\" send --wait 0 -ALRM 1; echo $?";
    let Some(ran) = in_namespace(script) else { return };
    let reason = "because the process is the init of its PID namespace and has no handler for it";
    assert!(ran.stdout.contains(&format!("KILL    dropped by the kernel {reason}\n")), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("124\n") && ran.stderr.contains(&format!("the kernel dropped ALRM {reason}")),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn questions_are_asked_and_answers_heeded() {
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

/// On a terminal a line tells how the waiting goes; in a pipe nothing does.
#[test]
fn progress_is_shown_on_a_terminal() {
    let blocking = fixture(&["--block", "TERM"]);
    let command = format!("{} send --wait 300ms {}", crate::support::SIGTOOL, blocking.pid);
    let output = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = output else { return skipped("script(1) is missing") };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("waiting: 0 of 1 ended, 0."), "{shown:?}");
    assert!(shown.contains("\r\x1b[Ksigtool: "), "the line is cleared before another: {shown:?}");
}

/// Under kill's name nothing of this is said.
#[test]
fn kill_is_silent() {
    let mut ending = fixture(&[]);
    let ran = kill(["-r", "-TERM", &ending.pid.to_string()]);
    assert_eq!(ran.code, Some(1));
    let ran = kill(["-TERM", &ending.pid.to_string()]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(ending.ended_by(), Some(15));
}
