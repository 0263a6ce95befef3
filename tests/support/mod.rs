//! What the end-to-end tests share: the real binary, and the fixture.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// The binary under test.
pub const SIGTOOL: &str = env!("CARGO_BIN_EXE_sigtool");

/// A command of sigtool's, as in a pipe: no terminal, no colour forced.
pub fn sigtool(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(SIGTOOL);
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

/// What a command printed, and its exit status.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// Runs sigtool to its end.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    sigtool(arguments).output().expect("sigtool runs").into()
}

/// Runs sigtool to its end with a text on its standard input.
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = sigtool(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sigtool runs");
    let written = child.stdin.take().expect("a pipe").write_all(input);
    let ran = child.wait_with_output().expect("sigtool ends").into();
    written.expect("sigtool reads its input");
    ran
}

/// The launcher that `cargo test` builds beside the tests.
pub fn fixture_path() -> PathBuf {
    let tests = std::env::current_exe().expect("the test's own path");
    let target = tests.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    let path = target.join("examples/fixture");
    assert!(path.exists(), "{} is missing: `cargo test` builds it", path.display());
    path
}

/// A process in a prepared signal state; ended when dropped.
pub struct Fixture {
    child: Child,
    /// Its process id.
    pub pid: u32,
    /// The ids of its further threads, or of its child, in the order asked for.
    pub ids: Vec<u32>,
}

impl Fixture {
    /// Starts one and waits until it is ready.
    pub fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Fixture {
        let mut child = Command::new(fixture_path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the fixture speaks");
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("ready"), "the fixture said {line:?}");
        let mut ids = words.map(|word| word.parse().expect("an id"));
        let pid = ids.next().expect("its own id");
        assert_eq!(pid, child.id());
        Fixture { pid, ids: ids.collect(), child }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Ended already where it was to become a zombie; waiting is all then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says on stderr that a test was left out here, and why.
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
