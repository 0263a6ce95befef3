//! The binary under the name `kill`, end to end. Tests that could signal other
//! processes, and comparisons with other implementations, run in a PID namespace.

use std::fs::File;

use crate::support::{Fixture, in_namespace, kill, kill_command, skipped};

/// PID 4194304, which the kernel never assigns.
const NO_PROCESS: &str = "4194304";

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start(["--default", "~[KILL STOP]"].iter().chain(settings))
}

#[test]
fn kill_prints_nothing_on_success() {
    for (form, number) in [
        (&[][..], 15),
        (&["-9"], 9),
        (&["-s", "INT"], 2),
        (&["-sint"], 2),
        (&["-n", "10"], 10),
        (&["-SIGHUP"], 1),
        (&["-RTMIN+3"], 37),
        (&["-q", "5", "-RTMAX"], 64),
        (&["--signal=ALRM", "--"], 14),
    ] {
        let mut fixture = fixture(&[]);
        let result = kill(form.iter().copied().chain([fixture.pid.to_string().as_str()]));
        assert_eq!(
            (result.code, result.stdout.as_str(), result.stderr.as_str()),
            (Some(0), "", ""),
            "{form:?}"
        );
        assert_eq!(fixture.terminating_signal(), Some(number), "{form:?}");
    }
}

#[test]
fn kill_failures_use_common_wording() {
    for (arguments, code, message) in [
        (&[NO_PROCESS][..], 1, "kill: sending signal to 4194304 failed: No such process\n"),
        (&["-s", "FOO", NO_PROCESS], 1, "kill: 'FOO': invalid signal\n"),
        (&["-FOO", NO_PROCESS], 1, "kill: 'FOO': invalid signal\n"),
        (&["-65", NO_PROCESS], 1, "kill: '65': invalid signal\n"),
        (&["4294967297"], 1, "kill: '4294967297': invalid process ID\n"),
        (&[" 12"], 1, "kill: ' 12': invalid process ID\n"),
        (&["+12"], 1, "kill: '+12': invalid process ID\n"),
        (&[""], 1, "kill: '': invalid process ID\n"),
        (&["12abc"], 1, "kill: '12abc': invalid process ID\n"),
        (&["nobody-here"], 1, "kill: cannot find process \"nobody-here\"\n"),
        (&["--timeout", "50"], 1, "kill: option '--timeout' needs two words: milliseconds and a signal\n"),
    ] {
        let result = kill(arguments);
        assert_eq!(
            (result.code, result.stdout.as_str(), result.stderr.as_str()),
            (Some(code), "", message),
            "{arguments:?}"
        );
    }
    let nothing = kill([""; 0]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""));
    assert_eq!(nothing.stderr.lines().count(), 1, "one line of usage: {}", nothing.stderr);
    assert!(nothing.stderr.starts_with("kill: no process ID specified"));
}

#[test]
fn kill_signals_valid_operands_beside_invalid_ones() {
    for (other, message) in [
        (NO_PROCESS, "kill: sending signal to 4194304 failed: No such process\n"),
        ("4294967297", "kill: '4294967297': invalid process ID\n"),
        ("12abc", "kill: '12abc': invalid process ID\n"),
        ("nobody-here", "kill: cannot find process \"nobody-here\"\n"),
    ] {
        let mut fixture = fixture(&[]);
        let result = kill(["-TERM", other, &fixture.pid.to_string()]);
        assert_eq!((result.code, result.stderr.as_str()), (Some(64), message));
        assert_eq!(fixture.terminating_signal(), Some(15));
    }
}

