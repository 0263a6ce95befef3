//! `sigtool decode-status` on live processes, end to end.

mod findings;
mod inspect;
mod json;
mod many;
mod prometheus;
mod texts;

use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

use crate::support::{CommandResult, Fixture, SIGTOOL, run, skipped};

/// PID 4194304, which the kernel never assigns: the largest PID is one less.
const NO_PROCESS: &str = "4194304";

/// Resets the dispositions that the test runner may have changed.
const CLEAN: [&str; 2] = ["--default", "~[KILL STOP]"];

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start([&CLEAN[..], settings].concat())
}

fn decode(fixture: &Fixture, options: &[&str]) -> CommandResult {
    let pid = fixture.pid.to_string();
    let mut result = run(["decode-status"].iter().chain(options).copied().chain([pid.as_str()]));
    // Other tests fill the queue of the same user.
    let is_own = |line: &&str| !line.contains("  The signal queue of uid ");
    result.stdout = result.stdout.split_inclusive('\n').filter(is_own).collect();
    result
}

/// Returns the cells of each row below a header line.
fn rows(text: &str, header: &str) -> Vec<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(header));
    lines.next().unwrap_or_else(|| panic!("no {header} in {text}"));
    let rows = lines.take_while(|line| !line.is_empty());
    rows.map(|line| {
        line.trim().split("  ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
    })
    .collect()
}

