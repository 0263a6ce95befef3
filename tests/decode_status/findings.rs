//! What is found of a process, each from a real one or a kept text; and what is
//! required of it.

use std::process::Command;

use crate::support::{Fixture, Folder, fixture_path, in_namespace, run, skipped};

/// The identifiers of what is found of a process.
fn found(target: &[&str]) -> Vec<String> {
    let ran = run(["decode-status", "--json"].iter().chain(target));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = document["processes"][0]["findings"].as_array().expect("they were looked for").iter();
    findings.map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect()
}

fn fixture(settings: &[&str]) -> Fixture {
    Fixture::start(["--default", "~[KILL STOP]"].iter().chain(settings))
}

#[test]
fn each_state_has_its_finding() {
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
        // The kernel of the machine, or its rights, may forbid to look.
        ids.retain(|id| id != "unreadable" && id != "c-library");
        assert_eq!(ids, expected, "{settings:?}");
    }
}

#[test]
fn sentences_say_what_is_so_and_what_to_do() {
    let said = |settings: &[&str]| {
        let fixture = fixture(settings);
        let ran = run(["decode-status", &fixture.pid.to_string()]);
        ran.stdout.replace(&fixture.pid.to_string(), "PID")
    };
    let text = said(&["--block", "TERM,INT", "--queue", "TERM", "--queue", "INT"]);
    let expected = "Problem  INT and TERM are pending but blocked. They will not be handled until a thread unblocks them. Wait until the process unblocks INT and TERM, or kill it with 'sigtool send -KILL PID' (KILL cannot be blocked).\n";
    assert!(text.ends_with(expected), "{text}");
    let text = said(&["--exit", "3"]);
    assert!(text.contains("Problem  It is a zombie (exited with status 3). Its parent "), "{text}");
    // What may be read from a descriptor is told apart from what may not.
    let both = ["--signalfd", "USR2", "--block", "USR1,USR2", "--queue", "USR1", "--queue", "USR2"];
    let text = said(&both);
    for expected in [
        "Warning  USR1 is pending but blocked. It will not be handled until a thread unblocks it.\n",
        "Warning  USR2 is pending but blocked. The process has a signalfd for it but has not read it.\n",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let text = said(&["--block", "USR1", "--queue", "USR1", "--stop"]);
    assert!(
        text.contains("Problem  It is stopped by STOP. All signals except KILL and CONT stay pending"),
        "{text}"
    );
    assert!(text.contains("Warning  USR1 is pending but blocked"), "{text}");
}

/// Who waits for one child with CHLD blocked is in system(3); a shell in `wait`
/// waits for any.
#[test]
fn a_shell_that_waits_is_not_in_system() {
    let folder = Folder::new();
    let said = folder.join("waited-for");
    let child = format!("{} > {}", fixture_path().display(), said.display());
    for (settings, is_system) in [
        (&["--ignore", "INT,QUIT", "--", "bash", "-c", &format!("{child} & wait")][..], false),
        (&["--system", &format!("exec {child}")], true),
    ] {
        std::fs::write(&said, "").expect("a file");
        let waits = fixture(settings);
        // From then on it ends with its parent.
        while !std::fs::read_to_string(&said).expect("a text").starts_with("ready") {
            std::thread::yield_now();
        }
        let call = format!("/proc/{}/syscall", waits.pid);
        // wait4(2) on x86-64, on aarch64 and riscv64.
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
        let said = run(["decode-status", &waits.pid.to_string()]).stdout;
        assert!(said.contains("It ignores INT and QUIT"), "{said}");
        assert_eq!(said.contains("probably waits in system(3)"), is_system, "{settings:?}: {said}");
    }
}

#[test]
fn a_mask_that_is_the_parents_is_likely_inherited() {
    let fixture = fixture(&["--block", "USR1,TERM", "--", "bash", "-c", "sleep 1000; :"]);
    let pid = fixture.pid.to_string();
    let child = loop {
        let ran = run(["decode-status", "--pids", "--parent", &pid]);
        if let Some(line) = ran.stdout.lines().next() {
            break line.to_owned();
        }
    };
    let ran = run(["decode-status", &child]);
    let said = format!(
        "Warning  Its signal mask equals its parent's. It probably inherited USR1 and TERM from its parent {pid} (bash)"
    );
    assert!(ran.stdout.contains(&said), "{}", ran.stdout);
    Command::new("kill").args(["-KILL", &child]).status().expect("kill runs");
}

#[test]
fn an_init_without_a_handler_is_found() {
    let script = "\"$SIGTOOL\" decode-status 1; trap : TERM; \"$SIGTOOL\" decode-status --json 1";
    let Some(ran) = in_namespace(script) else { return };
    let said = "Problem  It is the init of a PID namespace and has no handler for TERM. The kernel drops";
    assert_eq!(ran.stdout.matches(said).count(), 1, "{}", ran.stdout);
    assert!(!ran.stdout.contains("init-without-term"), "{}", ran.stdout);
}

#[test]
fn a_parent_that_waits_for_its_vfork_child_sleeps_uninterruptibly() {
    let fixture = fixture(&["--vfork"]);
    let ids = found(&[&fixture.pid.to_string()]);
    assert!(ids.contains(&"uninterruptible".to_owned()), "{ids:?}");
    let ran = run(["decode-status", &fixture.pid.to_string()]);
    assert!(
        ran.stdout.contains("A thread is in an uninterruptible sleep (D) in system call "),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_queue_that_is_nearly_full_is_told_with_who_holds_it() {
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
    let ran = run(["decode-status", &child.id().to_string()]);
    child.kill().and_then(|()| child.wait()).expect("it ends");
    let said = "The signal queue of uid 54323 is full (5 of 5 signals, the limit of this process)";
    assert!(ran.stdout.contains(&format!("Problem  {said}")), "{}", ran.stdout);
    assert!(ran.stdout.contains("(fixture) with pending real-time signals"), "{}", ran.stdout);
}

#[test]
fn kept_texts_have_findings_too() {
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

/// What a text tells of is not here to be signalled.
#[test]
fn advice_is_for_what_is_here() {
    let text = "Pid:\t18438\nTgid:\t18438\nState:\tT (stopped)\nThreads:\t1\nSigPnd:\t0000000000000000\n\
        ShdPnd:\t0000000000004000\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n";
    let ran = crate::support::run_with_input(&["decode-status", "-"], text.as_bytes());
    assert!(ran.stdout.contains("It is stopped") && !ran.stdout.contains("sigtool send"), "{}", ran.stdout);
}

/// Names in findings are the processes' own choice.
#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let parent = fixture(&["--block", "USR1", "--name", "\x1b[31mred\nx", "--thread", "", "--zombie-child"]);
    let zombie = parent.ids[1].to_string();
    let ran = run(["decode-status", &zombie]);
    assert!(ran.stdout.contains("\\x1b[31mred\\nx") && !ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
}

#[test]
fn requirements_are_a_health_check() {
    let fixture = fixture(&["--name", "served", "--catch", "TERM,HUP", "--block", "USR1", "--queue", "USR1"]);
    let pid = fixture.pid.to_string();
    let check = |words: &[&str]| {
        let ran = run(["decode-status", &pid].iter().chain(words));
        (ran.code, ran.stdout.replace(&pid, "PID"))
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
    let ran = run(["decode-status", "-q", "--require", "caught=TERM", "--name", "no-such-name-anywhere"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "sigtool: no process matches\n"));
    let dead = Fixture::start(["--catch", "TERM", "--exit", "0"]);
    let ran = run(["decode-status", "--require", "caught=TERM", &dead.pid.to_string()]);
    assert!(ran.code == Some(1) && ran.stdout.ends_with("it is a zombie\n"), "{}", ran.stdout);
    let ran = run(["decode-status", "--proc", "/tmp", "--all", "--format", "prometheus"]);
    assert!(ran.code == Some(3) && ran.stderr.contains(" mounted /proc"), "{}", ran.stderr);
    let ran = run(["decode-status", "-q", "--require", "caught=TERM", "4194304"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), "sigtool: 4194304: no such process\n"));
    for (word, said) in [
        ("TERM", "expected SET=SIGNALS"),
        ("held=TERM", "unknown set 'held' (expected pending, blocked, ignored, caught or default)"),
        ("caught=FOO", "FOO: unknown signal"),
        ("caught=", "no signal given"),
    ] {
        let ran = run(["decode-status", "--require", word, &pid]);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.stderr.starts_with(&format!("sigtool: --require {word}: ")) && ran.stderr.contains(said),
            "{}",
            ran.stderr
        );
    }
}
