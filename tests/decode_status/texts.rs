//! `sigtool decode-status` with texts and masks.

use std::path::PathBuf;

use snapbox::{assert_data_eq, str};

use crate::support::{run, run_with_input};

/// Reads a captured status file.
pub fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/status").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn text_with_signal_lines_only_is_decoded() {
    let text = std::fs::read(data("signal-lines")).expect("the captured lines");
    let result = run_with_input(&["decode-status", "-"], &text);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_data_eq!(
        result.stdout,
        str![[r#"
Queue  3 of 96365 signals

NUM  SIGNAL          DISPOSITION      BLOCKED  PENDING
  1  HUP             caught           -        -
  2  INT             caught           -        -
  3  QUIT            caught           -        -
 13  PIPE            ignored          -        -
 15  TERM            caught           -        process
 17  CHLD            default: ignore  blocked  -
 32  32 (C library)  caught           -        -
 33  33 (C library)  caught           -        -

Note  It ignores PIPE. Writing to a closed pipe fails with EPIPE instead of killing it. Its children inherit this.
Note  It catches 32 and 33, which the C library reserves. The C library uses 32 to cancel threads and 33 to change the user and group IDs of all threads.

"#]]
    );
}

#[test]
fn grep_output_of_several_processes_is_decoded() {
    let result = run(["decode-status", "--file", &data("grep-sig")]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_data_eq!(
        result.stdout,
        str![[r#"
 PID  S  THR  PENDING  BLOCKED  IGNORED                   CAUGHT                                                                                  NAME
   1  -    -  unknown  -        PIPE                      ILL ABRT BUS FPE SEGV                                                                   /proc/1/status
   2  -    -  unknown  -        all                       -                                                                                       /proc/2/status
1050  -    -  unknown  -        QUIT TERM TSTP TTIN TTOU  HUP INT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM CHLD XCPU XFSZ VTALRM WINCH SYS  /proc/1050/status

"#]]
    );
}

#[test]
fn captured_files_are_decoded_or_rejected_clearly() {
    for (name, code, message) in [
        ("bash", 0, "Process  6476 (bash)"),
        ("python3", 0, " 25  XFSZ    ignored      -        -"),
        ("java", 0, "Threads  20 (only the main thread's mask and pending set are known)"),
        ("kernel-thread", 0, "Kind     kernel thread"),
        ("zombie", 0, "State    Z (zombie)"),
        ("stopped", 0, " 15  TERM    default: terminate  blocked  process"),
        ("pid-1", 0, "Parent   0 (none, or outside this PID namespace)"),
        ("leader-exited", 0, "zombie; the main thread has exited, others are running"),
        ("name-spaces", 0, "(a b  c)"),
        ("name-colon", 0, "(SigBlk: 1)"),
        ("name-parenthesis", 0, "(sh) S 1 (x)"),
        ("name-newline", 0, "(two\\nlines)"),
        ("name-escape", 0, "(\\x1b[31mred\\x1b[0m)"),
        ("name-cut-utf8", 0, "(fünfzehnBytes\\xc3)"),
        ("name-backslash", 0, "(back\\\\slash\\\\n)"),
        ("mips", 0, " 18  CHLD    caught              -        process"),
        ("crlf", 0, "Process  6476 (bash)"),
        ("gvisor", 3, "no signal lines such as SigBlk"),
        ("cut-short", 3, "SigCgt: 8 hexadecimal digits instead of 16 (32 on mips); probably truncated"),
        ("empty", 3, "empty (expected the text of /proc/PID/status)"),
        ("missing", 3, "No such file or directory"),
    ] {
        let result = run(["decode-status", "--file", &data(name)]);
        assert_eq!(result.code, Some(code), "{name}: {}", result.stderr);
        let (text, other) =
            if code == 0 { (&result.stdout, &result.stderr) } else { (&result.stderr, &result.stdout) };
        assert!(text.contains(message), "{name}: {text}");
        assert_eq!(other, "", "{name}");
    }
}

#[test]
fn malformed_part_of_text_is_reported_and_rest_is_shown() {
    let whole = ["bash", "gvisor", "java"].map(|name| std::fs::read(data(name)).expect("captured")).concat();
    let result = run_with_input(&["decode-status", "-"], &whole);
    assert_eq!(result.code, Some(3));
    assert!(result.stdout.contains("  bash\n") && result.stdout.contains("  java\n"), "{}", result.stdout);
    assert!(result.stderr.contains("standard input: line 60: no signal lines"), "{}", result.stderr);
}

#[test]
fn endless_text_is_an_error() {
    let result = run(["decode-status", "--file", "/dev/zero"]);
    assert_eq!((result.code, result.stdout.as_str()), (Some(3), ""));
    assert_eq!(result.stderr, "sigtool: /dev/zero: larger than 64 MiB, so not a copy of status files\n");
}

#[test]
fn text_of_one_thread_does_not_describe_others() {
    let result = run(["decode-status", "--file", &data("java")]);
    let quit = result.stdout.lines().find(|line| line.contains(" QUIT ")).expect("a row");
    assert_eq!(quit.split("  ").last().map(str::trim), Some("unknown"), "{quit}");
    assert!(quit.contains("not by main thread"), "{quit}");
    let dead = run(["decode-status", "--file", &data("leader-exited"), "--file", &data("bash")]);
    let row = dead.stdout.lines().find(|line| line.ends_with("fixture")).expect("a row");
    assert!(row.contains(" unknown  unknown "), "its main thread has ended: {row}");
}

#[test]
fn crlf_line_ends_are_accepted() {
    let (unix, dos) = (run(["decode", "--file", &data("bash")]), run(["decode", "--file", &data("crlf")]));
    assert_eq!(unix.stdout, dos.stdout.replace("/crlf\n", "/bash\n"));
}

#[test]
fn masks_are_decoded_bare_and_as_lines() {
    assert_data_eq!(
        run(["decode-status", "--mask", "0x180004002"]).stdout,
        str![[r#"
NUM  SIGNAL          DEFAULT ACTION
  2  INT             terminate
 15  TERM            terminate
 32  32 (C library)  terminate
 33  33 (C library)  terminate

"#]]
    );
    let result =
        run(["decode-status", "--mask", "SigBlk=10000", "--mask", "sigcgt=4007", "--mask", "SigIgn=0"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
Missing  SigPnd, ShdPnd

NUM  SIGNAL  DISPOSITION      BLOCKED  PENDING
  1  HUP     caught           -        unknown
  2  INT     caught           -        unknown
  3  QUIT    caught           -        unknown
 15  TERM    caught           -        unknown
 17  CHLD    default: ignore  blocked  unknown

"#]]
    );
    assert_eq!(run(["decode-status", "--mask", "0"]).stdout, "No signal is in the mask.\n");
}

#[test]
fn decode_table_fits_width() {
    let arguments = ["decode-status", "--format", "table", "--color", "never", "--file"];
    let result = run(arguments.into_iter().chain([data("stopped").as_str()]));
    assert_data_eq!(
        result.stdout,
        str![[r#"
File     [..]/tests/data/status/stopped
Process  6317 (fixture)
State    T (stopped)
Threads  1
Parent   6138
User     0
Queue    1 of 96551 signals for uid 0

┌─────┬────────┬────────────────────┬─────────┬─────────┐
│ NUM │ SIGNAL │ DISPOSITION        │ BLOCKED │ PENDING │
├─────┼────────┼────────────────────┼─────────┼─────────┤
│   2 │ INT    │ ignored            │ -       │ -       │
│   3 │ QUIT   │ ignored            │ -       │ -       │
│  15 │ TERM   │ default: terminate │ blocked │ process │
└─────┴────────┴────────────────────┴─────────┴─────────┘

Problem  TERM is pending but blocked. It will not be handled until a thread
         unblocks it.
Problem  It is stopped. All signals except KILL and CONT stay pending until it
         is continued.
Note     It ignores INT and QUIT. Ctrl-C has no effect. A shell without job
         control, such as a script, probably started it with &.

"#]]
    );
    let several = run(["decode", "--format", "table", "--width", "80", "--file", &data("grep-sig")]);
    assert!(several.stdout.lines().all(|line| line.chars().count() <= 80), "{}", several.stdout);
    let colored = run(["decode", "--format", "table", "--color", "always", "--file", &data("stopped")]);
    assert!(colored.stdout.contains("\u{1b}[33mblocked\u{1b}[0m"), "{}", colored.stdout);
}
