//! `watch --pid` where /proc, limits, names or arguments are not as usual.

use std::process::{Command, Stdio};
use std::time::Duration;

use sigtool::sys::process::pidfd::PidFd;

use super::{Bash, Observer, send};
use crate::support::{Fixture, SIGTOOL, in_namespace, run, skipped};

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, said) in [
        (&["--name", "x", "TERM"][..], "TERM: it is for receiving signals; --pid and criteria observe other"),
        (&["--pid", "1", "TERM"], "TERM: a signal, where --pid makes every operand a process"),
        (&["--pid", "-1"], "--pid -1: not a process id"),
        (&["--pid", "1", "--interval", "-1s"], "--interval -1s: not a duration"),
        (&["--pid", "1", "--interval", "99999999999999d"], "--interval 99999999999999d: a day at most"),
        (&["--pid", "1", "--timeout", "-1"], "--timeout -1: not a duration"),
        (&["--pid", "1", "--count", "-1"], "'-1' for '--count <N>': expected a number of at least 1"),
        (&["--pid", "1", "--count", "0"], "'0' for '--count <N>': expected a number of at least 1"),
        (&["--pid", "1", "--until", "caught=KILL"], "--until caught=KILL: that can never be met: KILL"),
        (&["--pid", "1", "--on", "HUP=x"], "--on: it is for receiving"),
        (&["--name", "x", "--burst", "queue"], "--burst: it is for receiving"),
        (&["--pid", "nginx"], "--pid nginx: not a process id"),
        (&["--pid", "1,"], "--pid '': not a process id"),
        (&["--pid", "1", "--until", "TERM"], "--until TERM: SET=SIGNALS is expected"),
        (&["--pid", "1", "--until", "held=TERM"], "--until held=TERM: 'held': not a set"),
        (&["--pid", "1", "--interval", "0"], "--interval 0: a millisecond at least"),
        (&["--until", "caught=TERM"], "--until: whom to observe is missing"),
        (&["--threads", "TERM"], "--threads: whom to observe is missing"),
        (&["--tree"], "--oldest, --newest, --tree, --at-most: whom to observe is missing"),
    ] {
        let ran = run(["watch"].iter().chain(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn sigtool_does_not_observe_itself() {
    let ran =
        Command::new("bash").args(["-c", "exec \"$0\" watch --pid $$", SIGTOOL]).output().expect("bash");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains(": that is sigtool itself"), "{said}");
}

/// As `--pid "$(pgrep nginx)"` and `--pid PID PID` give them.
#[test]
fn pids_are_separated_by_anything_and_may_be_operands() {
    let some = [(); 4].map(|()| Fixture::start(["--block", "USR1"]));
    let pids = some.each_ref().map(|fixture| fixture.pid.to_string());
    let words = [format!("{}\n{}", pids[0], pids[1]), pids[2].clone(), format!("{}, {}", pids[3], pids[0])];
    let ran =
        run(["watch", "--timeout", "1ms", "--pid"].iter().copied().chain(words.iter().map(String::as_str)));
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(124), 5), "{}{}", ran.stdout, ran.stderr);
}

