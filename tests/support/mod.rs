//! What the end-to-end tests share: the real binary, and the fixture.

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

/// Makes what the tests start begin with default actions, whatever the tests were
/// started by: a shell ignores INT and QUIT for what it runs beside it, nohup HUP.
fn begin_by_default() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = SignalSet::parse("HUP,INT,QUIT,TERM,CHLD,TSTP,TTIN,TTOU", Arch::NATIVE);
        told.expect("names").iter().for_each(sigtool::sys::signal::signalfd::set_default_disposition);
    });
}

/// A command of sigtool's, as in a pipe: no terminal, no colour forced.
pub fn sigtool(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    begin_by_default();
    let mut command = Command::new(SIGTOOL);
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.env("PATH", searchable_path()).stdin(Stdio::null());
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

/// Runs sigtool to its end. JSON that it prints must be as its schema says.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    let arguments: Vec<OsString> = arguments.into_iter().map(|word| word.as_ref().to_owned()).collect();
    let ran = Ran::from(sigtool(&arguments).output().expect("sigtool runs"));
    // What is not UTF-8 is an operand: no word that is looked for.
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    schema::check_run(&words, &ran.stdout);
    ran
}

/// The same with a text on its standard input.
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = sigtool(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sigtool runs");
    let written = child.stdin.take().expect("a pipe").write_all(input);
    let ran = Ran::from(child.wait_with_output().expect("sigtool ends"));
    written.expect("sigtool reads its input");
    schema::check_run(arguments, &ran.stdout);
    ran
}

/// The launcher that `cargo test` builds beside the tests.
pub fn fixture_path() -> PathBuf {
    begin_by_default();
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
        Fixture::start_by(Command::new(fixture_path()).args(arguments))
    }

    /// Starts one by a command that becomes the fixture.
    pub fn start_by(command: &mut Command) -> Fixture {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the fixture runs");
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

impl Fixture {
    /// The signal that ends it; waits for the end, which must be on its way.
    pub fn ended_by(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").signal()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Ended already where it was to become a zombie; waiting is all then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder for one test, which every user may enter; removed when
/// dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates it.
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sigtool-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    /// The path of a file in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Prints that a test, or a part of it, is skipped, and why. The test runner does
/// not capture it: the line is shown although the test passes.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {} ({name})", why.trim());
}

/// PATH without the folders that the user of the tests may not search. execvp(3)
/// fails with EACCES instead of ENOENT if it meets one of them.
pub fn searchable_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.join(".").exists());
    std::env::join_paths(folders).expect("they come from PATH")
}

/// Runs a shell script as the init of a pid namespace of its own, where no
/// signal can reach anybody else. `$SIGTOOL`, `$KILL` (the same binary under that
/// name), `$FIXTURE` and a `$TMPDIR` of its own are set, and process ids are beyond
/// the numbers of signals. `None` where namespaces are not to be had, which is
/// said.
pub fn in_namespace(script: &str) -> Option<Ran> {
    let (folder, links) = (Folder::new(), Folder::new());
    let kill = links.join("kill");
    std::os::unix::fs::symlink(SIGTOOL, &kill).expect("a link");
    // A mistake in a script must not hang the tests: timeout ends unshare, and
    // with it everything in the namespace.
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
    let ran: Ran = match output {
        Ok(output) => output.into(),
        Err(error) => {
            skipped(&format!("unshare: {error}"));
            return None;
        }
    };
    match ran.stderr.strip_prefix("inside\n") {
        Some(stderr) => Some(Ran { stderr: stderr.to_owned(), ..ran }),
        None => {
            skipped(&format!("no pid namespace here: {}", ran.stderr.trim()));
            None
        }
    }
}

/// The binary under the name `kill`.
pub fn kill_command() -> Command {
    let mut command = Command::new(SIGTOOL);
    command.arg0("kill");
    command
}

/// Runs it to its end.
pub fn kill(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    let output = kill_command().args(arguments).stdin(Stdio::null()).output();
    output.expect("kill runs").into()
}
