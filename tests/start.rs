//! Start and exit of sigtool: the inherited signal state, the standard
//! descriptors, and write errors.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::{SIGTOOL, fixture_path, run, schema, sigtool};

/// Returns sigtool's description of itself when it is started in a prepared
/// state.
fn own_state(settings: &[&str]) -> serde_json::Value {
    let output = Command::new(fixture_path())
        .args(settings)
        .args(["--", SIGTOOL, "decode-status", "--json", "self"])
        .output()
        .expect("the fixture runs");
    let text = String::from_utf8(output.stdout).expect("JSON");
    // The fixture's watcher prints `ready` to the same pipe.
    let line = text.lines().find(|line| line.starts_with('{')).expect("a document");
    schema::check("decode-status", line);
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn inherited_signal_state_is_not_disturbed() {
    // Resets signals that the test runner ignores, so that each row is complete.
    let clean = ["--default", "~[KILL STOP]"];
    for (settings, blocked, ignored) in [
        (&[][..], "[]", "[]"),
        (&["--ignore", "PIPE"], "[]", "[\"PIPE\"]"),
        (&["--ignore", "HUP,SEGV,BUS,RTMIN+1"], "[]", "[\"HUP\",\"BUS\",\"SEGV\",\"RTMIN+1\"]"),
        (&["--block", "PIPE,USR1,RTMAX"], "[\"USR1\",\"PIPE\",\"RTMAX\"]", "[]"),
        (&["--catch", "PIPE,TERM"], "[]", "[]"),
    ] {
        let state = own_state(&[&clean[..], settings].concat());
        let process = &state["processes"][0];
        assert_eq!(process["blocked"].to_string(), blocked, "{settings:?}");
        assert_eq!(process["ignored"].to_string(), ignored, "{settings:?}");
        assert_eq!(process["caught"].to_string(), "[]", "{settings:?}");
        assert_eq!(process["pending"].to_string(), "[]", "{settings:?}");
    }
}

#[test]
fn closed_output_pipe_ends_quietly() {
    for settings in [["--default", "PIPE"], ["--ignore", "PIPE"], ["--block", "PIPE"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(fixture_path())
            .args(settings)
            .args(["--", SIGTOOL, "list"])
            .stdout(writer)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{settings:?}: {output:?}");
    }
}

#[test]
fn full_disk_is_an_error() {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = sigtool(["list"]).stdout(full).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(message, "sigtool: standard output: No space left on device\n");
}

#[test]
fn closed_standard_descriptors_are_handled() {
    for (redirection, arguments, code) in [
        ("<&-", "list TERM", 0),
        (">&-", "list TERM", 125),
        ("2>&-", "list FOO", 2),
        ("<&- >&- 2>&-", "list TERM", 125),
        ("<&- 2>&-", "list TERM", 0),
        ("<&-", "decode-status -", 3),
        (">&-", "--help", 125),
    ] {
        let script = format!("exec \"$0\" {arguments} {redirection}");
        let output = Command::new("sh").args(["-c", &script, SIGTOOL]).output().expect("sh runs");
        assert_eq!(output.status.code(), Some(code), "{arguments} {redirection}: {output:?}");
    }
}

/// A file opened later must not get the descriptor number of a closed standard
/// output.
#[test]
fn opened_files_never_replace_standard_descriptors() {
    let path = std::env::temp_dir().join(format!("sigtool-start-{}", std::process::id()));
    let text = "SigBlk:\t0000000000000001\n";
    std::fs::write(&path, text).expect("a file");
    let script = "exec \"$0\" decode-status --file \"$1\" <&- >&- 2>&-";
    let status = Command::new("sh").args(["-c", script, SIGTOOL]).arg(&path).status().expect("sh runs");
    let mut after = String::new();
    File::open(&path).and_then(|mut file| file.read_to_string(&mut after)).expect("the file");
    std::fs::remove_file(&path).expect("the file");
    assert_eq!((status.code(), after.as_str()), (Some(125), text));
}

#[test]
fn help_and_version_succeed_and_missing_arguments_fail() {
    let help = run(["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("Usage: sigtool"), "{}", help.stdout);
    let version = run(["--version"]);
    assert_eq!(version.stdout, format!("sigtool {}\n", env!("CARGO_PKG_VERSION")));
    let nothing = run([""; 0]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(2), ""));
    assert!(nothing.stderr.contains("Usage: sigtool"), "{}", nothing.stderr);
}

#[test]
fn unknown_argument_is_named_with_nearest_match() {
    for (arguments, message) in [
        (&["lst"][..], "unrecognized subcommand 'lst'"),
        (&["list", "--encod", "TERM"], "unexpected argument '--encod' found"),
        (&["list", "--width", "0"], "invalid value '0' for '--width <N>'"),
        (&["list", "--format", "xml"], "invalid value 'xml' for '--format <FORMAT>'"),
        (&["list", "--json", "--format", "plain"], "cannot be used with"),
    ] {
        let result = run(arguments);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(
            result.stderr.starts_with("sigtool: ") && result.stderr.contains(message),
            "{}",
            result.stderr
        );
    }
}

#[test]
fn short_help_fits_80_columns() {
    let subcommands = ["list", "send", "watch", "decode-status", "completions"];
    let all = subcommands.iter().map(|subcommand| vec![*subcommand, "-h"]).chain([vec!["-h"]]);
    for arguments in all {
        let result = run(&arguments);
        assert!(result.stdout.lines().count() <= 24, "{arguments:?}: {}", result.stdout);
        for line in result.stdout.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
        let long = run(arguments.iter().map(|word| if *word == "-h" { "--help" } else { word }));
        for line in long.stdout.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?} --help: {line}");
        }
    }
}

/// Programs that sigtool runs (getent(1), for user names) start in the signal
/// state that sigtool inherited.
#[test]
fn inherited_signal_state_is_passed_on() {
    let folder = std::env::temp_dir().join(format!("sigtool-getent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = "#!/bin/sh\nexec grep Sig /proc/self/status > \"${0%/*}/seen\"\n";
    let getent = folder.join("getent");
    std::fs::write(&getent, script).expect("a script");
    std::fs::set_permissions(&getent, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let settings = ["--default", "~[KILL STOP]", "--ignore", "PIPE,USR1", "--block", "TERM,RTMIN"];
    // A UID without a user.
    let user = ["--reuid", "54321", "--regid", "54321", "--clear-groups"];
    let target = Command::new("setpriv").args(user).args(["sleep", "1000"]).spawn();
    let Ok(mut target) = target else { return crate::support::skipped("setpriv is missing") };
    while !std::fs::read_to_string(format!("/proc/{}/status", target.id()))
        .is_ok_and(|status| status.contains("Uid:\t54321"))
    {
        if target.try_wait().expect("setpriv").is_some() {
            return crate::support::skipped("setpriv may not change its user here");
        }
    }
    let decode = [SIGTOOL, "decode-status", &target.id().to_string()].map(str::to_owned);
    let result =
        Command::new(fixture_path()).args(settings).arg("--").args(decode).env("PATH", &path).output();
    let expected = Command::new(fixture_path())
        .args(settings)
        .args(["--", "grep", "Sig", "/proc/self/status"])
        .output()
        .expect("the fixture runs");
    target.kill().and_then(|()| target.wait()).expect("it ends");
    let seen = std::fs::read_to_string(folder.join("seen")).expect("getent has run");
    std::fs::remove_dir_all(&folder).expect("the folder");
    assert!(result.expect("the fixture runs").status.success());
    let masks = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("Sig") && !line.starts_with("SigQ"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(masks(&seen), masks(&String::from_utf8_lossy(&expected.stdout)));
    assert_eq!(masks(&seen).len(), 4);
}

/// The binary needs only the C library.
#[test]
fn binary_loads_no_library_except_libc() {
    let output = Command::new("ldd").arg(SIGTOOL).output();
    let Ok(output) = output else { return crate::support::skipped("ldd is missing") };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in text.lines().filter(|line| line.contains("=>")) {
        assert!(line.contains("libc.so"), "{text}");
    }
}
