//! `decode-status --handlers`, by each means that there is here.

mod hostile;
mod width;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use sigtool::signal::{Arch, name};
use sigtool::sys::signal::send;

use crate::decode_status::{CLEAN, NO_PROCESS, decode, fixture, rows};
use crate::support::{Fixture, Folder, Ran, SIGTOOL, fixture_path, in_namespace, run, sigtool, skipped};

/// The document of a process looked into by BPF, and by ptrace, as far as they
/// are to be had.
pub(super) fn by_each_means(fixture: &Fixture, options: &[&str]) -> Vec<Value> {
    let by = |means: &str| {
        let ran = decode(fixture, &[options, &["--json", "--backend", means]].concat());
        if ran.code == Some(0) {
            let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            return Some(document["processes"][0].clone());
        }
        assert!(ran.stderr.contains("cannot inspect"), "{}", ran.stderr);
        skipped(ran.stderr.trim());
        None
    };
    ["bpf", "ptrace"].into_iter().filter_map(by).collect()
}

/// What of a document is the same by each means.
fn handlers(process: &Value) -> &Vec<Value> {
    process["handlers"].as_array().expect("handlers")
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|word| word.as_str().expect("a word")).collect()
}

#[test]
fn each_caught_signal_has_its_function() {
    let fixture = fixture(&["--catch", "TERM,RTMAX", "--ignore", "HUP"]);
    let seen = by_each_means(&fixture, &["--handlers"]);
    for process in &seen {
        let all = handlers(process);
        let names: Vec<&str> = all.iter().filter_map(|handler| handler["signal"].as_str()).collect();
        assert_eq!(names, ["TERM", "RTMAX"]);
        for handler in all {
            let symbol = handler["symbol"].as_str().expect("it is not stripped");
            assert!(symbol.ends_with("handler"), "{symbol}");
            assert_eq!((&handler["library"], &handler["symbol_offset"]), (&"fixture".into(), &0.into()));
            assert_eq!((&handler["memory"], &handler["executable"]), (&"file".into(), &true.into()));
            assert!(words(&handler["flags"]).contains(&"RESTART"), "signal(3) sets it");
            assert_eq!(words(&handler["mask"]), [handler["signal"].as_str().expect("a name")]);
        }
        let stopped = process["means"]["stopped_us"].as_u64().expect("a number");
        assert_eq!(stopped == 0, process["means"]["backend"] == "bpf");
    }
    if let [bpf, ptrace] = seen.as_slice() {
        assert_eq!(handlers(bpf), handlers(ptrace));
    }
}

#[test]
fn a_process_has_its_header_and_a_row_a_handler() {
    let fixture = fixture(&["--catch", "TERM,RTMAX"]);
    let ran = decode(&fixture, &["--handlers"]);
    if ran.code != Some(0) {
        return skipped(ran.stderr.trim());
    }
    assert!(ran.stdout.contains("\nSeen by  "), "{}", ran.stdout);
    let found = rows(&ran.stdout, "NUM  SIGNAL  HANDLER");
    let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
    let function = "fixture::state::handler";
    let rest = "RESTART";
    assert_eq!(
        found,
        [
            row(["15", "TERM", function, "fixture", rest, "TERM"]),
            row(["64", "RTMAX", function, "fixture", rest, "RTMAX"])
        ]
    );
    let note = "TERM and RTMAX share the handler fixture::state::handler";
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
    let full = decode(&fixture, &["--handlers", "--full"]).stdout;
    let header = full.lines().find(|line| line.contains("HANDLER")).expect("a header");
    assert!(header.ends_with("RESTORER") && header.contains("ADDRESS"), "{header}");
    assert_eq!(rows(&full, "NUM  SIGNAL  HANDLER")[0].len(), 8);
}

