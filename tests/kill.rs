//! The binary under the name `kill`, end to end. What could reach others, and
//! every comparison with another kill, runs in a pid namespace.

use std::fs::File;

use crate::support::{Fixture, in_namespace, kill, kill_command, skipped};

/// Taken by no process of a test: the kernel's greatest number.
const NOBODY: &str = "4194304";

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start(["--default", "~[KILL STOP]"].iter().chain(settings))
}

#[test]
fn signals_are_sent_silently() {
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
        let ran = kill(form.iter().copied().chain([fixture.pid.to_string().as_str()]));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{form:?}");
        assert_eq!(fixture.ended_by(), Some(number), "{form:?}");
    }
}

#[test]
fn failures_are_worded_as_everywhere() {
    for (arguments, code, said) in [
        (&[NOBODY][..], 1, "kill: sending signal to 4194304 failed: No such process\n"),
        (&["-s", "FOO", NOBODY], 1, "kill: 'FOO': invalid signal\n"),
        (&["-FOO", NOBODY], 1, "kill: 'FOO': invalid signal\n"),
        (&["-65", NOBODY], 1, "kill: '65': invalid signal\n"),
        (&["4294967297"], 1, "kill: '4294967297': invalid process ID\n"),
        (&[" 12"], 1, "kill: ' 12': invalid process ID\n"),
        (&["+12"], 1, "kill: '+12': invalid process ID\n"),
        (&[""], 1, "kill: '': invalid process ID\n"),
        (&["12abc"], 1, "kill: '12abc': invalid process ID\n"),
        (&["nobody-here"], 1, "kill: cannot find process \"nobody-here\"\n"),
        (
            &["--timeout", "50"],
            1,
            "kill: option '--timeout' requires two arguments, milliseconds and a signal\n",
        ),
    ] {
        let ran = kill(arguments);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(code), "", said),
            "{arguments:?}"
        );
    }
    let nothing = kill([""; 0]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""));
    assert_eq!(nothing.stderr.lines().count(), 1, "one line of usage: {}", nothing.stderr);
    assert!(nothing.stderr.starts_with("kill: no process ID specified"));
}

#[test]
fn what_is_wrong_does_not_keep_the_rest_from_their_signal() {
    for (other, said) in [
        (NOBODY, "kill: sending signal to 4194304 failed: No such process\n"),
        ("4294967297", "kill: '4294967297': invalid process ID\n"),
        ("12abc", "kill: '12abc': invalid process ID\n"),
        ("nobody-here", "kill: cannot find process \"nobody-here\"\n"),
    ] {
        let mut fixture = fixture(&[]);
        let ran = kill(["-TERM", other, &fixture.pid.to_string()]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(64), said));
        assert_eq!(fixture.ended_by(), Some(15));
    }
}

#[test]
fn a_signal_twice_or_late_sends_nothing() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    for arguments in
        [["-TERM", "-9", &pid], ["-TERM", "-KILL", &pid], ["-INT", &pid, "-9"], ["-INT", &pid, "-TERM"]]
    {
        let ran = kill(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(ran.stderr.contains("; nothing was sent"), "{}", ran.stderr);
    }
    assert_eq!(kill(["-USR1", &pid]).code, Some(0));
    assert_eq!(fixture.ended_by(), Some(10));
}

#[test]
fn a_thread_does_for_its_process() {
    let mut fixture = fixture(&["--thread", ""]);
    assert_eq!(kill(["-INT", &fixture.ids[0].to_string()]).code, Some(0));
    assert_eq!(fixture.ended_by(), Some(2));
}

#[test]
fn an_inode_must_be_the_processs() {
    let mut fixture = fixture(&[]);
    let ran = kill([format!("{}:1", fixture.pid)]);
    assert_eq!(
        (ran.code, ran.stderr),
        (Some(1), format!("kill: sending signal to {}:1 failed: No such process\n", fixture.pid))
    );
    assert_eq!(kill(["-INT", &fixture.pid.to_string()]).code, Some(0));
    assert_eq!(fixture.ended_by(), Some(2));
}

#[test]
fn signals_are_listed_and_translated() {
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
        let ran = kill(["-l"].iter().chain(words));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), lines, ""), "{words:?}");
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
fn a_list_that_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = kill_command().arg("-l").stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "kill: standard output: No space left on device\n");
}

