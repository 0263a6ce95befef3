//! The shell idioms that `watch` replaces: each is in the README and works.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Watch;
use crate::support::SIGTOOL;

/// Runs a line of the README in a shell and an empty directory. The commands
/// `reload` and `server` come first in PATH.
fn start(line: &str, folder: &Path) -> Watch {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    assert!(readme.replace("\\|", "|").contains(line), "the README does not show: {line}");
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, script) in [("reload", "echo reloaded"), ("server", "exec sigtool watch --count 1 TERM")] {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    }
    let binaries = Path::new(SIGTOOL).parent().expect("a folder");
    let path =
        format!("{}:{}:{}", folder.display(), binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    Watch::spawn(&mut shell)
}

fn folder(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("sigtool-idiom-{name}-{}", std::process::id()))
}

#[test]
fn idiom_waits_for_a_signal() {
    let folder = folder("wait");
    let watch = start("sigtool watch --count 1 USR1 && echo go", &folder);
    watch.send(&["-USR1"]);
    let (code, stdout, _) = watch.end();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert!(code == Some(0) && stdout.ends_with("\ngo\n"), "{stdout}");
}

#[test]
fn idiom_waits_for_a_signal_with_timeout() {
    let folder = folder("timeout");
    let watch = start("sigtool watch --count 1 --timeout 0.2s USR1 || echo \"too late: $?\"", &folder);
    let (code, stdout, _) = watch.end();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert!(code == Some(0) && stdout.ends_with("\ntoo late: 124\n"), "{stdout}");
}

/// Does the same for a line that runs `server`. The server reports that it is
/// ready; signals are sent to its parent, which is sigtool.
fn serve(line: &str, folder: &Path) -> Watch {
    let mut watch = start(line, folder);
    let status = std::fs::read_to_string(format!("/proc/{}/status", watch.pid)).expect("it lives");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).expect("a parent");
    watch.pid = parent.parse().expect("a process id");
    watch
}

#[test]
fn idiom_cleans_up_at_exit() {
    let folder = folder("exit");
    let watch = serve("touch lock; sigtool watch --on EXIT='rm -f lock' -- server", &folder);
    assert!(folder.join("lock").exists());
    watch.send(&["-TERM"]);
    let (code, _, _) = watch.end();
    let there = folder.join("lock").exists();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert_eq!((code, there), (Some(0), false));
}

#[test]
fn idiom_reloads_on_hup() {
    let folder = folder("hup");
    let watch = serve("sigtool watch --on HUP=reload --drop HUP -- server", &folder);
    watch.send(&["-HUP"]);
    watch.send(&["-TERM"]);
    let (code, stdout, stderr) = watch.end();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert!(code == Some(0) && stdout.contains("reloaded\n"), "{stdout}");
    assert!(stderr.contains("  dropped  ") && stderr.contains("  forwarded  "), "{stderr}");
}

#[test]
fn idiom_ignores_a_signal() {
    let folder = folder("ignore");
    // HUP would terminate the server with status 129.
    let watch = serve("sigtool watch --ignore HUP -- server", &folder);
    watch.send(&["-HUP"]);
    watch.send(&["-TERM"]);
    let (code, _, _) = watch.end();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert_eq!(code, Some(0));
}

#[test]
fn idiom_forwards_in_a_container() {
    let folder = folder("forward");
    let watch = serve("exec sigtool watch -- server", &folder);
    watch.send(&["-TERM"]);
    let (code, stdout, _) = watch.end();
    std::fs::remove_dir_all(folder).expect("the folder");
    assert!(code == Some(0) && stdout.contains("  TERM "), "{stdout}");
}

#[test]
fn idiom_logs_sender_of_term() {
    let folder = folder("log");
    let watch = serve("sigtool watch --json --log signals.log -- server", &folder);
    watch.send(&["-TERM"]);
    let (code, _, _) = watch.end();
    let log = std::fs::read_to_string(folder.join("signals.log")).expect("the log");
    std::fs::remove_dir_all(folder).expect("the folder");
    assert_eq!(code, Some(0));
    assert!(log.contains("\"signal\":\"TERM\"") && log.contains("\"verified\":true"), "{log}");
}
