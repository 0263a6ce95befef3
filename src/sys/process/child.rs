//! Commands that start in an exact signal state, and the states of children.
//!
//! The commands are started by fork(2) and execve(2) directly, because every function
//! of the libraries changes something in the signal state.

use std::ffi::{CString, OsStr, OsString, c_char, c_int};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use libc::pid_t;
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::{Pid, getpid, setpgid, tcsetpgrp};

use crate::signal::exit_status::Termination;
use crate::signal::{Signal, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::check_syscall;

/// The signal state in which a command starts. Dispositions of other signals are
/// inherited from this process.
#[derive(Clone, Copy, Debug)]
pub struct ChildSignalState {
    /// The whole signal mask.
    pub blocked: SignalSet,
    /// The signals with the default disposition.
    pub default_signals: SignalSet,
    /// The ignored signals. Overrides `default_signals`.
    pub ignored: SignalSet,
}

/// The reason why a command did not start.
#[derive(Debug)]
pub enum SpawnError {
    /// execve(2) failed.
    ExecFailed(io::Error),
    /// fork(2), or the preparation for it, failed.
    ForkFailed(io::Error),
}

/// The arguments of execve(2), prepared before fork(2), because the child must not
/// allocate.
struct ExecArgs {
    /// The possible paths of the program, in the order of PATH.
    paths: Vec<CString>,
    /// The argument vector.
    arguments: Vec<CString>,
}

unsafe extern "C" {
    /// The environment of this process (environ(7)).
    static environ: *const *const c_char;
}

/// Starts a command and returns its PID. With `own_group` it starts in a new process
/// group, and with a terminal in the foreground of that terminal. All signals must be
/// blocked.
///
/// # Errors
/// The reason why the command did not start.
pub fn spawn(
    words: &[OsString],
    state: ChildSignalState,
    own_group: bool,
    terminal: Option<BorrowedFd<'_>>,
) -> Result<u32, SpawnError> {
    let program = ExecArgs::new(words).map_err(SpawnError::ExecFailed)?;
    let arguments = argv_pointers(&program.arguments, &[]);
    // A file of an unknown format is a shell script (execvp(3)).
    let mut script = argv_pointers(&program.arguments, &[c"/bin/sh".as_ptr(), std::ptr::null()]);
    // execve(2) closes the writer; otherwise the child writes its error.
    let (mut error_reader, error_writer) = io::pipe().map_err(SpawnError::ForkFailed)?;
    // SAFETY: this process has one thread, so no lock is held in the child. The child
    // only makes system calls, and ends with execve(2) or _exit(2).
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        prepare_child(state, own_group, terminal);
        let error = try_exec(&program.paths, &arguments, &mut script);
        // SAFETY: the bytes are those of an integer; _exit(2) does not return.
        unsafe {
            libc::write(error_writer.as_raw_fd(), (&raw const error).cast(), size_of::<c_int>());
            libc::_exit(127)
        }
    }
    check_syscall(pid.into()).map_err(SpawnError::ForkFailed)?;
    if own_group {
        // The child makes the same call, so that the group exists when either continues.
        // The call fails if the child has already executed its program.
        let _ = setpgid(Pid::from_raw(pid), Pid::from_raw(pid));
    }
    drop(error_writer);
    let mut error = [0; size_of::<c_int>()];
    let pid = u32::try_from(pid).map_err(|error| SpawnError::ForkFailed(io::Error::other(error)))?;
    match error_reader.read_exact(&mut error) {
        Err(_) => Ok(pid),
        Ok(()) => {
            reap_blocking(pid);
            Err(SpawnError::ExecFailed(io::Error::from_raw_os_error(c_int::from_ne_bytes(error))))
        }
    }
}

/// Sets up the child before it executes its program.
fn prepare_child(state: ChildSignalState, own_group: bool, terminal: Option<BorrowedFd<'_>>) {
    if own_group {
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    }
    if let Some(terminal) = terminal {
        // SIGTTOU, which would stop a process in the background, is still blocked.
        let _ = tcsetpgrp(terminal, getpid());
    }
    state.default_signals.iter().for_each(|signal| mask::set_disposition(signal, libc::SIG_DFL));
    state.ignored.iter().for_each(|signal| mask::set_disposition(signal, libc::SIG_IGN));
    let _ = mask::change_mask(libc::SIG_SETMASK, state.blocked);
}

