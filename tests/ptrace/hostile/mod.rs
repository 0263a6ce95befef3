//! Targets that attack the process that inspects them. The programs are in
//! tests/fixture/hostile.

mod attacks;
mod credentials;
mod pages;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sigtool::sys::process::pidfd::PidFd;
use sigtool::sys::signal::send;

use crate::ptrace::wait_until;
use crate::support::{CommandResult, SIGTOOL, skipped};

/// Much longer than sigtool needs, even on a loaded machine.
const BOUND: Duration = Duration::from_secs(20);

/// The binary that inspects. `SIGTOOL_BINARY` can name another one.
fn binary() -> OsString {
    std::env::var_os("SIGTOOL_BINARY").unwrap_or_else(|| SIGTOOL.into())
}

/// A directory with compiled programs that all users may enter. Removed when
/// dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// Compiles these programs into a new directory. Prints the reason and
    /// returns `None` if that is not possible.
    fn with(programs: &[&str]) -> Option<Scratch> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if send::effective_uid() != 0 {
            skipped("not root");
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sigtool-hostile-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory");
        let scratch = Scratch(path);
        set_mode(&scratch.0, 0o755);
        programs.iter().all(|program| scratch.compile(program, &["-pthread"])).then_some(scratch)
    }

    /// Also compiles the setuid program.
    fn with_setuid(programs: &[&str]) -> Option<Scratch> {
        let scratch = Scratch::with(programs)?;
        let sections =
            ["gadget=0x10000000", "victim=0x10001000"].map(|at| format!("-Wl,--section-start=.{at}"));
        let options = ["-static", "-no-pie", &sections[0], &sections[1]];
        if !scratch.compile("setuid_program", &options) {
            return None;
        }
        set_mode(&scratch.path("setuid_program"), 0o4755);
        let mut command = scratch.command_of_nobody("setuid_program");
        let result = command.stdin(Stdio::null()).output().map(CommandResult::from);
        match result {
            Ok(result) if result.stdout == "unchanged as 0\n" => Some(scratch),
            Ok(result) => {
                skipped(&format!(
                    "setuid has no effect in {}: {}{}",
                    scratch.0.display(),
                    result.stdout,
                    result.stderr
                ));
                None
            }
            Err(error) => {
                skipped(&format!("setpriv: {error}"));
                None
            }
        }
    }

    fn compile(&self, program: &str, options: &[&str]) -> bool {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/hostile");
        let mut command = Command::new("cc");
        command.args(["-O2", "-Wall", "-Werror", "-o"]).arg(self.path(program));
        command.arg(folder.join(program).with_extension("c")).args(options);
        match command.output() {
            Ok(output) if output.status.success() => true,
            Ok(output) => panic!("{program}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                skipped(&format!("cc: {error}"));
                false
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A command that runs as another user.
    fn command_of_nobody(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(self.path(program)).current_dir(&self.0);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.current_dir(&self.0);
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// A running hostile program. Killed when dropped.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pid: u32,
}

impl Program {
    /// Starts a program and waits until it is ready.
    ///
    /// # Errors
    /// The line that it printed instead.
    fn start(command: &mut Command) -> Result<Program, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut program = Program { pid: child.id(), child, stdin, stdout };
        match program.line() {
            line if line == format!("ready {}", program.pid) => Ok(program),
            line => Err(line),
        }
    }

    /// Starts a program and waits until one of its threads is in pause(2).
    fn start_paused(command: &mut Command) -> Result<Program, String> {
        let program = Program::start(command)?;
        wait_until(|| {
            let entries = std::fs::read_dir(format!("/proc/{}/task", program.pid)).expect("it lives");
            let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path().join("syscall")));
            paths.any(|path| std::fs::read(path).is_ok_and(|text| text.starts_with(b"34 ")))
        });
        Ok(program)
    }

    /// Reads the next line that it prints; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    /// Sends a command and returns the answer.
    fn ask(&mut self, command: &str) -> String {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(format!("{command}\n").as_bytes()).expect("it reads");
        self.line()
    }

    /// Lets the program exit and returns the rest of its output.
    fn finish(mut self) -> String {
        self.stdin = None;
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).expect("text");
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command `sigtool decode-status --handlers --backend ptrace`.
fn inspect(pid: u32) -> Command {
    let mut command = Command::new(binary());
    command.args(["decode-status", "--handlers", "--backend", "ptrace", &pid.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Returns true if a child exits in time. Kills it otherwise.
fn exits_in_time(child: &mut Child) -> bool {
    let pidfd = PidFd::open(child.id()).expect("it was not waited for");
    let has_exited = pidfd.wait_for_exit(BOUND).expect("it can be waited for");
    if !has_exited {
        let _ = child.kill();
    }
    has_exited
}
