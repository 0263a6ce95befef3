//! Processes that block every process that reads their memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{Folder, run, skipped};

/// The tests must not overlap, because each counts all processes that are not
/// examined.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The server of a file whose pages never arrive, and its child that has mapped
/// the file. Dropping this ends both, and releases every process that waits for a
/// page.
struct Hostile {
    server: Child,
    folder: PathBuf,
    pid: String,
    _alone: MutexGuard<'static, ()>,
}

impl Hostile {
    /// Prints the reason and returns `None` if the target cannot be started.
    fn start(name: &str, more: &[&str]) -> Option<Hostile> {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/hostile/arguments.c");
        let folder = std::env::temp_dir().join(format!("sigtool-hostile-{name}-{}", std::process::id()));
        let programs = Folder::new();
        let program = programs.join("hostile");
        let compiler = Command::new("cc").args(["-O1", "-pthread", "-o"]).arg(&program).arg(source).output();
        match compiler {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!("cc: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                skipped(&format!("cc: {error}"));
                return None;
            }
        }
        fs::create_dir(&folder).expect("a folder");
        let server = Command::new(&program)
            .arg(&folder)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut hostile = Hostile { server, folder, pid: String::new(), _alone: alone };
        let mut line = String::new();
        let stdout = hostile.server.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it prints a line");
        match line.trim().strip_prefix("ready ") {
            Some(pid) => pid.clone_into(&mut hostile.pid),
            None => {
                skipped(line.trim().trim_start_matches("skipped: "));
                return None;
            }
        }
        Some(hostile)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        // The server exits when its standard input is closed.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
        let _ = fs::remove_dir(&self.folder);
    }
}

#[test]
fn selection_reports_command_line_that_never_arrives() {
    let Some(hostile) = Hostile::start("arguments", &[]) else { return };
    let late = "sigtool: skipped 1 process: cannot read the command line (timeout)\n";
    // The command line of the server contains the directory.
    let folder = hostile.folder.to_str().expect("a path");
    let server = hostile.server.id().to_string();
    let result = run(["send", "-0", "--dry-run", "--match", folder, "--json"]);
    assert_eq!((result.code, &*result.stderr), (Some(0), late));
    assert!(
        result.stdout.contains(&format!("\"pid\":{server}"))
            && !result.stdout.contains(&format!("\"pid\":{}", hostile.pid)),
        "{}",
        result.stdout
    );
    let result = run(["decode-status", "--match", folder, "--pids"]);
    assert_eq!((result.code, &*result.stdout, &*result.stderr), (Some(0), &*format!("{server}\n"), late));
    // The kernel's name of the process may be the start of this name.
    let result = run(["decode-status", "--name", "arrives-never-at-all", "--pids"]);
    assert_eq!((result.code, &*result.stdout, &*result.stderr), (Some(1), "", late));
    // Other criteria exclude the process without its command line.
    let result = run(["decode-status", "--match", folder, "--pids", "--parent", "1"]);
    assert_eq!((result.code, &*result.stderr), (Some(1), "sigtool: no process matches\n"));
    // A process given by PID is signalled. The message uses the kernel's name of
    // it.
    let result = run(["send", "-0", "--verbose", &hostile.pid]);
    assert_eq!(result.code, Some(0), "{}", result.stderr);
    assert!(result.stdout.contains("arrives-never-a"), "{}", result.stdout);
}

#[test]
fn effect_is_unknown_if_signal_set_never_arrives() {
    let Some(hostile) = Hostile::start("set", &["set"]) else { return };
    let result = run(["send", "-TERM", "--dry-run", &hostile.pid]);
    assert!(
        result.code == Some(0) && result.stdout.contains("probably terminates it"),
        "{} {}",
        result.stdout,
        result.stderr
    );
}