#[test]
fn help_and_version_are_answers() {
    for option in ["-h", "--help"] {
        let ran = kill([option]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.starts_with("Usage: kill ") && ran.stdout.lines().count() <= 24, "{}", ran.stdout);
        assert!(ran.stdout.lines().all(|line| line.len() <= 80));
    }
    for option in ["-V", "--version"] {
        assert_eq!(kill([option]).stdout, format!("kill (sigtool {})\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn a_handler_can_be_required() {
    let mut plain = fixture(&[]);
    let catching = fixture(&["--catch", "USR1,RTMIN+2"]);
    for signal in ["-USR1", "-RTMIN+2"] {
        let ran = kill(["-r", "--verbose", signal, &plain.pid.to_string(), &catching.pid.to_string()]);
        let number = if signal == "-USR1" { 10 } else { 36 };
        assert_eq!(ran.stdout, format!("sending signal {number} to pid {}\n", catching.pid));
        let said = format!("kill: not signalling {}: it has no handler for the signal\n", plain.pid);
        assert_eq!((ran.code, ran.stderr), (Some(64), said));
        assert_eq!(kill(["-r", signal, &plain.pid.to_string()]).code, Some(1));
    }
    // The one without a handler got neither, or it would have ended by it.
    assert_eq!(kill(["-INT", &plain.pid.to_string()]).code, Some(0));
    assert_eq!(plain.ended_by(), Some(2));
}

#[test]
fn numbers_are_printed_and_states_decoded() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    assert_eq!(kill(["-p", &pid]).stdout, format!("{pid}\n"));
    let ran = kill(["-d", &pid]);
    assert!(ran.stdout.contains("HUP     ignored"), "{}", ran.stdout);
    assert_eq!(kill(["-d", NOBODY]).code, Some(1));
}

#[test]
fn follow_ups_go_to_what_is_still_alive() {
    let stubborn = ["--block", "TERM,RTMIN"];
    let (mut one, mut other) = (fixture(&stubborn), fixture(&stubborn));
    let gone = fixture(&["--exit", "0"]);
    let (first, second) = (one.pid.to_string(), other.pid.to_string());
    // A dead process among them keeps nothing from the others.
    let ran = kill([
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
        NOBODY,
        &gone.pid.to_string(),
        &second,
    ]);
    assert_eq!(ran.code, Some(64));
    assert_eq!(ran.stderr, "kill: sending signal to 4194304 failed: No such process\n");
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
    assert_eq!(ran.stdout, expected.concat());
    assert_eq!((one.ended_by(), other.ended_by()), (Some(9), Some(9)));
}

#[test]
fn no_follow_up_goes_to_what_has_ended() {
    let mut fixture = fixture(&[]);
    let pid = fixture.pid.to_string();
    let ran = kill(["--verbose", "--timeout", "60000", "KILL", "-TERM", &pid]);
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("sending signal 15 to pid {pid}\n")));
    assert_eq!(fixture.ended_by(), Some(15));
}

/// Starts a fixture that leads a group, and says `pid` when it is ready.
const LEADER: &str = "
    cd \"$(mktemp -d)\"
    leader() { rm -f ready; setsid \"$FIXTURE\" --default '~[KILL STOP]' \"$@\" > ready &
               until grep -qs ready ready; do :; done; read -r _ pid rest < ready; }
";

#[test]
fn groups_are_meant_in_every_way() {
    for (form, status) in [
        ("-TERM -$pid", 143),
        ("-- -$pid", 143),
        ("-s INT -- -$pid", 130),
        ("-9 -$pid", 137),
        ("-KILL $other -$pid", 137),
    ] {
        let script =
            format!("{LEADER} leader; other=$pid; leader; \"$KILL\" {form}; echo sent $?; wait $!; echo $?");
        let Some(ran) = in_namespace(&script) else { return };
        assert_eq!(ran.stdout, format!("sent 0\n{status}\n"), "{form}: {}", ran.stderr);
    }
}