/// Executes the first path that can be executed. Returns the error if there is none:
/// that of the first file that exists.
fn try_exec(paths: &[CString], arguments: &[*const c_char], script: &mut [*const c_char]) -> c_int {
    let mut error = libc::ENOENT;
    for path in paths {
        // SAFETY: the arguments are arrays of C strings that end with a null pointer and
        // outlive the calls. So is environ, which this process does not change. The
        // second entry of `script` is reserved for the path.
        unsafe {
            libc::execve(path.as_ptr(), arguments.as_ptr(), environ);
            if io::Error::last_os_error().raw_os_error() == Some(libc::ENOEXEC) {
                script[1] = path.as_ptr();
                libc::execve(c"/bin/sh".as_ptr(), script.as_ptr(), environ);
            }
        }
        match io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOENT) {
            libc::ENOENT | libc::ENOTDIR if paths.len() > 1 => {}
            libc::EACCES if paths.len() > 1 => error = libc::EACCES,
            other => return other,
        }
    }
    error
}

impl ExecArgs {
    fn new(words: &[OsString]) -> io::Result<ExecArgs> {
        let c_string = |bytes: &[u8]| CString::new(bytes).map_err(io::Error::other);
        let name = words.first().map_or(&b""[..], |word| word.as_bytes());
        let paths = if name.is_empty() {
            Vec::new()
        } else if name.contains(&b'/') {
            vec![c_string(name)?]
        } else {
            let path = std::env::var_os("PATH");
            let path = path.as_deref().unwrap_or(OsStr::new("/bin:/usr/bin")).as_bytes();
            let in_directory = |directory: &[u8]| match directory {
                // An empty entry means the current directory.
                b"" => c_string(&[b"./", name].concat()),
                directory => c_string(&[directory, b"/", name].concat()),
            };
            path.split(|byte| *byte == b':').map(in_directory).collect::<io::Result<_>>()?
        };
        let arguments = words.iter().map(|word| c_string(word.as_bytes())).collect::<io::Result<_>>()?;
        Ok(ExecArgs { paths, arguments })
    }
}

/// The argument vector for execve(2). A `prefix` replaces the first argument.
fn argv_pointers(arguments: &[CString], prefix: &[*const c_char]) -> Vec<*const c_char> {
    let rest = arguments.iter().skip(usize::from(!prefix.is_empty())).map(|argument| argument.as_ptr());
    prefix.iter().copied().chain(rest).chain([std::ptr::null()]).collect()
}

/// Makes this process the parent of descendants whose parent exits
/// (PR_SET_CHILD_SUBREAPER in prctl(2)).
///
/// # Errors
/// The errors of prctl(2).
pub fn become_subreaper() -> io::Result<()> {
    Ok(set_child_subreaper(true)?)
}

/// The state of the children of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildrenState {
    /// The child of this PID has exited and is a zombie.
    Exited(u32),
    /// There are children, and none has exited.
    Running,
    /// There are no children.
    None,
}

/// Finds a child that has exited, without reaping it.
pub fn peek_exited() -> ChildrenState {
    match waitid(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
        Err(_) => ChildrenState::None,
        Ok(None) => ChildrenState::Running,
        Ok(Some((pid, _))) => ChildrenState::Exited(pid),
    }
}

/// Reaps a child if it has exited, and returns its exit status.
pub fn try_reap(pid: u32) -> Option<Termination> {
    let mut status = 0;
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0)?;
    // SAFETY: waitpid(2) fills in the status, which outlives the call.
    let result = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    if result == pid { Termination::from_wait_status(status) } else { None }
}

/// The signal that has stopped a child, reported once for each stop.
pub fn poll_stopped(pid: u32) -> Option<Signal> {
    let (_, status) = waitid(libc::P_PID, pid, libc::WSTOPPED | libc::WNOHANG).ok()??;
    Signal::new(u8::try_from(status).ok()?)
}

/// Whether a child has been continued since it stopped, reported once.
pub fn poll_continued(pid: u32) -> bool {
    matches!(waitid(libc::P_PID, pid, libc::WCONTINUED | libc::WNOHANG), Ok(Some(_)))
}

/// The PID and the status of a child in a state that the options select (waitid(2)).
/// The function of nix fails if the status is a real-time signal.
fn waitid(kind: libc::idtype_t, id: u32, options: c_int) -> io::Result<Option<(u32, c_int)>> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: waitid(2) fills in a whole siginfo, or leaves its zeroes, which are valid.
    // The fields that are read are those that it sets.
    unsafe {
        check_syscall(libc::waitid(kind, id, info.as_mut_ptr(), options).into())?;
        let info = info.assume_init();
        Ok(u32::try_from(info.si_pid()).ok().filter(|pid| *pid != 0).map(|pid| (pid, info.si_status())))
    }
}

fn reap_blocking(pid: u32) {
    let pid = pid_t::try_from(pid).unwrap_or(0);
    // SAFETY: a null status is valid for waitpid(2).
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}
