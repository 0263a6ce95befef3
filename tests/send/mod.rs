//! `sigtool send`, end to end. Tests that could signal other processes run in a
//! PID namespace.

mod hostile;
mod pidfd;
mod select;
mod wait;

use serde::Deserialize;

use crate::support::{CommandResult, Fixture, in_namespace, run, skipped};

/// PID 4194304, which the kernel never assigns.
const NO_PROCESS: &str = "4194304";

fn send(arguments: &[&str]) -> CommandResult {
    run(["send"].iter().chain(arguments))
}

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start(["--default", "~[KILL STOP]"].iter().chain(settings))
}

/// Returns the signals pending for the process and those pending for one of its
/// threads.
fn pending(pid: u32, tid: u32) -> (Vec<String>, Vec<String>) {
    let result = run(["decode-status", "--json", "--threads", &pid.to_string()]);
    let document: serde_json::Value = serde_json::from_str(&result.stdout).expect("JSON");
    let process = &document["processes"][0];
    let names = |signals: &serde_json::Value| -> Vec<String> {
        let list = signals.as_array().expect("an array").iter();
        list.map(|name| name.as_str().expect("a name").to_owned()).collect()
    };
    let shared = process["signals"].as_array().expect("an array").iter();
    let shared = shared.filter(|signal| signal["pending_process"] == true);
    let shared = shared.map(|signal| signal["signal"].as_str().expect("a name").to_owned()).collect();
    let task = process["tasks"].as_array().expect("an array").iter().find(|task| task["tid"] == tid);
    (shared, task.map(|task| names(&task["pending"])).unwrap_or_default())
}

#[test]
fn send_accepts_signal_in_every_form() {
    for (form, number) in [
        (&[][..], 15),
        (&["-KILL"], 9),
        (&["-SIGINT"], 2),
        (&["-hup"], 1),
        (&["-9"], 9),
        (&["-RTMIN+3"], 37),
        (&["-s", "USR1"], 10),
        (&["-susr2"], 12),
        (&["-n", "15"], 15),
        (&["--signal", "ALRM"], 14),
        (&["--signal=PIPE"], 13),
        (&["-q", "-7", "-s", "RTMAX"], 64),
    ] {
        let mut fixture = fixture(&[]);
        let result = send(&[form, &[fixture.pid.to_string().as_str()]].concat());
        assert_eq!(
            (result.code, result.stdout.as_str(), result.stderr.as_str()),
            (Some(0), "", ""),
            "{form:?}"
        );
        assert_eq!(fixture.terminating_signal(), Some(number), "{form:?}");
    }
}

#[test]
fn null_signal_only_checks_target() {
    let fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    assert_eq!(send(&["-0", &pid]).code, Some(0));
    assert_eq!(send(&["-s", "0", &pid]).code, Some(0));
    assert_eq!(pending(fixture.pid, fixture.pid), (vec![], vec![]));
    let result = send(&["-0", NO_PROCESS]);
    assert_eq!((result.code, result.stderr), (Some(1), format!("sigtool: {NO_PROCESS}: no such process\n")));
}

#[test]
fn thread_target_receives_signal_alone() {
    let fixture = fixture(&["--block", "USR1,USR2,RTMIN", "--thread", ""]);
    let (pid, tid) = (fixture.pid, fixture.ids[0]);
    assert_eq!(send(&["-USR1", &format!("{pid}/{tid}")]).code, Some(0));
    assert_eq!(send(&["-RTMIN", "-q", "7", &format!("{pid}/{tid}")]).code, Some(0));
    assert_eq!(send(&["-USR2", &pid.to_string()]).code, Some(0));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(pending(pid, tid), (names(&["USR2"]), names(&["USR1", "RTMIN"])));
    // A TID is not accepted as a PID.
    let result = send(&["-USR1", &tid.to_string()]);
    assert_eq!(result.code, Some(1));
    assert_eq!(
        result.stderr,
        format!(
            "sigtool: {tid}: USR1 not sent: it is a thread of process {pid}, not a process; for the thread alone write {pid}/{tid}\n"
        )
    );
    let result = send(&["-USR1", &format!("{pid}/1")]);
    assert_eq!(result.stderr, format!("sigtool: {pid}/1: USR1 not sent: no such thread of this process\n"));
}

