//! Processes that block whoever reads their memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{Folder, run, skipped};

/// Each test counts the processes that are not examined, of all there are.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The server of a file whose pages never arrive, and its child that has mapped the
/// file. Both end when this is dropped, and so does whoever waits for a page.
struct Hostile {
    server: Child,
    folder: PathBuf,
    pid: String,
    _alone: MutexGuard<'static, ()>,
}

impl Hostile {
    /// `None` if it cannot be there; the reason is printed.
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
        BufReader::new(stdout).read_line(&mut line).expect("it speaks");
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
        // Its standard input is closed first; a server that fails to end is killed.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
        let _ = fs::remove_dir(&self.folder);
    }
}

#[test]
fn selection_reports_command_line_that_never_arrives() {
    let Some(hostile) = Hostile::start("arguments", &[]) else { return };
    let late = "sigtool: 1 process not examined: its command line did not arrive in time\n";
    // The server itself has the folder in its command line.
    let folder = hostile.folder.to_str().expect("a path");
    let server = hostile.server.id().to_string();
    let ran = run(["send", "-0", "--dry-run", "--match", folder, "--json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), late));
    assert!(
        ran.stdout.contains(&format!("\"pid\":{server}"))
            && !ran.stdout.contains(&format!("\"pid\":{}", hostile.pid)),
        "{}",
        ran.stdout
    );
    let ran = run(["decode-status", "--match", folder, "--pids"]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), &*format!("{server}\n"), late));
    // The kernel's name of it may be the beginning of this one.
    let ran = run(["decode-status", "--name", "arrives-never-at-all", "--pids"]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(1), "", late));
    // Other criteria exclude it without its command line.
    let ran = run(["decode-status", "--match", folder, "--pids", "--parent", "1"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(1), "sigtool: no process matches\n"));
    // What is named is signalled, with the name that the kernel has.
    let ran = run(["send", "-0", "--verbose", &hostile.pid]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("arrives-never-a"), "{}", ran.stdout);
}

#[test]
fn effect_is_unknown_if_signal_set_never_arrives() {
    let Some(hostile) = Hostile::start("set", &["set"]) else { return };
    let ran = run(["send", "-TERM", "--dry-run", &hostile.pid]);
    assert!(
        ran.code == Some(0) && ran.stdout.contains("probably terminates it"),
        "{} {}",
        ran.stdout,
        ran.stderr
    );
}