/// A zombie's sets are those that it had.
#[test]
fn who_has_ended_already_meets_nothing() {
    let fixture = Fixture::start(["--catch", "TERM"]);
    let pid = fixture.pid.to_string();
    let held = PidFd::open(fixture.pid).expect("it lives");
    send("-KILL", &pid);
    assert!(held.wait_for_exit(Duration::from_secs(30)).expect("poll"));
    let ran = run(["watch", "--pid", &pid, "--until", "caught=TERM"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("killed by KILL\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("killed by KILL before what was waited for"), "{}", ran.stderr);
}

#[test]
fn a_count_that_is_not_reached_is_told() {
    let fixture = Fixture::start(["--block", "USR1"]);
    let watch = Observer::start(&["--pid", &fixture.pid.to_string(), "--count", "9"]);
    send("-KILL", &fixture.pid.to_string());
    let (code, _, stderr) = watch.end();
    assert_eq!((code, stderr.as_str()), (Some(0), "sigtool: --count 9: all have ended after 1\n"));
}

/// The number would mean one process to the kernel and another one to /proc.
#[test]
fn a_proc_of_another_namespace_is_refused() {
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
    let ran =
        Command::new("timeout").args(words).arg(SIGTOOL).stdin(Stdio::null()).output().expect("coreutils");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&ran.stdout).into_owned(),
        String::from_utf8_lossy(&ran.stderr).into_owned(),
    );
    if stdout.is_empty() || ran.status.code() == Some(9) {
        return skipped(&format!("no pid namespace here: {stderr}"));
    }
    assert_eq!((stdout.as_str(), ran.status.code()), ("3\n3\n3\n3\n", Some(3)), "{stderr}");
    let foreign = "/proc is that of another pid namespace, with other process numbers: mount this one's own \
                   there (unshare --mount-proc)";
    let nothing = "/proc: no processes can be read: it is not mounted";
    let said = format!(
        "sigtool: {foreign}\nsigtool: {foreign}\nsigtool: 999999: {foreign}\nsigtool: {nothing}\n\
         sigtool: self: {nothing}\nsigtool: 1: {nothing}\n"
    );
    assert_eq!(stderr, said);
}

/// A part of them would be no answer.
#[test]
fn too_few_descriptors_are_an_error() {
    let script = "ulimit -n 64; for i in {1..40}; do sleep 1000 & done
        \"$0\" watch --parent $$ --timeout 1ms; echo $?
        \"$0\" watch --pid \"$(jobs -p)\" --timeout 1ms; echo $?
        all=($(jobs -p)); kill -KILL ${all[@]:5}; wait ${all[@]:5} 2>/dev/null
        \"$0\" watch --parent $$ --timeout 1ms | grep -c ' sleep '
        kill -KILL ${all[@]:0:5}";
    let ran = Command::new("bash").args(["-c", script, SIGTOOL]).output().expect("bash");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(stdout, "3\n3\n5\n", "{stderr}");
    let said: Vec<&str> = stderr.lines().filter(|line| line.starts_with("sigtool: ")).collect();
    assert_eq!(said.len(), 2, "{stderr}");
    for line in said {
        assert!(line.starts_with("sigtool: to observe 40 processes takes 1"), "{line}");
        assert!(line.contains(" open files, and 64 are allowed: raise the limit"), "{line}");
    }
}

/// Non-dumpable, a process is root's to /proc (hidepid): its status, which is
/// kept open, tells all the same.
#[test]
fn threads_that_are_hidden_later_are_told_once() {
    const TARGET: &str = "import ctypes, signal, sys, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
open(sys.argv[1], 'w').close()
sys.stdin.readline()
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
sys.stdin.readline()
signal.signal(signal.SIGTERM, lambda *_: None)
sys.stdin.readline()";
    // One that every user may execute.
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
    let Some(ran) = in_namespace(&script) else { return };
    if ran.code == Some(9) {
        return skipped("hidepid, or another user, is not to be had here");
    }
    let lines: Vec<&str> = ran.stdout.lines().map(str::trim).collect();
    let [first, note, change, code] = lines[..] else { panic!("{}{}", ran.stdout, ran.stderr) };
    assert!(first.starts_with("watch: observing 1 process every 5ms"), "{first}");
    assert!(note.ends_with(
        ": its threads cannot be read any more: /proc hides them (mount option hidepid); what they block, and \
         what is pending for one of them, is not told"
    ), "{note}");
    assert_eq!((change, code), ("+caught TERM", "0"));
}

#[test]
fn a_change_of_program_is_told() {
    let mut bash = Bash::start();
    let mut watch = Observer::start(&["--json", "--pid", &bash.pid, "--interval", "5ms"]);
    watch.change();
    bash.tell("exec sleep 1000");
    let change = loop {
        let change = watch.change();
        if change.event == "name" {
            break change;
        }
    };
    assert_eq!((change.from.as_str(), change.to.as_str(), change.name.as_str()), ("bash", "sleep", "sleep"));
    let mut watch = Observer::start(&["--pid", &bash.pid, "--interval", "5ms"]);
    watch.until("  sleep ");
}

#[test]
fn a_name_may_end_in_a_carriage_return() {
    let fixture = Fixture::start(["--name", "odd\r"]);
    let pid = fixture.pid.to_string();
    let ran = run(["watch", "--pid", &pid, "--timeout", "1ms", "--json"]);
    assert!(ran.stdout.contains("\"name\":\"odd\\r\""), "{}", ran.stdout);
    let ran = run(["decode-status", "--json", &pid]);
    assert!(ran.stdout.contains("\"odd\\r\""), "{}", ran.stdout);
}

/// A script starts what is in its background so, and nohup does with HUP.
#[test]
fn int_that_was_ignored_on_entry_ends_nothing() {
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