#[test]
fn kill_rejects_second_or_late_signal() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    for arguments in
        [["-TERM", "-9", &pid], ["-TERM", "-KILL", &pid], ["-INT", &pid, "-9"], ["-INT", &pid, "-TERM"]]
    {
        let result = kill(arguments);
        assert_eq!((result.code, result.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(result.stderr.contains("; nothing was sent"), "{}", result.stderr);
    }
    assert_eq!(kill(["-USR1", &pid]).code, Some(0));
    assert_eq!(fixture.terminating_signal(), Some(10));
}

#[test]
fn kill_accepts_tid_for_its_process() {
    let mut fixture = fixture(&["--thread", ""]);
    assert_eq!(kill(["-INT", &fixture.ids[0].to_string()]).code, Some(0));
    assert_eq!(fixture.terminating_signal(), Some(2));
}

#[test]
fn kill_checks_pidfd_inode() {
    let mut fixture = fixture(&[]);
    let result = kill([format!("{}:1", fixture.pid)]);
    assert_eq!(
        (result.code, result.stderr),
        (Some(1), format!("kill: sending signal to {}:1 failed: No such process\n", fixture.pid))
    );
    assert_eq!(kill(["-INT", &fixture.pid.to_string()]).code, Some(0));
    assert_eq!(fixture.terminating_signal(), Some(2));
}

#[test]
fn kill_lists_and_translates_signals() {
    let all = kill(["-l"]);
    assert_eq!(all.code, Some(0));
    let names: Vec<&str> = all.stdout.lines().collect();
    assert_eq!((names.len(), names[0], names[14], names[31]), (62, "HUP", "TERM", "RTMIN"));
    assert!(names.contains(&"RTMIN+15") && names.contains(&"RTMAX-14"));
    for (words, lines) in [
        (&["15", "143", "271"][..], "TERM\nTERM\nTERM\n"),
        (&["TERM"], "15\n"),
        (&["sigterm", "RTMIN+1"], "15\n35\n"),
        (&["0x4002"], "INT\nTERM\n"),
        (&["147"], "STOP\n"),
        (&["0"], "EXIT\n"),
        (&["EXIT"], "0\n"),
    ] {
        let result = kill(["-l"].iter().chain(words));
        assert_eq!(
            (result.code, result.stdout.as_str(), result.stderr.as_str()),
            (Some(0), lines, ""),
            "{words:?}"
        );
    }
    let mixed = kill(["-l", "15", "FOO", "9"]);
    assert_eq!((mixed.code, mixed.stdout.as_str()), (Some(1), "TERM\nKILL\n"));
    assert_eq!(mixed.stderr, "kill: 'FOO': invalid signal\n");
    assert_eq!(kill(["--list=15"]).stdout, "TERM\n");
    for option in ["-L", "-t", "--table"] {
        let table = kill([option]);
        assert_eq!((table.code, table.stdout.lines().count()), (Some(0), 65), "{option}");
    }
}

#[test]
fn kill_list_reports_write_error() {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = kill_command().arg("-l").stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "kill: standard output: No space left on device\n");
}

