//! A child in a signal state that is said to the last bit: fork(2) and
//! execve(2) by hand, for every way of the library's changes something.

use std::ffi::{CString, OsStr, OsString, c_char, c_int};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use libc::pid_t;

use crate::signal::exit_status::Termination;
use crate::signal::{Signal, SignalSet};
use crate::sys::signal::mask;
use crate::sys::signal::send::check_syscall;

/// The state that a command starts in. What is named nowhere stays as it is in
/// this process.
#[derive(Clone, Copy, Debug)]
pub struct ChildSignalState {
    /// What it blocks, and nothing else.
    pub blocked: SignalSet,
    /// What it does not ignore.
    pub default_signals: SignalSet,
    /// What it ignores, also where it stands in `default`.
    pub ignored: SignalSet,
}

/// Why a command did not start.
#[derive(Debug)]
pub enum SpawnError {
    /// It could not be executed.
    ExecFailed(io::Error),
    /// There is no process for it.
    ForkFailed(io::Error),
}

/// What execve(2) is given, made before fork(2): between the two nothing may be
/// allocated.
struct ExecArgs {
    /// Where the program may be, in the order of PATH.
    paths: Vec<CString>,
    /// Its words.
    arguments: Vec<CString>,
}

unsafe extern "C" {
    /// The environment of this process (environ(7)).
    static environ: *const *const c_char;
}

/// Starts a command; in a process group of its own, and in the foreground of
/// this terminal, if that is asked for. All signals must be blocked.
///
/// # Errors
/// Why it did not start.
pub fn spawn(
    words: &[OsString],
    state: ChildSignalState,
    own_group: bool,
    terminal: Option<BorrowedFd<'_>>,
) -> Result<u32, SpawnError> {
    let program = ExecArgs::new(words).map_err(SpawnError::ExecFailed)?;
    let arguments = argv_pointers(&program.arguments, &[]);
    // A file without a format of its own is a shell script (execvp(3)).
    let mut script = argv_pointers(&program.arguments, &[c"/bin/sh".as_ptr(), std::ptr::null()]);
    let (told, tells) = pipe().map_err(SpawnError::ForkFailed)?;
    // SAFETY: this process has one thread, so the child may do what it may; it
    // does nothing but system calls, and ends in execve(2) or _exit(2).
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        prepare_child(state, own_group, terminal);
        let error = try_exec(&program.paths, &arguments, &mut script);
        // SAFETY: the bytes are those of an integer; _exit(2) does not return.
        unsafe {
            libc::write(tells.as_raw_fd(), (&raw const error).cast(), size_of::<c_int>());
            libc::_exit(127)
        }
    }
    check_syscall(pid.into()).map_err(SpawnError::ForkFailed)?;
    if own_group {
        // The child does it, too: whoever comes first. It fails once that has
        // executed its program.
        // SAFETY: setpgid(2) takes plain numbers.
        unsafe { libc::setpgid(pid, pid) };
    }
    drop(tells);
    let mut error = [0; size_of::<c_int>()];
    let pid = u32::try_from(pid).map_err(|error| SpawnError::ForkFailed(io::Error::other(error)))?;
    match File::from(told).read_exact(&mut error) {
        // Closed by execve(2).
        Err(_) => Ok(pid),
        Ok(()) => {
            reap_blocking(pid);
            Err(SpawnError::ExecFailed(io::Error::from_raw_os_error(c_int::from_ne_bytes(error))))
        }
    }
}

/// What the child does before it executes its program.
fn prepare_child(state: ChildSignalState, own_group: bool, terminal: Option<BorrowedFd<'_>>) {
    // SAFETY: both take plain numbers, 0 being the caller. SIGTTOU, which a
    // process of the background would stop by, is blocked still.
    unsafe {
        if own_group {
            libc::setpgid(0, 0);
        }
        if let Some(terminal) = terminal {
            libc::tcsetpgrp(terminal.as_raw_fd(), libc::getpid());
        }
    }
    state.default_signals.iter().for_each(|signal| mask::set_disposition(signal, libc::SIG_DFL));
    state.ignored.iter().for_each(|signal| mask::set_disposition(signal, libc::SIG_IGN));
    let _ = mask::change_mask(libc::SIG_SETMASK, state.blocked);
}

