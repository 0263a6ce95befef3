//! Findings of `decode-status` for live processes and captured texts, and its
//! requirements.

use std::process::Command;

use crate::support::{Fixture, Folder, fixture_path, in_namespace, run, skipped};

/// Returns the identifiers of a process's findings.
fn found(target: &[&str]) -> Vec<String> {
    let result = run(["decode-status", "--json"].iter().chain(target));
    let document: serde_json::Value = serde_json::from_str(&result.stdout).expect("JSON");
    let findings = document["processes"][0]["findings"].as_array().expect("findings").iter();
    findings.map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect()
}

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start(["--default", "~[KILL STOP]"].iter().chain(settings))
}

#[test]
fn every_state_reports_its_finding() {
    for (settings, expected) in [
        (&[][..], &[][..]),
        (&["--block", "TERM", "--queue", "TERM"], &["pending-blocked"]),
        (&["--block", "TERM"], &["term-blocked"]),
        (&["--thread", "block=TERM"], &[]),
        (&["--ignore", "TERM"], &["term-ignored"]),
        (&["--ignore", "HUP"], &["hup-ignored"]),
        (&["--ignore", "INT,QUIT"], &["interrupt-ignored"]),
        (&["--ignore", "PIPE,XFSZ"], &["pipe-ignored"]),
        (&["--ignore", "CHLD"], &["child-ignored"]),
        (&["--stop"], &["stopped"]),
        (&["--exit", "3"], &["zombie"]),
        (&["--thread", "", "--leader-exits"], &["leader-ended"]),
        (&["--sigwait", "TERM"], &["sigwait"]),
        (&["--sigsuspend", "USR1"], &["sigsuspend"]),
        (&["--signalfd", "TERM", "--block", "TERM"], &["signalfd"]),
        (&["--signalfd", "TERM", "--block", "TERM", "--queue", "TERM"], &["pending-blocked", "signalfd"]),
        (&["--block", "CHLD,HUP", "--ignore", "HUP", "--queue", "CHLD", "--queue", "HUP"], &["hup-ignored"]),
    ] {
        let fixture = fixture(settings);
        let mut ids = found(&[&fixture.pid.to_string()]);
        // These two depend on the kernel and on the rights of the tests.
        ids.retain(|id| id != "unreadable" && id != "c-library");
        assert_eq!(ids, expected, "{settings:?}");
    }
}