#[test]
fn kill_prints_help_and_version_on_stdout() {
    for option in ["-h", "--help"] {
        let result = kill([option]);
        assert_eq!(result.code, Some(0));
        assert!(
            result.stdout.starts_with("Usage: kill ") && result.stdout.lines().count() <= 24,
            "{}",
            result.stdout
        );
        assert!(result.stdout.lines().all(|line| line.len() <= 80));
    }
    for option in ["-V", "--version"] {
        assert_eq!(kill([option]).stdout, format!("kill (sigtool {})\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn kill_require_handler_skips_processes_without_handler() {
    let mut plain = fixture(&[]);
    let catching = fixture(&["--catch", "USR1,RTMIN+2"]);
    for signal in ["-USR1", "-RTMIN+2"] {
        let result = kill(["-r", "--verbose", signal, &plain.pid.to_string(), &catching.pid.to_string()]);
        let number = if signal == "-USR1" { 10 } else { 36 };
        assert_eq!(result.stdout, format!("sending signal {number} to pid {}\n", catching.pid));
        let message = format!("kill: not signalling {}: it has no handler for the signal\n", plain.pid);
        assert_eq!((result.code, result.stderr), (Some(64), message));
        assert_eq!(kill(["-r", signal, &plain.pid.to_string()]).code, Some(1));
    }
    // The process without a handler got neither signal, or it would have been
    // terminated.
    assert_eq!(kill(["-INT", &plain.pid.to_string()]).code, Some(0));
    assert_eq!(plain.terminating_signal(), Some(2));
}

#[test]
fn kill_prints_pids_and_decodes_states() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    assert_eq!(kill(["-p", &pid]).stdout, format!("{pid}\n"));
    let result = kill(["-d", &pid]);
    assert!(result.stdout.contains("HUP     ignored"), "{}", result.stdout);
    assert_eq!(kill(["-d", NO_PROCESS]).code, Some(1));
}

#[test]
fn kill_timeout_signals_only_live_processes() {
    let stubborn = ["--block", "TERM,RTMIN"];
    let (mut one, mut other) = (fixture(&stubborn), fixture(&stubborn));
    let gone = fixture(&["--exit", "0"]);
    let (first, second) = (one.pid.to_string(), other.pid.to_string());
    // A dead process among the targets does not affect the others.
    let result = kill([
        "--verbose",
        "--timeout",
        "1",
        "RTMIN",
        "--timeout",
        "1",
        "KILL",
        "-q",
        "7",
        "-TERM",
        &first,
        NO_PROCESS,
        &gone.pid.to_string(),
        &second,
    ]);
    assert_eq!(result.code, Some(64));
    assert_eq!(result.stderr, "kill: sending signal to 4194304 failed: No such process\n");
    let line = |after: &str, number: u8, pid: &str| format!("{after}sending signal {number} to pid {pid}\n");
    let expected = [
        line("", 15, &first),
        line("", 15, &gone.pid.to_string()),
        line("", 15, &second),
        line("timeout, ", 34, &first),
        line("timeout, ", 34, &second),
        line("timeout, ", 9, &first),
        line("timeout, ", 9, &second),
    ];
    assert_eq!(result.stdout, expected.concat());
    assert_eq!((one.terminating_signal(), other.terminating_signal()), (Some(9), Some(9)));
}

#[test]
fn kill_timeout_spares_exited_processes() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    let result = kill(["--verbose", "--timeout", "60000", "KILL", "-TERM", &pid]);
    assert_eq!((result.code, result.stdout), (Some(0), format!("sending signal 15 to pid {pid}\n")));
    assert_eq!(fixture.terminating_signal(), Some(15));
}

/// Starts a fixture that leads a process group, and sets `pid` when it is ready.
const LEADER: &str = "
    cd \"$(mktemp -d)\"
    leader() { rm -f ready; setsid \"$FIXTURE\" --default '~[KILL STOP]' \"$@\" > ready &
               until grep -qs ready ready; do :; done; read -r _ pid rest < ready; }
";

#[test]
fn kill_signals_group_in_every_form() {
    for (form, status) in [
        ("-TERM -$pid", 143),
        ("-- -$pid", 143),
        ("-s INT -- -$pid", 130),
        ("-9 -$pid", 137),
        ("-KILL $other -$pid", 137),
    ] {
        let script =
            format!("{LEADER} leader; other=$pid; leader; \"$KILL\" {form}; echo sent $?; wait $!; echo $?");
        let Some(result) = in_namespace(&script) else { return };
        assert_eq!(result.stdout, format!("sent 0\n{status}\n"), "{form}: {}", result.stderr);
    }
}

/// With -p every target is printed and not signalled. With -r a target whose
/// handler is unknown is not signalled.
#[test]
fn kill_print_and_require_options_send_nothing() {
    let script = format!(
        "{LEADER} leader; one=$!
        \"$KILL\" -p -- -$pid -1 0 $pid $pid/$pid; echo $?
        for target in -$pid -1 0 $pid $pid/$pid; do \"$KILL\" -r -TERM -- $target 2> /dev/null; echo $?; done
        \"$KILL\" -0 $pid; echo alive $?; \"$KILL\" --verbose -KILL -- -$pid; wait $one; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    let text = result.stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[1], lines[2], lines[5]), ("-1", "0", "0"), "{text}{}", result.stderr);
    assert_eq!(lines[6..12], ["1", "1", "1", "1", "1", "alive 0"], "{text}{}", result.stderr);
    assert!(lines[12].starts_with("sending signal 9 to pid -1") && lines[13] == "137", "{text}");
}

/// The /proc of another PID namespace has other PIDs, so it is not used for PIDs
/// or names.
#[test]
fn kill_refuses_names_with_foreign_proc() {
    let script = format!(
        "{LEADER} leader --name aim; one=$!; \"$KILL\" -0 aim; echo $?
        unshare --pid --fork --kill-child \"$KILL\" -TERM aim; echo $?
        unshare --pid --fork --kill-child \"$SIGTOOL\" send -q 1 -TERM -- -$pid; echo $?
        \"$KILL\" -0 $pid; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    assert_eq!(result.stdout, "0\n1\n1\n0\n", "{}", result.stderr);
    assert!(result.stderr.contains("the /proc here is of another pid namespace"), "{}", result.stderr);
}

/// The example in POSIX: a process and a group in one command.
#[test]
fn kill_signals_process_and_group_in_one_command() {
    let script = format!(
        "{LEADER} leader; one=$!; first=$pid; leader; two=$!; \"$KILL\" -9 $first -$pid; echo $?
        wait $one; echo $?; wait $two; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    assert_eq!(result.stdout, "0\n137\n137\n", "{}", result.stderr);
}

#[test]
fn kill_signals_own_group_and_broadcast() {
    // The PIDs are as small as signal numbers, as they are for the first
    // processes of a container.
    let script = format!(
        "echo 20 > /proc/sys/kernel/ns_last_pid; {LEADER} leader; one=$!
        test $pid -lt 64 && \"$KILL\" -TERM -$pid; echo $?; wait $one; echo $?
        leader; two=$!; \"$KILL\" -1; \"$KILL\" -0 $pid; echo $?; \"$KILL\" -9 -1; echo $?; wait $two; echo $?"
    );
    let Some(result) = in_namespace(&script) else { return };
    assert_eq!(result.stdout, "0\n143\n0\n0\n137\n", "{}", result.stderr);
    assert!(result.stderr.contains("kill: no process ID specified"), "{}", result.stderr);
}

#[test]
fn kill_name_selects_own_processes() {
    let script = format!(
        "{LEADER} leader --name aim; one=$!; first=$pid; leader --name aim; two=$!; leader --name aimless
        \"$KILL\" -p aim | wc -l
        \"$KILL\" -TERM aim; echo $?; wait $one; echo $?; wait $two; echo $?; \"$KILL\" -0 $pid; echo $?
        setpriv --reuid 65534 --regid 65534 --clear-groups \"$KILL\" aimless
        setpriv --reuid 65534 --regid 65534 --clear-groups \"$KILL\" -a aimless"
    );
    let Some(result) = in_namespace(&script) else { return };
    assert_eq!(result.stdout, "2\n0\n143\n143\n0\n", "{}", result.stderr);
    let lines: Vec<&str> = result.stderr.lines().collect();
    assert_eq!(lines[0], "kill: cannot find process \"aimless\"");
    assert!(lines[1].ends_with("failed: Operation not permitted"), "{lines:?}");
}

/// Compares the effect on the target and the exit status where all
/// implementations agree. procps handles `-TERM -PGID` wrongly and does not know
/// `-l 143`.
#[test]
fn kill_matches_other_implementations() {
    let script = format!(
        "{LEADER}
        try() {{ leader; \"$@\" > out 2> err; code=$?; test $code -gt 1 && code=1
                 \"$KILL\" -KILL $pid; wait $!; echo \"$code $? $(cat out)\" >> result; }}
        all() {{
            for form in '$pid' '-9 $pid' '-s TERM $pid' '-INT $pid' '-0 $pid' '-s 0 $pid' '-s usr1 $pid' '-- $pid' \\
                        '-s HUP -- -$pid' '-9 4194304' '-s FOO $pid' '-FOO $pid' '' \\
                        '-l 15' '-l 9'; do
                try eval \"$* $form\"
            done
        }}
        : > result; all '\"$KILL\"'; mv result ours
        for theirs in /usr/bin/kill 'dash -c '\\''kill \"$@\"'\\'' kill' 'bash -c '\\''kill \"$@\"'\\'' kill'; do
            command -v ${{theirs%% *}} > /dev/null || {{ echo \"missing ${{theirs%% *}}\"; continue; }}
            : > result; all \"$theirs\"
            diff ours result > difference || {{ echo \"$theirs\"; cat difference; }}
        done; wc -l < ours"
    );
    let Some(result) = in_namespace(&script) else { return };
    let lines: Vec<&str> = result.stdout.lines().collect();
    lines.iter().filter(|line| line.starts_with("missing")).for_each(|line| skipped(line));
    let rest: Vec<&&str> = lines.iter().filter(|line| !line.starts_with("missing")).collect();
    assert_eq!(rest, [&"15"], "{}{}", result.stdout, result.stderr);
}