#[test]
fn a_handler_that_is_no_code_is_a_problem() {
    let kernel = "ffffffff81000000";
    let nowhere = ["--catch", "HUP", "--catch-at", "10", "USR1", "--catch-at", "7ff000000000", "ALRM"];
    let elsewhere = ["--catch-at", "data", "USR2", "--catch-at", kernel, "TERM"];
    let fixture = fixture(&[&nowhere[..], &elsewhere].concat());
    for process in by_each_means(&fixture, &["--handlers"]) {
        let all = handlers(&process);
        let known = |handler: &Value| {
            let word = |name: &str| handler[name].as_str().unwrap_or("").to_owned();
            (word("signal"), word("memory"), handler["executable"].as_bool().expect("it is known"))
        };
        let expected = [
            ("HUP", "file", true),
            ("USR1", "unmapped", false),
            ("USR2", "file", false),
            ("ALRM", "unmapped", false),
            ("TERM", "kernel", false),
        ];
        let expected = expected.map(|(signal, memory, code)| (signal.to_owned(), memory.to_owned(), code));
        assert_eq!(all.iter().map(known).collect::<Vec<_>>(), expected);
        assert_eq!((&all[1]["address"], &all[1]["symbol"]), (&0x10.into(), &Value::Null));
        let findings = process["findings"].as_array().expect("findings").iter().take(4);
        let said: Vec<&str> = findings
            .map(|finding| {
                assert_eq!(
                    (&finding["id"], &finding["severity"]),
                    (&"handler-unmapped".into(), &"problem".into())
                );
                finding["why"].as_str().and_then(|why| why.split_once(". ")).expect("a sentence").1
            })
            .collect();
        assert_eq!(
            said,
            [
                "No memory is ever mapped there; an integer or a SIG_ constant was probably set as the handler",
                "The library that set it was probably unloaded",
                "The address is in memory that is not executable",
                "The address belongs to the kernel"
            ]
        );
        assert_eq!(process["findings"][0]["what"], "The handler of USR1 (0x10) is not executable code");
        assert_eq!(
            process["findings"][3]["what"],
            format!("The handler of TERM (0x{kernel}) is not executable code")
        );
    }
    let ran = decode(&fixture, &["--handlers"]);
    if ran.code == Some(0) {
        let libraries: Vec<String> =
            rows(&ran.stdout, "NUM  SIGNAL").iter().map(|row| row[3].clone()).collect();
        let expected = ["fixture", "unmapped", "fixture (no code)", "unmapped", "[kernel] (no code)"];
        assert_eq!(libraries, expected);
    }
}