#[test]
fn invalid_arguments_are_rejected_before_sending() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    for (arguments, message) in [
        (&["-65", &pid][..], "65: not a signal number: they go from 0 to 64"),
        (&["-999999", &pid], "999999: not a signal number"),
        (&["-FOO", &pid], "FOO: unknown signal; the nearest name is FPE"),
        (&[&pid, "-9"], "-9: a signal after the targets; nothing was sent"),
        (&["-TERM", "-9", &pid], "-9: a second signal; nothing was sent"),
        (&["-TERM", "-KILL", &pid], "-KILL: a second signal; nothing was sent"),
        (&["-TERM", "-s", "KILL", &pid], "-s: a second signal"),
        (&["-s", "KILL", "-n", "9", &pid], "-n: a second signal"),
        (&["-KILL", &pid, "--dryrun"], "unexpected argument '--dryrun' found"),
        (&["-KILL", &pid, ""], "'': not a target"),
        (&["-KILL", &pid, " 12"], " 12: not a target"),
        (&["-KILL", &pid, "+12"], "+12: not a target"),
        (&["-KILL", &pid, "12abc"], "12abc: not a target"),
        (&["-KILL", &pid, "0x10"], "0x10: not a target"),
        (&["-KILL", &pid, "4294967297"], "4294967297: not a process id: they go from 1 to 4194304"),
        (&["-KILL", &pid, "99999999999999999999"], "99999999999999999999: not a process id"),
        (&["-KILL", &pid, "nginx"], "nginx: not a target"),
        (&["-KILL", "-q", "x", &pid], "--queue 'x': not a value"),
        (&["-n", "KILL", &pid], "KILL: not a signal number"),
        (&["-KILL"], "no target: name one (PID, -PGID, 0, PID/TID), or choose"),
    ] {
        let result = send(arguments);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(
            result.stderr.starts_with("sigtool: ") && result.stderr.contains(message),
            "{arguments:?}: {}",
            result.stderr
        );
    }
    // The process is still alive and receives a valid signal.
    assert_eq!(send(&["-USR1", &pid]).code, Some(0));
    assert_eq!(fixture.terminating_signal(), Some(10));
}

#[test]
fn send_tries_all_targets_and_reports_each_failure() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    let result = send(&["-TERM", NO_PROCESS, &pid, "4194303"]);
    assert_eq!(result.code, Some(64));
    let expected = format!(
        "sigtool: {NO_PROCESS}: TERM not sent: no such process\nsigtool: 4194303: TERM not sent: no such process\n"
    );
    assert_eq!(result.stderr, expected);
    assert_eq!(fixture.terminating_signal(), Some(15));
    assert_eq!(send(&["-TERM", NO_PROCESS, "4194303"]).code, Some(1));
}

#[test]
fn signal_to_zombie_succeeds_without_effect() {
    let fixture = fixture(&["--zombie-child"]);
    assert_eq!(send(&["-KILL", &fixture.ids[0].to_string()]).code, Some(0));
}

#[test]
fn pidfd_inode_distinguishes_reused_pid() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid;
    let result = send(&["-KILL", &format!("{pid}:1")]);
    assert_eq!(result.code, Some(1));
    let inode = result.stderr.trim().rsplit(' ').next().expect("the inode").to_owned();
    let expected = format!("not the process that is meant: its inode is {inode}");
    assert!(
        result.stderr.contains(&expected) && result.stderr.contains("(fixture, uid "),
        "{}",
        result.stderr
    );
    assert_eq!(send(&["-INT", &format!("{pid}:{inode}")]).code, Some(0));
    assert_eq!(fixture.terminating_signal(), Some(2));
}

/// The fields of `send --json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    signal: Option<String>,
    number: u8,
    value: Option<i32>,
    dry_run: bool,
    then: Vec<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    target: String,
    pid: Option<u32>,
    tid: Option<u32>,
    group: Option<u32>,
    name: Option<String>,
    uid: Option<u32>,
    signal: Option<String>,
    sent: bool,
    error: Option<Error>,
    effect: Option<Effect>,
    outcome: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Effect {
    id: String,
    likely: Option<String>,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    id: String,
    message: String,
}

#[test]
fn send_json_has_every_target() {
    let mut fixture = fixture(&["--name", "target"]);
    let pid = fixture.pid.to_string();
    let result = send(&["--json", "-USR1", "-q", "7", &pid, NO_PROCESS]);
    assert_eq!(result.code, Some(64));
    let document: Document = serde_json::from_str(&result.stdout).expect("the documented fields");
    assert_eq!((document.signal.as_deref(), document.number, document.value), (Some("USR1"), 10, Some(7)));
    let [reached, missed] = &document.targets[..] else { panic!("{}", result.stdout) };
    assert_eq!((reached.target.as_str(), reached.pid), (pid.as_str(), Some(fixture.pid)));
    assert_eq!((reached.tid, reached.group, reached.name.as_deref()), (None, None, Some("target")));
    assert_eq!(
        (reached.signal.as_deref(), reached.sent, reached.error.is_none()),
        (Some("USR1"), true, true)
    );
    assert!(
        reached.uid.is_some() && !document.dry_run && document.then.is_empty() && reached.outcome.is_none()
    );
    let effect = reached.effect.as_ref().expect("it was found");
    assert_eq!((effect.id.as_str(), effect.likely.as_ref()), ("terminates", None));
    assert_eq!(effect.text, "terminates it (default action)");
    assert!(missed.effect.is_none());
    assert_eq!((missed.sent, missed.name.as_ref(), missed.uid), (false, None, None));
    let error = missed.error.as_ref().expect("it was not sent");
    assert_eq!((error.id.as_str(), error.message.as_str()), ("gone", "no such process"));
    assert_eq!(fixture.terminating_signal(), Some(10));
}