#[test]
fn one_process_has_header_and_one_row_per_signal() {
    let fixture = fixture(&[
        "--name",
        "sample",
        "--block",
        "USR1,RTMIN+1",
        "--ignore",
        "HUP,PIPE",
        "--catch",
        "TERM,INT,RTMAX",
        "--queue",
        "USR1=5",
        "--own",
        "RTMIN+1",
    ]);
    let result = decode(&fixture, &[]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    let text = result.stdout.replace(&fixture.pid.to_string(), "PID");
    assert_data_eq!(
        text,
        str![[r#"
Process  PID (sample)
State    S (sleeping)
Threads  1
Parent   [..]
User     [..]
Queue    [..] signals for uid [..]

NUM  SIGNAL   DISPOSITION         BLOCKED  PENDING
  1  HUP      ignored             -        -
  2  INT      caught              -        -
 10  USR1     default: terminate  blocked  process
 13  PIPE     ignored             -        -
 15  TERM     caught              -        -
 35  RTMIN+1  default: terminate  blocked  thread PID
 64  RTMAX    caught              -        -

Warning  USR1 and RTMIN+1 are pending but blocked. They will not be handled until a thread unblocks them.
Note     It ignores HUP. It keeps running when its terminal closes. It was probably started with nohup(1).
Note     It ignores PIPE. Writing to a closed pipe fails with EPIPE instead of killing it. Its children inherit this.

"#]]
    );
}

#[test]
fn process_without_signals_says_so() {
    let result = decode(&fixture(&[]), &[]);
    assert!(
        result.stdout.ends_with("\n\nNo signal is blocked, ignored, caught or pending.\n"),
        "{}",
        result.stdout
    );
}

#[test]
fn full_lists_every_signal() {
    let result = decode(&fixture(&["--block", "all"]), &["--full"]);
    let rows = rows(&result.stdout, "NUM");
    assert_eq!(rows.len(), 64);
    assert_eq!(rows[8].join("|"), "9|KILL|default: terminate|-|-");
    assert_eq!(rows[14].join("|"), "15|TERM|default: terminate|blocked|-");
    // pthread_sigmask(3) never blocks the C library's own signals.
    assert_eq!(rows[31].join("|"), "32|32 (C library)|default: terminate|-|-");
}

#[test]
fn blocked_and_pending_columns_count_threads() {
    let fixture = fixture(&[
        "--block",
        "USR2",
        "--queue",
        "USR2",
        "--thread",
        "block=TERM,USR1;own=TERM;name=one",
        "--thread",
        "block=TERM",
        "--thread",
        "",
    ]);
    let result = decode(&fixture, &[]);
    let mut found: Vec<String> = rows(&result.stdout, "NUM").iter().map(|row| row.join("|")).collect();
    // glibc catches 33 once there are threads; not every C library does that.
    found.retain(|row| !row.starts_with("33|"));
    let tid = fixture.ids[0];
    assert_eq!(
        found,
        [
            "10|USR1|default: terminate|1 of 4 threads|-".to_owned(),
            "12|USR2|default: terminate|blocked|process".to_owned(),
            format!("15|TERM|default: terminate|2 of 4 threads|thread {tid}"),
        ]
    );
}

#[test]
fn threads_option_lists_threads() {
    let fixture =
        fixture(&["--thread", "block=TERM;own=TERM;name=one", "--thread", "block=~[KILL STOP TERM]"]);
    let result = decode(&fixture, &["--threads"]);
    let found: Vec<String> = rows(&result.stdout, "PID").iter().map(|row| row.join("|")).collect();
    let (pid, ids) = (fixture.pid, &fixture.ids);
    assert_eq!(
        found,
        [
            format!("{pid}|{pid}|S|-|-|fixture"),
            format!("{pid}|{}|S|TERM|TERM|one", ids[0]),
            // pthread_sigmask(3) never blocks the C library's own signals.
            format!("{pid}|{}|S|-|~[KILL TERM STOP 32 33]|fixture", ids[1]),
        ]
    );
}

#[test]
fn thread_is_decoded_alone() {
    let fixture = fixture(&["--block", "HUP", "--thread", "block=TERM;own=TERM;name=worker"]);
    let (pid, tid) = (fixture.pid, fixture.ids[0]);
    for operand in [format!("{pid}/{tid}"), tid.to_string()] {
        let result = run(["decode-status", &operand]);
        assert_eq!(result.code, Some(0), "{}", result.stderr);
        let first = result.stdout.lines().next().expect("a header");
        assert_eq!(first, format!("Thread  {tid} (worker) of process {pid}"));
        let found: Vec<String> = rows(&result.stdout, "NUM").iter().map(|row| row.join("|")).collect();
        assert!(found.contains(&format!("15|TERM|default: terminate|blocked|thread {tid}")), "{found:?}");
    }
    let result = run(["decode-status", &format!("{pid}/1")]);
    assert_eq!(result.code, Some(3));
    assert_eq!(result.stderr, format!("sigtool: {pid}/1: process {pid} has no thread 1\n"));
}

#[test]
fn state_is_shown_in_header() {
    for (settings, state) in [
        (&["--stop"][..], "T (stopped)"),
        (&["--exit", "3"], "Z (zombie)"),
        (&["--sigwait", "TERM"], "S (sleeping)"),
        (
            &["--thread", "block=TERM", "--leader-exits"],
            "Z (zombie; the main thread has exited, others are running)",
        ),
    ] {
        let result = decode(&fixture(settings), &[]);
        assert!(result.stdout.contains(&format!("\nState    {state}\n")), "{settings:?}: {}", result.stdout);
    }
}

#[test]
fn mask_of_exited_leader_is_ignored() {
    let fixture = fixture(&["--thread", "block=TERM", "--leader-exits"]);
    let result = decode(&fixture, &[]);
    let term = rows(&result.stdout, "NUM").into_iter().find(|row| row[1] == "TERM").expect("a row");
    assert_eq!(term[3], "blocked", "by the one thread that lives");
}

/// sigsuspend and sigwait change the mask or the pending set temporarily
/// (facts.md).
#[test]
fn temporary_mask_is_shown() {
    let suspended = decode(&fixture(&["--block", "TERM", "--sigsuspend", "HUP"]), &[]);
    let names: Vec<String> = rows(&suspended.stdout, "NUM").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(names, ["HUP"]);
    let waiting = decode(&fixture(&["--block", "HUP", "--sigwait", "TERM"]), &[]);
    let names: Vec<String> = rows(&waiting.stdout, "NUM").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(names, ["HUP"]);
}

#[test]
fn several_processes_have_one_row_each_in_given_order() {
    let one = fixture(&["--name", "one", "--block", "TERM", "--queue", "TERM", "--ignore", "HUP"]);
    let other =
        fixture(&["--name", "other", "--ignore", "~[KILL STOP]", "--catch", "RTMIN+1,RTMIN+2,RTMIN+3"]);
    let result = run(["decode-status", &other.pid.to_string(), &one.pid.to_string()]);
    let found: Vec<String> = rows(&result.stdout, "PID").iter().map(|row| row.join("|")).collect();
    assert_eq!(
        found,
        [
            format!("{}|S|1|-|-|~[KILL STOP RTMIN+1..RTMIN+3]|RTMIN+1..RTMIN+3|other", other.pid),
            format!("{}|S|1|TERM|TERM|HUP|-|one", one.pid),
        ]
    );
}

#[test]
fn missing_process_is_reported_and_others_are_shown() {
    let gone = run(["decode-status", NO_PROCESS]);
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(3), ""));
    assert_eq!(gone.stderr, format!("sigtool: {NO_PROCESS}: no such process\n"));
    let fixture = fixture(&["--ignore", "HUP"]);
    let result = run(["decode-status", NO_PROCESS, &fixture.pid.to_string()]);
    assert_eq!(result.code, Some(3));
    assert!(result.stdout.contains("HUP"), "{}", result.stdout);
    assert_eq!(result.stderr, format!("sigtool: {NO_PROCESS}: no such process\n"));
}

#[test]
fn invalid_operand_is_an_error_and_nothing_is_shown() {
    for (arguments, message) in [
        (&["nginx"][..], "nginx: not a PID (to select by name, run 'sigtool decode-status --name nginx')"),
        (&["0"], "0: invalid PID (expected 1 to 4194304)"),
        (&["4294967297"], "4294967297: invalid PID"),
        (&["self", "12abc"], "12abc: not a PID"),
        (&["-", "-"], "-: standard input can be read only once"),
        (&[], "nothing to decode"),
        (&["--mask", "zz"], "--mask zz: 'z' is not a hexadecimal digit"),
        (&["--mask", "SigFoo=1"], "--mask SigFoo=: unknown set"),
        (&["--mask", "1", "self"], "cannot be used with"),
        (&["-5"], "unexpected argument '-5' found"),
    ] {
        let result = run(["decode-status"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(result.stderr.contains(message), "{arguments:?}: {}", result.stderr);
    }
}

#[test]
fn other_proc_directory_can_be_read() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let result = run(["decode-status", "--proc", "/proc/self/root/proc", &pid]);
    assert!(result.stdout.contains("HUP     ignored"), "{}{}", result.stdout, result.stderr);
    assert!(
        result.stdout.contains("\nUser     0\n") || !result.stdout.contains("(root)"),
        "names are another machine's"
    );
    let none = run(["decode-status", "--proc", "/tmp", &pid]);
    assert_eq!((none.code, none.stderr), (Some(3), format!("sigtool: {pid}: /tmp is not a mounted /proc\n")));
    let gone = run(["decode-status", "--proc", "/proc/self/root/proc", NO_PROCESS]);
    assert_eq!(
        (gone.code, gone.stderr),
        (Some(3), format!("sigtool: {NO_PROCESS}: no such process in /proc/self/root/proc\n"))
    );
}

#[test]
fn thread_of_missing_process_is_reported_as_missing() {
    let own = std::process::id();
    let result = run(["decode-status", &format!("{NO_PROCESS}/{own}")]);
    assert_eq!(
        (result.code, result.stderr),
        (Some(3), format!("sigtool: {NO_PROCESS}/{own}: no such process\n"))
    );
}

/// Decodes a process as another user, with a /proc that hides processes, in new
/// namespaces.
fn decode_with_hidepid(option: &str) -> Option<CommandResult> {
    let script = format!(
        "mount -t proc -o {option} proc /proc && setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\" decode-status 1"
    );
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &script, SIGTOOL])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(output.into())
}

#[test]
fn permission_error_differs_from_missing_process() {
    for (option, message) in [
        ("hidepid=1", "sigtool: 1: permission denied because it belongs to another user"),
        ("hidepid=2", "sigtool: 1: hidden because it belongs to another user"),
    ] {
        match decode_with_hidepid(option) {
            Some(result) if result.stderr.starts_with("sigtool: ") => {
                assert!(result.stderr.starts_with(message), "{option}: {}", result.stderr);
                assert_eq!(result.code, Some(3));
            }
            Some(result) => {
                skipped(&format!("no namespaces, mount or setpriv here: {}", result.stderr.trim()))
            }
            None => skipped("unshare is missing"),
        }
    }
}
