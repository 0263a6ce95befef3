//! `sigtool watch -- COMMAND` on a terminal: a real shell with job control on a
//! new pseudo-terminal.

mod ending;
mod namespace;
mod resume;
mod stop;

use std::process::{Command, Stdio};

use super::{file, log};
use crate::support::{SIGTOOL, skipped};

/// Python functions that start a program on a terminal, type keys and read the
/// output.
const TERMINAL_FUNCTIONS: &str = r#"
import os, pty, re, select, signal, sys, time
sigtool, listener, *more = sys.argv[1:]
seen, at = "", 0
def start(*words):
    global typist, fd
    typist, fd = pty.fork()
    if typist == 0:
        os.environ.update(PS1="ready> ", SIGTOOL=sigtool, LISTENER=listener)
        os.execvp(words[0], words)
def shell():
    start("bash", "--norc", "--noprofile", "-i")
    expect("ready> ")
    # noflsh: output that follows the signal of a key must not be flushed.
    keys("stty -echo noflsh; PS1='re''ady> '\n")
    expect("ready> ")
def expect(wanted):
    global seen, at
    end = time.monotonic() + 30
    while True:
        found = re.search(wanted, seen[at:])
        if found:
            at += found.end()
            return found
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (wanted, seen))
        try: seen += os.read(fd, 4096).decode()
        except OSError: sys.exit("ended: %r" % seen)
def keys(text):
    os.write(fd, text.encode())
def wait_for_value(wanted, read_value):
    end = time.monotonic() + 30
    while (found := read_value()) != wanted:
        if time.monotonic() > end: sys.exit("%r, not %r: %r" % (found, wanted, seen))
        os.sched_yield()
def state(pid):
    return re.search(r"State:\t(.)", open("/proc/%s/status" % pid).read()).group(1)
def states(pids):
    return "".join(map(state, pids))
# A signal that sigtool has not received yet would merge with the next one.
def idle(pid):
    status = lambda: open("/proc/%s/status" % pid).read()
    wait_for_value(("S", "0" * 16), lambda: re.search(r"(?s)State:\t(.).*ShdPnd:\t(\w+)", status()).groups())
# Waits for the exit and returns the status.
def status():
    global seen
    try:
        while text := os.read(fd, 4096): seen += text.decode()
    except OSError: pass
    return os.waitpid(typist, 0)[1]
def end():
    if seen.endswith("ready> "): keys("exit\n")
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(typist, 0)[1])
    print(seen)
    return status
"#;

/// The command: prints each INT, or each signal named by its argument, and each
/// line. A shell trap could be delayed by its `read`.
const LISTENER: &str = r#"
import os, select, signal, sys
name = sys.argv[1] if sys.argv[1:] else "INT"
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
signal.signal(getattr(signal, "SIG" + name), lambda *_: None)
# In one write, because the prompt of a shell could come between several.
def report(*words): os.write(1, (" ".join(map(str, words)) + "\n").encode())
# The PIDs outside the PID namespace, which has no /proc mount.
parent = [line.split()[1] for line in open("/proc/self/status") if line.startswith("PPid:")]
report("pids", os.readlink("/proc/self"), *parent)
count, line = 0, ""
while line != "end":
    ready = select.select([0, reader], [], [])[0]
    if reader in ready:
        for _ in os.read(reader, 64):
            count += 1
            report(name.lower(), count)
    if 0 in ready:
        line = os.read(0, 64).decode().strip()
        report("<%s>" % line)
os._exit(5)
"#;

/// Runs a script and returns the output of the terminal. Prints the reason and
/// returns `None` if there is no terminal.
fn run_on_terminal(script: &str, more: &[&str]) -> Option<String> {
    let script = format!("{TERMINAL_FUNCTIONS}{script}");
    let mut typist = Command::new("python3");
    typist.args(["-c", &script, SIGTOOL, LISTENER]).args(more).stdin(Stdio::null());
    let Ok(output) = typist.output() else {
        skipped("python3 is missing");
        return None;
    };
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if stderr.contains("out of pty devices") || stderr.contains("No module named") {
        skipped(&stderr);
        return None;
    }
    assert!(output.status.success(), "{more:?}: {stderr}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A shell that runs the command, stops it and continues it. Both the command and
/// sigtool stop, unless sigtool is the init of a namespace.
const SESSION: &str = r#"
options, log, before, stopped = more
shell()
keys(before + "$SIGTOOL watch %s --json --log %s -- python3 -c \"$LISTENER\"\n" % (options, log))
pids = expect(r"pids (\d+) (\d+)").groups()
keys("a\n"); expect("<a>")
keys("\x03"); expect("int 1")
keys("b\n"); expect("<b>")
for round in range(2):
    idle(pids[1]); keys("\x1a"); expect("Stopped"); expect("ready> ")
    wait_for_value(stopped, lambda: states(pids))
    keys("fg\n")
    keys("c\n"); expect("<c>")
keys("\x03"); expect("int 2")
keys("end\n"); expect("<end>"); expect("ready> ")
keys("echo status $?\n"); expect(r"status 5\b"); expect("ready> ")
end()
"#;

/// Runs SESSION. Returns the output of the terminal and the number of forwarded
/// INTs in the log, or `None` if there is no terminal.
fn session(options: &str, before: &str, stopped: &str) -> Option<(String, usize)> {
    let path = file(&format!("job{options}{stopped}"));
    let seen = run_on_terminal(SESSION, &[options, path.to_str().expect("UTF-8"), before, stopped])?;
    let sent = log(&path).into_iter().filter(|event| event.signal == "INT" && event.forwarded != Some(None));
    Some((seen, sent.count()))
}

#[test]
fn shell_stops_and_continues_command_as_job() {
    let Some((seen, forwarded)) = session("", "", "TT") else { return };
    // The terminal itself sends INT to the command.
    assert_eq!(forwarded, 0, "{seen}");
    assert!(!seen.contains("int 3"), "{seen}");
}

#[test]
fn foreground_group_is_handed_over_and_restored() {
    let Some((seen, forwarded)) = session("--group", "", "TT") else { return };
    assert_eq!(forwarded, 0, "{seen}");
    assert!(!seen.contains("int 3"), "{seen}");
}

/// sigtool leads the session, so no shell could continue it. Ctrl-Z stops neither
/// sigtool nor the command.
#[test]
fn command_is_not_a_job_without_shell() {
    let script = r#"
start(sigtool, "watch", *more, "--quiet", "--", "bash", "-c", 'trap "echo cont" CONT; stty -echo; echo up; while :; do if read -r line; then echo "<$line>"; fi; done')
expect("up")
keys("\x1a")
keys("a\n"); expect("<a>")
print("status", end())
"#;
    for options in [&[][..], &["--group"]] {
        let Some(seen) = run_on_terminal(script, options) else { return };
        // The terminal hangs up, and HUP terminates the command.
        assert!(seen.ends_with("status 129\n"), "{options:?}: {seen}");
    }
}