#[test]
fn where_nothing_is_caught_nobody_is_looked_into() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let ran = decode(&fixture, &["--handlers", "--queue", "--backend", "ptrace"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("No signal is caught.\n\nNo signal is pending.\n"), "{}", ran.stdout);
    for (options, nothing) in [
        (&["--handlers", "--queue"][..], "caught or pending"),
        (&["--handlers"], "caught"),
        (&["--queue"], "pending"),
    ] {
        let said = decode(&fixture, options).stdout;
        assert!(said.contains(&format!("\nSeen by  /proc only (no signal is {nothing})\n\n")), "{said}");
    }
    let plain = decode(&fixture, &[]).stdout;
    assert!(!plain.contains("Seen by"), "{plain}");
    let own = run(["decode-status", "--handlers", "--queue", "--json", "self"]);
    let document: Value = serde_json::from_str(&own.stdout).expect("JSON");
    let process = &document["processes"][0];
    assert_eq!((&process["means"], handlers(process).len()), (&Value::Null, 0));
    let zombie = self::fixture(&["--catch", "TERM", "--exit", "3"]);
    let ran = decode(&zombie, &["--handlers"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("The process has exited, so no handler will run"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nSeen by  /proc only (the process has exited)\n"), "{}", ran.stdout);
}

#[test]
fn a_thread_and_a_process_without_its_main_thread_have_theirs() {
    let fixture = fixture(&["--catch", "USR2", "--thread", "", "--leader-exits"]);
    let thread = fixture.ids[0].to_string();
    for process in by_each_means(&fixture, &["--handlers"]) {
        let symbol = handlers(&process)[0]["symbol"].as_str().expect("by the thread's mappings");
        assert!(symbol.ends_with("handler"), "{symbol}");
    }
    let ran = run(["decode-status", "--handlers", &format!("{}/{thread}", fixture.pid)]);
    if ran.code != Some(0) {
        return skipped(ran.stderr.trim());
    }
    assert!(ran.stdout.contains("fixture::state::handler"), "{}", ran.stdout);
}

#[test]
fn several_have_a_row_a_handler_and_one_who_is_not_there_is_told() {
    let (one, other) = (fixture(&["--catch", "USR2"]), fixture(&["--catch", "HUP"]));
    let pids = [one.pid.to_string(), other.pid.to_string()];
    let ran = run(["decode-status", "--handlers", &pids[0], &pids[1], NO_PROCESS]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("4194304: no such process"), "{}", ran.stderr);
    if ran.stderr.contains("cannot inspect") {
        return skipped(ran.stderr.trim());
    }
    assert!(ran.stderr.contains("sigtool: read with "), "{}", ran.stderr);
    let found = rows(&ran.stdout, "PID  NAME");
    let first: Vec<&[String]> = found.iter().map(|row| &row[..4]).collect();
    let name = "fixture";
    assert_eq!(first, [[&pids[0], name, "12", "USR2"], [&pids[1], name, "1", "HUP"]]);
}

#[test]
fn chosen_ones_are_looked_into_by_one_run() {
    let fixture = fixture(&["--name", "sample-inside", "--catch", "USR2"]);
    let pid = fixture.pid.to_string();
    let ran = run(["decode-status", "--handlers", "--name", "sample-inside"]);
    if ran.code != Some(0) {
        return skipped(ran.stderr.trim());
    }
    let found = rows(&ran.stdout, "PID");
    assert!(found.iter().any(|row| row[..2] == [pid.as_str(), "sample-inside"]), "{}", ran.stdout);
    assert!(ran.stderr.contains("read with BPF; no process was stopped"), "{}", ran.stderr);
}

#[test]
fn a_text_has_no_inside() {
    let refused = |arguments: &[&str]| {
        let ran = run(["decode-status"].iter().chain(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        ran.stderr
    };
    let texts =
        "sigtool: --handlers cannot be combined with a text or a mask (it inspects running processes)\n";
    for arguments in
        [&["--handlers", "-"][..], &["--handlers", "--file", "x"], &["--handlers", "--mask", "1"]]
    {
        assert_eq!(refused(arguments), texts);
    }
    for (arguments, word) in [
        (&["--queue", "--proc", "/proc", "1"][..], "--queue cannot be combined with --proc"),
        (&["--queue", "--pids", "--all"], "--queue cannot be combined with --pids"),
        (&["--handlers", "--require", "caught=TERM", "1"], "--handlers cannot be combined with --require"),
        (&["--backend", "bpf", "1"], "--backend requires --handlers or --queue"),
        (&["--verbose", "1"], "--verbose requires --handlers or --queue"),
        (&["--handlers", "--backend", "gdb", "1"], "invalid value 'gdb'"),
        (
            &["--handlers", "--format", "prometheus", "1"],
            "--handlers and --queue cannot be combined with --format prometheus",
        ),
    ] {
        let said = refused(arguments);
        assert!(said.contains(word), "{said}");
    }
}

/// As a user without rights: the error says which are missing, and nothing is
/// tried.
#[test]
fn another_users_process_is_left_alone() {
    let fixture = fixture(&["--catch", "USR1"]);
    let target = fixture.pid.to_string();
    let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    // By its descriptor: the user may not reach the folder that it lies in.
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let started = Command::new("setpriv")
        .args(user)
        .args(["/proc/self/fd/0", "decode-status", "--handlers", &target])
        .stdin(Stdio::from(binary))
        .output();
    let Ok(output) = started else { return skipped("setpriv is missing") };
    let ran = Ran::from(output);
    if ran.stderr.starts_with("setpriv") {
        return skipped(ran.stderr.trim());
    }
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.starts_with(&format!("sigtool: {target} (fixture, uid 0): cannot inspect: ")));
    for word in ["BPF: ", "CAP_BPF and CAP_PERFMON are missing", "ptrace: ", "CAP_SYS_PTRACE"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(ran.stdout.starts_with(&format!("Process  {target} (fixture)")), "the rest is shown");
}

/// As the same user, without the rights that BPF takes.
#[test]
fn the_own_process_is_seen_by_ptrace() {
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let started = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["bash", "-c", "trap : USR1; /proc/self/fd/0 decode-status --handlers $$; echo status $?"])
        .stdin(Stdio::from(binary))
        .output();
    let Ok(output) = started else { return skipped("setpriv is missing") };
    let ran = Ran::from(output);
    if !ran.stdout.contains("status 0") {
        return skipped(ran.stderr.trim());
    }
    let (seen, why) = ("Seen by  ptrace; the process was stopped for ", "(BPF: not permitted: CAP_BPF");
    assert!(ran.stdout.contains(seen) && ran.stdout.contains(why), "{}", ran.stdout);
    assert!(rows(&ran.stdout, "NUM  SIGNAL  HANDLER").iter().any(|row| row[1] == "USR1"), "{}", ran.stdout);
}

/// Told to end while the process does not stop, it ends by that signal.
#[test]
fn who_waits_is_ended_by_a_signal() {
    let fixture = Fixture::start(["--catch", "USR1", "--vfork"]);
    let pid = fixture.pid.to_string();
    for end in ["INT", "TERM"] {
        let mut command = sigtool(["decode-status", "--handlers", "--backend", "ptrace", &pid]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let is_traced = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
            !status.contains("TracerPid:\t0\n")
        };
        while !is_traced() {
            if child.try_wait().expect("ours").is_some() {
                let output = child.wait_with_output().expect("ours");
                return skipped(String::from_utf8_lossy(&output.stderr).trim());
            }
            std::thread::yield_now();
        }
        let signal = name::parse(end, Arch::NATIVE).expect("a signal");
        send::to_pid(child.id(), Some(signal), None).expect("ours");
        let output = child.wait_with_output().expect("ours");
        assert_eq!(output.status.signal(), Some(signal.get().into()), "{output:?}");
        assert!(!is_traced() && output.stdout.is_empty());
    }
}

/// In another mount namespace the file is found where the process has it.
#[test]
fn functions_are_found_in_the_processes_own_files() {
    let Some(ran) = in_namespace(
        "d=$(mktemp -d) && mount -t tmpfs none $d && cp $FIXTURE $d/moved && chmod 755 $d/moved
        $d/moved --catch USR1 > $d/out & while ! grep -q ready $d/out 2>/dev/null; do :; done
        rm $d/moved
        $SIGTOOL decode-status --handlers $! ; echo status $?; umount -l $d",
    ) else {
        return;
    };
    if !ran.stdout.contains("status 0") {
        return skipped(ran.stderr.trim());
    }
    assert!(ran.stdout.contains("moved (deleted)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("state::handler"), "{}", ran.stdout);
}

/// Starts a program with this name, in this folder, that catches USR1. Removes its
/// file once it runs, if that is asked.
fn renamed(folder: &Folder, name: &[u8], removed: bool) -> (Child, String) {
    let program = folder.join(OsStr::from_bytes(name));
    // Not by fs::copy: what is open for writing when another test forks cannot
    // be executed.
    let copied = Command::new("cp").arg(fixture_path()).arg(&program).status().expect("cp");
    assert!(copied.success());
    let mut child =
        Command::new(&program).args(["--catch", "USR1"]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("it speaks");
    assert!(line.starts_with("ready "), "{line}");
    if removed {
        std::fs::remove_file(&program).expect("it is there");
    }
    let pid = child.id().to_string();
    (child, pid)
}

/// What is gone is told apart from what is only called so; a name that is no
/// UTF-8 is escaped, and in JSON has U+FFFD.
#[test]
fn a_library_has_its_own_name() {
    let folder = Folder::new();
    for (name, removed, text, json) in [
        (&b"gone"[..], true, "gone (deleted)", "gone"),
        (b"here (deleted)", false, "here\\x20(deleted)", "here (deleted)"),
        (b"both (deleted)", true, "both\\x20(deleted) (deleted)", "both (deleted)"),
        (b"br\xffoken", false, "br\\xffoken", "br\u{fffd}oken"),
    ] {
        let (mut child, pid) = renamed(&folder, name, removed);
        let shown = run(["decode-status", "--handlers", &pid]);
        let document = run(["decode-status", "--handlers", "--json", &pid]);
        child.kill().expect("our own child");
        child.wait().expect("it ends");
        if shown.code != Some(0) {
            return skipped(shown.stderr.trim());
        }
        let row = shown.stdout.lines().find(|line| line.contains("state::handler")).expect("a row");
        assert!(row.contains(&format!("  {text}  ")), "{row}");
        let document: Value = serde_json::from_str(&document.stdout).expect("JSON");
        let handler = &handlers(&document["processes"][0])[0];
        assert_eq!((&handler["library"], &handler["deleted"]), (&json.into(), &removed.into()));
        assert!(handler["path"].as_str().is_some_and(|path| path.ends_with(json)), "{handler}");
    }
}