#[test]
fn findings_state_fact_and_remedy() {
    let output_of = |settings: &[&str]| {
        let fixture = fixture(settings);
        let result = run(["decode-status", &fixture.pid.to_string()]);
        result.stdout.replace(&fixture.pid.to_string(), "PID")
    };
    let text = output_of(&["--block", "TERM,INT", "--queue", "TERM", "--queue", "INT"]);
    let expected = "Problem  INT and TERM are pending but blocked. They will not be handled until a thread unblocks them. Wait until the process unblocks INT and TERM, or kill it with 'sigtool send -KILL PID' (KILL cannot be blocked).\n";
    assert!(text.ends_with(expected), "{text}");
    let text = output_of(&["--exit", "3"]);
    assert!(text.contains("Problem  It is a zombie (exited with status 3). Its parent "), "{text}");
    // A pending signal that a signalfd can read is reported separately.
    let both = ["--signalfd", "USR2", "--block", "USR1,USR2", "--queue", "USR1", "--queue", "USR2"];
    let text = output_of(&both);
    for expected in [
        "Warning  USR1 is pending but blocked. It will not be handled until a thread unblocks it.\n",
        "Warning  USR2 is pending but blocked. The process has a signalfd for it but has not read it.\n",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let text = output_of(&["--block", "USR1", "--queue", "USR1", "--stop"]);
    assert!(
        text.contains("Problem  It is stopped by STOP. All signals except KILL and CONT stay pending"),
        "{text}"
    );
    assert!(text.contains("Warning  USR1 is pending but blocked"), "{text}");
}

/// A process that waits for one child with CHLD blocked is in system(3). A shell
/// in `wait` waits for any child.
#[test]
fn waiting_shell_is_not_reported_as_in_system() {
    let folder = Folder::new();
    let ready_file = folder.join("waited-for");
    let child = format!("{} > {}", fixture_path().display(), ready_file.display());
    for (settings, is_system) in [
        (&["--ignore", "INT,QUIT", "--", "bash", "-c", &format!("{child} & wait")][..], false),
        (&["--system", &format!("exec {child}")], true),
    ] {
        std::fs::write(&ready_file, "").expect("a file");
        let waits = fixture(settings);
        // Once it is ready it exits with its parent.
        while !std::fs::read_to_string(&ready_file).expect("a text").starts_with("ready") {
            std::thread::yield_now();
        }
        let call = format!("/proc/{}/syscall", waits.pid);
        // The number of wait4(2) is 61 on x86-64, and 260 on aarch64 and riscv64.
        let is_waiting = || match std::fs::read_to_string(&call) {
            Ok(text) => text.starts_with("61 ") || text.starts_with("260 "),
            Err(error) => {
                skipped(&format!("{call}: {error}"));
                true
            }
        };
        while !is_waiting() {
            std::thread::yield_now();
        }
        let text = run(["decode-status", &waits.pid.to_string()]).stdout;
        assert!(text.contains("It ignores INT and QUIT"), "{text}");
        assert_eq!(text.contains("probably waits in system(3)"), is_system, "{settings:?}: {text}");
    }
}

#[test]
fn mask_equal_to_parents_is_reported_as_inherited() {
    let fixture = fixture(&["--block", "USR1,TERM", "--", "bash", "-c", "sleep 1000; :"]);
    let pid = fixture.pid.to_string();
    let child = loop {
        let result = run(["decode-status", "--pids", "--parent", &pid]);
        if let Some(line) = result.stdout.lines().next() {
            break line.to_owned();
        }
    };
    let result = run(["decode-status", &child]);
    let message = format!(
        "Warning  Its signal mask equals its parent's. It probably inherited USR1 and TERM from its parent {pid} (bash)"
    );
    assert!(result.stdout.contains(&message), "{}", result.stdout);
    Command::new("kill").args(["-KILL", &child]).status().expect("kill runs");
}

#[test]
fn init_without_handler_is_reported() {
    let script = "\"$SIGTOOL\" decode-status 1; trap : TERM; \"$SIGTOOL\" decode-status --json 1";
    let Some(result) = in_namespace(script) else { return };
    let message = "Problem  It is the init of a PID namespace and has no handler for TERM. The kernel drops";
    assert_eq!(result.stdout.matches(message).count(), 1, "{}", result.stdout);
    assert!(!result.stdout.contains("init-without-term"), "{}", result.stdout);
}

#[test]
fn vfork_parent_is_reported_as_uninterruptible() {
    let fixture = fixture(&["--vfork"]);
    let ids = found(&[&fixture.pid.to_string()]);
    assert!(ids.contains(&"uninterruptible".to_owned()), "{ids:?}");
    let result = run(["decode-status", &fixture.pid.to_string()]);
    assert!(
        result.stdout.contains("A thread is in an uninterruptible sleep (D) in system call "),
        "{}",
        result.stdout
    );
}

#[test]
fn nearly_full_queue_is_reported_with_its_largest_users() {
    let user = ["--reuid", "54323", "--regid", "54323", "--clear-groups"];
    let fixture = crate::support::fixture_path();
    let line = format!(
        "ulimit -i 5; exec {} --block RTMIN --queue RTMIN --queue RTMIN --queue RTMIN --queue RTMIN --queue RTMIN",
        fixture.display()
    );
    let started = Command::new("setpriv")
        .args(user)
        .args(["bash", "-c", &line])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = started else { return skipped("setpriv is missing") };
    let mut ready = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut ready).expect("ready");
    if !ready.starts_with("ready") {
        child.wait().expect("it has ended");
        return skipped("setpriv cannot change the user");
    }
    let result = run(["decode-status", &child.id().to_string()]);
    child.kill().and_then(|()| child.wait()).expect("it ends");
    let message = "The signal queue of uid 54323 is full (5 of 5 signals, the limit of this process)";
    assert!(result.stdout.contains(&format!("Problem  {message}")), "{}", result.stdout);
    assert!(result.stdout.contains("(fixture) with pending real-time signals"), "{}", result.stdout);
}