/// Whatever is named, -p prints it and sends nothing, and -r sends nothing to
/// what cannot be asked for its handler.
#[test]
fn printing_and_requiring_reach_nobody() {
    let script = format!(
        "{LEADER} leader; one=$!
        \"$KILL\" -p -- -$pid -1 0 $pid $pid/$pid; echo $?
        for target in -$pid -1 0 $pid $pid/$pid; do \"$KILL\" -r -TERM -- $target 2> /dev/null; echo $?; done
        \"$KILL\" -0 $pid; echo alive $?; \"$KILL\" --verbose -KILL -- -$pid; wait $one; echo $?"
    );
    let Some(ran) = in_namespace(&script) else { return };
    let text = ran.stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[1], lines[2], lines[5]), ("-1", "0", "0"), "{text}{}", ran.stderr);
    assert_eq!(lines[6..12], ["1", "1", "1", "1", "1", "alive 0"], "{text}{}", ran.stderr);
    assert!(lines[12].starts_with("sending signal 9 to pid -1") && lines[13] == "137", "{text}");
}

/// The /proc of another pid namespace has other numbers: what it says of a
/// number or a name is not believed.
#[test]
fn a_foreign_proc_names_nobody() {
    let script = format!(
        "{LEADER} leader --name aim; one=$!; \"$KILL\" -0 aim; echo $?
        unshare --pid --fork --kill-child \"$KILL\" -TERM aim; echo $?
        unshare --pid --fork --kill-child \"$SIGTOOL\" send -q 1 -TERM -- -$pid; echo $?
        \"$KILL\" -0 $pid; echo $?"
    );
    let Some(ran) = in_namespace(&script) else { return };
    assert_eq!(ran.stdout, "0\n1\n1\n0\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("/proc belongs to a different PID namespace"), "{}", ran.stderr);
}

/// POSIX's own example: a process and a group in one command.
#[test]
fn a_process_and_a_group_in_one_command() {
    let script = format!(
        "{LEADER} leader; one=$!; first=$pid; leader; two=$!; \"$KILL\" -9 $first -$pid; echo $?
        wait $one; echo $?; wait $two; echo $?"
    );
    let Some(ran) = in_namespace(&script) else { return };
    assert_eq!(ran.stdout, "0\n137\n137\n", "{}", ran.stderr);
}

#[test]
fn small_groups_and_everybody() {
    // Numbers of signals, as the first processes of a container have them.
    let script = format!(
        "echo 20 > /proc/sys/kernel/ns_last_pid; {LEADER} leader; one=$!
        test $pid -lt 64 && \"$KILL\" -TERM -$pid; echo $?; wait $one; echo $?
        leader; two=$!; \"$KILL\" -1; \"$KILL\" -0 $pid; echo $?; \"$KILL\" -9 -1; echo $?; wait $two; echo $?"
    );
    let Some(ran) = in_namespace(&script) else { return };
    assert_eq!(ran.stdout, "0\n143\n0\n0\n137\n", "{}", ran.stderr);
    assert!(ran.stderr.contains("kill: no process ID specified"), "{}", ran.stderr);
}

#[test]
fn names_mean_the_own_processes_of_that_name() {
    let script = format!(
        "{LEADER} leader --name aim; one=$!; first=$pid; leader --name aim; two=$!; leader --name aimless
        \"$KILL\" -p aim | wc -l
        \"$KILL\" -TERM aim; echo $?; wait $one; echo $?; wait $two; echo $?; \"$KILL\" -0 $pid; echo $?
        setpriv --reuid 65534 --regid 65534 --clear-groups \"$KILL\" aimless
        setpriv --reuid 65534 --regid 65534 --clear-groups \"$KILL\" -a aimless"
    );
    let Some(ran) = in_namespace(&script) else { return };
    assert_eq!(ran.stdout, "2\n0\n143\n143\n0\n", "{}", ran.stderr);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said[0], "kill: cannot find process \"aimless\"");
    assert!(said[1].ends_with("failed: Operation not permitted"), "{said:?}");
}

/// On what all agree on (procps is wrong on `-TERM -PGID`, and does not know
/// `-l 143`), ours does the same: what comes of the target, and
/// whether kill succeeds.
#[test]
fn the_others_do_the_same_where_they_agree() {
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
    let Some(ran) = in_namespace(&script) else { return };
    let said: Vec<&str> = ran.stdout.lines().collect();
    said.iter().filter(|line| line.starts_with("missing")).for_each(|line| skipped(line));
    let rest: Vec<&&str> = said.iter().filter(|line| !line.starts_with("missing")).collect();
    assert_eq!(rest, [&"15"], "{}{}", ran.stdout, ran.stderr);
}
