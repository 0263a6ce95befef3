//! `watch --pid` with unusual arguments, limits, names and /proc mounts.

use std::process::{Command, Stdio};
use std::time::Duration;

use sigtool::sys::process::pidfd::PidFd;

use super::{Interpreter, Observer, send};
use crate::support::{Fixture, SIGTOOL, in_namespace, run, skipped};

#[test]
fn monitor_rejects_conflicting_options() {
    for (arguments, message) in [
        (&["--name", "x", "TERM"][..], "TERM: unexpected operand with --all or criteria (use --signal TERM "),
        (&["--pid", "1", "TERM"], "TERM: invalid PID (with --pid, use --signal TERM "),
        (&["--pid", "-1"], "--pid -1: invalid PID (expected 1 to 4194304)"),
        (&["--pid", "1", "--interval", "-1s"], "--interval -1s: invalid duration"),
        (
            &["--pid", "1", "--interval", "99999999999999d"],
            "--interval 99999999999999d: must be at most 1 day",
        ),
        (&["--pid", "1", "--timeout", "-1"], "--timeout -1: invalid duration"),
        (&["--pid", "1", "--count", "-1"], "'-1' for '--count <N>': expected a number of at least 1"),
        (&["--pid", "1", "--count", "0"], "'0' for '--count <N>': expected a number of at least 1"),
        (&["--pid", "1", "--until", "caught=KILL"], "--until caught=KILL: no process can meet this (KILL"),
        (&["--pid", "1", "--on", "HUP=x"], "--on cannot be combined with --pid, criteria or --all"),
        (&["--name", "x", "--burst", "queue"], "--burst cannot be combined with --pid, criteria or --all"),
        (&["--pid", "nginx"], "--pid nginx: invalid PID (use --name NAME "),
        (&["--pid", "1,"], "--pid '': invalid PID"),
        (&["--pid", "1", "--until", "TERM"], "--until TERM: expected SET=SIGNALS"),
        (&["--pid", "1", "--until", "held=TERM"], "--until held=TERM: unknown set 'held'"),
        (&["--pid", "1", "--interval", "0"], "--interval 0: must be at least 1 ms"),
        (&["--until", "caught=TERM"], "--until requires --pid PID or a criterion"),
        (&["--threads", "TERM"], "--threads requires --pid PID or a criterion"),
        (&["--tree"], "--oldest, --newest, --tree and --at-most require --pid PID or a criterion"),
    ] {
        let result = run(["watch"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

#[test]
fn monitor_refuses_own_pid() {
    let result =
        Command::new("bash").args(["-c", "exec \"$0\" watch --pid $$", SIGTOOL]).output().expect("bash");
    let message = String::from_utf8_lossy(&result.stderr).into_owned();
    assert_eq!(result.status.code(), Some(2), "{message}");
    assert!(message.contains(": this is the PID of sigtool itself"), "{message}");
}

/// As given by `--pid "$(pgrep nginx)"` and `--pid PID PID`.
#[test]
fn monitor_accepts_pid_lists_and_operands() {
    let fixtures = [(); 4].map(|()| Fixture::start(["--block", "USR1"]));
    let pids = fixtures.each_ref().map(|fixture| fixture.pid.to_string());
    let words = [format!("{}\n{}", pids[0], pids[1]), pids[2].clone(), format!("{}, {}", pids[3], pids[0])];
    let result =
        run(["watch", "--timeout", "1ms", "--pid"].iter().copied().chain(words.iter().map(String::as_str)));
    assert_eq!(
        (result.code, result.stdout.lines().count()),
        (Some(124), 5),
        "{}{}",
        result.stdout,
        result.stderr
    );
}

/// The signal sets of a zombie are those that it had before it exited.
#[test]
fn zombie_fails_until_condition() {
    let fixture = Fixture::start(["--catch", "TERM"]);
    let pid = fixture.pid.to_string();
    let pidfd = PidFd::open(fixture.pid).expect("it lives");
    send("-KILL", &pid);
    assert!(pidfd.wait_for_exit(Duration::from_secs(30)).expect("poll"));
    let result = run(["watch", "--pid", &pid, "--until", "caught=TERM"]);
    assert_eq!(result.code, Some(1), "{}", result.stdout);
    assert!(result.stdout.ends_with("killed by KILL\n"), "{}", result.stdout);
    assert!(
        result.stderr.contains("killed by KILL before the --until condition was met"),
        "{}",
        result.stderr
    );
}

#[test]
fn unreached_count_is_reported() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let watch = Observer::start(&["--pid", &fixture.pid.to_string(), "--count", "9"]);
    send("-KILL", &fixture.pid.to_string());
    let (code, _, stderr) = watch.end();
    assert_eq!(
        (code, stderr.as_str()),
        (Some(0), "sigtool: --count 9: all processes exited after 1 event\n")
    );
}

/// The PID would be one process for the kernel and another one in /proc.
#[test]
fn monitor_refuses_foreign_proc() {
    let script = "sleep 1000 & \"$0\" watch --pid $! --timeout 1s; echo $?
        \"$0\" watch --name sleep; echo $?; \"$0\" decode-status 999999; echo $?
        mount -t tmpfs none /proc || exit 9
        \"$0\" watch --pid $$; echo $?; \"$0\" decode-status self 1";
    let words = [
        "--signal=KILL",
        "60",
        "unshare",
        "--pid",
        "--mount",
        "--fork",
        "--kill-child",
        "bash",
        "-c",
        script,
    ];
    let result =
        Command::new("timeout").args(words).arg(SIGTOOL).stdin(Stdio::null()).output().expect("coreutils");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&result.stdout).into_owned(),
        String::from_utf8_lossy(&result.stderr).into_owned(),
    );
    if stdout.is_empty() || result.status.code() == Some(9) {
        return skipped(&format!("no pid namespace here: {stderr}"));
    }
    assert_eq!((stdout.as_str(), result.status.code()), ("3\n3\n3\n3\n", Some(3)), "{stderr}");
    let foreign = "/proc belongs to a different PID namespace, so its PIDs cannot be used (mount a proc file \
                   system for this namespace, for example with unshare --mount-proc)";
    let nothing = "/proc: cannot list processes (not mounted)";
    let message = format!(
        "sigtool: {foreign}\nsigtool: {foreign}\nsigtool: 999999: {foreign}\nsigtool: {nothing}\n\
         sigtool: self: {nothing}\nsigtool: 1: {nothing}\n"
    );
    assert_eq!(stderr, message);
}

/// Watching only some of them would be wrong.
#[test]
fn too_few_descriptors_are_reported() {
    let script = "ulimit -n 64; for i in {1..40}; do sleep 1000 & done
        \"$0\" watch --parent $$ --timeout 1ms; echo $?
        \"$0\" watch --pid \"$(jobs -p)\" --timeout 1ms; echo $?
        all=($(jobs -p)); kill -KILL ${all[@]:5}; wait ${all[@]:5} 2>/dev/null
        \"$0\" watch --parent $$ --timeout 1ms | grep -c ' sleep '
        kill -KILL ${all[@]:0:5}";
    let result = Command::new("bash").args(["-c", script, SIGTOOL]).output().expect("bash");
    let (stdout, stderr) = (String::from_utf8_lossy(&result.stdout), String::from_utf8_lossy(&result.stderr));
    assert_eq!(stdout, "3\n3\n5\n", "{stderr}");
    let messages: Vec<&str> = stderr.lines().filter(|line| line.starts_with("sigtool: ")).collect();
    assert_eq!(messages.len(), 2, "{stderr}");
    for line in messages {
        assert!(line.starts_with("sigtool: watching 40 processes needs 1"), "{line}");
        assert!(line.contains(" file descriptors but the limit is 64 (run `ulimit -n "), "{line}");
    }
}

/// The /proc files of a process that is not dumpable belong to root (hidepid).
/// Its status file, which is kept open, can still be read.
#[test]
fn threads_hidden_later_are_reported_once() {
    const TARGET: &str = "import ctypes, signal, sys, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
open(sys.argv[1], 'w').close()
sys.stdin.readline()
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
sys.stdin.readline()
signal.signal(signal.SIGTERM, lambda *_: None)
sys.stdin.readline()";
    // An interpreter that every user may execute.
    const PYTHON: &str = "/usr/bin/python3";
    if !std::path::Path::new(PYTHON).exists() {
        return skipped("python3 is missing");
    }
    let script = format!(
        "mount -o remount,hidepid=2 /proc || exit 9
        user='setpriv --reuid 65534 --regid 65534 --clear-groups'
        folder=$(mktemp -d); chmod 777 $folder; cd $folder
        $user \"$SIGTOOL\" --version >/dev/null 2>&1 && $user {PYTHON} -c 'import ctypes' || exit 9
        mkfifo ready in out err; chmod 666 ready; cat > target.py <<'E'\n{TARGET}\nE
        $user {PYTHON} target.py ready < in & exec 3> in; cat ready
        $user \"$SIGTOOL\" watch --backend proc --pid $! --until caught=TERM --interval 5ms > out 2> err & watch=$!
        exec 4< out 5< err; read line <&5; echo \"$line\"; read line <&4; read line <&4
        echo >&3; read line <&5; echo \"$line\"; echo >&3
        while read line <&4; do echo \"${{line#*python3* }}\"; done; wait $watch; echo $?; rm -r $folder"
    );
    let Some(result) = in_namespace(&script) else { return };
    if result.code == Some(9) {
        return skipped("hidepid or another user is not available");
    }
    let lines: Vec<&str> = result.stdout.lines().map(str::trim).collect();
    let [first, note, change, code] = lines[..] else { panic!("{}{}", result.stdout, result.stderr) };
    assert!(first.starts_with("watch: watching 1 process every 5 ms; "), "{first}");
    assert!(note.starts_with("watch: cannot read the threads of "), "{note}");
    assert!(note.ends_with(
        ": /proc hides them (mount option hidepid); their signal masks and pending signals are no longer reported"
    ), "{note}");
    assert_eq!((change, code), ("+caught TERM", "0"));
}

#[test]
fn exec_is_reported_as_name_change() {
    let mut bash = Interpreter::start();
    let mut watch = Observer::start(&["--json", "--pid", &bash.pid, "--interval", "5ms"]);
    watch.change();
    bash.send_line("exec sleep 1000");
    let change = loop {
        let change = watch.change();
        if change.event == "name" {
            break change;
        }
    };
    assert_eq!((change.from.as_str(), change.to.as_str(), change.name.as_str()), ("bash", "sleep", "sleep"));
    let mut watch = Observer::start(&["--pid", &bash.pid, "--interval", "5ms"]);
    watch.read_until("  sleep ");
}

#[test]
fn name_with_carriage_return_is_escaped() {
    let fixture = Fixture::start(["--name", "odd\r"]);
    let pid = fixture.pid.to_string();
    let result = run(["watch", "--pid", &pid, "--timeout", "1ms", "--json"]);
    assert!(result.stdout.contains("\"name\":\"odd\\r\""), "{}", result.stdout);
    let result = run(["decode-status", "--json", &pid]);
    assert!(result.stdout.contains("\"odd\\r\""), "{}", result.stdout);
}

/// Shells ignore INT for background jobs in scripts, and nohup ignores HUP.
#[test]
fn ignored_int_does_not_end_monitor() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let pid = fixture.pid.to_string();
    let command = |arguments: &[&str]| {
        let mut words = vec!["-c", "trap '' INT; exec \"$@\"", "sh", SIGTOOL, "watch"];
        words.extend(arguments);
        let mut command = Command::new("sh");
        command.args(words);
        command
    };
    for arguments in [&["--pid", &pid][..], &["--count", "1", "USR1"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh");
        let mut line = String::new();
        let mut stderr = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
        std::io::BufRead::read_line(&mut stderr, &mut line).expect("UTF-8");
        assert!(line.starts_with("watch: "), "{line}");
        send("-INT", &child.id().to_string());
        send("-TERM", &child.id().to_string());
        let code = child.wait().expect("it ends").code();
        assert_eq!(code, Some(if arguments[0] == "--pid" { 0 } else { 143 }), "{arguments:?}");
    }
}