#[test]
fn permission_error_names_process_and_reason() {
    let fixture = fixture(&["--name", "guarded"]);
    let pid = fixture.pid;
    let command = ["--reuid", "65534", "--regid", "65534", "--clear-groups", crate::support::SIGTOOL];
    let output = std::process::Command::new("setpriv")
        .args(command)
        .args(["send", "-TERM", &pid.to_string()])
        .output();
    match output.map(CommandResult::from) {
        Ok(result) if result.stderr.starts_with("sigtool: ") => {
            assert_eq!(result.code, Some(1));
            let expected = format!(
                "sigtool: {pid} (guarded, uid 0): TERM not sent: operation not permitted (you are uid 65534): another user's takes CAP_KILL\n"
            );
            assert_eq!(result.stderr, expected);
        }
        Ok(result) => skipped(&format!("setpriv: {}", result.stderr.trim())),
        Err(error) => skipped(&format!("setpriv: {error}")),
    }
}

/// Starts a process group leader and waits until it is ready; `$!` is its PID.
const LEADER: &str = "
    leader() { setsid \"$FIXTURE\" --default '~[KILL STOP]' \"$@\" > ready & until grep -qs ready ready; do :; done
               read -r _ pid rest < ready; }
    cd \"$(mktemp -d)\"
";

#[test]
fn group_target_signals_whole_group_only() {
    for (form, status) in
        [("-TERM -$pid", 143), ("-KILL -- -$pid", 137), ("-- -$pid", 143), ("-q 7 -USR1 -$pid", 138)]
    {
        let script =
            format!("{LEADER} leader; \"$SIGTOOL\" send {form}; echo sent $?; wait $!; echo ended $?");
        let Some(result) = in_namespace(&script) else { return };
        assert_eq!(result.stdout, format!("sent 0\nended {status}\n"), "{form}: {}", result.stderr);
    }
}

#[test]
fn queued_value_reaches_group_without_leader() {
    // The leader exits and is reaped; its child stays in the group.
    let script = "
        cd \"$(mktemp -d)\"
        setsid \"$FIXTURE\" --block RTMIN -- sh -c 'sleep 1000 & echo $! > member; echo $$ > group' > ready
        read -r pid < member; read -r group < group
        test -d /proc/$group && echo leader lives
        \"$SIGTOOL\" send -q 7 -RTMIN -- -$group; echo sent $?
        \"$SIGTOOL\" decode-status $pid | grep RTMIN
    ";
    let Some(result) = in_namespace(script) else { return };
    assert!(result.stdout.starts_with("sent 0\n 34  RTMIN"), "{}{}", result.stdout, result.stderr);
    assert!(result.stdout.contains("blocked  process"), "{}", result.stdout);
}

#[test]
fn empty_group_is_an_error() {
    let Some(result) = in_namespace("\"$SIGTOOL\" send -TERM -99999; echo $?") else { return };
    assert_eq!(result.stdout, "1\n");
    assert_eq!(result.stderr, "sigtool: -99999: TERM not sent: no such process group\n");
}

#[test]
fn zero_targets_own_group() {
    let script = format!(
        "{LEADER} leader; setsid sh -c '\"$SIGTOOL\" send -TERM 0; echo unreached'; echo $?; \"$SIGTOOL\" send -0 $pid; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    // The shell and sigtool are in the group and are terminated. The fixture is
    // in another group.
    assert_eq!(result.stdout, "143\n0\n", "{}", result.stderr);
}

#[test]
fn minus_one_requires_broadcast() {
    let script = format!(
        "{LEADER} leader; one=$!; rm ready; leader; two=$!
        \"$SIGTOOL\" send -TERM -- -1; echo $?; \"$SIGTOOL\" send -0 $pid; echo $?
        \"$SIGTOOL\" send -TERM -q 1 --broadcast $pid -- -1; echo $?; \"$SIGTOOL\" send -TERM -1; echo $?
        \"$SIGTOOL\" send -TERM --broadcast -- -1; echo $?
        wait $one; echo $?; wait $two; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    assert_eq!(result.stdout, "2\n0\n2\n2\n0\n143\n143\n", "{}", result.stderr);
    let message: Vec<&str> = result.stderr.lines().collect();
    assert!(message[0].starts_with("sigtool: -1: that is every process you may signal"), "{message:?}");
    assert!(message[1].starts_with("sigtool: -1: a value can be queued to"), "{message:?}");
    assert!(message[2].starts_with("sigtool: -1: a second signal"), "{message:?}");
}