#[test]
fn captured_texts_have_findings() {
    let file = |name: &str| format!("{}/tests/data/status/{name}", env!("CARGO_MANIFEST_DIR"));
    for (name, expected) in [
        ("kernel-thread", &["kernel-thread"][..]),
        ("zombie", &["zombie"]),
        ("leader-exited", &["leader-ended"]),
        ("go", &["go-runtime"]),
    ] {
        let ids = found(&["--file", &file(name)]);
        assert!(expected.iter().all(|id| ids.iter().any(|found| found == id)), "{name}: {ids:?}");
    }
}

/// The process of a captured text cannot be signalled.
#[test]
fn findings_suggest_only_available_actions() {
    let text = "Pid:\t18438\nTgid:\t18438\nState:\tT (stopped)\nThreads:\t1\nSigPnd:\t0000000000000000\n\
        ShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n";
    let result = crate::support::run_with_input(&["decode-status", "-"], text.as_bytes());
    assert!(
        result.stdout.contains("It is stopped") && !result.stdout.contains("sigtool send"),
        "{}",
        result.stdout
    );
}

/// Processes choose the names that appear in findings.
#[test]
fn findings_escape_hostile_names() {
    let parent = fixture(&["--block", "USR1", "--name", "\x1b[31mred\nx", "--thread", "", "--zombie-child"]);
    let zombie = parent.ids[1].to_string();
    let result = run(["decode-status", &zombie]);
    assert!(
        result.stdout.contains("\\x1b[31mred\\nx") && !result.stdout.contains('\x1b'),
        "{:?}",
        result.stdout
    );
}

#[test]
fn requirements_decide_exit_status() {
    let fixture = fixture(&["--name", "served", "--catch", "TERM,HUP", "--block", "USR1", "--queue", "USR1"]);
    let pid = fixture.pid.to_string();
    let check = |words: &[&str]| {
        let result = run(["decode-status", &pid].iter().chain(words));
        (result.code, result.stdout.replace(&pid, "PID"))
    };
    assert_eq!(
        check(&["--require", "caught=TERM,HUP", "--forbid", "ignored=TERM"]),
        (Some(0), String::new())
    );
    let unmet = "PID (served): INT is not caught\nPID (served): USR1 is pending\n";
    assert_eq!(
        check(&["--require", "caught=TERM,INT", "--forbid", "pending=any"]),
        (Some(1), unmet.to_owned())
    );
    assert_eq!(check(&["-q", "--forbid", "pending=any"]), (Some(1), String::new()));
    assert_eq!(check(&["-q"]), (Some(0), String::new()));
    let json = run(["decode-status", "--json", "--forbid", "blocked=any", &pid]);
    assert!(json.stdout.contains("\"unmet\":[\"USR1 is blocked\"]"), "{}", json.stdout);
    let result = run(["decode-status", "-q", "--require", "caught=TERM", "--name", "no-such-name-anywhere"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(1), "sigtool: no process matches\n"));
    let dead = Fixture::start(["--catch", "TERM", "--exit", "0"]);
    let result = run(["decode-status", "--require", "caught=TERM", &dead.pid.to_string()]);
    assert!(result.code == Some(1) && result.stdout.ends_with("it is a zombie\n"), "{}", result.stdout);
    let result = run(["decode-status", "--proc", "/tmp", "--all", "--format", "prometheus"]);
    assert!(
        result.code == Some(3) && result.stderr.contains("not a mounted proc file system"),
        "{}",
        result.stderr
    );
    let result = run(["decode-status", "-q", "--require", "caught=TERM", "4194304"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(3), "sigtool: 4194304: no such process\n"));
    for (word, message) in [
        ("TERM", "expected SET=SIGNALS"),
        ("held=TERM", "unknown set 'held' (expected pending, blocked, ignored, caught or default)"),
        ("caught=FOO", "FOO: unknown signal"),
        ("caught=", "no signal given"),
    ] {
        let result = run(["decode-status", "--require", word, &pid]);
        assert_eq!(result.code, Some(2));
        assert!(
            result.stderr.starts_with(&format!("sigtool: --require {word}: "))
                && result.stderr.contains(message),
            "{}",
            result.stderr
        );
    }
}
