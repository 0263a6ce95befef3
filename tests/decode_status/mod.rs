//! `sigtool decode-status` on live processes, end to end.

mod findings;
mod inspect;
mod json;
mod many;
mod prometheus;
mod texts;

use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

use crate::support::{Fixture, Ran, SIGTOOL, run, skipped};

/// Above the kernel's greatest pid less one: taken by no process of a test.
const NO_PROCESS: &str = "4194304";

/// Sets back what the test runner itself has changed.
const CLEAN: [&str; 2] = ["--default", "~[KILL STOP]"];

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start([&CLEAN[..], settings].concat())
}

fn decode(fixture: &Fixture, options: &[&str]) -> Ran {
    let pid = fixture.pid.to_string();
    let mut ran = run(["decode-status"].iter().chain(options).copied().chain([pid.as_str()]));
    // Other tests fill their user's queue.
    let others = |line: &&str| !line.contains("  The signal queue of uid ");
    ran.stdout = ran.stdout.split_inclusive('\n').filter(others).collect();
    ran
}

/// The rows below a header line, each as its cells.
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
fn one_process_has_a_header_and_a_row_a_signal() {
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
    let ran = decode(&fixture, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let text = ran.stdout.replace(&fixture.pid.to_string(), "PID");
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
fn a_process_without_any_says_so() {
    let ran = decode(&fixture(&[]), &[]);
    assert!(
        ran.stdout.ends_with("\n\nNo signal is blocked, ignored, caught or pending.\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn full_means_every_signal() {
    let ran = decode(&fixture(&["--block", "all"]), &["--full"]);
    let rows = rows(&ran.stdout, "NUM");
    assert_eq!(rows.len(), 64);
    assert_eq!(rows[8].join("|"), "9|KILL|default: terminate|-|-");
    assert_eq!(rows[14].join("|"), "15|TERM|default: terminate|blocked|-");
    // pthread_sigmask(3) never blocks the C library's own.
    assert_eq!(rows[31].join("|"), "32|32 (C library)|default: terminate|-|-");
}

#[test]
fn blocked_and_pending_are_said_of_threads() {
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
    let ran = decode(&fixture, &[]);
    let mut found: Vec<String> = rows(&ran.stdout, "NUM").iter().map(|row| row.join("|")).collect();
    // glibc catches 33 once there are threads; not every C library does.
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
fn threads_are_shown_when_asked_for() {
    let fixture =
        fixture(&["--thread", "block=TERM;own=TERM;name=one", "--thread", "block=~[KILL STOP TERM]"]);
    let ran = decode(&fixture, &["--threads"]);
    let found: Vec<String> = rows(&ran.stdout, "PID").iter().map(|row| row.join("|")).collect();
    let (pid, ids) = (fixture.pid, &fixture.ids);
    assert_eq!(
        found,
        [
            format!("{pid}|{pid}|S|-|-|fixture"),
            format!("{pid}|{}|S|TERM|TERM|one", ids[0]),
            // The C library's own are never blocked by pthread_sigmask(3).
            format!("{pid}|{}|S|-|~[KILL TERM STOP 32 33]|fixture", ids[1]),
        ]
    );
}

#[test]
fn a_thread_is_looked_at_by_itself() {
    let fixture = fixture(&["--block", "HUP", "--thread", "block=TERM;own=TERM;name=worker"]);
    let (pid, tid) = (fixture.pid, fixture.ids[0]);
    for operand in [format!("{pid}/{tid}"), tid.to_string()] {
        let ran = run(["decode-status", &operand]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let first = ran.stdout.lines().next().expect("a header");
        assert_eq!(first, format!("Thread  {tid} (worker) of process {pid}"));
        let found: Vec<String> = rows(&ran.stdout, "NUM").iter().map(|row| row.join("|")).collect();
        assert!(found.contains(&format!("15|TERM|default: terminate|blocked|thread {tid}")), "{found:?}");
    }
    let ran = run(["decode-status", &format!("{pid}/1")]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.stderr, format!("sigtool: {pid}/1: process {pid} has no thread 1\n"));
}

#[test]
fn states_are_told() {
    for (settings, state) in [
        (&["--stop"][..], "T (stopped)"),
        (&["--exit", "3"], "Z (zombie)"),
        (&["--sigwait", "TERM"], "S (sleeping)"),
        (
            &["--thread", "block=TERM", "--leader-exits"],
            "Z (zombie; the main thread has exited, others are running)",
        ),
    ] {
        let ran = decode(&fixture(settings), &[]);
        assert!(ran.stdout.contains(&format!("\nState    {state}\n")), "{settings:?}: {}", ran.stdout);
    }
}

#[test]
fn a_dead_leader_holds_nothing_back() {
    let fixture = fixture(&["--thread", "block=TERM", "--leader-exits"]);
    let ran = decode(&fixture, &[]);
    let term = rows(&ran.stdout, "NUM").into_iter().find(|row| row[1] == "TERM").expect("a row");
    assert_eq!(term[3], "blocked", "by the one thread that lives");
}

/// What facts.md says of sigsuspend and sigwait: the mask is not what it looks like.
#[test]
fn the_mask_is_the_one_in_force_now() {
    let suspended = decode(&fixture(&["--block", "TERM", "--sigsuspend", "HUP"]), &[]);
    let names: Vec<String> = rows(&suspended.stdout, "NUM").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(names, ["HUP"]);
    let waiting = decode(&fixture(&["--block", "HUP", "--sigwait", "TERM"]), &[]);
    let names: Vec<String> = rows(&waiting.stdout, "NUM").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(names, ["HUP"]);
}

#[test]
fn several_processes_have_a_row_each_in_the_order_asked_for() {
    let one = fixture(&["--name", "one", "--block", "TERM", "--queue", "TERM", "--ignore", "HUP"]);
    let other =
        fixture(&["--name", "other", "--ignore", "~[KILL STOP]", "--catch", "RTMIN+1,RTMIN+2,RTMIN+3"]);
    let ran = run(["decode-status", &other.pid.to_string(), &one.pid.to_string()]);
    let found: Vec<String> = rows(&ran.stdout, "PID").iter().map(|row| row.join("|")).collect();
    assert_eq!(
        found,
        [
            format!("{}|S|1|-|-|~[KILL STOP RTMIN+1..RTMIN+3]|RTMIN+1..RTMIN+3|other", other.pid),
            format!("{}|S|1|TERM|TERM|HUP|-|one", one.pid),
        ]
    );
}

#[test]
fn a_process_that_is_gone_is_named_and_the_others_are_shown() {
    let gone = run(["decode-status", NO_PROCESS]);
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(3), ""));
    assert_eq!(gone.stderr, format!("sigtool: {NO_PROCESS}: no such process\n"));
    let fixture = fixture(&["--ignore", "HUP"]);
    let ran = run(["decode-status", NO_PROCESS, &fixture.pid.to_string()]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stdout.contains("HUP"), "{}", ran.stdout);
    assert_eq!(ran.stderr, format!("sigtool: {NO_PROCESS}: no such process\n"));
}

#[test]
fn what_is_no_operand_is_an_error_and_nothing_is_shown() {
    for (arguments, said) in [
        (&["nginx"][..], "nginx: not a PID (to select by name, run 'sigtool decode-status --name nginx')"),
        (&["0"], "0: invalid PID (expected 1 to 4194304)"),
        (&["4294967297"], "4294967297: invalid PID"),
        (&["self", "12abc"], "12abc: not a PID"),
        (&["-", "-"], "-: standard input can be read only once"),
        (&[], "nothing to decode"),
        (&["--mask", "zz"], "--mask zz: 'z' is no hexadecimal digit"),
        (&["--mask", "SigFoo=1"], "--mask SigFoo=: unknown set"),
        (&["--mask", "1", "self"], "cannot be used with"),
        (&["-5"], "unexpected argument '-5' found"),
    ] {
        let ran = run(["decode-status"].iter().chain(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn another_proc_can_be_read() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let pid = fixture.pid.to_string();
    let ran = run(["decode-status", "--proc", "/proc/self/root/proc", &pid]);
    assert!(ran.stdout.contains("HUP     ignored"), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("\nUser     0\n") || !ran.stdout.contains("(root)"),
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
fn a_thread_of_a_process_that_is_gone_is_not_hidden() {
    let own = std::process::id();
    let ran = run(["decode-status", &format!("{NO_PROCESS}/{own}")]);
    assert_eq!((ran.code, ran.stderr), (Some(3), format!("sigtool: {NO_PROCESS}/{own}: no such process\n")));
}

/// As another user, in a /proc that hides processes; in namespaces of its own.
fn hidden(option: &str) -> Option<Ran> {
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
fn refused_is_told_from_gone() {
    for (option, said) in [
        ("hidepid=1", "sigtool: 1: permission denied because it belongs to another user"),
        ("hidepid=2", "sigtool: 1: hidden because it belongs to another user"),
    ] {
        match hidden(option) {
            Some(ran) if ran.stderr.starts_with("sigtool: ") => {
                assert!(ran.stderr.starts_with(said), "{option}: {}", ran.stderr);
                assert_eq!(ran.code, Some(3));
            }
            Some(ran) => skipped(&format!("no namespaces, mount or setpriv here: {}", ran.stderr.trim())),
            None => skipped("unshare is missing"),
        }
    }
}