/// Tries each path; gives the error where none can be executed, of the first
/// that is there.
fn try_exec(paths: &[CString], arguments: &[*const c_char], script: &mut [*const c_char]) -> c_int {
    let mut error = libc::ENOENT;
    for path in paths {
        // SAFETY: arrays of C strings that end with a null pointer and outlive
        // the calls; environ is one, too, and nothing changes it. The second
        // place of `script` is kept for the path.
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
            let beside = |folder: &[u8]| match folder {
                // An empty folder is the current one.
                b"" => c_string(&[b"./", name].concat()),
                folder => c_string(&[folder, b"/", name].concat()),
            };
            path.split(|byte| *byte == b':').map(beside).collect::<io::Result<_>>()?
        };
        let words = words.iter().map(|word| c_string(word.as_bytes())).collect::<io::Result<_>>()?;
        Ok(ExecArgs { paths, arguments: words })
    }
}

/// The words as execve(2) takes them; behind others, without the first.
fn argv_pointers(words: &[CString], before: &[*const c_char]) -> Vec<*const c_char> {
    let rest = words.iter().skip(usize::from(!before.is_empty())).map(|word| word.as_ptr());
    before.iter().copied().chain(rest).chain([std::ptr::null()]).collect()
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: pipe2(2) fills in two descriptors, which are then ours alone.
    unsafe {
        check_syscall(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC).into())?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Becomes the parent of descendants whose own parent ends
/// (PR_SET_CHILD_SUBREAPER in prctl(2)).
///
/// # Errors
/// What prctl(2) says.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: this option takes a plain number.
    check_syscall(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }.into())
}

/// What is left of the children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildrenState {
    /// This one has ended, and waits to be reaped.
    Exited(u32),
    /// There are some, and none has ended.
    Running,
    /// There is none.
    None,
}

/// Looks for a child that has ended, and leaves it as it is.
pub fn peek_exited() -> ChildrenState {
    match waitid(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
        Err(_) => ChildrenState::None,
        Ok(None) => ChildrenState::Running,
        Ok(Some((pid, _))) => ChildrenState::Exited(pid),
    }
}

/// Reaps this child, if it has ended.
pub fn try_reap(pid: u32) -> Option<Termination> {
    let mut status = 0;
    let pid = pid_t::try_from(pid).ok().filter(|pid| *pid > 0)?;
    // SAFETY: waitpid(2) fills in the status, and the number is positive.
    let answer = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    if answer == pid { Termination::from_wait_status(status) } else { None }
}

/// The signal that this child has stopped by, told once for each stop.
pub fn poll_stopped(pid: u32) -> Option<Signal> {
    let (_, status) = waitid(libc::P_PID, pid, libc::WSTOPPED | libc::WNOHANG).ok()??;
    Signal::new(u8::try_from(status).ok()?)
}

/// Whether this child has been continued since it stopped; told once.
pub fn poll_continued(pid: u32) -> bool {
    matches!(waitid(libc::P_PID, pid, libc::WCONTINUED | libc::WNOHANG), Ok(Some(_)))
}

/// waitid(2): the child and its status, where one is as asked for.
fn waitid(kind: libc::idtype_t, id: u32, options: c_int) -> io::Result<Option<(u32, c_int)>> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: waitid(2) fills in a whole siginfo, or leaves its zeroes, which
    // are valid; the fields are those that it sets.
    unsafe {
        check_syscall(libc::waitid(kind, id, info.as_mut_ptr(), options).into())?;
        let info = info.assume_init();
        Ok(u32::try_from(info.si_pid()).ok().filter(|pid| *pid != 0).map(|pid| (pid, info.si_status())))
    }
}

fn reap_blocking(pid: u32) {
    let pid = pid_t::try_from(pid).unwrap_or(0);
    // SAFETY: waitpid(2) may be given a null status; the number is a child's.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}
