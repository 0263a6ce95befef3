//! `decode-status --handlers` with every available backend.

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
use crate::support::{
    CommandResult, Fixture, Folder, SIGTOOL, fixture_path, in_namespace, run, sigtool, skipped,
};

/// Inspects a process with BPF and with ptrace, as far as they are available.
/// Returns one document per backend.
pub(super) fn inspect_with_each_backend(fixture: &Fixture, options: &[&str]) -> Vec<Value> {
    let by = |backend: &str| {
        let result = decode(fixture, &[options, &["--json", "--backend", backend]].concat());
        if result.code == Some(0) {
            let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
            return Some(document["processes"][0].clone());
        }
        assert!(result.stderr.contains("cannot inspect"), "{}", result.stderr);
        skipped(result.stderr.trim());
        None
    };
    ["bpf", "ptrace"].into_iter().filter_map(by).collect()
}

/// Returns the handlers in a document, which are the same with every backend.
fn handlers(process: &Value) -> &Vec<Value> {
    process["handlers"].as_array().expect("handlers")
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a word")).collect()
}

#[test]
fn handlers_name_function_of_each_caught_signal() {
    let fixture = fixture(&["--catch", "TERM,RTMAX", "--ignore", "HUP"]);
    let processes = inspect_with_each_backend(&fixture, &["--handlers"]);
    for process in &processes {
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
    if let [bpf, ptrace] = processes.as_slice() {
        assert_eq!(handlers(bpf), handlers(ptrace));
    }
}

#[test]
fn handlers_print_header_and_one_row_per_handler() {
    let fixture = fixture(&["--catch", "TERM,RTMAX"]);
    let result = decode(&fixture, &["--handlers"]);
    if result.code != Some(0) {
        return skipped(result.stderr.trim());
    }
    assert!(result.stdout.contains("\nSeen by  "), "{}", result.stdout);
    let found = rows(&result.stdout, "NUM  SIGNAL  HANDLER");
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
    assert!(result.stdout.contains(note), "{}", result.stdout);
    let full = decode(&fixture, &["--handlers", "--full"]).stdout;
    let header = full.lines().find(|line| line.contains("HANDLER")).expect("a header");
    assert!(header.ends_with("RESTORER") && header.contains("ADDRESS"), "{header}");
    assert_eq!(rows(&full, "NUM  SIGNAL  HANDLER")[0].len(), 8);
}

#[test]
fn handler_outside_code_is_a_problem() {
    let kernel = "ffffffff81000000";
    let nowhere = ["--catch", "HUP", "--catch-at", "10", "USR1", "--catch-at", "7ff000000000", "ALRM"];
    let elsewhere = ["--catch-at", "data", "USR2", "--catch-at", kernel, "TERM"];
    let fixture = fixture(&[&nowhere[..], &elsewhere].concat());
    for process in inspect_with_each_backend(&fixture, &["--handlers"]) {
        let all = handlers(&process);
        let known = |handler: &Value| {
            let text = |name: &str| handler[name].as_str().unwrap_or("").to_owned();
            (text("signal"), text("memory"), handler["executable"].as_bool().expect("it is known"))
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
        let reasons: Vec<&str> = findings
            .map(|finding| {
                assert_eq!(
                    (&finding["id"], &finding["severity"]),
                    (&"handler-unmapped".into(), &"problem".into())
                );
                finding["why"].as_str().and_then(|why| why.split_once(". ")).expect("a sentence").1
            })
            .collect();
        assert_eq!(
            reasons,
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
    let result = decode(&fixture, &["--handlers"]);
    if result.code == Some(0) {
        let libraries: Vec<String> =
            rows(&result.stdout, "NUM  SIGNAL").iter().map(|row| row[3].clone()).collect();
        let expected = ["fixture", "unmapped", "fixture (no code)", "unmapped", "[kernel] (no code)"];
        assert_eq!(libraries, expected);
    }
}

#[test]
fn process_without_handlers_is_not_inspected() {
    let fixture = fixture(&["--ignore", "HUP"]);
    let result = decode(&fixture, &["--handlers", "--queue", "--backend", "ptrace"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert!(result.stdout.contains("No signal is caught.\n\nNo signal is pending.\n"), "{}", result.stdout);
    for (options, nothing) in [
        (&["--handlers", "--queue"][..], "caught or pending"),
        (&["--handlers"], "caught"),
        (&["--queue"], "pending"),
    ] {
        let text = decode(&fixture, options).stdout;
        assert!(text.contains(&format!("\nSeen by  /proc only (no signal is {nothing})\n\n")), "{text}");
    }
    let plain = decode(&fixture, &[]).stdout;
    assert!(!plain.contains("Seen by"), "{plain}");
    let own = run(["decode-status", "--handlers", "--queue", "--json", "self"]);
    let document: Value = serde_json::from_str(&own.stdout).expect("JSON");
    let process = &document["processes"][0];
    assert_eq!((&process["means"], handlers(process).len()), (&Value::Null, 0));
    let zombie = self::fixture(&["--catch", "TERM", "--exit", "3"]);
    let result = decode(&zombie, &["--handlers"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert!(result.stdout.contains("The process has exited, so no handler will run"), "{}", result.stdout);
    assert!(result.stdout.contains("\nSeen by  /proc only (the process has exited)\n"), "{}", result.stdout);
}

#[test]
fn handlers_are_shown_for_thread_and_for_process_with_exited_leader() {
    let fixture = fixture(&["--catch", "USR2", "--thread", "", "--leader-exits"]);
    let thread = fixture.ids[0].to_string();
    for process in inspect_with_each_backend(&fixture, &["--handlers"]) {
        let symbol = handlers(&process)[0]["symbol"].as_str().expect("by the thread's mappings");
        assert!(symbol.ends_with("handler"), "{symbol}");
    }
    let result = run(["decode-status", "--handlers", &format!("{}/{thread}", fixture.pid)]);
    if result.code != Some(0) {
        return skipped(result.stderr.trim());
    }
    assert!(result.stdout.contains("fixture::state::handler"), "{}", result.stdout);
}

#[test]
fn several_processes_have_handler_rows_and_missing_one_is_reported() {
    let (one, other) = (fixture(&["--catch", "USR2"]), fixture(&["--catch", "HUP"]));
    let pids = [one.pid.to_string(), other.pid.to_string()];
    let result = run(["decode-status", "--handlers", &pids[0], &pids[1], NO_PROCESS]);
    assert_eq!(result.code, Some(3));
    assert!(result.stderr.contains("4194304: no such process"), "{}", result.stderr);
    if result.stderr.contains("cannot inspect") {
        return skipped(result.stderr.trim());
    }
    assert!(result.stderr.contains("sigtool: read with "), "{}", result.stderr);
    let found = rows(&result.stdout, "PID  NAME");
    let first: Vec<&[String]> = found.iter().map(|row| &row[..4]).collect();
    let name = "fixture";
    assert_eq!(first, [[&pids[0], name, "12", "USR2"], [&pids[1], name, "1", "HUP"]]);
}

#[test]
fn selected_processes_are_inspected_in_one_run() {
    let fixture = fixture(&["--name", "sample-inside", "--catch", "USR2"]);
    let pid = fixture.pid.to_string();
    let result = run(["decode-status", "--handlers", "--name", "sample-inside"]);
    if result.code != Some(0) {
        return skipped(result.stderr.trim());
    }
    let found = rows(&result.stdout, "PID");
    assert!(found.iter().any(|row| row[..2] == [pid.as_str(), "sample-inside"]), "{}", result.stdout);
    assert!(result.stderr.contains("read with BPF; no process was stopped"), "{}", result.stderr);
}

#[test]
fn text_cannot_be_inspected() {
    let refused = |arguments: &[&str]| {
        let result = run(["decode-status"].iter().chain(arguments));
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        result.stderr
    };
    let texts =
        "sigtool: --handlers cannot be combined with a text or a mask (it inspects running processes)\n";
    for arguments in
        [&["--handlers", "-"][..], &["--handlers", "--file", "x"], &["--handlers", "--mask", "1"]]
    {
        assert_eq!(refused(arguments), texts);
    }
    for (arguments, text) in [
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
        let message = refused(arguments);
        assert!(message.contains(text), "{message}");
    }
}

/// A user without rights gets an error that names the missing rights; nothing is
/// attempted.
#[test]
fn process_of_another_user_is_not_inspected() {
    let fixture = fixture(&["--catch", "USR1"]);
    let target = fixture.pid.to_string();
    let user = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    // The binary is opened here because the user may not enter its directory.
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let started = Command::new("setpriv")
        .args(user)
        .args(["/proc/self/fd/0", "decode-status", "--handlers", &target])
        .stdin(Stdio::from(binary))
        .output();
    let Ok(output) = started else { return skipped("setpriv is missing") };
    let result = CommandResult::from(output);
    if result.stderr.starts_with("setpriv") {
        return skipped(result.stderr.trim());
    }
    assert_eq!(result.code, Some(3), "{}", result.stderr);
    assert!(result.stderr.starts_with(&format!("sigtool: {target} (fixture, uid 0): cannot inspect: ")));
    for text in [
        "BPF is not permitted without CAP_BPF and CAP_PERFMON; ",
        "ptrace is not permitted without CAP_SYS_PTRACE",
    ] {
        assert!(result.stderr.contains(text), "{text}: {}", result.stderr);
    }
    assert!(result.stdout.starts_with(&format!("Process  {target} (fixture)")), "the rest is shown");
}

/// As the same user, without the capabilities that BPF needs.
#[test]
fn own_process_is_inspected_by_ptrace() {
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let started = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["bash", "-c", "trap : USR1; /proc/self/fd/0 decode-status --handlers $$; echo status $?"])
        .stdin(Stdio::from(binary))
        .output();
    let Ok(output) = started else { return skipped("setpriv is missing") };
    let result = CommandResult::from(output);
    if !result.stdout.contains("status 0") {
        return skipped(result.stderr.trim());
    }
    let (backend, why) =
        ("Seen by  ptrace; the process was stopped for ", "(BPF is not permitted without CAP_BPF");
    assert!(result.stdout.contains(backend) && result.stdout.contains(why), "{}", result.stdout);
    assert!(
        rows(&result.stdout, "NUM  SIGNAL  HANDLER").iter().any(|row| row[1] == "USR1"),
        "{}",
        result.stdout
    );
}

/// A termination signal ends sigtool while it waits for the process to stop.
#[test]
fn inspection_that_waits_ends_by_signal() {
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
            if child.try_wait().expect("it is a child of this process").is_some() {
                let output = child.wait_with_output().expect("it is a child of this process");
                return skipped(String::from_utf8_lossy(&output.stderr).trim());
            }
            std::thread::yield_now();
        }
        let signal = name::parse(end, Arch::NATIVE).expect("a signal");
        send::to_pid(child.id(), Some(signal), None).expect("it is a child of this process");
        let output = child.wait_with_output().expect("it is a child of this process");
        assert_eq!(output.status.signal(), Some(signal.get().into()), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        // Sigtool does not wait long for its tracer, which ends a moment later.
        crate::ptrace::wait_until(|| !is_traced());
    }
}

/// The file of a process in another mount namespace is found.
#[test]
fn functions_are_read_from_files_of_the_target() {
    let Some(result) = in_namespace(
        "d=$(mktemp -d) && mount -t tmpfs none $d && cp $FIXTURE $d/moved && chmod 755 $d/moved
        $d/moved --catch USR1 > $d/out & while ! grep -q ready $d/out 2>/dev/null; do :; done
        rm $d/moved
        $SIGTOOL decode-status --handlers $! ; echo status $?; umount -l $d",
    ) else {
        return;
    };
    if !result.stdout.contains("status 0") {
        return skipped(result.stderr.trim());
    }
    assert!(result.stdout.contains("moved (deleted)"), "{}", result.stdout);
    assert!(result.stdout.contains("state::handler"), "{}", result.stdout);
}

/// Starts a program with this name in this directory. It catches USR1. Removes
/// its file while it runs if `removed` is set.
fn start_renamed(folder: &Folder, name: &[u8], removed: bool) -> (Child, String) {
    let program = folder.join(OsStr::from_bytes(name));
    // Not with fs::copy: if another test forks while the file is open for
    // writing, it cannot be executed.
    let copied = Command::new("cp").arg(fixture_path()).arg(&program).status().expect("cp");
    assert!(copied.success());
    let mut child =
        Command::new(&program).args(["--catch", "USR1"]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("it prints a line");
    assert!(line.starts_with("ready "), "{line}");
    if removed {
        std::fs::remove_file(&program).expect("it is there");
    }
    let pid = child.id().to_string();
    (child, pid)
}

/// A deleted file is distinguished from a file with "(deleted)" in its name. A
/// name that is not UTF-8 is escaped; in JSON it contains U+FFFD.
#[test]
fn library_is_shown_with_its_name() {
    let folder = Folder::new();
    for (name, removed, text, json) in [
        (&b"gone"[..], true, "gone (deleted)", "gone"),
        (b"here (deleted)", false, "here\\x20(deleted)", "here (deleted)"),
        (b"both (deleted)", true, "both\\x20(deleted) (deleted)", "both (deleted)"),
        (b"br\xffoken", false, "br\\xffoken", "br\u{fffd}oken"),
    ] {
        let (mut child, pid) = start_renamed(&folder, name, removed);
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
