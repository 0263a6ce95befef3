//! What the end-to-end tests share: the real binary, and the fixture.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

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
