//! Helpers that the end-to-end tests share: they run the binary, the fixture
//! and shell scripts.

pub mod schema;
pub mod seccomp;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sigtool::signal::{Arch, SignalSet};

/// The binary under test.
pub const SIGTOOL: &str = env!("CARGO_BIN_EXE_sigtool");

/// Resets the dispositions that a parent of the tests may have set to ignore.
/// A shell ignores INT and QUIT for background jobs, nohup ignores HUP. Children
/// inherit this.
fn reset_dispositions() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ignorable = SignalSet::parse("HUP,INT,QUIT,TERM,CHLD,TSTP,TTIN,TTOU", Arch::NATIVE);
        ignorable.expect("names").iter().for_each(sigtool::sys::signal::signalfd::set_default_disposition);
    });
}

/// Returns a command that runs sigtool without a terminal and without forced
/// colour.
pub fn sigtool(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    reset_dispositions();
    let mut command = Command::new(SIGTOOL);
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.env("PATH", searchable_path()).stdin(Stdio::null());
    command
}

/// The output and the exit status of a command.
pub struct CommandResult {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl From<Output> for CommandResult {
    fn from(output: Output) -> CommandResult {
        CommandResult {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// Runs sigtool until it exits. Checks JSON output against its schema.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CommandResult {
    let arguments: Vec<OsString> =
        arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    let result = CommandResult::from(sigtool(&arguments).output().expect("sigtool runs"));
    // An argument that is not UTF-8 is an operand, which check_run does not
    // need.
    let words: Vec<&str> = arguments.iter().map(|argument| argument.to_str().unwrap_or_default()).collect();
    schema::check_run(&words, &result.stdout);
    result
}

/// Runs sigtool until it exits, with `input` on its standard input.
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> CommandResult {
    let mut child = sigtool(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sigtool runs");
    let written = child.stdin.take().expect("a pipe").write_all(input);
    let result = CommandResult::from(child.wait_with_output().expect("sigtool ends"));
    written.expect("sigtool reads its input");
    schema::check_run(arguments, &result.stdout);
    result
}

/// Returns the path of the fixture, which `cargo test` builds as an example.
pub fn fixture_path() -> PathBuf {
    reset_dispositions();
    let tests = std::env::current_exe().expect("the test's own path");
    let target = tests.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    let path = target.join("examples/fixture");
    assert!(path.exists(), "{} is missing: `cargo test` builds it", path.display());
    path
}

/// A process in a prepared signal state. Killed when dropped.
pub struct Fixture {
    child: Child,
    pub pid: u32,
    /// The TIDs of its additional threads, in the order of the arguments,
    /// then the PID of its child, if any.
    pub ids: Vec<u32>,
}

impl Fixture {
    /// Starts the fixture and waits until it is ready.
    pub fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Fixture {
        Fixture::start_command(Command::new(fixture_path()).args(arguments))
    }

    /// Starts a command that executes the fixture, and waits until it is
    /// ready.
    pub fn start_command(command: &mut Command) -> Fixture {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the fixture runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the fixture prints a line");
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("ready"), "the fixture printed {line:?}");
        let mut ids = words.map(|argument| argument.parse().expect("an id"));
        let pid = ids.next().expect("its own id");
        assert_eq!(pid, child.id());
        Fixture { pid, ids: ids.collect(), child }
    }
}

impl Fixture {
    /// Waits until the process exits. Returns the signal that terminated it,
    /// if any.
    pub fn terminating_signal(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").signal()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A zombie only needs to be reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary directory that every user may enter. Removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sigtool-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Prints that a test or a part of it is skipped, and why. The test runner
/// does not capture this line, so it is shown even if the test passes.
pub fn skipped(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {} ({name})", reason.trim());
}

/// Returns PATH without the directories that the current user may not search.
/// execvp(3) fails with EACCES instead of ENOENT if it meets one of them.
pub fn searchable_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.join(".").exists());
    std::env::join_paths(folders).expect("they come from PATH")
}

/// Runs a shell script as the init of a new PID namespace, where signals
/// cannot reach other processes. Sets `$SIGTOOL`, `$KILL` (the same binary named
/// `kill`), `$FIXTURE` and a private `$TMPDIR`. PIDs start above the largest
/// signal number. Prints the reason and returns `None` if namespaces are not
/// available.
pub fn in_namespace(script: &str) -> Option<CommandResult> {
    let (folder, links) = (Folder::new(), Folder::new());
    let kill = links.join("kill");
    std::os::unix::fs::symlink(SIGTOOL, &kill).expect("a link");
    // A faulty script must not block the tests: timeout kills unshare, which
    // ends every process in the namespace.
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", "unshare"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c"])
        .arg(format!("echo inside >&2; echo 1000 > /proc/sys/kernel/ns_last_pid\n{script}"))
        .env("SIGTOOL", SIGTOOL)
        .env("KILL", &kill)
        .env("FIXTURE", fixture_path())
        .env("TMPDIR", &folder.0)
        .stdin(Stdio::null())
        .output();
    let result: CommandResult = match output {
        Ok(output) => output.into(),
        Err(error) => {
            skipped(&format!("unshare: {error}"));
            return None;
        }
    };
    match result.stderr.strip_prefix("inside\n") {
        Some(stderr) => Some(CommandResult { stderr: stderr.to_owned(), ..result }),
        None => {
            skipped(&format!("no pid namespace here: {}", result.stderr.trim()));
            None
        }
    }
}

/// Returns a command that runs the binary under the name `kill`.
pub fn kill_command() -> Command {
    let mut command = Command::new(SIGTOOL);
    command.arg0("kill");
    command
}

/// Runs the binary under the name `kill` until it exits.
pub fn kill(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CommandResult {
    let output = kill_command().args(arguments).stdin(Stdio::null()).output();
    output.expect("kill runs").into()
}
